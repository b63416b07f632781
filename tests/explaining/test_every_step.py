"""Every line of every textbook derivation, at all levels, has the value that the network has."""

import itertools
import math

import numpy as np
import pytest
import random_networks
from hypothesis import strategies as st
from strength import few_and_many

import chainrule as cr
from chainrule import UsageError, derive, explain
from chainrule.explaining.expressions import (
    Cases,
    Function,
    Hadamard,
    Matmul,
    Matrix,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    SumOver,
    Symbol,
    Transpose,
)
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.quantities import Derivative, Quantity, variable
from chainrule.explaining.trees import FUNCTIONS, parts, symbols

SMOOTH = ["identity", "logistic", "tanh", "softplus", "softmax", "gelu", "exponential"]
WANTED = ["dC/dW[{l}]", "dC/db[{l}]", "dJ/dW[{l}]", "dJ/db[{l}]", "delta[{l}]", "dC/da[{l}]", "dC/dx",
          "da[{m}]/da[{l}]", "da[{m}]/dz[{l}]", "dz[{m}]/dz[{l}]", "da[{m}]/dW[{l}]", "da[{m}]/db[{l}]",
          "dz[{m}]/dW[{l}]", "da[{m}]/dx", "dz[{m}]/dx", "dyhat/dW[{l}]", "dyhat/dz[{l}]"]  # fmt: skip


def written(pattern, l, m, notation):
    """A quantity as the notation counts layers."""
    counting = PRESETS[notation].counting
    top, slash, bottom = pattern.partition("/")
    kind = "W" if ("W" in bottom or "b[" in bottom) else "a"
    return top.format(l=counting.layer(l), m=counting.layer(m)) + slash + bottom.format(l=counting.layer(l, kind))


class Line:
    """The value of expressions of one network with its letters put in."""

    def __init__(self, why, notation):
        self.why, self.first, self.N = why, notation.counting.first_unit, len(why.definitions.values.X)
        self.last = {notation.letter("N"): self.N}

    def resolved(self, q, index):
        units = tuple(index.get(u, u) for u in q.units)
        return Quantity(q.kind, q.layer, units, index.get(q.example, q.example))

    def symbol(self, name, index):
        if isinstance(name, Derivative):
            return self.why.definitions.value(Derivative(*(self.resolved(q, index) for q in (name.top, name.bottom))))
        if name.kind == "variable":
            return index[name.units[0]] + self.first
        if name.kind == "N":
            return float(self.N)
        if name.kind == "n":
            return float(self.why.network.sizes[-1])
        return self.why.definitions.value(self.resolved(name, index))

    def value(self, e, index):
        match e:
            case SumOver():
                first, last = int(e.first), self.last.get(e.last) or int(e.last)
                return math.fsum(self.value(e.term, {**index, e.index: i - first}) for i in range(first, last + 1))
            case Symbol():
                return self.symbol(e.name, index)
            case Number():
                return e.value
            case Sum():
                return math.fsum(self.value(t, index) for t in e.terms)
            case Product():
                return math.prod(self.value(t, index) for t in e.factors)
            case Negative():
                return -self.value(e.of, index)
            case Quotient():
                return self.value(e.top, index) / self.value(e.bottom, index)
            case Power():
                return self.value(e.base, index) ** self.value(e.exponent, index)
            case Function("f", Symbol(q)):
                return self.symbol(Quantity("a", q.layer, q.units), index)
            case Function():
                return FUNCTIONS[e.name](self.value(e.of, index))
            case Cases():
                for condition, branch in e.branches:
                    left, right = self.value(condition.left, index), self.value(condition.right, index)
                    if {"=": left == right, "<": left < right, "<=": left <= right, ">": left > right,
                        ">=": left >= right}[condition.sign]:  # fmt: skip
                        return self.value(branch, index)
                return self.value(e.otherwise, index)
        raise TypeError(type(e))


def free_letters(e, bound=()):
    """Letters that are units of no sum, with the number of values of each."""
    if isinstance(e, SumOver):
        return free_letters(e.term, (*bound, e.index))
    found = {}
    if isinstance(e, Symbol):
        for q in (e.name.top, e.name.bottom) if isinstance(e.name, Derivative) else (e.name,):
            for position, unit in enumerate(q.units):
                if isinstance(unit, str) and q.kind != "variable" and unit not in bound:
                    found[unit] = (q.kind, q.layer, position)
    for part in parts(e):
        found |= free_letters(part, bound)
    return found


def size_of(where, sizes):
    kind, layer, position = where
    if kind == "y":
        return sizes[-1]
    return sizes[layer - 1] if kind == "W" and position == 0 else sizes[layer]


@st.composite
def lessons(draw):
    loss = draw(st.sampled_from(sorted(set(random_networks.OUTPUTS) - {"perceptron_criterion"})))
    L = draw(st.integers(1, 3))
    sizes = tuple(draw(st.lists(st.integers(2, 3), min_size=L + 1, max_size=L + 1)))
    outputs = sorted(set(SMOOTH) & set(random_networks.OUTPUTS[loss]))
    names = [draw(st.sampled_from(SMOOTH[:-1])) for _ in range(L - 1)] + [draw(st.sampled_from(outputs))]
    l = draw(st.integers(1, L))
    what = draw(st.sampled_from(WANTED)), l, draw(st.integers(l, L))
    return sizes, names, loss, what, draw(st.integers(0, 2**20))


def known(sizes, names, loss, seed, notation, N=1):
    random = np.random.default_rng(seed)
    net = cr.Network.dense(sizes, names, init="uniform(-1,1)", seed=random)
    X, Y = random.normal(size=(N, sizes[0])), random_networks.targets_for(loss, (N, sizes[-1]), random)
    return explain(net, X, Y, loss=loss, notation=notation, reduction=PRESETS[notation].reduction)


@pytest.mark.parametrize("loss", sorted(set(random_networks.OUTPUTS) - {"perceptron_criterion"}))
def test_every_line_of_every_loss(loss):
    """Where no two layers are of one size."""
    for number, output in enumerate(sorted(set(SMOOTH) & set(random_networks.OUTPUTS[loss]))):
        for pattern, l in (("dC/dW[{l}]", 1), ("delta[{l}]", 2), ("dC/da[{l}]", 1)):
            with_indices(
                ((2, 4, 3), ["tanh", output], loss, (pattern, l, 2), number), "chainrule" if l == 1 else "keras"
            )


def with_indices(lesson, notation):
    sizes, names, loss, (pattern, l, m), seed = lesson
    quantity = written(pattern, l, m, notation)
    try:
        book = derive(sizes, quantity, activation=names, loss=loss, notation=notation)
    except UsageError as refusal:  # dC/da of the outputs behind a fused loss, z of a layer by itself before it
        assert "in one step" in str(refusal), quantity  # noqa: PT017
        return
    line = Line(known(sizes, names, loss, seed, notation, N=2), PRESETS[notation])
    checked = 0
    for equation in book.equations:
        letters = free_letters(equation.left)
        for side in equation.sides:
            assert set(free_letters(side)) <= set(letters), (quantity, equation.rule)
            for values in itertools.product(*(range(size_of(where, sizes)) for where in letters.values())):
                index = dict(zip(letters, values, strict=True))
                left, right = line.value(equation.left, index), line.value(side, index)
                assert right == pytest.approx(left, rel=1e-8, abs=1e-10), (quantity, equation.rule, index)
                checked += 1
    assert checked > 1 or quantity.startswith("d")
    assert book.latex()
    assert book.mathml()
    assert book.json()


@few_and_many(25, 120, lessons(), st.sampled_from(sorted(PRESETS)))
def test_every_line_with_indices(lesson, notation):
    with_indices(lesson, notation)


test_many_lines_with_indices = test_every_line_with_indices.many


ENTRIES = ["dC/dW[{W}][{u}]", "dJ/dW[{W}][{u}]", "dC/db[{W}][{k}]", "dJ/db[{W}][{k}]", "delta[{l}][{k}]",
           "dC/da[{l}][{k}]", "dC/dx[{k}]", "da[{m}][{j}]/dW[{W}][{u}]", "dz[{m}][{j}]/dW[{W}][{u}]",
           "da[{m}][{j}]/db[{W}][{k}]", "da[{m}][{j}]/da[{l}][{k}]", "da[{m}][{j}]/dz[{l}][{k}]",
           "dz[{m}][{j}]/dz[{l}][{k}]", "dz[{m}][{j}]/dx[{k}]"]  # fmt: skip


@pytest.mark.matrix(3)
@pytest.mark.parametrize("notation", sorted(PRESETS))
def test_every_line_of_one_entry(notation):
    """Of a unit or a weight that is named: its own numbers stand there, and the lines have its value."""
    counting, sizes = PRESETS[notation].counting, (2, 3, 2, 2)
    for number, (pattern, (i, k, j)) in enumerate(itertools.product(ENTRIES, [(1, 0, 1), (0, 1, 0)])):
        names = ["tanh", "softmax", "logistic"] if number % 3 else ["softmax", "gelu", "tanh"]
        first, u = counting.first_unit, (i, k) if counting.from_to else (k, i)
        text = pattern.format(
            W=counting.layer(1, "W"), l=counting.layer(1), m=counting.layer(1 + number % 3),
            u=",".join(str(unit + first) for unit in u), k=k + first, j=j + first,
        )  # fmt: skip
        book = derive(sizes, text, activation=names, loss="half_squared_error", notation=notation)
        line = Line(known(sizes, names, "half_squared_error", number, notation, N=2), PRESETS[notation])
        for equation in book.equations:
            letters = free_letters(equation.left)
            for values in itertools.product(*(range(size_of(where, sizes)) for where in letters.values())):
                index = dict(zip(letters, values, strict=True))
                for side in equation.sides:
                    found = line.value(side, index)
                    assert found == pytest.approx(line.value(equation.left, index), rel=1e-8, abs=1e-10), (
                        text,
                        equation,
                    )
        wanted = line.why[text].name
        last = [equation.left.name for equation in book.equations if not free_letters(equation.left)]
        assert wanted in last, (text, last)


@pytest.mark.matrix
@pytest.mark.parametrize("notation", sorted(PRESETS))
@pytest.mark.parametrize(
    ("loss", "output"),
    [
        ("categorical_cross_entropy", "softmax"),
        ("binary_cross_entropy", "logistic"),
        ("poisson", "exponential"),
        ("softmax_categorical_cross_entropy", None),
        ("logistic_binary_cross_entropy", None),
    ],
)
@pytest.mark.parametrize("level", ["scalar", "matrix", "tensor"])
def test_pairs_reach_a_minus_y(notation, loss, output, level):
    number = PRESETS[notation].counting.layer(2)
    book = derive((2, 3, 2), f"delta[{number}]", loss=loss, output_activation=output, notation=notation, level=level)
    last = book.equations[-1].sides[-1]
    if isinstance(last, Matrix):
        last = last.rows[0][0]
    last = last.of if isinstance(last, Negative) else last
    names = [symbol.name.kind for symbol in symbols(last)]
    assert isinstance(last, Sum)
    assert names == (["y", "a"] if PRESETS[notation].error == "y-a" else ["a", "y"])


# ---- with matrices and tensors -----------------------------------------------------------------------------------


def by_units(values, name):
    """A derivative of a whole layer: one array for each of its units."""
    tops = [Quantity(name.top.kind, name.top.layer, (k,)) for k in range(values.network.sizes[name.top.layer])]
    return np.stack([values.array(Derivative(top, name.bottom)) for top in tops])


class Arrays:
    """The arrays of a network over a batch, or of one example where Jacobians are asked for, as a notation has them."""

    def __init__(self, why, notation):
        self.why, self.rows, self.from_to = why, notation.examples == "rows", notation.counting.from_to
        self.values, self.N = why.definitions.values, len(why.definitions.values.X)

    def turned(self, A):
        return A if self.rows else A.T

    def symbol(self, q):
        net, each = self.why.network, range(self.N)
        if isinstance(q, Derivative):
            if q.top.kind in ("a", "z"):
                units = range(net.sizes[q.top.layer])
                return np.stack(
                    [self.values.array(Derivative(Quantity(q.top.kind, q.top.layer, (k,)), q.bottom)) for k in units]
                )
            if q.top.kind == "J" or q.bottom.kind in ("W", "b"):
                found = self.values.array(q)
                return self.turned(found[None, :]) if q.bottom.kind == "b" else found if self.from_to else found.T
            rows = [self.values.array(Derivative(Quantity("C", example=n), q.bottom)) for n in each]
            return self.turned(np.stack(rows))
        match q.kind:
            case "W":
                return net.weights[q.layer] if self.from_to else net.weights[q.layer].T
            case "b":
                return self.turned(net.biases[q.layer][None, :])
            case "N":
                return float(self.N)
            case "n":
                return float(net.sizes[-1])
        if isinstance(q.example, int):
            return self.turned(self.values.array(q)[None, :])
        return self.turned(np.stack([self.values.array(Quantity(q.kind, q.layer, (), n)) for n in each]))

    def value(self, e, example=None):
        match e:
            case Symbol(Quantity() as q) if q.example is not None and example is not None:
                return self.symbol(Quantity(q.kind, q.layer, (), example))
            case Symbol():
                return self.symbol(e.name)
            case Number():
                return e.value
            case Matmul():
                if e.factors[0] == Symbol(variable("ones")):
                    right = self.value(e.factors[1], example)
                    return np.ones((len(right), len(right))) @ right
                made = self.value(e.factors[0], example)
                for factor in e.factors[1:]:
                    ones = factor == Symbol(variable("ones"))
                    made = made @ (np.ones((made.shape[1],) * 2) if ones else self.value(factor, example))
                return made
            case Hadamard():
                left, right = (self.value(f, example) for f in e.factors)
                assert left.shape == right.shape
                return left * right
            case Sum():
                return sum(self.value(t, example) for t in e.terms)
            case Product():
                return math.prod(self.value(f, example) for f in e.factors)
            case Quotient():
                return self.value(e.top, example) / self.value(e.bottom, example)
            case Negative():
                return -self.value(e.of, example)
            case Transpose():
                return self.value(e.of, example).T
            case SumOver():
                return sum(self.value(e.term, n) for n in range(self.N))
            case Function("diag"):
                return np.diag(self.value(e.of).ravel())
            case Function("f", Symbol(q)):
                return self.symbol(Quantity("a", q.layer))
            case Function():
                return np.vectorize(FUNCTIONS[e.name])(self.value(e.of))
        raise TypeError(type(e))


@pytest.mark.parametrize("notation", sorted(PRESETS))
def test_softmax_with_matrices(notation):
    """In every layout of examples and weights."""
    for number, pattern in enumerate(["da[{m}]/dz[{l}]", "da[{m}]/da[{l}]", "da[{m}]/db[{l}]", "dC/dW[{l}]"]):
        for l, m in ((1, 1), (1, 2), (2, 2)):
            if l < m or "/da" not in pattern:
                lesson = (2, 3, 2), ["softmax", "softmax"], "half_squared_error", (pattern, l, m), number
                with_matrices(lesson, notation)


def with_matrices(lesson, notation):
    sizes, names, loss, (pattern, l, m), seed = lesson
    quantity = written(pattern, l, m, notation)
    try:
        book = derive(sizes, quantity, activation=names, loss=loss, notation=notation, level="matrix")
    except UsageError as refusal:
        assert any(words in str(refusal) for words in ("in one step", "three dimensions", "no matrix notation"))  # noqa: PT017
        return
    of_one = quantity.startswith(("da", "dz", "dy"))
    why = known(sizes, names, loss, seed, notation, N=1 if of_one else 3)
    arrays = Arrays(why, PRESETS[notation])
    for equation in book.equations:
        left = arrays.symbol(equation.left.name)
        for side in equation.sides:
            found = np.eye(len(left)) if side == Symbol(variable("I")) else arrays.value(side)
            np.testing.assert_allclose(found, left, rtol=1e-8, atol=1e-10, err_msg=f"{quantity}: {equation.rule}")


@few_and_many(25, 80, lessons(), st.sampled_from(sorted(PRESETS)))
def test_every_line_with_matrices(lesson, notation):
    with_matrices(lesson, notation)


test_many_lines_with_matrices = test_every_line_with_matrices.many


def tensor(e, line):
    """A matrix whose entries may be matrices, as an array."""
    return np.array([[tensor(x, line) if isinstance(x, Matrix) else line.value(x, {}) for x in row] for row in e.rows])


@few_and_many(25, 80, lessons(), st.sampled_from(sorted(PRESETS)))
def test_every_tensor_that_is_written_out(lesson, notation):
    sizes, names, loss, (pattern, l, m), seed = lesson
    quantity = written(pattern, l, m, notation)
    try:
        book = derive(sizes, quantity, activation=names, loss=loss, notation=notation, level="tensor")
    except UsageError as refusal:
        assert "in one step" in str(refusal)  # noqa: PT017
        return
    why = known(sizes, names, loss, seed, notation)
    line, values = Line(why, PRESETS[notation]), why.definitions.values

    def array(name):
        """A derivative of a whole layer by another: (tops, then the shape of what it is differentiated by)."""
        if name.top.kind == "C":
            return values.array(name)[None]
        units = range(sizes[name.top.layer])
        return np.stack(
            [values.array(Derivative(Quantity(name.top.kind, name.top.layer, (k,)), name.bottom)) for k in units]
        )

    for equation in book.equations:
        name, side = equation.left.name, equation.sides[0]
        if name.top.kind in ("W", "J") or (name.bottom.kind == "W" and side == Number(0.0)):
            continue
        if isinstance(side, Matrix):
            found = tensor(side, line)
            if found.ndim == 4:  # weights with an inner vector each
                inner = found[:, :, 0, :] if PRESETS[notation].examples == "rows" else found[:, :, :, 0]
                found = np.moveaxis(inner, -1, 0)
            elif name.bottom.kind == "W":  # of the cost
                found = found[None]
            if name.bottom.kind == "W" and not PRESETS[notation].counting.from_to:
                found = np.swapaxes(found, 1, 2)
            np.testing.assert_allclose(
                found, array(name), rtol=1e-8, atol=1e-10, err_msg=f"{quantity}: {equation.rule}"
            )
        elif isinstance(side, Product) and all(isinstance(f, Symbol) for f in side.factors):
            fused = "in one step" if "softmax_c" in loss or "logistic_b" in loss else None
            if fused and any(
                f.name.top.kind == "C" and f.name.bottom == Quantity("a", len(names)) for f in side.factors
            ):
                continue
            made = array(side.factors[0].name)
            for factor in side.factors[1:]:
                made = np.tensordot(made, array(factor.name), axes=1)
            np.testing.assert_allclose(made, array(name), rtol=1e-8, atol=1e-10, err_msg=equation.rule)


test_many_tensors = test_every_tensor_that_is_written_out.many


@pytest.mark.parametrize("quantity", ["dC/dW[1]", "dC/dx", "delta[1]", "dC/da[1]"])
def test_the_last_line_agrees_with_central_differences(quantity):
    sizes, names, loss = (2, 3, 2), ["softmax", "logistic"], "binary_cross_entropy"
    why = known(sizes, names, loss, 5, "chainrule")
    net, x, y = why.network, why.definitions.values.X[0], why.definitions.values.Y[0]
    last = derive(sizes, quantity, activation=names, loss=loss).equations[-2 if "W" in quantity else -1]

    def cost(dW=0.0, dx=0.0, dz=0.0, da=0.0):
        z1 = (x + dx) @ (net.weights[1] + dW) + net.biases[1] + dz
        a1 = np.exp(z1) / np.exp(z1).sum() + da
        a2 = 1 / (1 + np.exp(-(a1 @ net.weights[2] + net.biases[2])))
        return -(y * np.log(a2) + (1 - y) * np.log(1 - a2)).sum()

    shape, option = {
        "dC/dW[1]": ((2, 3), "dW"),
        "dC/dx": ((2,), "dx"),
        "delta[1]": ((3,), "dz"),
        "dC/da[1]": ((3,), "da"),
    }[quantity]
    letters = getattr(last.left.name, "bottom", last.left.name).units
    for at in itertools.product(*map(range, shape)):
        h = np.zeros(shape)
        h[at] = 1e-6
        numeric = (cost(**{option: h}) - cost(**{option: -h})) / 2e-6
        shown = Line(why, PRESETS["chainrule"]).value(last.sides[-1], dict(zip(letters, at, strict=True)))
        assert shown == pytest.approx(numeric, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("quantity", "message"),
    [
        ("a[1]", "what is derived is"), ("W[1]", "what is derived is"), ("dz[1]/da[2]", "must come after"),
        ("dz[1]/da[1]", "must come after"), ("dJ/da[1]", "J belongs to a batch"), ("dW[1]/dW[1]", "what is derived is"),
        ("delta[1] @ 2", "what is derived is"), ("dC/dy", "what is derived is"), ("da[3]/dx", "layers 0 to 2"),
    ],
)  # fmt: skip
def test_refusals(quantity, message):
    for level in ("scalar", "matrix", "tensor"):
        with pytest.raises(UsageError, match=message):
            derive((2, 3, 2), quantity, level=level)
