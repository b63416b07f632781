"""For all tests and docstring examples: pictures need no screen, and are closed when their test is over.

A process of the tests multiplies matrices on one thread, unless the environment says otherwise: several processes run
side by side, and threads that wait for each other on a busy core take a hundred times as long. It hears what ends a
process, and so do those that it starts: under nohup, or in the background of a script, they would hear no Ctrl-C.

A run without the long tests tries fewer examples of each property.

The tests in tests/foreign need PyTorch and Keras, which `make test-torch` installs; elsewhere they are not collected.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Generator, Iterator
from importlib.util import find_spec

import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")
for threads in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):  # before NumPy is imported
    os.environ.setdefault(threads, "1")
for number in (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
for name, count in {"long": 150, "plain": 25}.items():
    settings.register_profile(name, max_examples=count, deadline=None)  # a busy machine is late, and that is no failure
collect_ignore_glob = [] if find_spec("torch") else ["tests/foreign/*"]


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("plain" if "not long" in config.option.markexpr else "long")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect tests without looking for garbage among them: there is none, and looking takes as long as the rest."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a matrix of cases all but a diagonal are long, in which each value of each parameter meets various others.

    It has as many cases as the parameter with the most values; `matrix(n)` adds one in n of the others.
    """
    matrices: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("matrix"):
            matrices.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for cases in matrices.values():
        values: dict[str, dict[str, int]] = {}
        places = []
        for item in cases:
            params = item.callspec.params.items()  # type: ignore[attr-defined]
            known = [(values.setdefault(name, {}), repr(value)) for name, value in params]
            places.append([of.setdefault(value, len(of)) for of, value in known])
        sizes = [len(of) for of in values.values()]
        longest = sizes.index(max(sizes))
        for item, place in zip(cases, places, strict=True):
            one_in = (item.get_closest_marker("matrix").args or [0])[0]  # type: ignore[union-attr]
            on_diagonal = all(i == place[longest] % size for i, size in zip(place, sizes, strict=True))
            if not on_diagonal and (not one_in or sum(place) % one_in):
                item.add_marker(pytest.mark.long)


@pytest.fixture(autouse=True)
def _pictures_are_closed() -> Iterator[None]:
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
