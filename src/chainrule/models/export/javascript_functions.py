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
_IN_SINGLE = _FORWARD.replace("NODES", "single(nodes)")
FORWARD_SINGLE = _IN_SINGLE.replace("ACTIVATED", "single(activation(single(z), ...parameters))") + _SINGLE


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
