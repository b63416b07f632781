"""What other programs call our losses; imports nothing, so that tables of options can read it."""

from __future__ import annotations

# Each stands for one loss and no other; names whose meaning depends on the outputs are not among them.
ALIASES = {
    "mse": "mean_of_squares",
    "mean_squared_error": "mean_of_squares",
    "squared_error": "half_squared_error",  # scikit-learn's, whose loss has the half as well
    "mae": "absolute_error",
    "l1": "absolute_error",
    "mean_absolute_error": "absolute_error",
    "pinball": "quantile",
    "pinball_loss": "quantile",
    "mean_pinball_loss": "quantile",
    "quantile_loss": "quantile",
    "huber_loss": "huber",
    "bce": "logistic_binary_cross_entropy",
    "binary_crossentropy": "binary_cross_entropy",
    "categorical_crossentropy": "categorical_cross_entropy",
}


def own_name(name: str) -> str:
    """Return our name of a loss, with its numbers; a name that is not another program's comes back as it is.

    >>> own_name("MAE"), own_name("pinball(0.9)"), own_name("huber")
    ('absolute_error', 'quantile(0.9)', 'huber')
    """
    head, parenthesis, numbers = name.strip().partition("(")
    ours = ALIASES.get(head.strip().lower().replace("-", "_"))
    return name if ours is None else f"{ours}{parenthesis}{numbers}"
