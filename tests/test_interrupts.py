"""Interrupts that wait while there is something to lose."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chainrule.interrupts import asked_to_stop, interrupts_held, let_through, take_interrupt


@pytest.fixture(autouse=True)
def ctrl_c():
    """Python's own handler, whatever runs the tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def press():
    signal.raise_signal(signal.SIGINT)


def test_it_waits_and_is_taken_once():
    with interrupts_held() as held:
        press()
        press()
        assert asked_to_stop()
        assert held.taken()
        assert not held.taken()
        assert not asked_to_stop()


def test_it_is_raised_at_the_end_of_the_block():
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts_held():
        done.append((press(), "all of it"))
    assert done == [(None, "all of it")]


def test_an_error_of_the_block_goes_before_it():
    with pytest.raises(ZeroDivisionError), interrupts_held():
        press() or 1 / 0


def test_let_through():
    done = []
    with interrupts_held() as held:
        with pytest.raises(KeyboardInterrupt), let_through():
            done.append((press(), "never"))
        press()  # it waits again
        with pytest.raises(KeyboardInterrupt), let_through():
            done.append("never")
        assert not held.taken()
    assert done == []


def test_one_within_another():
    with interrupts_held() as outer:
        with interrupts_held() as inner:
            press()
            assert take_interrupt()
            press()
        assert outer.taken()
        done = []
        with let_through(), pytest.raises(KeyboardInterrupt), interrupts_held():
            done.append((press(), "the inner block"))
        assert done == [(None, "the inner block")]
        press()
        assert outer.taken()
        with interrupts_held() as inner:
            press()
            assert inner.taken()
            inner.renew()
        assert outer.taken()
    assert not inner.taken()


def test_a_handler_of_your_own_is_called_at_once():
    heard = []
    signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    with interrupts_held() as held:
        press()
        assert heard == [signal.SIGINT]
        assert not held.taken()
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_a_handler_that_is_set_within_the_block_stays():
    def own(number, frame):
        pass

    with interrupts_held():
        signal.signal(signal.SIGINT, own)
    assert signal.signal(signal.SIGINT, signal.default_int_handler) is own


def test_other_threads_hold_nothing_and_are_not_asked():
    def elsewhere():
        with interrupts_held() as held, let_through():
            return held.taken(), asked_to_stop(), signal.getsignal(signal.SIGINT)

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(elsewhere).result() == (False, False, signal.default_int_handler)
    with interrupts_held() as held:
        press()
        with ThreadPoolExecutor(1) as pool:  # the main thread's is not taken there
            taken, asked, _ = pool.submit(elsewhere).result()
        assert (taken, asked, held.taken()) == (False, False, True)


def test_a_process_that_is_forked_within_the_block_holds_nothing():
    import os
    import warnings

    with interrupts_held(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Python, where other threads run
        child = os.fork()
        if child == 0:
            try:
                press()
            except KeyboardInterrupt:
                os._exit(7)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_threads_alone_are_no_main_thread():
    assert threading.current_thread() is threading.main_thread()  # what the tests above rest on
