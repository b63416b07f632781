"""preprocess=True: dates, columns that name the rows, unknown texts, weights of rows."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from estimators_kit import SMALL, quietly, same
from sklearn.exceptions import ConvergenceWarning

import chainrule as cr
from chainrule import MLPClassifier, MLPRegressor
from chainrule.models.estimators.mixed_columns import weighted_median

N = 120
RNG = np.random.default_rng(0)
DAYS = RNG.integers(0, 2000, N)
SIZES = RNG.uniform(20, 200, N)
PRICE = SIZES * 3 + DAYS / 10


def moments(kind):
    days = np.datetime64("2019-03-01") + DAYS
    return {
        "ISO text": [str(day) for day in days],
        "slashes": [str(day).replace("-", "/") for day in days],
        "datetime64": days.astype("datetime64[ns]"),
        "date": [day.item() for day in days],
        "text and a time": [f"{day}T00:00:00" for day in days],
    }[kind]


def frame(kind="ISO text", rows=slice(None)):
    return pd.DataFrame({"size": SIZES, "sold": moments(kind)})[rows]


def regressor(**more):
    return MLPRegressor(**{**SMALL, "max_iter": 30, **more}, preprocess=True)


class TestDates:
    @pytest.mark.parametrize("learnt", ["ISO text", "datetime64", "date"])
    def test_a_date_is_a_date_however_it_is_written(self, learnt):
        reg = quietly(regressor(), frame(learnt), PRICE)
        assert reg.network_.sizes[0] == 2
        wanted = reg.predict(frame(learnt))
        for kind in ("ISO text", "slashes", "datetime64", "date", "text and a time"):
            np.testing.assert_array_equal(reg.predict(frame(kind)), wanted)
        one = reg.predict(pd.DataFrame({"size": [SIZES[3]], "sold": [moments("ISO text")[3]]}))
        np.testing.assert_allclose(one, wanted[3:4], rtol=1e-12)

    def test_as_a_model_takes_them(self):
        model = cr.train({"size": SIZES, "sold": moments("ISO text"), "price": PRICE}, target="price", seed=0, epochs=3)
        reg = quietly(regressor(), frame(), PRICE)
        assert reg.encoding_.node_names == ("size", "sold")
        assert model.encoding.node_names[:2] == ("size", "sold")
        assert model.encoding.inputs[1].cycles == ("year", "week")  # which an estimator leaves out
        assert reg.encoding_.inputs[1].origin == model.encoding.inputs[1].origin == "date"
        other = quietly(regressor(), pl.DataFrame({"size": SIZES, "sold": moments("date")}), PRICE)
        np.testing.assert_array_equal(other.predict(frame()), reg.predict(frame()))

    def test_arrays_of_objects(self):
        rows = frame().to_numpy(dtype=object)
        reg = quietly(regressor(), rows, PRICE)
        np.testing.assert_array_equal(reg.predict(rows), quietly(regressor(), frame("date"), PRICE).predict(frame()))

    def test_text_of_which_some_are_dates_stays_text(self):
        codes = np.where(np.arange(N) % 3 > 0, "2020-01-01", "unknown")
        for rows in (pd.DataFrame({"size": SIZES, "code": codes}),
                     pd.DataFrame({"size": SIZES, "code": codes}).to_numpy(dtype=object)):  # fmt: skip
            reg = quietly(regressor(), rows, PRICE)
            assert reg.network_.sizes[0] == 3
            assert np.isfinite(reg.predict(rows[:2])).all()
            dates = rows[1:3]  # both are dates: they are read as the names they were
            np.testing.assert_allclose(reg.predict(dates), reg.predict(rows)[1:3], rtol=1e-12)

    def test_a_word_where_a_date_was_learnt(self):
        reg = quietly(regressor(), frame(), PRICE)
        with pytest.raises(ValueError, match=r'row 1, column "sold": "soon" is not a date.*2012-01-31'):
            reg.predict(pd.DataFrame({"size": [50.0, 60.0], "sold": ["2020-01-31", "soon"]}))
        with pytest.raises(ValueError, match='row 1, column "size": "big" is not a number'):
            reg.predict(pd.DataFrame({"size": ["50", "big"], "sold": ["2020-01-31", "2020-02-01"]}))


class TestColumnsThatNameTheRows:
    IDS = tuple(f"customer {k * 7919 % 1000:03d}" for k in range(N))

    @pytest.mark.parametrize("cls", [MLPRegressor, MLPClassifier])
    def test_they_are_left_out_with_a_warning(self, cls):
        rows, y = frame().assign(id=self.IDS), PRICE if cls is MLPRegressor else PRICE > 400
        with pytest.warns(UserWarning, match='leaves out the column "id": text with 120 different values in 120 rows'):
            one = quietly(cls(**SMALL, preprocess=True), rows, y)
        assert one.network_.sizes[0] == 2
        other = quietly(cls(**SMALL, preprocess=True), frame(), y)
        assert same(one, other)
        np.testing.assert_array_equal(one.predict(rows), other.predict(frame()))
        assert dict(one.encoding_.left_out)["id"].startswith("text with 120")
        names = {}
        exec(cr.to_python(one), names)
        sold = (np.datetime64("2019-03-01") + DAYS).astype("datetime64[D]").astype(int)
        answer = names["predict"]([float(SIZES[0]), float(sold[0]), "customer 000"])
        assert answer == (pytest.approx(one.predict(rows[:1])[0]) if cls is MLPRegressor else one.predict(rows[:1])[0])

    def test_in_an_array(self):
        rows = frame().assign(id=self.IDS).to_numpy(dtype=object)
        with pytest.warns(UserWarning, match='leaves out the column "x3"'):
            reg = quietly(regressor(), rows, PRICE)
        assert reg.predict(rows).shape == (N,)

    def test_and_nothing_else(self):
        rows = pd.DataFrame({"id": self.IDS, "name": self.IDS[::-1]})
        with pytest.raises(ValueError, match="finds no column to learn from"):
            regressor().fit(rows, PRICE)

    def test_many_inputs_with_few_rows_each_are_said(self):
        rows = pd.DataFrame({"size": SIZES, "id": [f"c{k // 2}" for k in range(N)]})
        with pytest.warns(UserWarning, match='makes 60 inputs of the column "id".* from 120 rows: few for each'):
            reg = quietly(regressor(), rows, PRICE)
        assert reg.network_.sizes[0] == 61

    def test_a_column_with_rows_enough_for_each_value_stays(self):
        towns = [f"town {k % 40}" for k in range(N)]
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            warnings.simplefilter("ignore", ConvergenceWarning)
            reg = regressor().fit(frame().assign(town=towns), PRICE)
        assert reg.network_.sizes[0] == 42


class TestTexts:
    def test_unknown_and_max_categories(self):
        rows = frame().assign(town=np.array(["Ulm", "Bern", "Graz"])[np.arange(N) % 3])
        new = rows[:1].assign(town="Paris")
        assert np.isfinite(quietly(regressor(), rows, PRICE).predict(new)).all()
        reg = quietly(regressor(unknown="refuse"), rows, PRICE)
        with pytest.raises(ValueError, match="Paris"):
            reg.predict(new)
        with pytest.warns(UserWarning, match=r'"town": text with 3 different values \(max_categories raises'):
            reg = quietly(regressor(max_categories=2), rows, PRICE)
        assert reg.network_.sizes[0] == 2
        refused = [
            ({"unknown": "guess"}, "unknown must be 'ignore' or 'refuse'"),
            ({"max_categories": 1}, "max_categories must be a whole number of at least 2"),
        ]
        for parameters, message in refused:
            with pytest.raises(ValueError, match=message):
                regressor(**parameters).fit(rows, PRICE)

    def test_infinite_numbers_are_refused(self):
        rows = frame()
        reg = quietly(regressor(), rows, PRICE)
        rows.loc[5, "size"] = np.inf
        for use in (lambda: reg.predict(rows), lambda: regressor().fit(rows, PRICE)):
            with pytest.raises(ValueError, match='row 5, column "size": infinity'):
                use()


class TestWeights:
    def test_a_row_of_weight_2_is_two_rows(self):
        rows = frame()
        rows.loc[::9, "size"] = np.nan
        weight = np.arange(N) % 3
        weighed = quietly(regressor(solver="lbfgs", max_iter=5), rows, PRICE, weight)
        repeated = np.repeat(np.arange(N), weight)
        other = quietly(regressor(solver="lbfgs", max_iter=5), rows.iloc[repeated], PRICE[repeated])
        np.testing.assert_allclose(weighed.predict(rows), other.predict(rows), rtol=1e-6)
        one, two = ([(item.center, item.scale, item.fill) for item in reg.encoding_.inputs] for reg in (weighed, other))
        np.testing.assert_allclose(one, two, rtol=1e-12)

    def test_the_median(self):
        for _ in range(50):
            values, weight = RNG.normal(size=9).round(1), RNG.integers(0, 4, 9)
            if weight.any():
                wanted = np.median(np.repeat(values, weight))
                assert weighted_median(values[weight > 0], weight[weight > 0].astype(float)) == pytest.approx(wanted)


def test_what_cannot_be_rows():
    columns = {"size": list(SIZES), "sold": moments("ISO text")}
    others = (
        (columns, "received a dict"),
        (frame().to_dict("records"), "received a list of dicts"),
        (pl.LazyFrame(columns), r"received a LazyFrame. Take X.collect\(\)"),
    )
    for rows, message in others:
        for use in (lambda rows: regressor().fit(rows, PRICE), quietly(regressor(), frame(), PRICE).predict):
            with pytest.raises(cr.UsageError, match=message):
                use(rows)
    reg = quietly(regressor(), frame(), PRICE)
    with pytest.raises(ValueError, match="Reshape your data"):
        reg.predict(np.array([3.0, 4.0]))
    for rows, message in ((np.empty((0, 2)), "n_samples=0|0 sample"), (np.ones((1, 2)), "n_samples=1"),
                          (np.empty((5, 0)), r"0 feature\(s\)")):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            regressor().fit(rows, np.arange(len(rows)))
