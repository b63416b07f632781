"""What our losses are called, here and in other programs; imports nothing, so that tables of options can read it."""

from __future__ import annotations

LOSS_NAMES = (
    "half_squared_error", "sum_of_squares", "mean_of_squares", "absolute_error", "huber", "quantile", "poisson",
    "binary_cross_entropy", "categorical_cross_entropy", "logistic_binary_cross_entropy",
    "softmax_categorical_cross_entropy", "perceptron_criterion",
)  # fmt: skip
# Each stands for one loss and no other; names whose meaning depends on the outputs are not among them.
ALIASES = {
    "mse": "mean_of_squares",
    "mean_squared_error": "mean_of_squares",
    "squared_error": "half_squared_error",  # scikit-learn's, whose loss has the half as well
    "mae": "absolute_error",
    "l1": "absolute_error",
    "mean_absolute_error": "absolute_error",
    "pinball": "quantile",
    "mean_pinball": "quantile",
    "bce": "logistic_binary_cross_entropy",
    "bce_with_logits": "logistic_binary_cross_entropy",
    "binary_crossentropy": "binary_cross_entropy",
    "categorical_crossentropy": "categorical_cross_entropy",
    "sparse_categorical_crossentropy": "categorical_cross_entropy",
}


def _letters(name: str) -> str:
    """What is left of a name whose words are joined in whatever way: MeanSquaredError, huber-loss, "Huber Loss"."""
    return "".join(letter for letter in name.lower() if letter not in " -_").removesuffix("loss")


_OURS = {_letters(name): ours for name, ours in [*ALIASES.items(), *((name, name) for name in LOSS_NAMES)]}


def own_name(name: str) -> str:
    """Return our name of a loss, with its numbers; a name that is no loss's comes back as it is.

    >>> own_name("MAE"), own_name("pinball(0.9)"), own_name("HuberLoss"), own_name("mean squared error")
    ('absolute_error', 'quantile(0.9)', 'huber', 'mean_of_squares')
    """
    head, parenthesis, numbers = name.partition("(")
    ours = _OURS.get(_letters(head.strip()))
    return name if ours is None else f"{ours}{parenthesis}{numbers}"
