"""The parts of an exported file of C that turn the cells of a row into numbers, as templates like `c_functions`."""

from __future__ import annotations

NUMBER_TABLE = """
/* Each number gives the node (value - center) / scale; fill stands in for a missing value, and NAN for none. The
   indicator is the node that is 1 where the value is missing, and -1 where there is none. */
static const struct {
    int position, node, indicator;
    double center, scale, fill;
} ${name}_numbers[${count}] = {
${rows}
};
"""

CYCLE_TABLE = """
/* The nodes for the sine of a number's place in a period, behind each of which stands its cosine's. */
static const struct {
    int position, node;
    double period;
} ${name}_cycles[${count}] = {
${rows}
};
"""

NAME_TABLE = """
/* Each name gives 1 at its own node and 0 at the others; the first of them is the column's node. A missing name, and
   one without a node, gives 1 at a node for all such names, or at none, or is refused. */
enum { ${name}_none = -1, ${name}_refused = -2 };
static const struct {
    const char *const *names;
    int count, node, width, missing, unknown;
} ${name}_texts[${count}] = {
${rows}
};
"""

ENCODE_PLAIN = """
/* The input nodes are the row's numbers; 0 if one of them is missing or infinite. */
static int ${name}_encode(const double *numbers, double *nodes)
{
    int i;
    for (i = 0; i < ${count}; i++) {
        if (!isfinite(numbers[i])) return 0;
        nodes[i] = numbers[i];
    }
    return 1;
}
"""

ENCODE = """
/* A row's input nodes; 0 if one of its values cannot be used. */
static int ${name}_encode(${arguments}, double *nodes)
{
    int i;
${loops}
    return 1;
}
"""

ENCODE_WITH_STEPS = """
/* A row's input nodes, by the steps from its values to them; 0 if one of its values cannot be used. */
static int ${name}_encode(${arguments}, double *nodes)
{
    double v[${count}];
    int k;
${columns}
${steps}
    for (k = 0; k < ${inputs}; k++) {
        if (!isfinite(v[${name}_inputs[k]])) return 0;
        nodes[k] = v[${name}_inputs[k]];
    }
    return 1;
}
"""

NUMBERS_OR_GAPS = """
    for (k = 0; k < ${count}; k++) {
        if (isinf(numbers[${name}_places[k]])) return 0;
        v[${name}_at[k]] = numbers[${name}_places[k]];
    }
"""

TEXT_POSITIONS = """
    for (k = 0; k < ${count}; k++) v[${name}_texts[k].node] = ${name}_position(&${name}_texts[k], names[k]);
"""

TEXT_TABLE = """
/* The texts of each column. A row's own gives its position; behind them stand a missing one, and any other. */
struct ${name}_text {
    const char *const *texts;
    int count, node;
};
static const struct ${name}_text ${name}_texts[${count}] = {
${rows}
};
static int ${name}_position(const struct ${name}_text *column, const char *text)
{
    int k = 0;
    if (!text) return column->count;
    while (k < column->count && strcmp(text, column->texts[k]) != 0) k++;
    return k < column->count ? k : column->count + 1;
}
"""

ENCODE_NUMBERS = """
    for (i = 0; i < ${count}; i++) {
        const double value = numbers[${name}_numbers[i].position];
        const int missing = isnan(value) ? 1 : 0, indicator = ${name}_numbers[i].indicator;
        const double known = missing ? ${name}_numbers[i].fill : value;
        const double node = (known - ${name}_numbers[i].center) / ${name}_numbers[i].scale;
        if (!isfinite(node)) return 0;
        nodes[${name}_numbers[i].node] = node;
        if (indicator >= 0) nodes[indicator] = missing;
    }
"""

ENCODE_CYCLES = """
    for (i = 0; i < ${count}; i++) {
        const double value = numbers[${name}_cycles[i].position], turns = value / ${name}_cycles[i].period;
        const double angle = 6.283185307179586 * (turns - floor(turns));
        nodes[${name}_cycles[i].node] = isnan(value) ? 0 : sin(angle);
        nodes[${name}_cycles[i].node + 1] = isnan(value) ? 0 : cos(angle);
    }
"""

ENCODE_NAMES = """
    for (i = 0; i < ${count}; i++) {
        const int first = ${name}_texts[i].node, count = ${name}_texts[i].count;
        const int missing = ${name}_texts[i].missing, unknown = ${name}_texts[i].unknown;
        int k = 0, own;
        if (names[i]) {
            while (k < count && strcmp(names[i], ${name}_texts[i].names[k]) != 0) k++;
            own = k < count ? first + k : unknown;
        } else {
            own = missing;
        }
        if (own == ${name}_refused) return 0;
        for (k = 0; k < ${name}_texts[i].width; k++) nodes[first + k] = 0;
        if (own >= 0) nodes[own] = 1;
    }
"""
