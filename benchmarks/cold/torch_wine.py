"""The wine table with PyTorch: `python torch_wine.py wine.csv model.pt`."""

import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
torch.set_num_threads(1)  # the fastest for a network of this size
with open(sys.argv[1]) as file:
    header = file.readline().strip().split(",")
    table = np.loadtxt(file, delimiter=",", dtype=np.float32)
target = header.index("class")
y = torch.from_numpy(table[:, target]).long() - 1
X = torch.from_numpy(np.delete(table, target, axis=1))
order = torch.randperm(len(X))
test, train = order[: len(X) // 5], order[len(X) // 5 :]
mean, deviation = X[train].mean(dim=0), X[train].std(dim=0)
X = (X - mean) / deviation
X_train, y_train = X[train], y[train]

model = nn.Sequential(nn.Linear(13, 16), nn.Tanh(), nn.Linear(16, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
for _ in range(200):
    order = torch.randperm(len(X_train))
    for x, t in zip(X_train[order].split(16), y_train[order].split(16), strict=True):
        optimizer.zero_grad()
        F.cross_entropy(model(x), t).backward()
        optimizer.step()

with torch.no_grad():
    print("accuracy", (model(X[test]).argmax(dim=1) == y[test]).float().mean().item())
torch.save({"model": model.state_dict(), "mean": mean, "deviation": deviation}, sys.argv[2])
