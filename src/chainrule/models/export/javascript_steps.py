"""The steps of an exported JavaScript module: a function for each operation in use, and a table that names them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from chainrule.models.export.javascript_literals import literal, number
from chainrule.models.export.steps import Each, LookUp, Norm, Pairs, Refuse, Step, Sums
from chainrule.models.export.text import bracketed

TAKEN = """
/** The values with those that the steps add: each reads some by their positions. */
function taken(values, steps) {
  let all = values;
  for (const step of steps) all = all.concat(step.operation(step, step.from.map((i) => all[i]), all));
  return all;
}
"""

EACH = {
    "add": "x + c",
    "subtract": "x - c",
    "multiply": "x * c",
    "divide": "x / c",
    "at_least": "(x < c ? c : x)",
    "at_most": "(x > c ? c : x)",
    "fill": "(Number.isNaN(x) ? c : x)",
    "missing_if": "(x === c ? NaN : x)",
    "equals": "(x === c ? 1 : 0)",
    "constant": "c",
    "missing": "(Number.isNaN(x) ? 1 : 0)",
    "negative": "-x",
    "absolute": "Math.abs(x)",
    "square": "x * x",
    "sqrt": "Math.sqrt(x)",
    "exp": "Math.exp(x)",
    "expm1": "Math.expm1(x)",
    "log": "Math.log(x)",
    "log1p": "Math.log1p(x)",
    "log2": "Math.log2(x)",
    "log10": "Math.log10(x)",
}
NORMS = {
    "l1": "v.reduce((sum, x) => sum + Math.abs(x), 0)",
    "l2": "Math.sqrt(v.reduce((sum, x) => sum + x * x, 0))",
    "max": "v.reduce((top, x) => Math.max(top, Math.abs(x)), 0)",
}
PAIRS = {"product": "x * y", "quotient": "x / y"}
REFUSED = {
    "missing": "Number.isNaN(x)",
    "infinite": "Math.abs(x) === Infinity",
    "not finite": "!Number.isFinite(x)",
}


def step_functions(steps: Iterable[Step]) -> list[str]:
    """The functions of the operations that the steps have, each once."""
    return list(dict.fromkeys(map(_function, steps)))


def step_table(name: str, steps: Sequence[Step]) -> str:
    """The steps in their order, as an array of that name."""
    rows = "\n".join(f"  {{{_facts(step)}}}," for step in steps)
    return f"const {name} = [\n{rows}\n];"


def _name(step: Step) -> str:
    if isinstance(step, Each):
        return "each" + "".join(part.capitalize() for part in step.operation.split("_"))
    if isinstance(step, Pairs):
        return step.operation
    if isinstance(step, Norm):
        return f"{step.kind}Norm"
    if isinstance(step, Refuse):
        return "refuse" + "".join(part.capitalize() for part in step.what.split())
    return "sums" if isinstance(step, Sums) else "lookUp"


def _function(step: Step) -> str:
    if isinstance(step, Each):
        arguments = "(x, k)" if step.constants else "(x)"
        value = re.sub(r"\bc\b", "by[k]", EACH[step.operation])
        return f"function {_name(step)}({{ by }}, v) {{\n  return v.map({arguments} => {value});\n}}"
    if isinstance(step, Pairs):
        value = PAIRS[step.operation].replace("y", "all[others[k]]")
        return f"function {_name(step)}({{ others }}, v, all) {{\n  return v.map((x, k) => {value});\n}}"
    if isinstance(step, Sums):
        body = "weights.map((unit) => unit.reduce((sum, w, i) => sum + w * v[i], 0))"
        return f"function sums({{ weights }}, v) {{\n  return {body};\n}}"
    if isinstance(step, Norm):
        return f"function {_name(step)}(step, v) {{\n  return [{NORMS[step.kind]} || 1];\n}}"
    if isinstance(step, LookUp):
        return (
            "function lookUp({ keys, values, missing, unknown }, [x]) {\n"
            "  const k = keys.indexOf(x);\n"
            "  return [Number.isNaN(x) ? missing : k < 0 ? unknown : values[k]];\n}"
        )
    return (
        f"function {_name(step)}({{ reason }}, v) {{\n"
        f"  if (v.some((x) => {REFUSED[step.what]})) throw new RangeError(`the row cannot be used: ${{reason}}`);\n"
        "  return [];\n}"
    )


def _facts(step: Step) -> str:
    facts = [f"operation: {_name(step)}", f"from: {_list(map(str, step.inputs))}"]
    if isinstance(step, Each) and step.constants:
        facts.append(f"by: {_list(map(number, step.constants))}")
    elif isinstance(step, Pairs):
        facts.append(f"others: {_list(map(str, step.others))}")
    elif isinstance(step, Sums):
        facts.append(f"weights: [{', '.join(_list(map(number, unit)) for unit in step.weights.T.tolist())}]")
    elif isinstance(step, LookUp):
        facts += [f"keys: {_list(map(number, step.keys))}", f"values: {_list(map(number, step.values))}"]
        facts.append(f"missing: {number(step.missing)}, unknown: {number(step.unknown)}")
    elif isinstance(step, Refuse):
        facts.append(f"reason: {literal(step.reason)}")
    line = ", ".join(facts)
    return f" {line} " if len(line) < 110 else "\n    " + ",\n    ".join(facts) + ",\n  "


def _list(items: Iterable[str]) -> str:
    return bracketed("[", items, "]", "    ").strip()
