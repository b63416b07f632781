"""Update rules: from the gradient of J to the change of every weight.

Each rule is a pair of pure functions. `init(parameters)` makes its state; `update(gradients, state, learning_rate)`
returns the changes to add, and the next state. Parameters, gradients and changes are lists of arrays in one order.
A state is a named tuple of such lists, so that every number in it can be traced.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from chainrule.core.arrays import Array
from chainrule.core.catalogue import made_by_name
from chainrule.errors import UsageError

Arrays = list[Array]


class UpdateRule(NamedTuple):
    """A rule: `init(parameters) -> state`, `update(gradients, state, learning_rate) -> (changes, state)`.

    `decoupled` says that weight decay is to shrink the weights directly, beside the rule, rather than as part
    of J's gradient (AdamW). `constants` are the numbers of a built-in rule, by which another engine knows it again; a
    rule of your own leaves them out.
    """

    name: str
    init: Callable[[Arrays], Any]
    update: Callable[[Arrays, Any, float], tuple[Arrays, Any]]
    decoupled: bool = False
    constants: tuple[float, ...] | None = None


class NoState(NamedTuple):
    """Plain gradient descent remembers nothing."""


class Velocity(NamedTuple):
    """What momentum remembers: the last change of each parameter."""

    velocity: Arrays


class MeanSquare(NamedTuple):
    """What RMSprop remembers: a running mean of each squared gradient."""

    mean_square: Arrays


class Moments(NamedTuple):
    """What Adam remembers: running means of each gradient and its square, and how many updates were made."""

    mean: Arrays
    mean_square: Arrays
    updates: int


class Steps(NamedTuple):
    """What Rprop remembers: each parameter's step, in learning rates, and the gradient before."""

    steps: Arrays
    gradients: Arrays


def gradient_descent() -> UpdateRule:
    """dw = -eta dJ/dw (seeds 001 and 004)."""

    def update(gradients: Arrays, state: NoState, learning_rate: float) -> tuple[Arrays, NoState]:
        return [-learning_rate * g for g in gradients], state

    return UpdateRule("gradient_descent", lambda parameters: NoState(), update, constants=())


def momentum(mu: float = 0.9) -> UpdateRule:
    """v <- mu v - eta g; dw = v (Polyak 1964)."""
    _check_share("momentum", "mu", mu, with_1=True)

    def update(gradients: Arrays, state: Velocity, learning_rate: float) -> tuple[Arrays, Velocity]:
        v = [mu * v - learning_rate * g for v, g in zip(state.velocity, gradients, strict=True)]
        return v, Velocity(v)

    return UpdateRule("momentum", lambda parameters: Velocity(_zeros(parameters)), update, constants=(mu,))


def nesterov(mu: float = 0.9) -> UpdateRule:
    """v <- mu v - eta g; dw = mu v - eta g, momentum that looks a step ahead (Sutskever et al. 2013)."""
    _check_share("nesterov", "mu", mu, with_1=True)

    def update(gradients: Arrays, state: Velocity, learning_rate: float) -> tuple[Arrays, Velocity]:
        v = [mu * v - learning_rate * g for v, g in zip(state.velocity, gradients, strict=True)]
        changes = [mu * v - learning_rate * g for v, g in zip(v, gradients, strict=True)]
        return changes, Velocity(v)

    return UpdateRule("nesterov", lambda parameters: Velocity(_zeros(parameters)), update, constants=(mu,))


def rmsprop(rho: float = 0.9, epsilon: float = 1e-8) -> UpdateRule:
    """s <- rho s + (1 - rho) g^2; dw = -eta g / (sqrt s + epsilon) (Tieleman and Hinton 2012)."""
    _check_share("rmsprop", "rho", rho)
    _check_epsilon("rmsprop", epsilon)

    def update(gradients: Arrays, state: MeanSquare, learning_rate: float) -> tuple[Arrays, MeanSquare]:
        s = [rho * s + (1 - rho) * g * g for s, g in zip(state.mean_square, gradients, strict=True)]
        changes = [-learning_rate * g / (_sqrt(s) + epsilon) for s, g in zip(s, gradients, strict=True)]
        return changes, MeanSquare(s)

    return UpdateRule("rmsprop", lambda parameters: MeanSquare(_zeros(parameters)), update, constants=(rho, epsilon))


def adam(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8, epsilon_hat: float = 0.0) -> UpdateRule:
    """Adam, algorithm 1 of Kingma and Ba (2015).

    m and s are running means that start at 0; after t updates they hold the share 1 - beta^t of a full mean, and are
    divided by it. `epsilon` is added to the root of the full mean, `epsilon_hat` to that of s itself, as in the form at
    the end of their section 2, which scikit-learn has.
    """
    _check_share("adam", "beta_1", beta_1)
    _check_share("adam", "beta_2", beta_2)
    _check_epsilon("adam", epsilon)
    _check_epsilon("adam", epsilon_hat, "epsilon_hat")

    def update(gradients: Arrays, state: Moments, learning_rate: float) -> tuple[Arrays, Moments]:
        t = state.updates + 1
        m = [beta_1 * m + (1 - beta_1) * g for m, g in zip(state.mean, gradients, strict=True)]
        s = [beta_2 * s + (1 - beta_2) * g * g for s, g in zip(state.mean_square, gradients, strict=True)]
        m_share, s_share = 1 - beta_1**t, 1 - beta_2**t
        added = epsilon + epsilon_hat / math.sqrt(s_share)
        changes = [-learning_rate * (m / m_share) / (_sqrt(s / s_share) + added) for m, s in zip(m, s, strict=True)]
        return changes, Moments(m, s, t)

    def init(parameters: Arrays) -> Moments:
        return Moments(_zeros(parameters), _zeros(parameters), 0)

    return UpdateRule("adam", init, update, constants=(beta_1, beta_2, epsilon, epsilon_hat))


def adamw(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8, epsilon_hat: float = 0.0) -> UpdateRule:
    """Adam with weight decay beside it, dw = adam - eta lambda w (Loshchilov and Hutter 2019)."""
    return adam(beta_1, beta_2, epsilon, epsilon_hat)._replace(name="adamw", decoupled=True)


def rprop(grow: float = 1.2, shrink: float = 0.5, largest: float = 50.0, smallest: float = 1e-6) -> UpdateRule:
    """iRprop- (Riedmiller and Braun 1993; Igel and Huesken 2000): only the sign of the gradient counts.

    A step grows while the sign stays and shrinks where it turns; there the parameter rests for one update.
    Steps start at 1 and are in units of the learning rate. For training by batch: signs of minibatches turn by chance.
    """
    if not (grow > 1 and 0 < shrink < 1 and 0 < smallest < largest):
        raise UsageError(
            "rprop(grow, shrink, largest, smallest) needs grow > 1, 0 < shrink < 1, 0 < smallest < largest."
        )

    def update(gradients: Arrays, state: Steps, learning_rate: float) -> tuple[Arrays, Steps]:
        steps, kept, changes = [], [], []
        for g, before, d in zip(gradients, state.gradients, state.steps, strict=True):
            xp = g.__array_namespace__()
            agreement = g * before
            factor = xp.where(agreement > 0, xp.full_like(d, grow), xp.ones_like(d))
            factor = xp.where(agreement < 0, xp.full_like(d, shrink), factor)
            d = xp.clip(d * factor, smallest, largest)
            g = xp.where(agreement < 0, xp.zeros_like(g), g)
            steps.append(d)
            kept.append(g)
            changes.append(-learning_rate * xp.sign(g) * d)
        return changes, Steps(steps, kept)

    def init(parameters: Arrays) -> Steps:
        return Steps([p.__array_namespace__().ones_like(p) for p in parameters], _zeros(parameters))

    return UpdateRule("rprop", init, update, constants=(grow, shrink, largest, smallest))


UPDATE_RULES: Mapping[str, Callable[..., UpdateRule]] = {
    "gradient_descent": gradient_descent,
    "momentum": momentum,
    "nesterov": nesterov,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adamw,
    "rprop": rprop,
}


def update_rule_named(name: str | UpdateRule) -> UpdateRule:
    """Return the rule of that name; its constants may follow, as in `momentum(0.95)` or `adam(0.9,0.99)`.

    Raises
    ------
    UsageError
        If the name is unknown or its constants are out of range.

    Examples
    --------
    >>> import numpy as np
    >>> rule = update_rule_named("momentum(0.5)")
    >>> state = rule.init([np.zeros(1)])
    >>> changes, state = rule.update([np.ones(1)], state, 0.1)
    >>> changes, state = rule.update([np.ones(1)], state, 0.1)
    >>> changes[0].round(3)
    array([-0.15])
    """
    return name if isinstance(name, UpdateRule) else made_by_name("update", UPDATE_RULES, name)


def clip_by_norm(gradients: Sequence[Array], largest: float) -> Arrays:
    """Scale all gradients alike so that their common norm is at most `largest` (Pascanu et al. 2013)."""
    norm = global_norm(gradients)
    return list(gradients) if norm <= largest else [g * (largest / norm) for g in gradients]


def clip_by_value(gradients: Sequence[Array], largest: float) -> Arrays:
    """Cut every entry to [-largest, largest]."""
    return [g.__array_namespace__().clip(g, -largest, largest) for g in gradients]


def global_norm(arrays: Sequence[Array]) -> float:
    """Return the square root of the sum of all squared entries; they may be so large that their squares overflow."""
    norm = math.sqrt(sum(float(g.__array_namespace__().sum(g * g)) for g in arrays))
    if not math.isinf(norm):  # a NaN is among the entries, or their squares fit
        return norm
    largest = max(float(g.__array_namespace__().max(g.__array_namespace__().abs(g))) for g in arrays)
    return largest * global_norm([g / largest for g in arrays]) if math.isfinite(largest) else norm


def _zeros(parameters: Arrays) -> Arrays:
    return [p.__array_namespace__().zeros_like(p) for p in parameters]


def _sqrt(S: Array) -> Array:
    return S.__array_namespace__().sqrt(S)


def _check_share(rule: str, name: str, value: float, with_1: bool = False) -> None:
    if not (0 <= value < 1 or (with_1 and value == 1)):
        limit = "at most 1" if with_1 else "below 1"
        raise UsageError(f"{rule}: {name} must be at least 0 and {limit}; received {value:g}.")


def _check_epsilon(rule: str, value: float, name: str = "epsilon") -> None:
    if value < 0:
        raise UsageError(f"{rule}: {name} must be at least 0; received {value:g}.")
