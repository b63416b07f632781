"""JAX with a whole epoch, or all of them, in one compiled call."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.cases import Parameters
from benchmarks.peers.base import Peer
from benchmarks.peers.jax_update import State, initial_state, update_of, weights_of


class JaxScan(Peer):
    """`lax.scan` over the batches; the best variant loops over the epochs inside the compiled call as well."""

    variants = ("an epoch a call", "many epochs a call", "many epochs a call, unrolled by 4")
    quick_variants = ("an epoch a call", "many epochs a call")

    def setup(self) -> None:
        X, Y = self.case.data()
        shape = (self.case.updates, self.case.batch, -1)
        self.X, self.Y = jnp.asarray(X.reshape(shape)), jnp.asarray(Y.reshape(shape))
        update = update_of(self.case)
        unroll = 4 if "unrolled" in self.variant else 1
        self.many = self.variant.startswith("many")

        def epoch(state: State, X: Any, Y: Any) -> State:
            return jax.lax.scan(lambda s, xy: (update(s, *xy), None), state, (X, Y), unroll=unroll)[0]

        def several(state: State, X: Any, Y: Any, epochs: Any) -> State:
            return jax.lax.fori_loop(0, epochs, lambda _, s: epoch(s, X, Y), state)

        self.compiled = jax.jit(several if self.many else epoch, donate_argnums=(0,))

    def restart(self) -> None:
        self.state = initial_state(self.case)

    def first_step(self) -> None:
        self._train(self.X[:1], self.Y[:1], 1)

    def run(self, epochs: int) -> None:
        self._train(self.X, self.Y, epochs)

    def weights(self) -> Parameters:
        return weights_of(self.state)

    def _train(self, X: Any, Y: Any, epochs: int) -> None:
        state = self.state
        if self.many:
            state = self.compiled(state, X, Y, epochs)
        else:
            for _ in range(epochs):
                state = self.compiled(state, X, Y)
        self.state = jax.block_until_ready(state)
