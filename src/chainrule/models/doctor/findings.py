"""What the doctor says: findings with remedies, and the report."""

from __future__ import annotations

import dataclasses
import shlex
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from chainrule.data.columns import count, name_list

Severity = Literal["problem", "warning", "hint"]
DIVIDING = ("group", "time")
SEVERITIES: tuple[Severity, ...] = ("problem", "warning", "hint")


@dataclass(frozen=True)
class Finding:
    """One thing that will hurt training, and what to do about it.

    Attributes
    ----------
    check : str
        Which check found it.
    severity : {"problem", "warning", "hint"}
        A problem keeps the network from learning the task, a warning costs accuracy, a hint may.
    what, why, remedy : str
        Sentences: what was measured and where, what it does to training, what to do. The remedy is empty where the
        first says it.
    flag : str
        The remedy as typed, such as ``--scale standard``; empty where no option helps.
    options : dict
        The same for Python: give these beside the other options, and the finding is gone.
    """

    check: str
    severity: Severity
    what: str
    why: str
    remedy: str
    flag: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """Return the finding as lines of text."""
        lines = [f"{self.severity.upper()}: {self.check}"]
        for sentence in (self.what, self.why, self.remedy):
            lines += _indented(sentence)
        return "\n".join([*lines, f"    {self.flag}"] if self.flag else lines)


def finding(check: str, severity: Severity, what: str, why: str, remedy: str, **options: Any) -> Finding:
    """Make a finding whose flag says the same as its options.

    >>> finding("input scale", "warning", "Far apart.", "It hurts.", "Scale.", scale="standard").flag
    '--scale standard'
    """
    return Finding(check, severity, what, why, remedy, flags(options), options)


def flags(options: Mapping[str, Any]) -> str:
    """Write options as they are typed on the command line.

    >>> flags({"soft_targets": True, "hidden": (8, 4), "ignore": ("row id", "x"), "learning_rate": None})
    "--soft-targets --hidden 8,4 --ignore 'row id,x'"
    """
    words = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            words.append(flag if value else flag.replace("--", "--no-", 1))
        elif isinstance(value, (tuple, list)):
            words += [flag, ",".join(map(str, value)) or "none"] if value or name == "hidden" else []
        elif value is not None:
            words += [flag, str(value)]
    return " ".join(shlex.quote(word) for word in words)


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings with the most severe first."""
    return tuple(sorted(findings, key=lambda found: SEVERITIES.index(found.severity)))


def together(findings: Iterable[Finding]) -> dict[str, Any]:
    """Join the options of several findings: columns are collected; otherwise the more severe finding decides.

    Rows are divided in one way only, by group or in time.

    >>> a = finding("a", "hint", "", "", "", ignore=("x",), scale="robust")
    >>> b = finding("b", "problem", "", "", "", ignore=("y",), scale="standard")
    >>> together([a, b])
    {'ignore': ('y', 'x'), 'scale': 'standard'}
    """
    options: dict[str, Any] = {}
    for found in by_severity(findings):
        for name, value in found.options.items():
            if name in ("ignore", "nominal"):
                options[name] = tuple(dict.fromkeys((*options.get(name, ()), *value)))
            elif name not in DIVIDING or not any(other in options for other in DIVIDING):
                options.setdefault(name, value)
    if "nominal" in options:
        options["nominal"] = tuple(name for name in options["nominal"] if name not in options.get("ignore", ()))
        options = {name: value for name, value in options.items() if name != "nominal" or value}
    return options


@dataclass(frozen=True)
class Diagnosis:
    """What `chainrule check`, `diagnose` or `diagnose_model` found. It prints itself.

    Attributes
    ----------
    subject : str
        What was examined.
    findings : tuple of Finding
        The most severe first.
    passed : tuple of str
        A sentence for each check that could find something and found nothing.
    notes : tuple of str
        How the table was read: what was left out, and why.
    """

    subject: str
    findings: tuple[Finding, ...]
    passed: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is no finding of severity "problem"."""
        return all(found.severity != "problem" for found in self.findings)

    @property
    def options(self) -> dict[str, Any]:
        """All remedies that are options, at once; look at each before using them."""
        return together(self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "subject": self.subject,
            "ok": self.ok,
            "notes": list(self.notes),
            "findings": [dataclasses.asdict(found) for found in self.findings],
            "passed": list(self.passed),
        }

    def text(self, verbose: bool = False) -> str:
        """Return the report; if `verbose`, with a sentence for each check that passed, else with their number.

        >>> print(Diagnosis("a table", (), ("Each column holds one thing.",)).text())
        a table
        Nothing was found that will hurt training.
        <BLANKLINE>
        1 check passed.
        """
        severities = [found.severity for found in self.findings]
        counts = [count(severities.count(s), s) for s in SEVERITIES if s in severities]
        lines = [self.subject]
        for note in self.notes:
            lines += _indented(note)
        lines.append(", ".join(counts) if counts else "Nothing was found that will hurt training.")
        for found in self.findings:
            lines += ["", found.text()]
        if self.passed:
            lines += ["", f"{count(len(self.passed), 'check')} passed" + (":" if verbose else ".")]
            for sentence in self.passed if verbose else ():
                lines += _indented(sentence)
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()


def quoted(names: Sequence[str]) -> str:
    """Write column names for a sentence, the first ten of them."""
    return name_list([f'"{name}"' for name in names], limit=10)


def _indented(text: str) -> list[str]:
    return textwrap.wrap(text, 100, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
