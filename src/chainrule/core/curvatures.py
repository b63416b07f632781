"""Second derivatives of the losses: how the cost of an example bends as its outputs change.

    H       (N, n, n)   H[e, j, k] = d2C / da_j da_k of example e; for a fused loss d2C / dz_j dz_k

They stand apart from `equations.py` because backpropagation needs none of them; Gauss-Newton and Levenberg-Marquardt
do. Losses made of straight lines (absolute error, quantile, the perceptron's) bend nowhere and are not here.
"""

from __future__ import annotations

from chainrule.core.arrays import Array


def half_squared_error_curvature(A: Array, Y: Array) -> Array:
    """1 for each output."""
    return _diagonal(A.__array_namespace__().ones_like(A))


def sum_of_squares_curvature(A: Array, Y: Array) -> Array:
    """2 for each output."""
    return 2 * half_squared_error_curvature(A, Y)


def mean_of_squares_curvature(A: Array, Y: Array) -> Array:
    """2 / n for each of the n outputs."""
    return sum_of_squares_curvature(A, Y) / A.shape[1]


def huber_curvature(A: Array, Y: Array, width: float) -> Array:
    """1 within `width` of the target, 0 on the straight lines beyond it."""
    xp = A.__array_namespace__()
    return _diagonal(xp.where(xp.abs(A - Y) <= width, xp.ones_like(A), xp.zeros_like(A)))


def poisson_curvature(A: Array, Y: Array) -> Array:
    """y / a^2."""
    return _diagonal(_over_square(Y, A))


def binary_cross_entropy_curvature(A: Array, Y: Array) -> Array:
    """y / a^2 + (1 - y) / (1 - a)^2."""
    return _diagonal(_over_square(Y, A) + _over_square(1 - Y, 1 - A))


def categorical_cross_entropy_curvature(A: Array, Y: Array) -> Array:
    """y / a^2."""
    return _diagonal(_over_square(Y, A))


def logistic_binary_cross_entropy_curvature(Z: Array, A: Array, Y: Array) -> Array:
    """a (1 - a): the derivative of delta = a - y with respect to z."""
    return _diagonal(A * (1 - A))


def softmax_categorical_cross_entropy_curvature(Z: Array, A: Array, Y: Array) -> Array:
    """(sum of y) (diag(a) - a a^T): the targets' sum times the softmax Jacobian of seed 004."""
    xp = A.__array_namespace__()
    total = xp.sum(Y, axis=1)
    return total[:, None, None] * (_diagonal(A) - A[:, :, None] * A[:, None, :])


def _diagonal(D: Array) -> Array:
    """(N, n) to (N, n, n) with the rows of D on the diagonals."""
    xp = D.__array_namespace__()
    return D[:, :, None] * xp.eye(D.shape[1], dtype=D.dtype)[None, :, :]


def _over_square(Y: Array, A: Array) -> Array:
    """y / a^2 with 0 / 0 = 0, minus the second derivative of y log a."""
    xp = A.__array_namespace__()
    return xp.where(Y == 0, xp.zeros_like(A), Y / xp.where(Y == 0, xp.ones_like(A), A * A))
