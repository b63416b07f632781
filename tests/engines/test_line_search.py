"""The line search: the strong Wolfe conditions hold where it ends, on functions of every shape."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, rosen, rosen_der

from chainrule.engines.line_search import C1, C2, search
from chainrule.models.estimators.limited_memory import Reached, step

# phi and phi' along a line that starts downhill; the first is of Moré and Thuente's own table.
SHAPES = {
    "rational": (lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2),
    "waves": (lambda t: (t - 2) ** 2 + 0.3 * math.sin(8 * t), lambda t: 2 * (t - 2) + 2.4 * math.cos(8 * t)),
    "parabola": (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
    "steep wall": (lambda t: math.exp(min(t, 600.0)) - 50 * t, lambda t: math.exp(min(t, 600.0)) - 50),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("first", [1e-3, 1e-1, 1.0, 10.0, 1e3])
def test_the_wolfe_conditions_hold_where_it_ends(shape, first):
    phi, slope = SHAPES[shape]
    assert slope(0.0) < 0
    asked = []

    def at(t):
        asked.append(t)
        return phi(t), slope(t)

    t = search(at, phi(0.0), slope(0.0), first)
    assert t in asked
    assert phi(t) <= phi(0.0) + C1 * t * slope(0.0)
    assert abs(slope(t)) <= C2 * abs(slope(0.0))


@given(st.floats(0.1, 100), st.floats(-5, 5), st.floats(0.01, 50), st.floats(1e-4, 1e4))
@settings(max_examples=settings.default.max_examples * 2)
def test_a_fall_on_any_quartic(a, b, c, first):
    phi, slope = (lambda t: a * t**4 + b * t**3 - c * t), (lambda t: 4 * a * t**3 + 3 * b * t**2 - c)
    t = search(lambda t: (phi(t), slope(t)), 0.0, -c, first)
    assert t is not None
    assert phi(t) < 0


def test_a_step_into_infinity_is_shortened():
    phi = lambda t: (t - 1) ** 2 if t < 5 else math.inf  # noqa: E731
    t = search(lambda t: (phi(t), 2 * (t - 1) if t < 5 else math.nan), 1.0, -2.0, 1000.0)
    assert phi(t) < 1


@pytest.mark.parametrize("beyond", [(math.inf, 1.0), (-1e9, math.nan), (math.nan, 1.0), (-1e9, -math.inf)])
def test_a_step_whose_value_or_slope_is_no_number_is_shortened(beyond):
    t = search(lambda t: ((t - 1) ** 2, 2 * (t - 1)) if t < 5 else beyond, 1.0, -2.0, 1000.0)
    assert 0 < t < 2


def test_what_never_falls_ends_without_a_rise():
    t = search(lambda t: (1.0 + t, 1.0) if t else (1.0, -1.0), 1.0, -1.0, 1.0)
    assert t is None or t == 0.0 or 1.0 + t <= 1.0 + 1e-6


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [2.0**-600, 2.0**600])
def test_the_unit_of_the_cost_does_not_matter(shape, scale):
    """Times a power of two nothing is rounded, so the steps are the same; squares of such numbers are 0 or infinite."""
    phi, slope = SHAPES[shape]
    for first in (1e-3, 1.0, 100.0):
        found = search(lambda t: (scale * phi(t), scale * slope(t)), scale * phi(0.0), scale * slope(0.0), first)
        assert found == search(lambda t: (phi(t), slope(t)), phi(0.0), slope(0.0), first)


def trials_on(number):
    """The places that scipy's first step and ours try on a bumpy function of one number, of a scale of its own."""
    rng = np.random.default_rng(number)
    a, b, c = rng.normal(size=4) * 10.0 ** rng.integers(-1, 3), 10.0 ** rng.uniform(-2, 1.5, 4), rng.uniform(0, 6, 4)
    q = 10.0 ** rng.uniform(-6, 2)
    theirs, ours = [], []

    def at(x):
        return float(np.sum(a * np.sin(b * x + c)) + q * x * x), float(np.sum(a * b * np.cos(b * x + c)) + 2 * q * x)

    def for_scipy(x):
        theirs.append(float(x[0]))
        return at(x[0])[0], np.array([at(x[0])[1]])

    def along(t):
        ours.append(t * d)
        return at(t * d)[0], at(t * d)[1] * d

    options = {"maxiter": 1, "maxls": 20, "ftol": 0.0, "gtol": 0.0}
    minimize(for_scipy, np.zeros(1), jac=True, method="L-BFGS-B", options=options)
    phi, d = at(0.0)[0], -at(0.0)[1]
    search(along, phi, -d * d, 1 / abs(d))
    return theirs[1:], ours


def test_the_trials_are_those_of_scipys_code():
    """On functions with many hills, so that every way to choose the next trial is gone; one may fall on a tie."""
    pairs = [trials_on(number) for number in range(200)]
    same = [len(ours) == len(theirs) and np.allclose(ours, theirs, rtol=1e-6) for theirs, ours in pairs]
    assert sum(same) >= 199
    assert sum(len(ours) > 3 for _, ours in pairs) > 30
    assert max(len(ours) for _, ours in pairs) > 5


def by_steps(at, w, most):
    """The costs and places after each step of L-BFGS."""
    here, places = Reached(w, *at(w)), []
    while len(places) < most and not here.flat and (there := step(at, here)) is not None:
        here = there
        places.append(here.w)
    return places


def test_the_steps_are_those_of_scipys_code():
    """Before rounding has grown: 15 steps on Rosenbrock's valley in 30 dimensions."""

    def at(w):
        return float(rosen(w)), rosen_der(w)

    start, theirs = np.linspace(-1, 2, 30), []
    options = {"maxiter": 15, "gtol": 0.0}
    minimize(at, start, jac=True, method="L-BFGS-B", options=options, callback=lambda w: theirs.append(w.copy()))
    ours = by_steps(at, start, 15)
    assert len(ours) == len(theirs) == 15
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)
    assert np.abs(ours[-1] - start).max() > 0.1
