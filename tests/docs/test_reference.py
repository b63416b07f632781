"""The reference pages are complete: every command, flag, public name and dependency is on its page."""

from __future__ import annotations

import inspect
import re
import runpy
import tomllib
from pathlib import Path

import chainrule as cr

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PUBLIC = [name for name in cr.__all__ if name != "__version__"]


def test_the_command_line_page_is_up_to_date() -> None:
    made = runpy.run_path(str(DOCS / "make_reference.py"))["page"]()
    assert (DOCS / "command-line.md").read_text(encoding="utf-8") == made, "run: python docs/make_reference.py"


def test_public_names_are_on_the_python_page() -> None:
    page = (DOCS / "python-api.md").read_text(encoding="utf-8")
    found = re.findall(r"^\.\. auto\w+:: chainrule(?:\.core|\.show)?\.(\w+)$", page, re.MULTILINE)
    assert not set(PUBLIC) - set(found)


def test_public_names_have_docstrings_and_so_have_their_members() -> None:
    for name in PUBLIC:
        thing = getattr(cr, name)
        assert inspect.getdoc(thing), f"chainrule.{name} has no docstring"
        for member, value in vars(thing).items() if inspect.isclass(thing) else ():
            function = inspect.isfunction(value) or isinstance(value, (property, staticmethod))
            if function and not member.startswith("_"):
                assert inspect.getdoc(value), f"chainrule.{name}.{member} has no docstring"


def test_every_dependency_has_its_reason() -> None:
    page = (DOCS / "dependencies.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    for path in (ROOT / "requirements").glob("*.txt"):
        wanted += [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    for requirement in wanted:
        name = re.match(r"[\w.-]+", requirement)
        assert name is not None
        assert f"| {name[0]} |" in page, f"dependencies.md does not say why there is {name[0]}"
