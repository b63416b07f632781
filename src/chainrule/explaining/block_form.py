"""Equations of matrices as text of several lines, each matrix with its rows below each other."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.explaining.expressions import Equation, Expression, Matmul, Matrix, Sum, Transpose
from chainrule.explaining.naming import Naming
from chainrule.explaining.text_form import TextWriter

Block = list[str]


def matrix_text(equations: Sequence[Equation], naming: Naming, digits: int | None) -> str:
    """Write equations with their rules, aligned at the sign."""
    writer, lines = TextWriter(naming, digits), []
    for equation in equations:
        left = writer.write(equation.left)
        lines += [equation.rule] if equation.rule else []
        for i, side in enumerate(equation.sides):
            sign = f"  {left if i == 0 else ' ' * len(left)} = "
            lines += _beside([[sign], _block(side, writer)])
    return "\n".join(line.rstrip() for line in lines)


def _block(e: Expression, writer: TextWriter) -> Block:
    match e:
        case Matrix():
            cells = [[writer.write(entry) for entry in row] for row in e.rows]
            widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
            return [
                f"[{'  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))}]" for row in cells
            ]
        case Matmul():
            return _beside([part for f in e.factors for part in (_block(f, writer), [" "])][:-1])
        case Transpose():
            return _beside([_block(e.of, writer), ["ᵀ"]])
        case Sum():
            return _beside([part for term in e.terms for part in (_block(term, writer), [" + "])][:-1])
    return [writer.write(e)]


def _beside(blocks: Sequence[Block]) -> Block:
    """Blocks beside each other, at their tops."""
    height, widths = max(map(len, blocks)), [max(map(len, block)) for block in blocks]
    return [
        "".join((block[i] if i < len(block) else "").ljust(width) for block, width in zip(blocks, widths, strict=True))
        for i in range(height)
    ]
