"""From a source and options to a training that can start: read, split, encode, and choose what the plan left open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.core.catalogue import Activation, FusedLoss, activation_named, loss_named
from chainrule.core.network import Network
from chainrule.core.passes import check_loss_fits
from chainrule.data.columns import Table
from chainrule.data.encoding import Encoding
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.reading_plan import ReadingPlan
from chainrule.data.splits import Split
from chainrule.errors import UsageError
from chainrule.models.examples import (
    Arrays,
    Examples,
    divided,
    encode,
    read_source,
    refuse_beyond,
    usable_rows,
)
from chainrule.models.further_rows import read_further
from chainrule.options import divide_options
from chainrule.training.plan import TrainingPlan
from chainrule.training.prepare import Training, prepare, restarted

MOST_WEIGHTS = 200_000_000  # with the gradient and Adam's two means about 3 GB in float32

_BIASES: dict[str, bool | str] = {"vector": True, "none": False, "x0": "x0"}


@dataclass(frozen=True, eq=False)
class Setup:
    """A training that can start, and all that was decided on the way to it.

    Attributes
    ----------
    examples : Examples
        The rows, divided and encoded; many trainings may share them.
    plan : TrainingPlan
        With the output activation and the loss filled in.
    notes : tuple of str
        What was decided without being asked for, in plain sentences.
    """

    examples: Examples
    plan: TrainingPlan
    notes: tuple[str, ...]

    @property
    def table(self) -> Table:
        """The usable rows, in the order of the source."""
        return self.examples.table

    @property
    def split(self) -> Split:
        """Which of them train, validate and test."""
        return self.examples.split

    @property
    def encoding(self) -> Encoding:
        """Columns to numbers and back, fitted on the training rows."""
        return self.examples.encoding

    @property
    def encoding_plan(self) -> EncodingPlan:
        """What was asked for with the columns."""
        return self.examples.plan

    @property
    def X(self) -> np.ndarray:
        """All rows' inputs, encoded: float64 array (N, inputs)."""
        return self.examples.X

    @property
    def Y(self) -> np.ndarray:
        """All rows' targets, encoded: float64 array (N, outputs)."""
        return self.examples.Y

    @property
    def sample_weight(self) -> np.ndarray | None:
        """The weight of each row."""
        return self.examples.weights

    @property
    def middle(self) -> float | None:
        """Halfway between the two targets of a classification."""
        return self.examples.middle

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units per layer, the inputs first."""
        return (self.encoding.n_inputs, *self.plan.hidden, self.Y.shape[1])

    @property
    def network_parameters(self) -> int:
        """How many weights and biases the network will have."""
        biases = self.plan.bias != "none"
        return sum((before + biases) * units for before, units in zip(self.sizes, self.sizes[1:], strict=False))

    def network(self, generator: np.random.Generator) -> Network:
        """Return a network with fresh initial weights."""
        return _network(self.plan, self.sizes, generator)

    def training(self, start: int = 0) -> Training:
        """Return the training of one random start, counted from 0; see `training_of_start`."""
        return training_of_start(self._training, start)

    @cached_property
    def _training(self) -> Training:
        """A training whose examples all random starts share."""
        return training_on(self.examples.arrays(self.plan.dtype), self.plan)


def training_on(arrays: Arrays, plan: TrainingPlan) -> Training:
    """Return a training on these rows, whose examples all random starts can share."""
    sizes = (arrays.X.shape[1], *plan.hidden, arrays.Y.shape[1])
    return prepare(
        plan,
        _network(plan, sizes, np.random.default_rng(0)),
        arrays.X,
        arrays.Y,
        sample_weight=arrays.weights,
        validation=arrays.validation,
        middle=arrays.middle,
    )


def training_of_start(training: Training, start: int) -> Training:
    """Return the training of one random start, counted from 0.

    One generator, seeded with the plan's seed and the start's number, draws the initial weights, then the orders and
    what dropout leaves out, so that start k is the same whether it is trained alone or among others.
    """
    generator = np.random.default_rng([training.plan.seed, 1 + start])  # [seed, 0] would be the split's own stream
    network = _network(training.plan, training.start.network.sizes, generator)
    return restarted(training, network, generator)


def _network(plan: TrainingPlan, sizes: Sequence[int], generator: np.random.Generator) -> Network:
    layers = len(plan.hidden) + 1
    return Network.dense(
        sizes,
        [*plan.hidden_activations, plan.output_activation],
        bias=_BIASES[plan.bias],
        trainable=[layer not in plan.frozen for layer in range(1, layers + 1)],
        init=plan.init,
        seed=generator,
        dtype=plan.dtype,
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
    encoding_plan, plan, reading = plans_of(options)
    table, encoding_plan = read_source(source, y, encoding_plan, reading)
    usable = usable_rows(table, encoding_plan, sample_weight, read_further(table, encoding_plan, reading))
    return set_up_on(encode(usable, divided(usable, plan.seed), output_of(plan), squares(plan)), plan)


def plans_of(options: Mapping[str, Any]) -> tuple[EncodingPlan, TrainingPlan, ReadingPlan]:
    """Sort options into the three plans, and check them.

    Raises
    ------
    UsageError
    """
    encoding, training, reading = divide_options(options, EncodingPlan, TrainingPlan, ReadingPlan)
    # The training's first: its refusals need no table.
    plan = TrainingPlan(**training)
    return EncodingPlan(**encoding), plan, ReadingPlan(**reading)


def output_of(plan: TrainingPlan) -> str:
    """Return the name of the output activation as far as the plan alone decides it, or "auto"."""
    return _name(_with_output_of_loss(plan).output_activation)


def squares(plan: TrainingPlan) -> bool:
    """Whether the loss of a regression squares errors; where it is left open, it does."""
    return _name(plan.loss) in ("auto", "half_squared_error", "sum_of_squares", "mean_of_squares")


def set_up_on(examples: Examples, plan: TrainingPlan) -> Setup:
    """Choose what the plan leaves open, for rows that are encoded for its `output_of`.

    Raises
    ------
    UsageError, DataError
    """
    table, encoding = examples.table, examples.encoding
    plan, chosen = _resolved(_with_output_of_loss(plan), encoding)
    refuse_beyond(examples, plan.dtype)
    notes = [*table.notes, *examples.split.notes, *encoding.notes, *chosen]
    if table.whole:
        notes.append(f"All {table.n_rows} rows of {table.source} are for training: a truth table has none to spare.")
    setup = Setup(examples, plan, tuple(dict.fromkeys(notes)))
    if setup.network_parameters > MOST_WEIGHTS:
        raise UsageError(
            f"the network {'-'.join(map(str, setup.sizes))} has {setup.network_parameters:,} weights and biases; "
            f"at most {MOST_WEIGHTS:,} are trained. Use a smaller --hidden."
        )
    engine = setup.training().engine  # refuses now what would be refused later
    if engine.name == "reference" and plan.engine == "auto":
        setup = replace(setup, notes=(*setup.notes, f"Engine: reference; {engine.why}."))
    return setup


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
