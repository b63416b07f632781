"""The functions of an exported Python module."""

from __future__ import annotations

from chainrule.core.equations import SELU_ALPHA, SELU_SCALE

PREDICT_OUTPUTS = '''
def predict(row):
    """Return the outputs of the network."""
    if len(row) != INPUTS:
        raise ValueError(f"a row has INPUTS numbers; received {len(row)}")
    return forward(row)
'''

PREDICT_LABELS = '''
def predict(row):
    """Return 1 for each label that is given, and 0 for the others."""
    return [int(p > 0.5) for p in outputs(row)]


def probabilities(row):
    """Return the probability of each label, in the order of LABELS."""
    return outputs(row)
'''

CHECKED_OUTPUTS = '''
def outputs(row):
    """Return the outputs of the network for a row of the table."""
    a = forward(encode(row))
    if not all(map(math.isfinite, a)):
        raise ValueError("the row lies so far from those of training that the outputs are no longer finite")
    return a
'''

CELLS = '''
def cells(row, names):
    """Return the row's values in the order of the columns."""
    if isinstance(row, dict):
        for name in names:
            if name not in row:
                raise ValueError(f"the row has no column {name!r}")
        return [row[name] for name in names]
    if len(row) != len(names):
        raise ValueError(f"a row has {len(names)} values; received {len(row)}")
    return row


def as_number(name, value):
    """Return a number, NaN where it is missing."""
    if isinstance(value, str):
        raise ValueError(f"column {name!r}: {value!r} is not a number")
    return math.nan if value is None else float(value)


def checked(name, node):
    """Return the value of a node, which must be finite."""
    if not math.isfinite(node):
        raise ValueError(f"column {name!r}: the value is missing, or too large")
    return node
'''

ENCODE_PLAIN = '''
def encode(row):
    """Return the numbers of the input nodes, which are those of the row."""
    return [checked(name, as_number(name, value)) for name, value in zip(COLUMNS, cells(row, COLUMNS))]
'''

ENCODE = '''
def encode(row):
    """Return the numbers of the input nodes."""
    nodes = []
    for column, value in zip(COLUMNS, cells(row, [column["name"] for column in COLUMNS])):
        if "names" in column:
            nodes += name_nodes(column, value)
        elif "scale" in column:
            nodes += number_nodes(column, value)
    return nodes
'''

NUMBER_NODES = '''
def number_nodes(column, value):
    """Return the scaled number, and whether it was missing where the column has an indicator."""
    value = as_number(column["name"], value)
    missing = math.isnan(value)
    if missing and column["fill"] is not None:
        value = column["fill"]
    node = checked(column["name"], (value - column["center"]) / column["scale"])
    return [node, float(missing)] if column["indicator"] else [node]
'''

NAME_NODES = '''
def name_nodes(column, value):
    """Return 1 for the row's own name and 0 for the others."""
    names = column["names"]
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, float):
        whole = value.is_integer() and abs(value) < 1e15
        value = None if math.isnan(value) else str(int(value)) if whole else repr(value)
    elif value is not None:
        value = str(value)
    own = len(names) if value is None else names.index(value) if value in names else -1
    if column["missing" if value is None else "unknown"] == "refused" and not 0 <= own < len(names):
        raise ValueError(f"column {column['name']!r}: {value!r} is none of {', '.join(names)}")
    return [float(k == own) for k in range(len(names) + (column["missing"] == "node"))]
'''


FORWARD = '''
def forward(a):
    """Return the outputs for some inputs: layer by layer, z_k = sum_i a_i w_ik + b_k and a = f(z)."""
    for weights, biases, activation, parameters in LAYERS:
        z = [sum(w * x for w, x in zip(unit, a)) + bias for unit, bias in zip(weights, biases)]
        a = activation(z, *parameters)
    return a
'''


def _each(name: str, value: str, arguments: str = "") -> str:
    return f"def {name}(z{arguments}):\n    return [{value} for v in z]"


_LOGISTIC = "1 / (1 + math.exp(-v)) if v >= 0 else math.exp(v) / (1 + math.exp(v))"
# Each as core/equations.py has it; math.exp raises where other languages return infinity.
ACTIVATIONS = {
    "identity": _each("identity", "v"),
    "step": _each("step", "1.0 if v >= 0 else 0.0"),
    "logistic": _each("logistic", _LOGISTIC),
    "tanh": _each("tanh", "math.tanh(v)"),
    "relu": _each("relu", "0.0 if v < 0 else v"),
    "leaky_relu": _each("leaky_relu", "v if v > 0 else slope * v", ", slope"),
    "elu": _each("elu", "v if v > 0 else alpha * math.expm1(v)", ", alpha"),
    "selu": _each("selu", f"{SELU_SCALE!r} * (v if v > 0 else {SELU_ALPHA!r} * math.expm1(v))"),
    "gelu": _each("gelu", "v * 0.5 * math.erfc(-v / math.sqrt(2))"),
    "silu": _each("silu", f"v * ({_LOGISTIC})"),
    "softplus": _each("softplus", "(0.0 if v < 0 else v) + math.log1p(math.exp(-abs(v)))"),
    "exponential": _each("exponential", "math.inf if v > 709.782712893384 else math.exp(v)"),
    "softmax": """
def softmax(z):
    top = max(z)
    e = [math.exp(v - top) for v in z]
    total = sum(e)
    return [share / total for share in e]
""",
}
