"""The functions of an exported Python module."""

from __future__ import annotations

from chainrule.core.equations import SELU_ALPHA, SELU_SCALE

PREDICT_OUTPUTS = '''
def predict(row):
    """Return the outputs of the network."""
    if len(row) != INPUTS:
        raise ValueError(f"a row has INPUTS numbers; received {len(row)}")
    return forward(row, LAYERS)
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
    return usable(forward(encode(row), LAYERS))
'''
OUTPUTS_OF_SEVERAL = '''
def outputs(row):
    """Return the outputs of each network for a row of the table."""
    nodes = encode(row)
    return [usable(forward(nodes, layers)) for layers in NETWORKS]


def mean(members):
    """Return the mean of the networks' answers."""
    return [sum(one) / len(members) for one in zip(*members)]
'''
USABLE = '''
def usable(a):
    """Return the outputs, which must be finite."""
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
        row = [row[name] for name in names]
    if len(row) != len(names):
        raise ValueError(f"a row has {len(names)} values; received {len(row)}")
    return [None if type(value).__name__ in ("NAType", "NaTType") else value for value in row]  # those of pandas


def as_number(name, value):
    """Return a number, NaN where it is missing."""
    try:
        if isinstance(value, (str, bytes, bytearray)):
            raise TypeError
        return math.nan if value is None else float(value)
    except (TypeError, ValueError):
        raise ValueError(f"column {name!r}: {value!r} is not a number") from None
    except OverflowError:
        raise ValueError(f"column {name!r}: the value is too large") from None


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
    nodes = [0.0] * WIDTH
    for column, value in zip(COLUMNS, cells(row, [column["name"] for column in COLUMNS])):
        if "kind" in column:
            numbers = column["kind"](column, value)
            nodes[column["node"] : column["node"] + len(numbers)] = numbers
    return nodes
'''

ENCODE_WITH_STEPS = '''
def encode(row):
    """Return the numbers of the input nodes: those of the columns, then those of the steps, and of these some."""
    values = []
    for column, value in zip(COLUMNS, cells(row, [column["name"] for column in COLUMNS])):
        if "kind" in column:
            values += column["kind"](column, value)
    values = taken(values, STEPS)
    return [checked_input(values[i]) for i in NODES]


def checked_input(node):
    """Return the value of an input node, which must be finite."""
    if not math.isfinite(node):
        raise ValueError("the row cannot be used: a value is missing, or too large")
    return node
'''

NUMBER_NODES = '''
def number_nodes(column, value):
    """Return the scaled number, and whether it was missing where the column has an indicator."""
    value = READ(column["name"], value)
    missing = math.isnan(value)
    known = column["fill"] if missing and column["fill"] is not None else value
    node = checked(column["name"], (known - column["center"]) / column["scale"])
    return [node, WAVES*([float(missing)] if column["indicator"] else [])]
'''

WAVES = '''
def waves(periods, value):
    """Return sine and cosine of a number's place in each period; zeros where it is missing."""
    if math.isnan(value):
        return [0.0, 0.0] * len(periods)
    angles = [2 * math.pi * (value / period - math.floor(value / period)) for period in periods]
    return [wave(angle) for angle in angles for wave in (math.sin, math.cos)]
'''

NUMBER_OR_GAP = '''
def number_or_gap(column, value):
    """Return the number, NaN where it is missing."""
    value = as_number(column["name"], value)
    if math.isinf(value):
        raise ValueError(f"column {column['name']!r}: the value is too large")
    return [value]
'''

AS_TEXT = '''
def as_text(value):
    """Return a name as the table of training had it, None where it is missing: 2.0 is "2", True is "true"."""
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        value = value.item()  # NumPy's numbers
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) <= 2**53:
        value = float(value)
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < 1e16
        return None if math.isnan(value) else str(int(value)) if whole else repr(value)
    return None if value is None else str(value)
'''

NAME_NODES = '''
def name_nodes(column, value):
    """Return 1 for the row's own name and 0 for the others."""
    names, value = column["names"], as_text(value)
    rule = column["missing" if value is None else "unknown"]
    if value in names:
        own = names.index(value)
    elif rule == "refused":
        raise ValueError(f"column {column['name']!r}: {value!r} is none of {', '.join(names)}")
    else:
        own = -1 if rule == "none" else column["width"] - 1 if value is None else len(names)
    return [float(k == own) for k in range(column["width"])]
'''

TEXT_POSITION = '''
def text_position(column, value):
    """Return the position of a text among those of the column; behind them stand a missing one, and any other."""
    texts = column["texts"]
    if value is None or value != value:
        return [len(texts)]
    if not isinstance(value, str):
        raise ValueError(f"column {column['name']!r}: {value!r} is not text")
    return [texts.index(value) if value in texts else len(texts) + 1]
'''

AS_DAYS = '''
DATE = re.compile(
    r"([0-9]{4})([-/])([0-9]{2})\\2([0-9]{2})(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\\.([0-9]+))?)?Z?)?"
)


def as_days(name, value):
    """Return a date as days since 1970-01-01, from a date, a datetime (UTC without a zone), ISO text, or such days."""
    if isinstance(value, str):
        found = DATE.fullmatch(value.strip())
        if not found:
            raise ValueError(f"column {name!r}: {value!r} is no date such as 2012-01-31 or 2012-01-31T12:00")
        parts = [int(part or 0) for part in found.group(1, 3, 4, 5, 6, 7)]
        value = datetime.datetime(*parts, int((found[8] or "").ljust(6, "0")[:6]))
    if type(value).__name__ == "datetime64":  # of NumPy
        value = value.astype("datetime64[us]").item()
    if not isinstance(value, datetime.date):
        return as_number(name, value)
    if not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day)
    if value.tzinfo is not None:
        value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return (value - datetime.datetime(1970, 1, 1)) / datetime.timedelta(days=1)
'''


FORWARD = '''
def forward(a, layers):
    """Return the outputs for some inputs: layer by layer, z_k = sum_i a_i w_ik + b_k and a = f(z)."""
    for weights, biases, activation, parameters in layers:
        z = [sum(w * x for w, x in zip(unit, a)) + bias for unit, bias in zip(weights, biases)]
        a = activation(z, *parameters)
    return a
'''
FORWARD_SINGLE = '''
def forward(a, layers):
    """Return the outputs for some inputs: layer by layer, z_k = sum_i a_i w_ik + b_k and a = f(z)."""
    a = single(a)
    for weights, biases, activation, parameters in layers:
        z = [sum(w * x for w, x in zip(unit, a)) + bias for unit, bias in zip(weights, biases)]
        a = single(activation(single(z), *parameters))
    return a


def single(numbers):
    """Return the numbers, infinite beyond the range of float32, in which the network was trained."""
    return [v if abs(v) < 3.4028235677973366e38 or math.isnan(v) else math.copysign(math.inf, v) for v in numbers]
'''

IN_UNITS = '''
def in_units(values):
    """Return values from a logarithmic scale, unit * sinh(v); where UNITS has 0, they are as they are."""
    try:
        found = [unit * math.sinh(v) if unit else v for v, unit in zip(values, UNITS)]
    except OverflowError:
        found = [math.inf]
    if not all(map(math.isfinite, found)):
        raise ValueError("the row lies so far from those of training that its value is beyond a float")
    return found
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
