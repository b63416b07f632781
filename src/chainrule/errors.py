"""The one exception tree: every refusal says what was received, what is allowed, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class ChainruleError(Exception):
    """Base of every error that chainrule raises on purpose.

    Attributes
    ----------
    exit_code : int
        What the command line returns for it: 2 for bad use, 1 for a failure.
    """

    exit_code = 1


class UsageError(ChainruleError, ValueError):
    """An argument is not allowed: a name, a range, a shape or a combination."""

    exit_code = 2


class DataError(ChainruleError, ValueError):
    """A table cannot be used as it is: the message names the file, row and column."""

    exit_code = 2


class ModelFileError(ChainruleError, ValueError):
    """A model file or checkpoint is damaged, of another kind, or newer than this program."""

    exit_code = 2


class DivergenceError(ChainruleError, ArithmeticError, ValueError):
    """Training met a number that is not finite; a ValueError too, which is what scikit-learn raises for it.

    Attributes
    ----------
    model : object or None
        The last good model, set by `chainrule.train`, so that nothing is lost.
    state : object or None
        The last good training state, set by the training loop.
    """

    model: Any = None
    state: Any = None


def unknown_name(kind: str, received: object, allowed: Iterable[str]) -> UsageError:
    """Build the error for a name that is not in a list, with the nearest ones first.

    >>> unknown_name("activation", "logistc", ["logistic", "tanh"])
    UsageError('activation "logistc" is unknown. Did you mean "logistic"? Allowed: logistic, tanh.')
    """
    names = list(allowed)
    return UsageError(
        f'{kind} "{received}" is unknown. {did_you_mean(str(received), names)}Allowed: {", ".join(names)}.'
    )


def readable(text: str) -> str:
    """Write what cannot be encoded, as the bytes of a file's name that are no letters, as its number.

    >>> print(readable("caf\\udce9.csv"))
    caf\\udce9.csv
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


# What other programs call our options and names.
OTHER_NAMES = {
    "lr": "learning_rate",
    "eta": "learning_rate",
    "learning_rate_init": "learning_rate",
    "optimizer": "update",
    "wd": "weight_decay",
    "alpha": "weight_decay",
    "l2": "weight_decay",
    "dropout_rate": "dropout",
    "layers": "hidden",
    "units": "hidden",
    "hidden_layer_sizes": "hidden",
    "max_iter": "epochs",
    "iterations": "epochs",
    "early_stopping": "patience",
    "random_state": "seed",
    "sep": "delimiter",
    "callbacks": "on_epoch",
    "sigmoid": "logistic",
    "linear": "identity",
    "none": "identity",
    "swish": "silu",
    "heaviside": "step",
    "cross_entropy": "softmax_categorical_cross_entropy",
    "sgd": "gradient_descent",
    "nag": "nesterov",
    "levenberg_marquardt": "lm",
    "trainlm": "lm",
    "trainbr": "lm",
    "l-bfgs": "lbfgs",
    "l-bfgs-b": "lbfgs",
}


def did_you_mean(received: str, names: Iterable[str]) -> str:
    """Return 'Did you mean "..."? ' for the nearest name, whatever its case, or an empty string.

    >>> did_you_mean("Alchol", ["alcohol", "ash"])
    'Did you mean "alcohol"? '
    """
    import difflib  # only on the way to an error

    by_lower = {name.lower(): name for name in names}
    meant = OTHER_NAMES.get(received.lower())
    if meant in by_lower:
        return f'Did you mean "{meant}"? '
    near = difflib.get_close_matches(received.lower(), by_lower, n=1, cutoff=0.65)
    return f'Did you mean "{by_lower[near[0]]}"? ' if near else ""
