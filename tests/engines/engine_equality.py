"""Trains one network on two engines and compares everything that they return."""

import numpy as np

from chainrule.core.catalogue import loss_named
from chainrule.core.network import Network
from chainrule.core.update_rules import update_rule_named
from chainrule.engines import compiled, reference
from chainrule.engines.work import Work

# What an output activation can reach, so that no cost is infinite.
OUTPUT_OF = {
    "poisson": "exponential",
    "binary_cross_entropy": "logistic",
    "categorical_cross_entropy": "softmax",
    "logistic_binary_cross_entropy": "logistic",
    "softmax_categorical_cross_entropy": "softmax",
    "perceptron_criterion": "step",
}


def a_task(
    sizes=(3, 4, 2), activation="tanh", output=None, loss="half_squared_error", rule="gradient_descent", batch=4, N=10,
    dtype="float64", bias=True, trainable=None, weighted=False, classify=False, seed=0, **options,
):  # fmt: skip
    """Return a Work and a Network with numbers that suit the loss."""
    rng = np.random.default_rng(seed)
    reach = min(0.7, 2 / max(sizes) ** 0.5)  # so that rounding does not grow from update to update
    output = output or OUTPUT_OF.get(loss.partition("(")[0], "identity")
    net = Network.dense(
        sizes, activation, output_activation=output, bias=bias, trainable=trainable, seed=rng, dtype=dtype,
        init=f"uniform({-reach},{reach})",
    )  # fmt: skip
    X = rng.standard_normal((N, sizes[0])).astype(dtype)
    if classify or output in ("softmax", "logistic", "step"):
        columns = rng.integers(max(2, sizes[-1]), size=N)
        Y = np.eye(sizes[-1])[columns] if sizes[-1] > 1 else (columns[:, None] > 0).astype(float)
    else:
        Y = rng.uniform(0.1, 2.0, (N, sizes[-1]))
    s = rng.uniform(0.5, 2.0, N).astype(dtype) if weighted else None
    middle = 0.5 if classify else None
    work = Work(
        X, Y.astype(dtype), s, loss_named(loss), update_rule_named(rule), min(batch, N), middle=middle, **options
    )
    return work, net


def run_both(work, net, epochs=3, rate=0.1, seed=1, **how):
    """Run the reference engine and the compiled one; return both chunks."""
    rates = rate * np.linspace(1, 0.5, epochs * work.updates_per_epoch).reshape(epochs, -1)
    state = work.rule.init(net.trainable_parameters)
    wanted = reference.run(work, net, state, np.random.default_rng(seed), rates)
    generator = np.random.default_rng(seed)
    job = compiled.Job(work, net, state, generator, rates)
    (found,), interrupted = compiled.run_all([job], **how)
    assert not interrupted
    return wanted, found


def assert_equal(wanted, found, net, tolerance):
    """Compare numbers of every kind, each relative to the largest of its array; and see that something was learned."""
    assert found.end == "epochs"
    numbers = np.array([list(row) for row in wanted.epochs])
    np.testing.assert_allclose(found.epochs[:, :3], numbers, rtol=20 * tolerance, atol=20 * tolerance)
    pairs = list(zip(wanted.network.parameters, found.network.parameters, strict=True))
    for name, value in wanted.rule_state._asdict().items():
        other = getattr(found.rule_state, name)
        if isinstance(value, list):
            pairs += zip(value, other, strict=True)
        else:
            assert value == other
    for one, other in pairs:
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        scale = max(1e-3, float(np.abs(one).max()))
        np.testing.assert_allclose(other, one, rtol=0, atol=tolerance * scale)
    moved = [np.abs(new - old).max() for new, old in zip(found.network.trainable_parameters, net.trainable_parameters,
                                                         strict=True)]  # fmt: skip
    return max(moved)


TOLERANCE = {"float64": 1e-11, "float32": 2e-4}
