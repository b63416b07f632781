"""PyTorch, eager: the loop of its tutorials, its faster optimizers, and an update written out by hand."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.cases import BETA_1, BETA_2, EPSILON, Case, Parameters
from benchmarks.peers.base import Peer

Step = Callable[[torch.Tensor, torch.Tensor], None]


def sequential(case: Case) -> nn.Sequential:
    """The network as modules."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in zip(case.sizes, case.sizes[1:], strict=False):
        layers += [nn.Linear(fan_in, fan_out), nn.Sigmoid()]
    return nn.Sequential(*(layers if case.output == "logistic" else layers[:-1]))


def refill(model: nn.Sequential, case: Case) -> None:
    """Put the initial weights into a model, in place."""
    linear = [module for module in model if isinstance(module, nn.Linear)]
    with torch.no_grad():
        for module, (W, b) in zip(linear, case.initial(), strict=True):
            module.weight.copy_(torch.from_numpy(W.T.copy()))
            module.bias.copy_(torch.from_numpy(b))


def optimizer_of(case: Case, model: nn.Module, **options: bool) -> torch.optim.Optimizer:
    """Gradient descent or Adam over a model's parameters."""
    if case.rule == "adam":
        return torch.optim.Adam(
            model.parameters(), lr=case.learning_rate, betas=(BETA_1, BETA_2), eps=EPSILON, **options
        )
    return torch.optim.SGD(model.parameters(), lr=case.learning_rate, **options)


def step_with(model: nn.Module, optimizer: torch.optim.Optimizer, case: Case) -> Step:
    """One update as the tutorials write it; `model` may be a compiled one."""
    half_outputs = case.sizes[-1] / 2  # mse_loss is the mean over outputs too

    def step(x: torch.Tensor, y: torch.Tensor) -> None:
        optimizer.zero_grad()
        loss = half_outputs * F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()

    return step


class TorchLoop(Peer):
    """A loop over batches that were split once; what a step is, subclasses say."""

    step: Step

    def setup(self) -> None:
        torch.set_num_threads(self.threads)
        X, Y = (torch.from_numpy(M) for M in self.case.data())
        self.batches = list(zip(X.split(self.case.batch), Y.split(self.case.batch), strict=True))
        self.model = sequential(self.case)

    def first_step(self) -> None:
        self.step(*self.batches[0])

    def run(self, epochs: int) -> None:
        step, batches = self.step, self.batches
        for _ in range(epochs):
            for x, y in batches:
                step(x, y)


class TorchEager(TorchLoop):
    """The loop with PyTorch's own optimizers, or with an update written out."""

    variants = ("optimizer's defaults", "foreach", "fused", "update by hand")
    quick_variants = ("optimizer's defaults", "update by hand")

    def setup(self) -> None:
        super().setup()
        self.step = self._step()

    def restart(self) -> None:
        refill(self.model, self.case)
        self.optimizer.state.clear()

    def weights(self) -> Parameters:
        linear = [module for module in self.model if isinstance(module, nn.Linear)]
        return [(module.weight.detach().numpy().T.copy(), module.bias.detach().numpy().copy()) for module in linear]

    def _step(self) -> Step:
        if self.variant == "update by hand":
            return self._step_by_hand()
        options = {} if self.variant == "optimizer's defaults" else {self.variant: True}
        self.optimizer = optimizer_of(self.case, self.model, **options)
        return step_with(self.model, self.optimizer, self.case)

    def _step_by_hand(self) -> Step:
        """No modules, no scaling of the loss: its factor starts the backward pass."""
        optimizer = optimizer_of(self.case, self.model, fused=True)
        self.optimizer = optimizer
        parameters = list(self.model.parameters())
        pairs = list(zip(parameters[::2], parameters[1::2], strict=True))
        logistic_output = self.case.output == "logistic"
        last = len(pairs) - 1
        factor = torch.tensor(self.case.sizes[-1] / 2)
        rate, adam = self.case.learning_rate, self.case.rule == "adam"

        def step(x: torch.Tensor, y: torch.Tensor) -> None:
            for l, (W, b) in enumerate(pairs):
                x = F.linear(x, W, b)
                if l < last or logistic_output:
                    x = torch.sigmoid(x)
            gradients = torch.autograd.grad(F.mse_loss(x, y), parameters, factor)
            if adam:
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    parameter.grad = gradient
                optimizer.step()
            else:
                with torch.no_grad():
                    torch._foreach_add_(parameters, gradients, alpha=-rate)

        return step
