"""Derivations as a browser draws their MathML: every formula has a height, fractions stand above each other."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from test_report_in_browser import opened

import chainrule as cr
from chainrule.explaining.presets import PRESETS

pytestmark = pytest.mark.browser

NET = cr.Network.dense([2, 3, 2], ["relu", "softmax"], seed=0)
X, Y = np.array([[0.3, 1.0], [0.5, -0.2]]), np.array([[1.0, 0.0], [0.0, 1.0]])
MEASURE = """
<script>
const box = e => e.getBoundingClientRect();
const fractions = [...document.querySelectorAll("mfrac")].map(f => [box(f.children[0]).bottom, box(f.children[1]).top]);
document.body.dataset.facts = JSON.stringify({
  tables: [...document.querySelectorAll("math")].map(m => [box(m).width, box(m).height]),
  rows: [...document.querySelectorAll("mtr")].map(r => box(r).height),
  fractions,
  unknown: [...document.querySelectorAll("math *")].filter(e => e instanceof HTMLUnknownElement).length,
});
</script>
"""


@pytest.mark.parametrize("notation", PRESETS)
def test_mathml_is_drawn(notation, tmp_path):
    why = cr.explain(NET, X, Y, loss="categorical_cross_entropy", notation=notation, update="adam", most=3)
    c = PRESETS[notation].counting
    first, W = c.first_unit, c.layer(1, "W")
    shown = [why[f"dC/dW[{W}][{first},{first}]"].mathml(detail) for detail in ("factors", "layers", "paths")]
    shown += [why["J"].mathml("scalars"), why[f"change W[{W}][{first},{first}]"].mathml("line")]
    shown += [
        cr.derive((2, 3, 1), f"dC/dW[{W}]", notation=notation, level=level).mathml() for level in ("scalar", "tensor")
    ]
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><meta charset=utf-8><body>{'<hr>'.join(shown)}{MEASURE}</body>", encoding="utf-8")
    dom, complaints = opened(page, tmp_path)
    assert complaints == []
    facts = json.loads(re.search(r'data-facts="([^"]*)"', dom)[1].replace("&quot;", '"'))
    assert len(facts["tables"]) == len(shown)
    assert all(width > 100 and height > 20 for width, height in facts["tables"])
    assert min(facts["rows"]) > 5
    assert facts["unknown"] == 0
    assert len(facts["fractions"]) > 5
    assert all(top_ends <= bottom_begins + 1 for top_ends, bottom_begins in facts["fractions"])
