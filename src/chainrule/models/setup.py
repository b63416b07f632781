"""From a source and options to a training that can start: read, split, encode, and choose what the plan left open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.core.arrays import as_float_array
from chainrule.core.catalogue import Activation, FusedLoss, activation_named, loss_named
from chainrule.core.network import Network
from chainrule.core.passes import check_loss_fits
from chainrule.data.arrays import inputs_and_targets
from chainrule.data.columns import Table, name_list
from chainrule.data.encoding import ClassTarget, Encoding, fit_encoding, prepare_table, split_table
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.reading_plan import ReadingPlan
from chainrule.data.splits import Split
from chainrule.data.tables import read_with
from chainrule.errors import DataError, UsageError
from chainrule.options import divide_options
from chainrule.training.plan import TrainingPlan
from chainrule.training.prepare import Training, prepare, restarted

MOST_WEIGHTS = 200_000_000  # with the gradient and Adam's two means about 3 GB in float32

_BIASES: dict[str, bool | str] = {"vector": True, "none": False, "x0": "x0"}


@dataclass(frozen=True)
class Setup:
    """A training that can start, and all that was decided on the way to it.

    Attributes
    ----------
    table : Table
        The usable rows, in the order of the source.
    split : Split
        Which of them train, validate and test.
    encoding : Encoding
        Fitted on the training rows.
    plan : TrainingPlan
        With the output activation and the loss filled in.
    encoding_plan : EncodingPlan
    X, Y : float64 arrays (N, inputs), (N, outputs)
        All rows, encoded.
    sample_weight : float64 array (N,) or None
    middle : float or None
        Halfway between the two targets of a classification.
    notes : tuple of str
        What was decided without being asked for, in plain sentences.
    """

    table: Table
    split: Split
    encoding: Encoding
    plan: TrainingPlan
    encoding_plan: EncodingPlan
    X: np.ndarray
    Y: np.ndarray
    sample_weight: np.ndarray | None
    middle: float | None
    notes: tuple[str, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units per layer, the inputs first."""
        return (self.X.shape[1], *self.plan.hidden, self.Y.shape[1])

    @property
    def network_parameters(self) -> int:
        """How many weights and biases the network will have."""
        biases = self.plan.bias != "none"
        return sum((before + biases) * units for before, units in zip(self.sizes, self.sizes[1:], strict=False))

    def network(self, generator: np.random.Generator) -> Network:
        """Return a network with fresh initial weights."""
        layers = len(self.plan.hidden) + 1
        return Network.dense(
            self.sizes,
            [*self.plan.hidden_activations, self.plan.output_activation],
            bias=_BIASES[self.plan.bias],
            trainable=[layer not in self.plan.frozen for layer in range(1, layers + 1)],
            init=self.plan.init,
            seed=generator,
            dtype=self.plan.dtype,
        )

    def training(self, start: int = 0) -> Training:
        """Return the training of one random start, counted from 0.

        One generator, seeded with the plan's seed and the start's number, draws the initial weights, then the
        orders and what dropout leaves out, so that start k is the same whether it is trained alone or among others.
        """
        generator = np.random.default_rng([self.plan.seed, 1 + start])  # [seed, 0] would be the split's own stream
        network = self.network(generator)
        return restarted(self._training, network, generator)

    @cached_property
    def _training(self) -> Training:
        """A training whose examples all random starts share."""
        train, validation = self.split.train, self.split.validation
        return prepare(
            self.plan,
            self.network(np.random.default_rng(0)),
            self.X[train],
            self.Y[train],
            sample_weight=None if self.sample_weight is None else self.sample_weight[train],
            validation=(self.X[validation], self.Y[validation]) if len(validation) else None,
            middle=self.middle,
        )


def set_up(source: Any, y: Any = None, *, sample_weight: Any = None, **options: Any) -> Setup:
    """Read, split and encode a table, and choose what the options leave open.

    Parameters
    ----------
    source
        Whatever `read_table` takes; or the inputs of a pair of arrays, with `y`.
    y : array (N,) or (N, outputs), optional
    sample_weight : array (N,), optional
    **options
        Fields of `TrainingPlan`, `EncodingPlan` and `ReadingPlan`.

    Raises
    ------
    UsageError, DataError
    """
    encoding_options, training_options, reading_options = divide_options(
        options, EncodingPlan, TrainingPlan, ReadingPlan
    )
    plan = TrainingPlan(**training_options)
    encoding_plan = EncodingPlan(**encoding_options)
    table, encoding_plan = read_source(source, y, encoding_plan, ReadingPlan(**reading_options))
    table, weights = _take_weights(table, encoding_plan.weights, sample_weight)
    usable = prepare_table(table, encoding_plan)
    if weights is not None:
        weights = weights[np.isin(table.row_numbers, usable.row_numbers)]
    table = usable
    plan = _with_output_of_loss(plan)
    output = _name(plan.output_activation)
    split = split_table(table, encoding_plan, np.random.default_rng(plan.seed))
    encoding = fit_encoding(table, encoding_plan, split.train, output)
    plan, chosen = _resolved(plan, encoding)
    X, Y = encoding.encode(table)
    _refuse_beyond(table, plan.dtype, X, Y)
    target = encoding.target
    middle = 0.5 * (target.low + target.high) if isinstance(target, ClassTarget) else None
    notes = [*table.notes, *encoding.notes, *chosen]
    if table.whole:
        notes.append(f"All {table.n_rows} rows of {table.source} are for training: a truth table has none to spare.")
    setup = Setup(table, split, encoding, plan, encoding_plan, X, Y, weights, middle, tuple(dict.fromkeys(notes)))
    if setup.network_parameters > MOST_WEIGHTS:
        raise UsageError(
            f"the network {'-'.join(map(str, setup.sizes))} has {setup.network_parameters:,} weights and biases; "
            f"at most {MOST_WEIGHTS:,} are trained. Use a smaller --hidden."
        )
    setup.training()  # refuses now what would be refused later
    return setup


def _refuse_beyond(table: Table, dtype: str, *matrices: np.ndarray) -> None:
    """Refuse rows that the training's precision cannot hold: those kept for testing would fail after the training."""
    for M in matrices:
        with np.errstate(over="ignore"):
            finite = np.isfinite(M.astype(dtype)).all(axis=1)
        if not finite.all():
            raise DataError(
                f"{table.at(int(np.argmin(finite)))}: a value is too large for {dtype}. "
                "Correct or scale it, or use --dtype float64."
            )


def read_source(source: Any, y: Any, plan: EncodingPlan, reading: ReadingPlan) -> tuple[Table, EncodingPlan]:
    """Read the table; the columns of `y` become the targets of the plan.

    Raises
    ------
    UsageError
        If `y` comes with a table that is read, or with `target` as well.
    """
    if y is None:
        return read_with(source, reading, as_text=plan.nominal), plan
    if reading != ReadingPlan():
        raise UsageError("options for reading files (sql, delimiter, ...) have no effect on arrays. Leave them out.")
    if isinstance(source, str):
        raise UsageError(
            f'y goes with arrays; the source "{source}" is a table. Name its target column, as in target="price".'
        )
    if isinstance(y, str):
        raise UsageError(f'y holds the values of the target; to name its column, write target="{y}".')
    if plan.target is not None and not (np.ndim(y) == 2 and np.shape(y)[1] > 1):
        raise UsageError(
            f"give y or target, not both: y holds the target, and target names {name_list(plan.target)}. "
            "Leave one of them out, and with y the target's column out of the inputs."
        )
    table, names = inputs_and_targets(source, y, as_text=plan.nominal)
    if plan.target is None:
        return table, replace(plan, target=names)
    # Some columns of y may be chosen; no other column may be a target, and none of y's an input.
    others = [name for name in names if name not in (*plan.target, *plan.ignore)]
    if not set(plan.target) <= set(names) or others:
        detail = "ignore the others" if set(plan.target) <= set(names) else "choose among them, or leave out target"
        raise UsageError(f"y holds {name_list(names)}, and target names {name_list(plan.target)}: {detail}.")
    return table, plan


def _take_weights(table: Table, name: str | None, sample_weight: Any) -> tuple[Table, np.ndarray | None]:
    """Return the table without its column of weights, and the weights."""
    if name is None and sample_weight is None:
        return table, None
    if name is not None and sample_weight is not None:
        raise UsageError(f'weights came twice: as sample_weight and as the column "{name}". Give one of them.')
    if name is None:
        weights = as_float_array(sample_weight)
        if weights.shape != (table.n_rows,):
            raise UsageError(f"sample_weight must have shape ({table.n_rows},), one a row; received {weights.shape}.")
        where = "sample_weight"
    else:
        column = table.column(name)
        if column.kind != "number":
            raise DataError(f'{table.source}, column "{name}": weights must be numbers. Name another column.')
        weights, where = column.values, f'{table.source}, column "{name}"'
        table = replace(table, columns=tuple(other for other in table.columns if other.name != name))
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise DataError(f"{where}: weights must be numbers of at least 0, with none missing.")
    return table, np.array(weights, dtype=np.float64)


def _with_output_of_loss(plan: TrainingPlan) -> TrainingPlan:
    """Where the output activation is left open, take the one that the loss asks for, if it asks for one."""
    if plan.output_activation != "auto" or plan.loss == "auto":
        return plan
    loss = loss_named(plan.loss)
    if isinstance(loss, FusedLoss):
        return replace(plan, output_activation=loss.activation)
    wanted = {"poisson": "exponential", "binary_cross_entropy": "logistic", "categorical_cross_entropy": "softmax"}
    return replace(plan, output_activation=wanted.get(loss.name, "auto"))


def _resolved(plan: TrainingPlan, encoding: Encoding) -> tuple[TrainingPlan, list[str]]:
    """Fill in what is still open, and say what was chosen."""
    classify = encoding.task == "classification"
    output, loss = plan.output_activation, plan.loss
    chosen = []
    if output == "auto":
        output = "identity" if not classify else "logistic" if encoding.n_outputs == 1 else "softmax"
        chosen.append(f"Output activation: {output}.")
    if loss == "auto":
        by_output = {
            "softmax": "softmax_categorical_cross_entropy",
            "logistic": "logistic_binary_cross_entropy",
            "step": "perceptron_criterion",
        }
        loss = by_output.get(_name(output), "half_squared_error") if classify else "half_squared_error"
        chosen.append(f"Loss: {loss}.")
    if plan.learning_rate is None and plan.solver == "descent":
        chosen.append(f"Learning rate: {plan.eta:g}, the default for {_name(plan.update)}.")
    check_loss_fits(loss_named(loss), _probe(output))
    return replace(plan, output_activation=output, loss=loss), chosen


def _probe(output: str | Activation) -> Network:
    """The smallest network with that output activation."""
    return Network.dense([1, 1], activation_named(output), init="zeros")


def _name(own: Any) -> str:
    return own if isinstance(own, str) else str(own.name)
