"""Update rules and schedules against the formulas, one number at a time."""

import math
import re
from itertools import pairwise

import numpy as np
import pytest

from chainrule.core.schedules import (
    SCHEDULES,
    PlateauState,
    Schedule,
    after_epoch,
    constant,
    cosine,
    exponential,
    factors,
    one_cycle,
    reduce_on_plateau,
    schedule_named,
    step,
)
from chainrule.core.update_rules import (
    UPDATE_RULES,
    adam,
    clip_by_norm,
    clip_by_value,
    global_norm,
    gradient_descent,
    momentum,
    nesterov,
    rmsprop,
    rprop,
    update_rule_named,
)
from chainrule.errors import UsageError

G = [1.0, -2.0, 0.5, 0.25, -3.0]  # gradients of one parameter at five updates
ETA = 0.1


def changes_of(rule, gradients=G, learning_rate=ETA):
    """The changes that a rule makes to one parameter, and its last state."""
    state, changes = rule.init([np.zeros(1)]), []
    for g in gradients:
        change, state = rule.update([np.array([g])], state, learning_rate)
        changes.append(float(change[0][0]))
    return changes, state


def test_gradient_descent():
    # dw = -eta g
    changes, _ = changes_of(gradient_descent())
    assert changes == pytest.approx([-0.1, 0.2, -0.05, -0.025, 0.3], rel=1e-15)


def test_momentum_by_hand():
    # v <- 0.9 v - 0.1 g
    #   1: 0      - 0.1                    = -0.1
    #   2: -0.09  + 0.2                    =  0.11
    #   3:  0.099 - 0.05                   =  0.049
    #   4:  0.0441 - 0.025                 =  0.0191
    #   5:  0.01719 + 0.3                  =  0.31719
    changes, state = changes_of(momentum())
    assert changes == pytest.approx([-0.1, 0.11, 0.049, 0.0191, 0.31719], rel=1e-12)
    assert float(state.velocity[0][0]) == changes[-1]


def test_nesterov_by_hand():
    # v as above; dw = 0.9 v - 0.1 g
    #   1: -0.09   - 0.1   = -0.19
    #   2:  0.099  + 0.2   =  0.299
    #   3:  0.0441 - 0.05  = -0.0059
    #   4:  0.01719 - 0.025 = -0.00781
    changes, state = changes_of(nesterov())
    assert changes[:4] == pytest.approx([-0.19, 0.299, -0.0059, -0.00781], rel=1e-12)
    assert changes[4] == pytest.approx(0.9 * 0.31719 + 0.3, rel=1e-12)
    assert float(state.velocity[0][0]) == pytest.approx(0.31719)


def test_nesterov_is_the_gradient_looked_up_a_step_ahead():
    # Sutskever et al. 2013: v <- mu v - eta J'(w + mu v), w <- w + v. Kept as u = w + mu v, that is our rule.
    def slope(w):
        return 2 * (w - 3) + math.sin(w)

    w = v = u = 0.0
    rule = nesterov(0.8)
    state = rule.init([np.zeros(1)])
    for _ in range(10):
        v = 0.8 * v - 0.05 * slope(w + 0.8 * v)
        w += v
        change, state = rule.update([np.array([slope(u)])], state, 0.05)
        u += float(change[0][0])
        assert u == pytest.approx(w + 0.8 * v, rel=1e-12)
    assert u > 1


def test_rmsprop_by_hand():
    # s <- 0.5 s + 0.5 g^2: 0.5, then 0.25 + 2 = 2.25, then 1.125 + 0.125 = 1.25
    # dw = -0.1 g / sqrt s: -0.1 / sqrt 0.5, 0.2 / 1.5, -0.05 / sqrt 1.25
    changes, state = changes_of(rmsprop(0.5, 1e-300), G[:3])
    assert changes == pytest.approx([-0.1 / math.sqrt(0.5), 0.2 / 1.5, -0.05 / math.sqrt(1.25)], rel=1e-15)
    assert state.mean_square[0].tolist() == [1.25]
    # epsilon stands beside the root: sqrt(0.1 * 9) + 1 with rho = 0.9
    changes, _ = changes_of(rmsprop(0.9, 1.0), [3.0])
    assert changes == pytest.approx([-0.3 / (math.sqrt(0.9) + 1)], rel=1e-15)


def adam_of_the_paper(gradients, alpha, beta_1, beta_2, epsilon):
    """Algorithm 1 of Kingma and Ba (2015), line by line; returns every change of theta."""
    m = v = theta = 0.0
    changes = []
    for t, g in enumerate(gradients, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = m / (1 - beta_1**t)
        v_hat = v / (1 - beta_2**t)
        before, theta = theta, theta - alpha * m_hat / (math.sqrt(v_hat) + epsilon)
        changes.append(theta - before)
    return changes


@pytest.mark.parametrize("constants", [(0.9, 0.999, 1e-8), (0.5, 0.9, 1e-3), (0.0, 0.0, 1e-8)])
def test_adam_is_the_papers_algorithm(constants):
    changes, state = changes_of(adam(*constants))
    assert changes == pytest.approx(adam_of_the_paper(G, ETA, *constants), rel=1e-12)
    assert state.updates == 5


@pytest.mark.parametrize("beta_2", [0.999, 0.5, 0.0])
def test_adam_with_epsilon_hat_is_the_papers_other_form(beta_2):
    """The end of its section 2: alpha_t = alpha sqrt(1 - beta_2^t) / (1 - beta_1^t), then alpha_t m / (sqrt v + ^e)."""
    m = v = 0.0
    wanted = []
    for t, g in enumerate(G, start=1):
        m, v = 0.8 * m + 0.2 * g, beta_2 * v + (1 - beta_2) * g * g
        alpha_t = ETA * math.sqrt(1 - beta_2**t) / (1 - 0.8**t)
        wanted.append(-alpha_t * m / (math.sqrt(v) + 0.03))
    assert changes_of(adam(0.8, beta_2, 0.0, 0.03))[0] == pytest.approx(wanted, rel=1e-12)


def test_adam_by_hand():
    # g = 1 then -2, beta 0.9 and 0.999:
    #   m = 0.1, s = 0.001; both divided by what they lack (0.1, 0.001) are 1: dw = -0.1
    #   m = 0.09 - 0.2 = -0.11, s = 0.000999 + 0.004 = 0.004999
    #   m / (1 - 0.81) = -0.5789473684, s / (1 - 0.998001) = 0.004999 / 0.001999 = 2.5007503752
    #   dw = 0.1 * 0.5789473684 / 1.5813761017 = 0.0366103527
    changes, _ = changes_of(adam(), G[:2])
    assert changes == pytest.approx([-0.1, 0.0366103527], rel=1e-7)


def test_adams_first_step_is_the_learning_rate_whatever_the_gradient():
    for g in (1e-3, 1.0, -1e6):
        assert changes_of(adam(), [g])[0] == pytest.approx([-math.copysign(ETA, g)], rel=1e-4)


def test_adamw_is_adam_beside_which_the_weights_shrink():
    rule = update_rule_named("adamw")
    assert rule.decoupled
    assert not any(update_rule_named(name).decoupled for name in UPDATE_RULES if name != "adamw")
    assert changes_of(rule)[0] == changes_of(adam())[0]
    assert rule.name == "adamw"


def test_rprop_by_hand():
    # Signs + - - - + with steps 1, and 1.2 up, 0.5 down, in learning rates:
    #   +  first: agreement 0, step 1:                            -0.1
    #   -  turned: step 0.5, rests:                                 0
    #   -  nothing remembered: step 0.5:                          +0.05
    #   -  agrees: step 0.6:                                      +0.06
    #   +  turned: step 0.3, rests:                                 0
    #   +  nothing remembered: step 0.3:                          -0.03
    changes, state = changes_of(rprop(), [7.0, -1e-9, -2.0, -1e3, 5.0, 5.0])
    assert changes == pytest.approx([-0.1, 0, 0.05, 0.06, 0, -0.03], rel=1e-12)
    assert state.steps[0].tolist() == pytest.approx([0.3])
    assert state.gradients[0].tolist() == [5]


def test_rprop_keeps_its_steps_within_their_bounds():
    rule = rprop(2.0, 0.1, 4.0, 0.5)
    assert changes_of(rule, [1.0] * 5)[0] == pytest.approx([-0.1, -0.2, -0.4, -0.4, -0.4])
    assert changes_of(rule, [1.0, -1.0, -1.0])[0] == pytest.approx([-0.1, 0, 0.05])
    assert changes_of(rprop(), [0.0, 0.0])[0] == [0, 0]


@pytest.mark.parametrize("name", UPDATE_RULES)
def test_each_rule_descends_and_leaves_what_it_is_given(name):
    rule = update_rule_named(name)
    w = [np.array([2.0, -3.0]), np.array([[0.5]])]
    state = rule.init(w)
    start = sum(float((p * p).sum()) for p in w)
    for _ in range(60):
        gradients = [2 * p for p in w]
        kept = [g.copy() for g in gradients]
        before = state
        changes, state = rule.update(gradients, state, 0.02)
        again, _ = rule.update(gradients, before, 0.02)  # pure: the same state gives the same change
        for change, same, g, k in zip(changes, again, gradients, kept, strict=True):
            np.testing.assert_array_equal(change, same)
            np.testing.assert_array_equal(g, k)
        w = [p + change for p, change in zip(w, changes, strict=True)]
    assert sum(float((p * p).sum()) for p in w) < start / 2
    assert [p.shape for p in w] == [(2,), (1, 1)]


# ---- clipping -----------------------------------------------------------------------------------------------------


def test_clipping_by_hand():
    gradients = [np.array([3.0, 0.0]), np.array([[-4.0]])]  # common norm 5
    assert global_norm(gradients) == 5
    assert [g.tolist() for g in clip_by_norm(gradients, 2.5)] == [[1.5, 0], [[-2]]]
    assert [g.tolist() for g in clip_by_norm(gradients, 5)] == [[3, 0], [[-4]]]
    assert [g.tolist() for g in clip_by_value(gradients, 2.5)] == [[2.5, 0], [[-2.5]]]
    assert [g.tolist() for g in clip_by_value(gradients, 10)] == [[3, 0], [[-4]]]
    assert [g.tolist() for g in clip_by_norm([np.zeros(2)], 1.0)] == [[0, 0]]
    assert [g.tolist() for g in gradients] == [[3, 0], [[-4]]]


@pytest.mark.parametrize("scale", [1e-150, 1e-3, 1e10, 1e155, 1e200, -4e306])
def test_a_norm_grows_with_its_numbers_however_large(scale):
    """6^2 + 10^2 + 15^2 = 19^2; the square of a number beyond 1e154 is none."""
    gradients = [scale * np.array([6.0, 0.0]), scale * np.array([[-10.0], [15.0]])]
    with np.errstate(over="ignore"):
        assert global_norm(gradients) == pytest.approx(19 * abs(scale), rel=1e-14)
        cut = clip_by_norm(gradients, 3.8 * abs(scale))
    np.testing.assert_allclose(np.concatenate([g.ravel() for g in cut]) / scale, [1.2, 0, -2, 3], rtol=1e-14)


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_a_norm_of_what_is_not_finite_is_not_finite(bad):
    assert not math.isfinite(global_norm([np.array([1.0, 2.0]), np.array([bad])]))


# ---- schedules ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("schedule", "values"), [
    (constant(), {0: 1, 50: 1, 100: 1}),
    (step(30, 0.1), {0: 1, 29.9: 1, 30: 0.1, 59.9: 0.1, 60: 0.01, 100: 0.001}),
    (exponential(0.9), {0: 1, 1: 0.9, 2: 0.81, 0.5: math.sqrt(0.9)}),
    (cosine(), {0: 1, 50: 0.5, 100: 0, 25: 0.5 + math.sqrt(2) / 4}),
    (cosine(0.2), {0: 1, 50: 0.6, 100: 0.2}),
    (one_cycle(), {0: 0.04, 15: 0.52, 30: 1, 65: 0.50005, 100: 0.0001}),
    (one_cycle(0.5, 0.2, 0.1), {0: 0.2, 25: 0.6, 50: 1, 75: 0.55, 100: 0.1}),
    (reduce_on_plateau(), {0: 1, 100: 1}),
])  # fmt: skip
def test_schedules_at_key_times(schedule, values):
    for epoch, factor in values.items():
        assert schedule.factor(epoch, 100) == pytest.approx(factor, abs=1e-12)


def test_the_usual_constants_of_schedules():
    """A tenth every 30 epochs (docs/training.md)."""
    for epoch in (0, 29.5, 30, 61):
        assert schedule_named("step").factor(epoch, 100) == step(30, 0.1).factor(epoch, 100)


def test_one_cycle_is_continuous_and_never_above_1():
    found = [one_cycle().factor(epoch / 100, 100) for epoch in range(10_001)]
    assert max(found) == pytest.approx(1)
    assert max(abs(b - a) for a, b in pairwise(found)) < 1e-3


TIMES = np.arange(7)[:, None] * 13 + np.arange(11) / 11


@pytest.mark.parametrize("name", [*SCHEDULES, "step(7,0.3)", "exponential(1.02)", "cosine(0.1)", "one_cycle(0.5)"])
def test_all_times_at_once_are_the_times_one_by_one(name):
    schedule = schedule_named(name)
    found = factors(schedule, TIMES, 100)
    assert (found.shape, found.dtype) == (TIMES.shape, np.float64)
    alone = [[float(schedule.factor(time, 100)) for time in row] for row in TIMES.tolist()]
    np.testing.assert_allclose(found, alone, rtol=1e-15)
    # A training that goes on from any epoch takes the same rates, however many epochs are asked for together.
    for row, times in zip(found, TIMES, strict=True):
        assert factors(schedule, times[None, :], 100).tobytes() == row.tobytes()
        assert factors(schedule, times[:1, None], 100).tobytes() == row[:1].tobytes()


def test_powers_to_the_last_bit():
    """As Python takes them, whatever the processor: the rates of a training are part of what is promised."""
    for rate in (0.99, 0.5, 0.1, 1.02):
        assert factors(exponential(rate), TIMES, 100).tolist() == [[rate**t for t in row] for row in TIMES.tolist()]
        expected = [[rate ** (t // 5) for t in row] for row in TIMES.tolist()]
        assert factors(step(5, rate), TIMES, 100).tolist() == expected


def test_your_own_schedule_may_take_one_time_after_the_other():
    def factor(epoch, epochs):
        if epoch < 10:  # no array has a truth value
            return 1
        return 10.0**epoch if epoch > 60 else math.exp(-epoch / epochs)

    found = factors(Schedule("own", factor), np.array([[0.0, 9.9], [50.0, 400.0]]), 100)
    assert found.tolist() == [[1, 1], [math.exp(-0.5), math.inf]]


def test_factors_beyond_every_number_are_infinite():
    assert factors(exponential(10), np.array([308.0, 309.0]), 400).tolist() == [1e308, math.inf]
    assert factors(step(1, 1e200), np.array([1.0, 2.0]), 400).tolist() == [1e200, math.inf]


def test_plateau():
    # Patience 2, factor 0.5: cut after two epochs without a better cost; then count again.
    schedule, state, factors = reduce_on_plateau(0.5, 2), PlateauState(), []
    for cost in (1.0, 0.9, 0.9, 0.95, 0.8, 0.81, 0.82, 0.83, 0.84, math.nan, math.nan):
        state = after_epoch(schedule, state, cost)
        factors.append(state.factor)
    assert factors == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625]
    assert state.best == 0.8
    assert after_epoch(constant(), PlateauState(), 5.0) == PlateauState()


# ---- names and refusals -------------------------------------------------------------------------------------------


def test_rules_by_name():
    assert update_rule_named("momentum(0.5)").name == "momentum(0.5)"
    assert changes_of(update_rule_named("momentum(0.5)"))[0] == changes_of(momentum(0.5))[0]
    assert changes_of(update_rule_named("adam(0.8, 0.9)"))[0] == changes_of(adam(0.8, 0.9))[0]
    assert changes_of(update_rule_named("rprop(2,0.1,4,0.5)"))[0] == changes_of(rprop(2, 0.1, 4, 0.5))[0]
    rule = momentum()
    assert update_rule_named(rule) is rule
    for name in UPDATE_RULES:
        assert update_rule_named(name).name == name


def test_schedules_by_name():
    assert schedule_named("step(50, 0.5)").factor(120, 200) == 0.25
    assert schedule_named("step(50, 0.5)").name == "step(50,0.5)"
    assert schedule_named("reduce_on_plateau(0.5,3)").plateau == (0.5, 3)
    schedule = cosine()
    assert schedule_named(schedule) is schedule
    for name in SCHEDULES:
        assert schedule_named(name).name == name


@pytest.mark.parametrize(("name", "message"), [
    ("adm", 'update "adm" is unknown. Did you mean "adam"? Allowed: gradient_descent, momentum,'),
    ("momentum(1.1)", "momentum: mu must be at least 0 and at most 1; received 1.1."),
    ("rmsprop(1)", "rmsprop: rho must be at least 0 and below 1; received 1."),
    ("momentum(-0.1)", "received -0.1"),
    ("nesterov(2)", "nesterov: mu"),
    ("rmsprop(1.5)", "rmsprop: rho"),
    ("adam(0.9,1)", "adam: beta_2"),
    ("adam(1)", "adam: beta_1"),
    ("rmsprop(0.9,-1)", "rmsprop: epsilon must be at least 0; received -1."),
    ("adam(0.9,0.9,-1)", "adam: epsilon must be at least 0"),
    ("adam(0.9,0.9,0,-1)", "adam: epsilon_hat must be at least 0"),
    ("rprop(1)", "grow > 1"),
    ("rprop(1.2,1)", "0 < shrink < 1"),
    ("rprop(1.2,0)", "0 < shrink < 1"),
    ("rprop(1.2,0.5,1,1)", "0 < smallest < largest"),
    ("rprop(1.2,0.5,1,0)", "0 < smallest < largest"),
    ("rprop(0.9)", "rprop(grow, shrink, largest, smallest) needs grow > 1"),
    ("rprop(1.2,1.5)", "0 < shrink < 1"),
    ("rprop(1.2,0.5,1,2)", "0 < smallest < largest"),
    ("gradient_descent(0.1)", "gradient_descent does not take 1 numbers"),
    ("adam(1,2,3,4,5)", "adam does not take 5 numbers"),
    ("momentum(a)", 'update "momentum(a)" cannot be read. Write a name, or a name with numbers, as in momentum(0.5).'),
    ("momentum(0.5", "cannot be read"),
    (0.1, "update must be a name or an object of that kind; received 0.1"),
])  # fmt: skip
def test_refused_rules(name, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        update_rule_named(name)


@pytest.mark.parametrize(("name", "message"), [
    ("cosin", 'schedule "cosin" is unknown. Did you mean "cosine"?'),
    ("step(0)", "schedule step(every, factor) needs every of at least 1 epoch; received 0."),
    ("step(10,0)", "a factor above 0"),
    ("exponential(0)", "a rate above 0"),
    ("cosine(2)", "an end from 0 to 1"),
    ("one_cycle(1)", "a rise between 0 and 1"),
    ("reduce_on_plateau(1)", "a factor between 0 and 1"),
    ("reduce_on_plateau(0.5,0)", "a whole patience from 1 to 1e9"),
    ("constant(1)", "constant does not take 1 numbers"),
    (None, "schedule must be a name or an object of that kind; received None"),
])  # fmt: skip
def test_refused_schedules(name, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        schedule_named(name)
