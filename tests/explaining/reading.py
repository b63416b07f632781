"""Reads what is typeset back as an eye does, and computes it: Unicode text, LaTeX and MathML.

Nothing of the writers is used here. Each form becomes one flat list of signs: braces and rows that nobody sees are
taken away, so an exponent belongs to the one piece before it, and a fraction, a power or a raised name with an exponent
beside it is ambiguous and refused.
"""

import math
import re
from xml.etree import ElementTree

FUNCTIONS = {
    "abs": abs, "exp": math.exp, "ln": math.log, "√": math.sqrt, "tanh": math.tanh, "sin": math.sin, "cos": math.cos,
    "tan": math.tan, "sinh": math.sinh, "cosh": math.cosh, "asin": math.asin, "arcsin": math.asin, "acos": math.acos,
    "arccos": math.acos, "atan": math.atan, "arctan": math.atan,
    "sign": lambda x: math.copysign(1, x) if x else 0.0,
    "Φ": lambda x: 0.5 * math.erfc(-x / math.sqrt(2)), "Phi": lambda x: 0.5 * math.erfc(-x / math.sqrt(2)),
    "φ": lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi),
    "varphi": lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi),
    "logistic": lambda x: 0.5 * (1 + math.tanh(x / 2)), "relu": lambda x: max(x, 0.0),
    "softplus": lambda x: math.log1p(math.exp(x)),
}  # fmt: skip
COMPARED = {
    "<": lambda a, b: a < b, "≤": lambda a, b: a <= b, ">": lambda a, b: a > b, "≥": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
}  # fmt: skip
RAISED = dict(zip("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789", strict=True))
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗₘₙₓₐₑₕₒₚᵣₛₜᵤᵥ", "0123456789ijklmnxaehoprstuv", strict=True))


class Misread(AssertionError):
    """What is typeset says something else than was meant, or nothing at all."""


class Signs:
    """A list of signs, computed by the rules of reading: powers, then products and quotients, then sums."""

    def __init__(self, signs, values, bound=None):
        self.signs, self.at, self.values, self.bound = signs, 0, values, dict(bound or {})

    def value(self):
        found = self.sum()
        if self.at != len(self.signs):
            raise Misread(f"{self.signs[self.at]} is left over in {self.signs}")
        return found

    def next(self):
        return self.signs[self.at] if self.at < len(self.signs) else ("end", None)

    def take(self, kind, what=None):
        found = self.next()
        if found[0] != kind or (what is not None and found[1] != what):
            raise Misread(f"{kind} {what} wanted, {found} stands there: {self.signs}")
        self.at += 1
        return found[1]

    def sum(self):
        total = self.product()
        while self.next() in (("op", "+"), ("op", "−")):
            sign = 1 if self.take("op") == "+" else -1
            total += sign * self.product(minus=False)
        return total

    def product(self, minus=True):
        if minus and self.next() == ("op", "−"):
            self.at += 1
            return -self.product(minus=False)
        found = self.power()
        while True:
            kind, what = self.next()
            if (kind, what) == ("op", "·"):
                self.at += 1
                found *= self.power()
            elif (kind, what) == ("op", "/"):
                self.at += 1
                found /= self.power()
            else:
                return found

    def power(self):
        base, raised = self.piece()
        if self.next() == ("op", "^"):  # text that cannot be raised
            if raised:
                raise Misread(f"what an exponent belongs to cannot be seen: {self.signs}")
            self.at += 1
            exponent = self.piece()[0]
            if self.next()[0] == "sup" or self.next() == ("op", "^"):
                raise Misread("two exponents on one base")
            return math.pow(base, exponent)
        if self.next()[0] != "sup":
            return base
        if raised:
            raise Misread(f"what an exponent belongs to cannot be seen: {self.signs}")
        exponent = Signs(self.take("sup"), self.values, self.bound).value()
        if self.next()[0] == "sup":
            raise Misread("two exponents on one base")
        return base**exponent

    def piece(self):
        """(value, whether an exponent beside it would be ambiguous)"""
        kind, what = self.next()
        self.at += 1
        if kind == "number":
            return float(what), False
        if kind == "name":
            found = self.values[what]
            return (found(self.bound) if callable(found) else found), "raised" in what[1:]
        if kind == "open":
            inner = self.sum()
            self.take("close", {"(": ")", "|": "|", "[": "]"}[what])
            return (abs(inner) if what == "|" else inner), False
        if kind == "frac":
            top, bottom = (Signs(part, self.values, self.bound).value() for part in what)
            return top / bottom, True
        if kind == "group":  # an underbrace, a root: its line shows how far it goes
            return Signs(what, self.values, self.bound).value(), False
        if kind == "root":
            return math.sqrt(Signs(what, self.values, self.bound).value()), False
        if kind == "e":
            return math.exp(Signs(self.take("sup"), self.values, self.bound).value()), True
        if kind == "function":
            self.take("open", "(")
            inner = self.sum()
            self.take("close", ")")
            return FUNCTIONS[what](inner), False
        if kind == "sum over":
            index, first, last = what
            if first is None:
                first, last = self.values["ranges"][index]
            start, total = self.at, 0.0
            for i in range(first, last + 1):
                self.at, self.bound[index] = start, i
                total += self.product()
            del self.bound[index]
            return total, True
        if kind == "cases":
            return self.cases(what), what[0][2]
        raise Misread(f"{kind} {what} begins no expression in {self.signs}")

    def cases(self, branches):
        for branch, condition, _ in branches:
            if condition is None:
                return Signs(branch, self.values, self.bound).value()
            sign = next(i for i, (kind, what) in enumerate(condition) if kind == "compare")
            left, right = (
                Signs(side, self.values, self.bound).value() for side in (condition[:sign], condition[sign + 1 :])
            )
            if COMPARED[condition[sign][1]](left, right):
                return Signs(branch, self.values, self.bound).value()
        raise Misread("no branch holds")


# ---- from each form to signs -------------------------------------------------------------------------------------


def text_signs(text, names):
    """`names`: what is written -> its key in the values, a tuple that ends in "raised" where a script above shows."""
    longest, signs, i = sorted(names, key=len, reverse=True), [], 0
    while i < len(text):
        c, rest = text[i], text[i:]
        name = next((n for n in longest if rest.startswith(n)), None)
        number = re.match(r"\d[\d,]*(\.\d+)?", rest)
        raised = re.match("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", rest)
        function = re.match(r"([A-Za-zΦφ√_]+)\(", rest)
        more = re.match(r"\[[\d,]+ more: ([^\]]*)\]", rest)
        over = re.match(f"Σ([{''.join(LOWERED)}])", rest)
        if name and not (function and len(function[1]) > len(name)):
            signs.append(("name", names[name]))
            i += len(name)
        elif more:
            signs.append(("group", text_signs(more[1], names)))
            i += len(more[0])
        elif number:
            signs.append(("number", number[0].replace(",", "")))
            i += len(number[0])
        elif raised:
            digits = "".join(RAISED[d] for d in raised[0])
            signs.append(("sup", ([("op", "−")] if digits[0] == "-" else []) + [("number", digits.lstrip("-"))]))
            i += len(raised[0])
        elif over:
            index = LOWERED[over[1]]
            signs.append(("sum over", (index, None, None)))  # text leaves the range out
            i += 2
        elif function:
            signs.append(("function", function[1]))
            i += len(function[1])
        elif c == "{":
            end = closing(text, i, "{", "}")
            signs.append(("cases", text_cases(text[i + 1 : end], names)))
            i = end + 1
        elif c == "|":
            inside = sum(s == ("open", "|") for s in signs) > sum(s == ("close", "|") for s in signs)
            signs.append(("close" if inside else "open", "|"))
            i += 1
        else:
            signs += {"(": [("open", "(")], ")": [("close", ")")], " ": []}.get(c) or (
                [] if c == " " else [("compare", c)] if c in COMPARED else [("op", c)]
            )
            i += 1
    return signs


def text_cases(inner, names):
    branches = []
    for part in split_outside(inner, "; "):
        if part.endswith(" otherwise"):
            branches.append((text_signs(part.removesuffix(" otherwise"), names), None, False))
        else:
            branch, condition = split_outside(part, " if ")
            branches.append((text_signs(branch, names), text_signs(condition, names), False))
    return branches


def split_outside(text, by):
    """Split where no bracket is open."""
    parts, depth, last = [], 0, 0
    for i, c in enumerate(text):
        depth += (c in "({[") - (c in ")}]")
        if depth == 0 and text.startswith(by, i):
            parts.append(text[last:i])
            last = i + len(by)
    return [*parts, text[last:]]


def closing(text, at, opens, closes):
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == opens) - (text[i] == closes)
        if depth == 0:
            return i
    raise Misread(f"{opens} at {at} is not closed: {text}")


def latex_signs(latex, names):
    longest, signs, i = sorted(names, key=len, reverse=True), [], 0

    def group(at):
        end = closing(latex, at, "{", "}")
        return latex[at + 1 : end], end + 1

    while i < len(latex):
        rest = latex[i:]
        name = next((n for n in longest if rest.startswith(n)), None)
        number = re.match(r"\d+(\{,\}\d{3})*(\.\d+)?", rest)
        command = re.match(r"\\([A-Za-z]+)", rest)
        over = re.match(r"\\sum_\{(\w)=(\d+)\}\^\{(\d+)\}", rest)
        if name:
            signs.append(("name", names[name]))
            i += len(name)
        elif number:
            signs.append(("number", number[0].replace("{,}", "")))
            i += len(number[0])
        elif rest.startswith((r"\left", r"\right")):
            opens = rest.startswith(r"\left")
            mark = rest[5 if opens else 6]
            signs.append(("open" if opens else "close", mark))
            i += 6 if opens else 7
        elif rest.startswith(r"\frac"):
            top, i = group(i + 5)
            bottom, i = group(i)
            signs.append(("frac", (latex_signs(top, names), latex_signs(bottom, names))))
        elif rest.startswith(r"\sqrt"):
            inner, i = group(i + 5)
            signs.append(("root", latex_signs(inner, names)))
        elif rest.startswith(r"\underbrace"):
            inner, i = group(i + 11)
            _, i = group(i + 1)
            signs.append(("group", latex_signs(inner, names)))
        elif rest.startswith(r"\operatorname"):
            inner, i = group(i + 13)
            signs.append(("function", inner))
        elif rest.startswith(r"\begin{cases}"):
            end = latex.index(r"\end{cases}", i)
            if r"\begin{cases}" in latex[i + 1 : end]:
                raise Misread("cases within cases are not read here")
            branches = []
            for row in latex[i + 13 : end].split(r" \\ "):
                branch, condition = row.split(" & ")
                condition = None if "otherwise" in condition else condition.removeprefix(r"\text{if }")
                branches.append((latex_signs(branch, names), condition and latex_signs(condition, names), True))
            signs.append(("cases", branches))
            i = end + len(r"\end{cases}")
        elif over:
            signs.append(("sum over", (over[1], int(over[2]), int(over[3]))))
            i += len(over[0])
        elif command and command[1] in ("cdot", "le", "ge", "infty"):
            signs.append(("compare", {"le": "≤", "ge": "≥"}[command[1]]) if command[1] in ("le", "ge") else ("op", "·"))
            i += len(command[0])
        elif command:
            signs.append(("function", command[1]))
            i += len(command[0])
        elif rest.startswith("e^"):
            signs.append(("e", None))
            i += 1
        elif rest[0] == "^":
            inner, i = group(i + 1)
            signs.append(("sup", latex_signs(inner, names)))
        elif rest[0] in "{} ":  # nobody sees them
            i += 1
        else:
            sign = {"-": "−"}.get(rest[0], rest[0])
            signs.append(("compare", sign) if sign in COMPARED else ("op", sign))
            i += 1
    return signs


def mathml_signs(markup, names):
    for number, name in enumerate(sorted(names, key=len, reverse=True)):
        markup = markup.replace(name, f'<name n="{number}"/>')
    keys = [names[name] for name in sorted(names, key=len, reverse=True)]
    return _signs(ElementTree.fromstring(f"<mrow>{markup}</mrow>"), keys)


def _signs(e, keys):
    text = e.text or ""
    match e.tag:
        case "name":
            return [("name", keys[int(e.get("n"))])]
        case "mrow" | "mtd":
            if [child.tag for child in e] == ["mo", "mtable"] and e[0].text == "{":
                return [("cases", [_branch(row, keys) for row in e[1]])]
            return [sign for child in e for sign in _signs(child, keys)]
        case "mn":
            return [("sup-number", text)] if "−" in text else [("number", text.replace(",", ""))]
        case "mi":
            return [("e", None)] if text == "e" else [("function", text)]
        case "mo":
            if text in "()":
                return [("open" if text == "(" else "close", text)]
            if text == "|":
                return [("bar", "|")]
            return [("compare", text)] if text in COMPARED else [("op", text)]
        case "mfrac":
            return [("frac", tuple(_signs(part, keys) for part in e))]
        case "msqrt":
            return [("root", [sign for child in e for sign in _signs(child, keys)])]
        case "munder":  # the terms that are not shown
            return [("group", _signs(e[0][0], keys))]
        case "munderover":
            index, first, last = e[1][0], "".join(e[1].itertext()).partition("=")[2], "".join(e[2].itertext())
            index = keys[int(index.get("n"))][0] if index.tag == "name" else index.text
            return [("sum over", (index, int(first), int(last)))]
        case "msup":
            exponent = _signs(e[1], keys)
            if exponent and exponent[0][0] == "sup-number":
                exponent = [("op", "−"), ("number", exponent[0][1].strip("−"))]
            return [*_signs(e[0], keys), ("sup", exponent)]
        case "mtext" | "mspace":
            return []
    raise Misread(f"{e.tag} is not read here")


def _branch(row, keys):
    branch, condition = row
    whole = "".join(condition.itertext())
    return _signs(branch, keys), None if "otherwise" in whole else _signs(condition, keys), True


def bars(signs):
    """Bars as opening and closing, in turn."""
    done, open_ = [], False
    for kind, what in signs:
        if kind == "bar":
            done.append(("close" if open_ else "open", "|"))
            open_ = not open_
        elif kind in ("sup", "root", "group"):
            done.append((kind, bars(what)))
        elif kind == "frac":
            done.append((kind, tuple(map(bars, what))))
        elif kind == "cases":
            done.append((kind, [(bars(b), c and bars(c), d) for b, c, d in what]))
        else:
            done.append((kind, what))
    return done


def computed(signs, values, bound=None):
    """What the signs say, where `values` has a number (or a function of the bound indices) for each name."""
    return Signs(bars(signs), values, bound).value()
