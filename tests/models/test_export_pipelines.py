"""Pipelines as descriptions: what is refused by name, and how a description that differs is found."""

import builtins
import math

import numpy as np
import pandas
import pytest
from export_pipelines import (
    DEAR,
    N,
    classifier,
    fitted,
    frame,
    mixed,
    numbers_in_a_row,
    regressor,
)
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)

import chainrule as cr
from chainrule.models.estimators import MLPRegressor
from chainrule.models.export import c_steps, javascript_steps, onnx_steps, pipelines, python_steps, steps, to_python
from chainrule.models.export.program import NumberColumn, TextColumn, UnusedColumn
from chainrule.models.export.proof import proven_program
from chainrule.models.export.sources import program_of
from chainrule.models.export.steps import Each, LookUp

X = np.random.default_rng(3).normal(5, 2, (N, 3))


class Renamed(StandardScaler):
    """A subclass that does nothing of its own."""


class Doubled(StandardScaler):
    def transform(self, X, copy=None):
        return 2 * super().transform(X, copy=copy)


def test_a_description_worked_by_hand():
    X = pandas.DataFrame({"a": [1.0, 3.0] * 6, "b": ["u", "v", "u"] * 4, "c": [0.0] * 12})
    columns = ColumnTransformer([("a", StandardScaler(), ["a"]), ("b", OneHotEncoder(handle_unknown="ignore"), ["b"])])
    program = program_of(fitted(make_pipeline(columns, regressor()), X, X["a"]))
    assert program.columns == (NumberColumn("a", 0, gaps=True), TextColumn("b", 1, ("u", "v")), UnusedColumn("c"))
    assert program.steps == (
        Each("subtract", (0,), (2.0,)),
        Each("divide", (2,), (1.0,)),
        LookUp((1,), (0.0, 1.0), (0.0, 1.0), -1.0, -1.0),
        Each("equals", (4, 4), (0.0, 1.0)),
    )
    assert program.nodes == (3, 5, 6)


def test_a_pipeline_without_effect_is_the_network_alone():
    pipeline = fitted(make_pipeline("passthrough", FunctionTransformer(), classifier()), X, DEAR)
    assert program_of(pipeline).plain
    nested = fitted(make_pipeline(make_pipeline(StandardScaler()), classifier()), X, DEAR)
    assert [type(step) for step in program_of(nested).steps] == [Each, Each]


def test_every_language_has_every_operation():
    for language in (c_steps, javascript_steps, onnx_steps, python_steps):
        assert set(language.EACH) == set(steps.EACH)
    for language in (c_steps, javascript_steps, python_steps):
        assert set(language.NORMS) == set(steps.NORMS)
        assert set(language.REFUSED) == {"missing", "infinite", "not finite"}


class TestRefused:
    @pytest.mark.parametrize("step", [PowerTransformer(), QuantileTransformer(n_quantiles=5), KNNImputer(), Doubled()])
    def test_a_step_that_is_not_known(self, step):
        pipeline = fitted(make_pipeline(FunctionTransformer(), step, classifier()), X, DEAR)
        name, kind = type(step).__name__.lower(), f"{type(step).__module__}.{type(step).__name__}"
        with pytest.raises(cr.UsageError, match=f'the step "{name}" is a {kind}, which cannot be exported. Allowed'):
            program_of(pipeline)

    def test_its_place_is_named(self):
        inner = ColumnTransformer([("powers", make_pipeline(StandardScaler(), PowerTransformer()), [0])])
        with pytest.raises(cr.UsageError, match='the step "columntransformer: powers: powertransformer" is a'):
            program_of(fitted(make_pipeline(inner, classifier()), X, DEAR))

    def test_a_method_of_its_own(self):
        pipeline = fitted(make_pipeline(StandardScaler(), classifier()), X, DEAR)
        pipeline[0].transform = lambda X: X
        with pytest.raises(cr.UsageError, match='the step "standardscaler" is a'):
            program_of(pipeline)

    def test_a_function_of_ones_own(self):
        for function, arguments in ((lambda X: X, None), (np.sin, None), (np.log1p, {"dtype": float})):
            step = FunctionTransformer(function, kw_args=arguments)
            with pytest.raises(cr.UsageError, match=r'the step "functiontransformer".*Allowed are numpy.abs'):
                program_of(fitted(make_pipeline(step, classifier()), X, DEAR))

    def test_another_estimator_at_the_end(self):
        with pytest.raises(cr.UsageError, match="received LogisticRegression"):
            program_of(fitted(make_pipeline(StandardScaler(), LogisticRegression()), X, DEAR))

    def test_what_is_not_fitted(self):
        for pipeline in (make_pipeline(StandardScaler(), classifier()), TransformedTargetRegressor(regressor())):
            with pytest.raises(cr.UsageError, match=r"Fit an estimator first|not fitted"):
                program_of(pipeline)

    def test_preprocess_behind_other_steps(self):
        inner = MLPRegressor(hidden_layer_sizes=(2,), preprocess=True, tol=1e3, random_state=0)
        with pytest.raises(cr.UsageError, match="preprocess=True behind other steps"):
            program_of(fitted(make_pipeline(MinMaxScaler(), inner), X, X[:, 0]))

    def test_targets_that_cannot_be_turned_back(self):
        twice = TransformedTargetRegressor(TransformedTargetRegressor(regressor()))
        for targets, words in (
            (twice, "within another"),
            (TransformedTargetRegressor(regressor(), transformer=PowerTransformer()), "PowerTransformer"),
            (
                TransformedTargetRegressor(regressor(), func=np.sin, inverse_func=np.arcsin, check_inverse=False),
                "arcsin",
            ),
        ):
            with pytest.raises(cr.UsageError, match=words):
                program_of(fitted(targets, X, X[:, 0] / 9))

    def test_a_column_as_text_and_as_numbers(self):
        table = pandas.DataFrame({"a": ["1", "2"] * 6, "b": [1.0, 2.0, 3.0] * 4}).astype({"a": object})
        columns = ColumnTransformer([("names", OneHotEncoder(), ["a"]), ("numbers", "passthrough", ["a", "b"])])
        with pytest.raises(cr.UsageError, match='takes the column "a" as numbers, and another step takes it as text'):
            program_of(fitted(make_pipeline(columns, classifier()), table, [0, 1] * 6))

    def test_two_kinds_of_missing(self):
        table = pandas.DataFrame({"a": pandas.Series(["u", None, np.nan, "v"] * 3, dtype=object)})
        with pytest.raises(cr.UsageError, match="tells None from NaN"):
            program_of(fitted(make_pipeline(OneHotEncoder(), classifier()), table, [0, 1] * 6))

    def test_a_gap_where_training_had_none(self):
        union = FeatureUnion([("gaps", MissingIndicator()), ("filled", SimpleImputer())])
        rows = X.copy()
        rows[0, 0] = np.nan
        with pytest.raises(cr.UsageError, match="error_on_new=False"):
            program_of(fitted(make_pipeline(union, classifier()), rows, DEAR))

    def test_two_columns_of_one_name(self):
        pipeline = fitted(make_pipeline(StandardScaler(), classifier()), X, DEAR)
        pipeline[0].feature_names_in_ = np.array(["a", "b", "a"], dtype=object)
        with pytest.raises(cr.UsageError, match="received 'a' twice"):
            program_of(pipeline)


class TestProof:
    def test_a_subclass_that_changes_nothing(self):
        proven_program(fitted(make_pipeline(Renamed(), classifier()), X, DEAR))

    @pytest.mark.parametrize("wrong", [1.001, np.nan])
    def test_a_wrong_number_is_found(self, wrong):
        pipeline = fitted(make_pipeline(StandardScaler(), regressor()), X, X[:, 0])
        honest = pipelines.STEPS["sklearn.preprocessing.StandardScaler"]

        def careless(step, features, made, where):
            return made.each("multiply", honest(step, features, made, where), wrong)

        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(pipelines.STEPS, "sklearn.preprocessing.StandardScaler", careless)
            with pytest.raises(
                cr.UsageError, match=r"the export says .* to the row .*, and the model .*It is not written"
            ):
                to_python(pipeline)

    @pytest.mark.parametrize("mistake", ["accepts", "refuses"])
    def test_a_wrong_refusal_is_found(self, mistake):
        pipeline = fitted(make_pipeline(StandardScaler(), SimpleImputer(), regressor()), X, X[:, 0])

        def careless(step, features, made, where):
            v = made.numbers(features, where, gaps=mistake == "accepts")
            return made.each("fill", v, step.statistics_ if hasattr(step, "statistics_") else 0.0)

        strict = fitted(make_pipeline(StandardScaler(), regressor()), X, X[:, 0])
        with pytest.MonkeyPatch.context() as patch:
            name = "sklearn.preprocessing.StandardScaler" if mistake == "accepts" else "sklearn.impute.SimpleImputer"
            patch.setitem(pipelines.STEPS, name, careless)
            with pytest.raises(cr.UsageError, match="It is not written"):
                proven_program(strict if mistake == "accepts" else pipeline)

    def test_a_model_that_says_something_else(self):
        class Stubborn(type(classifier())):
            def predict_proba(self, X):
                return super().predict_proba(X)[:, ::-1]

        with pytest.raises(cr.UsageError, match=r"not those of the highest|It is not written|gives other outputs"):
            proven_program(fitted(classifier(Stubborn), X, DEAR))


def test_float32_inside_a_pipeline():
    """Our estimator computes in float32, where numbers beyond it are infinite; scikit-learn's in that of the rows."""
    rows = X.astype(np.float32)
    ours = fitted(make_pipeline(StandardScaler(), classifier(cr.MLPClassifier)), rows, DEAR)
    theirs = fitted(make_pipeline(StandardScaler(), classifier()), rows, DEAR)
    assert (proven_program(ours).single, proven_program(theirs).single) == (True, False)


@pytest.mark.parametrize("dtype", [object, "str", "category"])
def test_types_that_frames_have_for_text(dtype):
    table = frame().astype({"town": dtype})
    columns = ColumnTransformer([("town", OneHotEncoder(handle_unknown="ignore"), ["town"])])
    pipeline = fitted(make_pipeline(columns, classifier()), table, DEAR)
    proven_program(pipeline)


def test_without_pandas_a_frame_is_asked_for(monkeypatch):
    pipeline, _ = mixed(classifier())
    honest = builtins.__import__

    def without_pandas(name, caller=None, *rest):
        if name == "pandas" and caller["__name__"] == "chainrule.models.export.proof":
            raise ImportError
        return honest(name, caller, *rest)

    monkeypatch.setattr(builtins, "__import__", without_pandas)
    with pytest.raises(cr.UsageError, match="pip install pandas"):
        proven_program(pipeline)


def test_refused_rows_say_which_step_refuses():
    pipeline, X = numbers_in_a_row()
    module = {}
    exec(to_python(pipeline), module)
    with pytest.raises(ValueError, match=r'the step "polynomialfeatures" \(PolynomialFeatures\) got a missing number'):
        module["predict"]([math.nan, *X[0, 1:].tolist()])
    with pytest.raises(ValueError, match="column 'x1': the value is too large"):
        module["predict"]([math.inf, *X[0, 1:].tolist()])
    with pytest.raises(ValueError, match="column 'x1': '5' is not a number"):
        module["predict"](["5", *X[0, 1:].tolist()])
