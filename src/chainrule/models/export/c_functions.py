"""The functions of an exported file of C, as templates: `${name}` begins every name in the file."""

from __future__ import annotations

from string import Template

from chainrule.core.equations import SELU_ALPHA, SELU_SCALE


def filled(template: str, name: str, **words: object) -> str:
    """Fill a template in a single pass, so that what is put in is never looked at again.

    >>> filled("int ${name}_size = ${size};", "predict", size=3)
    'int predict_size = 3;'
    """
    return Template(template.strip("\n")).substitute(name=name, **words)


SINGLE = """
/* Infinite beyond the range of float32, in which the network was trained. */
static double ${name}_single(double x)
{
    return x >= 3.4028235677973366e+38 ? HUGE_VAL : x <= -3.4028235677973366e+38 ? -HUGE_VAL : x;
}
"""

DAYS = """
/* The number of days from 1970-01-01 to a date: what a column of dates takes; NAN for one that there is not. */
double ${name}_days(int year, int month, int day)
{
    const int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    const int last = month == 2 ? 28 + leap : month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
    const int y = month <= 2 ? year - 1 : year, era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    const int of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    if (month < 1 || month > 12 || day < 1 || day > last) return NAN;
    return 146097.0 * era + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}
"""

DENSE = """
/* z_k = sum_i a_i w_ik + b_k; the weights into a unit stand together. */
static void ${name}_dense(int n_in, int n_out, const ${kind} *W, const ${kind} *b, const double *a, double *z)
{
    int i, k;
    for (k = 0; k < n_out; k++) {
        double sum = 0;
        for (i = 0; i < n_in; i++) sum += *W++ * a[i];
        z[k] = sum + b[k];
    }
}
"""


def _each(name: str, value: str, parameter: str = "") -> str:
    argument = f", double {parameter}" if parameter else ""
    return f"static double ${{name}}_{name}(double z{argument})\n{{\n    return {value};\n}}"


_LOGISTIC = "z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z))"
# Each as core/equations.py has it; identity needs no function.
ACTIVATIONS = {
    "step": _each("step", "z >= 0 ? 1 : 0"),
    "logistic": _each("logistic", _LOGISTIC),
    "tanh": _each("tanh", "tanh(z)"),
    "relu": _each("relu", "z < 0 ? 0 : z"),
    "leaky_relu": _each("leaky_relu", "z > 0 ? z : slope * z", "slope"),
    "elu": _each("elu", "z > 0 ? z : alpha * expm1(z)", "alpha"),
    "selu": _each("selu", f"{SELU_SCALE!r} * (z > 0 ? z : {SELU_ALPHA!r} * expm1(z))"),
    "gelu": _each("gelu", "z * 0.5 * erfc(-z / sqrt(2.0))"),
    "silu": _each("silu", f"z * ({_LOGISTIC})"),
    "softplus": _each("softplus", "(z < 0 ? 0 : z) + log1p(exp(-fabs(z)))"),
    "exponential": _each("exponential", "exp(z)"),
    "softmax": """
static void ${name}_softmax(int n, const double *z, double *a)
{
    double top = z[0], sum = 0;
    int k;
    for (k = 1; k < n; k++) if (z[k] > top) top = z[k];
    for (k = 0; k < n; k++) sum += a[k] = exp(z[k] - top);
    for (k = 0; k < n; k++) a[k] /= sum;
}
""",
}

BETWEEN = """
static double ${name}_between(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}
"""


PREDICT_CLASS = """
${signature}
{
${begin}
    if (!usable) {
        for (k = 0; k < ${classes}; k++) probabilities[k] = NAN;
        return -1;
    }
${choice}
${probabilities}
    return position;
}
"""
# A row's nodes and outputs; of several networks each begins with the nodes.
BEGIN = """
    double a[${widest}];
    int k, ${position}usable = ${name}_encode(${columns}, a);
    if (usable) {
        ${name}_network_1(a);
        for (k = 0; k < ${outputs}; k++) usable = usable && isfinite(a[k]);
    }
"""
BEGIN_SEVERAL = """
    double nodes[${inputs}], a[${widest}], mean[${answers}];
    int k, n, ${position}usable = ${name}_encode(${columns}, nodes);
    for (k = 0; k < ${answers}; k++) mean[k] = 0;
    for (n = 0; usable && n < ${networks}; n++) {
        for (k = 0; k < ${inputs}; k++) a[k] = nodes[k];
        ${name}_networks[n](a);
        for (k = 0; k < ${outputs}; k++) usable = usable && isfinite(a[k]);
        if (!usable) break;
        {
${answer}
            for (k = 0; k < ${answers}; k++) mean[k] += ${one}[k];
        }
    }
"""
MEAN_CLASS = """
    for (k = 0; k < ${classes}; k++) probabilities[k] = mean[k] / ${networks};
    position = 0;
    for (k = 1; k < ${classes}; k++) if (probabilities[k] > probabilities[position]) position = k;
"""

CHOICE_OF_ONE_NODE = "    position = a[0] > ${middle} ? 1 : 0;"
CHOICE_OF_SEVERAL = """
    position = 0;
    for (k = 1; k < ${outputs}; k++) if (a[k] > a[position]) position = k;
"""
PROBABILITIES_OF_ONE_NODE = """
    probabilities[1] = ${share};
    probabilities[0] = 1 - probabilities[1];
"""
PROBABILITIES_AS_THEY_ARE = "    for (k = 0; k < ${outputs}; k++) probabilities[k] = ${share};"
PROBABILITIES_DIVIDED = """
    {
        double sum = 0;
        for (k = 0; k < ${outputs}; k++) sum += probabilities[k] = ${share};
        for (k = 0; k < ${outputs}; k++) probabilities[k] /= sum;
    }
"""

PREDICT_LABELS = """
${signature}
{
${begin}
    for (k = 0; k < ${outputs}; k++) {
        probabilities[k] = usable ? a[k] : NAN;
        given[k] = usable ? a[k] > 0.5 : -1;
    }
    return usable ? 0 : -1;
}
"""

IN_UNIT = """
/* A value from a logarithmic scale; a unit of 0 says that it has none. */
static double ${name}_in_unit(double z, double unit)
{
    return unit > 0 ? unit * sinh(z) : z;
}
"""
CHECK_VALUES = """
    for (k = 0; k < ${outputs}; k++) usable = usable && isfinite(values[k]);
    for (k = 0; !usable && k < ${outputs}; k++) values[k] = NAN;
"""
PREDICT_VALUES = """
${signature}
{
${begin}
${after}    for (k = 0; k < ${outputs}; k++) values[k] = usable ? ${value} : NAN;
${check}    return usable ? 0 : -1;
}
"""

PREDICT_OUTPUTS = """
${signature}
{
    double a[${widest}];
    int k;
    for (k = 0; k < ${inputs}; k++) a[k] = inputs[k];
    ${name}_network_1(a);
    for (k = 0; k < ${outputs}; k++) outputs[k] = a[k];
}
"""
