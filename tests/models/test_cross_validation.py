"""Cross-validation: folds that are a partition, encodings that have not seen their fold, and honest sums."""

import math

import numpy as np
import pytest
from same import DIVERGING, interrupt_at_call, same_bits

import chainrule as cr
from chainrule.data.splits import k_folds
from chainrule.errors import DataError, DivergenceError, UsageError
from chainrule.models.cross_validation import set_up_folds
from chainrule.models.train import train_setup


class TestFolds:
    @pytest.mark.parametrize(("source", "folds"), [("wine", 5), ("iris", 2), ("diabetes", 7)])
    @pytest.mark.parametrize("validation", [0, 0.25])
    def test_a_partition(self, source, folds, validation):
        setups = set_up_folds(source, folds=folds, validation=validation)
        n = setups[0].table.n_rows
        assert len(setups) == folds
        assert sorted(np.concatenate([setup.split.test for setup in setups])) == list(range(n))
        for setup in setups:
            parts = setup.split.train, setup.split.validation, setup.split.test
            assert sorted(np.concatenate(parts)) == list(range(n))
            outside = n - len(parts[2])
            assert abs(len(parts[1]) - validation * outside) <= 1

    def test_every_class_has_its_share_in_every_fold(self):
        for setup in set_up_folds("wine", folds=5):
            labels = setup.Y.argmax(axis=1)
            for part, share in ((setup.split.test, 1 / 5), (setup.split.validation, 4 / 25)):
                counts = np.bincount(labels[part], minlength=3)
                assert (abs(counts - share * np.bincount(labels)) <= 1.5).all()

    def test_the_folds_are_those_of_k_folds(self):
        setups = set_up_folds("diabetes", folds=4, seed=3)
        tenths = np.empty(442, dtype=int)
        tenths[np.argsort(cr.read_table("diabetes").columns[-1].values, kind="stable")] = np.arange(442) * 10 // 442
        folds = k_folds(442, 4, np.random.default_rng(3), tenths)
        for setup, fold in zip(setups, folds, strict=True):
            assert (setup.split.test == fold.validation).all()

    def test_other_seeds_give_other_folds(self):
        a, b, c = (set_up_folds("diabetes", folds=4, seed=seed)[0].split for seed in (3, 3, 4))
        assert (a.test == b.test).all()
        assert (a.validation == b.validation).all()
        assert len(a.test) != len(c.test) or (a.test != c.test).any()

    def test_constants_come_from_the_training_rows_alone(self):
        """No leakage: mean, deviation, the median for missing values and the target's scale."""
        rng = np.random.default_rng(0)
        x = rng.normal(size=60)
        x[rng.integers(0, 60, 8)] = math.nan
        data = {"x": x.tolist(), "y": (10 * rng.normal(size=60)).tolist()}
        for setup in set_up_folds(data, folds=3, missing="impute"):
            known = x[setup.split.train]
            filled = np.where(np.isnan(known), np.nanmedian(known), known)
            inside = setup.X[setup.split.train, 0]
            np.testing.assert_allclose(inside, (filled - np.nanmean(known)) / np.nanstd(known), atol=1e-9)
            assert abs(setup.Y[setup.split.train].mean()) < 1e-9
            assert setup.Y[setup.split.train].std() == pytest.approx(1)
            assert abs(setup.X[~np.isnan(x)].mean()) > 1e-6  # not those of all rows

    def test_a_row_of_the_fold_changes_nothing_in_the_training(self):
        rng = np.random.default_rng(1)
        data = {"x": rng.normal(size=40), "y": rng.normal(size=40)}
        before = cr.cross_validate(data, folds=4, epochs=4)
        row = before.splits[2].test[0]
        changed = {name: values.copy() for name, values in data.items()}
        nearest = np.sort(data["y"])
        above = nearest[np.searchsorted(nearest, data["y"][row]) + 1]
        changed["x"][row], changed["y"][row] = 5.0, (data["y"][row] + above) / 2  # its place in the order stays
        after = cr.cross_validate(changed, folds=4, epochs=4)
        same = [same_bits(a, b) for a, b in zip(before.models, after.models, strict=True)]
        assert same[2]
        trained = [row in split.train for split in before.splits]
        assert sum(trained) >= 2  # in one fold it may be among the validation rows
        assert not any(bits for bits, there in zip(same, trained, strict=True) if there)
        assert before.evaluations[2] != after.evaluations[2]


class TestResult:
    def test_each_model_is_that_of_its_fold_alone(self):
        options = {"folds": 3, "epochs": 15, "starts": 2, "hidden": 5}
        result = cr.cross_validate("wine", **options)
        for setup, model in zip(set_up_folds("wine", **options), result.models, strict=True):
            alone = train_setup(setup)
            assert same_bits(model, alone)
            assert model.test == alone.test == alone.evaluate(setup.table.take(setup.split.test))
            assert model.provenance.starts == alone.provenance.starts

    def test_mean_and_deviation(self):
        result = cr.cross_validate("diabetes", folds=4, epochs=10)
        errors = [evaluation.rmse for evaluation in result.evaluations]
        assert result.measures["rmse"] == tuple(errors)
        assert result.mean["rmse"] == pytest.approx(sum(errors) / 4)
        variance = sum((e - sum(errors) / 4) ** 2 for e in errors) / 3
        assert result.deviation["rmse"] == pytest.approx(math.sqrt(variance))
        assert set(result.mean) == {"rmse", "mae", "r2"}
        assert repr(result) == f"<CrossValidation of 4 folds, mean rmse {result.mean['rmse']:.3g}>"

    def test_it_prints_itself(self):
        result = cr.cross_validate("wine", folds=3, epochs=2)
        lines = str(result).splitlines()
        assert lines[0].split() == ["fold", "rows", "accuracy", "log", "loss", "epochs", "kept", "stopped"]
        assert [line.split()[0] for line in lines[1:]] == ["1", "2", "3", "mean", "deviation"]
        assert lines[4].split()[1] == f"{result.mean['accuracy']:.3f}"
        assert result.summary()["rows"] == [60, 59, 59]

    def test_arrays(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(50, 2))
        result = cr.cross_validate(X, X[:, 0] > 0, folds=2, epochs=60, sample_weight=rng.uniform(size=50))
        assert result.mean["accuracy"] > 0.8

    def test_diverged_folds_are_tested_with_their_last_good_weights(self, monkeypatch):
        with pytest.raises(DivergenceError, match="all 3 networks diverged"):
            cr.cross_validate("wine", folds=3, **DIVERGING)
        data = {"x": np.concatenate([np.linspace(0, 1, 29), [1e6]]), "y": np.linspace(0, 1, 30) ** 2}
        options = {"scale": "none", "update": "gradient_descent", "learning_rate": 1e-2, "target_scale": "none",
                   "activation": "identity", "validation": 0, "epochs": 5}  # fmt: skip
        result = cr.cross_validate(data, folds=3, **options)
        ends = [model.provenance.stopped for model in result.models]
        assert sorted(ends) == ["all epochs run", "diverged", "diverged"]  # the row 1e6 trains in two of them
        assert all(evaluation is not None for evaluation in result.evaluations)
        assert "diverged" in str(result)

    def test_an_interrupt_leaves_out_of_the_mean_what_had_not_begun(self, monkeypatch):
        from chainrule.models import attempts

        monkeypatch.setattr(attempts, "SIDE_BY_SIDE", 1)
        interrupt_at_call(monkeypatch, 3)
        result = cr.cross_validate("diabetes", folds=4, epochs=3)
        trained = [evaluation for evaluation in result.evaluations if evaluation is not None]
        assert len(trained) == 2
        assert result.mean["rmse"] == pytest.approx(np.mean([evaluation.rmse for evaluation in trained]))
        assert "2 folds not trained, and left out of the mean." in str(result)
        interrupt_at_call(monkeypatch, 1)
        nothing = cr.cross_validate("diabetes", folds=4, epochs=3)
        assert math.isnan(nothing.mean["rmse"])
        assert "4 folds not trained" in str(nothing)


class TestRefusals:
    @pytest.mark.parametrize("folds", [1, 0, -2, 2.0, True, "5", None, 179])
    def test_folds(self, folds):
        with pytest.raises(UsageError, match="folds must be a whole number from 2 to the number of rows, 178"):
            cr.cross_validate("wine", folds=folds)

    def test_more_folds_than_rows_of_a_class(self):
        words = 'column "class": the class "3" has 48 rows, too few for 49 folds.* Use at most 48 folds'
        with pytest.raises(DataError, match=words):
            cr.cross_validate("wine", folds=49, target="class")
        data = {"x": range(21), "y": ["a", "b"] * 10 + ["c"]}
        with pytest.raises(DataError, match=r'the class "c" has 1 row, too few for 2 folds.* Add rows of that class'):
            cr.cross_validate(data, folds=2)

    def test_as_many_folds_as_rows(self):
        data = {"x": range(8), "y": [i**2 + 0.5 for i in range(8)]}
        result = cr.cross_validate(data, folds=8, epochs=2, validation=0)
        assert [len(split.test) for split in result.splits] == [1] * 8
        assert math.isnan(result.mean["r2"])  # of one row there is none
        assert result.mean["rmse"] > 0

    @pytest.mark.parametrize(
        ("source", "options", "words"),
        [
            ("wine", {"test": 0.1}, "each fold is the test part of one network, so test has no meaning"),
            ("xor", {"folds": 2}, "xor is a truth table"),
            ("wine", {"checkpoint": "a"}, "cross_validate trains many networks and takes no checkpoint"),
            ("wine", {"hiden": 1}, 'option "hiden" is unknown'),
        ],
    )
    def test_options(self, source, options, words):
        with pytest.raises(UsageError, match=words):
            cr.cross_validate(source, **options)
