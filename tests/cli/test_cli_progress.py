"""Progress: the curves in a terminal, and their parts."""

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.cli import progress as room
from chainrule.cli.progress import LiveProgress, PlainProgress, bar, draw, progress


def states(**options):
    seen = []
    cr.train("wine", on_epoch=lambda state: seen.append(state), **options)
    return seen


def test_the_one_that_suits(monkeypatch):
    monkeypatch.setattr(room, "is_terminal", lambda: True)
    assert isinstance(progress(10, 1, False), LiveProgress)
    assert isinstance(progress(10, 1, True), PlainProgress)
    monkeypatch.setattr(room, "is_terminal", lambda: False)
    assert isinstance(progress(10, 1, False), PlainProgress)


def test_plain_lines_for_an_early_stop(capsys):
    with progress(1000, 1, False) as watcher:
        for state in states(epochs=7):
            watcher(state)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1", "epoch 7"]


def test_live_curves(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    with LiveProgress(6, 2) as watcher:
        for state in [*states(epochs=6, seed=0), *states(epochs=6, seed=1)]:
            watcher._drawn = 0.0  # draw every one of them
            watcher(state)
    text = capsys.readouterr().err
    assert "training cost" in text
    assert "validation cost" in text
    assert "start 2 of 2" in text
    assert "epoch 6: cost" in text
    assert re.search("[⠁-⣿]", text)


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(allow_nan=True), max_size=40), min_size=1, max_size=2), st.integers(1, 30),
       st.integers(1, 9))  # fmt: skip
def test_any_curve_is_drawn(curves, width, height):
    lines, low, high = draw(curves, width, height)
    assert [len(line) for line in lines] == [width] * height
    assert 0 < low <= high
    drawable = [v for curve in curves for v in curve if v > 0 and math.isfinite(v)]
    if drawable:
        assert (low, high) == (min(drawable), max(drawable))
    dots = sum(bin(ord(character) - 0x2800).count("1") for line in lines for character, _ in line if character != " ")
    assert dots <= 2 * width * len(curves)
    if len(curves) == 1 and len(drawable) == len(curves[0]) > 0:
        assert dots == 2 * width  # one dot in each column


def test_a_falling_curve_falls():
    lines, _, _ = draw([[10.0**-k for k in range(20)]], 20, 9)
    tops = [min(row for row, line in enumerate(lines) if line[x][0] != " ") for x in range(20)]
    assert tops == sorted(tops)
    assert (tops[0], tops[-1]) == (0, 8)


@pytest.mark.parametrize(("done", "full"), [(0, 0), (5, 10), (10, 20), (30, 20)])
def test_bar(done, full):
    assert bar(done, 10) == "━" * full + "─" * (20 - full)
