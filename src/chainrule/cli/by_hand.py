"""Networks by hand on the command line: their sizes, their weights, and a few examples, without any file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from chainrule.cli.flags import PlanOption
from chainrule.errors import UsageError
from chainrule.files import refuse_device

SECTION = "A network by hand"
FLAGS: dict[str, str] = {
    "weights": 'ones, zeros, "uniform(-1,1)" or another way to draw them, a file of JSON, or the matrices as '
    "JSON: [[[1,1],[1,1]],[[1],[1]]], as the notation writes them. [default: auto]",
    "biases": "ones, zeros, none, a file of JSON, or [[0,0],[0]]. [default: zeros beside given weights]",
    "seed": "Of weights that are drawn. [default: 0]",
    "activation": "Of all layers, or of each: tanh,logistic. [default: logistic]",
    "output-activation": "Of the last layer.",
    "loss": "Such as half-squared-error. [default: the notation's own]",
    "x": "The examples: numbers with commas, examples with semicolons, as in 0.3,1;0.5,0.2.",
    "y": "Their targets, likewise.",
    "reduction": "mean or sum. [default: the notation's own]",
    "weight-decay": "lambda, in J = ... + lambda/2 times the squared weights, in every notation. [default: 0]",
    "update": 'The rule that changes the weights, such as "momentum(0.9)".',
    "learning-rate": "Of the rule. [default: 0.01]",
}  # fmt: skip
_NAMES = {flag: flag.replace("-", "_") for flag in FLAGS}
_KINDS: dict[str, Any] = {"seed": int, "weight-decay": float, "learning-rate": float}


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a command with the flags of a network by hand; those that are not given are passed as None."""
    for flag, text in reversed(FLAGS.items()):
        kind = _KINDS.get(flag, str)
        metavar = {int: "N", float: "X"}.get(kind, "TEXT")
        command = click.option(
            f"--{flag}", f"hand_{_NAMES[flag]}", cls=PlanOption, section=SECTION, type=kind, metavar=metavar, help=text
        )(command)
    return command


def is_network(text: str) -> bool:
    """Whether a text names a network by its sizes, such as 2-3-1."""
    return re.fullmatch(r"\d+(-\d+)+", text) is not None


def taken(flags: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Divide flags into those of a network by hand that were given, without their prefix, and all others."""
    hand = {name.removeprefix("hand_"): v for name, v in flags.items() if name.startswith("hand_") and v is not None}
    return hand, {name: value for name, value in flags.items() if not name.startswith("hand_")}


def refuse(hand: dict[str, Any], model: str) -> None:
    """Raise UsageError for flags of a network by hand beside a model's file."""
    if hand:
        flag = next(iter(hand)).replace("_", "-")
        raise UsageError(f"--{flag} belongs to a network by hand, such as 2-3-1; {model} is a model's file.")


def network(sizes: str, hand: dict[str, Any], notation: str) -> Any:
    """Build the network that the flags describe."""
    from chainrule.core.initial_weights import INITS
    from chainrule.core.network import Network

    shape = [int(n) for n in sizes.split("-")]
    activation = _named(hand.get("activation", "logistic"))
    chosen: dict[str, Any] = {
        "activation": _split(activation) if len(_split(activation)) > 1 else activation,
        "output_activation": _named(hand["output_activation"]) if "output_activation" in hand else None,
    }
    weights, biases = hand.get("weights", "auto"), hand.get("biases")
    if biases == "none":
        chosen["bias"], biases = False, None
    drawn = weights.partition("(")[0] in INITS and weights != "zeros"
    if drawn and biases is None:
        return Network.dense(shape, **chosen, init=weights, seed=hand.get("seed", 0))
    if drawn:
        raise UsageError("--biases stand beside given --weights; leave them out where weights are drawn.")
    if "seed" in hand:
        raise UsageError("--seed draws weights; leave it out beside given --weights.")
    like = Network.dense(shape, **chosen, init="zeros")
    made: dict[str, Any] = {}
    if weights in ("ones", "zeros"):  # no notation writes these otherwise
        made["weights"] = [0 * layer.weights + float(weights == "ones") for layer in like.layers]
    else:
        made |= {"weights": _arrays("--weights", weights), "notation": notation}
    if biases in ("ones", "zeros"):
        made["biases"] = [[float(biases == "ones")] * n for n in shape[1:]]
    elif biases is not None:
        made["biases"] = _arrays("--biases", biases)
    return Network.dense(shape, **chosen, **made)


def explained(sizes: str, row: int, hand: dict[str, Any], *, notation: str, **options_: Any) -> Any:
    """Explain a network by hand at its examples."""
    from chainrule.explaining.explain import explain

    if "x" not in hand:
        raise UsageError(f"name the examples of {sizes} with --x, as in --x 0.3,1.0 --y 0.75.")
    X = _examples("--x", hand["x"])
    Y = _examples("--y", hand["y"]) if "y" in hand else None
    if row > len(X):
        raise UsageError(f"--x has {len(X)} examples; there is no row {row}.")
    further = {name: hand[name] for name in ("reduction", "weight_decay", "update", "learning_rate") if name in hand}
    loss = _named(hand["loss"]) if "loss" in hand else None
    made = network(sizes, hand, notation)
    return explain(made, X, Y, loss=loss, notation=notation, example=row - 1, **further, **options_)


def _named(text: str) -> str:
    """Names of the command line as Python has them, with a minus before a number left as it is.

    >>> _named("half-squared-error"), _named("uniform(-1,1)")
    ('half_squared_error', 'uniform(-1,1)')
    """
    return re.sub(r"(?<=[a-z])-(?=[a-z])", "_", text)


def _split(text: str) -> list[str]:
    """Names apart at commas that stand in no parentheses."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", text)]


def _examples(flag: str, text: str) -> list[list[float]]:
    try:
        return [[float(number) for number in row.split(",")] for row in text.strip().strip(";").split(";")]
    except ValueError:
        raise UsageError(
            f"{flag}: numbers stand with commas, examples with semicolons, as in 0.3,1;0.5,0.2; received {text}."
        ) from None


def _arrays(flag: str, text: str) -> Any:
    """Arrays as JSON, in the text or in the file of that name."""
    try:
        if not text.lstrip().startswith("["):
            refuse_device(text)
            text = Path(text).read_text(encoding="utf-8")
        made = json.loads(text)
    except OSError as error:
        raise UsageError(
            f"{flag}: {text} is no JSON of arrays, and no file that can be read ({error.strerror})."
        ) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{flag}: this is no JSON of arrays, such as [[[1,1],[1,1]],[[1],[1]]] ({error}).") from None
    if not isinstance(made, list):
        raise UsageError(f"{flag}: a list with an array for each layer is needed; received {made!r}.")
    return made
