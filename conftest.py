"""For all tests and docstring examples: pictures need no screen, and are closed when their test is over.

A process of the tests multiplies matrices on one thread, unless the environment says otherwise: several processes run
side by side, and threads that wait for each other on a busy core take a hundred times as long. It hears what ends a
process, and so do those that it starts: under nohup, or in the background of a script, they would hear no Ctrl-C.

The tests in tests/foreign need PyTorch and Keras, which `make test-torch` installs; elsewhere they are not collected.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")
for threads in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):  # before NumPy is imported
    os.environ.setdefault(threads, "1")
for number in (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
settings.register_profile("any machine", deadline=None)  # a busy one takes longer, and that is no failure
settings.load_profile("any machine")
collect_ignore_glob = [] if find_spec("torch") else ["tests/foreign/*"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a matrix of cases all but a diagonal are long: each value of a parameter still meets some of every other."""
    places: dict[tuple[str, str], dict[str, int]] = {}
    for item in items:
        matrix = item.get_closest_marker("matrix")
        if not matrix:
            continue
        total = 0
        for name, value in item.callspec.params.items():  # type: ignore[attr-defined]
            values = places.setdefault((item.nodeid.partition("[")[0], name), {})
            total += values.setdefault(repr(value), len(values))
        if total % matrix.args[0]:
            item.add_marker(pytest.mark.long)


@pytest.fixture(autouse=True)
def _pictures_are_closed() -> Iterator[None]:
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
