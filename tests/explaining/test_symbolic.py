"""Derivations without numbers: what they say is true of numbers, in every notation, at every level."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import UsageError, derive, explain
from chainrule.core.tensors import distant_weight_jacobian, sum_weight_jacobian, weight_by_weight, weight_jacobian
from chainrule.explaining.expressions import (
    Hadamard,
    Matmul,
    Matrix,
    Negative,
    Number,
    Product,
    Quotient,
    Sum,
    SumOver,
    Symbol,
    Transpose,
)
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.quantities import Derivative, Quantity
from chainrule.explaining.symbolic import backpropagation_equations
from chainrule.explaining.text_form import TextWriter
from chainrule.explaining.trees import evaluate, parts, substituted

X = np.random.default_rng(0).normal(size=(5, 2))
Y = np.random.default_rng(1).normal(size=(5, 2))


def network(sizes=(2, 3, 2), activation="logistic", output="tanh"):
    return cr.Network.dense(sizes, [activation] * (len(sizes) - 2) + [output], seed=3)


def value(e, symbol, index):
    """Evaluate a symbolic expression: symbols through `symbol`, sums over the range that they name."""
    match e:
        case SumOver():
            total = 0.0
            for i in range(int(e.first), int(e.last) + 1):
                total += value(e.term, symbol, {**index, e.index: i - int(e.first)})
            return total
        case Symbol():
            return symbol(e.name, index)
        case Number():
            return e.value
        case Sum():
            return sum(value(t, symbol, index) for t in e.terms)
        case Product():
            return np.prod([value(t, symbol, index) for t in e.factors])
        case Negative():
            return -value(e.of, symbol, index)
        case Quotient():
            return value(e.top, symbol, index) / value(e.bottom, symbol, index)
    raise TypeError(type(e))


def resolved(q, index):
    """A quantity with its letters put in."""
    return Quantity(q.kind, q.layer, tuple(index.get(u, u) for u in q.units), q.example)


@pytest.mark.matrix(5)
@pytest.mark.parametrize("notation", sorted(PRESETS))
@pytest.mark.parametrize("sizes", [(2, 2), (2, 3, 2), (2, 3, 4, 2)])
@pytest.mark.parametrize("loss", ["half_squared_error", "sum_of_squares", "mean_of_squares"])
def test_all_together_at_the_scalar_level_is_the_gradient(notation, sizes, loss):
    net = network(sizes)
    why = explain(net, X, Y, loss=loss, notation=notation)
    name = "dC/dW[{}]".format(PRESETS[notation].counting.layer(1, "W"))
    book = derive(sizes, name, loss=loss, output_activation="tanh", notation=notation)
    last = next(e for e in book.equations if e.rule == "all together")
    i, j = last.left.name.bottom.units

    def symbol(q, index):
        if isinstance(q, Derivative):
            q = Derivative(resolved(q.top, index), resolved(q.bottom, index))
        else:
            q = resolved(q, index)
        return why.definitions.value(q)

    for at_i, at_j in ((0, 0), (1, 1)):
        found = value(last.sides[0], symbol, {i: at_i, j: at_j})
        target = Derivative(Quantity("C"), Quantity("W", 1, (at_i, at_j)))
        assert found == pytest.approx(why.definitions.value(target), rel=1e-12)


def arrays(e, known):
    """Evaluate a matrix expression."""
    match e:
        case Matmul():
            left, right = (arrays(f, known) for f in e.factors)
            return left @ right
        case Hadamard():
            left, right = (arrays(f, known) for f in e.factors)
            return left * right
        case Transpose():
            return arrays(e.of, known).T
        case Sum():
            return sum(arrays(t, known) for t in e.terms)
        case Product():
            return arrays(e.factors[0], known) * arrays(e.factors[1], known)
        case Quotient():
            return arrays(e.top, known) / arrays(e.bottom, known)
        case Negative():
            return -arrays(e.of, known)
        case Number():
            return e.value
        case Symbol():
            return known(e.name)
    raise TypeError(type(e))


@pytest.mark.parametrize("notation", sorted(PRESETS))
def test_the_matrix_level_in_every_orientation(notation):
    preset = PRESETS[notation]
    net = network()
    record = cr.forward(net, X)
    grads = cr.backward(net, record, Y, preset.loss, reduction=preset.reduction)
    rows, from_to = preset.examples == "rows", preset.counting.from_to

    def known(q):
        if isinstance(q, Derivative):
            return turned(grads.activations[2])
        match q.kind:
            case "W":
                return net.weights[q.layer] if from_to else net.weights[q.layer].T
            case "b":
                return net.biases[q.layer] if rows else net.biases[q.layer][:, None]
            case "a":
                return turned(record.a[q.layer])
            case "y":
                return turned(Y)
            case "delta":
                return turned(grads.delta[q.layer])
            case "slope":
                A = record.a[q.layer]
                return turned(A * (1 - A) if q.layer == 1 else 1 - A * A)
            case "N":
                return float(len(X))
            case "n":
                return float(Y.shape[1])

    def turned(A):
        return A if rows else A.T

    l = PRESETS[notation].counting.layer(1, "W")
    book = derive((2, 3, 2), f"dC/dW[{l}]", output_activation="tanh", notation=notation, level="matrix")
    checked = 0
    for equation in book.equations:
        left = equation.left.name
        if isinstance(left, Derivative):
            wanted = grads.weights[1] if from_to else grads.weights[1].T
        elif left.kind == "z":
            wanted = turned(record.z[left.layer])
        elif left.kind == "delta":
            wanted = turned(grads.delta[left.layer])
        else:
            continue
        np.testing.assert_allclose(arrays(equation.sides[0], known), wanted, rtol=1e-12)
        checked += 1
    assert checked == 5


def numbers(matrix, known):
    return np.array([
        [numbers(e, known) if isinstance(e, Matrix) else evaluate(substituted(e, known)) for e in row]
        for row in matrix.rows
    ])  # fmt: skip


@pytest.mark.parametrize("l", [1, 2])
def test_the_tensor_level_writes_out_seed_004(l):
    net = network((3, 2, 2), output="logistic")
    X3 = np.random.default_rng(5).normal(size=(1, 3))
    record = cr.forward(net, X3)
    why = explain(net, X3)
    book = derive((3, 2, 2), f"dC/dW[{l}]", level="tensor", notation="tensors")
    assert ("∂X/∂V" if l == 1 else "∂Y/∂W") in str(book)

    def known(symbol):
        return Symbol(symbol.name, why.definitions.value(symbol.name))

    written = {repr(e.left.name): e.sides[0] for e in book.equations if isinstance(e.sides[0], Matrix)}
    W = Quantity("W", l)
    squeeze = {
        Derivative(W, W): weight_by_weight(net.weights[l]).transpose(0, 1, 2, 3),
        Derivative(Quantity("z", l), W): sum_weight_jacobian(net, record, l)[0][:, :, None, :],
        Derivative(Quantity("a", l), W): weight_jacobian(net, record, l)[0][:, :, None, :],
    }
    if l == 1:
        squeeze[Derivative(Quantity("a", 2), W)] = distant_weight_jacobian(net, record, 1, 2)[0][:, :, None, :]
    for name, wanted in squeeze.items():
        np.testing.assert_allclose(numbers(written[repr(name)], known), wanted, rtol=1e-12)


@pytest.mark.parametrize("notation", sorted(PRESETS))
def test_four_equations_in_every_notation(notation):
    book = backpropagation_equations(notation)
    assert len(book.equations) == 8
    # The first, with its numbers: the loss's derivative at an output times the slope there, for two outputs.
    net, n = network(), PRESETS[notation]
    why = explain(net, X, Y, loss=n.loss, notation=notation)

    def first(q):
        return Quantity(q.kind, {"L": 2}.get(q.layer), tuple(0 for _ in q.units))

    def at_output(name, index):
        if name == Quantity("n"):
            return 2.0
        if isinstance(name, Derivative):
            return why.definitions.value(Derivative(first(name.top), first(name.bottom)))
        return why.definitions.value(first(name))

    wanted = why.definitions.value(Quantity("delta", 2, (0,)))
    for side in book.equations[0].sides:
        assert value(side, at_output, {}) == pytest.approx(wanted, rel=1e-12)
    for form in (book.text(), book.latex(), book.mathml()):
        assert len(form) > 200
    assert book.json()


def test_the_orientation_of_the_four_equations():
    columns, rows, torch = (str(backpropagation_equations(n)) for n in ("columns", "rows", "pytorch"))
    assert "δ⁽ˡ⁾ = W⁽ˡ⁾ᵀ δ⁽ˡ⁺¹⁾ ⊙ f′(z⁽ˡ⁾)" in columns  # seed 002
    assert "∂J/∂W⁽ˡ⁻¹⁾ = a⁽ˡ⁻¹⁾ᵀ δ⁽ˡ⁾" in rows  # seed 003: dJ/dW(2) = (a(2))^T delta(3)
    assert "δ[l]ᵀ a[l-1]" in torch  # (out, in) = (out, N) (N, in)


@pytest.mark.parametrize("loss", [
    "absolute_error", "huber", "quantile", "poisson", "binary_cross_entropy", "categorical_cross_entropy",
    "logistic_binary_cross_entropy", "softmax_categorical_cross_entropy",
])  # fmt: skip
@pytest.mark.parametrize("level", ["scalar", "matrix", "tensor"])
def test_every_loss_at_every_level(loss, level):
    output = "softmax" if loss == "categorical_cross_entropy" else None
    book = derive((2, 3, 2), loss=loss, output_activation=output, level=level)
    assert book.text()
    assert book.latex()
    assert book.mathml()


def test_a_fused_softmax_ends_in_a_minus_y():
    book = derive((2, 3, 2), loss="softmax_categorical_cross_entropy")
    last = next(e for e in book.equations if e.rule == "all together")
    assert "a[2][k] − y[k]" in TextWriter(book.naming, None).write(last.sides[0])


def test_more_layers_than_letters():
    book = derive([2] * 15)
    last = next(e for e in book.equations if e.rule == "all together")
    bound, e = [], last.sides[0]
    waiting = [e]
    while waiting:
        e = waiting.pop()
        bound += [e.index] if isinstance(e, SumOver) else []
        waiting += parts(e)
    assert len(bound) == len(set(bound)) == 13


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((2, 3, 1), "a[1][1]"), "what is derived is dC/dW"),
        (((2, 3, 1), "dC/dW[3]"), "layers 1 to 2"),
        (((2, 0, 1),), "at least 1"),
        (((2, 3.5, 1),), "whole numbers"),
        (((2,),), "at least one layer"),
        (("2-x-1",), "whole numbers"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(UsageError, match=message):
        derive(*arguments)
    with pytest.raises(UsageError, match="no biases here"):
        derive("2-3-1", "dC/db[1]", bias=False)
    with pytest.raises(UsageError, match='level "tensors" is unknown'):
        derive((2, 1), level="tensors")
