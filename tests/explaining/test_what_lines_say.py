"""No line of a derivation says nothing or says it twice, and each level of detail is made of what it promises."""

import itertools

import numpy as np
import pytest

import chainrule as cr
from chainrule import UsageError, derive, explain
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.quantities import Derivative, Quantity, is_backward
from chainrule.explaining.symbolic import backpropagation_equations
from chainrule.explaining.text_form import TextWriter
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
        writer, seen = TextWriter(book.naming, None), set()
        for equation in book.equations:
            left, *sides = (writer.write(side) for side in (equation.left, *equation.sides))
            assert left not in sides, (pattern, l, m, equation.rule)
            assert (left, *sides) not in seen, (pattern, l, m, equation.rule)
            seen.add((left, *sides))
    assert derived >= 40


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
