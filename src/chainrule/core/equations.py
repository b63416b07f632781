"""Every equation of a feed-forward network, its value and its pullback side by side.

Rows are examples. A layer computes `Z = A @ W + b`, then `A = f(Z)`; a loss gives each example a cost C.
A *value* goes forward. Its *pullback* takes the derivative of C with respect to the value's output and returns
the derivative with respect to its input: one link of the chain rule.

    Z, A        (N, n)   pre-activations and activations of a layer with n units
    Y           (N, n)   targets of the output layer
    C           (N,)     cost of each example
    dC_dA       (N, n)   derivative of each example's own cost; delta is dC/dZ

Only the Python array API standard is used, so the same lines run on NumPy, array-api-strict, JAX and others.
Sources: seeds 000 (gates, z, a, C), 001 (constituent derivatives), 002 (vectorised algorithm), 004 (identity,
sigmoid, softmax Jacobian, mean squared error).
"""

from __future__ import annotations

from chainrule.core.arrays import Array
from chainrule.core.special import normal_cdf, normal_density

# ---- the dense layer: z_k = sum_i a_i w_ik + b_k, with w_ik on the connection i -> k ---------------------------


def dense(A: Array, W: Array, b: Array | None) -> Array:
    Z = A @ W
    return Z if b is None else Z + b


def dense_pullback(W: Array, delta: Array) -> Array:
    """dC/da_i = sum_k w_ik delta_k: every path from unit i to the cost, summed (seeds 001, 002, 004)."""
    return delta @ W.T


def dense_gradients(A: Array, delta: Array) -> tuple[Array, Array]:
    """dJ/dw_ik = sum over examples of a_i delta_k, and dJ/db_k = sum of delta_k; delta carries any factor of J."""
    xp = delta.__array_namespace__()
    return A.T @ delta, xp.sum(delta, axis=0)


def with_x0(A: Array) -> Array:
    """Put the constant x0 = 1 before the columns, so that a bias becomes the weight w_0 (seed 001)."""
    xp = A.__array_namespace__()
    return xp.concat([xp.ones_like(A[:, :1]), A], axis=1)


# ---- activations ----------------------------------------------------------------------------------------------


def identity(Z: Array) -> Array:
    return Z


def identity_pullback(Z: Array, A: Array, dC_dA: Array) -> Array:
    return dC_dA


def step(Z: Array) -> Array:
    xp = Z.__array_namespace__()
    return xp.where(Z >= 0, xp.ones_like(Z), xp.zeros_like(Z))


def step_pullback(Z: Array, A: Array, dC_dA: Array) -> Array:
    """The step is flat wherever it has a derivative: no error passes it, hence the perceptron's own rule."""
    return dC_dA.__array_namespace__().zeros_like(dC_dA)


def logistic(Z: Array) -> Array:
    """1 / (1 + e^-z), arranged so that no exponential overflows."""
    xp = Z.__array_namespace__()
    e = xp.exp(-xp.abs(Z))
    return xp.where(Z >= 0, 1 / (1 + e), e / (1 + e))


def logistic_pullback(Z: Array, A: Array, dC_dA: Array) -> Array:
    return dC_dA * A * (1 - A)


def tanh(Z: Array) -> Array:
    return Z.__array_namespace__().tanh(Z)


def tanh_pullback(Z: Array, A: Array, dC_dA: Array) -> Array:
    return dC_dA * (1 - A * A)


def relu(Z: Array) -> Array:
    xp = Z.__array_namespace__()
    return xp.where(Z < 0, xp.zeros_like(Z), Z)  # this way round a NaN stays visible


def relu_pullback(Z: Array, A: Array, dC_dA: Array) -> Array:
    xp = Z.__array_namespace__()
    return xp.where(Z <= 0, xp.zeros_like(dC_dA), dC_dA)  # this way round a NaN stays visible


def leaky_relu(Z: Array, slope: float) -> Array:
    return Z.__array_namespace__().where(Z > 0, Z, slope * Z)


def leaky_relu_pullback(Z: Array, A: Array, dC_dA: Array, slope: float) -> Array:
    return Z.__array_namespace__().where(Z > 0, dC_dA, slope * dC_dA)


def elu(Z: Array, alpha: float) -> Array:
    """z above 0, alpha (e^z - 1) below (Clevert et al. 2016)."""
    xp = Z.__array_namespace__()
    return xp.where(Z > 0, Z, alpha * xp.expm1(_at_most_0(Z)))


def elu_pullback(Z: Array, A: Array, dC_dA: Array, alpha: float) -> Array:
    xp = Z.__array_namespace__()
    return xp.where(Z > 0, dC_dA, dC_dA * alpha * xp.exp(_at_most_0(Z)))


# The fixed point of mean 0 and variance 1 (Klambauer et al. 2017, equation 14).
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def selu(Z: Array) -> Array:
    return SELU_SCALE * elu(Z, SELU_ALPHA)


def selu_pullback(Z: Array, A: Array, dC_dA: Array) -> Array:
    return SELU_SCALE * elu_pullback(Z, A, dC_dA, SELU_ALPHA)


def gelu(Z: Array) -> Array:
    """z Phi(z) with the exact normal distribution function (Hendrycks and Gimpel 2016)."""
    return Z * normal_cdf(Z)


def gelu_pullback(Z: Array, A: Array, dC_dA: Array) -> Array:
    return dC_dA * (normal_cdf(Z) + Z * normal_density(Z))


def silu(Z: Array) -> Array:
    return Z * logistic(Z)


def silu_pullback(Z: Array, A: Array, dC_dA: Array) -> Array:
    S = logistic(Z)
    return dC_dA * S * (1 + Z * (1 - S))


def softplus(Z: Array) -> Array:
    """log(1 + e^z), arranged so that no exponential overflows."""
    xp = Z.__array_namespace__()
    return relu(Z) + xp.log1p(xp.exp(-xp.abs(Z)))


def softplus_pullback(Z: Array, A: Array, dC_dA: Array) -> Array:
    return dC_dA * logistic(Z)


def exponential(Z: Array) -> Array:
    return Z.__array_namespace__().exp(Z)


def exponential_pullback(Z: Array, A: Array, dC_dA: Array) -> Array:
    return dC_dA * A


def softmax(Z: Array) -> Array:
    xp = Z.__array_namespace__()
    E = xp.exp(Z - xp.max(Z, axis=1, keepdims=True))
    return E / xp.sum(E, axis=1, keepdims=True)


def softmax_pullback(Z: Array, A: Array, dC_dA: Array) -> Array:
    """J_Z^L = J_S^L . J_Z^S with ds_i/dz_k = s_i ([i = k] - s_k), the full Jacobian of seed 004, multiplied out."""
    xp = Z.__array_namespace__()
    return A * (dC_dA - xp.sum(A * dC_dA, axis=1, keepdims=True))


# ---- losses: C(A, Y) for each example, and dC/dA ----------------------------------------------------------------


def half_squared_error(A: Array, Y: Array) -> Array:
    """C = 1/2 sum_j (a_j - y_j)^2 (seeds 002, 003, 004)."""
    return 0.5 * _sum((A - Y) ** 2)


def half_squared_error_pullback(A: Array, Y: Array) -> Array:
    return A - Y


def sum_of_squares(A: Array, Y: Array) -> Array:
    """C = sum_j (a_j - y_j)^2 (seeds 000, 001)."""
    return _sum((A - Y) ** 2)


def sum_of_squares_pullback(A: Array, Y: Array) -> Array:
    return 2 * (A - Y)


def mean_of_squares(A: Array, Y: Array) -> Array:
    """C = 1/n sum_j (a_j - y_j)^2 over the n outputs (seed 004)."""
    return _sum((A - Y) ** 2) / A.shape[1]


def mean_of_squares_pullback(A: Array, Y: Array) -> Array:
    return 2 * (A - Y) / A.shape[1]


def absolute_error(A: Array, Y: Array) -> Array:
    return _sum(A.__array_namespace__().abs(A - Y))


def absolute_error_pullback(A: Array, Y: Array) -> Array:
    return A.__array_namespace__().sign(A - Y)


def huber(A: Array, Y: Array, width: float) -> Array:
    """Half squared error within `width` of the target, continued as a straight line (Huber 1964)."""
    xp = A.__array_namespace__()
    E = xp.abs(A - Y)
    return _sum(xp.where(width >= E, 0.5 * E * E, width * (E - 0.5 * width)))


def huber_pullback(A: Array, Y: Array, width: float) -> Array:
    xp = A.__array_namespace__()
    E = A - Y
    return xp.where(xp.abs(E) <= width, E, width * xp.sign(E))


def quantile(A: Array, Y: Array, q: float) -> Array:
    """q (y - a) where the target is above, (1 - q)(a - y) where below (Koenker and Bassett 1978)."""
    E = A - Y
    return _sum(A.__array_namespace__().where(E >= 0, (1 - q) * E, -q * E))


def quantile_pullback(A: Array, Y: Array, q: float) -> Array:
    xp = A.__array_namespace__()
    E = A - Y
    return xp.sign(E) * xp.where(E > 0, xp.full_like(E, 1 - q), xp.full_like(E, q))


def poisson(A: Array, Y: Array) -> Array:
    """C = sum_j (a_j - y_j log a_j), the negative log-likelihood up to terms in y alone; a must be positive."""
    return _sum(A - _times_log(Y, A))


def poisson_pullback(A: Array, Y: Array) -> Array:
    return 1 - _ratio(Y, A)


def binary_cross_entropy(A: Array, Y: Array) -> Array:
    """C = -sum_j (y_j log a_j + (1 - y_j) log(1 - a_j))."""
    return -_sum(_times_log(Y, A) + _times_log(1 - Y, 1 - A))


def binary_cross_entropy_pullback(A: Array, Y: Array) -> Array:
    return _ratio(1 - Y, 1 - A) - _ratio(Y, A)


def categorical_cross_entropy(A: Array, Y: Array) -> Array:
    """C = -sum_j y_j log a_j."""
    return -_sum(_times_log(Y, A))


def categorical_cross_entropy_pullback(A: Array, Y: Array) -> Array:
    return -_ratio(Y, A)


# ---- canonical pairs: C(Z, Y) and delta = dC/dZ in one step, without the division that a saturated unit breaks ---


def logistic_binary_cross_entropy(Z: Array, Y: Array) -> Array:
    return _sum(softplus(Z) - Y * Z)


def logistic_binary_cross_entropy_delta(Z: Array, A: Array, Y: Array) -> Array:
    return A - Y


def softmax_categorical_cross_entropy(Z: Array, Y: Array) -> Array:
    """C = sum_j y_j (log sum_k e^z_k - z_j)."""
    xp = Z.__array_namespace__()
    top = xp.max(Z, axis=1, keepdims=True)
    log_sum = top + xp.log(xp.sum(xp.exp(Z - top), axis=1, keepdims=True))
    return _sum(Y * (log_sum - Z))


def softmax_categorical_cross_entropy_delta(Z: Array, A: Array, Y: Array) -> Array:
    """a_j sum_k y_k - y_j, which is a_j - y_j for targets that sum to 1."""
    xp = Z.__array_namespace__()
    return A * xp.sum(Y, axis=1, keepdims=True) - Y


def perceptron_criterion(Z: Array, Y: Array) -> Array:
    """C = (a - y) z with a = step(z): 0 when the side is right, otherwise the distance |z| to the right side."""
    return _sum((step(Z) - Y) * Z)


def perceptron_criterion_delta(Z: Array, A: Array, Y: Array) -> Array:
    """a - y: gradient descent on it is the perceptron rule, w <- w + eta (y - a) x (Rosenblatt 1958)."""
    return A - Y


# ---- conventions that the limits dictate ------------------------------------------------------------------------


def _sum(C: Array) -> Array:
    return C.__array_namespace__().sum(C, axis=1)


def _times_log(Y: Array, A: Array) -> Array:
    """y log a with 0 log 0 = 0."""
    xp = A.__array_namespace__()
    return xp.where(Y == 0, xp.zeros_like(A), Y * xp.log(xp.where(Y == 0, xp.ones_like(A), A)))


def _ratio(Y: Array, A: Array) -> Array:
    """y / a with 0 / 0 = 0, the derivative of y log a."""
    xp = A.__array_namespace__()
    return xp.where(Y == 0, xp.zeros_like(A), Y / xp.where(Y == 0, xp.ones_like(A), A))


def _at_most_0(Z: Array) -> Array:
    xp = Z.__array_namespace__()
    return xp.where(Z > 0, xp.zeros_like(Z), Z)
