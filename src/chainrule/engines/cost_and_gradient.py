"""J over all examples and its gradient, as a function of the parameters in one vector: what minimisers ask for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from chainrule.core.network import Network
from chainrule.core.passes import backward, forward
from chainrule.core.update_rules import momentum
from chainrule.engines import compiled
from chainrule.engines.reference import trainable_gradients
from chainrule.engines.vectors import as_vector, decayed_entries, examples_in_float64, in_float64
from chainrule.engines.work import Work

CACHE = 2**20  # bytes of activations that stay near a core


class CostAndGradient:
    """J and dJ/dw at any w, in float64; on the compiled engine where it can.

    Parameters
    ----------
    work : Work
        The examples, the loss and the weight decay; its update rule and batch size are not looked at.
    network : Network
        Its parameters say which shapes w holds.

    Examples
    --------
    >>> from chainrule.core.catalogue import loss_named
    >>> net = Network.dense([1, 1], "identity", weights=[np.array([[2.0]])])
    >>> work = Work(np.array([[3.0]]), np.array([[5.0]]), None, loss_named("half_squared_error"), momentum(0), 1)
    >>> CostAndGradient(work, net)(np.array([2.0, 0.0]))  # (w x + b - y)^2 / 2 and its derivatives
    (0.5, array([3., 1.]))
    """

    def __init__(self, work: Work, network: Network) -> None:
        X, Y, s = examples_in_float64(work)
        # After one update by all examples at rate 1 the velocity of momentum is minus the gradient, to the bit.
        rule = momentum(0.0)
        self.work = replace(
            work, X=X, Y=Y, sample_weight=s, rule=rule, batch_size=len(X), shuffle=False, dropout=(), clip_norm=None,
            clip_value=None,
        )  # fmt: skip
        # The network's parameters are views of one vector, which every call fills anew.
        exact = in_float64(network)
        wanted = exact.trainable_parameters
        self.w = as_vector(wanted)
        parts = np.split(self.w, np.cumsum([parameter.size for parameter in wanted])[:-1])
        views = [part.reshape(like.shape) for part, like in zip(parts, wanted, strict=True)]
        self.network = exact.with_parameters(views, trainable_only=True)
        self.start = rule.init(views)
        self.on_kernel = not compiled.refusal(self.work, self.network)
        self.decay = self.work.decay_of(len(X))
        self.decayed = self.decay * decayed_entries(self.network)
        of_frozen = [layer.decayed for layer in self.network.layers if not layer.trainable]
        self.cost_of_frozen = 0.5 * self.decay * sum(float(np.sum(W * W)) for W in of_frozen)
        self.blocks = list(self._blocks())

    def _blocks(self) -> Iterator[Work]:
        """Examples whose activations fit into a processor's cache; as one batch, many would not."""
        rows = max(256, CACHE // (8 * sum(self.network.sizes)))
        for start in range(0, len(self.work.X), rows):
            chosen = slice(start, start + rows)
            part = self.work.part(chosen, self.work.X[chosen])
            yield replace(part, weight_decay=0.0, batch_size=len(part.X))

    def __call__(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Return J, infinite where it is no number, and the gradient (p,) at the parameters w (p,)."""
        self.w[:] = w
        with np.errstate(all="ignore"):  # a trial may go too far: its cost is then infinite
            J, g = self.cost_of_frozen + 0.5 * float(self.decayed @ (w * w)), self.decayed * w
            for block in self.blocks:
                share = len(block.X) / len(self.work.X) if self.work.reduction == "mean" else 1.0
                J_of_block, g_of_block = self._of(block)
                J, g = J + share * J_of_block, g + share * g_of_block
        return (J if math.isfinite(J) else math.inf), g

    def _of(self, block: Work) -> tuple[float, np.ndarray]:
        if self.on_kernel:
            job = compiled.Job(block, self.network, self.start, np.random.default_rng(0), np.ones((1, 1)))
            (outcome,), interrupted = compiled.run_all([job])
            if interrupted:
                raise KeyboardInterrupt
            if outcome.end != "not finite":
                return float(outcome.epochs[0, 0]), -as_vector(outcome.rule_state.velocity)
        record = forward(self.network, block.X)
        gradients = backward(self.network, record, block.Y, block.loss, reduction="sum", sample_weight=block.shares)
        share = 1 / len(block.X) if block.reduction == "mean" else 1.0
        return share * float(gradients.cost), share * as_vector(trainable_gradients(self.network, gradients))
