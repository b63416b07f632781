"""From one course's notation to another's: names, formulas and arrays, and what changed on the way."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import UsageError
from chainrule.explaining.array_formulas import Node, names, read
from chainrule.explaining.asking import ask_array, asked_as
from chainrule.explaining.grammar import written
from chainrule.explaining.naming import Naming
from chainrule.explaining.notation import Notation
from chainrule.explaining.presets import notation_named
from chainrule.explaining.printed_names import flat
from chainrule.explaining.quantities import Derivative, Name, Quantity
from chainrule.explaining.text_form import name_text
from chainrule.explaining.translated_formulas import translate_formula

# What each course's cost of an example is, in halves of the sum of squared errors; n stands for the number of outputs.
_SQUARES = {"half_squared_error": 1, "sum_of_squares": 2, "mean_of_squares": 2}
# A name, right or wrong; anything else is a formula.
_WORD = r"[^\W\d_](\w|[⁽⁾⟨⟩⁺⁻⁼′]|[\^_]\{[^{}]*\})*(\[[^\[\]]*\]|\s)*"
_ONE_NAME = re.compile(
    rf"\s*((change|update)\s+)?({_WORD}|[d∂](?!elta){_WORD}/\s*[d∂](?!elta){_WORD})(via\b.*)?(@\s*[+-]?\d*)?\s*"
)
_DEEPEST = 12  # layers of a network whose sizes nobody gave


@dataclass(frozen=True)
class Translation:
    """A quantity in another notation.

    Attributes
    ----------
    text : str
        Its name, or the formula, as the target's grammar reads it.
    shown : str
        How the target writes it; empty for a formula.
    value : array or None
        The array as the target has it.
    changes : tuple of str
        What was changed, in words.
    """

    text: str
    shown: str
    value: np.ndarray | None
    changes: tuple[str, ...]

    def __str__(self) -> str:
        lines = [self.text + (f"    ({self.shown})" if self.shown else "")]
        return "\n".join([*lines, *(f"- {change}" for change in self.changes or ("nothing changes",))])


def translate(
    what: str,
    value: Any = None,
    *,
    source: str | Notation,
    target: str | Notation,
    sizes: Sequence[int] | None = None,
    n_examples: int | None = None,
) -> Translation:
    """Translate a quantity, its array, or a formula from one notation to another.

    Parameters
    ----------
    what : str
        A quantity such as "dJ/dW[1]", or as the source prints it, "∂J/∂W⁽¹⁾"; or a formula of quantities, such as
        "delta[3] = W[4]^T * delta[4]": + - / ^2, the matrix product (* · @ or a space), the product by element (⊙, or
        * between arrays of one shape), ^T or .T, f(z[1]), f'(z[1]) and N. A formula is turned around where arrays lie
        the other way, and both are evaluated on random networks before it is returned.
    value : array, optional
        The quantity's numbers in the source's notation: a layer's weights or derivatives, or its activations, deltas,
        pre-activations or the inputs or targets of a batch.
    source, target : name or Notation
    sizes : sequence of int, optional
        Units per layer of the network; needed for arrays. Without them nothing that depends on the network is said in
        numbers: a factor of the number of outputs is "times n_outputs / 2".
    n_examples : int, optional
        Needed for derivatives of J where one course takes the mean of the examples and the other their sum.

    Returns
    -------
    Translation

    Raises
    ------
    UsageError
        If the name or the shape does not fit, or a formula and its translation are not proved to be the same.

    Examples
    --------
    A gradient from lecture 03 (columns, w_ij from j to i) to the guided notes (rows, w_ij from i to j, summed):

    >>> done = translate("dJ/dW[1]", np.ones((3, 2)), source="columns", target="rows", sizes=(2, 3, 1), n_examples=10)
    >>> done.value.shape, float(done.value[0, 0])
    ((2, 3), 10.0)

    A formula from Nielsen's book, whose weight matrices and examples lie the other way:

    >>> translate("W[4]^T * delta[4]", source="nielsen", target="chainrule").text
    'delta[3] * W[3]^T'
    """
    old, new = notation_named(source), notation_named(target)
    if sizes is None and value is not None:
        raise UsageError("an array needs the units per layer: sizes=(2, 3, 1).")
    name = _as_name(what, None if sizes is None else tuple(sizes), old)
    if name is None:
        if value is not None:
            raise UsageError("an array belongs to one quantity; leave the formula out, or the array.")
        sizes = tuple(sizes) if sizes is not None else _sizes_for(what, old, _sides)
        text, remarks = translate_formula(what, old, new, sizes)
        about = any(map(_is_delta, (part for side in what.split("=") for part in names(read(side, sizes, old)))))
        return Translation(text, "", None, (*_counting_changes(old, new), *_own_delta(about, old, new), *remarks))
    known = None if sizes is None else tuple(sizes)
    changes = [*_counting_changes(old, new), *_writing_changes(old, new)]
    changes += _own_delta(_is_delta(name), old, new)
    factor, why = _factor(name, old, new, known, n_examples)
    changes += why
    if value is not None:
        assert known is not None
        value, turned = _array(name, np.asarray(value, dtype=np.float64), old, new, known)
        changes += turned
        value = factor * value
    naming = Naming(new, known, new.example)
    return Translation(asked_as(name, naming), name_text(name, naming), value, tuple(changes))


def _as_name(what: str, sizes: tuple[int, ...] | None, old: Notation) -> Name | None:
    """The quantity that a text names, None where it is a formula."""
    try:
        name = _asked(what, sizes or _sizes_for(what, old, _asked), old)
    except UsageError:
        if not _ONE_NAME.fullmatch(what):
            return None
        raise
    return None if isinstance(name, Quantity) and name.kind == "slope" else name


def _asked(what: str, sizes: tuple[int, ...], old: Notation) -> Name:
    return ask_array(what, Naming(old, sizes, old.example))


def _sides(what: str, sizes: tuple[int, ...], old: Notation) -> list[Node]:
    return [read(side, sizes, old) for side in what.split("=")]


def _sizes_for(what: str, old: Notation, reader: Callable[[str, tuple[int, ...], Notation], object]) -> tuple[int, ...]:
    """A network that has all layers and units which a text names; nobody said how many layers there are.

    Raises
    ------
    UsageError
        If the text cannot be read, or means another layer in a deeper network, as the name of the outputs does.
    """
    indices = [int(number) for number in re.findall(r"(?<=[\[,{])\s*(\d{1,18})", flat(what))]
    units = min(max([*(i + 1 for i in indices), 3]), 50)
    refused: UsageError | None = None
    found: tuple[tuple[int, ...], object] | None = None
    for L in range(2 if old.layers == "letters" else 1, _DEEPEST + 2):
        sizes = tuple(units + l % 3 for l in range(L + 1))
        try:
            meant = reader(what, sizes, old)
        except UsageError as error:
            refused = error
            continue
        if old.layers == "letters":
            return sizes
        if found is None and L > _DEEPEST:
            break
        if found is None:
            found = sizes, meant
        elif found[1] == meant:
            return sizes  # no layer is taken for the last
        else:
            raise UsageError(f'"{what}" means another layer in a deeper network: give sizes, as in sizes=(2, 3, 1).')
    if found is None:
        assert refused is not None
        if max(indices, default=0) > _DEEPEST:
            raise UsageError(f"{what}: names a layer or a unit of a large network. Give its units per layer: sizes.")
        raise refused
    return found[0]


def _counting_changes(old: Notation, new: Notation) -> list[str]:
    a, b = old.counting, new.counting
    changes = []
    if a.from_to != b.from_to:
        order = "from, to" if b.from_to else "to, from"
        changes.append(f"a weight's indices are [{order}] now, so weight matrices are transposed")
    if a.input_layer != b.input_layer:
        changes.append(f"the input is layer {b.input_layer}, not {a.input_layer}")
    if a.first_weights != b.first_weights:
        changes.append(f"the weights out of the input have number {b.first_weights}, not {a.first_weights}")
    if a.first_unit != b.first_unit:
        changes.append(f"units count from {b.first_unit}, not {a.first_unit}")
    if old.examples != new.examples:
        changes.append(f"examples are {new.examples}, not {old.examples}")
    return changes


def _writing_changes(old: Notation, new: Notation) -> list[str]:
    changes = []
    if old.error != new.error:
        changes.append("the error is written y - a, with a minus before it" if new.error == "y-a" else
                       "the error is written a - y, without a minus")  # fmt: skip
    if old.error_term != new.error_term:
        changes.append("beta = -dC/da is sent back, where it was delta = dC/dz" if new.error_term == "beta" else
                       "delta = dC/dz is sent back, where it was beta = -dC/da")  # fmt: skip
    if old.bias != new.bias:
        changes.append("a bias is the weight w_0 of a constant input 1" if new.bias == "w0" else "a bias is b")
    if old.layout != new.layout:
        changes.append(f"Jacobians have {new.layout} layout")
    return changes


def _is_delta(name: Name) -> bool:
    return isinstance(name, Quantity) and name.kind == "delta"


def _own_delta(about: bool, old: Notation, new: Notation) -> list[str]:
    """What one course's own delta has in it and the other's has not."""
    if not about or old.remarks.get("delta") == new.remarks.get("delta"):
        return []
    return [f"delta is {n.remarks['delta']} ({n.name})" for n in (old, new) if "delta" in n.remarks]


def _factor(
    name: Name, old: Notation, new: Notation, sizes: tuple[int, ...] | None, n_examples: int | None
) -> tuple[float, list[str]]:
    """By how much a derivative of the cost differs where the courses minimise different multiples of one error."""
    top = name.top if isinstance(name, Derivative) else name
    if not isinstance(top, Quantity) or top.kind not in ("C", "J", "delta", "beta"):
        return 1.0, []
    changes: list[str] = []
    factor, times = _of_losses(old, new, None if sizes is None else sizes[-1])
    if factor != 1:
        changes.append(f"{new.loss} instead of {old.loss}: times {times}")
    if top.kind == "J" and old.reduction != new.reduction:
        if n_examples is None:
            raise UsageError(
                f"{old.name} takes the {old.reduction} over the examples, {new.name} the {new.reduction}: "
                "give n_examples."
            )
        share = float(n_examples) if new.reduction == "sum" else 1 / n_examples
        factor *= share
        changes.append(f"{new.reduction} over {n_examples} examples instead of {old.reduction}: times {share:g}")
    return factor, changes


def _of_losses(old: Notation, new: Notation, n_outputs: int | None) -> tuple[float, str]:
    """The new cost of an example in the old one's, in words too; with a letter (and no number) for unknown outputs."""
    if old.loss == new.loss:
        return 1.0, ""
    for notation in (old, new):
        if notation.loss not in _SQUARES:
            raise UsageError(
                f'"{notation.name}" minimises {notation.loss}, which is no multiple of the squared error: its '
                "derivatives cannot be translated by a factor."
            )
    ratio = _SQUARES[new.loss] / _SQUARES[old.loss]
    before, after = (notation.loss == "mean_of_squares" for notation in (old, new))
    if before == after or n_outputs is not None:
        ratio *= (n_outputs or 1) ** (before - after)
        return ratio, f"{ratio:g}"
    if before:
        return math.nan, "n_outputs" if ratio == 1 else f"n_outputs / {1 / ratio:g}"
    return math.nan, f"{ratio:g} / n_outputs"


def _array(
    name: Name, value: np.ndarray, old: Notation, new: Notation, sizes: tuple[int, ...]
) -> tuple[np.ndarray, list[str]]:
    """Check an array's shape in the source's notation and turn it into the target's."""
    bottom = name.bottom if isinstance(name, Derivative) else name
    if not isinstance(bottom, Quantity) or bottom.units:
        raise UsageError("an array belongs to a whole layer: leave the units out, as in dJ/dW[1].")
    wanted: tuple[int, ...]
    of_one = isinstance(name, Derivative) and name.top.units and bottom.kind != "b"  # one unit's, of one example
    if isinstance(name, Derivative) and name.top.kind in ("a", "z") and not name.top.units:
        if bottom.kind not in ("a", "z"):
            tensor = written(name, old.counting)
            raise UsageError(f"{tensor}: a tensor is not translated; ask for one unit's part, as in dz[1][1]/dW[1].")
        shape = (sizes[int(name.top.layer)], sizes[int(bottom.layer)])
        wanted, turn = (shape if old.layout == "numerator" else shape[::-1]), old.layout != new.layout
        return _turned(value, wanted, turn, old)
    if bottom.kind == "W":
        l = int(bottom.layer or 0)
        shape = (sizes[l - 1], sizes[l])
        wanted = shape if old.counting.from_to else shape[::-1]
        turn = old.counting.from_to != new.counting.from_to
    else:
        units, turn = (sizes[-1] if bottom.kind == "y" else sizes[int(bottom.layer or 0)]), False
        wanted = (units,)
        if value.ndim == 2 and not of_one:
            rows = old.examples == "rows"
            N = 1 if bottom.kind == "b" else value.shape[0 if rows else 1]
            wanted = (N, units) if rows else (units, N)
            turn = old.examples != new.examples
    return _turned(value, wanted, turn, old)


def _turned(value: np.ndarray, wanted: tuple[int, ...], turn: bool, old: Notation) -> tuple[np.ndarray, list[str]]:
    if value.shape != wanted:
        raise UsageError(f"{old.name} has this array in shape {wanted}; received {value.shape}.")
    return (value.T, [f"transposed, {value.shape} to {value.T.shape}"]) if turn else (value, [])
