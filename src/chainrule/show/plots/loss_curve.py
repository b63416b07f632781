"""Learning curves: the loss of each epoch, the score on the validation rows, and the epoch that is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.numerals import number
from chainrule.show.axes import wants_log
from chainrule.show.plots.sources import course
from chainrule.show.plots.style import BLUE, INK, SOFT, VERMILLION, Grid, panels, title, whole_numbers

FEW, MANY = 30, 1_000  # epochs: so few are marked one by one, so many are drawn thinner


@dataclass(eq=False)
class LossCurveDisplay:
    """Learning curves: training loss, validation loss and, in a panel below, the score.

    Make one with `from_estimator`.

    Attributes
    ----------
    epochs, loss : arrays (epochs,)
        The loss as the training measured it: with weight decay, and over each epoch as its batches were met.
    validation_loss, score, validation_score : arrays (epochs,) or None
        None is what the source did not measure. Scores are accuracies, or R² for a regression of scikit-learn's.
    score_name : str
    kept : int or None
        The epoch whose weights the source holds, counted from 1.
    ax_, axes_, figure_
        The axes of the losses, all axes, and the figure, once it is drawn.
    """

    epochs: np.ndarray
    loss: np.ndarray
    validation_loss: np.ndarray | None = None
    score: np.ndarray | None = None
    validation_score: np.ndarray | None = None
    score_name: str = "accuracy"
    kept: int | None = None
    ax_: Any = field(default=None, init=False, repr=False)
    axes_: Any = field(default=None, init=False, repr=False)
    figure_: Any = field(default=None, init=False, repr=False)

    @classmethod
    def from_estimator(cls, estimator: Any, *, log: bool | None = None, ax: Any = None) -> LossCurveDisplay:
        """Read the learning curves off a fitted source, and draw them.

        Parameters
        ----------
        estimator : estimator, Pipeline, search, Model, Ensemble or TrainingState
            Of a pipeline the last step, of a search its best estimator, of an ensemble the first member.
        log : bool, optional
            Whether the loss has a logarithmic axis; by default where it spans more than two decades.
        ax : matplotlib Axes, optional
            Where to draw; divided if there is a score. By default a new figure.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        UsageError
            If the source is not fitted, or kept no learning curve.

        Examples
        --------
        >>> import chainrule as cr
        >>> from chainrule.show.plots import LossCurveDisplay
        >>> model = cr.train("wine", hidden=4, epochs=5, seed=0)
        >>> display = LossCurveDisplay.from_estimator(model)
        >>> display.epochs.tolist(), bool(display.loss[-1] == model.history[-1].cost)
        ([1, 2, 3, 4, 5], True)
        """
        return cls(*course(estimator)).plot(log=log, ax=ax)

    def plot(self, *, log: bool | None = None, ax: Any = None) -> LossCurveDisplay:
        """Draw the curves; parameters as in `from_estimator`.

        Returns
        -------
        LossCurveDisplay
            Itself.
        """
        scored = self.score is not None or self.validation_score is not None
        grid = Grid(2, 1, (6.4, 5.4), (3, 2), share_x=True) if scored else Grid(1, 1, (6.4, 3.9))
        with panels(ax, grid) as axes:
            losses = axes[0]
            self._lines(losses, self.loss, self.validation_loss)
            values = [v for v in (self.loss, self.validation_loss) if v is not None]
            if log if log is not None else wants_log(np.concatenate(values)):
                losses.set_yscale("log")
            losses.set_ylabel("loss")
            watched = self.validation_loss if self.validation_loss is not None else self.loss
            self._mark(losses, watched, "kept: epoch {epoch:,} ({value})")
            title(losses, "Loss per epoch", keys=True)
            if scored:
                self._lines(axes[1], self.score, self.validation_score)
                axes[1].set_ylabel(self.score_name if self.score is not None else f"validation {self.score_name}")
                self._mark(axes[1], self.validation_score, "kept")
            axes[-1].set_xlabel("epoch")
            whole_numbers(axes[-1].xaxis)
        self.ax_, self.axes_, self.figure_ = losses, tuple(axes), losses.figure
        return self

    def _lines(self, ax: Any, training: np.ndarray | None, validation: np.ndarray | None) -> None:
        few = len(self.epochs) <= FEW
        shape = {"marker": "o" if few else None, "markersize": 4, "linewidth": 1.8 if len(self.epochs) < MANY else 0.9}
        for values, name, colour, dashes in (
            (training, "training", BLUE, "-"),
            (validation, "validation", VERMILLION, "--"),
        ):
            if values is not None:
                ax.plot(self.epochs, values, dashes, color=colour, label=name, gid="curve", **shape)

    def _mark(self, ax: Any, values: np.ndarray | None, words: str) -> None:
        """A line at the epoch that is kept, and a ring around the value that it has there."""
        if self.kept is None:
            return
        ax.axvline(self.kept, color=SOFT, linewidth=1, linestyle=":", zorder=1, gid="kept")
        at = np.flatnonzero(self.epochs == self.kept)
        if values is None or not len(at) or not np.isfinite(values[at[0]]):
            return
        value = float(values[at[0]])
        ring = {"markersize": 7, "markerfacecolor": "none", "markeredgecolor": INK, "markeredgewidth": 1.5}
        label = words.format(epoch=self.kept, value=number(value, 3))
        ax.plot([self.kept], [value], "o", zorder=4, label=label, gid="kept", **ring)
