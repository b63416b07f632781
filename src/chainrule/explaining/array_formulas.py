"""Formulas of whole arrays as a person types them: products, sums and transposes, read and written in a notation.

    delta[3] = (W[4]^T delta[4]) ⊙ f'(z[3])
    dJ/dW[1] = 1/N * A[0].T @ delta[1]

Two arrays side by side, or with * · @ between them, are a matrix product; ⊙ ∘ .* is the product by element, and so is *
between arrays of one shape, as NumPy has it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from chainrule.errors import UsageError
from chainrule.explaining.asking import ask_array, asked_as
from chainrule.explaining.naming import Naming
from chainrule.explaining.notation import Notation
from chainrule.explaining.quantities import Name, Quantity
from chainrule.explaining.text_form import LOWERED, RAISED

# How tightly a node holds together.
SUM, ELEMENTWISE, PRODUCT, MINUS_SIGN, POWER, ATOM = range(6)
BY_ELEMENT = ("⊙", "∘", ".*")
_FACTORED = ("product", "/")
ELEMENTWISE_FUNCTIONS = ("exp", "ln", "log", "sqrt", "tanh", "abs")
MOST_NESTED, MOST_SIGNS = 40, 120
_UP, _DOWN = (re.escape("".join(letters.values())) for letters in (RAISED, LOWERED))
# Letters with what stands behind, above and below them: W[1], kernel0, w²₁₂, δ′, a^{(1)}.
_WORD = (
    rf"[^\W\d_{_UP}{_DOWN}ᵀ⊤]+"
    rf"(?:\[[^\[\]]*\]|[{_UP}]+|[{_DOWN}]+|\d+|′|\^\{{[^{{}}T⊤\\]*\}}|_\{{[^{{}}]*\}}|_\d)*"
)
_EXAMPLE = r"(?:\s*@\s*\d+(?![\d.eE]))?"  # a number with a point is no example's, but a factor
_TOKEN = re.compile(
    rf"(?P<derivative>[d∂]{_WORD}\s*/\s*[d∂]{_WORD}{_EXAMPLE})"
    r"|(?P<transpose>\^\s*\{?\s*(?:T|⊤|\\top)\s*\}?(?![A-Za-z\[])|\.T\b|ᵀ|\.transpose\(\))"
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<function>[A-Za-zσ]+\s*['′]?(?=\s*\())"
    rf"|(?P<name>{_WORD}{_EXAMPLE})"
    r"|(?P<sign>\.\*|\*\*|[-+−*·@⊙∘/^()²])"
    r"|(?P<space>\s+)"
)

_NAME = re.compile(_WORD + _EXAMPLE)


@dataclass(frozen=True)
class Node:
    """A formula: `op` is "name", "number", "setting", "call", "T", "neg", "+", "-", "product", "/" or "^".

    Attributes
    ----------
    op : str
    parts : tuple of Node
    sign : str
        What was typed: a product's or a transpose's sign, a function, a number.
    name : Name, optional
    """

    op: str
    parts: tuple[Node, ...] = ()
    sign: str = ""
    name: Name | None = None


def read(text: str, sizes: tuple[int, ...], notation: Notation) -> Node:
    """Read one side of a formula in a notation.

    Raises
    ------
    UsageError
        If it is no formula; the message says where.
    """
    return _Reader(text, sizes, notation).whole()


class _Reader:
    def __init__(self, text: str, sizes: tuple[int, ...], notation: Notation) -> None:
        self.text, self.sizes, self.notation = text, sizes, notation
        self.tokens: list[tuple[str, str, int]] = []
        self.nested = 0
        self.names: dict[str, Name] = {}
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if not found:
                raise self.error(at, f'"{text[at]}" has no place in a formula')
            kind, token = str(found.lastgroup), found.group()
            if kind == "derivative" and not self.is_known(self.unsquared(token)):
                found = _NAME.match(text, at)
                if found and (token.startswith("∂") or not self.is_known(self.unsquared(found.group()))):
                    found = None  # a fraction of no known names, rather than a quotient of known ones
                kind, token = ("name", found.group()) if found else (kind, token)
            if kind in ("name", "derivative"):
                token = self.unsquared(token)
            if kind != "space":
                self.tokens.append((kind, token, at))
            at += len(token)
        if len(self.tokens) > MOST_SIGNS:
            raise self.error(self.tokens[MOST_SIGNS][2], f"it has more than {MOST_SIGNS} names and signs")
        self.at = 0

    def unsquared(self, token: str) -> str:
        """A name without the ² behind it that is a power, and no part of the name as this notation writes it."""
        return token[:-1] if token.endswith("²") and self.is_known(token[:-1]) and not self.is_known(token) else token

    def is_known(self, text: str) -> bool:
        try:
            self.named(text)
        except UsageError:
            return False
        return True

    def error(self, at: int, what: str) -> UsageError:
        where = f'at "{self.text[at : at + 20]}"' if at < len(self.text) else "at its end"
        text = self.text.strip()
        shown = text if len(text) <= 60 else text[:57] + "..."
        return UsageError(
            f'"{shown}", {where}: {what}. A formula is made of names such as W[1], delta[2] or f\'(z[1]), '
            "numbers, + - * / ^2, @ or a space for the matrix product, ⊙ for the product by element, ^T or .T and ( )."
        )

    def whole(self) -> Node:
        node = self.sum()
        if self.at < len(self.tokens):
            raise self.error(self.tokens[self.at][2], f'"{self.tokens[self.at][1]}" is left over')
        return node

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at][:2] if self.at < len(self.tokens) else ("end", "")

    def sign(self, *signs: str) -> str | None:
        kind, text = self.peek()
        if kind != "sign" or text not in signs:
            return None
        self.at += 1
        return text

    def sum(self) -> Node:
        left = self.elementwise()
        while sign := self.sign("+", "-", "−"):
            left = Node("+" if sign == "+" else "-", (left, self.elementwise()))
        return left

    def elementwise(self) -> Node:
        left = self.product()
        while sign := self.sign(*BY_ELEMENT):
            left = Node("product", (left, self.product()), sign)
        return left

    def product(self) -> Node:
        left = self.minus()
        while True:
            if sign := self.sign("*", "·", "@"):
                left = Node("product", (left, self.minus()), sign)
            elif self.sign("/"):
                left = Node("/", (left, self.minus()))
            elif self.peek()[0] in ("name", "derivative", "function", "number") or self.peek()[1] == "(":
                left = Node("product", (left, self.minus()), " ")
            else:
                return left

    def minus(self) -> Node:
        self.nested += 1
        if self.nested > MOST_NESTED:
            raise self.error(len(self.text), f"it is nested more than {MOST_NESTED} deep")
        node = Node("neg", (self.minus(),)) if self.sign("-", "−") else self.power()
        self.nested -= 1
        return node

    def power(self) -> Node:
        node = self.atom()
        while True:
            if self.peek()[0] == "transpose":
                node = Node("T", (node,), re.sub(r"\s", "", self.tokens[self.at][1]))
                self.at += 1
            elif self.sign("²"):
                node = Node("^", (node,), "2")
            elif self.sign("^", "**"):
                kind, number = self.peek()
                if kind != "number":
                    raise self.error(self.position(), "after ^ stands a number, or T")
                self.at += 1
                node = Node("^", (node,), number)
            else:
                return node

    def position(self) -> int:
        return self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.text)

    def atom(self) -> Node:
        kind, text = self.peek()
        position = self.position()
        self.at += 1
        if kind == "number":
            return Node("number", sign=text)
        if text == "(":
            inner = self.sum()
            if not self.sign(")"):
                raise self.error(self.position(), "a ) is missing")
            return inner
        if kind == "function":
            function = re.sub(r"\s", "", text).replace("′", "'")
            letters = {"f", "g", "σ", "sigma", self.notation.letter("f")}
            if function.rstrip("'") in letters:
                return Node("call", (self.atom(),), "f" + "'" * function.endswith("'"))
            if function in ELEMENTWISE_FUNCTIONS:
                return Node("call", (self.atom(),), function)
            try:
                return self.named(text.strip())  # x (...), a product
            except UsageError:
                raise self.error(position, f'"{function}" is no function of a formula here') from None
        if kind in ("name", "derivative"):
            return self.named(text)
        raise self.error(position, "something is missing" if kind == "end" else f'"{text}" cannot stand here')

    def named(self, text: str) -> Node:
        text = text.strip()
        settings = {"N": ("N", self.notation.letter("N")), "eta": ("eta", "η"), "lambda": ("lambda", "λ")}
        for setting, others in settings.items():
            if text in others:
                return Node("setting", sign=setting)
        if text not in self.names:
            self.names[text] = ask_array(text, Naming(self.notation, self.sizes, self.notation.example))
        name = self.names[text]
        if isinstance(name, Quantity) and name.kind in settings:
            return Node("setting", sign=name.kind)
        return Node("name", name=name)


def names(node: Node) -> list[Name]:
    """Every name in a formula."""
    return [*([node.name] if node.name is not None else []), *(n for part in node.parts for n in names(part))]


def transposes(node: Node) -> int:
    """How many transposes stand in a formula."""
    return (node.op == "T") + sum(map(transposes, node.parts))


def write(node: Node, notation: Notation) -> str:
    """Write a formula as `read` reads it."""
    return _written(node, notation)[0]


def _written(node: Node, notation: Notation) -> tuple[str, int]:
    def at_least(part: Node, level: int) -> str:
        text, holds = _written(part, notation)
        return f"({text})" if holds < level else text

    match node.op:
        case "number":
            return node.sign, ATOM
        case "setting":
            return notation.letter("N") if node.sign == "N" else node.sign, ATOM
        case "name":
            assert node.name is not None
            name = node.name
            if isinstance(name, Quantity) and name.kind == "slope":
                return f"{notation.letter('f')}'({_readable(replace(name, kind='z'), notation)})", ATOM
            text = _readable(name, notation)
            return text, ATOM if "/" not in text and "@" not in text else POWER
        case "call":
            function = notation.letter("f") + node.sign[1:] if node.sign in ("f", "f'") else node.sign
            return f"{function}({at_least(node.parts[0], SUM)})", ATOM
        case "T":
            return at_least(node.parts[0], ATOM) + node.sign, ATOM
        case "^":
            return f"{at_least(node.parts[0], ATOM)}^{node.sign}", POWER
        case "neg":
            return f"-{at_least(node.parts[0], PRODUCT)}", ELEMENTWISE if node.parts[0].op in _FACTORED else MINUS_SIGN
        case "+" | "-":
            left, right = at_least(node.parts[0], SUM), at_least(node.parts[1], ELEMENTWISE)
            return f"{left} {node.op} {right}", SUM
        case "/":
            return f"{at_least(node.parts[0], PRODUCT)} / {at_least(node.parts[1], ATOM)}", PRODUCT
    level = ELEMENTWISE if node.sign in BY_ELEMENT else PRODUCT
    left, right = (
        at_least(node.parts[0], level),
        at_least(node.parts[1], level + (not _chained(node.parts[1], node.sign))),
    )
    if node.sign in BY_ELEMENT:  # courses differ in which product goes first: brackets say it
        left, right = (
            f"({text})" if part.op == "product" and part.sign not in BY_ELEMENT else text
            for part, text in zip(node.parts, (left, right), strict=True)
        )
    if (node.sign == "@" and right[0].isdigit()) or (node.sign == " " and right[0] == "-"):
        right = f"({right})"  # W @ 2 would be that of example 2, W -a a difference
    return left + (" " if node.sign == " " else f" {node.sign} ") + right, level


def _chained(node: Node, sign: str) -> bool:
    """Whether a factor is a product by the same sign, which needs no brackets: A (B C) is A B C."""
    if node.op != "product" or node.sign != sign:
        return False
    return node.parts[0].op not in _FACTORED or _chained(node.parts[0], sign)


def _readable(name: Name, notation: Notation) -> str:
    """A name as it is read back; one example's cost, where its letter is the batch's too, has the example's letter."""
    return asked_as(name, Naming(notation, None, notation.example))
