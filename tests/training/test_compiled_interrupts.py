"""Ctrl-C, other signals and other threads of Python while the compiled engine trains."""

import gc
import os
import signal
import threading

import numpy as np
import pytest
from training_tasks import same_bits, training

from chainrule.core.network import Network
from chainrule.engines import compiled
from chainrule.training.loop import run, run_side_by_side
from chainrule.training.plan import TrainingPlan
from chainrule.training.prepare import prepare


class Interrupt:
    """A callback, seldom called, that sends this process Ctrl-C a while later: within the next call of the kernel."""

    every = 1000

    def __init__(self):
        self.timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))

    def __call__(self, state):
        if not self.timer.ident:
            self.timer.start()


@pytest.fixture
def in_the_first_call(monkeypatch):
    """Send this process Ctrl-C a while after the kernel was first called."""
    interrupt, run_all = Interrupt(), compiled.run_all

    def called(*arguments, **options):
        interrupt(None)
        return run_all(*arguments, **options)

    monkeypatch.setattr(compiled, "run_all", called)


@pytest.fixture
def ctrl_c():
    """Python's own handler, whatever runs the tests.

    Python swallows what a handler raises inside a callback of its garbage collector, and other tests leave such
    callbacks behind: none is called meanwhile.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.disable()
    yield
    gc.enable()
    signal.signal(signal.SIGINT, before)


FOREVER = {"epochs": 10**9, "time_limit": 60}


@pytest.mark.usefixtures("ctrl_c")
class TestInterrupts:
    def test_in_a_long_training(self):
        state = run(training(**FOREVER, dropout=0.2), callbacks=[Interrupt()])
        assert state.stopped == "interrupted"
        assert state.epoch >= 1000
        assert [row.epoch for row in state.history] == list(range(1, state.epoch + 1))
        # nothing of it is half done: as many epochs once more give the same bits
        if state.epoch < 200_000:
            again = run(training(epochs=state.epoch, dropout=0.2))
            assert same_bits(again.network, state.network)
            assert same_bits(again.best_network, state.best_network)

    @pytest.mark.usefixtures("in_the_first_call")
    @pytest.mark.parametrize("batch_size", [1, 64, "all"])
    def test_in_a_single_long_epoch(self, batch_size):
        """Of some 10 s, whether its steps are long or many."""
        rng = np.random.default_rng(0)
        n, width = {1: (1_000_000, 200), 64: (400_000, 2000), "all": (20_000, 1000)}[batch_size]
        X, Y = rng.standard_normal((n, 20)), rng.standard_normal((n, 2))
        network = Network.dense([20, width, 2], "tanh", seed=0).astype("float32")
        plan = TrainingPlan(epochs=1000, time_limit=60, batch_size=batch_size, dtype="float32", update="adam")
        state = run(prepare(plan, network, X, Y))
        assert state.stopped == "interrupted"
        assert (state.epoch, len(state.history)) == (0, 0) or batch_size == "all"
        if state.epoch == 0:
            assert same_bits(state.network, network)

    @pytest.mark.usefixtures("in_the_first_call")
    def test_side_by_side(self):
        reached = run_side_by_side([training(**FOREVER, start=i) for i in range(4)])
        for state, error in reached:
            assert (state.stopped, error) == ("interrupted", None)
            assert len(state.history) == state.epoch

    def test_a_handler_of_your_own_is_heard(self):
        """A signal's handler that raises something else is no Ctrl-C."""

        class Enough(Exception):
            pass

        def handler(*arguments):
            raise Enough("of this")

        before = signal.signal(signal.SIGTERM, handler)
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        try:
            with pytest.raises(Enough, match="of this"):
                run(training(**FOREVER))
        finally:
            timer.join()
            signal.signal(signal.SIGTERM, before)

    def test_from_another_thread_than_the_main_one(self):
        """Signals are the main thread's, and a training elsewhere goes on."""
        states = []
        thread = threading.Thread(target=lambda: states.append(run(training(epochs=2000))))
        thread.start()
        thread.join()
        assert (states[0].epoch, states[0].stopped) == (2000, "all epochs run")


def test_two_threads_of_python_at_once():
    """The kernel lets go of Python's lock, and keeps nothing that two trainings would share."""
    expected = [run(training(epochs=300, start=i)).network for i in range(4)]
    found = [None] * 4

    def work(i):
        found[i] = run(training(epochs=300, start=i)).network

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(same_bits(a, b) for a, b in zip(expected, found, strict=True))
