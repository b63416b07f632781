"""The steps of an exported file of C: a few lines for each, which read numbers by their positions and add theirs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from chainrule.models.export.steps import Each, LookUp, Norm, Pairs, Refuse, Step, Sums
from chainrule.models.export.text import bracketed
from chainrule.models.export.text import number as finite

EACH = {
    "add": "x + c",
    "subtract": "x - c",
    "multiply": "x * c",
    "divide": "x / c",
    "at_least": "x < c ? c : x",
    "at_most": "x > c ? c : x",
    "fill": "isnan(x) ? c : x",
    "missing_if": "x == c ? NAN : x",
    "equals": "x == c ? 1 : 0",
    "constant": "c",
    "missing": "isnan(x) ? 1 : 0",
    "negative": "-x",
    "absolute": "fabs(x)",
    "square": "x * x",
    "sqrt": "sqrt(x)",
    "exp": "exp(x)",
    "expm1": "expm1(x)",
    "log": "log(x)",
    "log1p": "log1p(x)",
    "log2": "log2(x)",
    "log10": "log10(x)",
}
NORMS = {"l1": "sum += fabs(x)", "l2": "sum += x * x", "max": "if (fabs(x) > sum) sum = fabs(x)"}
PAIRS = {"product": "*", "quotient": "/"}
REFUSED = {"missing": "isnan(x)", "infinite": "isinf(x)", "not finite": "!isfinite(x)"}


def number(value: float) -> str:
    """Write a number as C has it, with those that are not finite.

    >>> number(0.1), number(-math.inf)
    ('0.1', '-HUGE_VAL')
    """
    return finite(value) if math.isfinite(value) else "NAN" if value != value else f"{'-' * (value < 0)}HUGE_VAL"


def step_tables(steps: Sequence[Step], prefix: str) -> list[str]:
    """The arrays of the steps: positions, constants, weights, keys and values."""
    return [table for k, step in enumerate(steps, start=1) for table in _tables(step, f"{prefix}{k}")]


def step_code(steps: Sequence[Step], prefix: str, first: int) -> str:
    """What the steps do to the array `v`, of whose numbers the first `first` are there; 0 is returned for a refusal."""
    lines: list[str] = []
    for k, step in enumerate(steps, start=1):
        lines += _lines(step, f"{prefix}{k}", first)
        first += step.n_outputs
    return "\n".join(f"    {line}" for line in lines)


def integers(name: str, items: Iterable[int]) -> str:
    """A table of positions."""
    listed = list(map(str, items))
    return bracketed(f"static const int {name}[{len(listed)}] = {{", listed, "};")


def _doubles(name: str, items: Iterable[float]) -> str:
    listed = list(map(number, items))
    return bracketed(f"static const double {name}[{len(listed)}] = {{", listed, "};")


def _tables(step: Step, name: str) -> Iterator[str]:
    constant = isinstance(step, Each) and step.operation == "constant"
    if not isinstance(step, LookUp) and not constant:
        yield integers(f"{name}_from", step.inputs)
    if isinstance(step, Each) and step.constants:
        yield _doubles(f"{name}_by", step.constants)
    elif isinstance(step, Pairs):
        yield integers(f"{name}_others", step.others)
    elif isinstance(step, Sums):
        yield _doubles(f"{name}_weights", step.weights.T.ravel().tolist())
    elif isinstance(step, LookUp) and step.keys:
        yield _doubles(f"{name}_keys", step.keys)
        yield _doubles(f"{name}_values", step.values)


def _lines(step: Step, name: str, at: int) -> list[str]:
    n = len(step.inputs)
    loop, x = f"for (k = 0; k < {n}; k++)", f"const double x = v[{name}_from[k]]"
    if isinstance(step, Each):
        constant = f", c = {name}_by[k]" if step.constants else ""
        if step.operation == "constant":
            return [f"{loop} v[{at} + k] = {name}_by[k];"]
        return [f"{loop} {{", f"    {x}{constant};", f"    v[{at} + k] = {EACH[step.operation]};", "}"]
    if isinstance(step, Pairs):
        return [f"{loop} v[{at} + k] = v[{name}_from[k]] {PAIRS[step.operation]} v[{name}_others[k]];"]
    if isinstance(step, Sums):
        m = step.n_outputs
        return [
            f"for (k = 0; k < {m}; k++) {{",
            "    int i;",
            f"    v[{at} + k] = 0;",
            f"    for (i = 0; i < {n}; i++) v[{at} + k] += {name}_weights[k * {n} + i] * v[{name}_from[i]];",
            "}",
        ]
    if isinstance(step, Norm):
        value = "sqrt(sum)" if step.kind == "l2" else "sum"
        return [
            "{",
            "    double sum = 0;",
            f"    {loop} {{",
            f"        {x};",
            f"        {NORMS[step.kind]};",
            "    }",
            f"    v[{at}] = sum > 0 ? {value} : 1;",
            "}",
        ]
    if isinstance(step, Refuse):
        return [f"{loop} {{  /* {step.what} */", f"    {x};", f"    if ({REFUSED[step.what]}) return 0;", "}"]
    return _look_up(step, name, at)


def _look_up(step: LookUp, name: str, at: int) -> list[str]:
    (position,) = step.inputs
    missing, unknown = number(step.missing), number(step.unknown)
    lines = [f"v[{at}] = {unknown if missing == unknown else f'isnan(v[{position}]) ? {missing} : {unknown}'};"]
    if step.keys:
        lines.append(
            f"for (k = 0; k < {len(step.keys)}; k++) if (v[{position}] == {name}_keys[k]) v[{at}] = {name}_values[k];"
        )
    return lines
