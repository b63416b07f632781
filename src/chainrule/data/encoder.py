"""A fitted encoding: a table to the numbers a network takes, and what it returns to labels and values again."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from chainrule.data import stored
from chainrule.data.class_target import ClassTarget, classes_from_dict
from chainrule.data.column_names import found, named, target_columns
from chainrule.data.columns import Column, Table, Writing
from chainrule.data.input_nodes import Input, input_from_dict
from chainrule.data.moment_cells import ORDERS
from chainrule.data.name_input import NameInput
from chainrule.data.number_cells import DECIMALS, THOUSANDS
from chainrule.data.number_input import NumberInput, encode_numbers
from chainrule.data.number_targets import NumberTargets, numbers_from_dict
from chainrule.data.remarks import remarks_on
from chainrule.errors import DataError, UsageError


@dataclass(frozen=True)
class Encoding:
    """How a table becomes input and target arrays, fixed once from the training rows.

    Attributes
    ----------
    inputs : tuple of NumberInput or NameInput
        In the order of their nodes.
    target : ClassTarget or NumberTargets
    unknown : {"other", "refuse"}
        What to do with a name that training did not have.
    columns : tuple of str
        The columns offered as inputs in training, also those left out; an array without names must have as many.
    left_out : tuple of (name, reason)
    notes : tuple of str
        Choices that were made for the user, to be said aloud.
    writings : tuple of (name, Writing)
        How the cells of columns were written in the text that trained it, where it was one.
    """

    inputs: tuple[Input, ...]
    target: ClassTarget | NumberTargets
    unknown: str = "other"
    columns: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    writings: tuple[tuple[str, Writing], ...] = ()

    @property
    def n_inputs(self) -> int:
        """The number of input nodes."""
        return sum(len(item.node_names) for item in self.inputs)

    @property
    def n_outputs(self) -> int:
        """The number of output nodes."""
        return self.target.n_nodes

    @property
    def node_names(self) -> tuple[str, ...]:
        """The names of the input nodes, such as "age" or "color=red"."""
        return tuple(name for item in self.inputs for name in item.node_names)

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of the output nodes."""
        return self.target.node_names

    @property
    def task(self) -> str:
        """What is learnt: "classification" or "regression"."""
        return "classification" if isinstance(self.target, ClassTarget) else "regression"

    @property
    def target_names(self) -> tuple[str, ...]:
        """The names of the target columns."""
        return (self.target.name,) if isinstance(self.target, ClassTarget) else self.target.names

    @property
    def classes(self) -> tuple[Any, ...]:
        """The class labels in the order of `probabilities`; empty for a regression."""
        return self.target.classes if isinstance(self.target, ClassTarget) else ()

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Columns to read as text (`read_table(..., as_text=...)`), so that names like 007 stay as they are."""
        names = [item.name for item in self.inputs if isinstance(item, NameInput)]
        if isinstance(self.target, ClassTarget) and isinstance(self.target.classes[0], str):
            names.append(self.target.name)
        return tuple(names)

    @property
    def origins(self) -> dict[str, str]:
        """What the columns of numbers held in training, by their names."""
        return {item.name: item.origin for item in self.inputs if isinstance(item, NumberInput)}

    def encode_inputs(self, table: Table, rows: np.ndarray | None = None, dtype: Any = np.float64) -> np.ndarray:
        """Return the input nodes of every row.

        Parameters
        ----------
        table : Table
            With the columns of training, in any order; further columns are passed over. A table made from an
            array without names must have as many input columns as training had.
        rows : int array, optional
            Which rows, in which order; by default all.
        dtype : float type
            Of the result; numbers are scaled in float64 and rounded once.

        Returns
        -------
        ndarray, shape (n_rows, n_inputs)

        Raises
        ------
        DataError
            For a missing column, a value of the wrong kind, and a missing value or an unknown name that is refused,
            with its row and column.
        """
        table = self._named(table)
        columns = found(table, [item.name for item in self.inputs])
        stops = np.cumsum([len(item.node_names) for item in self.inputs]).tolist()
        places = [(item, columns[item.name], start) for item, start in zip(self.inputs, [0, *stops], strict=False)]
        X = np.empty((table.n_rows if rows is None else len(rows), stops[-1] if stops else 0), dtype)
        numbers = [(item, column, start) for item, column, start in places if isinstance(item, NumberInput)]
        done = encode_numbers(X, numbers, rows)
        chosen = table
        if rows is not None and not (done and len(numbers) == len(places)):
            chosen = table.take(rows)
        for item, column, start in places:
            if done and isinstance(item, NumberInput):
                continue
            nodes = X[:, start : start + len(item.node_names)]
            taken = column if rows is None else column.take(rows)
            if isinstance(item, NameInput):
                item.write(nodes, taken, chosen, self.unknown)
            else:
                nodes[:] = item.encode(taken, chosen, self.unknown)
        return X

    def remarks(self, table: Table) -> tuple[str, ...]:
        """Say what is odd about rows that `encode_inputs` takes.

        Names and gaps that training did not have, numbers outside the range of its table, columns that are
        passed over or stand in another order.

        Parameters
        ----------
        table : Table
            As for `encode_inputs`.

        Returns
        -------
        tuple of str
            Sentences; none where nothing is odd.

        Examples
        --------
        >>> import chainrule as cr
        >>> model = cr.train({"x": [1.0, 2.0, 3.0, 4.0], "y": [2.0, 4.0, 6.0, 8.0]}, test=0, validation=0, epochs=1)
        >>> print(model.encoding.remarks(model.read({"x": [2.0, 9.5]}))[0])
        Outside the range of the table of training: "x" 1 cell (1 to 4; the furthest is 9.5).
        """
        return remarks_on(self, self._named(table))

    def encode_targets(self, table: Table) -> np.ndarray:
        """Return the target values of the output nodes, shape (n_rows, n_outputs), float64.

        Raises
        ------
        DataError
            For a missing column or value, text in place of a number, or an unknown class.
        """
        table = self._named(table)
        return self.target.encode(self._target_columns(table), table)

    def encode(self, table: Table) -> tuple[np.ndarray, np.ndarray]:
        """Return `encode_inputs` and `encode_targets`."""
        return self.encode_inputs(table), self.encode_targets(table)

    def true_labels(self, table: Table) -> np.ndarray:
        """Return the table's own class labels, shape (n_rows,), in the type of training."""
        target, table = self._class_target("labels"), self._named(table)
        labels: np.ndarray = np.asarray(target.classes)[target.codes(self._target_columns(table)[0], table)]
        return labels

    def true_values(self, table: Table) -> np.ndarray:
        """Return the table's own target values in their units, shape (n_rows,) or (n_rows, n_targets)."""
        target, table = self._number_targets("values"), self._named(table)
        values = target.values(self._target_columns(table), table)
        single: np.ndarray = values[:, 0]
        return single if len(target.names) == 1 else values

    def decode_labels(self, A: Any) -> np.ndarray:
        """Return a class label for each row of outputs `A`, shape (n_rows, n_outputs)."""
        return self._class_target("labels").labels(self._outputs(A))

    def probabilities(self, A: Any) -> np.ndarray:
        """Return shape (n_rows, n_classes), float64, rows adding up to 1, from outputs `A`."""
        return self._class_target("probabilities").probabilities(self._outputs(A))

    def decode_values(self, A: Any) -> np.ndarray:
        """Return values in the targets' own units from outputs `A`: shape (n_rows,), or (n_rows, k) for k targets."""
        values = self._number_targets("values").decode(self._outputs(A))
        if not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values).reshape(len(values), -1).all(axis=1)))
            raise DataError(
                f"row {row} (counted from 0) lies so far from those of training that its value is beyond float64. "
                "Correct the row, leave it out, or train with --target-scale standard."
            )
        return values

    def describe(self) -> list[dict[str, Any]]:
        """Return a row for each column of training, for a report.

        Returns
        -------
        list of dict
            With the keys column, role ("input", "target", "left out"), read_as ("number", "date", "time", "duration",
            "names", "classes", ""), nodes (how many) and done (in words).
        """
        rows = []
        for item in self.inputs:
            read_as, done = item.describe()
            rows.append(_row(item.name, "input", read_as, len(item.node_names), done))
        if isinstance(self.target, ClassTarget):
            rows.append(
                _row(self.target.name, "target", self.target.describe()[0], self.n_outputs, self.target.describe()[1])
            )
        else:
            for i, name in enumerate(self.target.names):
                read_as, done = self.target.describe(i)
                rows.append(_row(name, "target", read_as, 1, done))
        return rows + [_row(name, "left out", "", 0, reason) for name, reason in self.left_out]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold; `from_dict` takes them back."""
        return {
            "inputs": [item.to_dict() for item in self.inputs],
            "target": self.target.to_dict(),
            "unknown": self.unknown,
            "columns": list(self.columns),
            "left_out": [list(pair) for pair in self.left_out],
            "notes": list(self.notes),
            "writings": [[name, *astuple(writing)] for name, writing in self.writings],
        }

    @staticmethod
    def from_dict(record: Any) -> Encoding:
        """Rebuild an encoding from `to_dict`'s values, trusting none of them.

        Raises
        ------
        ModelFileError
            If something is missing, of the wrong type, not finite, or does not fit together.
        """
        where = "the encoding"
        inputs = stored.entry(record, "inputs", stored.several(input_from_dict), where)
        if not inputs:
            raise stored.wrong(f'"inputs" of {where}', "at least one input", [])
        stored.distinct(tuple(item.name for item in inputs), f'"inputs" of {where}')
        left_out = stored.entry(record, "left_out", stored.several(stored.several(stored.text)), where)
        if any(len(pair) != 2 for pair in left_out):
            raise stored.wrong(f'"left_out" of {where}', "pairs of a name and a reason", left_out)
        return Encoding(
            inputs,
            stored.entry(record, "target", _target_from_dict, where),
            stored.entry(record, "unknown", _policy, where),
            stored.entry(record, "columns", stored.several(stored.text), where),
            tuple((pair[0], pair[1]) for pair in left_out),
            stored.entry(record, "notes", stored.several(stored.text), where),
            stored.entry(record, "writings", stored.several(_writing), where) if "writings" in record else (),
        )

    def _named(self, table: Table) -> Table:
        return named(table, self.columns, self.target_names)

    def _target_columns(self, table: Table) -> tuple[Column, ...]:
        return target_columns(table, self.target_names)

    def _outputs(self, A: Any) -> np.ndarray:
        outputs: np.ndarray = np.asarray(A, dtype=np.float64)
        if outputs.ndim != 2 or outputs.shape[1] != self.n_outputs:
            raise UsageError(f"outputs must have shape (rows, {self.n_outputs}); received {outputs.shape}.")
        finite = np.isfinite(outputs).all(axis=1)
        if not finite.all():
            row = int(np.argmin(finite))
            raise UsageError(
                f"outputs must be finite; row {row} holds {outputs[row].tolist()}. The network has diverged."
            )
        return outputs

    def _class_target(self, wanted: str) -> ClassTarget:
        if isinstance(self.target, ClassTarget):
            return self.target
        raise UsageError(f"this model predicts values, not classes: it has no {wanted}. Use decode_values.")

    def _number_targets(self, wanted: str) -> NumberTargets:
        if isinstance(self.target, NumberTargets):
            return self.target
        raise UsageError(f"this model predicts classes: it has no {wanted}. Use decode_labels or probabilities.")


def _writing(record: Any, where: str) -> tuple[str, Writing]:
    """Rebuild how a column's cells were written."""
    if not isinstance(record, (list, tuple)) or len(record) != 6:
        raise stored.wrong(where, "a name and five facts", record)
    name, decimal, thousands, unit, scaled, dates = record
    marks = ((decimal, DECIMALS, "a decimal mark"), (thousands, THOUSANDS, "a mark of thousands"))
    for value, allowed, words in (*marks, (dates, ORDERS, "an order of dates")):
        if value is not None and value not in allowed:
            raise stored.wrong(where, words, value)
    return stored.text(name, where), Writing(
        decimal, thousands, stored.text(unit, where), stored.flag(scaled, where), dates
    )


def _target_from_dict(record: Any, where: str) -> ClassTarget | NumberTargets:
    if stored.entry(record, "kind", stored.choice("classes", "numbers"), where) == "classes":
        return classes_from_dict(record, where)
    return numbers_from_dict(record, where)


def _policy(value: Any, where: str) -> str:
    """Read what to do with unknown names; in older files "ignore" is what "other" is without a node for others."""
    return "other" if value == "ignore" else stored.choice("other", "refuse")(value, where)


def _row(name: str, role: str, read_as: str, nodes: int, done: str) -> dict[str, Any]:
    return {"column": name, "role": role, "read_as": read_as, "nodes": nodes, "done": done}
