"""One update in JAX, shared by the jitted step, the scan and the vmapped networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cases import BETA_1, BETA_2, EPSILON, Case, Parameters

State = dict[str, Any]  # parameters and what the rule remembers


def initial_state(case: Case) -> State:
    """Fresh device arrays: they may be donated."""
    parameters = [tuple(jnp.array(p, copy=True) for p in pair) for pair in case.initial()]
    if case.rule == "gradient_descent":
        return {"parameters": parameters}
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    return {
        "parameters": parameters,
        "means": zeros,
        "squares": jax.tree.map(jnp.zeros_like, parameters),
        "updates": jnp.zeros((), jnp.int32),
    }


def update_of(case: Case) -> Callable[[State, Any, Any], State]:
    """The function (state, x, y) -> state; gradient descent also takes another learning rate."""
    rate, last = case.learning_rate, len(case.sizes) - 2

    def cost(parameters: Any, x: Any, y: Any) -> Any:
        for l, (W, b) in enumerate(parameters):
            x = x @ W + b
            if l < last or case.output == "logistic":
                x = jax.nn.sigmoid(x)
        return 0.5 * jnp.sum((x - y) ** 2) / len(x)

    def gradient_descent(state: State, x: Any, y: Any, rate: float = rate) -> State:
        gradients = jax.grad(cost)(state["parameters"], x, y)
        return {"parameters": jax.tree.map(lambda p, g: p - rate * g, state["parameters"], gradients)}

    def adam(state: State, x: Any, y: Any) -> State:
        gradients = jax.grad(cost)(state["parameters"], x, y)
        t = state["updates"] + 1
        means = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, state["means"], gradients)
        squares = jax.tree.map(lambda s, g: BETA_2 * s + (1 - BETA_2) * g * g, state["squares"], gradients)
        m_share, s_share = 1 - BETA_1 ** t.astype(jnp.float32), 1 - BETA_2 ** t.astype(jnp.float32)
        parameters = jax.tree.map(
            lambda p, m, s: p - rate * (m / m_share) / (jnp.sqrt(s / s_share) + EPSILON),
            state["parameters"],
            means,
            squares,
        )
        return {"parameters": parameters, "means": means, "squares": squares, "updates": t}

    return adam if case.rule == "adam" else gradient_descent


def weights_of(state: State) -> Parameters:
    """The weights in NumPy arrays of their own."""
    return [(np.array(W), np.array(b)) for W, b in state["parameters"]]
