"""A column of names as input nodes: one for each frequent name, one for all others, one for none."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from chainrule.data import stored
from chainrule.data.columns import Column, Table, name_list
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.gaps import missing_value
from chainrule.data.messages import remedy
from chainrule.errors import DataError, did_you_mean

EACH = 50  # up to so many different names, each has its node
MOST = 1000  # nodes for names, unless --max-categories says another number
ROWS_A_NODE = 10  # training rows, of all of them, for each node beyond EACH
MOST_CELLS = 2**28  # rows times nodes of one column


@dataclass(frozen=True)
class NameInput:
    """A text column: a node for each name, 1 for the row's own and 0 for the others.

    Attributes
    ----------
    name : str
    categories : tuple of str
        The names with a node of their own, numbers in numeric order.
    missing_node : bool
        Whether the last node is 1 where the value is missing.
    refuse_missing : bool
        Whether a missing value is an error; otherwise, without a node for it, all nodes are 0.
    other : bool
        Whether the node after those of the names is 1 for every name without a node of its own.
    others : tuple of str
        Names without a node of their own that are not refused where new names are: the table of training had them.
    """

    name: str
    categories: tuple[str, ...]
    missing_node: bool = False
    refuse_missing: bool = True
    other: bool = False
    others: tuple[str, ...] = ()

    @property
    def node_names(self) -> tuple[str, ...]:
        """The names of its nodes, such as "color=red" and "color is other"."""
        names = tuple(f"{self.name}={category}" for category in self.categories)
        other = (f"{self.name} is other",) if self.other else ()
        return (*names, *other, *([f"{self.name} is missing"] if self.missing_node else []))

    def encode(self, column: Column, table: Table, unknown: str) -> np.ndarray:
        """Return the nodes' values, shape (n_rows, number of nodes), float64; for `unknown` see `write`."""
        nodes = np.empty((len(column.values), len(self.node_names)))
        self.write(nodes, column, table, unknown)
        return nodes

    def write(self, nodes: np.ndarray, column: Column, table: Table, unknown: str) -> None:
        """Write the nodes' values into an array (n_rows, number of nodes).

        `unknown` says what to do with a name that training did not have: "refuse" it, or "other", which is 1 at the
        node for others where there is one, and otherwise 0 at all nodes.

        Raises
        ------
        DataError
            For a name or a gap that is refused.
        """
        values = column.as_text().values.tolist()
        nowhere = nodes.shape[1]
        rest = len(self.categories) if self.other else nowhere
        position = {name: i for i, name in enumerate(self.categories)}
        codes = np.array([position.get(value, -1) for value in values], dtype=np.intp)
        missing = column.missing
        if missing.any():
            if self.refuse_missing:
                raise missing_value(table, column)
            codes[missing] = nowhere - 1 if self.missing_node else nowhere
        new = np.flatnonzero(codes < 0)
        if unknown == "refuse" and len(new):
            known = set(self.others)
            row = next((row for row in new.tolist() if values[row] not in known), None)
            if row is not None:
                raise self._refusal(table, row, values[row])
        codes[new] = rest
        nodes[:] = 0.0
        there = np.flatnonzero(codes < nowhere)
        nodes[there, codes[there]] = 1.0

    def new_names(self, column: Column) -> list[str]:
        """Return the names without a node of their own, one for each such cell in order."""
        known = {*self.categories, *self.others}
        return [value for value in column.as_text().values.tolist() if value is not None and value not in known]

    def stands_in(self) -> str:
        """Say what stands in for a missing value."""
        return "a node of their own" if self.missing_node else "all its nodes 0"

    def describe(self) -> tuple[str, str]:
        """Say how the column was read, and what was done with it."""
        done = f"one node for each of {len(self.categories):,} names"
        done += ", one for all others" if self.other else ""
        return "names", done + (", one for missing" if self.missing_node else "")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        lists = {"categories": list(self.categories), "others": list(self.others)}
        return {"kind": "names", **asdict(self), **lists}

    def _refusal(self, table: Table, row: int, name: str) -> DataError:
        what = "was not there in training"
        if self.other and not self.others:
            what = "has no node of its own: training had it in few rows, or not at all"
        gives = "the node that all others share" if self.other else "none of them"
        return DataError(
            f'{table.at(row, self.name)}: "{name}" {what}. {did_you_mean(name, self.categories)}'
            f"Known: {name_list(self.categories)}. "
            f"Correct it, or use {remedy('unknown', 'other')} to take {gives}."
        )


def fit_names(column: Column, fit_rows: np.ndarray, plan: EncodingPlan) -> NameInput | str:
    """Choose which names get a node, by how often the training rows have them; the reason to leave the column out.

    Up to 50 different names each get one. Of more, those in at least two training rows do, the most frequent first, up
    to a tenth of the training rows or 50, whichever is more, and at most 1000; the rest share a node. `max_categories`
    is another limit, and where it or `nominal` is given, a single row suffices. Where new names are refused, the names
    of the other rows are known too.

    Examples
    --------
    >>> towns = Column("town", "text", np.array(["Bonn", "Ulm", "Bonn", "Jena"], dtype=object))
    >>> fit_names(towns, np.arange(4), EncodingPlan(max_categories=2)).node_names
    ('town=Bonn', 'town=Jena', 'town is other')
    """
    counts = Counter(column.values[fit_rows].tolist())
    gaps = counts.pop(None, 0)
    if not counts:
        return "no values in the training rows"
    mind = plan.missing in ("refuse", "drop")
    missing_node = gaps > 0 and not mind
    if len(counts) == 1 and not missing_node:
        return "the same value in every training row"
    rows, asked = sum(counts.values()) + gaps, plan.max_categories
    elsewhere = []
    if plan.unknown == "refuse":
        known = set(column.values[~column.missing].tolist())
        elsewhere = sorted(known.difference(counts), key=name_order)
    ordered = [*sorted(counts, key=lambda name: (-counts[name], name_order(name))), *elsewhere]
    most = MOST_CELLS // max(len(column.values), 1)
    if asked is not None:
        kept = ordered[:asked]
    elif column.name in plan.nominal:
        kept = ordered[:most]
    elif len(ordered) <= EACH:
        kept = ordered
    else:
        limit = max(EACH, min(rows // ROWS_A_NODE, MOST))
        kept = [name for name in ordered[: min(limit, most)] if counts[name] > 1]
    if not kept:
        return "each of its values in a single training row"
    left = set(ordered).difference(kept)
    return NameInput(
        column.name,
        tuple(sorted(kept, key=name_order)),
        missing_node,
        mind,
        any(name in left for name in counts),
        tuple(sorted(left, key=name_order)) if plan.unknown == "refuse" else (),
    )


def names_from_dict(record: Any, name: str, where: str) -> NameInput:
    """Rebuild an input from `to_dict`'s values; older files have no node for others."""
    names = stored.several(stored.text)
    categories = stored.entry(record, "categories", names, where)
    return NameInput(
        name,
        stored.distinct(categories, f'"categories" of {where}'),
        stored.entry(record, "missing_node", stored.flag, where),
        stored.entry(record, "refuse_missing", stored.flag, where),
        stored.entry(record, "other", stored.flag, where) if "other" in record else False,
        stored.entry(record, "others", names, where) if "others" in record else (),
    )


def name_order(name: str) -> tuple[bool, float, str]:
    """Return a sorting key: numbers in numeric order, then other names in alphabetical order.

    >>> sorted(["b", "10", "9", "a"], key=name_order)
    ['9', '10', 'a', 'b']
    """
    try:
        value = float(name)
    except ValueError:
        return True, 0.0, name
    return value != value, value if value == value else 0.0, name
