"""SQL expressions for one cell of delimited text, given as a column of text: is it missing, a number, a date?"""

from __future__ import annotations

MICROSECONDS_PER_DAY = 86_400_000_000
WHITE_SPACE = " \t\r\n\u00a0"


def literal(text: str) -> str:
    """Write text as an SQL literal.

    >>> literal("the 'last' one")
    "'the ''last'' one'"
    """
    return "'" + text.replace("'", "''") + "'"


def trimmed_sql(cell: str, tokens: tuple[str, ...]) -> str:
    """The cell without white space around it, or NULL where it is missing."""
    trimmed = f"trim({cell}, {literal(WHITE_SPACE)})"
    # A list, not IN: that is planned as a join, which does not keep the order of rows.
    missing = ", ".join(literal(token) for token in ("", *tokens))
    return f"CASE WHEN list_contains([{missing}], {trimmed}) THEN NULL ELSE {trimmed} END"


def token_sql(cell: str, tokens: tuple[str, ...]) -> str:
    """The word in the cell that counts as missing, or NULL."""
    trimmed = f"trim({cell}, {literal(WHITE_SPACE)})"
    words = ", ".join(literal(token) for token in tokens)
    return f"CASE WHEN list_contains([{words}], {trimmed}) THEN {trimmed} END"


# Stricter than the cast alone, which also takes 1_000 and +-1. Infinity passes, to be refused with its place.
INFINITY = r"\s*[+-]?([iI]nf|INF|[iI]nfinity)\s*"
EXPONENT = r"([eE][+-]?[0-9]+)?"


def begins_like_number_sql(cell: str) -> str:
    """0 where the cell begins as every number and every date does, or NULL."""
    return f"CASE WHEN regexp_matches({cell}, '^[+-]?([.,]?[0-9]|[iI])') THEN 0.0 END"


def number_sql(cell: str) -> str:
    """The cell as a double, or NULL."""
    pattern = rf"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+){EXPONENT}\s*|{INFINITY}"
    return f"CASE WHEN regexp_full_match({cell}, '{pattern}') THEN TRY_CAST({cell} AS DOUBLE) END"


def padded_sql(cell: str) -> str:
    """0 where the cell is a whole number as codes are written, with zeros before it or over 15 digits, or NULL."""
    code = rf"regexp_full_match({cell}, '\s*(0[0-9]+|[0-9]{{16,}})\s*')"
    return f"CASE WHEN ltrim({cell}) LIKE '0_%' OR length({cell}) > 15 THEN CASE WHEN {code} THEN 0.0 END END"


def digits_sql(cell: str) -> str:
    """0 where the cell is digits and nothing else, or NULL."""
    return f"CASE WHEN regexp_full_match({cell}, '[0-9]+') THEN 0.0 END"


def comma_number_sql(cell: str) -> str:
    """The cell, with a decimal comma if any, as a double, or NULL."""
    pattern = rf"[+-]?([0-9]+,?[0-9]*|,[0-9]+){EXPONENT}|{INFINITY}"
    return f"CASE WHEN regexp_full_match({cell}, '{pattern}') THEN TRY_CAST(replace({cell}, ',', '.') AS DOUBLE) END"


def grouped_number_sql(cell: str) -> str:
    """0 where the cell looks like a number with thousands separators, which are never guessed, or NULL."""
    pattern = r"[+-]?[0-9]{1,3}([., ''][0-9]{3})+([.,][0-9]+)?"
    return f"CASE WHEN regexp_full_match({cell}, '{pattern}') THEN 0.0 END"


def date_sql(cell: str) -> str:
    """The cell as days since 1970-01-01, or NULL unless it is an ISO date or time (slashes will do); UTC."""
    day = r"[0-9]{4}(-[0-9]{2}-|/[0-9]{2}/)[0-9]{2}"
    pattern = day + r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?Z?)?"
    moment = f"TRY_CAST(rtrim({cell}, 'Z') AS TIMESTAMP)"
    return f"CASE WHEN regexp_full_match({cell}, '{pattern}') THEN epoch_us({moment}) / {MICROSECONDS_PER_DAY}.0 END"
