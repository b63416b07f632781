"""Words that several messages share."""

from __future__ import annotations

# The source of a table made of X and y: the one that is plural.
ARRAYS = "the arrays"
PLURAL = {"has": "have", "lacks": "lack"}


def says(source: str, verb: str) -> str:
    """Write a source with its verb.

    >>> says("wine.csv", "has"), says("the arrays", "has")
    ('wine.csv has', 'the arrays have')
    """
    return f"{source} {PLURAL[verb] if source == ARRAYS else verb}"


def it_has(source: str) -> str:
    """Begin a sentence on what a source that was named before holds.

    >>> it_has("wine.csv")
    'It has'
    """
    return "They have" if source == ARRAYS else "It has"


def remedy(option: str, value: str = "") -> str:
    """Name an option for the command line and for Python; without a value where only the user knows it.

    >>> print(remedy("missing", "drop"))
    --missing drop (missing="drop" in Python)
    >>> print(remedy("target"))
    --target (target=... in Python)
    """
    flag = "--" + option.replace("_", "-")
    if not value:
        return f"{flag} ({option}=... in Python)"
    return f'{flag} {value} ({option}="{value}" in Python)'
