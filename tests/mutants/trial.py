"""One mutant on trial: a forked process imports the mutated module and runs the tests that reach its line."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
import time
import traceback
from pathlib import Path

import pytest
from mutations import Mutant

BROKEN = 99  # the trial itself, and no test
STOPPED = 124  # ran past its deadline


class _Mutated(importlib.abc.MetaPathFinder, importlib.machinery.SourceFileLoader):
    """Finds the module of the mutant's file, and loads it with the change."""

    def __init__(self, root: Path, mutant: Mutant) -> None:
        self.source = mutant.applied((root / mutant.path).read_text(encoding="utf-8"))
        name = mutant.path.removeprefix("src/").removesuffix(".py").replace("/", ".")
        super().__init__(name.removesuffix(".__init__"), str(root / mutant.path))

    def find_spec(self, name, path, target=None):  # type: ignore[no-untyped-def]
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_code(self, name):  # type: ignore[no-untyped-def]
        return compile(self.source, self.path, "exec")


class _Only:
    """Keeps the tests of a list, the quick ones first."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds = seconds

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        items[:] = sorted((i for i in items if i.nodeid in self.seconds), key=lambda i: self.seconds[i.nodeid])


def begin(root: Path, mutant: Mutant | None, seconds: dict[str, float]) -> int:
    """Fork a process that runs those tests on the mutant (None: on the code as it is) and return its number.

    Its exit code is pytest's: 0 says that the mutant survived.
    """
    pid = os.fork()
    if pid:
        return pid
    code = BROKEN
    try:
        os.setsid()
        os.chdir(root)
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        if mutant is not None:
            sys.meta_path.insert(0, _Mutated(root, mutant))
        files = sorted({nodeid.partition("::")[0] for nodeid in seconds})
        without = [option for plugin in ("cacheprovider", "xdist", "cov") for option in ("-p", f"no:{plugin}")]
        code = int(pytest.main(["-x", *without, "--hypothesis-seed=0", *files], plugins=[_Only(seconds)]))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def end(pid: int, deadline: float) -> int | None:
    """Return the exit code of a process that has ended, STOPPED of one past its deadline, None of one that runs."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    if ended:
        return os.waitstatus_to_exitcode(status)
    if time.monotonic() < deadline:
        return None
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return STOPPED
