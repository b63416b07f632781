"""No line of a derivation says nothing or says it twice, and each level of detail is made of what it promises."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

import chainrule as cr
from chainrule import UsageError, derive, explain
from chainrule.explaining.expressions import Equation, Sum, Symbol
from chainrule.explaining.naming import Naming
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.quantities import COST, Derivative, Quantity, a, bias, is_backward, variable, weight
from chainrule.explaining.symbolic import backpropagation_equations
from chainrule.explaining.text_form import TextWriter, text
from chainrule.explaining.trees import symbols

ASKED = ["dC/dW[{l}]", "dC/db[{l}]", "dJ/dW[{l}]", "delta[{l}]", "dC/da[{l}]", "dC/dx", "da[{m}]/da[{l}]",
         "da[{m}]/dz[{l}]", "dz[{m}]/dz[{l}]", "dz[{m}]/da[{l}]", "da[{m}]/dW[{l}]", "da[{m}]/db[{l}]",
         "dz[{m}]/dW[{l}]", "dz[{m}]/db[{l}]", "da[{m}]/dx"]  # fmt: skip


@pytest.mark.parametrize("level", ["scalar", "matrix", "tensor"])
@pytest.mark.parametrize("hidden", ["tanh", "softmax"])
def test_no_line_says_that_a_thing_is_itself_or_says_it_again(level, hidden):
    derived = 0
    for pattern, (l, m) in itertools.product(ASKED, [(1, 1), (1, 2), (2, 2), (1, 3), (2, 3), (3, 3)]):
        try:
            book = derive((2, 3, 2, 2), pattern.format(l=l, m=m), activation=hidden, level=level)
        except UsageError:
            continue
        derived += 1
        says_something(book)
    assert derived >= 40


def says_something(book):
    writer, seen = TextWriter(book.naming, None), set()
    for equation in book.equations:
        left, *sides = (writer.write(side) for side in (equation.left, *equation.sides))
        assert left not in sides, (equation.rule, left)
        assert len(set(sides)) == len(sides), (equation.rule, sides)
        assert (left, *sides) not in seen, (equation.rule, left, sides)
        seen.add((left, *sides))


@pytest.mark.parametrize(("loss", "output"), [
    ("half_squared_error", "identity"), ("half_squared_error", "softmax"), ("mean_of_squares", "identity"),
    ("absolute_error", "tanh"), ("huber", "identity"), ("quantile", "identity"), ("poisson", "exponential"),
    ("poisson", "softplus"), ("binary_cross_entropy", "logistic"), ("binary_cross_entropy", "softmax"),
    ("categorical_cross_entropy", "softmax"), ("categorical_cross_entropy", "logistic"),
    ("logistic_binary_cross_entropy", None), ("softmax_categorical_cross_entropy", None),
])  # fmt: skip
def test_every_loss_says_each_thing_once_and_comes_to_an_end(loss, output):
    for level, name, l in itertools.product(["scalar", "matrix", "tensor"], ["dC/dW", "delta", "dC/da"], [1, 2]):
        try:
            book = derive((2, 3, 2), f"{name}[{l}]", loss=loss, output_activation=output, level=level)
        except UsageError as refused:
            assert any(words in str(refused) for words in ("in one step", "no matrix notation"))  # noqa: PT017
            continue
        says_something(book)
        if level == "scalar" and name != "dC/dW" and not (l == 2 and name == "dC/da"):
            last = next(e for e in reversed(book.equations) if e.rule != "derivative of identity")
            # "all together" ends in weights, slopes and what is given, unless the line before it already does.
            assert last.rule in ("all together", "multiplied out", "the slope of the identity is 1",
                                 "targets that sum to 1", f"{loss}: loss and activation together",
                                 f"{loss}: loss and activation together, for targets that sum to 1")  # fmt: skip
            kinds = {s.name.kind for s in symbols(last.sides[-1]) if isinstance(s.name, Quantity)}
            assert kinds <= {"W", "slope", "a", "y", "variable"}, (last.rule, kinds)


SLOPES = {
    "half_squared_error": "(a[L][j] − y[j])", "sum_of_squares": "2 · (a[L][j] − y[j])",
    "mean_of_squares": "2 / n · (a[L][j] − y[j])", "absolute_error": "sign(a[L][j] − y[j])",
}  # fmt: skip
AT_ONCE = ["logistic_binary_cross_entropy", "softmax_categorical_cross_entropy", "perceptron_criterion"]


@pytest.mark.parametrize("loss", [*SLOPES, *AT_ONCE, "huber", "quantile", "poisson", "binary_cross_entropy"])
def test_the_error_at_the_outputs_for_any_depth(loss):
    first = backpropagation_equations("chainrule", loss).text().partition("2: ")[0].splitlines()[1:]
    chain = ["  δ[L][j] = ∂C/∂a[L][j] · f′(z[L][j])"]
    more = [f"          = {SLOPES[loss]} · f′(z[L][j])"] if loss in SLOPES else []
    assert first == (["  δ[L][j] = a[L][j] − y[j]"] if loss in AT_ONCE else chain + more)


DEEP = cr.Network.dense([2, 3, 2, 2, 2], "tanh", init="uniform(-1,1)", seed=1)
X, Y = np.random.default_rng(0).normal(size=(2, 3, 2))


@pytest.mark.matrix(3)
@pytest.mark.parametrize("notation", sorted(PRESETS))
def test_each_detail_is_made_of_what_it_promises(notation):
    """ "factors" has local derivatives alone, each worked out; "layers" goes from delta to delta, to the cost."""
    why = explain(DEEP, X, Y, loss="half_squared_error", notation=notation)
    weights = Quantity("W", 1, (1, 2))
    for name in (
        Derivative(Quantity("C"), weights),
        Quantity("delta", 1, (2,)),
        Derivative(Quantity("C"), Quantity("a", 1, (0,))),
    ):
        entry = why[name]
        first, *others = entry.lines("factors")
        assert entry.lines() == entry.lines("factors")
        named = list(dict.fromkeys(s.name for s in symbols(first.expression) if is_backward(s.name)))
        assert [line.name for line in others] == named
        for line in (first, *others):
            kinds = {s.name.kind for s in symbols(line.expression) if isinstance(s.name, Quantity)}
            assert not kinds & {"delta", "beta"}, (line.rule, kinds)
        lines = entry.lines("layers")
        there = {line.name for line in lines}
        behind = {s.name for line in lines for s in symbols(line.expression) if is_backward(s.name)}
        assert behind <= there | {name}
        assert {q.layer for q in there if isinstance(q, Quantity) and q.kind in ("delta", "beta")} >= {2, 3, 4}
        everything = entry.lines("scalars")
        done = set()
        for line in everything:  # each after those that it is made of
            needed = {s.name for s in symbols(line.expression) if not why.definitions.is_given(s.name)}
            assert needed <= done or len(everything) == 80
            done.add(line.name)
        assert len(done) == len(everything)


@pytest.mark.parametrize(("notation", "slope"), [("chainrule", "f′(z[{l}][{k}])"), ("gates", "∂a{l}{k}/∂z{l}{k}")])
def test_the_links_of_every_path(notation, slope):
    """Of da[3][1]/dx[2] via k, j: the weights on the way, and the slope of every unit that is passed."""
    net = cr.Network.dense([2, 2, 2, 2], "tanh", init="uniform(-1,1)", seed=1)
    why = explain(net, X[:1, :2], Y[:1, :2], notation=notation)
    up, down, first = "⁰¹²³", "₀₁₂", why.notation.counting.first_unit

    def weight(l, i, k):
        return f"W[{l}][{i + 1},{k + 1}]" if notation == "chainrule" else f"w{up[l]}{down[k]}{down[i]}"

    def at(l, k):
        return slope.format(l=l if notation == "chainrule" else up[l], k=k + 1 if first else down[k])

    for k, j in itertools.product(range(2), range(2)):
        path = why[f"da[3][{first}]/dx[{1 + first}] via {k + first},{j + first}"]
        links = [at(3, 0), weight(3, j, 0), at(2, j), weight(2, k, j), at(1, k), weight(1, 1, k)]
        assert path.text("line").splitlines()[1].partition(" = ")[2].strip() == " · ".join(links)
        path = why[f"dC/dW[1][{first},{first}] via {k + first},{j + first}"]
        into = "x[1]" if first else "x₀"
        last = f"δ[3][{j + 1}]" if first else f"δ³{down[j]}"
        links = [last, weight(3, k, j), at(2, k), weight(2, 0, k), at(1, 0), into]
        assert path.text("line").splitlines()[1].partition(" = ")[2].strip() == " · ".join(links)


def test_the_links_of_the_only_path():
    net = cr.Network.dense([2, 2, 2], ["softmax", "tanh"], init="uniform(-1,1)", seed=1)
    why = explain(net, X[:1, :2], Y[:1, :2])
    for name, links in {
        "da[2][1]/dW[2][2,1]": "f′(z[2][1]) · a[1][2]", "da[2][1]/db[2][1]": "f′(z[2][1])",
        "da[2][1]/dz[2][1]": "f′(z[2][1])", "da[2][1]/dz[2][2]": "∂a[2][1]/∂z[2][2]",
        "da[1][1]/dW[1][2,1]": "∂a[1][1]/∂z[1][1] · x[2]", "dz[2][1]/dW[2][2,1]": "a[1][2]",
        "dz[2][1]/da[1][2]": "W[2][2,1]", "da[2][1]/da[1][2]": "f′(z[2][1]) · W[2][2,1]",
        "dz[2][1]/dz[1][2]": "∂z[2][1]/∂z[1][2]", "da[1][1]/dx[2]": "∂a[1][1]/∂x[2]",
        "dC/dW[2][2,1]": "δ[2][1] · a[1][2]", "dC/da[2][1]": "∂C/∂a[2][1]",
    }.items():  # fmt: skip
        (line,) = why[name].lines("paths")
        assert TextWriter(why.definitions.naming, 5).write(line.expression) == links
        assert line.rule == "product of the links of its only path"


@pytest.mark.parametrize("hidden", ["tanh", "softmax"])
def test_what_a_layer_is_called(hidden):
    """A softmax takes a whole example at once; each layer by its number as the notation counts it."""
    for notation, numbers in (("chainrule", "12"), ("nielsen", "23"), ("pytorch", "01")):
        layer = PRESETS[notation].counting.layer(1, "W")
        book = derive((2, 3, 2), f"dC/dW[{layer}]", activation=hidden, output_activation="tanh", notation=notation,
                      level="matrix")  # fmt: skip
        rules = [equation.rule for equation in book.equations][:4]
        own = "softmax of each example" if hidden == "softmax" else "element by element"
        assert rules == [
            f"layer {numbers[0]}, all at once",
            own,
            f"layer {numbers[1]}, all at once",
            "element by element",
        ]


@pytest.mark.parametrize("notation", sorted(PRESETS))
def test_the_range_of_a_sum_over_units(notation):
    """Units 1 to s, or 0 to s - 1."""
    first = PRESETS[notation].counting.first_unit
    assert rf"\sum_{{k={first}}}^{{{'s' if first else 's-1'}}}" in backpropagation_equations(notation).latex()
    l = PRESETS[notation].counting.layer(1, "W")
    latex = derive((2, 3, 4), f"dC/dW[{l}]", notation=notation).latex()
    assert rf"\sum_{{i={first}}}^{{{1 + first}}}" in latex or rf"\sum_{{j={first}}}^{{{1 + first}}}" in latex  # inputs
    assert rf"^{{{3 + first}}}" in latex  # outputs


def test_long_rows_break_between_terms_alone():
    names = ["a" * length for length in (10, 60, 130, 12, 200, 5)] * 2
    terms = tuple(Symbol(variable(name), 1.0) for name in names)
    lines = text([Equation(Symbol(COST), (Sum(terms),))], Naming(PRESETS["chainrule"]), 5).splitlines()
    assert " ".join(line.strip() for line in lines) == "C = " + " + ".join(names)
    assert all(len(line) <= 110 or line.strip(" +") in names for line in lines)
    assert len(lines) > 4
    layers = tuple(Symbol(Quantity("a", layer, ("j",)), 1.0) for layer in ["l-1", *(f"l+{7**n}" for n in range(40))])
    own = Naming(replace(PRESETS["chainrule"], name="own", letters={"a": "half-life", "C": "C", "J": "J"}))
    lines = text([Equation(Symbol(COST), (Sum(layers),))], own, 5).splitlines()
    whole = " + ".join(TextWriter(own, 5).write(symbol) for symbol in layers)
    assert whole.startswith("half-life[l-1][j] + ")
    assert " ".join(line.strip() for line in lines) == f"C = {whole}"


@pytest.mark.parametrize("notation", sorted(PRESETS))
@pytest.mark.parametrize(
    ("hidden", "output", "loss"),
    [
        ("tanh", "tanh", "half_squared_error"),
        ("tanh", "softmax", "softmax_categorical_cross_entropy"),
        ("softmax", "tanh", "half_squared_error"),
        ("tanh", "softmax", "categorical_cross_entropy"),
        ("logistic", "logistic", "logistic_binary_cross_entropy"),
    ],
)
def test_the_error_that_the_notation_sends_back(notation, hidden, output, loss):
    """delta everywhere; or beta = -dC/da, but where a softmax or a loss of z leaves no single one."""
    net = cr.Network.dense([2, 3, 2], [hidden, output], init="uniform(-1,1)", seed=1)
    why = explain(net, X[:, :2], np.eye(2)[[0, 1, 1]], loss=loss, notation=notation)
    for l, asked in (
        (1, weight(1, 1, 2)),
        (2, weight(2, 1, 0)),
        (1, bias(1, 2)),
        (2, bias(2, 1)),
        (1, a(0, 1)),
        (2, a(1, 1)),
    ):
        line = why[Derivative(Quantity("C"), asked)].line
        kinds = {s.name.kind for s in symbols(line.expression) if isinstance(s.name, Quantity)} & {"delta", "beta"}
        alone = (hidden if l == 1 else output) != "softmax" and not (l == 2 and "_cross" in loss and loss[0] in "ls")
        assert kinds == {"beta" if notation == "beta" and alone else "delta"}, (l, asked, line)
