"""The one special function that the array API standard lacks: the normal distribution function, for GELU."""

from __future__ import annotations

import math

from chainrule.core.arrays import Array

# Chebyshev coefficients of (1 + 2x) exp(x^2) erfc(x) in t = (x - 3.75) / (x + 3.75), for x >= 0: the form of
# M. M. Shepherd and J. G. Laframboise, "Chebyshev approximation of (1+2x)exp(x^2)erfc x in 0 <= x < infinity",
# Mathematics of Computation 36 (1981). The numbers were computed for this file with 40-digit arithmetic.
ERFC = (
    1.1775789345674017541, -0.0045900545806464773309, -0.084249133366517915584, 0.059209939998191890498,
    -0.026658668435305752277, 0.0090749976707052650939, -0.0024131635404176081909, 0.00049077583652580863229,
    -0.000069169733025012063671, 4.1390279860730101675e-6, 7.7403830661984906686e-7, -2.1886401049234395661e-7,
    1.0764999465670910377e-8, 4.5219598112182868979e-9, -7.7544002088313511065e-10, -6.3180883408866844944e-11,
    2.8687950109306698981e-11, 1.945586854577734723e-13, -9.6546967484334389059e-13, 3.2525481481487398415e-14,
    3.3478119482868053878e-14, -1.8645628804193131016e-15, -1.2507950530688647086e-15,
)  # fmt: skip


def normal_cdf(Z: Array) -> Array:
    """Return the standard normal distribution function, Phi(z) = erfc(-z / sqrt 2) / 2, element by element.

    Relative error is below 1e-14 for |z| <= 8 in float64.

    >>> import numpy as np
    >>> normal_cdf(np.array([-1.0, 0.0, 1.0])).round(6)
    array([0.158655, 0.5     , 0.841345])
    """
    xp = Z.__array_namespace__()
    X = xp.abs(Z) / math.sqrt(2)
    # An infinite argument would make t = inf / inf; there the function has long reached 0 or 1.
    X = xp.where(X > 1e3, xp.full_like(X, 1e3), X)
    T = (X - 3.75) / (X + 3.75)
    later = xp.zeros_like(T)
    latest = xp.zeros_like(T)
    for c in reversed(ERFC[1:]):  # Clenshaw's recurrence
        later, latest = 2 * T * later - latest + c, later
    half_tail = 0.5 * (T * later - latest + ERFC[0]) / (1 + 2 * X) * xp.exp(-X * X)
    return xp.where(Z < 0, half_tail, 1 - half_tail)


def normal_density(Z: Array) -> Array:
    """Return the standard normal density, phi(z) = exp(-z^2 / 2) / sqrt(2 pi), element by element."""
    xp = Z.__array_namespace__()
    return xp.exp(-0.5 * Z * Z) / math.sqrt(2 * math.pi)
