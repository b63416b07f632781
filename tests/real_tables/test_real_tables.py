"""Tables that came with packages train without a flag, but for the target: `make test-tables` installs them.

They are what people have: texts of all kinds, gaps, dates, times, durations, money, codes, compressed, with an index.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tables_of_packages import TABLES, RealTable

import chainrule as cr
from chainrule.cli.main import main
from chainrule.data.name_input import NameInput

pytestmark = pytest.mark.tables
MOMENTS = ("date", "time", "duration")


def run(*words: str) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(list(words))
    assert exit_.value.code == 0, words


def kinds(model: cr.Model) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for item in model.encoding.inputs:
        number = item.origin if not isinstance(item, NameInput) and item.origin in MOMENTS else "number"
        found.setdefault("names" if isinstance(item, NameInput) else number, set()).add(item.name)
    if model.encoding.left_out:
        found["left out"] = {name for name, _ in model.encoding.left_out}
    return found


@pytest.mark.parametrize("real", TABLES, ids=lambda real: real.name)
def test_a_real_table_trains(
    real: RealTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (real.write or shutil.copy)(real.path, tmp_path / real.name)
    target = ["--target", real.target] if real.target else []
    run("info", real.name)
    run("train", real.name, *target)

    model = cr.load(next(tmp_path.glob("*.safetensors")))
    assert kinds(model) == {kind: set(names.split(", ")) for kind, names in real.columns.items()}
    assert model.test is not None
    measured = getattr(model.test, "accuracy", None) or model.test.r2
    assert measured >= real.least

    capsys.readouterr()
    run("predict", str(next(tmp_path.glob("*.safetensors"))), real.name)
    header, *answers = capsys.readouterr().out.splitlines()
    assert header.startswith("predicted ")
    assert len(answers) == real.rows
    run("evaluate", str(next(tmp_path.glob("*.safetensors"))), real.name)
