"""A replayed step is the one that training took: against training written a second time, and against its own states."""

import math

import numpy as np
import pytest
from plain_training import PlainPlan, plain_epoch

import chainrule as cr
from chainrule.explaining.grammar import written
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.quantities import COST, Change, Derivative, a, delta, weight
from chainrule.explaining.trees import evaluate

CHOICES = {
    "update": ["gradient_descent", "momentum", "nesterov", "rmsprop", "adam", "adamw", "rprop"],
    "batch_size": [1, 5, 8, "all"],
    "dropout": [0.0, 0.3, (0.2, 0.5)],
    "clipping": [{}, {"clip_norm": 0.2}, {"clip_value": 0.03}, {"clip_norm": 0.1, "clip_value": 0.05}],
    "schedule": ["constant", "cosine", "step(1,0.5)", "reduce_on_plateau(0.5,1)"],
    "weight_decay": [0.0, 0.05],
    "reduction": ["mean", "sum"],
    "starts": [1, 3],
    "weighted": [False, True],
    "engine": ["auto", "reference"],
    "bias": ["vector", "none"],
    "frozen": [(), (1,)],
    "shuffle": [True, False],
}
EPOCHS, RATE, N = 3, 0.01, 31


def drawn(number):
    rng = np.random.default_rng(number)
    return {name: several[rng.integers(len(several))] for name, several in CHOICES.items()}


def table():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(N, 3))
    labels = np.where(X[:, 0] > 0.4, "left", np.where(X[:, 1] + rng.normal(size=N) > 0, "right", "straight"))
    return X, labels, rng.uniform(0.5, 2.0, N)


def trained(case, dtype):
    case, (X, labels, weights) = dict(case), table()
    more = {**case.pop("clipping"), "sample_weight": weights if case.pop("weighted") else None}
    states = {}

    def keep(state):
        states.setdefault(len(states), []).append(state) if state.epoch == 1 else states[len(states) - 1].append(state)

    model = cr.train(
        X, labels, hidden=(4, 3), epochs=EPOCHS, learning_rate=RATE, dtype=dtype, test=0.0, validation=0.2, seed=3,
        on_epoch=keep, **case, **more,
    )  # fmt: skip
    assert len(states) == case["starts"]
    return model, states[model.provenance.start]


def matrices_of(network):
    """Those of `plain_training`: a row for each unit, the bias first."""
    return [
        np.asarray(layer.weights).T if layer.biases is None
        else np.concatenate([np.asarray(layer.biases)[:, None], np.asarray(layer.weights).T], axis=1)
        for layer in network.layers
    ]  # fmt: skip


def retrained(model, case):
    """Every update of the training, by the plain one: rows, matrices before and after."""
    plan, X, Y = model.plan, model.learned.X, model.learned.Y
    generator = np.random.default_rng([plan.seed, 1 + model.provenance.start])
    start = cr.Network.dense(
        [3, 4, 3, 3], ["tanh", "tanh", "softmax"], bias=case["bias"] == "vector", seed=generator, dtype="float64"
    )
    size = len(X) if plan.batch_size == "all" else plan.batch_size
    plain = PlainPlan(
        case["update"], "softmax", reduction=plan.reduction, batch_size=size, weight_decay=plan.weight_decay,
        clip_norm=plan.clip_norm, clip_value=plan.clip_value, sample_weight=model.learned.weights, frozen=plan.frozen,
        biases=case["bias"] == "vector", dropout=plan.dropout * (2 // len(plan.dropout)), random=generator,
    )  # fmt: skip
    updates, found = math.ceil(len(X) / size), []
    matrices = matrices_of(start)
    for epoch in range(EPOCHS):
        order = np.arange(len(X))
        if plan.shuffle and size < len(X):
            order = generator.permutation(len(X))
        times = epoch + np.arange(updates) / updates
        rates = {
            "constant": np.full(updates, RATE),
            "cosine": RATE * (1 + np.cos(np.pi * times / EPOCHS)) / 2,
            "step(1,0.5)": RATE * 0.5 ** np.floor(times),
        }.get(case["schedule"], np.full(updates, model.history[epoch].learning_rate))
        matrices, *_ = plain_epoch(plain, matrices, X, Y, order, rates, lambda *update: found.append(update))
    return found


def check(number, dtype="float64"):
    case = drawn(number)
    model, states = trained(case, dtype)
    plain = retrained(model, case)
    updates = len(plain) // EPOCHS
    rng = np.random.default_rng(number)
    rough = {"rtol": 1e-7, "atol": 1e-10} if dtype == "float64" else {"rtol": 1e-3, "atol": 1e-4}
    for step in sorted({1, updates, updates + 1, len(plain), 1 + int(rng.integers(len(plain)))}):
        why = model.replay(step=step)
        assert why.exact, (case, why.remarks)
        epoch = (step - 1) // updates
        assert (why.epoch, why.batch) == (epoch + 1, (step - 1) % updates + 1)
        rows, before, after = plain[step - 1]
        assert why.rows.tolist() == model.parts["train"].row_numbers[rows].tolist()
        for network, matrices in ((why.before, before), (why.after, after)):
            for M, P in zip(matrices_of(network), matrices, strict=True):
                np.testing.assert_allclose(M, P, err_msg=str(case), **rough)
        # The states that training handed out are the same bits.
        if why.batch == 1 and epoch:
            same_bits(why.before, states[epoch - 1].network)
        if why.batch == updates:
            same_bits(why.after, states[epoch].network)
        if dtype == "float64":
            explained(why, case, before, after)


def explained(why, case, before, after):
    l, i, k = 3, 1, 2
    bias = case["bias"] == "vector"
    names = [("change W[3][2,3]", (k, i + bias))] + ([("change b[3][3]", (k, 0))] if bias else [])
    for name, place in names:
        entry = why[name]
        made = after[l - 1][place] - before[l - 1][place]
        assert entry.value == pytest.approx(made, rel=1e-6, abs=1e-11), case
        assert evaluate(entry.expression) == pytest.approx(entry.value, rel=1e-9, abs=1e-15), case
        for line in entry.lines("layers"):
            assert evaluate(line.expression) == pytest.approx(line.value, rel=1e-9, abs=1e-14), (case, line.rule)
        got = why.weight(name)
        assert got == pytest.approx((before[l - 1][place], after[l - 1][place]), rel=1e-7, abs=1e-10)
    entry = why["change W[1][2,3]"]
    if case["frozen"]:
        assert (entry.value, entry.rule) == (0.0, "its layer is frozen")
    for line in why["dC/dW[1][1,2]"].lines("scalars"):  # through the masks of dropout
        assert evaluate(line.expression) == pytest.approx(line.value, rel=1e-9, abs=1e-14), (case, line.rule)


def same_bits(a, b):
    for p, q in zip(a.parameters, b.parameters, strict=True):
        assert p.tobytes() == q.tobytes()


@pytest.mark.parametrize("number", range(12))
def test_a_replayed_step_is_the_one_of_a_plain_training(number):
    check(number)


@pytest.mark.parametrize("number", range(100, 106))
def test_in_float32(number):
    check(number, "float32")


@pytest.mark.long
@pytest.mark.parametrize("number", [*range(12, 24), *range(1000, 1300)])
def test_many_more_trainings(number):
    check(number, "float64" if number % 3 else "float32")


@pytest.mark.matrix
@pytest.mark.parametrize("unroll", [1, 4, 1000])
@pytest.mark.parametrize("update", ["momentum", "nesterov", "rmsprop", "adam", "adamw"])
def test_the_state_written_out_is_the_state(update, unroll):
    case = {**drawn(0), "update": update, "batch_size": 8, "clipping": {"clip_norm": 0.2}, "frozen": (), "starts": 1}
    model, _ = trained(case, "float64")
    why = model.replay(step=(3, 2), unroll=unroll)
    states = [line for line in why["change W[2][2,1]"].lines("factors") if line.rule.startswith("what the gradients")]
    assert len(states) == (2 if update.startswith("adam") else 1)
    for line in states:
        assert line.value
        assert evaluate(line.expression) == pytest.approx(line.value, rel=1e-9)
    # Each gradient that is shown is that of its own step, as the rule received it.
    earlier = why["change W[2][2,1]"].definitions.update.earlier
    assert [one.number for one in earlier] == list(range(max(1, why.step - unroll), why.step))
    one = model.replay(step=earlier[-1].number)
    received = one.explanation.definitions.update.received(one.explanation.definitions.values)
    for shown, own in zip(earlier[-1].gradients, received, strict=True):
        np.testing.assert_allclose(shown, own)


@pytest.mark.matrix
@pytest.mark.parametrize(
    "options",
    [
        {"solver": "lm"},
        {"solver": "lm(10,5,0.2)", "weight_decay": 0.01, "reduction": "sum"},
        {"solver": "lm", "bayes": True},
        {"solver": "lm(1e-9)"},
        {"solver": "lbfgs"},
        {"solver": "lbfgs(3)", "weight_decay": 0.01, "reduction": "sum", "starts": 2},
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_steps_of_solvers(options, weighted):
    X, _, weights = table()
    y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2]
    states = []
    model = cr.train(
        X, y, hidden=2, epochs=6, dtype="float64", on_epoch=states.append, seed=1,
        sample_weight=weights if weighted else None, **options,
    )  # fmt: skip
    states = states[6 * model.provenance.start :]
    for step in (1, 2, 3, len(model.history)):
        why = model.replay(step=step)
        assert why.exact
        assert math.isnan(why.learning_rate)
        if step > 1:
            same_bits(why.before, states[step - 2].network)
        same_bits(why.after, states[step - 1].network)
        for name in ("change W[1][3,2]", "change b[2][1]"):
            entry, (before, after) = why[name], why.weight(name)
            assert entry.value == pytest.approx(after - before, rel=1e-5, abs=1e-9), (step, name)
            assert evaluate(entry.expression) == pytest.approx(entry.value, rel=1e-6, abs=1e-12)


def test_the_tries_of_levenberg_marquardt_are_told():
    X, *_ = table()
    y = np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2]
    states = []
    model = cr.train(X, y, hidden=3, epochs=12, dtype="float64", on_epoch=states.append, solver="lm(1e-6,10,0.1)")
    refused = 0
    for step in range(2, len(model.history) + 1):
        update = model.replay(step=step).explanation.definitions.update
        mu, before = states[step - 1].rule_state.mu, states[step - 2].rule_state.mu
        assert list(update.refused) == pytest.approx([before * 10**k for k in range(len(update.refused))])
        if update.taken:
            assert update.damping == pytest.approx(before * 10 ** len(update.refused))
            assert mu == pytest.approx(update.damping * 0.1)
        refused += len(update.refused)
    assert refused


def test_a_solver_that_has_converged_took_no_step():
    X = np.linspace(-1, 1, 8)[:, None]
    for solver in ("lm", "lbfgs"):
        model = cr.train(X, 2 * X[:, 0] + 1, hidden="none", epochs=200, dtype="float64", solver=solver, test=0.0)
        if model.provenance.stopped.startswith("converged"):
            entry = model.replay()["change W[1][1,1]"]
            assert entry.value == 0
            assert "converged" in entry.rule
        else:
            pytest.fail(f"{solver} was to converge: {model.provenance.stopped}")


@pytest.mark.matrix
@pytest.mark.parametrize(
    "quantity", [Change(weight(2, 1, 2)), Derivative(COST, weight(1, 1, 2)), delta(2, 1), a(2, 1)], ids=str
)
@pytest.mark.parametrize("notation", list(PRESETS))
def test_every_notation_writes_a_step(notation, quantity):
    case = {
        **drawn(7),
        "update": "adam",
        "batch_size": 8,
        "clipping": {"clip_norm": 0.05},
        "dropout": 0.3,
        "frozen": (),
    }
    model, _ = trained(case, "float64")
    why = model.replay(step=(2, 2), notation=notation, unroll=2)
    entry = why[written(quantity, why.explanation.notation.counting)]
    for detail in ("line", "factors", "layers", "paths", "scalars"):
        for line in entry.lines(detail):
            assert evaluate(line.expression) == pytest.approx(line.value, rel=1e-9, abs=1e-14), line.rule
        assert entry.text(detail)
        assert entry.latex(detail)
        assert entry.mathml(detail).startswith("<math")
        assert entry.json(detail)["lines"]
