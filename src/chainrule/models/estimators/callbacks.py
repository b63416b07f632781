"""scikit-learn's own callbacks, from version 1.9 on: told of every epoch, as tasks of the fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule.training.loop import Callback
from chainrule.training.state import TrainingState

try:
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback._callback_support import callback_management_context
except ImportError:  # before 1.9
    CallbackSupportMixin, callback_management_context = object, None


class CallbackSupport(CallbackSupportMixin):
    """`set_callbacks`, where scikit-learn has it."""


@contextmanager
def callbacks_of(estimator: Any, X: Any, y: Any, epochs: int) -> Iterator[list[Callback]]:
    """Give what is to be called after each epoch, and set scikit-learn's callbacks up before and down after.

    Only where some were set: they cost a call into Python for every epoch.
    """
    if callback_management_context is None or not (
        hasattr(estimator, "_skl_callbacks") or hasattr(estimator, "_parent_callback_ctx")
    ):
        yield []
        return
    with callback_management_context(estimator):
        root = estimator._init_callback_context(max_subtasks=epochs)
        root.call_on_fit_task_begin(estimator=estimator, X=X, y=y)
        stopped = False

        def after_epoch(state: TrainingState) -> bool:
            nonlocal stopped
            epoch = root.subcontext(task_name="epoch")
            epoch.call_on_fit_task_begin(estimator=estimator, X=X, y=y)
            stopped = epoch.call_on_fit_task_end(
                estimator=estimator, X=X, y=y, reconstruction_attributes=lambda: _fitted(estimator, state)
            )
            return bool(stopped)

        yield [after_epoch]
        root.call_on_fit_task_end(estimator=estimator, X=X, y=y)


def _fitted(estimator: Any, state: TrainingState) -> dict[str, Any]:
    """The attributes that make a fitted estimator of a training under way."""
    layers = state.network.layers
    return {
        "coefs_": [np.asarray(layer.weights) for layer in layers],
        "intercepts_": [np.asarray(layer.biases) for layer in layers],
        "loss_": state.history[-1].cost,
        "n_iter_": state.epoch,
    }
