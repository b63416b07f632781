"""Random chains in random styles are read as what they are; near misses are refused, or equal, and never different."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from foreign_kit import assert_same, fresh_rows, outputs
from torch import nn

import chainrule as cr
from chainrule import UsageError
from chainrule.models.foreign.proof import prove

pytestmark = pytest.mark.torch

# Our name of an activation, and the ways in which a person may write it.
ACTIVATIONS = {
    "relu": [nn.ReLU, F.relu, torch.relu, F.relu_, lambda x: x.relu(), lambda x: x.clamp(min=0)],
    "logistic": [nn.Sigmoid, torch.sigmoid, lambda x: x.sigmoid(), F.sigmoid],
    "tanh": [nn.Tanh, torch.tanh, lambda x: x.tanh(), F.tanh],
    "leaky_relu(0.2)": [lambda: nn.LeakyReLU(0.2), lambda x: F.leaky_relu(x, 0.2)],
    "elu(0.5)": [lambda: nn.ELU(0.5), lambda x: F.elu(x, 0.5), lambda x: F.elu_(x, 0.5)],
    "elu": [nn.ELU, nn.CELU, F.elu, F.celu],
    "selu": [nn.SELU, F.selu, torch.selu],
    "gelu": [nn.GELU, F.gelu, lambda x: F.gelu(x, approximate="none")],
    "silu": [nn.SiLU, F.silu],
    "softplus": [nn.Softplus, F.softplus, lambda x: F.softplus(x, threshold=30)],
    "softmax": [lambda: nn.Softmax(-1), lambda x: F.softmax(x, 1), lambda x: x.softmax(-1)],
    "exponential": [torch.exp, lambda x: x.exp()],
    "identity": [nn.Identity, lambda x: x],
}  # fmt: skip
PRODUCTS = [
    lambda layer, x: layer(x),
    lambda layer, x: F.linear(x, layer.weight, layer.bias),
    lambda layer, x: x @ layer.weight.T + layer.bias,
    lambda layer, x: torch.addmm(layer.bias, x, layer.weight.t()),
    lambda layer, x: layer.bias + torch.matmul(x, layer.weight.transpose(0, 1)),
    lambda layer, x: layer(x.unsqueeze(1)).squeeze(1),
]
HARMLESS = [
    lambda: nn.Dropout(0.5), nn.Identity, nn.Flatten, lambda: nn.AlphaDropout(0.3), lambda x: x.view(x.shape[0], -1),
    lambda x: x.reshape(len(x), -1), lambda x: x.contiguous(), lambda x: x.clone(), lambda x: x[:], lambda x: x + 0,
    lambda x: F.dropout(x, 0.4, training=False), lambda x: x.unsqueeze(2).squeeze(2), lambda x: x.to(x.dtype),
]  # fmt: skip


class Random(nn.Module):
    """A chain of random depth, widths, activations and styles; `meddle` is done to the rows before layer `where`."""

    def __init__(self, seed, meddle=None):
        super().__init__()
        random = np.random.default_rng(seed)
        torch.manual_seed(seed)
        depth = int(random.integers(1, 5))
        sizes = [int(n) for n in random.integers(2, 7, size=depth + 1)]
        self.names = [str(name) for name in random.choice(list(ACTIVATIONS), depth)]
        order = [int(l) for l in random.permutation(depth)]
        layers = {l: nn.Linear(sizes[l], sizes[l + 1]) for l in order}
        self.layers = nn.ModuleDict({f"layer {l}": layers[l] for l in order})  # declared in any order
        self.parts = nn.ModuleDict()  # an activation that is written as a module is made once
        self.ways = [self._way(name, random) for name in self.names]
        self.products = [PRODUCTS[random.integers(len(PRODUCTS))] for _ in range(depth)]
        self.between = [self._made(HARMLESS[random.integers(len(HARMLESS))], f"between {l}") for l in range(depth)]
        self.meddle, self.where = meddle, int(random.integers(1, depth + 1))

    def _way(self, name, random):
        return self._made(ACTIVATIONS[name][random.integers(len(ACTIVATIONS[name]))], name.replace(".", "_"))

    def _made(self, way, name):
        """A function as it is; of a class or a function without arguments the module, once for each name."""
        if not isinstance(way, type) and (not hasattr(way, "__code__") or way.__code__.co_argcount):
            return way
        if name not in self.parts:
            self.parts[name] = way()
        return self.parts[name]

    def forward(self, x):
        for l, (product, way, between) in enumerate(zip(self.products, self.ways, self.between, strict=True), start=1):
            x = between(way(product(self.layers[f"layer {l - 1}"], x)))
            if self.meddle is not None and l == self.where:
                x = self.meddle(x)
        return x


def read(module):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what was folded
        return cr.from_torch(module)


@pytest.mark.parametrize("first", range(0, 80, 10))
def test_random_chains_in_random_styles(first):
    for seed in range(first, first + 10):
        module = Random(seed).double().eval() if seed % 2 else Random(seed).eval()
        network = cr.from_torch(module)
        assert [layer.activation.name for layer in network.layers] == module.names
        assert_same(network, module, seed=seed + 1000)


class Straight(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x.round()

    @staticmethod
    def backward(context, gradient):
        return gradient


MISSES = {
    "residual": lambda x: x + x.tanh(),
    "doubled by itself": lambda x: x + x,
    "squared": lambda x: x * x,
    "power": lambda x: x**2,
    "gated": lambda x: x * x.sigmoid(),
    "gated by tanh": lambda x: x * x.tanh(),
    "softmax over the rows": lambda x: x.softmax(0),
    "softmax of one unit": lambda x: x.unsqueeze(2).softmax(2).squeeze(2),
    "log-softmax": lambda x: F.log_softmax(x, 1),
    "softmin": lambda x: F.softmin(x, 1),
    "relu6": F.relu6,
    "hardtanh": F.hardtanh,
    "clamped": lambda x: x.clamp(-0.5, 0.5),
    "clamped higher": lambda x: x.clamp(min=0.1),
    "threshold": lambda x: F.threshold(x, 0.1, 0.0),
    "softplus, steep": lambda x: F.softplus(x, beta=2),
    "softplus, early": lambda x: F.softplus(x, threshold=1),
    "gelu, other": lambda x: F.gelu(x, approximate="tanh"),
    "celu": lambda x: F.celu(x, 0.5),
    "elu, scaled": lambda x: torch.ops.aten.elu(x, 1.0, 1.1, 1.0),
    "mish": F.mish,
    "hardswish": F.hardswish,
    "log-sigmoid": F.logsigmoid,
    "softsign": F.softsign,
    "tanhshrink": F.tanhshrink,
    "sine": torch.sin,
    "absolute": torch.abs,
    "rounded": torch.round,
    "rounded, straight through": Straight.apply,
    "sign": torch.sign,
    "flipped": lambda x: x.flip(1),
    "rows flipped": lambda x: x.flip(0),
    "rolled": lambda x: x.roll(1, 0),
    "another order": lambda x: x[:, torch.randperm(x.shape[1], generator=torch.Generator().manual_seed(3))],
    "some columns": lambda x: x[:, : x.shape[1] - 1],
    "every other row": lambda x: x[::2],
    "transposed twice": lambda x: x.t().t(),
    "transposed and reshaped": lambda x: x.t().reshape(x.shape),
    "summed": lambda x: x.sum(1, keepdim=True),
    "cumulated": lambda x: x.cumsum(1),
    "sorted": lambda x: x.sort(1).values,
    "largest": lambda x: x.max(1, keepdim=True).values,
    "joined": lambda x: torch.cat([x, x], 1),
    "joined alone": lambda x: torch.cat([x], 1),
    "less the rows' mean": lambda x: x - x.mean(0),
    "less the units' mean": lambda x: x - x.mean(1, keepdim=True),
    "layer norm": lambda x: F.layer_norm(x, x.shape[1:]),
    "batch statistics": lambda x: F.batch_norm(x, None, None, training=True),
    "normalised": lambda x: F.normalize(x),
    "chosen": lambda x: torch.where(x > 0, x, 0.1 * x),
    "masked": lambda x: x.masked_fill(x < 0.2, 0.0),
    "a column in place": lambda x: x.index_fill(1, torch.tensor([0]), 0.0),
    "a row in place": lambda x: x.index_fill(0, torch.tensor([0]), 0.0),
    "dropout": lambda x: F.dropout(x, 0.5),
    "noise": lambda x: x + torch.randn_like(x),
    "random units": lambda x: x * torch.rand(x.shape[1]),
    "times the rows": lambda x: x * len(x),
    "detached": lambda x: x.detach(),
    "scaled": lambda x: 3 * x,
    "scaled backwards": lambda x: 1 - x / 4,
    "divided": lambda x: 1 / (x.abs() + 1),
    "by number of the unit": lambda x: x * (1 + torch.arange(x.shape[1])),
    "by number of the row": lambda x: x * torch.arange(len(x))[:, None],
    "through NumPy": lambda x: torch.tensor(x.detach().numpy() * 2),
    "in half precision": lambda x: x.bfloat16().to(x.dtype),
    "two of them": lambda x: (x, x),
    "unsqueezed": lambda x: x.unsqueeze(1),
    "flat": lambda x: x.flatten(),
}  # fmt: skip


@pytest.mark.parametrize("name", MISSES)
def test_near_misses_are_refused_or_equal(name):
    for seed in range(200, 206):
        module = Random(seed, MISSES[name]).eval()
        try:
            network = read(module)
        except UsageError:
            continue
        assert_same(network, module, seed=seed)


# What a chain of dense layers can express: with these, something must have been read, or the test above is idle.
EXPRESSIBLE = ("scaled", "scaled backwards", "by number of the unit")


@pytest.mark.parametrize("name", EXPRESSIBLE)
def test_what_can_be_expressed_is_read(name):
    found = 0
    for seed in range(200, 215):
        module = Random(seed, MISSES[name]).eval()
        if module.where < len(module.names):  # a dense layer follows, which takes the scale up
            assert_same(read(module), module)
            found += 1
    assert found >= 5


@cache
def plain_and_read(seed):
    module = Random(seed).eval()
    return module, cr.from_torch(module)


CHANGES = [name for name in MISSES if name not in ("transposed twice", "joined alone", "detached", "in half precision")]


@pytest.mark.parametrize("name", CHANGES)
def test_the_comparison_alone_finds_near_misses(name):
    """Were an operation overlooked on the way, the outputs would tell: whatever differs on other rows is refused."""
    random = torch.Generator().manual_seed(0)
    found = 0
    for seed in range(200, 206):
        plain, network = plain_and_read(seed)
        module = Random(seed, MISSES[name]).eval()
        X = fresh_rows(network.sizes[0]).astype(np.float32)
        torch.manual_seed(int(torch.randint(99, (1,), generator=random)))
        try:
            given = outputs(module, X)
        except (TypeError, AttributeError, RuntimeError):
            continue  # it cannot be called at all
        wanted = outputs(plain, X)
        if given.shape != wanted.shape or not np.allclose(given, wanted, rtol=1e-2, atol=1e-2):
            with pytest.raises(UsageError):
                prove(network, lambda rows, module=module: called(module, rows), "it")
            found += 1
    assert found or name in ("two of them", "unsqueezed", "flat", "through NumPy")


def called(module, rows):
    with torch.no_grad():
        return module(torch.tensor(rows)).numpy()
