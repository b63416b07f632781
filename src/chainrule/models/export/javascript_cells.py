"""The functions of an exported JavaScript module that turn the cells of a row into numbers."""

from __future__ import annotations

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

_NUMBER_NODES = """
/** The scaled number, and whether it was missing where the column has an indicator. */
function numberNodes(name, { read, center, scale, fill, indicatorPERIODS }, value) {
  const known = read(name, value);
  const missing = Number.isNaN(known);
  const node = checked(name, ((missing ? fill : known) - center) / scale);
  return indicator ? [nodeWAVES, missing ? 1 : 0] : [nodeWAVES];
}
"""
_WAVES = """
/** Sine and cosine of a number's place in each period; zeros where it is missing. */
function waves(periods, value) {
  return periods.flatMap((period) => {
    if (Number.isNaN(value)) return [0, 0];
    const angle = 2 * Math.PI * (value / period - Math.floor(value / period));
    return [Math.sin(angle), Math.cos(angle)];
  });
}
"""
NUMBER_NODES = _NUMBER_NODES.replace("PERIODS", "").replace("WAVES", "")
_CYCLIC = _NUMBER_NODES.replace("PERIODS", ", periods").replace("WAVES", ", ...waves(periods, known)")
CYCLIC_NUMBER_NODES = _CYCLIC + _WAVES

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
/** A name as the table of training had it: 2, 2.5, 1e-05, 1e+16. */
function asText(value) {
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e16) return String(value);
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e16) return String(value);
  if (size === Infinity) return value < 0 ? "-inf" : "inf";
  return value.toExponential().replace(/e([+-])(\\d)$/, "e$10$2");
}

/** 1 for the row's own name and 0 for the others. */
function nameNodes(name, { names, missing, unknown, width }, value) {
  const none = value === null || value === undefined || Number.isNaN(value);
  const nodes = new Array(width).fill(0);
  const rule = none ? missing : unknown;
  let own = none ? -1 : names.indexOf(asText(value));
  if (own < 0 && rule === "refused") {
    throw new RangeError(`column ${JSON.stringify(name)}: ${String(value)} is none of ${names.join(", ")}`);
  }
  if (own < 0 && rule === "node") own = none ? width - 1 : names.length;
  if (own >= 0) nodes[own] = 1;
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
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new RangeError(`column ${JSON.stringify(name)}: this Date is none`);
    return value.getTime() / 86400000;
  }
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
