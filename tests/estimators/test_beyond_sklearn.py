"""What scikit-learn's users have asked for."""

import numpy as np
import pandas as pd
import pytest
from estimators_kit import SMALL, quietly, same
from sklearn.metrics import accuracy_score, log_loss, r2_score, recall_score

import chainrule as cr
from chainrule import MLPClassifier, MLPRegressor
from chainrule.models.estimators.class_targets import cross_entropy_by_column, softmax_by_column


class TestClassWeight:
    def test_it_is_a_weight_of_the_rows(self, wine):
        X, y = wine
        weights = {0: 3.0, 1: 0.5, 2: 1.0}
        by_class = quietly(MLPClassifier(**SMALL, class_weight=weights), X, y)
        by_row = quietly(MLPClassifier(**SMALL), X, y, sample_weight=np.array([3.0, 0.5, 1.0])[y])
        assert same(by_class, by_row)
        both = quietly(MLPClassifier(**SMALL, class_weight=weights), X, y, sample_weight=np.arange(1, 179))
        assert same(both, quietly(MLPClassifier(**SMALL), X, y, np.array([3.0, 0.5, 1.0])[y] * np.arange(1, 179)))

    def test_balanced_finds_the_rare_class(self):
        rng = np.random.default_rng(0)
        X = np.vstack([rng.normal(0, 1, (950, 2)), rng.normal(1.2, 1, (50, 2))])
        y = np.repeat(["common", "rare"], [950, 50])
        recalls = [
            recall_score(y, quietly(MLPClassifier(**SMALL, class_weight=how), X, y).predict(X), pos_label="rare")
            for how in (None, "balanced")
        ]
        assert recalls[0] < 0.4 < 0.7 < recalls[1]

    def test_of_several_columns(self, wine):
        X, y = wine
        Y = np.stack([y, (y + 1) % 3], axis=1)
        clf = quietly(MLPClassifier(**SMALL, class_weight=[{0: 2, 1: 1, 2: 1}, {0: 1, 1: 1, 2: 1}]), X, Y)
        assert same(clf, quietly(MLPClassifier(**SMALL), X, Y, np.where(y == 0, 2.0, 1.0)))


class TestValidationRows:
    def test_the_loss_on_them_after_each_epoch(self, wine):
        X, y = wine
        rows = np.arange(178) % 3 > 0
        clf = MLPClassifier(**{**SMALL, "max_iter": 6}, alpha=3.0)
        quietly(clf, X[rows], y[rows], X_val=X[~rows], y_val=y[~rows])
        assert len(clf.validation_loss_curve_) == clf.n_iter_ == 6
        assert clf.validation_loss_curve_[-1] == pytest.approx(log_loss(y[~rows], clf.predict_proba(X[~rows])))
        assert clf.validation_scores_ is None
        assert same(clf, quietly(MLPClassifier(**{**SMALL, "max_iter": 6}, alpha=3.0), X[rows], y[rows]))

    def test_early_stopping_watches_them(self, wine):
        X, y = wine
        clf = MLPClassifier(**SMALL, early_stopping=True).fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
        assert clf.t_ == 89 * clf.n_iter_  # no row was kept aside
        assert clf.best_validation_score_ == max(clf.validation_scores_)
        assert accuracy_score(y[1::2], clf.predict(X[1::2])) == clf.best_validation_score_
        weight = np.linspace(0, 1, 89)
        clf.fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2], sample_weight_val=weight)
        assert accuracy_score(y[1::2], clf.predict(X[1::2]), sample_weight=weight) == clf.best_validation_score_

    def test_with_warm_start_the_best_of_all_fits_is_kept(self, wine):
        """scikit-learn changes the best weights in place when it goes on from them."""
        X, y = wine
        clf = MLPClassifier(**{**SMALL, "max_iter": 2}, early_stopping=True, warm_start=True)
        best = 0.0
        for _ in range(12):
            quietly(clf, X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
            assert clf.best_validation_score_ >= best
            best = clf.best_validation_score_
            assert clf.score(X[1::2], y[1::2]) == best == max(clf.validation_scores_)

    def test_of_a_regression(self, diabetes):
        X, y = diabetes
        reg = MLPRegressor(**SMALL, early_stopping=True).fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
        assert r2_score(y[1::2], reg.predict(X[1::2])) == pytest.approx(reg.best_validation_score_, rel=1e-12)

    def test_r2_is_scikit_learns(self):
        rng = np.random.default_rng(0)
        A, weight, reg = rng.normal(size=(9, 3)), rng.uniform(0.1, 2, 9), MLPRegressor()
        for Y in (rng.normal(size=(9, 3)), np.ones((9, 3)), A, A + np.eye(3)[2]):
            for s in (None, weight):
                if s is not None and not np.ptp(Y):
                    continue  # scikit-learn divides by what rounding leaves of 0
                assert reg._score_of(A, Y, s) == pytest.approx(r2_score(Y, A, sample_weight=s), abs=1e-12)

    def test_what_does_not_fit(self, wine):
        X, y = wine
        for wrong, message in (
            ({"X_val": X}, "X_val and y_val belong together"),
            ({"X_val": X[:5], "y_val": y[:4]}, "X_val has 5 rows and y_val 4"),
            ({"X_val": X[:5, :3], "y_val": y[:5]}, "13 features"),
            ({"X_val": X[:5], "y_val": y[:5] + 7}, "y has the label 7, which is none of the classes"),
        ):
            with pytest.raises(ValueError, match=message):
                MLPClassifier(**SMALL).fit(X, y, **wrong)


class TestNetworks:
    def test_an_activation_for_each_layer(self, wine):
        X, y = wine
        clf = quietly(MLPClassifier((6, 5), ["leaky_relu(0.2)", "silu"], max_iter=50, random_state=0), X, y)
        names = [layer.activation.name for layer in clf.network_.layers]
        assert names == ["leaky_relu(0.2)", "silu", "softmax"]
        assert [layer.activation.name for layer in cr.from_sklearn(clf).layers] == names
        with pytest.raises(ValueError, match="activation lists 1 activations for 2 hidden layers"):
            MLPClassifier((6, 5), ["tanh"]).fit(X, y)

    def test_your_own_activation_and_loss(self, diabetes):
        X, y = diabetes
        sine = cr.Activation("sine", np.sin, lambda Z, A, dC_dA: dC_dA * np.cos(Z))
        fourth = cr.Loss("fourth", lambda A, Y: ((A - Y) ** 4).sum(axis=1), lambda A, Y: 4 * (A - Y) ** 3)
        reg = quietly(MLPRegressor(fourth, (8,), sine, max_iter=100, random_state=0, learning_rate_init=0.01), X, y)
        assert cr.check_gradients(reg.network_, X, y[:, None], loss=fourth).passed
        assert reg.loss_curve_[-1] < 0.2 * reg.loss_curve_[0]
        assert reg.loss_ == pytest.approx(np.mean((reg.predict(X) - y) ** 4), rel=0.1)

    def test_dropout(self, wine):
        X, y = wine
        plain, half = (quietly(MLPClassifier(**SMALL, dropout=p), X, y) for p in (0.0, 0.5))
        assert not same(plain, half)
        assert same(half, quietly(MLPClassifier(**SMALL, dropout=[0.5]), X, y))
        assert half.loss_ > plain.loss_
        assert half.score(X, y) > 0.95

    def test_transform_gives_the_activations(self, wine):
        X, y = wine
        clf = quietly(MLPClassifier((6, 5), "tanh", max_iter=20, random_state=0), X, y)
        first = np.tanh(X @ clf.coefs_[0] + clf.intercepts_[0])
        np.testing.assert_allclose(clf.transform(X, 1), first, rtol=1e-10)
        second = np.tanh(first @ clf.coefs_[1] + clf.intercepts_[1])
        np.testing.assert_allclose(clf.transform(X), second, rtol=1e-10)
        np.testing.assert_allclose(clf.transform(X, 3), clf.predict_proba(X), rtol=1e-10)
        np.testing.assert_array_equal(clf.transform(X, 0), X)
        assert clf.get_feature_names_out().tolist() == [f"mlpclassifier{k}" for k in range(5)]
        with pytest.raises(ValueError, match=r"from 0 .* to 3"):
            clf.transform(X, 4)

    def test_the_network_and_its_explanations(self, wine):
        X, y = wine
        clf = quietly(MLPClassifier(**SMALL), X, y)
        why = clf.explain(X, y, example=3)
        assert why["a[2][1]"].value == pytest.approx(clf.predict_proba(X[3:4])[0, 0])
        assert cr.from_sklearn(clf).sizes == clf.network_.sizes == (13, 8, 3)
        clf.coefs_[0][:] = 0  # what a person changes counts
        assert np.ptp(clf.predict_proba(X), axis=0).max() < 1e-15

    @pytest.mark.parametrize("preprocess", [False, True])
    def test_explanations_know_columns_and_classes(self, preprocess):
        frame = pd.DataFrame({"net area": np.arange(12.0), "rooms": np.arange(12) % 5})
        if preprocess:
            frame["kind"] = ["flat", "house", "barn"] * 4
        y = np.array(["cheap", "dear"] * 6)
        clf = quietly(MLPClassifier((3,), max_iter=5, random_state=0, preprocess=preprocess), frame, y)
        why = clf.explain(frame, y)
        names = ["net area", "rooms", *(["kind=barn", "kind=flat", "kind=house"] if preprocess else [])]
        assert list(why.called().values()) == [*names, "dear", "dear"]
        for i, name in enumerate(names, start=1):
            assert why[f'dC/dx["{name}"]'].name == why[f"dC/dx[{i}]"].name
        assert why["a[2][dear]"].value == pytest.approx(clf.predict_proba(frame)[0, 1])


class TestLosses:
    @pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
    def test_a_quantile_has_its_share_below(self, q):
        rng = np.random.default_rng(1)
        X = rng.uniform(-1, 1, (2000, 1))
        y = X[:, 0] + rng.exponential(1, 2000)
        reg = quietly(MLPRegressor(f"quantile({q})", (8,), "tanh", max_iter=300, random_state=0), X, y)
        assert np.mean(y < reg.predict(X)) == pytest.approx(q, abs=0.03)

    def test_huber_is_not_drawn_to_outliers(self):
        rng = np.random.default_rng(1)
        X = rng.uniform(-1, 1, (300, 1))
        y = 2 * X[:, 0]
        y[:30] += 100
        off = [
            np.abs(quietly(MLPRegressor(loss, (8,), "tanh", solver="lbfgs", max_iter=500, random_state=0), X, y)
                   .predict(X)[30:] - y[30:]).mean()
            for loss in ("squared_error", "huber(0.5)")
        ]  # fmt: skip
        assert off[1] < 0.3 < 3 < off[0]

    def test_poisson_predicts_rates(self):
        rng = np.random.default_rng(1)
        X = rng.uniform(-1, 1, (2000, 1))
        reg = quietly(MLPRegressor("poisson", (8,), "tanh", solver="lbfgs", random_state=0), X,
                      rng.poisson(np.exp(1 + X[:, 0])))  # fmt: skip
        np.testing.assert_allclose(reg.predict([[-0.5], [0.5]]), np.exp([0.5, 1.5]), rtol=0.15)
        assert reg.out_activation_ == "exp"
        with pytest.raises(ValueError, match="y must be at least 0; received -1"):
            reg.fit(X, np.full(2000, -1))

    def test_a_squared_error_on_probabilities(self, wine):
        X, y = wine
        clf = MLPClassifier(**SMALL, loss="half_squared_error").fit(X, y)
        assert clf.score(X, y) > 0.97
        np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1)
        Y = np.eye(3)[y]
        assert clf.loss_ == pytest.approx(0.5 * np.mean(((clf.predict_proba(X) - Y) ** 2).sum(axis=1)), rel=0.3)


class TestSeveralColumnsOfClasses:
    def targets(self, wine):
        X, y = wine
        return X, np.stack([np.array(["a", "b", "c"])[y], np.where(X[:, 0] > 0, "high", "low")], axis=1)

    def test_they_are_learnt_together(self, wine):
        X, Y = self.targets(wine)
        clf = MLPClassifier(**SMALL).fit(X, Y)
        assert [column.tolist() for column in clf.classes_] == [["a", "b", "c"], ["high", "low"]]
        assert clf.predict(X).shape == (178, 2)
        assert np.mean(clf.predict(X) == Y) > 0.97
        probabilities = clf.predict_proba(X)
        assert [p.shape for p in probabilities] == [(178, 3), (178, 2)]
        for p in probabilities:
            np.testing.assert_allclose(p.sum(axis=1), 1)
        # The loss is the sum of the columns' own.
        wanted = sum(log_loss(Y[:, k], p) for k, p in enumerate(probabilities))
        decay = 1e-4 / 2 / 178 * sum((W**2).sum() for W in clf.coefs_)
        clf.set_params(warm_start=True, max_iter=1, learning_rate_init=1e-12)
        assert quietly(clf, X, Y).loss_ == pytest.approx(wanted + decay, rel=1e-6)
        assert [np.exp(p).sum() for p in clf.predict_log_proba(X)] == pytest.approx([178, 178])

    def test_gradients(self):
        rng = np.random.default_rng(0)
        loss = cross_entropy_by_column((3, 2))
        net = cr.Network.dense([2, 4, 5], ["tanh", softmax_by_column((3, 2))], seed=0)
        Y = np.hstack([np.eye(3)[rng.integers(3, size=6)], np.eye(2)[rng.integers(2, size=6)]])
        assert cr.check_gradients(net, rng.normal(size=(6, 2)), Y, loss=loss).passed
        assert cr.check_gradients(net, rng.normal(size=(6, 2)), Y, loss="half_squared_error").passed


class TestCallbacks:
    def test_on_epoch_sees_and_ends(self, wine):
        X, y = wine
        seen = []

        def watch(state):
            seen.append(state.history[-1].cost)
            return state.epoch == 7

        clf = MLPClassifier(**SMALL, on_epoch=watch).fit(X, y)
        assert clf.n_iter_ == 7
        assert seen == clf.loss_curve_

    def test_lbfgs_tells_its_steps(self, wine):
        seen = []

        def watch(state):
            seen.append((state.epoch, state.history[-1].cost))
            return state.epoch == 4

        clf = MLPClassifier(solver="lbfgs", random_state=0, on_epoch=watch).fit(*wine)
        assert clf.n_iter_ == 4
        assert seen == list(enumerate(clf.loss_curve_, start=1))

    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    def test_verbose(self, wine, capsys, solver):
        quietly(MLPClassifier(**{**SMALL, "max_iter": 3}, solver=solver, verbose=True), *wine)
        lines = capsys.readouterr().out.splitlines()
        assert [line.partition(",")[0] for line in lines] == ["Iteration 1", "Iteration 2", "Iteration 3"]

    def test_verbose_with_early_stopping(self, wine, capsys):
        quietly(MLPClassifier(**{**SMALL, "max_iter": 2}, early_stopping=True, verbose=10), *wine)
        assert "Validation score: 0." in capsys.readouterr().out


class TestFramesWithTextAndGaps:
    def frame(self):
        rng = np.random.default_rng(0)
        frame = pd.DataFrame({
            "size": rng.uniform(20, 200, 300),
            "town": rng.choice(["Ulm", "Bern", "Graz"], 300),
            "garden": rng.choice([True, False], 300),
        })  # fmt: skip
        price = frame["size"] * 3 + frame["town"].map({"Ulm": 0, "Bern": 300, "Graz": 100}) + 50 * frame["garden"]
        frame.loc[::17, "size"] = np.nan
        frame.loc[5::40, "town"] = None
        return frame, price / 100

    def test_regression(self):
        frame, price = self.frame()
        known = frame.notna().all(axis=1)
        reg = MLPRegressor(hidden_layer_sizes=(16,), preprocess=True, solver="lbfgs", max_iter=2000, random_state=0)
        quietly(reg, frame, price)
        assert r2_score(price[known], reg.predict(frame[known])) > 0.99
        assert reg.n_features_in_ == 3
        assert list(reg.feature_names_in_) == ["size", "town", "garden"]
        new = pd.DataFrame({"size": [np.nan], "town": ["Paris"], "garden": [True]})
        assert np.isfinite(reg.predict(new)).all()
        with pytest.raises(ValueError, match="feature names should match"):
            reg.predict(frame[["town", "size", "garden"]])

    def test_classification_early_stopping_and_rows_to_watch(self):
        frame, price = self.frame()
        y = np.where(price > price.median(), "dear", "cheap")
        clf = MLPClassifier(**SMALL, preprocess=True, early_stopping=True).fit(frame, y)
        assert clf.score(frame, y) > 0.9
        clf.fit(frame[::2], y[::2], X_val=frame[1::2], y_val=y[1::2])
        assert clf.best_validation_score_ == clf.score(frame[1::2], y[1::2])

    def test_what_is_left_out_is_said(self):
        frame, price = self.frame()
        frame["always"] = 1.0
        reg = MLPRegressor(hidden_layer_sizes=(4,), preprocess=True, solver="lbfgs", max_iter=5000, random_state=0)
        with pytest.warns(UserWarning, match='leaves out the column "always": the same value in every'):
            quietly(reg, frame, price)
        towns = pd.DataFrame({"town": [f"town {i % 150}" for i in range(600)], "noise": np.arange(600) % 7 * 1.0})
        rich = np.arange(600) % 150 < 75
        clf = MLPClassifier((8,), preprocess=True, learning_rate_init=0.02, random_state=0)
        assert quietly(clf, towns, rich).score(towns, rich) == 1.0  # 150 texts, each with an input of its own

    def test_rows_of_weight_0_take_no_part_in_scaling(self):
        frame = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0, 1e6]})
        y, weight = [0, 0, 1, 1, 0], np.array([1.0, 1, 1, 1, 0])
        all_rows, four = (MLPClassifier((4,), preprocess=True, solver="lbfgs", random_state=0) for _ in range(2))
        quietly(all_rows, frame, y, weight)
        quietly(four, frame[:4], y[:4], weight[:4])
        assert all_rows.encoding_.inputs == four.encoding_.inputs

    def test_arrays_of_objects(self):
        frame, price = self.frame()
        clf = quietly(MLPClassifier(**SMALL, preprocess=True), frame.to_numpy(dtype=object), price > 4)
        assert clf.score(frame.to_numpy(dtype=object), price > 4) > 0.9

    def test_without_it_text_is_refused(self):
        frame, price = self.frame()
        with pytest.raises(ValueError, match=r"could not convert string to float|NaN"):
            MLPRegressor().fit(frame, price)
