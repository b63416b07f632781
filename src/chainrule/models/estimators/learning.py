"""From checked rows to weights: the problem that is solved, by which solver, and what is kept of it."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from chainrule.core.network import Network
from chainrule.engines.sparse_first_layer import is_sparse
from chainrule.interrupts import interrupts_held
from chainrule.models.estimators.callbacks import callbacks_of
from chainrule.models.estimators.learning_record import LearningRecord
from chainrule.models.estimators.limited_memory import by_lbfgs
from chainrule.models.estimators.messages import diverged, not_converged
from chainrule.models.estimators.parameters import STOCHASTIC_SOLVERS
from chainrule.models.estimators.problem import Memory, Problem, Solved
from chainrule.models.estimators.rows import Rows
from chainrule.models.estimators.solving import by_descent, by_levenberg_marquardt
from chainrule.models.estimators.sparse_rows import densely
from chainrule.models.estimators.target_units import InUnits, TargetUnits, same_weights
from chainrule.models.estimators.watching import Score
from chainrule.training.loop import Callback, as_callbacks
from chainrule.training.state import TrainingState


class Learning(LearningRecord):
    """How an estimator learns; the classifier and the regressor say what its outputs mean."""

    batch_size: Any
    on_epoch: Any
    _units: TargetUnits | None
    _scaled_network: Network | None

    # ---- what the two add -------------------------------------------------------------------------------------------

    def _weighed(self, y: np.ndarray, weight: np.ndarray | None, X: Any) -> np.ndarray | None:
        """Return the rows' weights, with those of their classes."""
        return weight

    def _score_of(self, A: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> float:
        raise NotImplementedError

    def _middle(self) -> float | None:
        """The output halfway between two classes, where an engine can count the right answers."""
        return None

    def _constant_of_loss(self, Y: np.ndarray, weight: np.ndarray | None) -> float:
        """What scikit-learn's loss has that depends on the targets alone."""
        return 0.0

    def _poorly_scaled(self, rows: Rows, ended: str) -> str:
        """What is to be said of the targets' scale, if anything."""
        return ""

    # ---- solving ----------------------------------------------------------------------------------------------------

    def _solve(
        self,
        rows: Rows,
        validation: Rows | None,
        generator: np.random.Generator,
        incremental: bool,
        resumed: bool,
        told: tuple[Any, Any],
    ) -> Any:
        stochastic = self.solver in STOCHASTIC_SOLVERS
        if stochastic and self.batch_size != "auto" and self.batch_size > len(rows.Y):
            warnings.warn(
                f"batch_size is {self.batch_size}, but there are {len(rows.Y)} rows to train on: all of them make one "
                "batch.", stacklevel=5,
            )  # fmt: skip
        constants, measured, score = [self._constant_of_loss(rows.Y, rows.weight), 0.0], None, None
        if validation is not None:
            X = densely(validation.X)
            weight = self._weighed(validation.y, validation.weight, X)
            measured = None if is_sparse(X) else (X, validation.Y, weight)  # the engine has them dense, or not at all
            constants[1] = self._constant_of_loss(validation.Y, weight)
            if self.early_stopping and stochastic:
                score = self._score(X, validation.y, validation.weight, resumed)
        problem = Problem(self._network_in(rows.X), rows.X, rows.Y, rows.weight, self._loss(), measured, self._middle())
        seen = self._in_units(problem)
        with interrupts_held() as held:
            solved = self._solved(problem, seen, told, generator, score, constants[0], incremental, resumed)
            self._scaled_network = None
            if seen is not None:
                self._scaled_network = solved.best_network or solved.network
                solved = seen.solved(solved)
            self._keep(solved, *constants)
            if held.taken():
                solved = solved._replace(ended="interrupted")
        if solved.error is not None:
            raise diverged(solved, self) from None
        self._warn(solved, rows, incremental)
        return self

    def _network_in(self, X: Any) -> Network:
        """The network in one precision, whatever a person has put into `coefs_`."""
        network = self.network_
        dtype = np.result_type(*network.parameters)
        dtype = dtype if dtype in (np.float32, np.float64) else X.dtype
        return network.with_parameters([np.ascontiguousarray(p, dtype=dtype) for p in network.parameters])

    def _in_units(self, problem: Problem) -> InUnits | None:
        """How to go between the targets' units and what is trained on, where these differ."""
        if self._units is None:
            return None
        rows = problem.total_weight
        if self.solver in STOCHASTIC_SOLVERS:
            batch = 200 if self.batch_size == "auto" else self.batch_size
            rows = min(batch, problem.n_examples) * problem.mean_weight
        return InUnits(self._units, problem, self.alpha / rows)

    def _start_of(self, seen: InUnits) -> Problem:
        """The problem on scaled targets; the last fit's network to the bit, if its weights are still the same."""
        problem, before = seen.scaled_problem, self._scaled_network
        network = seen.units.unfold(problem.network)
        if before is not None and same_weights(seen.units.fold(before), problem.network):
            network = problem.network.with_parameters(before.parameters)
        return replace(problem, network=network)

    def _score(self, X: Any, y: np.ndarray, weight: np.ndarray | None, resumed: bool) -> Score:
        """What early stopping goes by; without weights the accuracy that the engine counts."""
        best = self.best_validation_score_ if resumed else None
        before = -math.inf if best is None else best
        if self._middle() is not None and weight is None and not is_sparse(X):
            return Score(lambda state: state.history[-1].validation_accuracy, counted=True, best=before)
        units = self._units

        def of(state: TrainingState) -> float:
            network = state.network if units is None else units.fold(state.network)
            return self._score_of(self._outputs_of(network, X), y, weight)

        return Score(of, counted=False, best=before)

    def _solved(
        self,
        problem: Problem,
        seen: InUnits | None,
        told: tuple[Any, Any],
        generator: np.random.Generator,
        score: Score | None,
        constant: float,
        incremental: bool,
        resumed: bool,
    ) -> Solved:
        scores: list[float] = []

        def report(state: TrainingState) -> None:
            self._report(state.history[-1], constant, scores[-1] if scores else None)

        def look(state: TrainingState) -> None:
            assert score is not None
            scores[:] = [score.of(state)]

        with callbacks_of(self, *told, self.max_iter, constant) as theirs:
            callbacks: list[Callback] = [
                *as_callbacks(self.on_epoch or ()),
                *theirs,
                *([report] if self.verbose else []),
            ]
            if seen is not None:
                problem, callbacks = self._start_of(seen), seen.callbacks(callbacks)
            if self.verbose and score is not None:
                callbacks = [look, *callbacks]
            memory = self._memory if resumed else Memory()
            if self.solver == "lbfgs":
                return by_lbfgs(problem, self, memory, callbacks)
            if self.solver == "lm":
                return by_levenberg_marquardt(problem, self, generator, callbacks)
            memory = memory if incremental else memory._replace(rule_state=None)
            return by_descent(
                problem, self, generator, memory=memory, score=score, callbacks=callbacks,
                epochs=1 if incremental else self.max_iter,
            )  # fmt: skip

    def _warn(self, solved: Solved, rows: Rows, incremental: bool) -> None:
        """Say that training did not end as it should, and what stood in its way."""
        if solved.ended == "interrupted":
            warnings.warn("Training interrupted by user: the weights reached so far are kept.", stacklevel=6)
            return
        if incremental:
            return
        scale = self._poorly_scaled(rows, solved.ended)
        if solved.ended in ("epochs", "stuck"):
            warnings.warn(not_converged(solved, self, scale), ConvergenceWarning, stacklevel=6)
        elif scale:
            warnings.warn(scale, stacklevel=6)
