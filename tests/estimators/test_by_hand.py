"""Networks that a person has put in or changed (scikit-learn's issue 19701), and estimators without one."""

import contextlib
import copy
import pickle
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from estimators_kit import SMALL, distance, quietly, same
from sklearn import neural_network
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import LabelBinarizer

import chainrule as cr
from chainrule import MLPClassifier, MLPRegressor

ROWS = np.random.default_rng(0).normal(size=(9, 3))


def weights(*sizes):
    rng = np.random.default_rng(1)
    return ([rng.normal(size=pair) for pair in pairwise(sizes)],
            [rng.normal(size=size) for size in sizes[1:]])  # fmt: skip


def put_in(estimator, *sizes, **attributes):
    estimator.coefs_, estimator.intercepts_ = weights(*sizes)
    for name, value in attributes.items():
        setattr(estimator, name, value)
    return estimator


def answer(activation, output, *sizes):
    """The outputs, written again."""
    functions = {
        "relu": lambda z: np.maximum(z, 0), "tanh": np.tanh, "logistic": lambda z: 1 / (1 + np.exp(-z)),
        "identity": lambda z: z, "exp": np.exp,
        "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
    }  # fmt: skip
    a, (W, b) = ROWS, weights(*sizes)
    for l in range(len(W)):
        a = functions[output if l == len(W) - 1 else activation](a @ W[l] + b[l])
    return a


class TestPutIn:
    def test_a_regressor(self):
        for activation in ("relu", "tanh"):
            reg = put_in(MLPRegressor(activation=activation), 3, 4, 1)
            wanted = answer(activation, "identity", 3, 4, 1)[:, 0]
            np.testing.assert_allclose(reg.predict(ROWS), wanted, rtol=1e-12)
            assert reg.score(ROWS, wanted) == 1.0
            exported = {}
            exec(cr.to_python(reg), exported)
            np.testing.assert_allclose([exported["predict"](row) for row in ROWS.tolist()], wanted, rtol=1e-9)
        full = put_in(MLPRegressor(), 3, 5, 4, 2, n_layers_=4, n_outputs_=2, out_activation_="identity")
        np.testing.assert_allclose(full.predict(ROWS), answer("relu", "identity", 3, 5, 4, 2), rtol=1e-12)
        counts = put_in(MLPRegressor("poisson"), 3, 4, 1)
        np.testing.assert_allclose(counts.predict(ROWS), answer("relu", "exp", 3, 4, 1)[:, 0], rtol=1e-12)

    @pytest.mark.parametrize("how", ["classes", "binarizer"])
    @pytest.mark.parametrize(
        ("outputs", "activation", "labels"),
        [(1, "logistic", ["no", "yes"]), (3, "softmax", ["a", "b", "c"]), (3, "logistic", None)],
        ids=["two", "three", "labels"],
    )
    def test_a_classifier(self, outputs, activation, labels, how):
        clf = put_in(MLPClassifier(), 3, 4, outputs, out_activation_=activation)
        if how == "classes":
            clf.classes_ = np.arange(outputs) if labels is None else np.array(labels)
        else:
            clf._label_binarizer = LabelBinarizer().fit(np.eye(3, dtype=int) if labels is None else labels)
        A = answer("relu", activation, 3, 4, outputs)
        wanted = {
            "two": lambda: np.where(A[:, 0] > 0.5, "yes", "no"),
            "three": lambda: np.array(["a", "b", "c"])[A.argmax(axis=1)],
            "labels": lambda: (A > 0.5).astype(int),
        }["two" if outputs == 1 else "labels" if labels is None else "three"]()
        np.testing.assert_array_equal(clf.predict(ROWS), wanted)
        np.testing.assert_allclose(clf.predict_proba(ROWS), np.hstack([1 - A, A]) if outputs == 1 else A, rtol=1e-12)
        assert clf.score(ROWS, wanted) == 1.0
        assert (clf.n_features_in_, clf.n_layers_, clf.n_outputs_) == (3, 3, outputs)

    def test_as_scikit_learns_own_answers(self, wine):
        """Every attribute that its own predict reads, taken from its own."""
        X, y = wine
        for y_ in (y, y == 1, np.stack([y == 0, y < 2], axis=1).astype(int)):
            theirs = quietly(neural_network.MLPClassifier(max_iter=20, random_state=0), X, y_)
            ours = MLPClassifier()
            for name in ("coefs_", "intercepts_", "n_layers_", "n_outputs_", "out_activation_", "_label_binarizer"):
                setattr(ours, name, getattr(theirs, name))
            np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
            np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-9)

    def test_it_goes_on_to_learn(self, diabetes):
        X, y = diabetes
        trained = quietly(MLPRegressor(hidden_layer_sizes=(8,), random_state=0, max_iter=30), X, y)
        for fit in ("fit", "partial_fit"):
            reg = MLPRegressor(hidden_layer_sizes=(8,), random_state=0, max_iter=30, warm_start=True)
            reg.coefs_, reg.intercepts_ = [W.copy() for W in trained.coefs_], [b.copy() for b in trained.intercepts_]
            with pytest.warns() if fit == "fit" else contextlib.nullcontext():
                getattr(reg, fit)(X, y)
            assert reg.loss_ < trained.loss_
            assert 0 < distance(reg, trained) < 1
            assert reg.t_ == len(X) * reg.n_iter_
        clf = put_in(MLPClassifier((4,), solver="sgd"), 3, 4, 3, out_activation_="softmax")
        clf.partial_fit(ROWS, np.arange(9) % 3, classes=[0, 1, 2])
        assert clf.predict(ROWS).shape == (9,)

    def test_what_does_not_fit_together_is_said(self):
        cases = [
            (put_in(MLPRegressor(), 3, 4, 1, n_layers_=5), "n_layers_ is 5, but coefs_ and intercepts_ make it 3"),
            (put_in(MLPRegressor(), 3, 4, 1, n_outputs_=2), "n_outputs_ is 2, but"),
            (put_in(MLPRegressor(), 4, 4, 1), "X has 3 features, but MLPRegressor is expecting 4 features"),
            (put_in(MLPRegressor(), 3, 4, 1, intercepts_=[]), "coefs_ has 2 arrays and intercepts_ 0"),
            (put_in(MLPRegressor(), 3, 4, 1, out_activation_="softmix"), 'activation "softmix" is unknown'),
            (put_in(MLPRegressor(activation=["tanh", "relu"]), 3, 4, 1), "lists 2 activations for 1 hidden"),
            (put_in(MLPClassifier(), 3, 4, 1), "nothing says what its outputs stand for: set classes_"),
            (
                put_in(MLPClassifier(), 3, 4, 3, classes_=[1, 2, 3]),
                "out_activation_ is not set, and nothing else says what 3 outputs",
            ),
            (put_in(MLPClassifier(), 3, 4, 3, classes_=[1, 2, 3], out_activation_="identity"), "_ is .identity., and"),
            (put_in(MLPClassifier(), 3, 4, 3, classes_=[1, 2], out_activation_="softmax"), "classes_ has 2 classes"),
            (put_in(MLPClassifier(), 3, 4, 1, classes_=[1, 2, 3]), "classes_ has 3 classes, but coefs_ ends in 1"),
            (put_in(MLPRegressor(preprocess=True), 3, 4, 1), "put in by hand"),
            (put_in(MLPRegressor(), 3, 4, 1, coefs_=[[["a"]], [[1]]]), "must be arrays of numbers"),
        ]
        for estimator, message in cases:
            with pytest.raises(ValueError, match=message):
                estimator.predict(ROWS)


class TestChanged:
    @pytest.mark.parametrize("preprocess", [False, True])
    def test_weights_in_place_or_replaced(self, diabetes, preprocess):
        X, y = diabetes
        reg = quietly(MLPRegressor(**SMALL, preprocess=preprocess), X, y)
        before = reg.predict(X)
        reg.intercepts_[-1][0] += 5
        np.testing.assert_allclose(reg.predict(X), before + 5, rtol=1e-9)
        reg.coefs_ = [*reg.coefs_[:-1], 0 * reg.coefs_[-1]]
        np.testing.assert_allclose(reg.predict(X), reg.intercepts_[-1][0], rtol=1e-12)
        assert cr.from_sklearn(reg).weights[2].max() == 0

    def test_another_shape(self, diabetes):
        X, y = diabetes
        reg = quietly(MLPRegressor(**SMALL), X, y)
        reg.coefs_, reg.intercepts_ = weights(10, 5, 4, 1)
        with pytest.raises(ValueError, match="n_layers_ is 3, but coefs_ and intercepts_ make it 4"):
            reg.predict(X)
        reg.n_layers_ = 4
        assert reg.predict(X).shape == y.shape
        assert reg.transform(X).shape == (len(X), 4)

    def test_out_activation_and_classes(self, wine):
        X, y = wine
        clf = quietly(MLPClassifier(**SMALL), X, y)
        clf.classes_ = np.array(["a", "b", "c"])
        assert set(clf.predict(X)) == {"a", "b", "c"}
        assert clf.score(X, np.array(["a", "b", "c"])[y]) > 0.97
        P = clf.predict_proba(X)
        clf.out_activation_ = "identity"
        Z = clf.predict_proba(X)
        np.testing.assert_allclose(np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True), P, rtol=1e-9)

    def test_it_is_trained_on_from_there(self, diabetes):
        X, y = diabetes
        for more in ({}, {"preprocess": True}):
            one, other = (quietly(MLPRegressor(**SMALL, **more), X, y) for _ in range(2))
            one.coefs_[0][:] = 0
            one.partial_fit(X, y)
            assert not same(one, other.partial_fit(X, y))
            assert np.abs(one.coefs_[0]).max() < 0.1


UNFITTED = {
    "new": lambda cls: cls(),
    "cloned": lambda cls: clone(quietly(cls(max_iter=2), ROWS, np.arange(9) % 3)),
    "copied": lambda cls: copy.deepcopy(cls()),
    "pickled": lambda cls: pickle.loads(pickle.dumps(cls())),
    "with parameters": lambda cls: cls().set_params(alpha=1, solver="lbfgs", preprocess=True, warm_start=True),
    "after a refused fit": lambda cls: _refused(cls()),
    "after a refused first part": lambda cls: _refused(cls(), "partial_fit"),
    "half put in": lambda cls: _half(cls()),
}


def _refused(estimator, method="fit"):
    classes = {"classes": [0, 1]} if method == "partial_fit" and isinstance(estimator, MLPClassifier) else {}
    with pytest.raises(ValueError, match="NaN"):
        getattr(estimator, method)(np.full((9, 3), np.nan), np.zeros(9), **classes)
    return estimator


def _half(estimator):
    estimator.coefs_ = weights(3, 4, 1)[0]
    return estimator


USES = {
    "predict": lambda one: one.predict(ROWS),
    "predict of a frame": lambda one: one.predict(pd.DataFrame(ROWS)),
    "predict_proba": lambda one: one.predict_proba(ROWS),
    "predict_log_proba": lambda one: one.predict_log_proba(ROWS),
    "score": lambda one: one.score(ROWS, np.arange(9) % 3),
    "transform": lambda one: one.transform(ROWS),
    "transform of a layer": lambda one: one.transform(ROWS, layer=1),
    "explain": lambda one: one.explain(ROWS),
    "explain with targets": lambda one: one.explain(ROWS, np.zeros(9)),
    "get_feature_names_out": lambda one: one.get_feature_names_out(),
    **{name: lambda one, name=name: getattr(one, name) for name in MLPClassifier._fitted_attributes},
}


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("how", UNFITTED)
def test_without_a_network_it_is_said(cls, how):
    for use, of in USES.items():
        estimator = UNFITTED[how](cls)
        if cls is MLPRegressor and use in ("predict_proba", "predict_log_proba", "classes_"):
            assert not hasattr(estimator, use)
        elif (how, use) != ("half put in", "coefs_"):
            with pytest.raises(NotFittedError) as caught:
                of(estimator)
            assert re.search(r"not fitted yet|there after a fit", str(caught.value)), use


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("how", UNFITTED)
def test_every_way_to_begin_is_a_way_to_fit(cls, how):
    y = np.arange(9) % 3
    estimator = UNFITTED[how](cls).set_params(solver="adam", max_iter=3, warm_start=True, hidden_layer_sizes=(4,))
    quietly(estimator, ROWS, y)
    assert estimator.n_iter_ == 3
    assert quietly(estimator, ROWS, y).t_ == 6 * 9


def test_the_public_names_are_all_tried():
    """A method that is added is tried here as well, or named as one that needs no network."""
    no_network = {
        "fit", "partial_fit", "fit_transform", "get_params", "set_params", "set_output", "get_metadata_routing",
        "set_callbacks",
    }  # fmt: skip
    public = {name for name in dir(MLPClassifier) if not name.startswith("_") and not name.endswith("_request")}
    assert public - no_network <= set(USES)


def test_other_names_are_missing_as_ever():
    with pytest.raises(AttributeError, match="no attribute 'nonsense_'"):
        MLPClassifier().nonsense_  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'partial_fit'") as caught:
        MLPClassifier(solver="lbfgs").partial_fit  # noqa: B018
    assert "only available for solver 'sgd' and 'adam'" in str(caught.value.__cause__)
