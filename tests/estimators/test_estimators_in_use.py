"""What is refused and said, what repeats, and where the arithmetic runs."""

import math

import numpy as np
import pytest
import scipy.sparse
from estimators_kit import quietly, same
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import chainrule as cr
from chainrule import MLPClassifier, MLPRegressor
from chainrule.models.estimators import sparse_rows


class TestWhatIsSaid:
    def test_how_far_it_is_from_converging(self, wine):
        X, y = wine
        with pytest.warns(ConvergenceWarning, match=r"max_iter=20\).*took the loss from .* to .*raise max_iter"):
            MLPClassifier(max_iter=20, random_state=0).fit(X, y)
        with pytest.warns(ConvergenceWarning, match="lower learning_rate_init"):
            MLPClassifier(solver="sgd", activation="tanh", learning_rate_init=20, max_iter=30, n_iter_no_change=99,
                          random_state=0).fit(X, y)  # fmt: skip
        with pytest.warns(ConvergenceWarning, match="max_fun=3"):
            MLPClassifier(solver="lbfgs", max_fun=3).fit(X, y)

    def test_divergence_and_the_last_good_weights(self, diabetes):
        X, y = diabetes
        reg = MLPRegressor(solver="sgd", learning_rate_init=0.5, random_state=0)
        with pytest.raises(cr.DivergenceError, match=r"training diverged in epoch .*learning_rate_init \(now 0.5\)"):
            reg.fit(X * 100, y * 100)
        assert all(np.isfinite(W).all() for W in reg.coefs_)
        with pytest.raises(ValueError, match="no longer finite"):  # as code for scikit-learn's catches it
            reg.fit(X * 100, y * 100)
        with pytest.raises(cr.DivergenceError, match="not finite at the initial weights"):
            MLPRegressor(solver="lbfgs").fit(X * 1e200, y)

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"activation": "rleu"}, 'activation "rleu" is unknown. Did you mean "relu"'),
            ({"solver": "rmsprop"}, "solver must be 'lbfgs', 'sgd', 'adam' or 'lm'; received 'rmsprop'"),
            ({"hidden_layer_sizes": (5, 0)}, r"hidden_layer_sizes must be .*received \(5, 0\)"),
            ({"hidden_layer_sizes": 2.5}, "hidden_layer_sizes must be"),
            ({"alpha": -1}, "alpha must be a number of at least 0; received -1"),
            ({"alpha": math.nan}, "alpha must be a number of at least 0; received nan"),
            ({"batch_size": 0}, "batch_size must be 'auto' or a whole number"),
            ({"learning_rate_init": 0}, "learning_rate_init must be a number above 0"),
            ({"max_iter": 10.0}, "max_iter must be a whole number"),
            ({"momentum": 1.5}, "momentum must be a number from 0 to 1"),
            ({"beta_1": 1}, "beta_1 must be a number of at least 0 and below 1"),
            ({"shuffle": "yes"}, "shuffle must be True or False"),
            ({"random_state": -1}, "random_state must be None"),
            ({"validation_fraction": 1.0}, "validation_fraction must be"),
            ({"n_iter_no_change": 0}, "n_iter_no_change must be"),
            ({"dropout": 1}, "dropout must be a share"),
            ({"loss": (10,)}, r"hidden_layer_sizes=\.\.\.\); received \(10,\)"),
            ({"loss": "squared"}, 'loss "squared" is unknown'),
            ({"engine": "gpu"}, "engine must be one of auto, compiled"),
            ({"on_epoch": 3}, "on_epoch must be None, a function"),
            ({"class_weight": 3}, "class_weight must be None, 'balanced'"),
            ({"early_stopping": True, "validation_fraction": 0.001}, "validation set is too small"),
        ],
    )
    def test_refusals(self, wine, parameters, message):
        with pytest.raises(ValueError, match=message):
            MLPClassifier(**parameters).fit(*wine)

    def test_targets_and_weights_that_cannot_be(self, wine):
        X, y = wine
        with pytest.raises(ValueError, match="Unknown label type: continuous"):
            MLPClassifier().fit(X, y + 0.5)
        with pytest.raises(ValueError, match="sample_weight must be at least 0"):
            MLPClassifier().fit(X, y, sample_weight=-np.ones(178))
        with pytest.raises(ValueError, match=r"sample_weight is 0 for every row|at least one non-zero number"):
            MLPClassifier().fit(X, y, sample_weight=np.zeros(178))
        with pytest.raises(ValueError, match="contains NaN"):
            MLPClassifier().fit(np.where(X > 1, np.nan, X), y)
        with pytest.raises(NotFittedError):
            MLPClassifier().predict(X)
        with pytest.raises(NotFittedError):
            MLPClassifier().network_  # noqa: B018

    def test_partial_fit(self, wine):
        X, y = wine
        with pytest.raises(ValueError, match="classes must be passed on the first call"):
            MLPClassifier().partial_fit(X, y)
        clf = MLPClassifier().partial_fit(X, y, classes=[0, 1, 2])
        with pytest.raises(ValueError, match="is not the same as on the last call"):
            clf.partial_fit(X, y, classes=[0, 1])
        with pytest.raises(ValueError, match="y has the label 3, which is none of the classes"):
            clf.partial_fit(X, y + 1)
        with pytest.raises(ValueError, match="does not support early_stopping"):
            MLPClassifier(early_stopping=True).partial_fit(X, y, classes=[0, 1, 2])
        assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")
        with pytest.raises(ValueError, match="same classes as in the previous call"):
            quietly(MLPClassifier(warm_start=True, max_iter=2), X, y).fit(X, y + 1)
        with pytest.raises(ValueError, match="y has 1 targets, but the network was fitted with 2"):
            quietly(MLPRegressor(warm_start=True, max_iter=2), X, X[:, :2]).fit(X, y)


class TestReproducibility:
    def test_a_number_gives_the_same_bits(self, wine):
        X, y = wine
        one = quietly(MLPClassifier(max_iter=20, random_state=5, dropout=0.2), X, y)
        assert same(one, quietly(MLPClassifier(max_iter=20, random_state=5, dropout=0.2), X, y))
        assert not same(one, quietly(MLPClassifier(max_iter=20, random_state=6, dropout=0.2), X, y))

    def test_a_generator_goes_on(self, wine):
        state = np.random.RandomState(5)
        one, two = (quietly(MLPClassifier(max_iter=5, random_state=state), *wine) for _ in range(2))
        assert not same(one, two)
        assert same(one, quietly(MLPClassifier(max_iter=5, random_state=5), *wine))

    def test_none_is_different_every_time(self, wine):
        assert not same(*(quietly(MLPClassifier(max_iter=2), *wine) for _ in range(2)))

    def test_parts_are_taken_in_orders_of_their_own(self, wine):
        """A second call with the same rows must not repeat the order of the first."""
        X, y = wine
        parameters = {"solver": "sgd", "momentum": 0.0, "batch_size": 1, "random_state": 0}
        goes_on, repeats = (MLPClassifier(**parameters).partial_fit(X, y, classes=[0, 1, 2]) for _ in range(2))
        assert same(goes_on, repeats)
        repeats.t_ = 0  # what the order is drawn from, beside random_state
        assert not same(goes_on.partial_fit(X, y), repeats.partial_fit(X, y))


class TestEngines:
    def test_levenberg_marquardt(self, diabetes, wine):
        X, y = diabetes
        reg = quietly(MLPRegressor(hidden_layer_sizes=(4,), activation="tanh", solver="lm", max_iter=60,
                                   random_state=0), X, y)  # fmt: skip
        assert reg.loss_curve_ == sorted(reg.loss_curve_, reverse=True)  # it takes no step that rises
        assert reg.loss_ < 0.5 * np.var(y) / 1.5  # and fits better than any constant
        assert len(reg.loss_curve_) == reg.n_iter_
        assert MLPClassifier((3,), "tanh", solver="lm", alpha=1.0, tol=1e-3).fit(*wine).score(*wine) > 0.97

    def test_the_reference_engine_gives_the_same(self, wine):
        one, two = (quietly(MLPClassifier(max_iter=10, random_state=0, engine=engine), *wine)
                    for engine in ("compiled", "reference"))  # fmt: skip
        for a, b in zip(one.coefs_, two.coefs_, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)

    def test_sparse_rows_are_multiplied_entry_by_entry(self, wine, monkeypatch):
        X, y = wine
        X = np.where(X > 0.5, X, 0.0)
        rows = scipy.sparse.csr_matrix(X)
        weight = np.linspace(0, 2, 178)
        for how in ({"shuffle": True}, {"shuffle": False, "dropout": 0.3}, {"early_stopping": True}):
            for s in (None, weight):
                settings = {"max_iter": 12, "random_state": 0, "batch_size": 10, **how}
                dense = quietly(MLPClassifier(**settings), X, y, s)
                with monkeypatch.context() as patch:
                    patch.setattr(sparse_rows, "MANY_FEATURES", 1)
                    patch.setattr(sparse_rows, "THIN", 1.0)
                    sparse = quietly(MLPClassifier(**settings), rows, y, s)
                    np.testing.assert_allclose(sparse.predict_proba(rows), dense.predict_proba(X), rtol=1e-9)
                assert sparse.loss_curve_ == pytest.approx(dense.loss_curve_, rel=1e-9)
                for a, b in zip(sparse.coefs_, dense.coefs_, strict=True):
                    np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-12)
        with monkeypatch.context() as patch:
            patch.setattr(sparse_rows, "MANY_FEATURES", 1)
            patch.setattr(sparse_rows, "THIN", 1.0)
            settings = {"solver": "lbfgs", "max_iter": 8, "random_state": 0, "alpha": 0.1}  # rounding grows with each
            for s in (None, weight):
                sparse = quietly(MLPClassifier(**settings), rows, y, s)
                dense = quietly(MLPClassifier(**settings), X, y, s)
                assert sparse.loss_curve_ == pytest.approx(dense.loss_curve_, rel=1e-6)
                np.testing.assert_allclose(sparse.predict_proba(rows), dense.predict_proba(X), atol=1e-6)

    @pytest.mark.parametrize("solver", ["adam", "lbfgs", "lm"])
    def test_ctrl_c_keeps_what_was_reached(self, wine, solver, monkeypatch, capsys):
        X, y = wine
        printed = []

        def interrupt(text):
            printed.append(text)
            if len(printed) == 3:
                raise KeyboardInterrupt

        monkeypatch.setattr("builtins.print", interrupt)
        clf = MLPClassifier((3,), solver=solver, verbose=True, random_state=0, max_iter=50)
        with pytest.warns(UserWarning, match="interrupted by user"):
            clf.fit(X, y)
        assert clf.n_iter_ == 3
        assert clf.predict(X).shape == (178,)
