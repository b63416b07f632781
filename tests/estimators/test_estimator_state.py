"""What one fit leaves for the next: refused, resumed, interrupted, changed between fits, pickled."""

import pickle
import signal
import warnings

import numpy as np
import pytest
import scipy.sparse
from estimators_kit import SMALL, distance, quietly, same
from sklearn import neural_network
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import log_loss

import chainrule as cr
from chainrule import MLPClassifier, MLPRegressor
from chainrule.models.estimators import sparse_rows
from chainrule.models.estimators.learning_record import LearningRecord

IN_ORDER = {"shuffle": False, "random_state": 3}


class TestRefusedFits:
    @pytest.mark.parametrize(
        ("parameters", "fit"),
        [
            ({}, {"X_val": np.ones((5, 13)), "y_val": [0, 1, 2, 0]}),
            ({}, {"X_val": np.ones((2, 13)), "y_val": [0, 7]}),
            ({}, {"sample_weight": np.zeros(178)}),
            ({"alpha": -1}, {}),
            ({"early_stopping": True, "validation_fraction": 0.001}, {}),
            ({"class_weight": {0: -1, 1: 1, 2: 1}}, {}),
            ({"hidden_layer_sizes": (4,), "warm_start": True}, {}),
        ],
    )
    def test_the_estimator_is_as_it_was(self, wine, parameters, fit):
        X, y = wine
        clf = MLPClassifier(**SMALL).fit(X, y)
        before = pickle.dumps(clf.__dict__)
        clf.set_params(**parameters)
        with pytest.raises(ValueError, match=r"received|sample_weight|must|small|none of|to go on with"):
            clf.fit(X, y, **fit)
        clf.set_params(**MLPClassifier(**SMALL).get_params())
        assert pickle.dumps(clf.__dict__) == before
        assert clf.score(X, y) > 0.97

    def test_a_callback_that_fails(self, wine):
        clf = MLPClassifier(**SMALL).fit(*wine)
        weights = [W.copy() for W in clf.coefs_]
        clf.on_epoch = lambda state: 1 / 0
        with pytest.raises(ZeroDivisionError):
            clf.fit(*wine)
        assert all(np.array_equal(a, b) for a, b in zip(weights, clf.coefs_, strict=True))

    def test_weights_of_classes(self, wine):
        X, y = wine
        for solver in ("adam", "lbfgs"):
            with pytest.raises(ValueError, match="class_weight must be at least 0; received -1"):
                MLPClassifier(solver=solver, class_weight={0: -1, 1: 1, 2: 1}).fit(X, y)
            with pytest.raises(ValueError, match=r"class_weight is 0 for every row|at least one non-zero"):
                MLPClassifier(solver=solver, class_weight={0: 0, 1: 0, 2: 0}).fit(X, y)
        with pytest.raises(ValueError, match="'balanced' is not taken by partial_fit"):
            MLPClassifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])

    def test_validation_targets(self, wine, labels, diabetes):
        X, Y = labels
        for wrong, message in (
            (Y[:, :2], "y_val must hold what y held, multilabel targets in 3 columns; received 2"),
            (Y * 5, "y_val must hold"),
        ):
            with pytest.raises(ValueError, match=message):
                MLPClassifier(**SMALL).fit(X, Y, X_val=X, y_val=wrong)
        clf = quietly(MLPClassifier(**SMALL), X, Y, X_val=X, y_val=scipy.sparse.csr_matrix(Y))
        assert clf.validation_loss_curve_[-1] > 0
        X, y = diabetes
        with pytest.raises(ValueError, match="y must be at least 0; received -1"):
            MLPRegressor("poisson").fit(X, y, X_val=X[:3], y_val=[1, 2, -1])
        with pytest.raises(ValueError, match="y_val has 2 targets, y has 1"):
            MLPRegressor().fit(X, y, X_val=X[:3], y_val=np.ones((3, 2)))
        with pytest.raises(ValueError, match="belong together"):
            MLPRegressor().fit(X, y, sample_weight_val=np.ones(3))

    def test_preprocessed_rows(self, wine):
        X, y = wine
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            MLPClassifier(preprocess=True).fit(X, y[:-1])
        with pytest.raises(ValueError, match="Input y contains NaN"):
            MLPRegressor(preprocess=True).fit(X, np.where(y > 1, np.nan, y))
        with pytest.raises(ValueError, match=r"could not convert|dtype='numeric'"):
            MLPRegressor(preprocess=True).fit(X, np.array(["a", "b", "c"])[y])
        clf = quietly(MLPClassifier(preprocess=True, warm_start=True, max_iter=2), X, y)
        with pytest.raises(ValueError, match="was fitted with preprocess=True"):
            clf.set_params(preprocess=False).fit(X, y)


class TestResumed:
    def test_another_solver_starts_its_own_memory(self, wine):
        """Adam's moments are no velocity, and the other way round."""
        X, y = wine
        for first, then in (("sgd", "adam"), ("adam", "sgd")):
            clf = MLPClassifier(**IN_ORDER, solver=first, learning_rate_init=0.01)
            for _ in range(3):
                clf.partial_fit(X, y, classes=[0, 1, 2])
            losses = []
            for _ in range(3):
                losses.append(clf.set_params(solver=then).partial_fit(X, y).loss_)
            assert losses == sorted(losses, reverse=True)

    @pytest.mark.parametrize("learning_rate", ["invscaling", "adaptive"])
    def test_learning_rates_go_on_as_scikit_learns(self, wine, learning_rate):
        X, y = wine
        found = []
        for cls in (MLPClassifier, neural_network.MLPClassifier):
            parameters = {**IN_ORDER, "solver": "sgd", "learning_rate": learning_rate, "learning_rate_init": 0.5,
                          "n_iter_no_change": 2, "tol": 0.05}  # fmt: skip
            warm = cls(**parameters, warm_start=True, max_iter=5)
            part = cls(**parameters)
            for _ in range(3):
                quietly(warm, X, y)
            for _ in range(40):
                part.partial_fit(X, y, classes=[0, 1, 2])
            found.append((warm, part))
        for ours, theirs in zip(*found, strict=True):
            assert distance(ours, theirs) < 1e-10
            assert ours.loss_curve_ == pytest.approx(theirs.loss_curve_, rel=1e-9)

    def test_a_loss_that_stays_is_no_fall_unless_tol_is_0(self, wine):
        X, y = wine
        for tol, epochs in ((0.0, 40), (1e-9, 12)):
            for cls in (MLPClassifier, neural_network.MLPClassifier):
                clf = cls(**IN_ORDER, solver="sgd", learning_rate_init=1e-300, tol=tol, max_iter=40, batch_size=178)
                assert quietly(clf, X, y).n_iter_ == epochs
            watching = MLPClassifier(**clf.get_params())
            assert quietly(watching, X, y, X_val=X[:9], y_val=y[:9]).n_iter_ == epochs

    def test_parameters_changed_between_fits(self, wine):
        X, y = wine
        clf = quietly(MLPClassifier(**IN_ORDER, warm_start=True, max_iter=5), X, y)
        quietly(clf.set_params(activation="tanh"), X, y)
        theirs = quietly(neural_network.MLPClassifier(**IN_ORDER, warm_start=True, max_iter=5), X, y)
        quietly(theirs.set_params(activation="tanh"), X, y)
        assert distance(clf, theirs) < 1e-10
        assert clf.network_.layers[0].activation.name == "tanh"
        clf.set_params(activation="relu")  # which counts from the next fit on
        assert clf.network_.layers[0].activation.name == "tanh"

    def test_early_stopping_turned_off(self, wine):
        X, y = wine
        clf = quietly(MLPClassifier(**SMALL, early_stopping=True, warm_start=True), X, y)
        quietly(clf.set_params(early_stopping=False, max_iter=30), X, y)
        assert clf.best_loss_ == min(clf.loss_curve_[-clf.n_iter_ :]) > 0
        clf = quietly(MLPClassifier(**SMALL, early_stopping=True), X, y).set_params(early_stopping=False)
        assert clf.partial_fit(X, y).best_loss_ > 0

    def test_rows_seen_are_counted_through_all_solvers(self, wine):
        X, y = wine
        clf = MLPClassifier((4,), warm_start=True, max_iter=5, random_state=0)
        seen = []
        for solver in ("adam", "lbfgs", "lm", "sgd"):
            seen.append(quietly(clf.set_params(solver=solver), X, y).t_)
        assert seen == [5 * 178, 5 * 178, 5 * 178, 10 * 178]
        with pytest.raises(cr.DivergenceError):
            clf.set_params(learning_rate_init=1e200, alpha=1.0, max_iter=50).fit(X, y)
        assert clf.t_ == 10 * 178 + 178 * clf.n_iter_


class TestTargetsAndWeights:
    def test_a_column_vector(self, wine):
        X, y = wine
        weight = np.linspace(0.5, 1.5, 178)
        plain = quietly(MLPClassifier(**SMALL, early_stopping=True), X, y, weight)
        with pytest.warns(DataConversionWarning):
            column = quietly(MLPClassifier(**SMALL, early_stopping=True), X, y[:, None], weight)
        assert column.validation_scores_ == plain.validation_scores_
        assert max(plain.validation_scores_) > 0.9

    def test_a_first_part_with_few_classes(self, wine):
        X, y = wine
        clf = MLPClassifier(**SMALL)
        clf.partial_fit(X[:9], np.stack([y, y], axis=1)[:9] % 2, classes=[[0, 1, 2], [0, 1]])
        assert [column.tolist() for column in clf.classes_] == [[0, 1, 2], [0, 1]]

    def test_class_weights_in_the_validation_loss(self, wine):
        X, y = wine
        weights = {0: 5.0, 1: 1.0, 2: 0.2}
        clf = quietly(MLPClassifier(**SMALL, class_weight=weights), X, y, X_val=X[::3], y_val=y[::3])
        s = np.array([5.0, 1.0, 0.2])[y[::3]]
        wanted = log_loss(y[::3], clf.predict_proba(X[::3]), sample_weight=s)
        assert clf.validation_loss_curve_[-1] == pytest.approx(wanted)

    @pytest.mark.parametrize("solver", ["adam", "lbfgs", "lm"])
    def test_the_validation_loss_of_every_solver(self, wine, solver):
        X, y = wine
        clf = MLPClassifier((4,), "tanh", solver=solver, alpha=2.0, max_iter=9, random_state=0)
        quietly(clf, X[::2], y[::2], np.full(89, 10.0), X_val=X[1::2], y_val=y[1::2])
        assert len(clf.validation_loss_curve_) == clf.n_iter_
        assert clf.validation_loss_curve_[-1] == pytest.approx(log_loss(y[1::2], clf.predict_proba(X[1::2])))

    def test_weights_in_minibatches(self, diabetes):
        """An update by a batch B: w - eta / (mean of all s) / |B| sum of s_n g_n; alpha counts rows by weight."""
        X, y = diabetes
        X, y, s = X[:5], y[:5], np.array([0.5, 2.0, 0.0, 1.0, 3.0])
        reg = MLPRegressor(hidden_layer_sizes=(), solver="sgd", momentum=0.0, shuffle=False, batch_size=2, max_iter=1,
                           alpha=0.7, learning_rate_init=0.1, random_state=0)  # fmt: skip
        start = quietly(MLPRegressor(**{**reg.get_params(), "learning_rate_init": 1e-300}), X, y, s)
        w, b = start.coefs_[0][:, 0].copy(), start.intercepts_[0][0]
        kept = s > 0
        X, y, mean, s = X[kept], y[kept], s[kept].mean(), s[kept]
        for rows in (slice(0, 2), slice(2, 4)):
            delta = s[rows] / mean / 2 * (X[rows] @ w + b - y[rows])
            w, b = w - 0.1 * (X[rows].T @ delta + 0.7 / mean / 2 * w), b - 0.1 * delta.sum()
        quietly(reg, *[diabetes[0][:5], diabetes[1][:5]], np.array([0.5, 2.0, 0.0, 1.0, 3.0]))
        np.testing.assert_allclose(reg.coefs_[0][:, 0], w, rtol=1e-10)
        assert reg.intercepts_[0][0] == pytest.approx(b, rel=1e-10)

    def test_two_columns_of_two_classes(self, wine):
        """Only no and yes, 0 and 1, are labels; other pairs are classes."""
        X, _ = wine
        for low, high in ((1, 2), (-1, 1), (0, 2)):
            Y = np.where(np.stack([X[:, 0] > 0, X[:, 1] > 0], axis=1), high, low)
            clf = quietly(MLPClassifier(**SMALL), X, Y)
            assert [column.tolist() for column in clf.classes_] == [[low, high]] * 2
            assert clf.score(X, Y) > 0.95
            assert clf.score(X, Y, sample_weight=np.where(Y[:, 0] == high, 1.0, 0.0)) > 0.95

    def test_targets_of_another_kind_than_before(self, labels, wine):
        (X, Y), y = labels, wine[1]
        clf = MLPClassifier(**SMALL).partial_fit(X, Y, classes=[0, 1, 2])
        with pytest.raises(ValueError, match="y must be 0 or 1 for each of 3 labels"):
            clf.partial_fit(X, y)
        clf = MLPClassifier(**SMALL).partial_fit(X, y, classes=[0, 1, 2])
        with pytest.raises(ValueError, match="y has 3 columns of labels, but the network was fitted with 1"):
            clf.partial_fit(X, Y)

    def test_text_that_came_as_objects(self, wine):
        X, y = wine
        clf = quietly(MLPClassifier(**SMALL), X, np.array(["a", "bb", "c"], dtype=object)[y])
        assert clf.classes_.dtype.kind == clf.predict(X).dtype.kind == "U"

    def test_weights_of_classes_that_a_batch_lacks(self, wine):
        X, y = wine
        weights = {2: 10.0}
        clf = MLPClassifier(**SMALL, class_weight=weights)
        clf.partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2]).partial_fit(X, y)
        other = MLPClassifier(**SMALL).partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2])
        assert same(clf, other.partial_fit(X, y, np.where(y == 2, 10.0, 1.0)))
        with pytest.raises(ValueError, match="class_weight names 7, which is none of the classes"):
            MLPClassifier(class_weight={7: 2}).fit(X, y)
        with pytest.raises(ValueError, match="class_weight must be a dict for each of 2 columns"):
            MLPClassifier(class_weight={1: 2}).fit(X, np.stack([y, y], axis=1))

    def test_losses_that_do_not_fit_the_targets(self, wine, diabetes):
        X, y = wine
        with pytest.raises(ValueError, match="needs an output for each class"):
            MLPClassifier(loss="categorical_cross_entropy").fit(X, y == 1)
        for solver in ("adam", "lbfgs", "lm"):
            with pytest.raises(ValueError, match='contains the output activation "logistic"'):
                MLPClassifier(loss="logistic_binary_cross_entropy", solver=solver).fit(X, y)
        for loss in ("perceptron_criterion", "binary_cross_entropy"):
            with pytest.raises(ValueError, match=r"is for classes\. Take an MLPClassifier"):
                MLPRegressor(loss).fit(*diabetes)
        with pytest.raises(ValueError, match=r"y must lie between 0 and 1; received 0\.25 to 3\.46"):
            MLPRegressor("logistic_binary_cross_entropy").fit(*diabetes)
        X, y = diabetes
        shares = MLPRegressor("logistic_binary_cross_entropy", (4,), solver="lbfgs", random_state=0)
        assert quietly(shares, X, y / 4).score(X, y / 4) > 0.4

    def test_weights_beyond_arithmetic(self, wine):
        for weight in (1e-300, 1e307):
            with pytest.raises(ValueError, match="leaves no room for arithmetic"):
                MLPClassifier(solver="lbfgs").fit(*wine, sample_weight=np.full(178, weight))


class TestParameters:
    def test_numbers_of_numpy(self, wine):
        X, y = wine
        settings = {"alpha": 1e-3, "learning_rate_init": 0.01, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-7,
                    "momentum": 0.7, "power_t": 0.4, "tol": 1e-5, "validation_fraction": 0.2, "max_iter": 4,
                    "batch_size": 30, "n_iter_no_change": 5, "hidden_layer_sizes": 6, "random_state": 1}  # fmt: skip
        for more in ({}, {"solver": "sgd", "learning_rate": "invscaling"}, {"early_stopping": True}):
            plain = quietly(MLPClassifier(**settings, **more), X, y)
            typed = {k: (np.int64 if isinstance(v, int) else np.float64)(v) for k, v in settings.items()}
            assert same(plain, quietly(MLPClassifier(**typed, **more), X, y))

    def test_a_subclass_with_a_parameter_of_its_own(self, wine):
        class Named(MLPClassifier):
            def __init__(self, nickname="x", max_iter=3):
                super().__init__(max_iter=max_iter)
                self.nickname = nickname

        clf = quietly(Named(nickname="y"), *wine)
        assert clf.get_params() == {"nickname": "y", "max_iter": 3}

    def test_weights_that_a_person_has_put_in(self, wine):
        X, y = wine
        for dtype, then in ((np.float32, np.float32), (np.float16, np.float64)):
            clf = quietly(MLPClassifier(**{**SMALL, "max_iter": 5}), X, y)
            clf.coefs_ = [W.astype(dtype) for W in clf.coefs_]
            clf.intercepts_ = [b.astype(dtype) for b in clf.intercepts_]
            assert clf.partial_fit(X, y).coefs_[0].dtype == then
        clf.intercepts_[0] = clf.intercepts_[0].astype(np.float32)
        assert clf.partial_fit(X, y).coefs_[0].dtype == np.float64

    def test_nested_sizes(self, wine):
        with pytest.raises(ValueError, match="hidden_layer_sizes must be"):
            MLPClassifier(hidden_layer_sizes=[[5, 3]]).fit(*wine)

    def test_pickles_of_every_kind(self, wine):
        X, y = wine
        Y = np.stack([y, (y + 1) % 3], axis=1)
        for clf, targets in ((MLPClassifier(**SMALL), Y), (MLPClassifier(**SMALL, activation="elu(0.5)"), y)):
            quietly(clf, X, targets)
            other = pickle.loads(pickle.dumps(clf))
            np.testing.assert_array_equal(other.predict(X), clf.predict(X))


class TestInterrupts:
    @pytest.mark.parametrize("solver", ["adam", "lbfgs", "lm"])
    def test_before_the_first_epoch_is_done(self, wine, solver, monkeypatch):
        from chainrule.engines import compiled, levenberg_marquardt

        def interrupt(*args, **kwargs):
            raise KeyboardInterrupt

        module = levenberg_marquardt if solver == "lm" else compiled
        name = "forward" if solver == "lm" else "run_all"
        calls = []

        def second(*args, **kwargs):
            calls.append(1)
            return interrupt() if len(calls) > (solver == "lbfgs") else real(*args, **kwargs)

        real = getattr(module, name)
        monkeypatch.setattr(module, name, second)
        clf = MLPClassifier((3,), "tanh", solver=solver, random_state=0)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                clf.fit(*wine)
            except KeyboardInterrupt:
                return  # nothing was begun
        assert any("interrupted by user" in str(one.message) for one in told)
        assert np.isfinite(clf.coefs_[0]).all()

    def test_in_partial_fit(self, wine, monkeypatch):
        X, y = wine
        clf = MLPClassifier(on_epoch=lambda state: _interrupt(), random_state=0)
        with pytest.warns(UserWarning, match="interrupted by user"):
            clf.partial_fit(X, y, classes=[0, 1, 2])
        assert clf.n_iter_ == 1

    @pytest.mark.parametrize("solver", ["adam", "lbfgs", "lm"])
    def test_when_the_last_epoch_is_done(self, wine, solver, monkeypatch):
        """What was reached is kept first, and then the interrupt is told."""
        keep = LearningRecord._keep

        def pressed(self, *arguments):
            signal.raise_signal(signal.SIGINT)
            keep(self, *arguments)

        monkeypatch.setattr(LearningRecord, "_keep", pressed)
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            clf = MLPClassifier((3,), "tanh", solver=solver, max_iter=3, random_state=0)
            with pytest.warns(UserWarning, match="interrupted by user"):
                clf.fit(*wine)
        finally:
            signal.signal(signal.SIGINT, before)
        assert clf.n_iter_ == 3


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "lm"])
def test_an_error_of_a_callback_has_what_was_reached(wine, solver):
    """The estimator is as it was before the fit."""
    seen = []

    def fail(state):
        seen.append(state.network)
        if state.epoch == 3:
            raise ZeroDivisionError

    clf = MLPClassifier((3,), "tanh", solver=solver, on_epoch=fail, random_state=0)
    with pytest.raises(ZeroDivisionError) as caught:
        clf.fit(*wine)
    state = caught.value.state
    assert len(state.history) == state.epoch == 3
    np.testing.assert_array_equal(state.network.layers[0].weights, seen[-1].layers[0].weights)


def _interrupt():
    raise KeyboardInterrupt


class TestSparseRows:
    def test_levenberg_marquardt_refuses_what_does_not_fit(self, wine, monkeypatch):
        X, y = wine
        monkeypatch.setattr(sparse_rows, "MOST_BYTES", 1000)
        with pytest.raises(ValueError, match="solver='lm' takes all rows at once"):
            MLPClassifier(solver="lm").fit(scipy.sparse.csr_matrix(X), y)

    def test_one_precision_after_the_other(self, wine, monkeypatch):
        X, y = wine
        monkeypatch.setattr(sparse_rows, "MOST_BYTES", 1000)
        rows = scipy.sparse.csr_matrix(X)
        for engine in ("auto", "reference"):
            for first, then in ((np.float32, np.float64), (np.float64, np.float32)):
                clf = MLPClassifier(random_state=0, engine=engine).partial_fit(rows.astype(first), y, classes=[0, 1, 2])
                assert clf.partial_fit(rows.astype(then), y).coefs_[0].dtype == first
        with pytest.raises(ValueError, match="beyond float32"):
            MLPRegressor().fit(rows.astype(np.float32), np.full(178, 1e60))

    def test_where_it_diverged(self, wine, monkeypatch):
        X, y = wine
        target = np.where(np.arange(178) == 170, 1e200, y)
        told = []
        for most in (10**9, 1000):
            monkeypatch.setattr(sparse_rows, "MOST_BYTES", most)
            reg = MLPRegressor(solver="sgd", shuffle=False, batch_size=4, random_state=0, learning_rate_init=1e200)
            with pytest.raises(cr.DivergenceError) as caught:
                reg.fit(scipy.sparse.csr_array(X), target)
            told.append(str(caught.value).partition(":")[0])
        assert told[0] == told[1]
        assert "of 45" in told[0]
