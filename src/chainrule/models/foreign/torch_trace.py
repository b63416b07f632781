"""What a PyTorch module computes, recorded while it computes: each operation on what comes from the inputs.

The record is made below Python, where `F.relu(x)`, `x.relu()`, `torch.relu(x)` and `nn.ReLU()(x)` are one operation,
and numbers that do not depend on the inputs (weights, however they come about) are simply there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chainrule.errors import UsageError
from chainrule.models.foreign.chain import ALLOWED, Chain
from chainrule.models.foreign.torch_operations import Operation, applied, refused, shown

_READS = ("_local_scalar_dense", "is_nonzero", "equal", "item")


def traced(module: Any, X: Any, what: str) -> tuple[Any, Chain]:
    """Return what a module makes of rows, and how.

    Parameters
    ----------
    module : torch.nn.Module
        Anything that it does to itself when it is called, it does.
    X : torch.Tensor (rows, inputs)
        The number of rows must be no size of the module's.
    what : str
        How the module is called in messages.

    Raises
    ------
    UsageError
        If the result is no chain of dense layers, with the first operation that is none.
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    record = _Record(module, X, Path(torch.__file__).parent)

    class Recorder(TorchDispatchMode):  # type: ignore[misc]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            given = _by_name(func, args, kwargs or {})
            known = record.known(given)
            name = func.overloadpacket.__name__
            off = False in (given.get("train"), given.get("training")) or 0 in (given.get("p"), given.get("dropout_p"))
            if torch.Tag.nondeterministic_seeded in func.tags and not off:
                raise UsageError(
                    f"{record.place(shown(name))} draws random numbers. If it is a dropout, leave it out, or write "
                    f"training=self.training. {ALLOWED}"
                )
            if known and name in _READS:
                raise UsageError(
                    f"{record.place('a choice by values')}: it reads a number out of the inputs, and what follows may "
                    f"depend on it. {ALLOWED}"
                )
            result = func(*args, **(kwargs or {}))
            if known and not name.endswith("_like"):  # those take a shape alone
                record.add(func, given, known, result)
            return result

    with Recorder():
        output = module(X)
    kind = type(output).__name__
    if not hasattr(output, "untyped_storage"):
        count = f" of {len(output)}" if hasattr(output, "__len__") else ""
        raise UsageError(f"{what} returns a {kind}{count}; one tensor of outputs is needed. {ALLOWED}")
    chain = record.chains.get(id(output))
    if chain is None:
        raise UsageError(
            f"{what} returns a tensor that does not come from its inputs by operations of PyTorch (it may go through "
            f"NumPy, or not use them at all). {ALLOWED}"
        )
    if isinstance(chain, UsageError):
        raise chain
    return output, chain


class _Record:
    """For each tensor that comes from the inputs, its chain, or why it has none."""

    def __init__(self, module: Any, X: Any, torch_folder: Path) -> None:
        self.folders = (torch_folder, Path(__file__).parent)
        self.rows = int(X.shape[0])
        self.tensors: dict[int, Any] = {id(X): X}  # kept, so that no other tensor takes its number
        self.chains: dict[int, Chain | UsageError] = {id(X): Chain()}
        self.modules = {id(part): (name, type(part).__name__) for name, part in module.named_modules()}

    def known(self, given: Mapping[str, Any]) -> list[str]:
        """The arguments that come from the inputs, once for each time."""
        return [name for name, value in given.items() for part in _flat(value) if id(part) in self.chains]

    def add(self, func: Any, given: Mapping[str, Any], known: list[str], result: Any) -> None:
        """Note what came out of an operation."""
        name = func.overloadpacket.__name__
        before = given[known[0]]
        chain = self._chain(name, func, given, known, result)
        outputs = [part for part in _flat(result) if hasattr(part, "untyped_storage")]
        if name == "native_dropout" or "batch_norm" in name:
            outputs = outputs[:1]
        changed = func._schema.is_mutable
        for output in outputs:
            self.tensors[id(output)], self.chains[id(output)] = output, chain
        if changed:  # in place: what shares its memory changes too
            for written in outputs or [before]:
                self._overwritten(written, chain)

    def _chain(
        self, name: str, func: Any, given: Mapping[str, Any], known: list[str], result: Any
    ) -> Chain | UsageError:
        before = given[known[0]]
        op = Operation(
            name,
            given,
            known[0],
            tuple(getattr(before, "shape", ())),
            self.rows,
            self.place("a change of type" if name == "_to_copy" else shown(name)),
        )
        if len(known) > 1:
            return refused(op, "It joins two values that both come from the inputs.")
        if not hasattr(before, "untyped_storage") or func.namespace != "aten":
            return refused(op)
        chain = self.chains[id(before)]
        if isinstance(chain, UsageError):
            return chain
        if not func._schema.is_mutable and _same_memory(before, result):
            return chain  # a view in the same order: another shape at most
        try:
            return applied(chain, op)
        except UsageError as error:
            return error

    def _overwritten(self, written: Any, chain: Chain | UsageError) -> None:
        memory = written.untyped_storage().data_ptr()
        for key, tensor in self.tensors.items():
            if tensor is not written and tensor.untyped_storage().data_ptr() == memory:
                self.chains[key] = (
                    chain
                    if _same_memory(tensor, written)
                    else UsageError(f"{self.place('a part')} is overwritten in place. {ALLOWED}")
                )

    def place(self, operation: str) -> str:
        """Say where the running operation stands: the module, and the line of its author's file."""
        inside, line = "", ""
        frame = sys._getframe(1)
        while frame is not None and not (inside and line):
            file = Path(frame.f_code.co_filename)
            if not line and file.name[:1] != "<" and not any(map(file.is_relative_to, self.folders)):
                line = f"line {frame.f_lineno} of {file.name}"
            found = self.modules.get(id(frame.f_locals.get("self")))
            if not inside and found is not None:
                path, kind = found
                inside = f'{kind} "{path}"' if path else kind
                if type(frame.f_locals["self"]).__module__.startswith("torch."):
                    line = "-"
            frame = frame.f_back  # type: ignore[assignment]
        parts = [part for part in (inside, line) if part not in ("", "-")]
        return f"{operation} ({', '.join(parts)})" if inside else operation


def _by_name(func: Any, args: Any, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call by their names, defaults filled in."""
    given: dict[str, Any] = {}
    for i, argument in enumerate(func._schema.arguments):
        given[argument.name] = args[i] if i < len(args) else kwargs.get(argument.name, argument.default_value)
    return given


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _flat(part)
    else:
        yield value


def _same_memory(before: Any, after: Any) -> bool:
    """Whether a tensor is another one's numbers in the same order, in the same memory."""
    return (
        hasattr(after, "untyped_storage")
        and after.data_ptr() == before.data_ptr()
        and after.dtype == before.dtype
        and after.numel() == before.numel()
        and before.is_contiguous()
        and after.is_contiguous()
    )
