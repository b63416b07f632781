"""The options of a training: names, ranges, defaults and help, stated once.

The command line's flags, the checks of `chainrule.train`'s arguments and the reference page all come from this table.
It imports no array library, so that `chainrule --help` stays fast; `tests/training/test_plan.py` holds its lists of
names against the core's own.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from typing import Any

from chainrule.core.loss_names import LOSS_NAMES, own_name
from chainrule.errors import UsageError, unknown_name
from chainrule.options import MOST_THREADS, checked, option, whole_number

ACTIVATION_NAMES = (
    "identity", "step", "logistic", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus",
    "exponential", "softmax",
)  # fmt: skip
UPDATE_NAMES = ("gradient_descent", "momentum", "nesterov", "rmsprop", "adam", "adamw", "rprop")
SCHEDULE_NAMES = ("constant", "step", "exponential", "cosine", "one_cycle", "reduce_on_plateau")
INIT_NAMES = ("auto", "uniform", "glorot", "glorot_normal", "he", "he_uniform", "lecun", "zeros")
ENGINE_NAMES = ("auto", "compiled", "reference", "node_by_node")
SOLVER_NAMES = ("descent", "lm", "lbfgs")

MOST_UNITS = 1_000_000

# Options that decide how gradients become updates, which the other solvers do their own way.
_OF_DESCENT = (
    "update", "learning_rate", "schedule", "clip_norm", "clip_value", "batch_size", "shuffle", "dropout", "engine",
    "threads",
)  # fmt: skip

# Learning rates that start most small networks off well; said aloud when they are used.
DEFAULT_LEARNING_RATES = {
    "gradient_descent": 0.1,
    "momentum": 0.05,
    "nesterov": 0.05,
    "rmsprop": 0.005,
    "adam": 0.01,
    "adamw": 0.01,
    "rprop": 0.01,
}


def _hidden(value: Any) -> tuple[int, ...]:
    """Accept 16, "32,16", "32 16", "none" or a sequence of whole numbers."""
    none = isinstance(value, str) and value.strip().lower() in ("", "none", "0")
    if none or (type(value) is int and value == 0):
        return ()
    sizes = _whole_numbers(re.split(r"[\s,x-]+", value.strip()) if isinstance(value, str) else value)
    if any(not 1 <= size <= MOST_UNITS for size in sizes):
        raise UsageError(
            f'hidden must be the units of each hidden layer, such as 16 or "32,16", at most {MOST_UNITS:,}, or "none"; '
            f"received {value!r}."
        )
    return sizes


def _whole_numbers(value: Any) -> tuple[int, ...]:
    """One whole number or several; (0,), which no option allows, for anything else."""
    try:
        parts = [value] if hasattr(value, "__index__") and not hasattr(value, "__iter__") else list(value)
        if any(isinstance(part, bool) for part in parts):
            return (0,)
        return tuple(int(part) if isinstance(part, str) else int(part.__index__()) for part in parts)
    except (AttributeError, TypeError, ValueError):
        return (0,)


def _activations(value: Any) -> Any:
    """Accept one name, a comma-separated list with one a hidden layer, or your own Activation objects."""
    if isinstance(value, str):
        names: tuple[Any, ...] = tuple(part.strip() for part in re.split(r",(?![^(]*\))", value))
    else:
        names = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    for name in names:
        _known("activation", name, ACTIVATION_NAMES)
    return names


def _known(kind: str, name: Any, allowed: tuple[str, ...]) -> Any:
    """Accept a name, with or without numbers in parentheses, or an object that has a name of its own."""
    if not isinstance(name, str):
        if not hasattr(name, "name"):
            raise UsageError(f"{kind} must be a name or an object of that kind; received {name!r}.")
        return name
    if name.partition("(")[0].strip() not in allowed:
        raise unknown_name(kind, name, allowed)
    return name


def _output_activation(value: Any) -> Any:
    return _known("output_activation", value, ("auto", *ACTIVATION_NAMES))


def _loss(value: Any) -> Any:
    return _known("loss", own_name(value) if isinstance(value, str) else value, ("auto", *LOSS_NAMES))


def _init(value: Any) -> Any:
    if not isinstance(value, str):
        raise UsageError(f"init must be one of {', '.join(INIT_NAMES)}; received {value!r}.")
    return _known("init", value, INIT_NAMES)


def _update(value: Any) -> Any:
    return _known("update", value, UPDATE_NAMES)


def _schedule(value: Any) -> Any:
    return _known("schedule", value, SCHEDULE_NAMES)


def _solver(value: Any) -> Any:
    """Accept a solver's name, with or without numbers; a name of an update rule belongs to another option."""
    if not isinstance(value, str):
        raise UsageError(f"solver must be one of {', '.join(SOLVER_NAMES)}; received {value!r}.")
    value = value.strip()
    if value.partition("(")[0].strip() in UPDATE_NAMES:
        raise UsageError(f'solver "{value}" is an update rule: write update="{value}" (--update {value}).')
    if value.startswith("descent("):
        raise UsageError(f'solver "{value}": descent takes no numbers; those of its update rule go into update.')
    return _known("solver", value, SOLVER_NAMES)


def _batch_size(value: Any) -> Any:
    """Accept a whole number of at least 1, or "all"."""
    if value == "all":
        return "all"
    number: Any = whole_number(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not hasattr(number, "__index__") or number.__index__() < 1:
        raise UsageError(
            f'batch_size must be a whole number of at least 1, or "all"; received {value!r}. 1 trains incrementally, '
            '"all" by batch.'
        )
    return int(number)


def _bias(value: Any) -> Any:
    """Accept the names, or True and False as `Network.dense` does."""
    named = {True: "vector", False: "none"}.get(value, value) if isinstance(value, bool) else value
    if named not in ("vector", "none", "x0"):
        raise UsageError(f"bias must be vector, none or x0; received {value!r}.")
    return named


def _frozen(value: Any) -> tuple[int, ...]:
    """Accept layer numbers, counted from 1."""
    layers = _whole_numbers([part for part in value.split(",") if part.strip()] if isinstance(value, str) else value)
    if any(layer < 1 for layer in layers):
        raise UsageError(f"frozen must be layer numbers, counted from 1, such as 1,2; received {value!r}.")
    return layers


def _dropout(value: Any) -> tuple[float, ...]:
    """Accept 0.5, "0.5", "0.2,0.5" or a sequence of numbers."""
    try:
        parts = re.split(r"[\s,]+", value.strip()) if isinstance(value, str) else value
        parts = list(parts) if hasattr(parts, "__iter__") else [parts]
        shares = tuple(math.nan if isinstance(part, bool) else float(part) for part in parts)
    except (TypeError, ValueError, OverflowError):
        shares = ()
    if not shares or not all(0 <= p < 1 for p in shares):
        raise UsageError(
            "dropout must be a share of at least 0 and below 1, or one for each hidden layer, such as 0.5 or "
            f'"0.2,0.5"; received {value!r}.'
        )
    return shares


@dataclass(frozen=True)
class TrainingPlan:
    """Everything that decides a training, except the data. Every field is an argument of `chainrule.train` and a flag.

    Raises
    ------
    UsageError
        Naming the option, what was received and what is allowed.

    Examples
    --------
    >>> TrainingPlan(hidden="32,16", batch_size="all").hidden
    (32, 16)
    """

    hidden: tuple[int, ...] = option(
        (16,), 'Units of each hidden layer, such as 32 16; "none" for none.', check=_hidden
    )
    activation: Any = option(
        ("tanh",),
        "Activation of the hidden layers, or one for each, separated by commas.",
        check=_activations,
        words=ACTIVATION_NAMES,
    )
    output_activation: Any = option(
        "auto",
        "Activation of the output layer; auto chooses by the task.",
        check=_output_activation,
        words=("auto", *ACTIVATION_NAMES),
    )
    loss: Any = option(
        "auto",
        "Loss; auto chooses by task and output activation. huber(width) and quantile(q) take a number; names such as "
        "mse, mae and pinball are understood.",
        check=_loss,
        words=("auto", *LOSS_NAMES),
    )
    bias: Any = option(
        "vector", "Biases as a vector, none, or as weights on a constant input x0 = 1.", check=_bias,
        words=("vector", "none", "x0"),
    )  # fmt: skip
    init: str = option(
        "auto",
        "Initial weights; uniform(-0.1,0.1) takes its range, auto chooses by the activation.",
        check=_init,
        words=INIT_NAMES,
    )
    frozen: tuple[int, ...] = option((), "Layers that keep their initial weights, such as 1.", check=_frozen)
    solver: str = option(
        "descent",
        "How the minimum is looked for: descent (by --update), lm (Levenberg-Marquardt, for small networks) or lbfgs; "
        "lm(mu,rise,fall) and lbfgs(memory) take numbers.",
        check=_solver,
        words=SOLVER_NAMES,
    )
    bayes: bool = option(
        False, "With --solver lm: infer the weight decay from the training rows (Bayesian regularisation)."
    )
    update: Any = option(
        "adam", "Update rule; its constants may follow, as in momentum(0.95).", check=_update, words=UPDATE_NAMES
    )
    learning_rate: float | None = option(None, "Learning rate; by default one that suits the update rule.", above=0)
    schedule: Any = option(
        "constant",
        "How the learning rate changes, as in step(50,0.5) or cosine.",
        check=_schedule,
        words=SCHEDULE_NAMES,
    )
    weight_decay: float = option(0.0, "lambda: adds lambda / 2 times the sum of squared weights to the cost.", low=0)
    clip_norm: float | None = option(None, "Scale gradients down to this common norm.", above=0)
    clip_value: float | None = option(None, "Cut each entry of the gradients to this size.", above=0)
    dropout: tuple[float, ...] = option(
        (0.0,),
        "Share of the hidden units that each update leaves out at random; or one for each layer, as in 0.2,0.5. The "
        "training cost is measured without them, the validation cost with all.",
        check=_dropout,
    )
    reduction: str = option("mean", "Whether J is the mean or the sum of the costs.", choices=("mean", "sum"))
    batch_size: Any = option(
        32, "Examples for each update: 1 (incremental), a number (minibatches) or all (by batch).", check=_batch_size
    )
    shuffle: bool = option(True, "Take the examples in a new random order every epoch.")
    epochs: int = option(200, "Most passes over the training examples.", low=1)
    target_cost: float | None = option(None, "Stop once the training cost is this small.", above=0)
    patience: int | None = option(
        None,
        "Stop when the validation cost (the training cost, with no rows kept) has not improved for so many epochs.",
        low=1,
        high=1_000_000_000,
    )
    tolerance: float | None = option(
        None,
        "Patience counts a cost as improved if it is at least this far below the lowest; by default any less.",
        low=0,
    )
    time_limit: float | None = option(None, "Stop after this many seconds.", above=0)
    starts: int = option(1, "Train from this many random starts and keep the best.", low=1, high=100_000)
    keep: str = option("best", "Which weights to keep: best on the validation rows, or last.", choices=("best", "last"))
    dtype: str = option("float32", "Precision of training.", choices=("float32", "float64"))
    engine: str = option("auto", "Where the arithmetic runs.", choices=ENGINE_NAMES)
    threads: int | None = option(
        None,
        "Most threads of the compiled engine; by default one for each core. They change no result.",
        low=1,
        high=MOST_THREADS,
    )
    seed: int = option(0, "Seed of everything random: the split, the initial weights, the orders, dropout.", low=0)

    def __post_init__(self) -> None:
        checked(self)
        if len(self.activation) not in (1, len(self.hidden)):
            raise UsageError(
                f"activation names {len(self.activation)} activations for {len(self.hidden)} hidden layers; "
                "give one, or one for each."
            )
        if len(set(self.frozen)) > len(self.hidden):
            raise UsageError("frozen names every layer; at least one must be left to train.")
        for layer in self.frozen:
            if layer > len(self.hidden) + 1:
                raise UsageError(f"frozen names layer {layer}; the network has layers 1 to {len(self.hidden) + 1}.")
        self._refuse_without_effect()

    def _refuse_without_effect(self) -> None:
        """Refuse what was set, but would not be looked at by the solver."""
        if self.bayes and not self.solver.startswith("lm"):
            raise UsageError(f'bayes=True belongs to solver="lm" (--solver lm); the solver is "{self.solver}".')
        if self.bayes and self.weight_decay:
            raise UsageError(
                f"bayes=True finds the weight decay itself, but weight_decay={self.weight_decay:g} was given. "
                "Leave out one of them."
            )
        if self.tolerance is not None and self.patience is None:
            raise UsageError(
                f"tolerance={self.tolerance:g} says which improvements end the waiting, but there is no patience. Set "
                "patience (--patience 10), or leave tolerance out."
            )
        if self.solver == "descent":
            return
        defaults = {field.name: field.default for field in fields(self)}
        for name in _OF_DESCENT:
            value = getattr(self, name)
            if value != defaults[name] and (name, value) != ("batch_size", "all"):
                raise UsageError(
                    f'{name}={getattr(value, "name", value)!r} has no effect with solver="{self.solver}", which takes '
                    f"all examples at once and chooses the length of its steps itself. Leave out {name}, or the solver."
                )

    @property
    def hidden_activations(self) -> list[Any]:
        """One activation for each hidden layer."""
        return list(self.activation) if len(self.activation) > 1 else list(self.activation) * len(self.hidden)

    @property
    def eta(self) -> float:
        """The learning rate in force: the one given, or the update rule's default; NaN for a solver without one."""
        if self.solver != "descent":
            return math.nan
        if self.learning_rate is not None:
            return self.learning_rate
        name = self.update if isinstance(self.update, str) else self.update.name
        return DEFAULT_LEARNING_RATES.get(name.partition("(")[0], 0.01)
