"""What could be better: the doctor's findings about the training, in a report's words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from chainrule.errors import ChainruleError
from chainrule.models.model import Model
from chainrule.show.markup import EMPTY, Html, element, text
from chainrule.show.report.page import paragraph, section

if TYPE_CHECKING:
    from chainrule.models.doctor import Finding


def findings_about(model: Model) -> tuple[Finding, ...]:
    """Return what the doctor says about a training, the most severe first; nothing where it cannot look."""
    from chainrule.models.doctor import diagnose_model

    try:
        with np.errstate(all="ignore"):  # a diverged training has costs that are not finite
            return diagnose_model(model).findings
    except ChainruleError:
        return ()


def advice_section(findings: tuple[Finding, ...]) -> Html:
    """List the findings with their remedies, and the flags that apply them."""
    if not findings:
        return EMPTY
    items = []
    for found in findings:
        flag = element("p", text("Try "), element("code", text(found.flag))) if found.flag else EMPTY
        items.append(element("li", paragraph(f"{found.what} {found.why}"), _remedy(found.remedy), flag))
    return section("What could be better", element("ul", *items, class_="advice"))


def _remedy(words: str) -> Html:
    """A paragraph whose flags look as they are typed, and are not broken at their hyphens."""
    pieces = re.split(r"(--[a-z][a-z-]*[a-z])", words)
    return element("p", *(element("code", text(s), class_="flag") if k % 2 else text(s) for k, s in enumerate(pieces)))
