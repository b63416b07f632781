"""What a training leaves that ended before its time: attributes that belong together, and the best weights."""

import contextlib
import itertools

import numpy as np
import pytest
from estimators_kit import quietly
from sklearn.exceptions import NotFittedError

import chainrule as cr
from chainrule import MLPClassifier, MLPRegressor

WATCHED = ("X_val", "early", "both", "none")


def data(kind, wine, diabetes):
    return diabetes if kind == "values" else wine


def setting(watched, X, y):
    """Parameters and further rows for a fit, by what is watched."""
    early = {"early_stopping": True} if watched in ("early", "both") else {}
    rows = {"X_val": X[::5], "y_val": y[::5]} if watched in ("X_val", "both") else {}
    return early, rows


def belongs_together(one, X, y, rows=None):
    """Every attribute of a fitted estimator, held against the others."""
    assert one.n_iter_ == len(one.history_)
    assert np.isfinite(one.loss_curve_).all()
    assert one.loss_curve_ == [] or one.loss_ == one.loss_curve_[-1]
    assert len(one.loss_curve_) >= one.n_iter_
    if one.loss_curve_ and not one.early_stopping:
        assert one.best_loss_ == pytest.approx(min(one.loss_curve_))
    if one.early_stopping:
        assert len(one.validation_scores_ or []) == len(one.loss_curve_)
        if one.validation_scores_:
            assert one.best_validation_score_ == max(one.validation_scores_)
    else:
        assert one.validation_scores_ is None
    if one.validation_loss_curve_ is not None:
        assert len(one.validation_loss_curve_) == len(one.loss_curve_)
    if rows and one.early_stopping and one.validation_scores_:
        assert one.score(rows["X_val"], rows["y_val"]) == pytest.approx(one.best_validation_score_)
    assert all(np.isfinite(part).all() for part in (*one.coefs_, *one.intercepts_))
    assert one.predict(X).shape[0] == len(X)
    with contextlib.suppress(cr.DivergenceError):  # from weights that are finite, but huge
        quietly(one.set_params(learning_rate_init=0.001, on_epoch=None, max_iter=2), X, y, **(rows or {}))
    assert one.n_iter_ <= 2


@pytest.mark.matrix(3)
@pytest.mark.parametrize("kind", ["classes", "values"])
@pytest.mark.parametrize("watched", WATCHED)
@pytest.mark.parametrize("preprocess", [False, True])
def test_divergence(wine, diabetes, kind, watched, preprocess):
    """At a learning rate that climbs from fit to fit until it is too high, in its first epoch or after some."""
    X, y = data(kind, wine, diabetes)
    early, rows = setting(watched, X, y)
    cls = MLPRegressor if kind == "values" else MLPClassifier
    found, said = set(), []
    for rate in (0.3, 3.0, 1e3, 1e30, 1e200):
        one = cls(hidden_layer_sizes=(6,), solver="sgd", random_state=0, max_iter=60, n_iter_no_change=99, tol=0.0,
                  batch_size=20, alpha=0.1, preprocess=preprocess, **early)  # fmt: skip
        quietly(one.set_params(max_iter=3, learning_rate_init=0.01), X, y, **rows)
        scores = list(one.validation_scores_ or [])
        one.set_params(warm_start=True, max_iter=60, learning_rate_init=rate)
        try:
            quietly(one, X, y, **rows)
        except cr.DivergenceError as error:
            found.add(one.n_iter_ > 0)
            if early and one.validation_scores_:
                assert one.validation_scores_[: len(scores)] == scores
                assert one.best_validation_score_ == max(one.validation_scores_)
                kept = int(np.argmax(one.validation_scores_)) + 1 - len(scores)
                whose = f"epoch {kept}" if kept > 0 else "the fit before"
                said.append((f"The weights of {whose}, the best", str(error)))
        belongs_together(one, X, y, rows=rows)
    assert found
    assert all(wanted in told or "No epoch was completed" in told for wanted, told in said)


@pytest.mark.parametrize("kind", ["classes", "values"])
def test_divergence_keeps_the_best_weights_not_the_last(wine, diabetes, kind):
    X, y = data(kind, wine, diabetes)
    cls = MLPRegressor if kind == "values" else MLPClassifier
    settings = {"hidden_layer_sizes": (6,), "random_state": 0, "early_stopping": True, "max_iter": 300, "tol": 0.0,
                "n_iter_no_change": 300, "solver": "sgd", "alpha": 0.0, "activation": "tanh"}  # fmt: skip
    # Wrong answers to watch: what is learnt makes the score fall.
    rows = {"X_val": X[::3], "y_val": -y[::3] if kind == "values" else (y[::3] + 1) % 3}
    states = []
    one = cls(**settings, learning_rate_init=0.02, on_epoch=lambda state: states.append(state.network) and None)

    def too_far(state):
        if state.epoch == 12:
            one_weight = np.asarray(state.network.layers[-1].weights)
            one_weight.flags.writeable = True
            one_weight[:] = np.nan

    one.set_params(on_epoch=[one.on_epoch, too_far])
    with pytest.raises(cr.DivergenceError, match="the best on the validation rows"):
        quietly(one, X, y, **rows)
    assert one.n_iter_ == len(one.validation_scores_) >= 12
    best = int(np.argmax(one.validation_scores_))
    assert best < 11
    np.testing.assert_array_equal(one.coefs_[0], states[best].weights[1])
    assert one.score(*rows.values()) == pytest.approx(one.best_validation_score_)


@pytest.mark.parametrize("kind", ["classes", "values"])
@pytest.mark.parametrize("watched", WATCHED)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs", "lm"])
def test_ctrl_c_in_a_callback(wine, diabetes, kind, watched, solver):
    X, y = data(kind, wine, diabetes)
    early, rows = setting(watched, X, y)
    cls = MLPRegressor if kind == "values" else MLPClassifier
    for epoch in (1, 3):

        def interrupt(state, epoch=epoch):
            if state.epoch == epoch:
                raise KeyboardInterrupt

        one = cls(hidden_layer_sizes=(4,), activation="tanh", solver=solver, random_state=0, warm_start=True,
                  learning_rate="adaptive", on_epoch=interrupt, **early)  # fmt: skip
        with pytest.warns(UserWarning, match="interrupted by user"):
            one.fit(X, y, **rows)
        assert one.n_iter_ == epoch
        if solver in ("adam", "sgd"):
            belongs_together(one, X, y, rows=rows)
        else:
            assert one.loss_curve_[-1] == one.loss_
            assert one.predict(X).shape[0] == len(X)


def test_ctrl_c_while_the_score_is_taken(diabetes, monkeypatch):
    X, y = diabetes
    real, calls = MLPRegressor._score_of, itertools.count()

    def interrupted(self, A, y, weight):
        if next(calls) == 4:
            raise KeyboardInterrupt
        return real(self, A, y, weight)

    monkeypatch.setattr(MLPRegressor, "_score_of", interrupted)
    one = MLPRegressor(early_stopping=True, random_state=0)
    with pytest.warns(UserWarning, match="interrupted by user"):
        one.fit(X, y)
    assert one.n_iter_ == len(one.validation_scores_) == 5
    belongs_together(one, X, y)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, RuntimeError])
@pytest.mark.parametrize("where", ["_start", "_check_targets", "_keep", "_name_activations", "_weighed"])
def test_whatever_happens_elsewhere_leaves_it_as_it_was(wine, monkeypatch, error, where):
    X, y = wine
    fresh, fitted = MLPClassifier(random_state=0, max_iter=3), MLPClassifier(random_state=0, max_iter=3)
    before = quietly(fitted, X, y).predict_proba(X)

    def broken(*args, **kwargs):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(MLPClassifier, where, broken)
        for one in (fresh, fitted):
            with pytest.raises(error):
                quietly(one, X[:, :5], y)
    np.testing.assert_array_equal(fitted.predict_proba(X), before)
    with pytest.raises(NotFittedError):
        fresh.predict(X)


REFUSED_PARTS = {
    "a new label": (lambda X, y: (X, y + 5), {}),
    "features": (lambda X, y: (X[:, :3], y), {}),
    "rows": (lambda X, y: (X, y[:-1]), {}),
    "gaps": (lambda X, y: (np.where(X > 1, np.nan, X), y), {}),
    "weights": (lambda X, y: (X, y, -np.ones(len(X))), {}),
    "classes": (lambda X, y: (X, y, None, [0, 1]), {}),
    "sizes": (lambda X, y: (X, y), {"hidden_layer_sizes": (3, 3)}),
    "preprocess": (lambda X, y: (X, y), {"preprocess": True}),
    "a parameter": (lambda X, y: (X, y), {"alpha": -1}),
}


@pytest.mark.parametrize("part", REFUSED_PARTS)
def test_a_refused_part(wine, part):
    X, y = wine
    rows, parameters = REFUSED_PARTS[part]
    random = np.random.RandomState(0)
    one, other = (MLPClassifier(random_state=state).partial_fit(X, y, classes=[0, 1, 2])
                  for state in (random, np.random.RandomState(0)))  # fmt: skip
    before = {name: value for name, value in vars(one).items() if name not in parameters}
    drawn = random.get_state()[1].copy()
    with pytest.raises(ValueError, match=r"."):
        one.set_params(**parameters).partial_fit(*rows(X, y))
    assert all(vars(one)[name] is value for name, value in before.items())
    np.testing.assert_array_equal(random.get_state()[1], drawn)
    one.set_params(**{name: getattr(other, name) for name in parameters})
    np.testing.assert_array_equal(one.partial_fit(X, y).coefs_[0], other.partial_fit(X, y).coefs_[0])
    assert one.loss_curve_ == other.loss_curve_


def test_a_callback_is_heard_in_the_epoch_in_which_the_rate_drops(wine):
    X, y = wine
    settings = {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1, "tol": 0.05, "max_iter": 300,
                "n_iter_no_change": 3, "random_state": 0}  # fmt: skip
    rates = quietly(MLPClassifier(**settings), X, y).history_.table[:, 5]
    drops = np.flatnonzero(np.diff(rates)) + 1  # the last epoch with the old rate, counted from 1
    assert len(drops) >= 2
    for drop in (int(drops[0]), int(drops[0]) + 1, int(drops[1])):
        one = quietly(MLPClassifier(**settings, on_epoch=lambda state, drop=drop: state.epoch == drop), X, y)
        assert one.n_iter_ == drop
