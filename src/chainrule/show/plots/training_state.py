"""How a training moved: the norm of the gradient and the learning rate, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.show.axes import wants_log
from chainrule.show.plots.sources import pace
from chainrule.show.plots.style import BLUE, GREEN, Grid, panels, title, whole_numbers

FEW, MANY = 30, 1_000  # epochs: so few are marked one by one, so many are drawn thinner


@dataclass(eq=False)
class TrainingStateDisplay:
    """The norm of the gradient and the learning rate of each epoch, in two panels.

    Make one with `from_estimator`.

    Attributes
    ----------
    epochs : array (epochs,)
    gradient_norm, learning_rate : arrays (epochs,) or None
        None is what the training did not measure; it gets no panel.
    ax_, axes_, figure_
        The first axes, all axes, and the figure, once it is drawn.
    """

    epochs: np.ndarray
    gradient_norm: np.ndarray | None
    learning_rate: np.ndarray | None
    ax_: Any = field(default=None, init=False, repr=False)
    axes_: Any = field(default=None, init=False, repr=False)
    figure_: Any = field(default=None, init=False, repr=False)

    @classmethod
    def from_estimator(cls, estimator: Any, *, log: bool | None = None, ax: Any = None) -> TrainingStateDisplay:
        """Read both off a training of chainrule's, and draw them.

        Parameters
        ----------
        estimator : Model, Ensemble, TrainingState, or an estimator of chainrule's
            scikit-learn's own estimators keep neither.
        log : bool, optional
            Whether the axes are logarithmic; by default each that spans more than two decades.
        ax : matplotlib Axes, optional
            Where to draw; divided if there are two panels. By default a new figure.

        Returns
        -------
        TrainingStateDisplay

        Raises
        ------
        UsageError
            If the source kept neither.

        Examples
        --------
        >>> import chainrule as cr
        >>> from chainrule.show.plots import TrainingStateDisplay
        >>> model = cr.train("wine", hidden=4, epochs=5, learning_rate=0.02, seed=0)
        >>> TrainingStateDisplay.from_estimator(model).learning_rate.tolist()
        [0.02, 0.02, 0.02, 0.02, 0.02]
        """
        return cls(*pace(estimator)).plot(log=log, ax=ax)

    def plot(self, *, log: bool | None = None, ax: Any = None) -> TrainingStateDisplay:
        """Draw them; parameters as in `from_estimator`.

        Returns
        -------
        TrainingStateDisplay
            Itself.
        """
        parts = [
            (values, name, colour)
            for values, name, colour in (
                (self.gradient_norm, "Norm of the gradient", BLUE),
                (self.learning_rate, "Learning rate", GREEN),
            )
            if values is not None
        ]
        with panels(ax, Grid(len(parts), 1, (6.4, 2.6 * len(parts) + 0.4), share_x=True)) as axes:
            for one, (values, name, colour) in zip(axes, parts, strict=True):
                marker, width = ("o" if len(self.epochs) <= FEW else None), (1.8 if len(self.epochs) < MANY else 0.8)
                one.plot(self.epochs, values, color=colour, marker=marker, markersize=4, linewidth=width, gid="curve")
                if log if log is not None else wants_log(values):
                    one.set_yscale("log")
                elif np.nanmin(values) >= 0:
                    one.set_ylim(bottom=0)
                title(one, name)
            axes[-1].set_xlabel("epoch")
            whole_numbers(axes[-1].xaxis)
        self.ax_, self.axes_, self.figure_ = axes[0], tuple(axes), axes[0].figure
        return self
