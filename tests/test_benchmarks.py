"""The benchmarks compare like with like: their float64 reference, their check, and their call of the engine."""

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.cases import NETWORKS, Case, identity_cases, main_cases, other_batches, resident
from benchmarks.exact import Exact, check, solve
from benchmarks.peers.chainrule_peer import ChainrulePeer, chainrule_network
from benchmarks.results import Results
from benchmarks.worker import memory

import chainrule as cr

SMALL = Case((3, 4, 2), 5, updates=20)
KINDS = [
    replace(SMALL, rule=rule, output=output)
    for rule in ("gradient_descent", "adam")
    for output in ("logistic", "identity")
]


@pytest.mark.parametrize("case", KINDS, ids=lambda case: case.name)
def test_the_reference_has_the_gradient_of_the_core(case):
    X, Y = (M[: case.batch].astype(np.float64) for M in case.data())
    network = chainrule_network(case).astype("float64")
    grads = cr.backward(network, cr.forward(network, X), Y)
    wanted = [g for pair in zip(grads.weights[1:], grads.biases[1:], strict=True) for g in pair]
    for got, array in zip(solve(case).gradient, wanted, strict=True):
        assert np.any(array != 0)
        np.testing.assert_allclose(got, array, rtol=1e-12)


@pytest.mark.parametrize("variant", ChainrulePeer.variants)
@pytest.mark.parametrize("case", KINDS, ids=lambda case: case.name)
def test_chainrule_does_the_work_of_the_reference(case, variant):
    peer = ChainrulePeer(case, variant, threads=1)
    peer.setup()
    peer.restart()
    peer.first_step()
    after_one = peer.weights()
    peer.restart()
    peer.run(100 // case.updates)
    assert check(case, solve(case), after_one, peer.weights()).passed


@pytest.mark.parametrize("spoil", [lambda dp: 1.02 * dp, lambda dp: 0 * dp, lambda dp: np.nan * dp])
def test_other_work_does_not_pass(spoil):
    exact = solve(SMALL)
    right = [p + 0.0 for p in exact.after_one]
    wrong = [before + spoil(after - before) for before, after in zip(exact.initial, right, strict=True)]
    pairs = [list(zip(p[::2], p[1::2], strict=True)) for p in (right, wrong)]
    assert check(SMALL, exact, pairs[0], pairs[0]).gradient_error < 1e-6
    found = check(SMALL, exact, pairs[1], pairs[1])
    assert not found.passed
    assert not found.gradient_error <= 2e-3


def test_a_cost_that_is_not_reached_does_not_pass():
    exact = solve(SMALL)
    after_one = list(zip(exact.after_one[::2], exact.after_one[1::2], strict=True))
    found = check(SMALL, exact, after_one, after_one)  # 99 updates short
    assert found.gradient_error < 1e-6
    assert not found.passed


def test_the_reference_is_the_same_after_a_file(tmp_path):
    exact = solve(SMALL)
    exact.save(tmp_path / "exact.npz")
    read = Exact.load(tmp_path / "exact.npz")
    assert (read.cost_before, read.cost_after) == (exact.cost_before, exact.cost_after)
    for a, b in zip(read.after_one, exact.after_one, strict=True):
        np.testing.assert_array_equal(a, b)


def test_every_case_has_a_whole_number_of_epochs_in_100_updates():
    cases = main_cases() + identity_cases() + other_batches()
    assert {case.sizes for case in cases} == set(NETWORKS)
    assert all(100 % case.updates == 0 for case in cases)


def test_flops_by_hand():
    # 64-64-10, batch 32: forward and weights' gradients 2 * 2 * 32 * (4096 + 640), sent back 2 * 32 * 640.
    assert resident(Case((64, 64, 10), 32)).flops == 2 * 2 * 32 * 4736 + 2 * 32 * 640


def test_nothing_measured_is_said_so():
    from benchmarks.figures import behind, figures
    from benchmarks.tables import page

    environment = {
        "date": "",
        "processor": "",
        "cores": 2,
        "system": "",
        "python": "",
        "load_before": 0,
        "versions": {},
    }
    results = Results(quick=False, environment=environment)
    computed = figures(results)
    assert {figure.verdict for figure in computed} == {"not measured"}
    assert not any(figure.reached for figure in computed)
    assert behind(results) == []
    assert "0 of 0 measured" in page(results, computed)


def test_memory_is_at_least_what_was_touched():
    before = memory()
    held = np.ones(8_000_000)  # 64 MB
    after = memory()
    assert after["peak"] - before["now"] > 0.9 * held.nbytes
