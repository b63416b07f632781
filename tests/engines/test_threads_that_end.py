"""Threads that still compute when the program ends, programs that fork, and pools: no abort, no deadlock, no leftovers.

Each is a program of its own. It waits for a marker from the thread, never for a time.
"""

import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines.kernels import kernel

START = """
import os, sys, threading
import numpy as np
import chainrule as cr
from chainrule.engines.compiled import predict
going = threading.Event()
X = np.random.default_rng(0).standard_normal((4000, 20)).astype("float32")
Y = X[:, :2].copy()
large = cr.Network.dense([20, 1500, 2], "tanh", seed=0).astype("float32")
forever = dict(epochs=10**9)
def start(work, daemon=True):
    thread = threading.Thread(target=work, daemon=daemon)
    thread.start()
    assert going.wait(60)
    return thread
"""

# What a daemon thread does over and over while the program ends: it is in the kernel nearly all the time.
WORK = {
    "small trainings": 'cr.train("xor", on_epoch=lambda state: going.set(), **forever)',
    "chunks": "going.set(); cr.fit(cr.Network.dense([20, 4, 2], seed=0), X, Y, update='adam', **forever)",
    "a training on all cores": "going.set(); cr.fit(large, X, Y, batch_size='all', **forever)",
    "many short ones": "while True: cr.fit(cr.Network.dense([20, 3, 2], seed=0), X, Y, epochs=1); going.set()",
    "side by side": (
        "going.set(); cr.fit_many([cr.Network.dense([20, 3, 2], seed=k) for k in range(9)], X, Y, **forever)"
    ),
    "predictions": "while True: predict(large, X[:500]); going.set()",
    "levenberg-marquardt": (
        "going.set(); cr.fit(cr.Network.dense([20, 30, 2], seed=0), X[:500], Y[:500], solver='lm', **forever)"
    ),
    "jacobians": "while True: cr.example_gradients(cr.Network.dense([20, 30, 2], seed=0), X[:50], Y[:50]); going.set()",
}


def ran(program, code=0):
    """Run a program; what it printed on standard output. It must end by itself, and say nothing on standard error."""
    answer = subprocess.run(
        [sys.executable, "-c", START + textwrap.dedent(program)], capture_output=True, text=True, timeout=120
    )
    assert (answer.returncode, answer.stderr) == (code, "")
    return answer.stdout


@pytest.mark.parametrize(
    "work",
    [pytest.param(work, marks=[pytest.mark.long] if work in ("predictions", "chunks") else []) for work in WORK],
)
def test_a_daemon_thread_at_the_end_of_the_program(work):
    body = WORK[work].replace("while True: ", "while True:\n        ")
    assert ran(f"def work():\n    {body}\nfor i in range(2): start(work)\nprint('done')\n") == "done\n"


def test_the_program_ends_at_once():
    assert ran(f"start(lambda: [{WORK['chunks'].partition('; ')[2]} for _ in '1' if not going.set()])\n"
               "print('done', flush=True)\nos._exit(3)\n", 3) == "done\n"  # fmt: skip


def test_an_exit_code_of_its_own():
    assert ran(f"def work():\n    {WORK['chunks']}\nstart(work)\nsys.exit(5)\n", 5) == ""


def test_a_process_that_is_forked_trains_and_ends():
    """While another thread is in the kernel; the child has the calling thread alone."""
    if not hasattr(os, "fork") or kernel() is None:
        return
    program = f"""
    import warnings
    warnings.simplefilter("ignore")  # Python's own, of forks beside threads
    cr.fit(cr.Network.dense([20, 3, 2], seed=0), X[:50], Y[:50], epochs=1)  # all is imported
    def work():
        {WORK["chunks"]}
    start(work)
    for _ in range(3):
        child = os.fork()
        if child == 0:
            state = cr.fit(cr.Network.dense([20, 3, 2], seed=0), X[:50], Y[:50], epochs=3)
            sys.exit(state.epoch)  # as a program ends
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    print("done")
    """
    assert ran(program) == "done\n"


def test_pools_and_asyncio():
    """Whatever thread trains, the network is the same, and the program ends when the trainings do."""
    program = """
    import asyncio, hashlib
    from concurrent.futures import ThreadPoolExecutor
    def train(k):
        state = cr.fit(cr.Network.dense([20, 3, 2], seed=k), X[:200], Y[:200], epochs=20, seed=k)
        return hashlib.sha256(b"".join(p.tobytes() for p in state.network.parameters)).hexdigest()
    expected = [train(k) for k in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(train, range(4))) == expected
    async def main():
        return await asyncio.gather(*(asyncio.to_thread(train, k) for k in range(4)))
    assert asyncio.run(main()) == expected
    async def here():
        return train(0)
    assert asyncio.run(here()) == expected[0]
    print("done")
    """
    assert ran(program) == "done\n"


def test_threads_leave_the_filters_of_warnings_as_they_are():
    """L-BFGS silences its line search for a moment; two at once must not leave the process silent."""
    X = np.random.default_rng(0).standard_normal((30, 2))
    Y = np.sin(3 * X[:, :1])
    cr.fit(cr.Network.dense([2, 5, 1], seed=0), X, Y, solver="lbfgs", epochs=1)  # SciPy has its own when it is loaded
    before, start = list(warnings.filters), threading.Barrier(3)

    def work(k):
        start.wait()
        return cr.fit(cr.Network.dense([2, 5, 1], seed=k), X, Y, solver="lbfgs", epochs=60).epoch

    with ThreadPoolExecutor(3) as pool:
        assert min(pool.map(work, range(3))) > 10
    assert list(warnings.filters) == before


def test_exit_functions_train_and_wait_for_threads():
    """Whenever they were registered: Python calls the first ones last."""
    program = """
    import atexit
    over = threading.Event()
    def first():
        over.set()
        for thread in threads: thread.join()
        print("joined", cr.fit(cr.Network.dense([20, 3, 2], seed=0), X[:50], Y[:50], epochs=2).epoch)
    atexit.register(first)
    def work():
        cr.fit(cr.Network.dense([20, 3, 2], seed=0), X[:50], Y[:50], epochs=10**9,
               on_epoch=lambda state: going.set() or over.is_set())
    threads = [start(work), start(work)]
    start(lambda: cr.fit(large, X, Y, batch_size="all", epochs=10**9))
    atexit.register(lambda: print("last"))
    """
    assert ran(program) == "last\njoined 2\n"


def test_processes_of_multiprocessing_train_in_threads():
    """They give the exit functions up when they begin."""
    if "fork" not in multiprocessing.get_all_start_methods():
        return
    program = """
    import multiprocessing
    from concurrent.futures import ThreadPoolExecutor
    def train(k):
        return cr.fit(cr.Network.dense([20, 3, 2], seed=k), X[:50], Y[:50], epochs=3).epoch
    def in_threads(k):
        with ThreadPoolExecutor(2) as threads:
            return list(threads.map(train, range(2)))
    assert train(0) == 3
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(pool.map(in_threads, range(2)))
    """
    assert ran(program) == "[[3, 3], [3, 3]]\n"


def test_what_they_compute_is_what_is_computed_here():
    """The programs above do train: the same call, in this process."""
    X = np.random.default_rng(0).standard_normal((200, 20)).astype("float32")
    state = cr.fit(cr.Network.dense([20, 3, 2], seed=0), X, X[:, :2].copy(), epochs=20)
    assert state.history[-1].cost < state.history[0].cost
