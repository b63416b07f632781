"""The C++ kernel (kernel/): which modules of it there are, what it knows, and how it is handed a network."""

from __future__ import annotations

import os
from functools import cache, partial
from importlib import import_module
from typing import Any

import numpy as np

from chainrule.core.catalogue import (
    ACTIVATIONS,
    LOSSES,
    FusedLoss,
    Loss,
    activation_named,
    head_and_numbers,
    loss_named,
)
from chainrule.core.network import Network
from chainrule.core.update_rules import UPDATE_RULES
from chainrule.options import MOST_THREADS

INSTRUCTION_SETS = ("v4", "v3", "v2", "native")  # x86-64-v4 has AVX-512, v3 AVX2; native is any other processor

# The kernel knows them by these places.
_ACTIVATIONS, _LOSSES, _RULES = tuple(ACTIVATIONS), tuple(LOSSES), tuple(UPDATE_RULES)

NOT_BUILT = (
    "was not built: the installation found no C++17 compiler, or not Python's headers (on Debian: apt install g++ "
    "python3-dev), or the compiler failed"
)


@cache
def kernels() -> dict[str, Any]:
    """Return the modules that were built and that this processor can run, by instruction set, the best first."""
    built = {}
    for name in INSTRUCTION_SETS:
        try:
            built[name] = import_module(f"chainrule.engines._kernel_{name}")
        except ImportError:
            continue
    runs = next(iter(built.values())).instruction_sets() if built else ()
    return {name: module for name, module in built.items() if name in runs}


def kernel() -> Any:
    """Return the best kernel, or None where none was built."""
    return next(iter(kernels().values()), None)


def refusal_of_network(network: Network, *arrays: Any) -> str:
    """Return why the kernel cannot compute with that network and those arrays, or an empty string."""
    if kernel() is None:
        return NOT_BUILT
    if not all(isinstance(array, np.ndarray) for array in (*arrays, *network.parameters)):
        return "takes NumPy arrays only"
    for layer in network.layers:
        name = layer.activation.name
        if not _is_built_in(layer.activation, ACTIVATIONS, activation_named):
            return f'knows the built-in activations only, not your own "{name}"'
    return ""


def suits(network: Network, X: Any) -> bool:
    """Whether the kernel knows the network, X fits it, and all is of one dtype."""
    if refusal_of_network(network, X):
        return False
    dtypes = {array.dtype for array in (X, *network.parameters)}
    if len(dtypes) > 1 or dtypes.pop() not in (np.float32, np.float64):
        return False
    return bool(X.ndim == 2 and X.shape[0] > 0 and X.shape[1] == network.sizes[0])


def refusal_of_loss(loss: Loss | FusedLoss) -> str:
    """Return why the kernel does not know that loss, or an empty string."""
    if _is_built_in(loss, LOSSES, loss_named):
        return ""
    return f'knows the built-in losses only, not your own "{loss.name}"'


def on_kernel(network: Network, instruction_set: str | None = None) -> Any:
    """Return the kernel's view of a network, which it reads and does not write to."""
    module = kernel() if instruction_set is None else kernels()[instruction_set]
    trainer = module.Trainer32() if network.parameters[0].dtype == np.float32 else module.Trainer64()
    for layer in network.layers:
        writeable = [np.require(parameter, requirements=("C", "W")) for parameter in layer.parameters]
        W, b = weights_and_biases(writeable, layer.x0)
        trainer.add_layer(W, b, *activation_code(layer.activation.name), layer.trainable, 0.0, [], [], [], [])
    return trainer


def weights_and_biases(parameters: list[np.ndarray], x0: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """Return a layer's W and b as the kernel takes them: row 0 of the weights of an x0 layer is its biases."""
    W = np.require(parameters[0], requirements="C")
    if x0:
        return W[1:], W[0]
    return W, np.require(parameters[1], requirements="C") if len(parameters) > 1 else None


def activation_code(name: str) -> tuple[int, float]:
    """Return by which number the kernel knows an activation, and the activation's own number."""
    head, numbers = head_and_numbers("activation", name)
    return _ACTIVATIONS.index(head), numbers[0] if numbers else {"leaky_relu": 0.01, "elu": 1.0}.get(head, 0.0)


def loss_code(loss: Loss | FusedLoss) -> tuple[int, float]:
    """Return by which number the kernel knows a loss, and the loss's own number."""
    name, numbers = head_and_numbers("loss", loss.name)
    return _LOSSES.index(name), numbers[0] if numbers else {"huber": 1.0, "quantile": 0.5}.get(name, 0.0)


def rule_code(name: str) -> int:
    """Return by which number the kernel knows an update rule."""
    return _RULES.index(name.partition("(")[0])


def cores() -> int:
    """Return how many cores this process may use, of as many as the kernel has threads for."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(found, MOST_THREADS)


def _is_built_in(one: Any, catalogue: Any, named: Any) -> bool:
    """Whether an activation or loss is the catalogue's own, and not yours of the same name."""
    if one.name.partition("(")[0] not in catalogue:
        return False
    return _same(one.value, named(one.name).value)


def _same(f: Any, g: Any) -> bool:
    if isinstance(f, partial) and isinstance(g, partial):
        return f.func is g.func and f.keywords == g.keywords
    return f is g
