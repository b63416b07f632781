"""The tables that come with the package: small, known, and offline. Origins are in `builtin/README.md`."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Callable
from importlib import resources

import numpy as np

from chainrule.data.columns import Column, Table
from chainrule.errors import unknown_name

STORED = {
    "wine": "wine.csv",
    "iris": "iris.csv",
    "digits": "digits.csv.gz",
    "diabetes": "diabetes.csv",
    "sine": "sine.csv",
    "spirals": "spirals.csv",
}
TRUTH_TABLES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "xor": lambda bits: bits.sum(axis=1) == 1,
    "and": lambda bits: bits.sum(axis=1) == 2,
    "or": lambda bits: bits.sum(axis=1) >= 1,
}
PARITY_SIZES = range(2, 13)


def builtin_names() -> tuple[str, ...]:
    """Return the names of the built-in tables; parity also exists as parity-2 to parity-12.

    >>> builtin_names()[:4]
    ('xor', 'and', 'or', 'parity-3')
    """
    return (*TRUTH_TABLES, "parity-3", *STORED)


def is_builtin(name: str) -> bool:
    """Say whether `name` is a built-in table."""
    return name in TRUTH_TABLES or name in STORED or _parity_size(name) is not None


def is_truth_table(name: str) -> bool:
    """Say whether `name` is a built-in table of all cases, which must not be split into parts.

    >>> is_truth_table("parity-4"), is_truth_table("wine")
    (True, False)
    """
    return name in TRUTH_TABLES or _parity_size(name) is not None


def read_builtin(name: str) -> Table:
    """Return a built-in table; its last column is the target.

    Parameters
    ----------
    name : str
        One of `builtin_names()`, or parity-n for n from 2 to 12.

    Returns
    -------
    Table
        Rows are counted from 1. Truth tables have `whole` set: all their rows are for training.

    Raises
    ------
    UsageError
        If there is no such table.

    Examples
    --------
    >>> xor = read_builtin("xor")
    >>> np.column_stack([column.values for column in xor.columns]).astype(int).tolist()
    [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]
    """
    if name in TRUTH_TABLES:
        return _truth_table(name, 2, TRUTH_TABLES[name])
    size = _parity_size(name)
    if size is not None:
        return _truth_table(name, size, _odd)
    if name not in STORED:
        raise unknown_name("built-in table", name, builtin_names())
    return _stored(name)


def _odd(bits: np.ndarray) -> np.ndarray:
    return np.asarray(bits.sum(axis=1) % 2 == 1)


def _parity_size(name: str) -> int | None:
    found = re.fullmatch(r"parity-([0-9]{1,2})", name)
    return int(found[1]) if found and int(found[1]) in PARITY_SIZES else None


def _truth_table(name: str, size: int, function: Callable[[np.ndarray], np.ndarray]) -> Table:
    """All rows of 0 and 1, counting upwards, and the function's value for each."""
    bits = (np.arange(2**size)[:, None] >> np.arange(size)[::-1]) & 1
    inputs = [Column(f"x{i + 1}", "number", bits[:, i], "", "integer") for i in range(size)]
    return Table((*inputs, Column("y", "number", function(bits), "", "integer")), name, whole=True)


def _stored(name: str) -> Table:
    # The plain csv module: these files are known to be clean, and it loads at once.
    content = resources.files("chainrule.data").joinpath("builtin", STORED[name]).read_bytes()
    if STORED[name].endswith(".gz"):
        content = gzip.decompress(content)
    header, *rows = csv.reader(content.decode().splitlines())
    return Table(tuple(_column(n, c) for n, c in zip(header, zip(*rows, strict=True), strict=True)), name)


def _column(name: str, cells: tuple[str, ...]) -> Column:
    try:
        values = np.array(cells, dtype=np.float64)
    except ValueError:
        return Column(name, "text", np.array(cells, dtype=object), "", "text")
    return Column(name, "number", values, "", "integer" if (values == np.floor(values)).all() else "float")
