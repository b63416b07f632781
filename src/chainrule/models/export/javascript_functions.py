"""The functions of an exported JavaScript module."""

from __future__ import annotations

from chainrule.core.equations import SELU_ALPHA, SELU_SCALE
from chainrule.core.special import ERFC
from chainrule.models.export.text import bracketed, number

PREDICT_CLASS = """
/** The label, and the probability of each class in the order of `classes`. */
export function predict(row) {
  const a = outputs(row);
  const p = SHARE;
  return { label: classes[CHOSEN], probabilities: ANSWER };
}
"""

PREDICT_CLASS_BY_SEVERAL = """
/** The label, and the probability of each class in the order of `classes`: the mean of what the networks say. */
export function predict(row) {
  const probabilities = mean(outputs(row).map((a) => {
    const p = SHARE;
    return ANSWER;
  }));
  return { label: classes[probabilities.indexOf(highest(probabilities))], probabilities };
}
"""

DIVIDED = """
function divided(p) {
  const sum = p.reduce((total, share) => total + share, 0);
  return p.map((share) => share / sum);
}
"""

PREDICT_LABELS = """
/** 1 for each label that is given and 0 for the others, and the probability of each, in the order of `labels`. */
export function predict(row) {
  const p = outputs(row);
  return { labels: p.map((share) => (share > 0.5 ? 1 : 0)), probabilities: p };
}
"""

PREDICT_VALUES = """
/** The predicted value of each target. */
export function predict(row) {
  const values = VALUES;
  return ANSWER;
}
"""

PREDICT_OUTPUTS = """
/** The outputs of the network. */
export function predict(row) {
  if (row.length !== INPUTS) throw new RangeError(`a row has INPUTS numbers; received ${row.length}`);
  return forward(Array.from(row), layers);
}
"""

CHECKED_OUTPUTS = """
/** The outputs of the network for a row of the table. */
function outputs(row) {
  return usable(forward(encode(row), layers));
}
"""

OUTPUTS_OF_SEVERAL = """
/** The outputs of each network for a row of the table. */
function outputs(row) {
  const nodes = encode(row);
  return networks.map((layers) => usable(forward(nodes, layers)));
}

/** The mean of the networks' answers. */
function mean(members) {
  return members[0].map((_, k) => members.reduce((sum, one) => sum + one[k], 0) / members.length);
}
"""

USABLE = """
/** The outputs, which must be finite. */
function usable(a) {
  if (!a.every(Number.isFinite)) {
    throw new RangeError("the row lies so far from those of training that the outputs are no longer finite");
  }
  return a;
}
"""

CELLS = """
/** The row's values in the order of the columns. */
function cells(row) {
  if (Array.isArray(row) || ArrayBuffer.isView(row)) {
    if (row.length !== columns.length) {
      throw new RangeError(`a row has ${columns.length} values; received ${row.length}`);
    }
    return Array.from(row);
  }
  return columns.map((name) => {
    if (!Object.prototype.hasOwnProperty.call(row, name)) {
      throw new RangeError(`the row has no column ${JSON.stringify(name)}`);
    }
    return row[name];
  });
}

/** A number, NaN where it is missing. */
function asNumber(name, value) {
  if (value === null || value === undefined) return NaN;
  if (typeof value !== "number" && typeof value !== "boolean") {
    throw new RangeError(`column ${JSON.stringify(name)}: ${String(value)} is not a number`);
  }
  return Number(value);
}

/** The value of a node, which must be finite. */
function checked(name, node) {
  if (!Number.isFinite(node)) {
    throw new RangeError(`column ${JSON.stringify(name)}: the value is missing, or too large`);
  }
  return node;
}
"""

ENCODE_PLAIN = """
/** The numbers of the input nodes, which are those of the row. */
function encode(row) {
  return cells(row).map((value, i) => checked(columns[i], asNumber(columns[i], value)));
}
"""

ENCODE = """
/** The numbers of the input nodes. */
function encode(row) {
  const nodes = new Array(WIDTH).fill(0);
  cells(row).forEach((value, i) => {
    const encoding = encodings[i];
    if (!encoding.kind) return;
    encoding.kind(columns[i], encoding, value).forEach((number, k) => {
      nodes[encoding.node + k] = number;
    });
  });
  return nodes;
}
"""

ENCODE_WITH_STEPS = """
/** The numbers of the input nodes: those of the columns, then those of the steps, and of these some. */
function encode(row) {
  const values = cells(row).flatMap((value, i) => {
    const encoding = encodings[i];
    return encoding.kind ? encoding.kind(columns[i], encoding, value) : [];
  });
  const all = taken(values, steps);
  return inputs.map((i) => {
    if (!Number.isFinite(all[i])) throw new RangeError("the row cannot be used: a value is missing, or too large");
    return all[i];
  });
}
"""

NUMBER_NODES = """
/** The scaled number, and whether it was missing where the column has an indicator. */
function numberNodes(name, { read, center, scale, fill, indicator }, value) {
  const known = read(name, value);
  const missing = Number.isNaN(known);
  const node = checked(name, ((missing ? fill : known) - center) / scale);
  return indicator ? [node, missing ? 1 : 0] : [node];
}
"""

NUMBER_OR_GAP = """
/** The number, NaN where it is missing. */
function numberOrGap(name, encoding, value) {
  const known = asNumber(name, value);
  if (Math.abs(known) === Infinity) {
    throw new RangeError(`column ${JSON.stringify(name)}: the value is too large`);
  }
  return [known];
}
"""

NAME_NODES = """
/** A name as the table of training had it: a number of less than 1e-4 has an exponent of two digits, one from 1e16 on a sign. */
function asText(value) {
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e16) return Number.isInteger(value) ? `${value}.0` : String(value);
  if (size === Infinity) return value < 0 ? "-inf" : "inf";
  return value.toExponential().replace(/e([+-])(\\d)$/, "e$10$2");
}

/** 1 for the row's own name and 0 for the others. */
function nameNodes(name, { names, missing, unknown }, value) {
  const none = value === null || value === undefined || Number.isNaN(value);
  const own = none ? names.length : names.indexOf(asText(value));
  if ((none ? missing : unknown) === "refused" && (own < 0 || own === names.length)) {
    throw new RangeError(`column ${JSON.stringify(name)}: ${String(value)} is none of ${names.join(", ")}`);
  }
  const nodes = new Array(names.length + (missing === "node" ? 1 : 0)).fill(0);
  if (own >= 0 && own < nodes.length) nodes[own] = 1;
  return nodes;
}
"""

TEXT_POSITION = """
/** The position of a text among those of the column; behind them stand a missing one, and any other. */
function textPosition(name, { texts }, value) {
  if (value === null || value === undefined || Number.isNaN(value)) return [texts.length];
  if (typeof value !== "string") {
    throw new RangeError(`column ${JSON.stringify(name)}: ${String(value)} is not text`);
  }
  const k = texts.indexOf(value);
  return [k < 0 ? texts.length + 1 : k];
}
"""

AS_DAYS = """
const isoDate =
  /^(\\d{4})([-/])(\\d{2})\\2(\\d{2})(?:[T ](\\d{2}):(\\d{2})(?::(\\d{2})(?:\\.(\\d+))?)?Z?)?$/;

/** A date as days since 1970-01-01, from a Date, ISO text (UTC), or such days. */
function asDays(name, value) {
  if (value instanceof Date) return value.getTime() / 86400000;
  if (typeof value !== "string") return asNumber(name, value);
  const found = isoDate.exec(value.trim());
  const [year, month, day, hour, minute, second] = found
    ? [1, 3, 4, 5, 6, 7].map((k) => Number(found[k] || 0))
    : [0, 0, 0, 0, 0, 0];
  const start = new Date(0);
  start.setUTCFullYear(year, month - 1, day);
  const exists = start.getUTCMonth() === month - 1 && start.getUTCDate() === day;
  if (!found || !exists || hour > 23 || minute > 59 || second > 59) {
    throw new RangeError(`column ${JSON.stringify(name)}: ${value} is no date such as 2012-01-31 or 2012-01-31T12:00`);
  }
  const microseconds = Number((found[8] || "").padEnd(6, "0").slice(0, 6));
  return start.getTime() / 86400000 + (((hour * 60 + minute) * 60 + second) * 1e6 + microseconds) / 86400e6;
}
"""


_FORWARD = """
/** The outputs for some inputs: layer by layer, z_k = sum_i a_i w_ik + b_k and a = f(z). */
function forward(nodes, layers) {
  let a = NODES;
  for (const { weights, biases, activation, parameters } of layers) {
    const z = Array.from(biases, (bias, k) => {
      let sum = 0;
      for (let i = 0; i < a.length; i++) sum += weights[k * a.length + i] * a[i];
      return sum + bias;
    });
    a = ACTIVATED;
  }
  return a;
}
"""
FORWARD = _FORWARD.replace("NODES", "nodes").replace("ACTIVATED", "activation(z, ...parameters)")
_SINGLE = """
/** The numbers, infinite beyond the range of float32, in which the network was trained. */
function single(numbers) {
  const edge = 3.4028235677973366e38;
  return numbers.map((v) => (v >= edge ? Infinity : v <= -edge ? -Infinity : v));
}
"""
FORWARD_SINGLE = (
    _FORWARD.replace("NODES", "single(nodes)").replace("ACTIVATED", "single(activation(single(z), ...parameters))")
    + _SINGLE
)


HIGHEST = """
function highest(a) {
  return a.reduce((top, value) => Math.max(top, value));
}
"""


def _normal_cdf() -> str:
    coefficients = bracketed("const erfcCoefficients = [", map(number, ERFC), "];")
    return f"""
// Chebyshev coefficients of (1 + 2x) exp(x^2) erfc(x) in t = (x - 3.75) / (x + 3.75), for x >= 0.
{coefficients}

/** The standard normal distribution function, erfc(-v / sqrt 2) / 2. */
function normalCdf(v) {{
  const x = Math.min(Math.abs(v) / Math.SQRT2, 1e3);
  const t = (x - 3.75) / (x + 3.75);
  let later = 0;
  let latest = 0;
  for (let k = erfcCoefficients.length - 1; k > 0; k--) {{
    [later, latest] = [2 * t * later - latest + erfcCoefficients[k], later];
  }}
  const tail = ((0.5 * (t * later - latest + erfcCoefficients[0])) / (1 + 2 * x)) * Math.exp(-x * x);
  return v < 0 ? tail : 1 - tail;
}}
"""


def _each(name: str, value: str, arguments: str = "") -> str:
    return f"function {name}(z{arguments}) {{\n  return z.map((v) => {value});\n}}"


_LOGISTIC = "(v >= 0 ? 1 / (1 + Math.exp(-v)) : Math.exp(v) / (1 + Math.exp(v)))"
# Each as core/equations.py has it.
ACTIVATIONS = {
    "identity": _each("identity", "v"),
    "step": _each("step", "(v >= 0 ? 1 : 0)"),
    "logistic": _each("logistic", _LOGISTIC),
    "tanh": _each("tanh", "Math.tanh(v)"),
    "relu": _each("relu", "(v < 0 ? 0 : v)"),
    "leaky_relu": _each("leaky_relu", "(v > 0 ? v : slope * v)", ", slope"),
    "elu": _each("elu", "(v > 0 ? v : alpha * Math.expm1(v))", ", alpha"),
    "selu": _each("selu", f"{SELU_SCALE!r} * (v > 0 ? v : {SELU_ALPHA!r} * Math.expm1(v))"),
    "gelu": _each("gelu", "v * normalCdf(v)"),
    "silu": _each("silu", f"v * {_LOGISTIC}"),
    "softplus": _each("softplus", "(v < 0 ? 0 : v) + Math.log1p(Math.exp(-Math.abs(v)))"),
    "exponential": _each("exponential", "Math.exp(v)"),
    "softmax": """
function softmax(z) {
  const top = highest(z);
  const e = z.map((v) => Math.exp(v - top));
  const sum = e.reduce((total, share) => total + share, 0);
  return e.map((share) => share / sum);
}
""",
}

NORMAL_CDF = _normal_cdf()
