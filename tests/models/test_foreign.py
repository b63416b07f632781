"""Networks from scikit-learn, the comparison before they are returned, and what is no model at all.

PyTorch's and Keras's are in tests/foreign.
"""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule import UsageError
from chainrule.models.foreign.proof import prove, rows

X = np.random.default_rng(0).normal(size=(40, 3))


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scikit_learn(activation):
    y = X[:, 0] + X[:, 1] ** 2
    regressor = MLPRegressor(hidden_layer_sizes=(5, 4), activation=activation, max_iter=20, random_state=0).fit(X, y)
    net = cr.from_sklearn(regressor)
    np.testing.assert_allclose(cr.forward(net, X).output[:, 0], regressor.predict(X), rtol=1e-10)
    classes = (y > 1).astype(int) + (y > 2)
    classifier = MLPClassifier(hidden_layer_sizes=(5,), activation=activation, max_iter=20, random_state=0).fit(
        X, classes
    )
    net = cr.from_sklearn(classifier)
    np.testing.assert_allclose(cr.forward(net, X).output, classifier.predict_proba(X), rtol=1e-10)
    why = cr.explain(net, X, np.eye(3)[classes], loss="softmax_categorical_cross_entropy", example=4)
    assert why["dC/dW[1][2,1]"].value == pytest.approx(why["delta[1][1]"].value * X[4, 1])


def fitted(kind, y, **options):
    """A scikit-learn perceptron after one step."""
    return kind(**{"hidden_layer_sizes": (4,), "max_iter": 1, "random_state": 0} | options).fit(X, y)


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SIGN = (X[:, 0] > 0).astype(int)


def test_every_kind_of_output_of_scikit_learn():
    several = np.column_stack([SIGN, X[:, 1] > 0])
    for y, outputs in ((SIGN, 1), (np.array(["no", "yes"])[SIGN], 1), (several, 2)):
        classifier = fitted(MLPClassifier, y)
        given = classifier.predict_proba(X)[:, -outputs:]
        np.testing.assert_allclose(cr.forward(cr.from_sklearn(classifier), X).output, given, rtol=1e-10)
    regressor = fitted(MLPRegressor, X[:, :2].astype(np.float32), hidden_layer_sizes=())
    np.testing.assert_allclose(cr.forward(cr.from_sklearn(regressor), X).output, regressor.predict(X), rtol=1e-10)


def test_weights_set_by_hand_are_read_as_they_are():
    regressor = fitted(MLPRegressor, X[:, 0])
    regressor.coefs_ = [np.ones((3, 2)), np.full((2, 1), 0.5)]
    regressor.intercepts_ = [np.array([-1.0, 1.0]), np.array([2.0])]
    Z = X.sum(1, keepdims=True)
    expected = (np.maximum(Z - 1, 0) + np.maximum(Z + 1, 0)) / 2 + 2
    np.testing.assert_allclose(cr.forward(cr.from_sklearn(regressor), X).output, expected, rtol=1e-12)


class Doubled(MLPRegressor):
    def predict(self, X):
        return 2 * super().predict(X)


class Reversed(MLPClassifier):
    def predict(self, X):
        return 1 - super().predict(X)


class Sharper(MLPClassifier):
    def predict_proba(self, X):
        P = super().predict_proba(X) ** 2
        return P / P.sum(axis=1, keepdims=True)


class Failing(MLPRegressor):
    def predict(self, X):
        raise RuntimeError("no file")


class OursDoubled(cr.MLPRegressor):
    def predict(self, X):
        return 2 * super().predict(X)


class OursReversed(cr.MLPClassifier):
    def predict(self, X):
        return 1 - super().predict(X)


class OursTold(cr.MLPRegressor):
    def predict(self, X):
        self.asked = True
        return super().predict(X)


def test_a_subclass_of_ours_that_predicts_the_same_is_read():
    regressor = fitted(OursTold, X[:, 0])
    np.testing.assert_allclose(cr.forward(cr.from_sklearn(regressor), X).output[:, 0], regressor.predict(X), rtol=1e-10)


def changed(**attributes):
    regressor = fitted(MLPRegressor, X[:, 0])
    for name, value in attributes.items():
        setattr(regressor, name, value)
    return regressor


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MLPRegressor(), "Call fit first"),
        (lambda: MLPRegressor, "the class MLPRegressor"),
        (lambda: LinearRegression().fit(X, X[:, 0]), "this LinearRegression has no coefs_"),
        (lambda: make_pipeline(StandardScaler(), MLPRegressor()), r"Pipeline is none: pipeline\[-1\] is its last step"),
        (lambda: GridSearchCV(MLPRegressor(max_iter=1), {"alpha": [1]}, cv=2).fit(X, X[:, 0]), "best_estimator_"),
        (lambda: MultiOutputRegressor(MLPRegressor(max_iter=1)).fit(X, X[:, :2]), "estimators_"),
        (lambda: fitted(Doubled, X[:, 0]), "Doubled, for .* gives other outputs"),
        (lambda: fitted(Reversed, SIGN), "predicts other classes than its probabilities"),
        (lambda: fitted(OursDoubled, X[:, 0]), "OursDoubled, for .* gives other outputs"),
        (lambda: fitted(OursReversed, SIGN), "predicts other classes than its probabilities"),
        (lambda: fitted(OursDoubled, X[:, 0], preprocess=True), "a predict of its own"),
        (lambda: fitted(Sharper, SIGN), "gives other outputs"),
        (lambda: fitted(Failing, X[:, 0]), "cannot predict with its weights as they are: no file"),
        (lambda: changed(coefs_=[np.ones((3, 2)), np.ones((4, 1))]), r"coefs_\[0\], has shape \(3, 2\)"),
        (lambda: changed(coefs_=[np.ones((3, 4)), np.ones((5, 1))]), r"coefs_\[1\], .* expected are 4 rows"),
        (lambda: changed(coefs_=[np.ones((3, 4))]), "1 arrays in coefs_ and 2 in intercepts_"),
        (lambda: changed(coefs_=[]), "0 arrays in coefs_"),
        (lambda: changed(coefs_=[np.full((3, 4), np.nan), np.ones((4, 1))]), "weights that are not finite"),
        (lambda: changed(intercepts_=[np.full(4, np.inf), np.ones(1)]), r"intercepts_\[0\], has numbers that are not"),
        (lambda: changed(coefs_=[np.ones((3, 4), complex), np.ones((4, 1))]), "weights of type complex128"),
        (lambda: changed(activation="sine"), 'has the activation "sine"'),
        (lambda: changed(n_layers_=2), "cannot predict|gives other outputs|returns shape"),
    ],
)  # fmt: skip
def test_what_scikit_learn_holds_and_is_no_such_network(make, message):
    with pytest.raises(UsageError, match=message):
        cr.from_sklearn(make())


@pytest.mark.parametrize("read", [cr.from_torch, cr.from_keras])
@pytest.mark.parametrize(
    "thing", [{"0.weight": np.ones((2, 2))}, [np.ones((2, 2))], np.ones(3), None, "model.pt", dict]
)
def test_what_is_no_module_or_model(read, thing):
    with pytest.raises(UsageError, match=r"takes a (torch\.nn\.Module|keras\.Model)"):
        read(thing)


NAMES = ["identity", "logistic", "tanh", "relu", "leaky_relu(0.2)", "elu", "selu", "gelu", "silu", "softplus",
         "softmax", "exponential"]  # fmt: skip
OTHERS = {
    "relu": lambda Z: np.clip(Z, 0, 6),
    "elu": lambda Z: np.where(Z > 0, Z, 0.99 * np.expm1(np.minimum(Z, 0))),
    "gelu": lambda Z: 0.5 * Z * (1 + np.tanh(np.sqrt(2 / np.pi) * (Z + 0.044715 * Z**3))),
    "softplus": lambda Z: np.where(Z > 5, Z, np.log1p(np.exp(np.minimum(Z, 5)))),
    "logistic": lambda Z: np.clip(Z / 6 + 0.5, 0, 1),
    "tanh": lambda Z: np.clip(Z, -1, 1),
    "silu": lambda Z: Z * np.clip(Z / 6 + 0.5, 0, 1),
    "leaky_relu(0.2)": lambda Z: np.where(Z > 0, Z, 0.201 * Z),
    "softmax": lambda Z: np.exp(Z - Z.max()) / np.exp(Z - Z.max()).sum(axis=0),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_a_network_is_the_same_as_itself_and_not_as_its_neighbour(name, dtype):
    """In either precision, rounding is no difference; another activation, one weight or one sign is one."""
    net = cr.Network.dense([5, 7, 3], ["tanh", name], seed=3, dtype=dtype)
    net = net.with_parameters([p * p.dtype.type(8) for p in net.parameters])  # so that z goes far to either side
    assert {str(p.dtype) for p in net.parameters} == {dtype}
    prove(net, lambda rows: cr.forward(net, rows).output, "it")
    if name in OTHERS:
        with pytest.raises(UsageError, match=r"it, for .* gives other outputs"), np.errstate(all="ignore"):
            prove(net, lambda rows: OTHERS[name](cr.forward(net, rows).z[2]), "it")
    moved = [p.copy() for p in net.parameters]
    moved[0][2, 3] *= 1.01
    with pytest.raises(UsageError, match="gives other outputs"):
        prove(net, lambda rows: cr.forward(net.with_parameters(moved), rows).output, "it")
    with pytest.raises(UsageError, match="gives other outputs"):
        prove(net, lambda rows: np.where(rows[:, :1] > 3, 0, cr.forward(net, rows).output), "it")


def test_rows_of_the_comparison_reach_far():
    net = cr.Network.dense([4, 1], "identity", weights=[np.full((4, 1), 1e-6)])
    Z = rows(net) @ net.weights[1]
    assert Z.max() > 20
    assert Z.min() < -20
    assert (np.abs(Z) < 1e-8).any()


def test_derivatives_are_compared():
    net = cr.Network.dense([3, 4, 1], ["relu", "identity"], seed=0)

    def differentiate(factor):
        def derivative(rows, R):
            record = cr.forward(net, rows)
            gradients = cr.backward(net, record, record.output - R, loss="half_squared_error")
            return factor * gradients.activations[0]

        return derivative

    prove(net, lambda rows: cr.forward(net, rows).output, "it", differentiate=differentiate(1))
    with pytest.raises(UsageError, match="other derivatives"):
        prove(net, lambda rows: cr.forward(net, rows).output, "it", differentiate=differentiate(0.9))
