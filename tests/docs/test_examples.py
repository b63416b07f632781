"""The examples run."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(name: str, *arguments: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Run an example as a script and return what it prints."""
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return capsys.readouterr().out


def test_every_example_says_what_it_is_and_how_to_run_it() -> None:
    for path in EXAMPLES.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith('"""'), path.name
        assert f"python examples/{path.name}" in text, path.name


def test_own_activation(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    text = run("own_activation.py", monkeypatch=monkeypatch, capsys=capsys)
    assert "43 derivatives checked, 0 wrong" in text
    assert "predicts the same: True" in text


def test_homework_check_finds_the_forgotten_link(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = run("homework_check.py", monkeypatch=monkeypatch, capsys=capsys).split("second try")
    assert "W1: 6 of 6 entries wrong" in first
    assert "W2: 0 of 3 entries wrong" in first
    assert "W1: 0 of 6 entries wrong" in second


def test_read_a_network_prints_the_values_of_seed_003(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = run("read_a_network.py", monkeypatch=monkeypatch, capsys=capsys)
    # 1 / (1 + e^-1.3) = 0.785835; 3 * 0.785835 = 2.357505; 1 / (1 + e^-2.357505) = 0.913529
    for value in ("1.300000", "0.785835", "2.357505", "0.913529"):
        assert value in text
    # delta = (0.913529 - 0.75) * 0.913529 * (1 - 0.913529) = 0.012918; times 0.785835 = 0.010151
    assert "0.012918" in text
    assert "0.010151" in text
    assert "all 9 derivatives agree with central differences: True" in text


def test_wine_is_learned_on_every_split(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    text = run("wine_splits.py", monkeypatch=monkeypatch, capsys=capsys)
    accuracies = [float(number) for number in text.splitlines()[0].partition(": ")[2].split(", ")]
    mean = sum(accuracies) / len(accuracies)
    assert len(accuracies) == 10
    assert mean >= 0.97
    assert f"mean {mean:.3f}" in text


def test_some_starts_learn_xor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    text = run("xor_starts.py", "--starts", "10", monkeypatch=monkeypatch, capsys=capsys)
    learned = dict(re.findall(r"^(batch|incremental) .* (\d+) of  10", text, flags=re.MULTILINE))
    assert set(learned) == {"batch", "incremental"}
    # About three quarters of 100 starts do; with that chance, fewer than 4 of 10 come once in 300 times.
    assert all(int(count) >= 4 for count in learned.values())


def test_pictures_are_written(monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    written = run("pictures.py", monkeypatch=monkeypatch, capsys=capsys).split()
    assert len(written) == 11
    assert all((tmp_path / name).stat().st_size > 5_000 for name in written)
