"""Sparse inputs: as a dense array where it fits, otherwise a few minibatches at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.core.network import Network
from chainrule.engines.choose import Choice
from chainrule.engines.draws import draw_order
from chainrule.engines.work import Chunk, Engine, EpochNumbers, NotFiniteError, Work
from chainrule.errors import UsageError
from chainrule.training.prepare import Training

MOST_BYTES = 2**30  # of a dense array that a fit may make of sparse rows
BLOCK_BYTES = 2**26


def is_sparse(X: Any) -> bool:
    """Whether X is a scipy.sparse array or matrix."""
    return hasattr(X, "toarray")


def densely(X: Any) -> Any:
    """Return X as a dense array, unless it is sparse and would be too large."""
    size = X.shape[0] * X.shape[1] * X.dtype.itemsize
    return X.toarray() if is_sparse(X) and size <= MOST_BYTES else X


def is_thin(X: Any) -> bool:
    """Whether X is so sparse that products with its entries alone are sooner done, or too large to be made dense."""
    return is_sparse(X) and (X.nnz < 0.1 * X.shape[0] * X.shape[1] or is_sparse(densely(X)))


def all_at_once(X: Any, what: str) -> np.ndarray:
    """Return X as a dense array.

    Raises
    ------
    UsageError
        If it would be too large, naming what needs it.
    """
    X = densely(X)
    if is_sparse(X):
        raise UsageError(
            f"{what} takes all rows at once, and {X.shape[0]} sparse rows of {X.shape[1]} features would take "
            f"{X.shape[0] * X.shape[1] * X.dtype.itemsize / 2**30:.1f} GiB. Use solver='adam' or 'sgd' with fewer rows "
            "to watch, or fewer features."
        )
    dense: np.ndarray = X
    return dense


def on_sparse_rows(training: Training, X: Any, Y: np.ndarray, sample_weight: np.ndarray | None, batch: int) -> Training:
    """Return a training that was prepared for one dense row, for all sparse rows instead."""
    work = replace(training.work, X=X, Y=Y, sample_weight=sample_weight, batch_size=batch)
    inner = training.engine
    return replace(training, work=work, engine=Choice(_by_blocks(inner.run), inner.name, inner.why))


def _by_blocks(inner: Engine) -> Engine:
    """An engine that hands dense blocks of minibatches to another."""

    def run(
        work: Work, network: Network, rule_state: Any, generator: np.random.Generator, learning_rates: np.ndarray
    ) -> Chunk:
        N, B = work.n_examples, work.batch_size
        at_once = max(1, BLOCK_BYTES // (B * work.X.shape[1] * work.X.dtype.itemsize))
        numbers = []
        for epoch, rates in enumerate(learning_rates):
            order = draw_order(work, generator)
            rows = np.arange(N) if order is None else order
            measured, shares = [], []
            for first in range(0, work.updates_per_epoch, at_once):
                chosen = rows[first * B : (first + at_once) * B]
                part = work.part(chosen, work.X[chosen].toarray())
                try:
                    chunk = inner(part, network, rule_state, generator, rates[None, first : first + at_once])
                except NotFiniteError as error:
                    error.epoch, error.batch = epoch, error.batch + first
                    raise
                network, rule_state = chunk.network, chunk.rule_state
                measured.append(chunk.epochs[0])
                shares.append(len(chosen) / N)
            costs, accuracies, norms = np.array(measured).T
            numbers.append(EpochNumbers(float(costs @ shares), float(accuracies @ shares), float(norms.max())))
        return Chunk(network, rule_state, tuple(numbers))

    return run
