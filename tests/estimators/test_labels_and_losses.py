"""Labels of every make, weights of classes of every make, and losses by the names that people type."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from estimators_kit import SMALL, quietly, same
from sklearn import neural_network
from sklearn.base import clone

import chainrule as cr
from chainrule import MLPClassifier, MLPRegressor
from chainrule.core.loss_names import ALIASES

QUICK = {**SMALL, "max_iter": 15}


class TestSparseLabels:
    @pytest.mark.parametrize("make", [scipy.sparse.csr_matrix, scipy.sparse.csr_array, scipy.sparse.csc_matrix])
    def test_they_are_predicted_sparse_as_scikit_learn_does(self, labels, make):
        X, Y = labels
        ours = quietly(MLPClassifier(**QUICK), X, make(Y))
        theirs = quietly(neural_network.MLPClassifier(**QUICK), X, make(Y))
        found = ours.predict(X)
        assert type(found) is type(theirs.predict(X))
        dense = quietly(MLPClassifier(**QUICK), X, Y)
        np.testing.assert_array_equal(found.toarray(), dense.predict(X))
        assert isinstance(dense.predict(X), np.ndarray)
        assert ours.score(X, make(Y)) == ours.score(X, Y) == dense.score(X, Y) > 0
        np.testing.assert_array_equal(ours.predict_proba(X), dense.predict_proba(X))
        quietly(ours, X, Y)
        assert isinstance(ours.predict(X), np.ndarray)

    def test_in_parts(self, labels):
        X, Y = labels
        clf = MLPClassifier(**QUICK).partial_fit(X, scipy.sparse.csr_array(Y), classes=[0, 1, 2])
        assert scipy.sparse.issparse(clf.partial_fit(X, scipy.sparse.csr_array(Y)).predict(X))


class TestColumnsOfSeveralTypes:
    def frame(self, wine):
        X, y = wine
        return X, pd.DataFrame({"name": np.array(["a", "b", "c"])[y], "number": y * 10, "high": X[:, 0] > 0})

    @pytest.mark.parametrize("make", [lambda Y: Y, lambda Y: Y.to_numpy(dtype=object), lambda Y: Y.to_numpy().tolist()])
    def test_each_keeps_its_type(self, wine, make):
        X, Y = self.frame(wine)
        clf = MLPClassifier(**SMALL).fit(X, make(Y))
        assert [column.dtype.kind for column in clf.classes_] == ["U", "i", "b"]
        found = clf.predict(X)
        assert [type(label) for label in found[0]] == [str, int, bool]
        assert np.mean(found == Y.to_numpy(dtype=object)) > 0.97
        assert clf.score(X, make(Y)) > 0.95
        part = MLPClassifier(**SMALL).partial_fit(X[:3], make(Y[:3]), classes=clf.classes_)
        assert part.partial_fit(X, make(Y)).predict(X).shape == (178, 3)
        watched = quietly(MLPClassifier(**QUICK), X, make(Y), X_val=X[:9], y_val=make(Y[:9]))
        assert len(watched.validation_loss_curve_) == 15

    def test_several_types_in_one_column_are_refused(self, wine):
        X, _ = wine
        mixed = np.array(["a", 1] * 89, dtype=object)
        for y in (mixed, np.stack([mixed, mixed], axis=1)):
            with pytest.raises(ValueError, match="several types in one column, int and str"):
                MLPClassifier(**QUICK).fit(X, y)

    def test_another_type_than_before(self, wine):
        X, y = wine
        clf = MLPClassifier(**QUICK).partial_fit(X, np.array(["a", "b", "c"])[y], classes=["a", "b", "c"])
        with pytest.raises(ValueError, match=r"y has the label 0, which is none of the classes .*\['a', 'b', 'c'\]"):
            clf.partial_fit(X, y)


class TestClassWeights:
    def test_every_make_is_the_same(self, wine):
        X, y = wine
        names = np.array(["red", "rose", "white"])[y]
        wanted = quietly(MLPClassifier(**QUICK, class_weight={"red": 3.0, "rose": 0.5, "white": 1.0}), X, names)
        for weights in (np.array([3.0, 0.5, 1.0]), [3.0, 0.5, 1.0], (3.0, 0.5, 1.0),
                        pd.Series({"white": 1.0, "red": 3.0, "rose": 0.5})):  # fmt: skip
            clf = clone(MLPClassifier(**QUICK, class_weight=weights))
            assert same(quietly(clf, X, names), wanted)
        Y = np.stack([names, names], axis=1)
        two = [pd.Series({"red": 3.0, "rose": 0.5, "white": 1.0}), np.array([1.0, 1.0, 1.0])]
        assert same(quietly(MLPClassifier(**QUICK, class_weight=two), X, Y),
                    quietly(MLPClassifier(**QUICK), X, Y, np.array([3.0, 0.5, 1.0])[y]))  # fmt: skip

    def test_what_does_not_fit_names_the_classes(self, wine):
        X, y = wine
        names = np.array(["red", "rose", "white"])[y]
        with pytest.raises(ValueError, match=r"class_weight has 2 numbers for 3 classes, \['red', 'rose', 'white'\]"):
            MLPClassifier(class_weight=np.array([1, 2])).fit(X, names)
        with pytest.raises(ValueError, match=r"names 'blue', which is none of the classes \['red', 'rose', 'white'\]"):
            MLPClassifier(class_weight={"blue": 2}).fit(X, names)
        with pytest.raises(ValueError, match=r"y has the label 'blue', which is none of the classes .*'red'"):
            MLPClassifier(**QUICK).partial_fit(X, names, classes=["red", "rose", "white"]).partial_fit(
                X, np.where(names == "red", "blue", names)
            )


class TestArraysAsParameters:
    def test_activations_and_dropout(self, wine):
        X, y = wine
        settings = {"hidden_layer_sizes": (5, 4), "max_iter": 5, "random_state": 0}
        one = MLPClassifier(activation=np.array(["tanh", "relu"]), dropout=np.array([0.1, 0.2]), **settings)
        other = MLPClassifier(activation=["tanh", "relu"], dropout=[0.1, 0.2], **settings)
        assert same(quietly(clone(one), X, y), quietly(other, X, y))
        assert same(quietly(MLPClassifier((4,), np.array("tanh"), max_iter=3, random_state=0), X, y),
                    quietly(MLPClassifier(4, "tanh", max_iter=3, random_state=0), X, y))  # fmt: skip
        for parameters in ({"dropout": np.array([0.1, 1.5])}, {"dropout": np.zeros((2, 2))},
                           {"activation": np.array([1, 2])}):  # fmt: skip
            with pytest.raises(ValueError, match=r"dropout must be|activation must be"):
                MLPClassifier((5, 4), **parameters).fit(X, y)


class TestLossesByOtherNames:
    @pytest.mark.parametrize("typed", [name for name in ALIASES if "categorical" not in name])
    def test_an_estimator_takes_what_a_table_takes(self, typed, diabetes):
        X, y = diabetes
        ours = ALIASES[typed]
        for spelled in (typed, typed.upper()):
            reg = MLPRegressor(spelled, hidden_layer_sizes=(4,), max_iter=4, random_state=0)
            assert clone(reg).get_params()["loss"] == spelled
            if ours == "binary_cross_entropy":
                with pytest.raises(ValueError, match=r"is for classes\. Take an MLPClassifier"):
                    reg.fit(X, y)
                continue
            if ours == "logistic_binary_cross_entropy":
                with pytest.raises(ValueError, match="y must lie between 0 and 1"):
                    reg.fit(X, y)
            t = y / 4 if ours == "logistic_binary_cross_entropy" else y
            assert same(quietly(reg, X, t), quietly(clone(reg).set_params(loss=ours), X, t))
            assert reg.loss == spelled

    def test_with_a_number(self, diabetes):
        reg, other = (quietly(MLPRegressor(loss, max_iter=4, random_state=0), *diabetes)
                      for loss in ("pinball(0.9)", "quantile(0.9)"))  # fmt: skip
        assert same(reg, other)

    def test_of_classes(self, wine):
        X, y = wine
        for typed, ours in (("mse", "mean_of_squares"), ("categorical_crossentropy", "categorical_cross_entropy")):
            assert same(*(quietly(MLPClassifier(**QUICK, loss=loss), X, y) for loss in (typed, ours)))

    def test_a_table(self):
        one, other = (cr.train("diabetes", loss=loss, epochs=2, seed=0) for loss in ("mae", "absolute_error"))
        assert one.plan.loss == other.plan.loss == "absolute_error"
        np.testing.assert_array_equal(one.network.weights[1], other.network.weights[1])


def test_parts_of_counts_have_the_constant_of_their_own_rows(diabetes):
    """best_loss_ is the lowest of what loss_curve_ showed, whatever rows a later part has."""
    X, y = diabetes
    counts = np.round(4 * y)
    reg = MLPRegressor("poisson", (8,), random_state=0)
    for rows in (counts > 6, counts <= 6, counts > 0, counts <= 3):
        reg.partial_fit(X[rows], counts[rows])
        assert reg.best_loss_ == pytest.approx(min(reg.loss_curve_))


def test_labels_as_objects_are_scored(labels):
    X, Y = labels
    truths = Y[:, 0].astype(bool)
    clf = quietly(MLPClassifier(**QUICK), X, truths)
    assert clf.score(X, truths.astype(object)) == clf.score(X, pd.Series(truths, dtype=object)) == clf.score(X, truths)


@pytest.mark.parametrize("preprocess", [False, True])
@pytest.mark.parametrize("unit", ["datetime64[D]", "datetime64[ns]", "timedelta64[h]"])
def test_dates_are_no_numbers_to_learn(unit, preprocess):
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10).astype(unit)
    with pytest.raises(ValueError, match=r"y must hold numbers; received .* Give days or hours"):
        MLPRegressor(**QUICK, preprocess=preprocess).fit(X, y)


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "lm"])
def test_a_loss_that_is_not_finite_from_the_start_comes_with_advice(solver):
    X = np.arange(20.0).reshape(10, 2)
    with pytest.raises(cr.DivergenceError, match=r"What helps: .*scale the targets"):
        MLPRegressor(hidden_layer_sizes=(4,), solver=solver, random_state=0).fit(X, np.linspace(1, 2, 10) * 1e200)
