"""Derivatives of each example from the kernel, against those of the core, which defines them."""

import resource
from itertools import combinations

import array_api_strict as strict
import numpy as np
import pytest
from engine_equality import OUTPUT_OF
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.core import gauss_newton as core_gauss_newton
from chainrule.core import jacobians as core
from chainrule.core.catalogue import ACTIVATIONS, LOSSES, Activation, Loss, loss_named
from chainrule.core.network import Network
from chainrule.core.passes import forward
from chainrule.engines import compiled_jacobians, derivatives
from chainrule.engines.kernels import kernel, kernels, on_kernel
from chainrule.engines.outputs import outputs
from chainrule.errors import UsageError

pytestmark = pytest.mark.skipif(kernel() is None, reason="the kernel was not built")

SETS = list(kernels())
TOLERANCE = {"float64": 1e-11, "float32": 1e-4}


def a_network(sizes, activation="tanh", output=None, dtype="float64", **options):
    return Network.dense(
        sizes, activation, output_activation=output, init="uniform(-0.8,0.8)", seed=3, dtype=dtype, **options
    )


def examples(net, N=7):
    """X and Y of the network's dtype."""
    dtype = net.parameters[0].dtype
    rng = np.random.default_rng(N)
    X, Y = rng.normal(size=(N, net.sizes[0])), rng.uniform(0.1, 0.9, size=(N, net.sizes[-1]))
    return X.astype(dtype), Y.astype(dtype)


def assert_close(found, wanted, scale=None):
    """Equal within rounding, relative to the largest number."""
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    assert np.isfinite(wanted).all()
    largest = max(1e-3, float(np.abs(wanted).max()) if scale is None else scale)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE[str(wanted.dtype)] * largest)


def compare_all(net, N=7, **how):
    """Everything that the kernel computes of a network, with what the core computes."""
    X, Y = examples(net, N)
    record, k = forward(net, X), net.sizes[-1]
    for l, m in combinations(range(len(net.sizes)), 2):
        assert_close(compiled_jacobians.layer_jacobians(net, X, l, m, **how), core.layer_jacobians(net, record, l, m))
    loss = loss_named("half_squared_error")
    assert_close(compiled_jacobians.example_gradients(net, X, Y, loss, **how), core.example_gradients(net, X, Y, loss))
    H = np.random.default_rng(k).normal(size=(N, k, k)).astype(X.dtype)
    H = H + H.transpose(0, 2, 1)
    for pre_activations in (False, True):
        J = core.output_jacobians(net, record, pre_activations=pre_activations)
        assert_close(compiled_jacobians.output_jacobians(net, X, pre_activations=pre_activations, **how), J)
        wanted = core_gauss_newton.jacobian_products(net, record, Y, H, pre_activations)
        found = compiled_jacobians.jacobian_products(net, record, Y, H, pre_activations, **how)
        size = float(np.sum(J * J)) * float(np.abs(H).max())  # sums of both signs may cancel
        for one, other in zip(found, wanted, strict=True):
            assert_close(one, other, scale=size)
        assert (found[1] == found[1].T).all()
    return J


@pytest.fixture(params=SETS)
def instruction_set(request):
    return request.param


@pytest.mark.matrix(2)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("activation", [*ACTIVATIONS, "leaky_relu(0.2)", "elu(0.7)"])
def test_every_activation_hidden_and_at_the_output(activation, dtype, instruction_set):
    net = a_network([3, 5, 4, 2], ["tanh", activation, activation], dtype=dtype)
    J = compare_all(net, instruction_set=instruction_set)
    assert np.abs(J).max() > 0


SHAPES = [(1, 1), (3, 1), (1, 10, 1), (5, 1, 1, 3), (7, 33), (13, 16, 3), (2, 40, 70, 5), (66, 3, 130, 2), (2, 3, 97)]
OPTIONS = [{}, {"bias": False}, {"bias": "x0"}]


@pytest.mark.matrix
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("frozen", [None, 0, -1])
@pytest.mark.parametrize("sizes", SHAPES, ids=str)
def test_shapes_biases_and_frozen_layers(sizes, frozen, dtype, options, instruction_set):
    trainable = [True] * (len(sizes) - 1)
    if frozen is not None and len(trainable) > 1:
        trainable[frozen] = False
    net = a_network(sizes, "tanh", "softmax", dtype, trainable=trainable, **options)
    compare_all(net, N=5, instruction_set=instruction_set)


@pytest.mark.matrix(2)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", [*LOSSES, "huber(0.2)", "quantile(0.9)"])
def test_gradients_of_every_loss(name, dtype, instruction_set):
    loss = loss_named(name)
    output = OUTPUT_OF.get(name, "softmax" if name.startswith("quantile") else "identity")
    net = a_network([3, 6, 4], "tanh", output, dtype)
    X, Y = examples(net, 30)
    wanted = core.example_gradients(net, X, Y, loss)
    found = compiled_jacobians.example_gradients(net, X, Y, loss, instruction_set=instruction_set)
    assert_close(found, wanted)
    assert np.abs(wanted).max() > 0.01


@pytest.mark.parametrize(
    ("k", "N"), [(1, 1), (1, 95), (1, 97), (1, 1000), (3, 2), (3, 96), (3, 400), (100, 1), (100, 9)]
)
def test_many_examples_in_blocks_by_any_number_of_threads(k, N):
    net = a_network([4, 6, k], "tanh", "softmax" if k > 1 else "identity")
    X, Y = examples(net, N)
    record, H = forward(net, X), np.broadcast_to(np.eye(k), (N, k, k))
    assert_close(compiled_jacobians.output_jacobians(net, X), core.output_jacobians(net, record))
    loss, alone = loss_named("half_squared_error"), None
    for threads in (1, 2, 5):
        together = [
            compiled_jacobians.output_jacobians(net, X, threads=threads),
            compiled_jacobians.example_gradients(net, X, Y, loss, threads=threads),
            compiled_jacobians.layer_jacobians(net, X, 0, 2, threads=threads),
            *compiled_jacobians.jacobian_products(net, record, Y, H, False, threads=threads),
        ]
        alone = alone or together
        for one, other in zip(together, alone, strict=True):
            assert (one == other).all()  # the same bits
    for one, other in zip(alone[3:], core_gauss_newton.jacobian_products(net, record, Y, H, False), strict=True):
        assert_close(one, other)


@settings(max_examples=settings.default.max_examples * 2 // 5)
@given(data=st.data())
def test_architectures(data):
    sizes = data.draw(st.lists(st.integers(1, 36), min_size=2, max_size=5))
    L = len(sizes) - 1
    activations = data.draw(st.lists(st.sampled_from(["tanh", "softmax", "silu"]), min_size=L, max_size=L))
    trainable = data.draw(st.lists(st.booleans(), min_size=L, max_size=L).filter(any))
    bias = data.draw(st.sampled_from([True, False, "x0"]))
    net = a_network(sizes, activations, trainable=trainable, bias=bias)
    compare_all(net, data.draw(st.integers(1, 40)), instruction_set=data.draw(st.sampled_from(SETS)))


def test_finite_differences():
    net = a_network([3, 4, 3, 2], ["gelu", "softmax", "logistic"])
    X, _ = examples(net)
    found = compiled_jacobians.output_jacobians(net, X)
    w = np.concatenate([p.ravel() for p in net.parameters])

    def outputs(w):
        parts = np.split(w, np.cumsum([p.size for p in net.parameters])[:-1])
        moved = net.with_parameters([part.reshape(p.shape) for part, p in zip(parts, net.parameters, strict=True)])
        return forward(moved, X).output

    for i, step in enumerate(1e-5 * np.eye(w.size)):
        slope = (outputs(w + step) - outputs(w - step)) / 2e-5
        np.testing.assert_allclose(found[:, :, i], slope, rtol=1e-6, atol=1e-9)


def test_nothing_is_written_beyond_the_result():
    """Rows are stored in whole vectors; the last ones must not be."""
    for sizes in [(1, 1), (3, 1), (2, 3), (5, 7, 3), (4, 9, 17), (1, 1, 1)]:
        net = a_network(sizes)
        X, Y = examples(net, 3)
        for name in SETS:
            trainer, p = on_kernel(net, name), net.n_parameters
            room = np.full(3 * sizes[-1] * p + 64, 7.0)
            J = room[: 3 * sizes[-1] * p].reshape(3, sizes[-1], p)
            trainer.output_jacobians(X, [False] * len(net.layers), False, J, 1)
            assert (room[J.size :] == 7).all()
            assert_close(J, core.example_jacobians(net, X))
            room[:] = 7.0
            gradients = room[: 3 * p].reshape(3, p)
            trainer.example_gradients(X, Y, 0, 0.0, [False] * len(net.layers), gradients, 1)
            assert (room[gradients.size :] == 7).all()


def test_memory_does_not_grow():
    net = a_network([10, 16, 3])
    X, Y = examples(net, 300)
    record, H = forward(net, X), np.broadcast_to(np.eye(3), (300, 3, 3))

    def once():
        compiled_jacobians.output_jacobians(net, X)
        compiled_jacobians.example_gradients(net, X, Y, loss_named("half_squared_error"))
        compiled_jacobians.jacobian_products(net, record, Y, H, False, threads=2)

    for _ in range(20):
        once()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(300):
        once()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # KB on Linux, bytes on macOS
    assert grown < 8_000 * (1 if grown < 10**7 else 1024)


BAD = {
    "X too wide": lambda kit: kit | {"X": np.ones((5, 4))},
    "X of another dtype": lambda kit: kit | {"X": np.ones((5, 3), np.float32)},
    "X with gaps": lambda kit: kit | {"X": np.ones((5, 6))[:, ::2]},
    "X a vector": lambda kit: kit | {"X": np.ones(3)},
    "no rows": lambda kit: kit | {"X": np.ones((0, 3)), "out": np.ones((0, 2, 8))},
    "out of another dtype": lambda kit: kit | {"out": np.ones((5, 2, 8), np.float32)},
    "out too short": lambda kit: kit | {"out": np.ones((4, 2, 8))},
    "out too narrow": lambda kit: kit | {"out": np.ones((5, 2, 7))},
    "out in Fortran order": lambda kit: kit | {"out": np.ones((5, 2, 8), order="F")},
    "out a matrix": lambda kit: kit | {"out": np.ones((5, 16))},
    "a layer too many": lambda kit: kit | {"biases_first": [False, False]},
    "no threads": lambda kit: kit | {"threads": 0},
}


@pytest.mark.parametrize("name", BAD)
def test_the_kernel_refuses_what_does_not_fit(name, instruction_set):
    trainer = on_kernel(a_network([3, 2]), instruction_set)
    kit = {
        "X": np.ones((5, 3)),
        "biases_first": [False],
        "pre_activations": False,
        "out": np.ones((5, 2, 8)),
        "threads": 1,
    }
    trainer.output_jacobians(**kit)
    with pytest.raises((TypeError, ValueError)):
        trainer.output_jacobians(**BAD[name](kit))


def test_the_kernel_refuses_other_shapes_that_do_not_fit(instruction_set):
    trainer = on_kernel(a_network([3, 2]), instruction_set)
    X, Y, out, no = np.ones((5, 3)), np.ones((5, 2)), np.ones((5, 8)), [False]
    c, H, g, G = np.ones((5, 2)), np.ones((5, 2, 2)), np.ones(8), np.ones((8, 8))
    for Y_, loss, out_ in ((Y[:4], 0, out), (Y, 99, out), (Y, -1, out), (Y, 0, out[:, :7].copy()), (X, 0, out)):
        with pytest.raises((TypeError, ValueError)):
            trainer.example_gradients(X, Y_, loss, 0.0, no, out_, 1)
    for l, out_ in ((1, np.ones((5, 2, 2))), (-1, np.ones((5, 2, 3))), (0, np.ones((5, 2, 2)))):
        with pytest.raises((TypeError, ValueError)):
            trainer.layer_jacobians(X, l, out_, 1)
    for c_, H_, g_, G_ in ((c[:4], H, g, G), (c, H[:, :1].copy(), g, G), (c, H, g[:7], G), (c, H, g, np.ones((8, 7)))):
        with pytest.raises((TypeError, ValueError)):
            trainer.curvature(X, c_, H_, no, False, g_, G_, 1)


def asked_of_the_core(monkeypatch):
    """Make the kernel's functions fail, so that an answer can only come from the core."""

    def refuse(*_, **__):
        raise AssertionError("asked the kernel")

    for name in ("output_jacobians", "example_gradients", "layer_jacobians", "jacobian_products"):
        monkeypatch.setattr(compiled_jacobians, name, refuse)


def test_public_names_take_the_kernel(monkeypatch):
    net = a_network([3, 4, 2])
    X, Y = examples(net)
    wanted = (
        core.example_jacobians(net, X),
        core.example_gradients(net, X, Y),
        core.layer_jacobians(net, forward(net, X), 0, 2),
    )
    found = (
        cr.example_jacobians(net, X.tolist()),
        cr.example_gradients(net, X, Y),
        cr.layer_jacobians(net, forward(net, X), 0, 2),
    )
    for one, other in zip(found, wanted, strict=True):
        assert_close(one, other)
    for one, other in zip(cr.gauss_newton(net, X, Y), core_gauss_newton.gauss_newton(net, X, Y), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-14)
    asked_of_the_core(monkeypatch)
    for ask in (
        lambda: cr.example_jacobians(net, X),
        lambda: cr.example_gradients(net, X, Y),
        lambda: cr.layer_jacobians(net, forward(net, X), 0, 2),
        lambda: cr.gauss_newton(net, X, Y),
    ):
        with pytest.raises(AssertionError, match="asked the kernel"):
            ask()


def test_what_the_kernel_does_not_take_goes_to_the_core(monkeypatch):
    asked_of_the_core(monkeypatch)
    net = a_network([3, 4, 2])
    X, Y = examples(net)
    own = Activation("square", lambda Z: Z * Z, lambda Z, A, dC_dA: 2 * Z * dC_dA)
    theirs = net.with_parameters([strict.asarray(p) for p in net.parameters])
    mixed = net.with_parameters([net.parameters[0].astype(np.float32), *net.parameters[1:]])
    for other in (a_network([3, 4, 2], [own, "identity"]), mixed):
        assert (cr.example_jacobians(other, X) == core.example_jacobians(other, X)).all()
        assert (cr.example_gradients(other, X, Y) == core.example_gradients(other, X, Y)).all()
        assert (
            cr.layer_jacobians(other, forward(other, X), 0, 1) == core.layer_jacobians(other, forward(other, X), 0, 1)
        ).all()
        assert np.isfinite(cr.gauss_newton(other, X, Y).curvature).all()
    assert isinstance(cr.example_jacobians(theirs, strict.asarray(X)), type(strict.asarray(X)))
    assert cr.example_jacobians(net.astype("float32"), X).dtype == np.float64  # as NumPy promotes
    loss = Loss("own", lambda A, Y: ((A - Y) ** 4).sum(axis=1), lambda A, Y: 4 * (A - Y) ** 3)
    assert (cr.example_gradients(net, X, Y, loss) == core.example_gradients(net, X, Y, loss)).all()
    masked = forward(net, X, [np.full((7, 4), 2.0)])
    assert (cr.layer_jacobians(net, masked, 0, 2) == core.layer_jacobians(net, masked, 0, 2)).all()
    assert (cr.layer_jacobians(net, forward(net, X), 1, 1) == np.eye(4)).all()


def test_errors_are_those_of_the_core():
    net = a_network([3, 4, 2])
    X, Y = examples(net)
    frozen = a_network([3, 2], trainable=[False])
    cases = [
        (lambda: cr.example_jacobians(net, X[0]), "two dimensions"),
        (lambda: cr.example_jacobians(net, X[:, :2]), "X has 2 columns"),
        (lambda: cr.example_jacobians(net, X[:0]), "no rows"),
        (lambda: cr.example_jacobians(frozen, X), "no trainable layer"),
        (lambda: cr.example_gradients(net, X, Y[:3]), "3 rows for 7 examples"),
        (
            lambda: cr.example_gradients(net, X, Y, "softmax_categorical_cross_entropy"),
            "contains the output activation",
        ),
        (lambda: cr.example_gradients(net, X, Y, "no such"), "unknown|no loss"),
        (lambda: cr.layer_jacobians(net, forward(net, X), 2, 1), "0 <= l <= m"),
        (lambda: cr.layer_jacobians(net, forward(net, X), 0, 3), "0 <= l <= m"),
        (lambda: cr.layer_jacobians(net, X, 0, 1), "record must be"),
        (lambda: cr.gauss_newton(net, X, Y[:3]), "3 rows for 7 examples"),
        (lambda: cr.gauss_newton(net, X, Y, "absolute_error"), "no curvature"),
    ]
    for ask, message in cases:
        with pytest.raises(UsageError, match=message):
            ask()


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_outputs_alone(dtype):
    net = a_network([3, 40, 2], "gelu", "softmax", dtype)
    X, _ = examples(net, 1000)
    assert_close(outputs(net, X), forward(net, X).output)
    own = Activation("square", lambda Z: Z * Z, lambda Z, A, dC_dA: 2 * Z * dC_dA)
    for other in (a_network([3, 4, 2], [own, "identity"], dtype=dtype), net.astype("float64")):
        assert (outputs(other, X) == forward(other, X).output).all() or other.parameters[0].dtype == X.dtype
    for p in net.parameters:
        p.flags.writeable = False
    assert_close(outputs(net, X), forward(net, X).output)


def test_weights_that_cannot_be_written_or_lie_otherwise():
    net = a_network([3, 4, 2])
    X, _ = examples(net)
    wanted = core.example_jacobians(net, X)
    fortran = [np.asfortranarray(p) for p in net.parameters]
    for p in fortran:
        p.flags.writeable = False
    X.flags.writeable = False
    assert_close(derivatives.example_jacobians(net.with_parameters(fortran), np.asfortranarray(X)), wanted)


def test_frozen_layers_do_not_hinder_layer_jacobians(monkeypatch):
    net = a_network([3, 4, 2], trainable=[False, False])
    X, _ = examples(net)
    record = forward(net, X)
    assert_close(cr.layer_jacobians(net, record, 0, 2), core.layer_jacobians(net, record, 0, 2))


@pytest.mark.parametrize(
    "loss", ["half_squared_error", "softmax_categorical_cross_entropy", "categorical_cross_entropy"]
)
def test_levenberg_marquardt_goes_the_same_way(loss, monkeypatch):
    net = a_network([3, 4, 2], "tanh", "identity" if loss == "half_squared_error" else "softmax")
    X, Y = examples(net, 40)
    Y = Y / Y.sum(axis=1, keepdims=True)
    with_kernel = cr.fit(net, X, Y, loss=loss, solver="lm", epochs=8)
    monkeypatch.setattr("chainrule.engines.kernels.kernels", dict)
    without = cr.fit(net, X, Y, loss=loss, solver="lm", epochs=8)
    costs = [[row.cost for row in state.history] for state in (with_kernel, without)]
    np.testing.assert_allclose(costs[0], costs[1], rtol=1e-6)
    assert costs[0][-1] < costs[0][0]
