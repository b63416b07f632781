"""JAX with one jitted update, called for each batch."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from benchmarks.cases import Parameters
from benchmarks.peers.base import Peer
from benchmarks.peers.jax_update import initial_state, update_of, weights_of


class JaxStep(Peer):
    """Donated buffers let XLA update the weights in place."""

    variants = ("jit", "jit, donated buffers")

    def setup(self) -> None:
        X, Y = self.case.data()
        B = self.case.batch
        self.batches = [
            (jnp.asarray(X[start : start + B]), jnp.asarray(Y[start : start + B])) for start in range(0, len(X), B)
        ]
        self.step = jax.jit(update_of(self.case), donate_argnums=(0,) if "donated" in self.variant else ())

    def restart(self) -> None:
        self.state = initial_state(self.case)

    def first_step(self) -> None:
        self.state = self.step(self.state, *self.batches[0])

    def run(self, epochs: int) -> None:
        state, step, batches = self.state, self.step, self.batches
        for _ in range(epochs):
            for x, y in batches:
                state = step(state, x, y)
        self.state = jax.block_until_ready(state)

    def weights(self) -> Parameters:
        return weights_of(self.state)
