"""The documentation is tested: what its pages and the README show is run, and must come out as shown.

In a page, `>>>` examples are run in one Python namespace, and lines that begin with `$ chainrule`, `$ python`, `$ cat`
or `$ head` in one temporary folder, from the top of the page to its end: in this process, which is cheap, and in one of
their own when the long tests run. Comments before a block steer this:

    <!-- file: houses.csv -->      the block is the content of that file
    <!-- exit code: 2 -->          the block's last command ends with that code, and not with 0
    <!-- long: it takes ... -->    the block is run with the long tests only
    <!-- not run: it takes ... -->  the block is left out

`...` stands for anything. Numbers with a decimal point in the output of commands may differ a little, as the last bits
of a training differ between machines.
"""

from __future__ import annotations

import doctest
import io
import math
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

from chainrule.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "seeds").glob("*.md"))]
BLOCK = re.compile(
    r"(?:^<!-- (?P<note>[^\n]*?) -->\n+)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
RUN = ("chainrule", "python", "cat", "head")
FLOAT = r"[-+]?\d+\.\d+(?:e[-+]?\d+)?"


class Block(NamedTuple):
    """A fenced block of a page."""

    kind: str
    text: str
    line: int
    note: str


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page."""
    return [
        Block(found["kind"], found["text"], page.count("\n", 0, found.start("text")) + 1, found["note"] or "")
        for found in BLOCK.finditer(page)
    ]


@pytest.mark.parametrize("processes", [False, pytest.param(True, marks=pytest.mark.long)], ids=["here", "processes"])
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_shows_what_happens(
    path: Path, processes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copy(ROOT / "docs" / "houses.csv", tmp_path)
    names: dict[str, object] = {}
    for block in blocks(path.read_text(encoding="utf-8")):
        where = f"{path.name}, line {block.line}"
        if block.note.startswith("file: "):
            Path(block.note.removeprefix("file: ")).write_text(block.text, encoding="utf-8")
        elif block.note.startswith("not run: ") or (block.note.startswith("long: ") and not processes):
            continue
        elif block.kind == "console":
            run_commands(block, where, run_process if processes else run_here)
        elif block.kind == "python":
            assert ">>>" in block.text, f"{where}: a Python block without >>> is not tested; give it a file's name"
            run_examples(block, names, path)


def run_examples(block: Block, names: dict[str, object], path: Path) -> None:
    """Run a block's `>>>` examples; what they define stays for the next block."""
    test = doctest.DocTestParser().get_doctest(block.text, {}, path.name, str(path), block.line - 1)
    test.globs = names
    output: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=output.append, clear_globs=False)
    assert not runner.failures, "".join(output)


def run_commands(block: Block, where: str, run: Callable[[list[str]], tuple[int, str]]) -> None:
    """Run a block's commands and compare what they print."""
    sessions = [part for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE) if part]
    for number, session in enumerate(sessions, start=1):
        command, expected = split_session(session)
        words = shlex.split(command, comments=True)
        if words[0] not in RUN:
            continue
        code, received = run(words)
        last = number == len(sessions)
        wanted = int(block.note.removeprefix("exit code: ")) if last and block.note.startswith("exit code: ") else 0
        assert code == wanted, f"{where}: {command}\nended with {code}:\n{received}"
        assert matches(expected, received), f"{where}: {command}\nexpected:\n{expected}\nreceived:\n{received}"


def run_process(words: list[str]) -> tuple[int, str]:
    """Run a command in a process; its exit code, and what it prints."""
    if words[0] in ("chainrule", "python"):
        words = [sys.executable, *(["-m", "chainrule"] if words[0] == "chainrule" else []), *words[1:]]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def run_here(words: list[str]) -> tuple[int, str]:
    """The same within this process, where what is imported is imported already."""
    if words[0] not in ("chainrule", "python"):
        return run_process(words)
    shown, code, modules = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True), 0, set(sys.modules)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(shown), redirect_stderr(shown):
        patch.setattr(sys, "argv", words[1:])
        patch.setattr(sys, "path", [str(Path(words[1]).resolve().parent), *sys.path])
        try:
            if words[0] == "chainrule":
                main(words[1:])
            else:
                runpy.run_path(words[1], run_name="__main__")
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    for name in set(sys.modules) - modules:  # what a page has written is another page's by the same name
        if Path.cwd() in Path(getattr(sys.modules[name], "__file__", None) or "/").parents:
            del sys.modules[name]
    return code, shown.buffer.getvalue().decode()  # type: ignore[attr-defined]


def split_session(session: str) -> tuple[str, str]:
    """Divide the text after a `$ ` into the command, perhaps over several lines, and the output."""
    lines = session.splitlines()
    end = next(i for i, line in enumerate(lines) if not line.endswith("\\"))
    return " ".join(line.removesuffix("\\") for line in lines[: end + 1]), "\n".join(lines[end + 1 :])


def matches(expected: str, received: str) -> bool:
    """Compare output: spaces as one, `...` as anything, numbers with a point to 5 % or 0.02."""
    expected, received = (
        re.sub(r"[ \t]+", " ", re.sub(r"[ \t]*\n", "\n", text)).strip() for text in (expected, received)
    )
    parts = re.split(rf"(\.\.\.|{FLOAT})", expected)
    wanted = [part for part in parts if re.fullmatch(FLOAT, part)]
    pattern = "".join(
        ".*?" if part == "..." else f"({FLOAT})" if re.fullmatch(FLOAT, part) else re.escape(part) for part in parts
    )
    found = re.fullmatch(pattern, received, re.DOTALL)
    return found is not None and all(
        math.isclose(float(a), float(b), rel_tol=0.05, abs_tol=0.02)
        for a, b in zip(wanted, found.groups(), strict=True)
    )


def test_outputs_are_compared_as_said() -> None:
    assert matches("cost 0.51, rows 3\n...\nend", "cost  0.52, rows 3\nmuch\nmore\nend\n")
    assert not matches("cost 0.51, rows 3", "cost 0.91, rows 3")
    assert not matches("cost 0.51, rows 3", "cost 0.51, rows 4")
    assert not matches("", "something")


def test_blocks_are_found_with_their_notes() -> None:
    page = "text\n\n<!-- exit code: 2 -->\n```console\n$ chainrule\n```\n\n```python\n>>> 1\n1\n```\n"
    assert blocks(page) == [
        Block("console", "$ chainrule\n", 5, "exit code: 2"),
        Block("python", ">>> 1\n1\n", 9, ""),
    ]
