"""The products of the tensor level can be multiplied as they stand, in every notation, and give what is drawn."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import derive, explain
from chainrule.explaining.expressions import Matrix, Product, Sum, Symbol, Transpose
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.quantities import Derivative, Quantity
from chainrule.explaining.symbolic import backpropagation_equations
from chainrule.explaining.trees import evaluate, substituted

SIZES = (2, 3, 2)
NET = cr.Network.dense(SIZES, "tanh", init="uniform(-1,1)", seed=3)
X, Y = np.array([[0.3, -1.2]]), np.array([[0.4, 0.1]])


def drawn(e, why):
    """A matrix of matrices as an array, its axes as they are drawn."""
    if isinstance(e, Matrix):
        return np.array([[drawn(entry, why) for entry in row] for row in e.rows])
    return evaluate(substituted(e, lambda s: Symbol(s.name, why.definitions.value(s.name))))


def moved_weights(l, notation):
    """For each weight as the notation lays them out, a network in which it alone is larger by h, and smaller."""
    W, h = NET.weights[l], 1e-6
    for at in np.ndindex(W.shape if notation.counting.from_to else W.shape[::-1]):
        ends = []
        for step in (h, -h):
            other = [V.copy() for V in NET.parameters]
            mine = next(i for i, V in enumerate(NET.parameters) if V is W or np.array_equal(V, W))
            other[mine][at if notation.counting.from_to else at[::-1]] += step
            ends.append(NET.with_parameters(other))
        yield at, *ends, 2 * h


@pytest.mark.parametrize("notation", sorted(PRESETS))
@pytest.mark.parametrize("l", [1, 2])
def test_the_tensors_of_weights_multiply_as_they_stand(notation, l):
    n = PRESETS[notation]
    name = f"dC/dW[{n.counting.layer(l, 'W')}]"
    book = derive(SIZES, name, notation=notation, level="tensor", loss="half_squared_error", activation="tanh")
    why = explain(NET, X, Y, notation=notation, loss="half_squared_error")
    W = Quantity("W", l)
    weights = NET.weights[l] if n.counting.from_to else NET.weights[l].T
    matrices = [e for e in book.equations if isinstance(e.sides[0], Matrix)]
    by_weights = [e for e in matrices if e.left.name.bottom == W and e.left.name.top.kind != "C"]
    tensors = {e.left.name: drawn(e.sides[0], why) for e in by_weights}
    of_itself = tensors.pop(Derivative(W, W))
    assert of_itself.shape == weights.shape * 2  # outer and inner as W itself
    assert {(d.top.kind, d.top.layer) for d in tensors} >= {("z", l), ("a", l), ("a", 2)}

    # The product rule, factor by factor as it is printed: the layer before is a row or a column.
    (rule,) = [e.sides[0] for e in book.equations if isinstance(e.sides[0], Sum)]
    before = cr.forward(NET, X).a[l - 1]
    values = {Quantity("a", l - 1): before if n.examples == "rows" else before.T, W: weights}

    def factor(e, at):
        if isinstance(e, Transpose):
            return factor(e.of, at).T
        if isinstance(e.name, Derivative) and e.name.top == W:
            return of_itself[at]
        return np.zeros_like(values[e.name.top]) if isinstance(e.name, Derivative) else values[e.name]

    for at in np.ndindex(weights.shape):
        made = 0.0
        for term in rule.terms:
            assert isinstance(term, Product)
            left, right = (factor(f, at) for f in term.factors)
            made = made + left @ right  # refused where the shapes do not fit
        np.testing.assert_allclose(tensors[Derivative(Quantity("z", l), W)][at], made, rtol=1e-12)

    for derivative, tensor in tensors.items():
        units = SIZES[derivative.top.layer]
        assert tensor.shape == (*weights.shape, *((1, units) if n.examples == "rows" else (units, 1)))
        for at, more, less, width in moved_weights(l, n):
            ends = [getattr(cr.forward(net, X), derivative.top.kind)[derivative.top.layer] for net in (more, less)]
            np.testing.assert_allclose(tensor[at].ravel(), (ends[0] - ends[1])[0] / width, rtol=1e-6, atol=1e-8)


@pytest.mark.matrix
@pytest.mark.parametrize("notation", sorted(PRESETS))
@pytest.mark.parametrize("level", ["scalar", "matrix", "tensor"])
@pytest.mark.parametrize("loss", ["categorical_cross_entropy", "softmax_categorical_cross_entropy"])
def test_a_minus_y_of_a_softmax_is_said_to_need_targets_that_sum_to_1(notation, level, loss):
    """Every line of delta at the outputs is a sum(y) - y with any targets, or says what its targets are."""
    n = PRESETS[notation]
    for quantity in (f"delta[{n.counting.layer(1)}]", f"dC/dW[{n.counting.layer(1, 'W')}]"):
        activation = "softmax" if loss == "categorical_cross_entropy" else None
        book = derive((2, 3), quantity, loss=loss, output_activation=activation, notation=notation, level=level)
        said = [e for e in book.equations if "targets that sum to 1" in e.rule]
        assert len(said) == 1
        if loss == "categorical_cross_entropy":  # the line before has any targets
            general = next(e for e in reversed(book.equations[: book.equations.index(said[0])]))
            assert general.left == said[0].left
            assert general.sides != said[0].sides
        exact = "binary_cross_entropy"
        other = derive((2, 3), quantity, loss=exact, output_activation="logistic", notation=notation, level=level)
        assert "sum to 1" not in str(other)


def test_the_four_equations_say_so_too():
    for loss, times in (("softmax_categorical_cross_entropy", 2), ("logistic_binary_cross_entropy", 0)):
        book = backpropagation_equations("chainrule", loss)
        assert str(book).count("for targets that sum to 1") == times


@pytest.mark.parametrize("targets", [(0.2, 0.3, 0.5), (1.0, 1.0, 0.0), (0.0, 0.0, 0.0)])
def test_multiplied_out_holds_for_any_targets(targets):
    net = cr.Network.dense((2, 3), "softmax", init="uniform(-1,1)", seed=1)
    why = explain(net, X, [targets], loss="categorical_cross_entropy")
    wanted = cr.backward(net, cr.forward(net, X), [targets], "categorical_cross_entropy").delta[1]
    book = derive((2, 3), "dC/dW[1]", loss="categorical_cross_entropy", output_activation="softmax", level="tensor")
    lines = {e.rule: drawn(e.sides[0], why) for e in book.equations if isinstance(e.sides[0], Matrix)}
    np.testing.assert_allclose(lines["multiplied out"], wanted, atol=1e-15)
    agrees = np.allclose(lines["targets that sum to 1"], wanted)
    assert agrees == (sum(targets) == 1)


@pytest.mark.matrix(6)
@pytest.mark.parametrize("notation", sorted(PRESETS))
@pytest.mark.parametrize("loss", ["half_squared_error", "logistic_binary_cross_entropy"])
@pytest.mark.parametrize("pattern", ["dC/dW[{w}]", "dC/db[{w}]", "dC/dz[{a}]", "dC/da[{a}]", "delta[{a}]", "dC/dx"])
@pytest.mark.parametrize("sizes", [(2, 3, 2), (3, 2, 2, 2)])
def test_the_tensor_level_ends_with_what_was_asked(notation, loss, pattern, sizes):
    n = PRESETS[notation]
    quantity = pattern.format(w=n.counting.layer(1, "W"), a=n.counting.layer(1))
    book = derive(sizes, quantity, loss=loss, notation=notation, level="tensor")
    last = book.equations[-1]
    assert last.rule.startswith("all together")
    assert last.left.name.bottom.layer in (0, 1)
    net = cr.Network.dense(sizes, ["logistic"] * (len(sizes) - 1), init="uniform(-1,1)", seed=4)
    x, y = np.arange(sizes[0])[None] / 3 - 0.2, np.array([[0.0, 1.0]])
    why = explain(net, x, y, loss=loss, notation=notation)
    if isinstance(last.sides[0], Matrix):
        made = drawn(last.sides[0], why)
        wanted = why[quantity].value
        np.testing.assert_allclose(made, np.reshape(wanted, made.shape), rtol=1e-9, atol=1e-15)
    else:
        assert len(last.sides[0].factors) >= 2
