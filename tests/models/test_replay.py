"""`Model.replay`: which steps there are, which rows are needed, and when it must refuse or say that it is not sure."""

from dataclasses import replace

import numpy as np
import pytest
from same import interrupt_at_call

import chainrule as cr
from chainrule.errors import UsageError
from chainrule.explaining.taken_updates import off_by
from chainrule.models.learned import training_again
from chainrule.models.model import Model
from chainrule.models.replay import remarks_on
from chainrule.training.state import History


def small(**options):
    return cr.train("wine", **{"hidden": 4, "epochs": 6, "seed": 2, **options})


@pytest.fixture(scope="module")
def model():
    return small(dropout=0.2)


@pytest.fixture
def loaded(model, tmp_path):
    return cr.load(model.save(tmp_path / "model.safetensors"))


def changed(model, **columns):
    """A model whose recorded history is another."""
    rows = [row._replace(**{name: change(getattr(row, name)) for name, change in columns.items()})
            for row in model.history]  # fmt: skip
    return replace(model, history=History(rows))


def test_steps_are_numbers_places_or_the_last(model):
    updates = -(-107 // 32)
    assert [model.replay(step=step).step for step in (1, 7, (2, 3), "last")] == [1, 7, updates + 3, 6 * updates]
    assert model.replay().step == 6 * updates
    assert model.replay(step=np.int64(5)).taken.epoch == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 0}, "24 steps, 6 epochs of 4 updates each; there is no step 0"),
        ({"step": 25}, "Ask for one from 1 to 24"),
        ({"step": -1}, "there is no step -1"),
        ({"step": (7, 1)}, "no update 1 of epoch 7"),
        ({"step": (1, 5)}, "no update 5 of epoch 1"),
        ({"step": 1.5}, "step is the number of an update"),
        ({"step": True}, "step is the number of an update"),
        ({"step": "first"}, "step is the number of an update"),
        ({"step": None}, "step is the number of an update"),
        ({"step": (1, 2, 3)}, "step is the number of an update"),
        ({"unroll": -1}, "unroll must be a whole number"),
        ({"unroll": 1.0}, "unroll must be a whole number"),
        ({"example": 32, "step": 1}, "example must be a row from 0 to 31"),
        ({"detail": "everything"}, 'detail "everything" is unknown'),
        ({"notation": "nelson"}, 'notation "nelson" is unknown'),
        ({"most": 0}, "at least 1"),
    ],
)
def test_refused(model, options, message):
    with pytest.raises(UsageError, match=message):
        model.replay(**options)


def test_names_are_refused_as_everywhere(model):
    why = model.replay(step=3)
    for name, message in (("dC/dW[1][99,1]", "13 units"), ("C @ 99", "32 examples"), ("gnu", "gnu")):
        with pytest.raises(UsageError, match=message):
            why[name]
    with pytest.raises(UsageError, match="no single weight"):
        why.weight("J")


def test_a_loaded_model_needs_its_table(model, loaded):
    with pytest.raises(UsageError, match="Name the table that trained it: wine"):
        loaded.replay(step=3)
    why, own = loaded.replay("wine", step=3), model.replay(step=3)
    assert why.exact
    assert why.rows.tolist() == own.rows.tolist()
    assert why["change W[1][2,3]"].value == own["change W[1][2,3]"].value
    assert why.weight("W[1][2,3]") == own.weight("W[1][2,3]")


def wine(**changes):
    table = cr.read_table("wine")
    columns = {column.name: column.values.copy() for column in table.columns}
    for name, (row, value) in changes.items():
        columns[name][row] = value
    return columns


@pytest.mark.parametrize("rows", ["a value", "the order", "one row less", "other columns"])
def test_another_table_is_refused(model, loaded, rows):
    number = int(model.parts["train"].row_numbers[5]) - 1
    table = wine(alcohol=(number, 12.3456)) if rows == "a value" else wine()
    if rows == "the order":
        table = {name: values[::-1] for name, values in table.items()}
    if rows == "one row less":
        table = {name: values[1:] for name, values in table.items()}
    if rows == "other columns":
        table.pop("alcohol")
    with pytest.raises(cr.ChainruleError, match=r"not the table that trained this model|lacks 1 column"):
        loaded.replay(table, step=3)


def test_rows_that_only_test_may_change(model, loaded):
    number = int(model.parts["test"].row_numbers[0]) - 1
    assert loaded.replay(wine(alcohol=(number, 12.3456)), step=3).exact


def test_sample_weights_are_needed_again(tmp_path):
    rng = np.random.default_rng(0)
    X, y, s = rng.normal(size=(40, 2)), rng.normal(size=40), rng.uniform(1, 2, 40)
    model = cr.train(X, y, sample_weight=s, epochs=3, hidden=2)
    loaded = cr.load(model.save(tmp_path / "m"))
    assert loaded.replay(X, y, sample_weight=s, step=2).exact
    for wrong in (None, s[::-1]):
        with pytest.raises(UsageError, match="their weights differ"):
            loaded.replay(X, y, sample_weight=wrong, step=2)


def test_files_are_read_with_their_options(tmp_path):
    rows = "\n".join(f"{i % 7};{i % 5};{i % 3},5" for i in range(60))
    (tmp_path / "t.csv").write_text(f"a;b;y\n{rows}\n")
    model = cr.train(tmp_path / "t.csv", decimal=",", epochs=2, hidden=2, target="y")
    loaded = cr.load(model.save(tmp_path / "m"))
    assert loaded.replay(tmp_path / "t.csv", reading={"decimal": ","}).exact


def test_a_history_that_is_a_little_different_is_said(model):
    other = changed(model, cost=lambda J: J * (1 + 1e-6))
    why = other.replay(step=5)
    assert not why.exact
    assert "not bit for bit" in why.remarks[0]
    assert "rounds otherwise" in why.heading()


@pytest.mark.parametrize("columns", [{"cost": lambda J: J * 1.1}, {"cost": lambda J: float("nan")}])
def test_a_history_that_is_another_is_refused(model, columns):
    with pytest.raises(UsageError, match=r"cannot be made again: the cost of epoch 1 is .* now and was"):
        changed(model, **columns).replay(step=5)


def test_every_column_of_the_history_is_compared(model):
    for name in ("validation_cost", "accuracy", "validation_accuracy", "learning_rate", "gradient_norm"):
        assert not changed(model, **{name: lambda value: value * (1 + 1e-6)}).replay(step=5).exact


def test_weights_that_training_did_not_reach_are_refused(model):
    parameters = [np.asarray(p).copy() for p in model.network.parameters]
    parameters[0][0, 0] += 1e-3
    other = replace(model, network=model.network.with_parameters(parameters))
    with pytest.raises(UsageError, match="they were changed afterwards"):
        other.replay(step=5)


def test_an_engine_that_is_another_is_said(model):
    provenance = replace(model.provenance, engine="abacus")
    other = replace(changed(model, cost=lambda J: J * (1 + 1e-7)), provenance=provenance)
    assert "by the engine abacus" in other.replay(step=5).heading()


def test_a_model_of_an_older_version_has_only_its_costs(model, tmp_path):
    older = replace(model, provenance=replace(model.provenance, fingerprint=""))
    loaded = cr.load(older.save(tmp_path / "m"))
    assert "does not know its table" in loaded.replay("wine", step=3).heading()
    table = {name: values[::-1] for name, values in wine().items()}
    with pytest.raises(UsageError, match="not the one that trained it"):
        loaded.replay(table, step=3)


def test_verify_goes_on_to_the_weights_or_not(model):
    best = model.provenance.best_epoch
    assert best > 1
    assert "so are the model's weights" in model.replay(step=1, verify=True).heading()
    assert "were not compared" in model.replay(step=1, verify=False).heading()
    slow = changed(model, seconds=lambda seconds: seconds + 1)
    slow = replace(slow, history=History([row._replace(seconds=100.0 * row.epoch) for row in slow.history]))
    assert "were not compared" in slow.replay(step=1).heading()
    assert "so are" in slow.replay(step=(best, 1)).heading()  # on the way


def test_a_step_after_the_kept_weights_says_so():
    rng = np.random.default_rng(0)
    model = cr.train(rng.normal(size=(60, 4)), rng.normal(size=60), hidden=20, epochs=40, learning_rate=0.05)
    assert model.provenance.best_epoch < 40
    assert "is not in them" in model.replay(step="last").heading()
    assert "is not in them" not in model.replay(step=1).heading()


def test_own_parts_are_asked_of_the_trained_model(tmp_path):
    cosh = cr.Loss("log_cosh", lambda A, Y: np.log(np.cosh(A - Y)).sum(axis=1), lambda A, Y: np.tanh(A - Y))
    model = cr.train("diabetes", loss=cosh, epochs=3, hidden=2)
    assert model.replay(step=4).exact
    loaded = cr.load(model.save(tmp_path / "m"))
    with pytest.raises(UsageError, match='the loss "log_cosh" of your own'):
        loaded.replay("diabetes", step=4)


def test_trainings_that_were_stopped_or_resumed(tmp_path):
    def stop(state):
        return state.epoch == 4

    stopped = small(on_epoch=stop)
    assert len(stopped.history) == 4
    assert stopped.replay().exact
    checkpoint = tmp_path / "c"
    small(epochs=3, checkpoint=checkpoint)
    resumed = small(epochs=6, checkpoint=checkpoint, resume=True)
    assert resumed.replay(step=(6, 1)).exact
    early = small(epochs=200, patience=2, target_cost=1e-9)
    assert early.replay().exact
    assert early.replay().epoch == len(early.history) < 200


def test_a_callback_that_changes_the_weights_is_found_out():
    def spoil(state):
        state.network.weights[1][0, 0] += 0.5

    model = small(on_epoch=spoil, keep="last")
    with pytest.raises(UsageError, match=r"cannot be made again|changed afterwards"):
        model.replay()


def test_every_model_of_many_can_be_asked():
    models = cr.train_many("wine", cr.grid(hidden=[2, 3], update=["adam", "momentum"]), epochs=3, starts=2)
    assert all(one.replay(step=4).exact for one in models)
    folds = cr.cross_validate("iris", folds=3, epochs=3).models
    assert all(one.replay(step=4).exact for one in folds)
    ensemble = cr.train_ensemble("wine", members=3, epochs=3, hidden=3)
    assert [one.provenance.start for one in ensemble.members] == [0, 1, 2]
    assert all(one.replay(step=4).exact for one in ensemble.members)


def test_members_after_one_that_diverged(tmp_path):
    # Weights so large that some starts overflow at once and others do not.
    options = {"activation": "exponential", "init": "uniform(-100,100)", "hidden": 1, "seed": 1, "epochs": 2,
               "update": "gradient_descent", "learning_rate": 1e-9, "scale": "none"}  # fmt: skip
    ensemble = cr.train_ensemble("xor", members=12, **options)
    starts = [one.provenance.start for one in ensemble.members]
    assert starts == sorted(starts)
    assert starts != list(range(len(starts)))
    loaded = cr.load(ensemble.save(tmp_path / "e"))
    assert [one.provenance.start for one in loaded.members] == starts
    assert all(one.replay("xor", step=2).exact for one in loaded.members)


def test_the_start_that_won_is_made_again():
    starts = set()
    for seed in range(4):
        model = small(starts=4, seed=seed)
        starts.add(model.provenance.start)
        assert model.provenance.start == int(np.argmin(model.provenance.starts))
        assert model.replay(step=6).exact
    assert len(starts) > 1


def test_a_model_without_steps():
    model = small()
    with pytest.raises(UsageError, match="took no step"):
        replace(model, history=History()).replay()


def test_explain_says_that_its_change_is_no_step_of_training(model):
    rule = model.explain()["change W[1][2,3]"].rule
    assert "not a step that training took" in rule
    assert "all 107 rows" in rule
    assert "not a step" not in model.explain()["dC/dW[1][2,3]"].rule
    assert "not a step" not in model.replay(step=2)["change W[1][2,3]"].rule
    for solver in ("lm", "lbfgs"):
        solved = cr.train("xor", hidden=2, epochs=3, solver=solver)
        with pytest.raises(UsageError, match=rf"trained by {solver}.*model\.replay"):
            solved.explain()["change W[1][1,1]"]
        assert isinstance(solved, Model)
        assert solved.explain()["dJ/dW[1][1,1]"].value is not None


def test_a_change_that_the_equations_do_not_make_is_noticed(model):
    why = model.replay(step=5)
    miss, rounding = off_by(why.explanation, why.taken)
    assert miss <= rounding < 1e-4
    spoilt = [np.asarray(p).copy() for p in why.after.parameters]
    spoilt[0][2, 1] += 1e-3
    other = replace(why.taken, after=why.after.with_parameters(spoilt))
    miss, rounding = off_by(why.explanation, other)
    assert miss == pytest.approx(1e-3, rel=0.01)
    assert miss > rounding
    (remark,) = remarks_on(model, training_again(model).training, other, why.explanation, True)[:1]
    assert "its own changes differ from theirs by up to 0.001" in remark
    (remark,) = remarks_on(model, training_again(model).training, why.taken, why.explanation, False)[:1]
    assert "only within rounding" in remark


def test_ctrl_c_ends_it(model, monkeypatch):
    interrupt_at_call(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        model.replay(step=5)


def test_the_steps_before_a_divergence():
    options = {"update": "gradient_descent", "output_activation": "identity", "loss": "half_squared_error",
               "hidden": "none", "scale": "none", "batch_size": "all", "learning_rate": 1e-3}  # fmt: skip
    with pytest.raises(cr.DivergenceError) as caught:
        cr.train("wine", epochs=200, **options)
    model = caught.value.model
    assert len(model.history) > 3
    assert model.replay(step="last").exact


@pytest.mark.parametrize("options", [{"update": "momentum"}, {"update": "adam", "dtype": "float64"}, {"dropout": 0.3}])
def test_another_engine_is_held_to_tolerance(options):
    model = small(**options)
    other = replace(model, plan=replace(model.plan, engine="reference"))
    same = model.provenance.engine == "reference"  # where no compiler was found
    why, own = other.replay(step=7), model.replay(step=7)
    assert why.exact == same
    assert ("trained by the engine compiled; here it is reference" in why.heading()) != same
    assert why.weight("W[1][2,3]") == pytest.approx(own.weight("W[1][2,3]"), rel=1e-3, abs=1e-5)
    assert why["change W[1][2,3]"].value == pytest.approx(own["change W[1][2,3]"].value, rel=1e-2, abs=1e-5)
