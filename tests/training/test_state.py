"""The history that states share, and the generator that they carry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.network import Network
from chainrule.training.state import Epoch, History, TrainingState


def row(number):
    return Epoch(number, 1.0 / number, *[0.0] * 6)


@given(st.lists(st.integers(0, 20), max_size=30))
def test_histories_that_grow_from_one_another_are_tuples(parents):
    """Each new history continues any of those before it; none of them ever changes."""
    histories, tuples = [History()], [()]
    for number, parent in enumerate(parents, start=1):
        parent %= len(histories)
        histories.append(histories[parent].then([row(number)]))
        tuples.append((*tuples[parent], row(number)))
    for history, expected in zip(histories, tuples, strict=True):
        assert tuple(history) == expected
        assert len(history) == len(expected)
        assert history[:] == list(expected)
        assert history[::-1] == list(expected[::-1])
        if expected:
            assert history[-1] == expected[-1]
        with pytest.raises(IndexError):
            history[len(expected)]


def test_generator_stands_where_it_stood():
    generator = np.random.default_rng(5)
    generator.random(3)
    network = Network.dense([1, 1], seed=0)
    state = TrainingState(network, None, dict(generator.bit_generator.state), network)
    expected = generator.random(4)
    assert (state.generator().random(4) == expected).all()
    assert (state.generator().random(4) == expected).all()
    assert (state.epoch, state.seconds) == (0, 0.0)
