"""Where did this number come from? Ask an `Explanation` for a quantity and get its derivation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.arrays import Array, as_float_array
from chainrule.core.catalogue import FusedLoss, Loss, loss_named
from chainrule.core.network import Network
from chainrule.core.neurons import Neuron
from chainrule.core.passes import check_loss_fits
from chainrule.core.update_rules import UpdateRule, update_rule_named
from chainrule.errors import UsageError, unknown_name
from chainrule.explaining.asking import ask, asked_as
from chainrule.explaining.definitions import Definitions
from chainrule.explaining.derivation import DETAILS, Derivation
from chainrule.explaining.grammar import all_quantities
from chainrule.explaining.names_in_text import numbered, refuse_misread
from chainrule.explaining.notation import Notation
from chainrule.explaining.presets import notation_named
from chainrule.explaining.quantities import Change, Derivative, Name, Path, Quantity, State, example_of, is_array
from chainrule.explaining.solver_updates import damped_update
from chainrule.explaining.unit_names import unit_names
from chainrule.explaining.unit_notes import called
from chainrule.explaining.updates import RuleUpdate, Update
from chainrule.explaining.values import make_values
from chainrule.explaining.whole_arrays import ArrayOf


@dataclass(frozen=True, eq=False)
class Explanation:
    """All numbers of a network at some examples, each with where it came from; index it by a quantity's name.

    Make one with `chainrule.explain`.

    Attributes
    ----------
    definitions : Definitions
        The equations and their values.
    detail : str
        How much a derivation shows by default.
    digits : int
        Significant digits of the numbers shown.
    """

    definitions: Definitions
    detail: str
    digits: int

    @property
    def network(self) -> Network:
        """The network, in float64."""
        return self.definitions.values.network

    @property
    def notation(self) -> Notation:
        """The notation in which names are read and derivations written."""
        return self.definitions.notation

    def __getitem__(self, quantity: str | Name) -> Derivation | ArrayOf:
        """Return the derivation of a quantity, or all of an array such as "dC/dW[1]"; see `asked` for names.

        Raises
        ------
        UsageError
            If it is no name of a quantity, or names what is not there.
        """
        if not isinstance(quantity, (str, Quantity, Derivative, Path, Change, State)):
            raise UsageError(f'ask for a quantity by its name, such as "dC/dW[1][2,1]"; received {quantity!r}.')
        name = self.asked(quantity) if isinstance(quantity, str) else quantity
        example, N = example_of(name), len(self.definitions.values.X)
        if isinstance(example, int) and example >= N:
            raise UsageError(f"{quantity}: there are {N} examples, 1 to {N}.")
        if is_array(name):
            made = ArrayOf(self.definitions, name, self.detail, self.digits)
            made.shape  # noqa: B018 - what is not there is refused now
            return made
        self.definitions.value(name)  # what is not there is refused now
        return Derivation(self.definitions, name, self.detail, self.digits)

    def names(self) -> list[str]:
        """List the quantities that can be asked for; Jacobians and paths, which are very many, are left out."""
        naming = self.definitions.naming
        return [asked_as(name, naming) for name in all_quantities(self.network.sizes) if self._has(name)]

    def asked(self, text: str) -> Name:
        """Read the name of a quantity; inputs and outputs may go by their names, as in "dC/dx[area]".

        Raises
        ------
        UsageError
            If it is none, or names an input or output that is not there.
        """

        def askable(name: Name) -> bool:
            example = example_of(name)
            return self._has(name) and not (isinstance(example, int) and example >= len(self.definitions.values.X))

        numbers, named = numbered(text, self.definitions.naming, self.definitions.units)
        name = ask(numbers, self.definitions.naming, askable, [layer.x0 for layer in self.network.layers])
        refuse_misread(text, named, name, self.definitions.values.L)
        return name

    def _has(self, name: Name) -> bool:
        """Whether a quantity is there: its targets, its bias, an update rule, dC/da behind a loss that is not fused."""
        values = self.definitions.values
        if isinstance(name, Path):
            return self._has(name.derivative)
        if isinstance(name, (Change, State)):
            return self.definitions.update is not None and self._has(name.parameter)
        if isinstance(name, Derivative):
            passed_over = name.top.kind == "C" and name.bottom.kind == "a" and name.bottom.layer == values.L
            return not (values.fused and passed_over) and self._has(name.top) and self._has(name.bottom)
        if not isinstance(name, Quantity):
            return False
        if name.kind == "b":
            return values.biases(name.layer) is not None
        return values.Y is not None or name.kind not in ("C", "J", "y", "delta", "beta")

    def called(self) -> dict[str, str]:
        """What the inputs, targets and outputs are called, where they have names: {"x[1]": "area", ...}."""
        return called(self.definitions)

    def _ipython_key_completions_(self) -> list[str]:
        return self.names()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __repr__(self) -> str:
        values = self.definitions.values
        sizes = "-".join(map(str, self.network.sizes))
        return f"<Explanation of a {sizes} network at example {values.example + 1} of {len(values.X)}>"


def explain(
    network: Network | Neuron,
    X: Array,
    Y: Array | None = None,
    *,
    loss: str | Loss | FusedLoss | None = None,
    notation: str | Notation = "chainrule",
    example: int = 0,
    reduction: str | None = None,
    weight_decay: float = 0.0,
    sample_weight: Array | None = None,
    update: str | UpdateRule | None = None,
    learning_rate: float = 0.01,
    state: Any = None,
    step: int = 1,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    detail: str = "factors",
    most: int = 8,
    digits: int = 5,
) -> Explanation:
    """Explain any number of a forward or backward pass: index the result by the name of a quantity.

    Parameters
    ----------
    network : Network or Neuron
        Explained in float64, whatever its dtype.
    X, Y : arrays (N, inputs) and (N, outputs)
        Without Y only the forward pass and the Jacobians can be explained.
    loss : name, Loss or FusedLoss, optional
        By default the neuron's, or what the notation's course minimises.
    notation : name or Notation
        How names are counted and derivations written, such as "rows", "columns", "nielsen" or "pytorch".
    example : int
        The row, counted from 0, that derivatives of C belong to; a name followed by "@ 3" asks for the third.
    reduction : "mean" or "sum", optional
        How examples make J; by default as in the notation's course.
    weight_decay, sample_weight
        As in `chainrule.backward`.
    update : name or UpdateRule, optional
        The rule that changes the weights, such as "momentum(0.9)"; "lm" or "lm(0.01)" for Levenberg-Marquardt.
    learning_rate : float
    state : optional
        What the rule remembered before this update (`TrainingState.rule_state`); by default, nothing yet.
    step : int
        Explain this update by batch rather than the first: those before it are made from these weights.
    input_names, output_names : sequence of str, optional
        What the inputs and outputs are called: derivations say it, and ``why["dC/dx[area]"]`` asks by it.
    detail : "line", "factors", "layers", "paths" or "scalars"
        How much a derivation shows.
    most : int
        How many terms of a sum are shown; the others stand as one.
    digits : int
        Significant digits.

    Returns
    -------
    Explanation

    Raises
    ------
    UsageError
        If shapes, names or numbers do not fit.

    Examples
    --------
    The network of the guided notes (seed 003), where the document forgets delta:

    >>> import numpy as np
    >>> net = Network.dense([2, 3, 1], bias=False, weights=[np.ones((2, 3)), np.ones((3, 1))])
    >>> why = explain(net, [[0.3, 1.0]], [[0.75]], notation="rows")
    >>> why["dC/dW[2][1,1]"].value  # doctest: +ELLIPSIS
    0.01015124056797...
    >>> print(why["dC/dW[2][1,1]"].text("line"))
    chain rule: delta times what the weight multiplies
      ∂J/∂W⁽²⁾₁₁ = a⁽²⁾₁ · δ⁽³⁾₁
                 = 0.78583 · 0.012918
                 = 0.010151
    """
    if not isinstance(network, (Network, Neuron)):
        raise UsageError(f"explain takes a Network or a Neuron; received {type(network).__name__}.")
    if isinstance(network, Neuron):
        loss, network = loss or network.loss, network.network
    convention = notation_named(notation)
    loss = loss_named(loss or convention.loss)
    check_loss_fits(loss, network)
    check_showing(detail, most, digits)
    options: dict[str, Any] = {
        "reduction": reduction or convention.reduction,
        "weight_decay": weight_decay,
        "sample_weight": None if sample_weight is None else np.asarray(as_float_array(sample_weight)),
    }
    values = make_values(network, X, Y, loss, example, **options)
    made = None
    if update is not None:
        made, network = _update(network, X, Y, loss, update, learning_rate, state, step, options, most)
        if made.weight_decay:
            options["weight_decay"] = 0.0
        values = make_values(network, X, Y, loss, example, **options)
    units = unit_names(input_names, output_names, network.sizes)
    return Explanation(Definitions(values, convention, most, made, units=units), detail, digits)


def check_showing(detail: str, most: int, digits: int) -> None:
    """Refuse what says how a derivation is shown, where it says nothing.

    Raises
    ------
    UsageError
        If it is not allowed.
    """
    if most < 1 or digits < 1:
        raise UsageError(f"most and digits must be at least 1; received {most} and {digits}.")
    if detail not in DETAILS:
        raise unknown_name("detail", detail, DETAILS)


def _update(
    network: Network,
    X: Array,
    Y: Array | None,
    loss: Loss | FusedLoss,
    update: str | UpdateRule,
    learning_rate: float,
    state: Any,
    step: int,
    options: dict[str, Any],
    most: int,
) -> tuple[Update, Network]:
    """The update to explain, and the network that it starts from."""
    from chainrule.training.fit import fit
    from chainrule.training.plan import TrainingPlan
    from chainrule.training.prepare import prepare

    if Y is None:
        raise UsageError("an update needs targets. Give Y.")
    if not isinstance(step, int) or step < 1:
        raise UsageError(f"step counts updates from 1; received {step!r}.")
    if not 0 < learning_rate < math.inf:
        raise UsageError(f"learning_rate must be a finite number above 0; received {learning_rate!r}.")
    if step > 1 and state is not None:
        raise UsageError("state belongs to the first update from these weights; leave it out, or step.")
    network = network.astype("float64")
    fixed: dict[str, Any] = {"loss": loss, "epochs": 1, **options}
    damped = isinstance(update, str) and update.partition("(")[0] == "lm"
    by_batch = {"update": update, "learning_rate": learning_rate, "batch_size": "all"}
    how: dict[str, Any] = {"solver": update} if damped else by_batch
    if step > 1:
        before = fit(network, X, Y, **{**fixed, **how, "epochs": step - 1})
        network, state = before.network, before.rule_state
    if not damped:
        rule = update_rule_named(update)
        decay = options["weight_decay"] if rule.decoupled else 0.0
        made = RuleUpdate(rule=rule, learning_rate=learning_rate, weight_decay=decay, state=state, most=most)
        return made, network
    plan = TrainingPlan(solver=str(update), reduction=options["reduction"], weight_decay=options["weight_decay"])
    training = prepare(plan, network, X, Y, loss=loss, sample_weight=options["sample_weight"])
    memory = training.start.rule_state if state is None else state
    return damped_update(training, network, memory, most), network
