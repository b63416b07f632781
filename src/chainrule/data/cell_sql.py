"""SQL expressions for one cell of delimited text, given as a column of text."""

from __future__ import annotations

WHITE_SPACE = " \t\r\n\u00a0"


def literal(text: str) -> str:
    """Write text as an SQL literal.

    >>> literal("the 'last' one")
    "'the ''last'' one'"
    """
    return "'" + text.replace("'", "''") + "'"


def token_sql(cell: str, tokens: tuple[str, ...]) -> str:
    """The word in the cell that counts as missing, or NULL."""
    trimmed = f"trim({cell}, {literal(WHITE_SPACE)})"
    words = ", ".join(literal(token) for token in tokens)
    return f"CASE WHEN list_contains([{words}], {trimmed}) THEN {trimmed} END"
