"""What goes in: a table, or arrays with targets; never the target among the inputs."""

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.errors import UsageError
from chainrule.models.setup import set_up

FRAME = pd.DataFrame({"age": np.arange(20.0), "survived": [0, 1] * 10})


def test_a_target_given_twice():
    with pytest.raises(UsageError, match="give y or target, not both"):
        set_up(FRAME, FRAME["survived"], target="survived")
    with pytest.raises(UsageError, match="give y or target, not both"):
        set_up(FRAME[["age"]], FRAME["survived"].to_numpy(), target="age")


def test_the_target_among_the_inputs():
    with pytest.raises(UsageError, match='the target "survived" is among the inputs'):
        set_up(FRAME, FRAME["survived"])


def test_the_target_keeps_its_name():
    setup = set_up(FRAME[["age"]], FRAME["survived"])
    assert setup.encoding.target_names == ("survived",)
    assert setup.sizes[0] == 1
    assert set_up(FRAME, [0, 1] * 10).encoding.target_names == ("y",)


def test_the_name_of_the_target_as_y():
    with pytest.raises(UsageError, match='write target="survived"'):
        set_up(FRAME, "survived")


def test_y_is_the_target_even_if_a_column_of_it_is_ignored():
    with pytest.raises(UsageError, match="both target and ignored"):
        set_up(FRAME, [0, 1] * 10, ignore="y")


def test_columns_of_y_can_be_chosen_and_are_never_inputs():
    X, Y = np.arange(20.0)[:, None], np.random.default_rng(0).normal(size=(20, 2))
    assert set_up(X, Y).encoding.target_names == ("y1", "y2")
    chosen = set_up(X, Y, target="y2", ignore="y1")
    assert (chosen.encoding.target_names, chosen.sizes[0]) == (("y2",), 1)
    with pytest.raises(UsageError, match="y holds y1, y2, and target names y2: ignore the others"):
        set_up(X, Y, target="y2")
    with pytest.raises(UsageError, match="y holds y1, y2, and target names x1: choose among them"):
        set_up(X, Y, target="x1", ignore="y1,y2")


def test_whole_numbers_as_names_of_columns():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 3)))
    assert set_up(frame, target=2).encoding.target_names == ("2",)


def test_weights_stay_with_their_rows_where_a_target_is_missing():
    frame = pd.DataFrame({"x": np.arange(20.0), "y": [None, *np.arange(19.0) ** 2]})
    setup = set_up(frame, sample_weight=np.arange(20.0), missing="impute")
    assert setup.sample_weight.tolist() == list(range(1, 20))
    assert "Left out 1 row without a target." in setup.notes


def test_dates_as_names_keep_their_spelling_beside_y():
    days = pd.DataFrame({"d": ["2020/01/01", "2020/01/02"] * 10})
    assert set_up(days, [0, 1] * 10).encoding.node_names == ("d",)
    assert set_up(days, [0, 1] * 10, nominal="d").encoding.node_names == ("d=2020/01/01", "d=2020/01/02")


def test_falling_back_on_the_reference_engine_says_why():
    square = cr.Activation("square", lambda Z: Z * Z, lambda Z, A, dC_dA: dC_dA * 2 * Z)
    model = cr.train("iris", activation=[square], epochs=2)
    assert model.provenance.engine == "reference"
    assert model.provenance.notes[-1].startswith(
        "Engine: reference; the compiled engine knows the built-in activations"
    )
    assert not any("Engine" in note for note in cr.train("iris", epochs=2).provenance.notes)
