"""A table that trains evaluates too: rows without a target are left out of both."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError


def rows_with_gaps(target: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=60)
    y = (2 * x).astype(object) if target == "number" else np.where(x > 0, "yes", "no").astype(object)
    y[::7] = None
    return {"x": x, "y": y}


@pytest.mark.parametrize("target", ["number", "class"])
@pytest.mark.parametrize("many", [False, True], ids=["model", "ensemble"])
def test_rows_without_a_target_are_left_out(target: str, many: bool) -> None:
    rows = rows_with_gaps(target)
    known = np.array([cell is not None for cell in rows["y"]])
    model = cr.train_ensemble(rows, members=2, epochs=3) if many else cr.train(rows, epochs=3)
    complete = {name: cells[known] for name, cells in rows.items()}
    assert str(model.evaluate(rows)) == str(model.evaluate(complete))
    assert model.evaluate(rows).rows == known.sum() == 51


def test_without_any_target_it_is_an_error() -> None:
    model = cr.train(rows_with_gaps("number"), epochs=3)
    with pytest.raises(DataError, match='column "y": the target is missing'):
        model.evaluate({"x": [1.0, 2.0], "y": [None, None]})


def test_refuse_is_kept() -> None:
    rows = rows_with_gaps("number")
    known = np.array([cell is not None for cell in rows["y"]])
    model = cr.train({name: cells[known] for name, cells in rows.items()}, epochs=3, missing="refuse")
    with pytest.raises(DataError, match='row 0, column "y": the target is missing'):
        model.evaluate(rows)
