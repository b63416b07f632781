"""How courses write weights: from-to or to-from, biases apart or as weights of x0, vectors as rows or columns.

A square matrix fits either way round, so its layout must be told: `Network.dense(..., notation="columns")`. Inside,
weights are (from, to), and with x0 the biases are row 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from chainrule.core.arrays import Array, as_float_array
from chainrule.errors import UsageError, unknown_name


class WeightLayout(NamedTuple):
    """How one course writes weights.

    Attributes
    ----------
    from_to : bool
        Whether a weight's first index is the unit it comes from, which makes W (fan_in, fan_out).
    examples : "rows" or "columns"
        Z = A W with an example a row, or z = W a with an example a column; where they are columns, so may biases be.
    bias : "b" or "w0"
        A vector by itself, or the weights of a constant input x0 = 1, which is unit 0 of the layer before.
    """

    from_to: bool = True
    examples: str = "rows"
    bias: str = "b"


COLUMNS = WeightLayout(from_to=False, examples="columns")
LAYOUTS: Mapping[str, WeightLayout] = {
    "chainrule": WeightLayout(),
    "gates": COLUMNS,
    "constituents": COLUMNS,
    "beta": WeightLayout(examples="columns", bias="w0"),
    "columns": COLUMNS,
    "rows": WeightLayout(),
    "delta-rule": COLUMNS,
    "tensors": WeightLayout(),
    "nielsen": COLUMNS,
    "ng": COLUMNS,
    "cs231n": WeightLayout(),
    "keras": WeightLayout(),
    "pytorch": WeightLayout(from_to=False),
}
ALIASES: Mapping[str, str] = {
    "seed-000": "gates", "seed-001": "constituents", "seed-002": "columns", "seed-003": "rows", "seed-004": "tensors",
    "rows-from-to": "rows", "columns-to-from": "columns", "numpy": "cs231n", "torch": "pytorch", "andrew-ng": "ng",
    "deeplearning.ai": "ng",
}  # fmt: skip


def course_named(name: str) -> str:
    """Return the name of a course's notation, an alias made whole.

    >>> course_named("torch")
    'pytorch'
    """
    found = ALIASES.get(name, name)
    if found not in LAYOUTS:
        raise unknown_name("notation", name, [*LAYOUTS, *ALIASES])
    return found


def layout_named(notation: Any) -> WeightLayout:
    """Return the layout of a notation, given by name or as a `chainrule.Notation`.

    Raises
    ------
    UsageError
        If it is unknown.
    """
    if isinstance(notation, str):
        return LAYOUTS[course_named(notation)]
    layout = getattr(notation, "weight_layout", None)
    if not isinstance(layout, WeightLayout):
        raise UsageError(f"notation must be the name of one or a chainrule.Notation; received {notation!r}.")
    return layout


def read_weights(weights: Any, layout: WeightLayout, l: int, fan_in: int, fan_out: int, *, x0: bool) -> Array:
    """Return a layer's weights as (from, to), the biases as row 0 with x0.

    Parameters
    ----------
    weights : array
        As the layout has it.
    l : int
        The layer's number, for refusals.
    fan_in, fan_out : int
        Units of the layer before, and of this layer.

    Raises
    ------
    UsageError
        If the shape is another one.

    Examples
    --------
    >>> read_weights([[1, 2], [3, 4], [5, 6]], LAYOUTS["columns"], 1, 2, 3, x0=False)
    array([[1., 3., 5.],
           [2., 4., 6.]])
    """
    W = as_float_array(weights)
    shape = (fan_in + x0, fan_out)
    wanted = shape if layout.from_to else shape[::-1]
    if tuple(W.shape) != wanted:
        order = "(from, to)" if layout.from_to else "(to, from)"
        where = f", with the biases as {'row' if layout.from_to else 'column'} 0" if x0 else ""
        raise UsageError(
            f"layer {l}: weights must have shape {wanted}, {order}{where}; received {tuple(W.shape)}."
            + _hint(tuple(W.shape), wanted, layout, x0)
        )
    return W if layout.from_to else W.T


def _hint(received: tuple[int, ...], wanted: tuple[int, ...], layout: WeightLayout, x0: bool) -> str:
    if received == wanted[::-1]:
        example = "columns" if layout.from_to else "chainrule"
        return f' Turned, they fit: name the notation they are written in, such as notation="{example}".'
    without = tuple(n - (i != layout.from_to) for i, n in enumerate(wanted)) if x0 else ()
    return " They fit without biases: give bias=False." if received == without else ""


def read_biases(biases: Any, layout: WeightLayout, l: int, fan_out: int) -> Array:
    """Return a layer's biases as a vector; a course's column (n, 1), or row (1, n), is one too.

    Raises
    ------
    UsageError
        If the shape is another one.
    """
    b = as_float_array(biases)
    as_matrix = (1, fan_out) if layout.examples == "rows" else (fan_out, 1)
    if tuple(b.shape) == as_matrix:
        return b[0, :] if layout.examples == "rows" else b[:, 0]
    if tuple(b.shape) != (fan_out,):
        raise UsageError(
            f"layer {l}: biases must have shape ({fan_out},), one a unit, or {as_matrix}; received {tuple(b.shape)}."
        )
    return b
