"""Small changes to a module's source, each of which some test should notice.

A mutant replaces the text of one expression or statement; the lines around it stay as they are. What a person reads
(messages, docstrings), what types say, and what asserts (`assert`, `zip(..., strict=True)`) is left alone.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMPARISONS: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum"}


@dataclass(frozen=True)
class Mutant:
    """A change: `before` at a place of a file becomes `after`; `around` is its line, without a comment."""

    path: str
    line: int
    start: int
    stop: int
    before: str
    after: str
    around: str

    def applied(self, source: str) -> str:
        """Return the mutated source; `start` and `stop` count characters.

        Raises
        ------
        ValueError
            If the source is no longer the one that the mutant was made from.
        """
        if source[self.start : self.stop] != self.before:
            raise ValueError(f"{self.path} was changed meanwhile: {self} does not fit")
        return source[: self.start] + self.after + source[self.stop :]

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.change}"

    @property
    def change(self) -> str:
        return f"{' '.join(self.before.split())} -> {' '.join(self.after.split())}"

    @property
    def text(self) -> str:
        """What it is known by in equivalent.txt: no line number, which moves, but what stands around it."""
        return f"{self.path}: {self.change}" + (f"  in {self.around}" if self.around != self.before else "")


def mutants_of(root: Path, path: str) -> list[Mutant]:
    """Return all mutants of a file, by place."""
    source = (root / path).read_text(encoding="utf-8")
    starts = [0]
    for text in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(text))
    lines = source.splitlines(keepends=True)

    def place(line: int, column: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    found = []
    for node in _kept(ast.parse(source)):
        start, stop = place(node.lineno, node.col_offset), place(node.end_lineno, node.end_col_offset)
        for changed in _changes(node):
            after = changed if isinstance(changed, str) else ast.unparse(changed)
            if isinstance(node, ast.expr):
                after = f"({after})"
            around = lines[node.lineno - 1].partition("  # ")[0].strip()
            found.append(Mutant(path, node.lineno, start, stop, source[start:stop], after, around))
    return sorted(found, key=lambda mutant: (mutant.start, mutant.stop, mutant.after))


def _kept(tree: ast.Module) -> Iterator[ast.AST]:
    """Walk over what may change."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield from [node] if isinstance(node, ast.expr | ast.stmt) else []
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "bases"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not _left_alone(child):
                    waiting.append(child)


def _left_alone(node: ast.AST) -> bool:
    asserts = isinstance(node, ast.Assert) or (isinstance(node, ast.keyword) and node.arg == "strict")
    return asserts or isinstance(node, ast.Raise | ast.JoinedStr)


def _changes(node: ast.AST) -> Iterator[ast.AST | str]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in COMPARISONS:
            yield _with(node, ops=[COMPARISONS[type(op)]()])
        case ast.BinOp(op=op) if type(op) in ARITHMETIC:
            yield _with(node, op=ARITHMETIC[type(op)]())
        case ast.AugAssign(op=op) if type(op) in ARITHMETIC:
            yield _with(node, op=ARITHMETIC[type(op)]())
        case ast.BoolOp(op=op):
            yield _with(node, op=ast.And() if isinstance(op, ast.Or) else ast.Or())
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.Constant(value=bool(value)):
            yield repr(not value)
        case ast.Constant(value=int(value)):
            yield repr(value + 1)
        case ast.Constant(value=float(value)):
            yield repr(2 * value if value else 1.0)
        case ast.IfExp(test=test):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.Attribute(value=value, attr="T"):
            yield value
        case ast.Call(func=ast.Name(id=name)) if name in CALLS:
            yield _with(node, func=ast.Name(CALLS[name]))
        case ast.Call(func=ast.Attribute(attr=name)) if name in CALLS:
            yield _with(node, func=_with(node.func, attr=CALLS[name]))
        case ast.Call(func=ast.Name(id="sorted" | "reversed" | "abs"), args=[one, *_]):
            yield f"list({ast.unparse(one)})" if node.func.id != "abs" else one
        case ast.Expr(value=ast.Call()):
            yield "pass"
        case ast.Break():
            yield "continue"
        case ast.Continue():
            yield "break"
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed
