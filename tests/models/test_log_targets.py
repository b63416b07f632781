"""Training on skewed targets: better in their own unit, and all that follows from the scale."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError
from chainrule.models.setup import set_up


def sales(n: int = 1500) -> dict:
    """Amounts that are a product of the inputs, as most are."""
    rng = np.random.default_rng(0)
    quantity, price = np.exp(rng.normal(size=n)), np.exp(1.2 * rng.normal(size=n))
    return {"quantity": quantity, "price": price, "margin": rng.uniform(-0.5, 0.5, n), "amount": quantity * price}


def test_a_product_is_learnt_better_on_its_scale():
    for seed in range(2):
        log, straight = (cr.train(sales(), epochs=60, seed=seed, target_scale=s).test for s in ("auto", "standard"))
        assert log.mae < 0.85 * straight.mae


def test_measures_are_in_the_targets_own_unit():
    model = cr.train(sales(), epochs=20)
    assert model.encoding.target.log_units[0] == pytest.approx(np.median(model.parts["train"].column("amount").values))
    test = model.parts["test"]
    truth, predicted = test.column("amount").values, model.predict(test)
    assert model.test.rmse == pytest.approx(np.sqrt(np.mean((truth - predicted) ** 2)))
    assert model.test.r2 == pytest.approx(1 - np.mean((truth - predicted) ** 2) / truth.var())
    assert model.evaluate(test) == model.test
    note = '"amount": skewed, so learnt on a logarithmic scale; predictions are medians, in its own unit.'
    assert any(one.startswith(note) for one in model.provenance.notes)


def test_predictions_are_medians():
    """Noise that multiplies: half of the rows lie above what is predicted, far from half above the mean."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=6000)
    y = np.exp(3 + 0.3 * x + 1.2 * rng.normal(size=6000))
    model = cr.train({"x": x, "y": y}, epochs=30)
    assert model.encoding.target.log_units
    above = float(np.mean(model.parts["train"].column("y").values > model.predict(model.parts["train"])))
    mean_above = float(np.mean(y > np.exp(3 + 0.3 * x + 0.72)))  # the mean of exp(1.2 e) is exp(0.72)
    assert abs(above - 0.5) < 0.1 < 0.5 - mean_above


def test_it_is_kept_replayed_and_explained(tmp_path):
    model = cr.train(sales(200), epochs=5)
    loaded = cr.load(model.save(tmp_path / "m.safetensors"))
    assert loaded.encoding == model.encoding
    assert (loaded.predict(sales(20)) == model.predict(sales(20))).all()
    assert loaded.replay(sales(200), step=4).exact
    why = model.explain(sales(20), example=2)["a[2][1]"]
    target = model.encoding.target
    value = target.log_units[0] * np.sinh(why.value * target.scales[0] + target.centers[0])
    assert value == pytest.approx(model.predict(sales(20))[2], rel=1e-5)


@pytest.mark.parametrize(
    "options",
    [{"loss": "huber"}, {"loss": "absolute_error"}, {"loss": "quantile(0.9)"}, {"loss": "poisson"},
     {"output_activation": "softplus"}, {"output_activation": "tanh"}, {"target_scale": "standard"}],
)  # fmt: skip
def test_other_losses_and_outputs_are_as_they_were(options):
    assert set_up(sales(300), **options).encoding.target.log_units == ()


def test_many_settings_have_each_their_own_scale():
    models = cr.train_many(sales(300), [{"loss": "huber"}, {"loss": "mse"}, {}], epochs=2)
    assert [bool(model.encoding.target.log_units) for model in models] == [False, True, True]


def test_a_row_far_away_is_refused_and_costs_no_model():
    model = cr.train(sales(200), epochs=30, activation="identity", dtype="float64")
    far = {"quantity": [1e6], "price": [1e6], "margin": [0.0]}
    with pytest.raises(DataError, match="beyond float64"):
        model.predict(far)
    table = sales(200)
    row = int(set_up(table).split.test[0])
    table["price"][row] = 1e7
    tested = cr.train(table, epochs=30, activation="identity", dtype="float64")
    assert tested.test is None
    assert any("Not tested" in note for note in tested.provenance.notes)


def test_an_ensemble_answers_by_the_mean_of_its_members_values():
    ensemble = cr.train_ensemble(sales(200), members=3, epochs=4)
    rows = sales(20)
    each = [member.predict(rows) for member in ensemble.members]
    np.testing.assert_allclose(ensemble.predict(rows), np.mean(each, axis=0))
