"""The kernel's elementary functions, on every instruction set, against NumPy's in long double."""

import numpy as np
import pytest
from scipy.special import ndtr

from chainrule.engines.kernels import kernels

SETS = kernels()
DTYPES = [np.float32, np.float64]
# Ulp that they may be off; normal_cdf by another measure below.
FUNCTIONS = {"exp": 1.5, "expm1": 2.5, "log": 1.5, "log1p": 2, "tanh": 3, "logistic": 3, "sqrt": 0.5}

wide = np.longdouble  # with 64 bits of mantissa on x86, 113 on arm64


def exact(name, x):
    x = x.astype(wide)
    with np.errstate(all="ignore"):
        if name == "logistic":
            return np.where(x >= 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x)))
        return getattr(np, name)(x)


def found(kernel, name, x):
    y = np.full_like(x, 7.0)
    kernel.evaluate(name, np.ascontiguousarray(x), y)
    return y


def numbers(name, dtype, seed=0):
    """Numbers of every size: where the function changes, tiny ones, huge ones, and their neighbours."""
    rng = np.random.default_rng(seed)
    info = np.finfo(dtype)
    sizes = np.exp(rng.uniform(np.log(float(info.smallest_subnormal)), np.log(float(info.max)), 20_000))
    near = rng.uniform(-20, 20, 20_000)
    wide_range = rng.uniform(-760 if dtype == np.float64 else -110, 720 if dtype == np.float64 else 95, 20_000)
    around_1 = 1 + rng.normal(size=10_000) * np.exp(rng.uniform(-30, 0, 10_000))
    x = np.concatenate([sizes, -sizes, near, wide_range, around_1, np.linspace(-1, 1, 10_001)]).astype(dtype)
    if name in ("log", "sqrt", "log1p"):
        x = np.abs(x)
    return x[np.isfinite(x)]


def ulps(y, wanted, dtype):
    """How far y is off, in units of the last place of the right result."""
    rounded = wanted.astype(dtype)
    finite = np.isfinite(rounded)
    # Where the right result overflows, or nearly does, infinity and the largest number are as good.
    with np.errstate(all="ignore"):
        off = np.abs(y.astype(wide) - wanted) / np.spacing(np.abs(rounded)).astype(wide)
    assert (np.isinf(y) == ~finite)[np.abs(wanted) > 2 * wide(np.finfo(dtype).max)].all()
    return off[finite]


@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_within_some_ulp(name, dtype, instruction_set):
    x = numbers(name, dtype)
    with np.errstate(over="ignore", under="ignore"):
        wanted = exact(name, x)
        off = ulps(found(SETS[instruction_set], name, x), wanted, dtype)
    assert off.size > 50_000
    assert off.max() <= FUNCTIONS[name] + 0.01


@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_normal_cdf(dtype, instruction_set):
    x = np.concatenate([np.linspace(-38, 38, 60_001), np.linspace(-1e-3, 1e-3, 1001)]).astype(dtype)
    with np.errstate(under="ignore"):
        wanted = ndtr(x.astype(np.float64))
        y = found(SETS[instruction_set], "normal_cdf", x).astype(np.float64)
    tiny = float(np.finfo(dtype).tiny)
    kept = wanted > 10 * tiny
    relative = np.abs(y - wanted)[kept] / wanted[kept]
    absolute = np.abs(y - wanted)
    assert absolute.max() <= (4e-16 if dtype == np.float64 else 2.4e-7)
    middle = np.abs(x[kept]) < 3
    assert relative[middle].max() <= (2e-15 if dtype == np.float64 else 2e-6)
    assert relative.max() <= (3e-15 if dtype == np.float64 else 2e-5)  # far down x^2 is rounded before e^(-x^2)
    assert (y[~kept] <= 11 * tiny).all()
    assert (y >= 0).all()


@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_special_numbers(dtype, instruction_set):
    inf, nan = np.inf, np.nan
    info = np.finfo(dtype)
    large, tiny, small = float(info.max), float(info.smallest_subnormal), float(info.tiny)
    tables = {
        "exp": [(0, 1), (-0.0, 1), (inf, inf), (-inf, 0), (nan, nan), (large, inf), (-large, 0), (tiny, 1), (-tiny, 1)],
        "expm1": [(0, 0), (-0.0, -0.0), (inf, inf), (-inf, -1), (nan, nan), (large, inf), (-large, -1), (tiny, tiny),
                  (-tiny, -tiny), (small, small)],
        "log": [(0, -inf), (-0.0, -inf), (1, 0), (inf, inf), (-inf, nan), (-1, nan), (nan, nan), (-tiny, nan)],
        "log1p": [(0, 0), (inf, inf), (nan, nan), (tiny, tiny), (small, small)],
        "tanh": [(0, 0), (-0.0, -0.0), (inf, 1), (-inf, -1), (nan, nan), (large, 1), (-large, -1), (tiny, tiny),
                 (-tiny, -tiny)],
        "logistic": [(0, 0.5), (-0.0, 0.5), (inf, 1), (-inf, 0), (nan, nan), (large, 1), (-large, 0), (tiny, 0.5)],
        "sqrt": [(0, 0), (-0.0, -0.0), (1, 1), (4, 2), (inf, inf), (nan, nan), (-1, nan)],
        "normal_cdf": [(0, 0.5), (-0.0, 0.5), (inf, 1), (-inf, 0), (nan, nan), (large, 1), (-large, 0), (tiny, 0.5)],
    }  # fmt: skip
    for name, pairs in tables.items():
        x, wanted = np.array(pairs, dtype=dtype).T
        y = found(SETS[instruction_set], name, x)
        np.testing.assert_array_equal(y, wanted, err_msg=name)
        same_sign = np.signbit(y) == np.signbit(wanted)
        assert same_sign[~np.isnan(wanted)].all(), name


@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_length(dtype, instruction_set):
    """A vector that is not full, and each number whatever its neighbours."""
    x = np.linspace(-3, 3, 70, dtype=dtype)
    whole = found(SETS[instruction_set], "tanh", x)
    for n in range(34):
        assert found(SETS[instruction_set], "tanh", x[:n]).tobytes() == whole[:n].tobytes()
    for one, value in zip(x, whole, strict=True):
        assert found(SETS[instruction_set], "tanh", np.array([one]))[0] == value


@pytest.mark.parametrize("instruction_set", SETS)
def test_refusals(instruction_set):
    kernel, x = SETS[instruction_set], np.zeros(3)
    with pytest.raises(ValueError, match="no such function"):
        kernel.evaluate("sine", x, x.copy())
    with pytest.raises(ValueError, match="different lengths"):
        kernel.evaluate("exp", x, np.zeros(2))
    with pytest.raises(TypeError):
        kernel.evaluate("exp", x, np.zeros(3, dtype=np.float32))
