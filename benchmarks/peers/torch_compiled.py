"""PyTorch with torch.compile: the model compiled, and the whole update compiled as one function."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.cases import BETA_1, BETA_2, EPSILON, Case, Parameters
from benchmarks.peers.torch_eager import Step, TorchLoop, optimizer_of, refill, step_with


class TorchCompiled(TorchLoop):
    """Inductor makes C++ of it; compiled once for the shapes of a case."""

    variants = ("model compiled", "whole update compiled", "whole update compiled, C++ wrapper")

    def setup(self) -> None:
        super().setup()
        torch.compiler.reset()
        self.parameters = [p for m in self.model if isinstance(m, nn.Linear) for p in (m.weight, m.bias)]
        self.step = self._step_of_model() if self.variant == "model compiled" else self._whole_step()

    def restart(self) -> None:
        refill(self.model, self.case)
        if self.variant == "model compiled":
            self.optimizer.state.clear()
        else:
            for tensor in (*self.means, *self.squares, self.updates):
                tensor.zero_()

    def weights(self) -> Parameters:
        arrays = [p.detach().numpy() for p in self.parameters]
        return [(W.T.copy(), b.copy()) for W, b in zip(arrays[::2], arrays[1::2], strict=True)]

    def _step_of_model(self) -> Step:
        self.optimizer = optimizer_of(self.case, self.model)
        return step_with(torch.compile(self.model, dynamic=False), self.optimizer, self.case)

    def _whole_step(self) -> Step:
        """Both passes and the update of the weights, in place, as one graph."""
        parameters = [p.detach() for p in self.parameters]  # the same memory
        self.means = [torch.zeros_like(p) for p in parameters]
        self.squares = [torch.zeros_like(p) for p in parameters]
        self.updates = torch.zeros(())
        options = {"cpp_wrapper": True} if "C++" in self.variant else None
        update = torch.compile(_update_of(self.case), fullgraph=True, dynamic=False, options=options)
        state = (parameters, self.means, self.squares, self.updates)

        def step(x: torch.Tensor, y: torch.Tensor) -> None:
            with torch.no_grad():
                update(*state, x, y)

        return step


def _update_of(case: Case) -> Callable[..., None]:
    """One update as a function of its state, which it changes."""
    L, rate = len(case.sizes) - 1, case.learning_rate

    def cost(parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        for l in range(L):
            x = F.linear(x, parameters[2 * l], parameters[2 * l + 1])
            if l < L - 1 or case.output == "logistic":
                x = torch.sigmoid(x)
        return 0.5 * torch.sum((x - y) ** 2) / len(x)

    def update(
        parameters: list[torch.Tensor],
        means: list[torch.Tensor],
        squares: list[torch.Tensor],
        updates: torch.Tensor,
        x: torch.Tensor,
        y: torch.Tensor,
    ) -> None:
        gradients = torch.func.grad(cost)(parameters, x, y)
        if case.rule == "gradient_descent":
            for p, g in zip(parameters, gradients, strict=True):
                p.sub_(rate * g)
            return
        updates.add_(1)
        for p, m, s, g in zip(parameters, means, squares, gradients, strict=True):
            m.mul_(BETA_1).add_((1 - BETA_1) * g)
            s.mul_(BETA_2).add_((1 - BETA_2) * g * g)
            p.sub_(rate * (m / (1 - BETA_1**updates)) / (torch.sqrt(s / (1 - BETA_2**updates)) + EPSILON))

    return update
