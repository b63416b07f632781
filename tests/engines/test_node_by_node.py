"""The engine without matrices equals the reference engine, refuses what it cannot do, and the choice is explained."""

import numpy as np
import pytest

from chainrule.core.catalogue import loss_named
from chainrule.core.network import Network
from chainrule.core.update_rules import update_rule_named
from chainrule.engines import node_by_node, reference
from chainrule.engines.choose import ENGINES, choose_engine
from chainrule.engines.work import NotFiniteError, Work
from chainrule.errors import UsageError


def work_for(X, Y, batch_size=1, loss="half_squared_error", rule="gradient_descent", **settings):
    return Work(X, Y, settings.pop("sample_weight", None), loss_named(loss), update_rule_named(rule), batch_size,
                middle=0.5, **settings)  # fmt: skip


def task(outputs):
    generator = np.random.default_rng(1)
    return generator.normal(size=(9, 3)), generator.integers(0, 2, (9, outputs)).astype(float)


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("batch_size", [9, 1, 4], ids=["batch", "incremental", "minibatch"])
@pytest.mark.parametrize("sizes", [(3, 4, 2), (3, 2, 3, 1), (3, 2)])
def test_equals_the_reference_engine(sizes, batch_size, reduction, shuffled):
    X, Y = task(sizes[-1])
    work = work_for(X, Y, batch_size, reduction=reduction, shuffle=shuffled)
    network = Network.dense(sizes, "logistic", init="uniform(-1,1)", seed=2)
    epochs = 15
    rates = np.linspace(0.9, 0.4, epochs * work.updates_per_epoch).reshape(epochs, -1)
    state = work.rule.init(network.parameters)
    generators = np.random.default_rng(4), np.random.default_rng(4)
    expected = reference.run(work, network, state, generators[0], rates)
    found = node_by_node.run(work, network, state, generators[1], rates)
    assert generators[0].bit_generator.state == generators[1].bit_generator.state
    drawn = generators[0].bit_generator.state != np.random.default_rng(4).bit_generator.state
    assert drawn == (shuffled and batch_size < 9)
    np.testing.assert_allclose(found.epochs, expected.epochs, rtol=1e-12)
    for a, b, first in zip(found.network.parameters, expected.network.parameters, network.parameters, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
        assert a.dtype == b.dtype
        assert not np.allclose(a, first, atol=1e-3)


def test_its_numbers_by_hand():
    """One node, one example: w = 0.5, bias 0, x = 2, d = 1.

    o = logistic(1) = 0.7310586; beta = d - o = 0.2689414; o (1 - o) beta = 0.0528770.
    The weight changes by eta o_i o (1 - o) beta = 0.1 * 2 * 0.0528770 = 0.0105754, the bias by 0.0052877.
    """
    network = Network.dense([1, 1], "logistic", weights=[np.array([[0.5]])])
    work = work_for(np.array([[2.0]]), np.array([[1.0]]))
    chunk = node_by_node.run(
        work, network, work.rule.init(network.parameters), np.random.default_rng(0), np.array([[0.1]])
    )
    assert chunk.network.weights[1].item() == pytest.approx(0.5105754, abs=1e-7)
    assert chunk.network.biases[1].item() == pytest.approx(0.0052877, abs=1e-7)
    assert chunk.epochs[0].cost == pytest.approx(0.5 * 0.2689414**2, abs=1e-7)


@pytest.mark.parametrize(
    ("network", "settings", "words"),
    [
        ({"activation": ["tanh", "logistic"]}, {}, "knows logistic activations only"),
        ({"bias": False}, {}, "layers with a bias vector"),
        ({"bias": "x0"}, {}, "layers with a bias vector"),
        ({"trainable": [False, True]}, {}, "that all learn"),
        ({}, {"loss": "sum_of_squares"}, 'half_squared_error only, not "sum_of_squares"'),
        ({}, {"loss": "logistic_binary_cross_entropy"}, 'not "logistic_binary_cross_entropy"'),
        ({}, {"rule": "adam"}, 'gradient_descent only, not "adam"'),
        ({}, {"rule": "momentum(0.5)"}, 'not "momentum\\(0.5\\)"'),
        ({}, {"weight_decay": 0.1}, "neither weight decay, clipping nor sample weights"),
        ({}, {"clip_norm": 1.0}, "clipping"),
        ({}, {"clip_value": 1.0}, "clipping"),
        ({}, {"sample_weight": np.ones(9)}, "sample weights"),
        ({}, {"dropout": (0.5,)}, "knows no dropout"),
    ],
)
def test_refuses_what_it_does_not_know(network, settings, words):
    X, Y = task(1)
    made = Network.dense([3, 2, 1], **{"activation": "logistic", "seed": 0, **network})
    work = work_for(X, Y, **settings)
    with pytest.raises(UsageError, match=words):
        node_by_node.run(
            work, made, work.rule.init(made.trainable_parameters), np.random.default_rng(0), np.ones((1, 9))
        )
    with pytest.raises(UsageError, match=words) as caught:
        choose_engine("node_by_node", work, made)
    assert 'Use engine="reference"' in str(caught.value)
    assert choose_engine("auto", work, made).name == "compiled"


def test_choice():
    X, Y = task(1)
    network, work = Network.dense([3, 2, 1], "logistic", seed=0), work_for(X, Y)
    for name in ENGINES:
        choice = choose_engine(name, work, network)
        assert choice.name in ENGINES
        assert choice.why
        assert callable(choice.run)
    assert choose_engine("node_by_node", work, network).run is node_by_node.run
    assert choose_engine("reference", work, network).run is reference.run
    with pytest.raises(
        UsageError, match=r'engine "nodes" is unknown.*Allowed: auto, compiled, reference, node_by_node'
    ):
        choose_engine("nodes", work, network)


@pytest.mark.parametrize("batch_size", [9, 1])
def test_never_hands_on_weights_that_are_not_finite(batch_size):
    X, Y = task(1)
    network, work = Network.dense([3, 2, 1], "logistic", seed=0), work_for(X * 1e160, Y * 1e10, batch_size)
    state, rates = work.rule.init(network.parameters), np.full((1, work.updates_per_epoch), 1e308)

    def train_until_it_breaks(network):
        for _ in range(5):
            network = node_by_node.run(work, network, state, np.random.default_rng(0), rates).network
            assert all(np.isfinite(p).all() for p in network.parameters)

    with pytest.raises(NotFiniteError) as caught:
        train_until_it_breaks(network)
    assert all(np.isfinite(p).all() for p in caught.value.network.parameters)
    assert caught.value.layer in (1, 2)
