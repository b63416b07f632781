"""Curvatures of the losses against autograd's Hessians, and G against its definition written out."""

import array_api_strict as strict
import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from autograd_oracle import ACTIVATIONS, FUSED_OUTPUT, LOSSES

from chainrule.core.catalogue import LOSSES as CATALOGUE
from chainrule.core.catalogue import FusedLoss, Loss, loss_named
from chainrule.core.gauss_newton import gauss_newton
from chainrule.core.jacobians import example_gradients, example_jacobians, output_jacobians
from chainrule.core.network import Network
from chainrule.core.passes import backward, forward
from chainrule.errors import UsageError

STRAIGHT = {"absolute_error", "quantile", "perceptron_criterion"}
BENT = [name for name in [*CATALOGUE, "huber(0.5)"] if name not in STRAIGHT]
X = np.random.default_rng(3).normal(size=(7, 3))
Y = np.eye(2)[[0, 1, 1, 0, 1, 0, 1]]


def network(output="softmax", **options):
    return Network.dense([3, 4, 2], ["tanh", output], init="uniform(-1,1)", seed=2, **options)


@pytest.mark.parametrize("targets", ["0 and 1", "between", "sum above 1"])
@pytest.mark.parametrize("name", BENT)
def test_curvature_is_the_second_derivative(name, targets):
    loss = loss_named(name)
    rng = np.random.default_rng(4)
    T = {"0 and 1": Y, "between": rng.uniform(0.05, 0.95, Y.shape), "sum above 1": Y + 0.4}[targets]
    Z = rng.normal(size=Y.shape)
    if isinstance(loss, FusedLoss):
        A = ACTIVATIONS[loss.activation](Z)
        found, at = loss.curvature(Z, A, T), Z
    else:
        A = ACTIVATIONS["softmax"](Z)
        found, at = loss.curvature(A, T), A
    assert found.shape == (7, 2, 2)
    for n in range(7):

        def cost(o, t=T[n : n + 1]):
            o = anp.reshape(o, (1, 2))
            a = ACTIVATIONS[FUSED_OUTPUT[name]](o) if name in FUSED_OUTPUT else o
            return anp.sum(LOSSES[name](o, a, t))

        np.testing.assert_allclose(found[n], autograd.hessian(cost)(at[n]), rtol=1e-7, atol=1e-9)
    assert np.abs(found).max() > 0.1
    theirs = loss.curvature(*[strict.asarray(M) for M in ((Z, A, T) if isinstance(loss, FusedLoss) else (A, T))])
    np.testing.assert_allclose(np.asarray(theirs), found, rtol=1e-12)


@pytest.mark.parametrize("name", BENT)
def test_huge_certainty_gives_no_nan(name):
    """At outputs of exactly 0 and 1 that are right, y / a^2 is taken by its limit."""
    loss = loss_named(name)
    with np.errstate(all="raise"):
        H = loss.curvature(Y * 40 - 20, Y, Y) if isinstance(loss, FusedLoss) else loss.curvature(Y, Y)
    assert np.isfinite(H).all()


@pytest.mark.matrix(5)
@pytest.mark.parametrize("largest_block", [1, 60, 10**6])
@pytest.mark.parametrize("weights", [None, np.linspace(0.5, 3, 7)], ids=["even", "weighted"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", BENT)
def test_every_part_by_its_definition(name, reduction, weights, largest_block):
    net = network(FUSED_OUTPUT.get(name, "softmax"))
    found = gauss_newton(net, X, Y, name, reduction=reduction, sample_weight=weights, largest_block=largest_block)
    record = forward(net, X)
    grads = backward(net, record, Y, name, reduction=reduction, sample_weight=weights)
    assert found.cost == pytest.approx(grads.cost, rel=1e-12)
    flat = np.concatenate([g.ravel() for g in grads.parameters])
    np.testing.assert_allclose(found.gradient, flat, rtol=1e-10, atol=1e-14)

    loss = loss_named(name)
    fused = isinstance(loss, FusedLoss)
    D = output_jacobians(net, record, pre_activations=fused)
    H = loss.curvature(record.z[-1], record.output, Y) if fused else loss.curvature(record.output, Y)
    s = np.ones(7) if weights is None else weights
    r = s / s.sum() if reduction == "mean" else s
    G = sum(r[n] * D[n].T @ H[n] @ D[n] for n in range(7))
    np.testing.assert_allclose(found.curvature, G, rtol=1e-10, atol=1e-13)
    assert np.linalg.eigvalsh(found.curvature).min() > -1e-12
    assert np.abs(G).max() > 1e-3


def test_for_a_linear_network_it_is_the_whole_hessian():
    net = Network.dense([3, 2], "softmax", init="uniform(-1,1)", seed=0)
    name = "softmax_categorical_cross_entropy"
    w = np.concatenate([p.ravel() for p in net.parameters])

    def gradient(v):
        moved = net.with_parameters([v[:6].reshape(3, 2), v[6:]])
        return example_gradients(moved, X, Y, name).mean(axis=0)

    h = 1e-6
    columns = [(gradient(w + h * e) - gradient(w - h * e)) / (2 * h) for e in np.eye(8)]
    np.testing.assert_allclose(gauss_newton(net, X, Y, name).curvature, np.array(columns), rtol=1e-6, atol=1e-8)


def test_squared_errors_give_j_transposed_j():
    net = network("identity", trainable=[False, True])
    J = example_jacobians(net, X).reshape(14, -1)
    assert J.shape == (14, 10)
    np.testing.assert_allclose(gauss_newton(net, X, Y, reduction="sum").curvature, J.T @ J, rtol=1e-12)


def test_array_api_strict():
    net = network()
    other = net.with_parameters([strict.asarray(p) for p in net.parameters])
    name = "softmax_categorical_cross_entropy"
    ours, theirs = gauss_newton(net, X, Y, name), gauss_newton(other, strict.asarray(X), strict.asarray(Y), name)
    np.testing.assert_allclose(np.asarray(theirs.curvature), ours.curvature, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(np.asarray(theirs.gradient), ours.gradient, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", sorted(STRAIGHT))
def test_losses_that_bend_nowhere_are_refused(name):
    with pytest.raises(UsageError, match=rf'loss "{name}" has no curvature .* solver="lbfgs"'):
        gauss_newton(network(FUSED_OUTPUT.get(name, "identity")), X, Y, name)


def test_an_own_loss_needs_its_curvature():
    parts = (lambda A, Y: ((A - Y) ** 4).sum(axis=1), lambda A, Y: 4 * (A - Y) ** 3)
    with pytest.raises(UsageError, match="of your own that states none"):
        gauss_newton(network(), X, Y, Loss("fourth", *parts))
    own = Loss("fourth", *parts, lambda A, Y: (12 * (A - Y) ** 2)[:, :, None] * np.eye(2))
    assert np.abs(gauss_newton(network(), X, Y, own).curvature).max() > 0
