"""What arrives as an array: any library's arrays as they are, everything else through NumPy, with its shape checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import UsageError

Array = Any  # any array of a library that follows the Python array API standard


def as_float_array(values: Any, like: Array | None = None) -> Array:
    """Return a floating-point array: arrays of any array library as they are, everything else through NumPy.

    Raises
    ------
    UsageError
        If the values are not real numbers.
    """
    if isinstance(values, np.ma.MaskedArray):
        raise UsageError("masked arrays are not taken: fill in the masked values first, or leave out their rows.")
    if not isinstance(values, np.ndarray) and hasattr(values, "__array_namespace__"):
        return values
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "fiub":  # before any conversion: NumPy would read "1.5" as 1.5 and None as NaN
            raise TypeError(array.dtype)
        if array.dtype not in (np.float32, np.float64):
            array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"expected real numbers in rows of one length; received {_shortened(values)} ({error})."
        ) from None
    if like is None:
        return array
    return like.__array_namespace__().asarray(array.astype(str(like.dtype).rpartition(".")[2]))


def _shortened(values: Any) -> str:
    text = repr(values)
    return text if len(text) <= 60 else text[:57] + "..."


def check_matrix(name: str, M: Array, width: int, what: str, rows: int | None = None) -> None:
    """Raise UsageError unless M has shape (rows, width) and at least one row."""
    if M.ndim != 2:
        hint = f" For one example write {name}[None, :], for one column {name}[:, None]." if M.ndim == 1 else ""
        raise UsageError(f"{name} must have two dimensions, (examples, {what}); received shape {tuple(M.shape)}.{hint}")
    if M.shape[1] != width:
        raise UsageError(f"{name} has {M.shape[1]} columns, but the network has {width} {what}.")
    if M.shape[0] == 0:
        raise UsageError(f"{name} has no rows; at least one example is needed.")
    if rows is not None and M.shape[0] != rows:
        raise UsageError(f"{name} has {M.shape[0]} rows for {rows} examples; there must be one for each.")
