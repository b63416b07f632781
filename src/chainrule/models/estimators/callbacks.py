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
def callbacks_of(estimator: Any, X: Any, y: Any, epochs: int, constant: float) -> Iterator[list[Callback]]:
    """Give what is to be called after each epoch, and set scikit-learn's callbacks up before and down after.

    Only where some were set: they cost a call into Python for every epoch. `constant` is what the loss has beside the
    network's.
    """
    if callback_management_context is None or not (
        hasattr(estimator, "_skl_callbacks") or hasattr(estimator, "_parent_callback_ctx")
    ):
        yield []
        return
    with callback_management_context(estimator):
        root = estimator._init_callback_context(max_subtasks=epochs)
        root.call_on_fit_task_begin(estimator=estimator, X=X, y=y)

        def after_epoch(state: TrainingState) -> bool:
            epoch = root.subcontext(task_name="epoch")
            epoch.call_on_fit_task_begin(estimator=estimator, X=X, y=y)
            fitted = lambda: _fitted(state, constant)  # noqa: E731 - asked for by few
            stop: bool = epoch.call_on_fit_task_end(
                estimator=estimator, X=X, y=y, reconstruction_attributes=fitted
            )  # fmt: skip
            return stop

        yield [after_epoch]
        root.call_on_fit_task_end(estimator=estimator, X=X, y=y)


def _fitted(state: TrainingState, constant: float) -> dict[str, Any]:
    """The attributes that make a fitted estimator of a training under way."""
    layers, losses = state.network.layers, (state.history.table[:, 1] + constant).tolist()
    return {
        "coefs_": [np.asarray(layer.weights) for layer in layers],
        "intercepts_": [np.asarray(layer.biases) for layer in layers],
        "loss_": losses[-1],
        "loss_curve_": losses,
        "n_iter_": state.epoch,
    }
