"""Which engine runs a training, and why."""

from __future__ import annotations

from typing import NamedTuple

from chainrule.core.network import Network
from chainrule.engines import compiled, node_by_node, reference
from chainrule.engines.work import Engine, Work
from chainrule.errors import UsageError, unknown_name

ENGINES = ("auto", "compiled", "reference", "node_by_node")


class Choice(NamedTuple):
    """An engine, its name, and one sentence on why it was taken."""

    run: Engine
    name: str
    why: str


def choose_engine(name: str, work: Work, network: Network) -> Choice:
    """Choose the engine for a training.

    Parameters
    ----------
    name : str
        "auto" takes the fastest engine that does everything asked for.

    Raises
    ------
    UsageError
        If the name is unknown, or that engine cannot do this work.
    """
    if name == "node_by_node":
        why = node_by_node.refusal(work, network)
        if why:
            raise UsageError(f'engine "node_by_node" {why}. Use engine="reference", or change the plan.')
        return Choice(node_by_node.run, name, "asked for")
    if name == "reference":
        return Choice(reference.run, name, "asked for")
    if name in ("auto", "compiled"):
        why = compiled.refusal(work, network)
        if not why:
            return Choice(compiled.run, "compiled", "the fastest" if name == "auto" else "asked for")
        if name == "compiled":
            raise UsageError(f'engine "compiled" {why}. Use engine="auto", or change the plan.')
        return Choice(reference.run, "reference", f"the compiled engine {why}")
    raise unknown_name("engine", name, ENGINES)
