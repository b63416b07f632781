"""For all tests and docstring examples: pictures need no screen, and are closed when their test is over.

The tests in tests/foreign need PyTorch and Keras, which `make test-torch` installs; elsewhere they are not collected.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
collect_ignore_glob = [] if find_spec("torch") else ["tests/foreign/*"]


@pytest.fixture(autouse=True)
def _pictures_are_closed() -> Iterator[None]:
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
