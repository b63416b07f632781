"""Modules and models to import, and what they give."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

import chainrule as cr


class Written(nn.Module):
    """A module whose forward pass is a function of it and the rows; its layers are declared out of order."""

    def __init__(self, compute):
        super().__init__()
        torch.manual_seed(1)
        self.last = nn.Linear(4, 2)
        self.middle = nn.Linear(4, 4)
        self.first = nn.Linear(3, 4)
        self.drop = nn.Dropout(0.5)
        self.norm = nn.BatchNorm1d(4)
        self.free = nn.Parameter(torch.randn(4, 2))
        with torch.no_grad():
            self.norm.running_mean.normal_()
            self.norm.running_var.uniform_(0.5, 2)
            self.norm.weight.normal_()
            self.norm.bias.normal_()
        self.compute = compute

    def forward(self, x):
        return self.compute(self, x)


def written(compute):
    return Written(compute).eval()


def outputs(module, X):
    """What a module gives, as float64, (N, outputs)."""
    dtype = next(module.parameters()).dtype
    with torch.no_grad():
        Y = module(torch.tensor(X, dtype=dtype)).double().numpy()
    return Y[:, None] if Y.ndim == 1 else Y


def fresh_rows(width, seed=7):
    """Rows that no import has seen."""
    random = np.random.default_rng(seed)
    return np.vstack([scale * random.normal(size=(9, width)) for scale in (0.1, 1.0, 8.0)])


def assert_same(network, module, seed=7):
    """The network gives what the module gives, in float64 where the module has that."""
    X = fresh_rows(network.sizes[0], seed)
    exact = next(module.parameters()).dtype == torch.float64
    given = outputs(module, X if exact else X.astype(np.float32))
    ours = cr.forward(network.astype("float64"), X if exact else X.astype(np.float32).astype(np.float64)).output
    size = np.maximum(np.abs(given), np.abs(given).max(initial=1e-3) * 1e-3 if exact else np.abs(given).max())
    assert (np.abs(ours - given) <= (1e-8 if exact else 2e-5) * size).all()
