"""A model in use: its answers in the target's own terms, whatever holds the rows."""

import math

import numpy as np
import pandas
import polars
import pytest

import chainrule as cr
from chainrule.core.passes import forward
from chainrule.errors import DataError, UsageError

NO_SPLIT = {"validation": 0, "test": 0}


def table(n=60, seed=0):
    """A mixed table: two numbers, a name, and targets of every kind."""
    generator = np.random.default_rng(seed)
    a, b = generator.normal(5, 2, n), generator.normal(-1, 10, n)
    color = np.array(["red", "green", "blue"])[generator.integers(0, 3, n)]
    side = (a - 5) / 2 + (color == "red") > 0
    return {
        "a": a, "b": b, "color": color,
        "number": np.where(side, 7, 3), "name": np.where(side, "yes", "no"), "truth": side,
        "price": 1000 + 50 * a - b + 100 * (color == "red"), "weight": a * 0.01,
    }  # fmt: skip


def columns(target, *more):
    whole = table()
    return {name: whole[name] for name in ("a", "b", "color", target, *more)}


@pytest.mark.parametrize(
    ("target", "kind", "labels"),
    [("number", int, [3, 7]), ("name", str, ["no", "yes"]), ("truth", bool, [False, True])],
)
@pytest.mark.parametrize("options", [{}, {"output_activation": "softmax"}, {"output_activation": "tanh"}])
def test_labels_come_back_as_they_were(target, kind, labels, options):
    rows = columns(target)
    model = cr.train(rows, target=target, epochs=60, learning_rate=0.05, seed=0, **options, **NO_SPLIT)
    predicted = model.predict(rows)
    assert model.task == "classification"
    assert list(model.classes) == labels
    assert all(type(label) is kind for label in model.classes)
    assert predicted.shape == (60,)
    assert {type(label) for label in predicted.tolist()} == {kind}
    assert np.mean(predicted == rows[target]) > 0.9
    P = model.probabilities(rows)
    assert P.shape == (60, 2)
    np.testing.assert_allclose(P.sum(axis=1), 1, atol=1e-12)
    assert (np.array(model.classes)[P.argmax(axis=1)] == predicted).all()


@pytest.mark.parametrize("options", [{}, {"output_activation": "logistic"}, {"output_activation": "tanh"},
                                     {"target_scale": "unit"}, {"loss": "huber(0.5)"}])  # fmt: skip
def test_values_come_back_in_their_own_units(options):
    rows = columns("price")
    model = cr.train(rows, target="price", epochs=150, learning_rate=0.02, seed=0, **options, **NO_SPLIT)
    predicted = model.predict(rows)
    assert predicted.shape == (60,)
    assert predicted.dtype == np.float64
    assert np.corrcoef(predicted, rows["price"])[0, 1] > 0.97
    assert abs(predicted.mean() - rows["price"].mean()) < 30
    with pytest.raises(UsageError, match="probabilities belong to a classification"):
        model.probabilities(rows)
    with pytest.raises(UsageError, match="classes belong to a classification"):
        _ = model.classes


def test_several_targets():
    rows = columns("price", "weight")
    model = cr.train(rows, target="price,weight", epochs=150, learning_rate=0.02, seed=0, **NO_SPLIT)
    predicted = model.predict(rows)
    assert predicted.shape == (60, 2)
    for i, name in enumerate(("price", "weight")):
        assert np.corrcoef(predicted[:, i], rows[name])[0, 1] > 0.97
    result = model.evaluate(rows)
    assert result.targets == ("price", "weight")
    assert result.each[0][0] > 100 * result.each[1][0]
    swapped = cr.train(rows, target=["weight", "price"], epochs=2, **NO_SPLIT)
    assert swapped.encoding.target_names == ("weight", "price")


def holders(rows):
    names = list(rows)
    return {
        "dict": rows,
        "pandas": pandas.DataFrame(rows),
        "polars": polars.DataFrame({name: list(values) for name, values in rows.items()}),
        "list of dicts": [dict(zip(names, values, strict=True)) for values in zip(*rows.values(), strict=True)],
    }


@pytest.mark.parametrize("holder", ["dict", "pandas", "polars", "list of dicts"])
def test_every_holder_gives_the_same_bits(holder):
    rows = columns("name")
    expected = cr.train(rows, target="name", epochs=3, seed=0)
    given = holders(rows)[holder]
    model = cr.train(given, target="name", epochs=3, seed=0)
    for p, q in zip(model.network.parameters, expected.network.parameters, strict=True):
        assert p.tobytes() == q.tobytes()
    assert (model.predict(given) == expected.predict(rows)).all()
    assert model.evaluate(given) == expected.evaluate(rows)


def test_columns_are_found_by_name():
    rows = columns("name")
    model = cr.train(rows, target="name", missing="refuse", unknown="refuse", epochs=3, seed=0)
    expected = model.predict(rows)
    backwards = {name: rows[name] for name in reversed(rows)}
    assert (model.predict(backwards) == expected).all()
    without_target = {name: rows[name] for name in ("color", "b", "a")}
    assert (model.predict(without_target) == expected).all()
    assert (model.predict({**backwards, "more": np.arange(60)}) == expected).all()
    with pytest.raises(DataError, match=r"lacks 1 column that the model needs: color.*It has: a, b, colour"):
        model.predict({"a": rows["a"], "b": rows["b"], "colour": rows["color"]})
    with pytest.raises(DataError, match='Did you mean "colour"'):
        model.predict({"a": rows["a"], "b": rows["b"], "colour": rows["color"]})
    with pytest.raises(DataError, match='lacks the target column "name"'):
        model.evaluate(without_target)
    with pytest.raises(DataError, match='row 0, column "color": "pink" was not there in training'):
        model.predict({**without_target, "color": np.full(60, "pink")})
    with pytest.raises(DataError, match='row 0, column "a": "x" is not a number'):
        model.predict({**without_target, "a": np.full(60, "x")})
    missing = rows["a"].copy()
    missing[4] = math.nan
    with pytest.raises(DataError, match='row 4, column "a": the value is missing'):
        model.predict({**without_target, "a": missing})


def test_arrays():
    rows = table()
    X, y = np.column_stack([rows["a"], rows["b"]]), rows["number"]
    model = cr.train(X, y, epochs=5, seed=0)
    assert list(model.classes) == [3, 7]
    expected = model.predict(X)
    assert (model.predict({"x2": X[:, 1], "x1": X[:, 0]}) == expected).all()
    assert model.predict(X[:1]).shape == (1,)
    with pytest.raises(DataError, match="3 input columns, but the model was trained with 2"):
        model.predict(np.column_stack([X, X[:, 0]]))
    with pytest.raises(UsageError, match=r"must have two dimensions.*reshape\(-1, 1\)"):
        model.predict(X[0])
    framed = cr.train(pandas.DataFrame(X, columns=["a", "b"]), pandas.Series(y), epochs=5, seed=0)
    assert (framed.predict(pandas.DataFrame({"b": X[:, 1], "a": X[:, 0]})) == expected).all()


@pytest.mark.parametrize("name", ["price", "number", "name"])
def test_a_column_vector_is_a_vector(name):
    """(n, 1) and (n,) are the same targets: no (n, n) arises from them."""
    rows = table()
    X, y = np.column_stack([rows["a"], rows["b"]]), rows[name]
    flat, upright = (cr.train(X, target, epochs=4, seed=0) for target in (y, y[:, None]))
    assert flat.network.sizes == upright.network.sizes
    for p, q in zip(flat.network.parameters, upright.network.parameters, strict=True):
        assert p.tobytes() == q.tobytes()
    assert flat.predict(X).shape == upright.predict(X).shape == (60,)
    assert flat.test == upright.test


def test_two_target_columns_of_an_array():
    rows = table()
    X, Y = np.column_stack([rows["a"], rows["b"]]), np.column_stack([rows["price"], rows["weight"]])
    model = cr.train(X, Y, epochs=4, seed=0)
    assert model.predict(X).shape == (60, 2)
    named = cr.train(X, Y, target="y2", ignore="y1", epochs=4, seed=0)
    assert named.predict(X).shape == (60,)


def test_outputs_are_those_of_the_network():
    """predict, transform and forward against the layers' equations, written out."""
    rows = columns("price")
    model = cr.train(rows, target="price", hidden=(5, 4), epochs=3, dtype="float64", seed=0)
    X = model.encoding.encode_inputs(model.read(rows))
    (W1, b1), (W2, b2), (W3, b3) = ((layer.weights, layer.biases) for layer in model.network.layers)
    A1 = np.tanh(X @ W1 + b1)
    A2 = np.tanh(A1 @ W2 + b2)
    np.testing.assert_allclose(model.transform(rows, layer=1), A1, rtol=1e-12)
    np.testing.assert_allclose(model.transform(rows), A2, rtol=1e-12)
    np.testing.assert_allclose(model.transform(rows, layer=0), X, rtol=1e-12)
    np.testing.assert_allclose(model.transform(rows, layer=3), A2 @ W3 + b3, rtol=1e-12)
    target = model.encoding.target
    np.testing.assert_allclose(model.predict(rows), (A2 @ W3 + b3)[:, 0] * target.scales[0] + target.centers[0])
    assert len(model.forward(rows).a) == 4
    for layer in (-1, 4, "1", 1.0):
        with pytest.raises(UsageError, match="layer must be a number from 0"):
            model.transform(rows, layer=layer)
    assert (model.transform(rows, layer=np.int64(1)) == model.transform(rows, layer=1)).all()


@pytest.mark.parametrize("batch_size", ["all", 1])
def test_weight_2_is_the_row_twice(batch_size):
    """With the sum of the costs; by batch, as the order of the rows then does not matter."""
    rows = table(12)
    X, y = np.column_stack([rows["a"], rows["b"]]) / 10, rows["price"] / 1000
    s = np.array([1, 2, 1, 3, 1, 1, 2, 1, 1, 1, 1, 2])
    options = {"scale": "none", "target_scale": "none", "reduction": "sum", "update": "gradient_descent",
               "learning_rate": 0.01, "epochs": 30, "dtype": "float64", "shuffle": False, "seed": 0,
               **NO_SPLIT}  # fmt: skip
    if batch_size == 1:  # one update with twice the gradient is two of the same only by batch: weigh all alike
        s = np.full(12, 2)
        weighted = cr.train(X, y, sample_weight=s, batch_size=1, **options)
        twice = cr.train(X, y, batch_size=1, **{**options, "learning_rate": 0.02})
    else:
        weighted = cr.train(X, y, sample_weight=s, batch_size="all", **options)
        twice = cr.train(np.repeat(X, s, axis=0), np.repeat(y, s), batch_size="all", **options)
    plain = cr.train(X, y, batch_size=batch_size, **options)
    for p, q, r in zip(*(model.network.parameters for model in (weighted, twice, plain)), strict=True):
        np.testing.assert_allclose(p, q, rtol=0, atol=1e-12)
        assert not np.allclose(p, r, atol=1e-6)


@pytest.mark.parametrize("batch_size", ["all", 1, 5])
def test_weights_count_in_the_mean_too(batch_size):
    """A batch is weighed against all examples: otherwise weights would do nothing in incremental training."""
    rows = table()
    X, y = np.column_stack([rows["a"], rows["b"]]), rows["number"]
    s = np.where(y == 7, 20.0, 1.0)
    options = {"epochs": 20, "batch_size": batch_size, "learning_rate": 0.1, "seed": 0, "hidden": "none", **NO_SPLIT}
    plain = cr.train(X, y, **options)
    weighted = cr.train(X, y, sample_weight=s, **options)
    alike = cr.train(X, y, sample_weight=np.full(60, 4.0), **options)
    assert weighted.probabilities(X)[:, 1].mean() > plain.probabilities(X)[:, 1].mean() + 0.05
    for p, q in zip(alike.network.parameters, plain.network.parameters, strict=True):
        np.testing.assert_allclose(p, q, atol=1e-5)  # a mean of equal weights is the mean


def test_weights_from_a_column():
    rows = columns("price")
    s = np.linspace(0, 3, 60)
    by_column = cr.train({**rows, "w": s}, target="price", weights="w", epochs=4, seed=0)
    by_array = cr.train(rows, target="price", sample_weight=s, epochs=4, seed=0)
    plain = cr.train(rows, target="price", epochs=4, seed=0)
    for p, q, r in zip(*(model.network.parameters for model in (by_column, by_array, plain)), strict=True):
        assert p.tobytes() == q.tobytes()
        assert not np.allclose(p, r)
    assert "w" not in by_column.encoding.columns
    assert (by_column.predict(rows) == by_array.predict(rows)).all()


@pytest.mark.parametrize(
    ("weights", "error", "words"),
    [
        (np.ones(3), UsageError, r"sample_weight must have shape \(60,\), one a row; received \(3,\)"),
        (np.ones((60, 1)), UsageError, r"received \(60, 1\)"),
        (np.full(60, -1.0), DataError, "sample_weight: weights must be numbers of at least 0"),
        (np.full(60, math.nan), DataError, "with none missing"),
        (np.zeros(60), UsageError, "not all of them 0"),
        (["a"] * 60, UsageError, "expected real numbers"),
    ],
)
def test_bad_weights(weights, error, words):
    with pytest.raises(error, match=words):
        cr.train(columns("price"), target="price", sample_weight=weights)


def test_bad_weight_columns():
    rows = columns("price")
    with pytest.raises(DataError, match='column "color": weights must be numbers'):
        cr.train(rows, target="price", weights="color")
    with pytest.raises(DataError, match=r'has no column "v". Columns: a, b, color, price'):
        cr.train(rows, target="price", weights="v")
    with pytest.raises(UsageError, match="weights came twice"):
        cr.train(rows, target="price", weights="a", sample_weight=np.ones(60))


def test_dropped_rows_take_their_weights_along():
    rows = columns("price")
    rows["a"] = rows["a"].copy()
    rows["a"][[0, 7, 31]] = math.nan
    s = np.linspace(0.1, 3, 60)
    kept = ~np.isnan(rows["a"])
    dropped = cr.train(rows, target="price", sample_weight=s, missing="drop", epochs=3, seed=0)
    clean = cr.train({n: v[kept] for n, v in rows.items()}, target="price", sample_weight=s[kept], epochs=3, seed=0)
    for p, q in zip(dropped.network.parameters, clean.network.parameters, strict=True):
        assert p.tobytes() == q.tobytes()


def test_a_query_is_evaluated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{i},{i % 2}\n" for i in range(40)))
    model = cr.train("t.csv", epochs=2)
    assert model.evaluate(None, sql="select * from 't.csv' where x < 10").rows == 10
    assert model.evaluate("t.csv").rows == 40
    assert model.evaluate() is model.test


def test_evaluate_without_rows():
    model = cr.train("xor", epochs=2)
    assert model.test is None
    with pytest.raises(UsageError, match=r"rows .*for testing\. .* table"):
        model.evaluate()
    assert model.evaluate("xor").rows == 4
    assert repr(model) == "<Model 2-16-1, classification of y>"


def test_unknown_options_of_reading():
    model = cr.train("xor", epochs=2)
    with pytest.raises(UsageError, match=r'option "delimeter" is unknown. Did you mean "delimiter"'):
        model.predict("xor", delimeter=";")
    with pytest.raises(UsageError, match='option "epochs" is unknown'):
        model.evaluate("xor", epochs=3)


def test_float32_and_float64_agree():
    rows = columns("price")
    models = [cr.train(rows, target="price", epochs=5, seed=0, dtype=dtype) for dtype in ("float32", "float64")]
    assert [model.network.parameters[0].dtype for model in models] == [np.float32, np.float64]
    np.testing.assert_allclose(*(model.predict(rows) for model in models), rtol=1e-3)


def test_forward_uses_the_kept_weights():
    model = cr.train("wine", epochs=10, seed=0)
    X = model.encoding.encode_inputs(model.read("wine")).astype("float32")
    assert (model.forward("wine").output == forward(model.network, X).output).all()
