"""J over all examples and its gradient, as a function of the parameters in one vector: what minimisers ask for."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from chainrule.core.network import Network
from chainrule.core.passes import backward, forward
from chainrule.core.update_rules import momentum
from chainrule.engines import compiled
from chainrule.engines.reference import trainable_gradients
from chainrule.engines.vectors import as_vector, examples_in_float64, in_float64
from chainrule.engines.work import Work


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

    def __call__(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Return J, infinite where it is no number, and the gradient (p,) at the parameters w (p,)."""
        self.w[:] = w
        network = self.network
        if self.on_kernel:
            job = compiled.Job(self.work, network, self.start, np.random.default_rng(0), np.ones((1, 1)))
            (outcome,), interrupted = compiled.run_all([job])
            if interrupted:
                raise KeyboardInterrupt
            if outcome.end != "not finite":
                return float(outcome.epochs[0, 0]), -as_vector(outcome.rule_state.velocity)
        work = self.work
        with np.errstate(all="ignore"):  # a trial may go too far: its cost is then infinite
            gradients = backward(
                network, forward(network, work.X), work.Y, work.loss, reduction=work.reduction,
                weight_decay=work.decay_of(work.n_examples), sample_weight=work.sample_weight,
            )  # fmt: skip
        J = float(gradients.cost) if math.isfinite(gradients.cost) else math.inf
        return J, as_vector(trainable_gradients(network, gradients))
