"""The parameters of the estimators: what each means and which values it takes, stated once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from inspect import signature
from numbers import Integral, Real
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.catalogue import FusedLoss, Loss, activation_named, loss_named
from chainrule.errors import UsageError
from chainrule.training.plan import ENGINE_NAMES

SOLVERS = ("lbfgs", "sgd", "adam", "lm")
STOCHASTIC_SOLVERS = ("sgd", "adam")
CLASSIFIER_LOSSES = ("log_loss",)
REGRESSOR_LOSSES = ("squared_error", "poisson")


class Parameter(NamedTuple):
    """What a parameter takes, in words and as a test, and what it means."""

    allowed: str
    fits: Callable[[Any], bool]
    help: str


def _number(low: float = -math.inf, high: float = math.inf, *, above: bool = False, below: bool = False) -> Any:
    """A test for a finite number from `low` to `high`, with `above` and `below` without the ends themselves."""

    def fits(value: Any) -> bool:
        if not isinstance(value, Real) or isinstance(value, (bool, np.bool_)) or not math.isfinite(value):
            return False
        number = float(value)
        return (low < number if above else low <= number) and (number < high if below else number <= high)

    return fits


def _whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, (bool, np.bool_)) and int(value) >= 1


def _truth(value: Any) -> bool:
    return isinstance(value, (bool, np.bool_))


def _word(*words: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in words


def _sizes(value: Any) -> bool:
    sizes = np.asarray(value, dtype=object)
    return sizes.ndim <= 1 and all(map(_whole, np.ravel(sizes)))


def _activations(value: Any) -> bool:
    """Raises its own error where a name is unknown."""
    for one in several(value):
        if not isinstance(one, str) and not (hasattr(one, "value") and hasattr(one, "pullback")):
            return False
        activation_named(one)
    return True


def _loss(*own: str) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        if not isinstance(value, (str, Loss, FusedLoss)):
            return False
        if value not in own:
            loss_named(value)
        return True

    return fits


def _shares(value: Any) -> bool:
    return np.ndim(value) <= 1 and all(map(_number(0, 1, below=True), several(value)))


def _callbacks(value: Any) -> bool:
    return value is None or all(map(callable, value if isinstance(value, (list, tuple)) else [value]))


def _random_state(value: Any) -> bool:
    if isinstance(value, Integral) and not _truth(value):
        return 0 <= int(value) < 2**32
    return value is None or isinstance(value, np.random.RandomState)


TABLE = {
    "hidden_layer_sizes": Parameter(
        "a whole number of at least 1, or a sequence of them", _sizes, "Units of each hidden layer."
    ),
    "activation": Parameter(
        "the name of an activation, an Activation, or a list with one for each hidden layer",
        _activations,
        "Activation of the hidden layers: 'identity', 'logistic', 'tanh', 'relu', any other that chainrule knows, such "
        "as 'leaky_relu(0.1)', 'elu', 'gelu' or 'silu', your own `Activation`, or a list with one for each layer.",
    ),
    "solver": Parameter(
        "'lbfgs', 'sgd', 'adam' or 'lm'",
        _word(*SOLVERS),
        "'sgd' and 'adam' take minibatches. 'lbfgs' and 'lm' (Levenberg-Marquardt, for small networks) take all rows "
        "at once.",
    ),
    "alpha": Parameter(
        "a number of at least 0",
        _number(0),
        "Weight decay: J has alpha / (2 B) times the sum of the squared weights, for the B rows of a minibatch, each "
        "counted by its weight.",
    ),
    "batch_size": Parameter(
        "'auto' or a whole number of at least 1",
        lambda value: _whole(value) or _word("auto")(value),
        "Rows for each update of 'sgd' and 'adam'; 'auto' takes 200, or all if there are fewer.",
    ),
    "learning_rate": Parameter(
        "'constant', 'invscaling' or 'adaptive'",
        _word("constant", "invscaling", "adaptive"),
        "For 'sgd': 'constant'; 'invscaling', learning_rate_init / (t + 1)^power_t after t rows; 'adaptive', a fifth "
        "whenever the loss stops to fall, until it is 1e-6.",
    ),
    "learning_rate_init": Parameter("a number above 0", _number(0, above=True), "For 'sgd' and 'adam'."),
    "power_t": Parameter("a number of at least 0", _number(0), "For learning_rate='invscaling'."),
    "max_iter": Parameter("a whole number of at least 1", _whole, "Most epochs, or steps of 'lbfgs' and 'lm'."),
    "loss": Parameter(
        "a name, a Loss or a FusedLoss (units go into hidden_layer_sizes=...)",
        _loss(*CLASSIFIER_LOSSES, *REGRESSOR_LOSSES),
        "What is minimised.",
    ),
    "shuffle": Parameter("True or False", _truth, "Take the rows in a new random order every epoch."),
    "random_state": Parameter(
        "None, a whole number from 0 to 2^32 - 1, or a numpy.random.RandomState",
        _random_state,
        "Of the initial weights, the rows kept for early stopping, the orders and dropout. A number gives the same "
        "bits on every machine with the same instruction set, for any number of threads.",
    ),
    "tol": Parameter(
        "a number of at least 0",
        _number(0),
        "The loss must fall by more than this within n_iter_no_change epochs; with early_stopping the score must rise "
        "by it. For 'lbfgs' the largest entry of the gradient at which it ends.",
    ),
    "verbose": Parameter(
        "True, False or a whole number of at least 0",
        lambda value: _truth(value) or (isinstance(value, Integral) and int(value) >= 0),
        "Print the loss after each epoch.",
    ),
    "warm_start": Parameter("True or False", _truth, "Go on from the weights of the last fit."),
    "momentum": Parameter("a number from 0 to 1", _number(0, 1), "For 'sgd'."),
    "nesterovs_momentum": Parameter("True or False", _truth, "Momentum that looks a step ahead, for 'sgd'."),
    "early_stopping": Parameter(
        "True or False",
        _truth,
        "Keep rows aside (or take X_val), end when the score on them no longer rises, and return the best weights. "
        "For 'sgd' and 'adam'.",
    ),
    "validation_fraction": Parameter(
        "a number of at least 0 and below 1", _number(0, 1, below=True), "Share of the rows that early_stopping keeps."
    ),
    "beta_1": Parameter("a number of at least 0 and below 1", _number(0, 1, below=True), "For 'adam'."),
    "beta_2": Parameter("a number of at least 0 and below 1", _number(0, 1, below=True), "For 'adam'."),
    "epsilon": Parameter("a number above 0", _number(0, above=True), "For 'adam'."),
    "n_iter_no_change": Parameter(
        "a whole number of at least 1, or infinity",
        lambda value: _whole(value) or value == math.inf,
        "Epochs without enough improvement after which training ends.",
    ),
    "max_fun": Parameter("a whole number of at least 1", _whole, "Most evaluations of the loss by 'lbfgs'."),
    "class_weight": Parameter(
        "None, 'balanced', a dict, numbers in the order of the classes, or a list of dicts for several targets",
        lambda value: (
            value is None or _word("balanced")(value) or isinstance(value, (dict, list)) or np.ndim(value) == 1
        ),
        "Weight of each class's rows, also in `validation_loss_curve_`; 'balanced' gives every class the same sum.",
    ),
    "dropout": Parameter(
        "a share of at least 0 and below 1, or a list with one for each hidden layer",
        _shares,
        "Share of the hidden units that each update of 'sgd' and 'adam' leaves out at random.",
    ),
    "preprocess": Parameter(
        "True or False",
        _truth,
        "Take frames with text columns and missing values: numbers are scaled to mean 0 and deviation 1, a missing "
        "one is replaced by the median, each text value has an input of its own, and dates, also as text, are days. A "
        "column that says nothing, has more different texts than max_categories, or a text of its own in most rows, is "
        "left out, with a warning. Numbers to be predicted are scaled as well, for all losses but 'poisson', "
        "'logistic_binary_cross_entropy' and your own; weights, predictions and losses have their unit.",
    ),
    "unknown": Parameter(
        "'ignore' or 'refuse'",
        _word("ignore", "refuse"),
        "With preprocess=True, what to do with a text that fit did not see: 'ignore', all inputs of its column are 0; "
        "or 'refuse'.",
    ),
    "max_categories": Parameter(
        "a whole number of at least 2",
        lambda value: _whole(value) and value >= 2,
        "With preprocess=True, a text column with more different values is left out, with a warning.",
    ),
    "engine": Parameter(
        f"one of {', '.join(ENGINE_NAMES)}", _word(*ENGINE_NAMES), "Where the arithmetic of 'sgd' and 'adam' runs."
    ),
    "on_epoch": Parameter(
        "None, a function, or a list of functions",
        _callbacks,
        "Called with the training state after each epoch or step; one that returns True ends the training.",
    ),
}


def check_parameters(values: dict[str, Any]) -> None:
    """Refuse the first parameter whose value is not allowed.

    Raises
    ------
    UsageError
        Naming the parameter, what was received and what is allowed.
    """
    for name, value in values.items():
        if name not in TABLE:  # a subclass may have parameters of its own
            continue
        allowed, fits, _ = TABLE[name]
        if not fits(value):
            raise UsageError(f"{name} must be {allowed}; received {value!r}.")


def documented(cls: type) -> type:
    """Put the table into a class's docstring, in place of the line PARAMETERS."""
    entries = []
    for name, parameter in list(signature(cls).parameters.items()):
        text = fill(TABLE[name].help, 100, initial_indent=" " * 8, subsequent_indent=" " * 8)
        entries.append(f"    {name} : {TABLE[name].allowed}, default={parameter.default!r}\n{text}")
    cls.__doc__ = re.sub(r"(?m)^ *PARAMETERS$", lambda _: "\n".join(entries), cls.__doc__ or "")
    return cls


def hidden_sizes(value: Any) -> list[int]:
    """Return the units of each hidden layer.

    >>> hidden_sizes(5), hidden_sizes((5, 3)), hidden_sizes(())
    ([5], [5, 3], [])
    """
    return [int(size) for size in np.ravel(np.asarray(value, dtype=object))]


def several(value: Any) -> list[Any]:
    """Return the entries of a list, a tuple or an array, or a list of the one value.

    >>> several("tanh"), several(np.array([0.1, 0.2]))
    (['tanh'], [0.1, 0.2])
    """
    if isinstance(value, np.ndarray):
        return list(np.ravel(value).tolist())
    return list(value) if isinstance(value, (list, tuple)) and not hasattr(value, "pullback") else [value]


def hidden_activations(value: Any, hidden: int) -> list[Any]:
    """Return an activation for each of so many hidden layers.

    Raises
    ------
    UsageError
        If there are several, but not one for each.
    """
    if not isinstance(value, (list, tuple, np.ndarray)) or np.ndim(value) == 0:
        return several(value) * hidden
    if len(value) != hidden:
        raise UsageError(
            f"activation lists {len(value)} activations for {hidden} hidden layers. Give one, or one for each."
        )
    return several(value)
