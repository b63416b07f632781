"""Of a long sum the largest terms are shown, in their order, and the others as one that has their value."""

import numpy as np
import pytest
from shown import jacobian_names

import chainrule as cr
from chainrule import explain
from chainrule.explaining.expressions import Rest, Sum
from chainrule.explaining.grammar import parse
from chainrule.explaining.quantities import Change, Derivative, Quantity, weight
from chainrule.explaining.trees import evaluate, parts

random = np.random.default_rng(3)
X, CLASSES = random.normal(size=(6, 7)), np.eye(6)[random.integers(0, 6, 6)]


def sums(e):
    return [*([e] if isinstance(e, Sum) else []), *(found for part in parts(e) for found in sums(part))]


def check(short, whole, most):
    """Compare an expression with `most` terms a sum with the same one written out; return how many sums were cut."""
    cut = [e for e in sums(short) if any(isinstance(term, Rest) for term in e.terms)]
    whole = [e for e in sums(whole) if len(e.terms) > most + 1]
    for e in cut:
        (rest,) = [term for term in e.terms if isinstance(term, Rest)]
        at = e.terms.index(rest)
        assert at == most
        (full,) = [
            w
            for w in whole
            if len(w.terms) == at + rest.count + len(e.terms) - at - 1 and set(e.terms[:at]) <= set(w.terms)
        ]
        values = np.array([evaluate(term) for term in full.terms[: at + rest.count]])
        largest = np.sort(np.argsort(-np.abs(values), kind="stable")[:most])
        assert e.terms[:at] == tuple(full.terms[i] for i in largest)
        assert e.terms[at + 1 :] == full.terms[at + rest.count :]
        assert rest.value == pytest.approx(np.delete(values, largest).sum(), rel=1e-9, abs=1e-12)
    return len(cut)


NAMES = ["z[2][3]", "a[2][1]", "C", "J", "dC/da[1][2]", "dC/dx[3]", "delta[1][2]", "delta[2][3]", "dJ/dW[1][7,2]",
         "dJ/db[2][1]", "beta[1][2]", "da[2][1]/dx[3]", "da[2][1]/da[1][2]", "dz[2][1]/dx[3]", "da[2][1]/dz[1][2]",
         "dz[2][4]/dW[1][2,3]", "dC/dx[3] @ 4"]  # fmt: skip


@pytest.mark.parametrize("options", [
    {}, {"weight_decay": 0.3}, {"sample_weight": np.array([1.0, 5.0, 0.5, 2.0, 3.0, 1.0])}, {"reduction": "sum"},
    {"loss": "softmax_categorical_cross_entropy"}, {"loss": "categorical_cross_entropy"}, {"loss": "poisson"},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("hidden", ["tanh", "softmax"])
def test_the_largest_terms_are_shown(hidden, options):
    output = "softmax" if "cat" in options.get("loss", "") else "exponential" if "loss" in options else "tanh"
    net = cr.Network.dense([7, 6, 6], [hidden, output], init="uniform(-1,1)", seed=2)
    Y = random.dirichlet(np.ones(6), 6) if "cat" in options.get("loss", "") else CLASSES
    for notation, most in (("chainrule", 1), ("beta", 2), ("ng", 3)):
        short, whole = (
            explain(
                net, X, Y, notation=notation, most=m, **{"loss": "half_squared_error", "reduction": "mean", **options}
            )
            for m in (most, 100)
        )
        cut = 0
        for text in NAMES:
            if text == "C" and "softmax" in options.get("loss", ""):
                continue  # of many classes it is written with ln a, of few with z
            name = parse(text, net.sizes)
            if short._has(name):
                for factors in (False, True):
                    cut += check(
                        *(why.definitions.of(name, factors=factors).expression for why in (short, whole)), most
                    )
        assert cut > 10


@pytest.mark.parametrize("update", ["lm(0.5)", "momentum"])
def test_the_largest_terms_of_a_change_are_shown(update):
    net = cr.Network.dense([7, 3, 1], "tanh", init="uniform(-1,1)", seed=2)
    short, whole = (explain(net, X, X[:, :1], update=update, most=m) for m in (2, 100))
    for name in (Change(weight(1, 2, 1)), Derivative(Quantity("J"), weight(2, 1, 0))):
        cut = check(short.definitions.of(name).expression, whole.definitions.of(name).expression, 2)
        assert cut == (name != Change(weight(1, 2, 1)) or update != "momentum")


@pytest.mark.parametrize("update", ["momentum", "rmsprop", "adam", "lbfgs(5)"])
def test_the_largest_of_what_earlier_steps_left_is_shown(update):
    options = {"update": update, "batch_size": 3, "learning_rate": 0.01}
    options, unroll = ({"solver": update}, {}) if update.startswith("lbfgs") else (options, {"unroll": 5})
    model = cr.train(X, X[:, 0] * X[:, 1], hidden=2, dtype="float64", seed=1, test=0.0, epochs=6, **options)
    short, whole = (model.replay(step=6, most=m, **unroll)["change W[1][3,2]"].lines("factors") for m in (2, 100))
    assert sum(check(a.expression, b.expression, 2) for a, b in zip(short, whole, strict=True)) >= 1


def test_paths_are_the_largest_in_the_order_of_their_units():
    net = cr.Network.dense([3, 4, 5, 2], "tanh", init="uniform(-1,1)", seed=2)
    short, whole = (explain(net, X[:, :3], X[:, :2], most=m) for m in (3, 100))
    checked = 0
    for name in [n for n in jacobian_names(net.sizes) if isinstance(n, Derivative)] + [
        Derivative(Quantity("C"), weight(1, 0, 1))
    ]:
        few, every = short[name].lines("paths"), whole[name].lines("paths")
        if len(every) < 6:
            continue
        there = sorted(sorted(every[1:], key=lambda line: -abs(line.value))[:3], key=lambda line: line.name.via)
        assert [line.name for line in few[1:]] == [line.name for line in there]
        rest = few[0].expression.terms[-1]
        assert rest.count == len(every) - 4
        assert few[0].rule == every[0].rule == f"sum over {len(every) - 1} paths"
        assert rest.value == pytest.approx(few[0].value - sum(line.value for line in few[1:]), rel=1e-9, abs=1e-12)
        checked += 1
    assert checked > 3
