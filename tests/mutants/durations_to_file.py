"""A plugin for pytest: writes how long each test took, as JSON, to the file that TIMES names."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

_seconds: dict[str, float] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up set-up, call and tear-down."""
    _seconds[report.nodeid] = _seconds.get(report.nodeid, 0) + report.duration


def pytest_sessionfinish() -> None:
    """Write them, in the process that hears of all tests."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        Path(os.environ["TIMES"]).write_text(json.dumps(_seconds), encoding="utf-8")
