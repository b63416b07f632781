"""The proof that a training that is run again goes the way that was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chainrule.core.network import Network
from chainrule.errors import UsageError
from chainrule.models.learned import Again
from chainrule.training.prepare import Training
from chainrule.training.state import TrainingState

if TYPE_CHECKING:
    from chainrule.models.model import Model

TOLERANCE = 1e-3  # of a cost, where another processor or engine makes other bits


class Proof(NamedTuple):
    """Whether a training went the way that was recorded bit for bit, and how that is known, in sentences."""

    exact: bool
    remarks: list[str]


def prove(model: Model, again: Again, states: dict[int, TrainingState], epoch: int) -> Proof:
    """Compare what was trained now with what was recorded.

    Parameters
    ----------
    model : Model
    again : Again
    states : dict of TrainingState
        By their epochs, the last at least `epoch`.
    epoch : int
        That of the step.

    Raises
    ------
    UsageError
        If they differ by more than rounding.
    """
    reached, recorded = states[max(states)], model.history
    if max(states) < epoch:
        raise another_way(again, model, f"it ends after epoch {max(states):,} now ({reached.stopped})")
    n = len(reached.history)
    now, then = (np.array([list(row)[1:7] for row in list(rows)[:n]]) for rows in (reached.history, recorded))
    exact = np.array_equal(now, then, equal_nan=True)
    if not exact:
        scale = max(float(np.max(np.abs(now[:, 0]))), 1e-30)
        off = np.abs(now[:, 0] - then[:, 0]) / scale
        where = int(np.argmax(~(off <= TOLERANCE)))
        if not (off <= TOLERANCE).all():
            what = f"the cost of epoch {where + 1:,} is {now[where, 0]:.9g} now and was {then[where, 0]:.9g}"
            raise another_way(again, model, what)
    kept = model.provenance.best_epoch
    there = states.get(kept) if kept else None
    how = "bit for bit" if exact else f"within {TOLERANCE:g}, not bit for bit"
    upto = f"the costs of epoch{'s 1 to' if n > 1 else ''} {n:,}"
    again_so = f"Trained again from the seed: {upto} are the recorded ones, {how}"
    remarks = [f"{again_so}; the final weights were not compared."]
    if there is not None:
        miss = largest_difference(there.network, model.network)
        if exact and miss:
            raise UsageError(
                f"the weights of this model are not those that its training reached in epoch {kept:,} (they differ by "
                f"up to {miss:.3g}): they were changed afterwards. Ask the model that train returned."
            )
        also = "so are the model's weights" if exact else f"the model's weights differ by up to {miss:.3g}"
        remarks = [f"{again_so}; {also}."]
    if not exact:
        remarks.append(_why_not_exact(model, again.training))
    if not again.known:
        remarks.append("The model is of an older version and does not know its table: only its costs were compared.")
    if epoch > kept:
        remarks.append(f"The model keeps the weights of epoch {kept:,}: this step was taken later, and is not in them.")
    return Proof(exact, remarks)


def _why_not_exact(model: Model, training: Training) -> str:
    if model.provenance.engine != training.engine.name:
        return f"It was trained by the engine {model.provenance.engine}; here it is {training.engine.name}."
    return "Another processor, or another version of chainrule or of its libraries, rounds otherwise."


def another_way(again: Again, model: Model, what: str) -> UsageError:
    """Return the refusal of a training that goes another way now."""
    doubt = "" if again.known else " Or the table is not the one that trained it, which an older model does not know."
    return UsageError(
        f"this training cannot be made again: {what}. {_why_not_exact(model, again.training)}{doubt} Train the model "
        "once more here, and ask that one."
    )


def largest_difference(a: Network, b: Network) -> float:
    """By how much the parameters of two networks differ at most."""
    pairs = zip(a.parameters, b.parameters, strict=True)
    return max(float(np.max(np.abs(np.asarray(p) - np.asarray(q)), initial=0.0)) for p, q in pairs)
