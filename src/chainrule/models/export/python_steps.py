"""The steps of an exported Python module: a function for each operation in use, and a table that names them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from chainrule.models.export.steps import Each, LookUp, Norm, Pairs, Refuse, Step, Sums
from chainrule.models.export.text import bracketed

TAKEN = '''
def taken(values, steps):
    """Return the values with those that the steps add: each reads some by their positions."""
    for step in steps:
        values = values + step["operation"](step, [values[i] for i in step["from"]], values)
    return values
'''

# Python raises where other languages give NaN and infinity.
EACH = {
    "add": "v + c",
    "subtract": "v - c",
    "multiply": "v * c",
    "divide": "v / c",
    "at_least": "c if v < c else v",
    "at_most": "c if v > c else v",
    "fill": "c if math.isnan(v) else v",
    "missing_if": "math.nan if v == c else v",
    "equals": "float(v == c)",
    "constant": "c",
    "missing": "float(math.isnan(v))",
    "negative": "-v",
    "absolute": "abs(v)",
    "square": "v * v",
    "sqrt": "math.nan if v < 0 else math.sqrt(v)",
    "exp": "math.inf if v > 709.782712893384 else math.exp(v)",
    "expm1": "math.inf if v > 709.782712893384 else math.expm1(v)",
    "log": "math.nan if v < 0 else -math.inf if v == 0 else math.log(v)",
    "log1p": "math.nan if v < -1 else -math.inf if v == -1 else math.log1p(v)",
    "log2": "math.nan if v < 0 else -math.inf if v == 0 else math.log2(v)",
    "log10": "math.nan if v < 0 else -math.inf if v == 0 else math.log10(v)",
}
NORMS = {
    "l1": "sum(abs(x) for x in v)",
    "l2": "math.sqrt(sum(x * x for x in v))",
    "max": "max(abs(x) for x in v)",
}
PAIRS = {"product": "x * y", "quotient": "x / y"}
REFUSED = {"missing": "math.isnan(x)", "infinite": "math.isinf(x)", "not finite": "not math.isfinite(x)"}


def step_functions(steps: Iterable[Step]) -> list[str]:
    """The functions of the operations that the steps have, each once."""
    return list(dict.fromkeys(map(_function, steps)))


def step_table(name: str, steps: Sequence[Step]) -> str:
    """The steps in their order, as a list of that name."""
    rows = "\n".join(f"    {{{_facts(step)}}}," for step in steps)
    return f"{name} = [\n{rows}\n]"


def number(value: float) -> str:
    """Write a number as Python has it, with those that are not finite.

    >>> number(0.1), number(-math.inf)
    ('0.1', '-math.inf')
    """
    return (
        repr(float(value)) if math.isfinite(value) else "math.nan" if value != value else f"{'-' * (value < 0)}math.inf"
    )


def _name(step: Step) -> str:
    if isinstance(step, (Each, Pairs)):
        return step.operation
    if isinstance(step, Norm):
        return f"{step.kind}_norm"
    return {Sums: "sums", LookUp: "look_up", Refuse: f"refuse_{getattr(step, 'what', '')}".replace(" ", "_")}[
        type(step)
    ]


def _function(step: Step) -> str:
    if isinstance(step, Each):
        pairs = 'for v, c in zip(v, step["by"])' if step.constants else "for v in v"
        body = f"    return [{EACH[step.operation]} {pairs}]"
    elif isinstance(step, Pairs):
        body = f'    return [{PAIRS[step.operation]} for x, y in zip(v, (values[i] for i in step["others"]))]'
    elif isinstance(step, Sums):
        body = '    return [sum(w * x for w, x in zip(unit, v)) for unit in step["weights"]]'
    elif isinstance(step, Norm):
        body = f"    return [{NORMS[step.kind]} or 1.0]"
    elif isinstance(step, LookUp):
        body = '    return [step["missing"] if math.isnan(v[0]) else step["table"].get(v[0], step["unknown"])]'
    else:
        body = (
            f"    if any({REFUSED[step.what]} for x in v):\n"
            "        raise ValueError(f\"the row cannot be used: {step['reason']}\")\n    return []"
        )
    return f"def {_name(step)}(step, v, values):\n{body}"


def _facts(step: Step) -> str:
    facts = [f'"operation": {_name(step)}', f'"from": {_list(map(str, step.inputs))}']
    if isinstance(step, Each) and step.constants:
        facts.append(f'"by": {_list(map(number, step.constants))}')
    elif isinstance(step, Pairs):
        facts.append(f'"others": {_list(map(str, step.others))}')
    elif isinstance(step, Sums):
        units = ", ".join(_list(map(number, unit)) for unit in step.weights.T.tolist())
        facts.append(f'"weights": [{units}]')
    elif isinstance(step, LookUp):
        pairs = (f"{number(key)}: {number(value)}" for key, value in zip(step.keys, step.values, strict=True))
        facts.append(f'"table": {{{", ".join(pairs)}}}')
        facts.append(f'"missing": {number(step.missing)}, "unknown": {number(step.unknown)}')
    elif isinstance(step, Refuse):
        facts.append(f'"reason": {step.reason!r}')
    line = ", ".join(facts)
    return line if len(line) < 110 else "\n        " + ",\n        ".join(facts) + ",\n    "


def _list(items: Iterable[str]) -> str:
    return bracketed("[", items, "]", "        ").strip()
