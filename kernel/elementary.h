// exp, expm1, log, log1p and the normal distribution, a vector at a time.
//
// Each is within 4 ulp (tests/engines/test_elementary.py measures it) and right at 0, the infinities and NaN, at
// numbers so large that the result overflows and so small that it is subnormal.
#pragma once

#include "vectors.h"

namespace chainrule {

template <class R>
struct Format;
template <>
struct Format<float> {
    static constexpr int mantissa = 23, bias = 127, exp_terms = 7, log_terms = 6;
    static constexpr float exp_low = -104, exp_high = 89, smallest_normal = 1.17549435e-38f;
    static constexpr float to_whole = 12582912.0f;  // 1.5 * 2^23: adding it leaves the whole part in the low bits
    static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;  // ln 2 in two parts: n * high is exact
};
template <>
struct Format<double> {
    static constexpr int mantissa = 52, bias = 1023, exp_terms = 13, log_terms = 11;
    static constexpr double exp_low = -746, exp_high = 710, smallest_normal = 2.2250738585072014e-308;
    static constexpr double to_whole = 6755399441055744.0;
    static constexpr double ln2_high = 0.693145751953125, ln2_low = 1.42860682030941723212e-6;
};

constexpr double factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }

template <class R>
CHAINRULE_INLINE Vector<R> clamped(Vector<R> x, R low, R high) {  // this way round a NaN stays
    x = x < low ? all<R>(low) : x;
    return x > high ? all<R>(high) : x;
}

// x = n ln 2 + r with whole n and |r| <= ln 2 / 2; returns e^r - 1 by its series, r + r^2/2! + r^3/3! + ...
template <class R>
struct Reduced {
    Vector<R> whole, exp_minus_1;
    CHAINRULE_INLINE explicit Reduced(Vector<R> x) {
        using F = Format<R>;
        whole = rounded<R>(x * R(1.4426950408889634074));
        const Vector<R> r = (x - whole * F::ln2_high) - whole * F::ln2_low;
        // By pairs, c_k + c_k+1 r, so that a vector waits half as long for the one before.
        const Vector<R> r2 = r * r;
        Vector<R> series = R(1 / factorial(F::exp_terms - 1)) + R(1 / factorial(F::exp_terms)) * r;
#pragma GCC unroll 8
        for (int k = F::exp_terms - 3; k >= 2; k -= 2)
            series = series * r2 + (R(1 / factorial(k)) + R(1 / factorial(k + 1)) * r);
        exp_minus_1 = r + r2 * series;
    }

    // v 2^n, right even where 2^n alone would overflow or be subnormal.
    CHAINRULE_INLINE Vector<R> scaled(Vector<R> v) const {
#if CHAINRULE_VECTOR_BYTES == 64
        return times_power_of_2<R>(v, whole);
#else
        const Powers powers(whole);
        return v * powers.half * powers.other_half;
#endif
    }

    // 2^n as a product of two numbers that are normal.
    struct Powers {
        Vector<R> half, other_half;
        CHAINRULE_INLINE explicit Powers(Vector<R> whole) {
            using F = Format<R>;
            const Mask<R> n = as_bits<R>(whole + F::to_whole) - as_bits<R>(all<R>(F::to_whole)), h = n >> 1;
            half = as_numbers<R>((h + F::bias) << F::mantissa);
            other_half = as_numbers<R>((n - h + F::bias) << F::mantissa);
        }
    };

  private:
    template <class T>
    CHAINRULE_INLINE static Vector<T> rounded(Vector<T> v) {
#if CHAINRULE_VECTOR_BYTES == 64
        return nearest_whole<T>(v);
#else
        return (v + Format<T>::to_whole) - Format<T>::to_whole;
#endif
    }
};

template <class R>
CHAINRULE_INLINE Vector<R> exp(Vector<R> x) {
    const Reduced<R> e(clamped<R>(x, Format<R>::exp_low, Format<R>::exp_high));
    return e.scaled(e.exp_minus_1 + R(1));
}

// exp for x <= 0, where nothing overflows.
template <class R>
CHAINRULE_INLINE Vector<R> exp_of_negative(Vector<R> x) {
    const Reduced<R> e(x < Format<R>::exp_low ? all<R>(Format<R>::exp_low) : x);
    return e.scaled(e.exp_minus_1 + R(1));
}

template <class R>
CHAINRULE_INLINE Vector<R> exp_minus_1(Vector<R> x) {
    const Reduced<R> e(clamped<R>(x, R(-50), Format<R>::exp_high));
    const typename Reduced<R>::Powers powers(e.whole);
    // 2^n (e^r - 1) + 2^n - 1 in two steps, so that 2^n may overflow last.
    const Vector<R> result = (e.exp_minus_1 * powers.half + (powers.half - R(1) / powers.other_half)) * powers.other_half;
    return x == 0 ? x : result;
}

// exp_minus_1 for x <= 0: 2^n is at most 1 and, down to -50, normal.
template <class R>
CHAINRULE_INLINE Vector<R> exp_minus_1_of_negative(Vector<R> x) {
    const Reduced<R> e(x < R(-50) ? all<R>(R(-50)) : x);
    using F = Format<R>;
    const Mask<R> n = as_bits<R>(e.whole + F::to_whole) - as_bits<R>(all<R>(F::to_whole));
    const Vector<R> power = as_numbers<R>((n + F::bias) << F::mantissa);
    return e.exp_minus_1 * power + (power - R(1));
}

template <class R>
CHAINRULE_INLINE Vector<R> log(Vector<R> x) {
    using F = Format<R>;
    Mask<R> subnormal = x < F::smallest_normal;
    Vector<R> y = subnormal ? x * R(1ull << F::mantissa) : x;
    Mask<R> bits = as_bits<R>(y);
    // y = 2^n m with m from sqrt(1/2) to sqrt(2)
    Mask<R> from_half = wrapped_difference<R>(bits, as_bits<R>(all<R>(R(0.70710678118654752440))));
    Mask<R> n = from_half >> F::mantissa;
    Vector<R> m = as_numbers<R>(wrapped_difference<R>(bits, n << F::mantissa));
    n = n - (subnormal & F::mantissa);
    // log m = 2 artanh s = 2 (s + s^3/3 + s^5/5 + ...) with s = (m - 1) / (m + 1)
    Vector<R> f = m - R(1);
    Vector<R> s = f / (m + R(1)), s2 = s * s;
    Vector<R> series = all<R>(R(2.0 / (2 * F::log_terms + 1)));
#pragma GCC unroll 16
    for (int k = F::log_terms - 1; k >= 1; k--) series = series * s2 + R(2.0 / (2 * k + 1));
    // 2 s = f - s f, which keeps the digits of f
    Vector<R> whole = __builtin_convertvector(n, Vector<R>);
    Vector<R> result = whole * F::ln2_high + (f - (s * f - s * s2 * series - whole * F::ln2_low));
    const Vector<R> infinity = all<R>(R(__builtin_inf()));
    result = x == infinity ? x : result;
    result = x == 0 ? -infinity : result;
    return x >= 0 ? result : all<R>(R(__builtin_nan("")));
}

// log(1 + x) for x from 0 on: the rounding of 1 + x is put right to first order.
template <class R>
CHAINRULE_INLINE Vector<R> log_1_plus(Vector<R> x) {
    Vector<R> u = x + R(1);
    Vector<R> lost = x - (u - R(1));
    return x < R(1e20) ? log<R>(u) + lost / u : log<R>(x);
}

template <class R>
CHAINRULE_INLINE Vector<R> tanh(Vector<R> x) {
    const Vector<R> t = exp_minus_1_of_negative<R>(R(-2) * absolute<R>(x));  // from 0 down to -1
    const Vector<R> result = -t / (t + R(2));
    return x < 0 ? -result : x == 0 ? x : result;
}

// Chebyshev coefficients of (1 + 2x) exp(x^2) erfc(x) in t = (x - 3.75) / (x + 3.75), for x >= 0; core/special.py has
// their source.
constexpr double erfc_coefficients[] = {
    1.1775789345674017541,     -0.0045900545806464773309, -0.084249133366517915584,  0.059209939998191890498,
    -0.026658668435305752277,  0.0090749976707052650939,  -0.0024131635404176081909, 0.00049077583652580863229,
    -0.000069169733025012063671, 4.1390279860730101675e-6, 7.7403830661984906686e-7, -2.1886401049234395661e-7,
    1.0764999465670910377e-8,  4.5219598112182868979e-9,  -7.7544002088313511065e-10, -6.3180883408866844944e-11,
    2.8687950109306698981e-11, 1.945586854577734723e-13,  -9.6546967484334389059e-13, 3.2525481481487398415e-14,
    3.3478119482868053878e-14, -1.8645628804193131016e-15, -1.2507950530688647086e-15,
};

// The normal distribution function, Phi(z) = erfc(-z / sqrt 2) / 2.
template <class R>
CHAINRULE_INLINE Vector<R> normal_cdf(Vector<R> z) {
    constexpr int terms = sizeof(R) == 4 ? 13 : 23;
    Vector<R> x = absolute<R>(z) * R(0.70710678118654752440);
    x = x > R(1e3) ? all<R>(R(1e3)) : x;
    Vector<R> t = (x - R(3.75)) / (x + R(3.75));
    Vector<R> later{}, latest{};
#pragma GCC unroll 24
    for (int k = terms - 1; k >= 1; k--) {  // Clenshaw's recurrence
        Vector<R> next = R(2) * t * later - latest + R(erfc_coefficients[k]);
        latest = later;
        later = next;
    }
    Vector<R> half_tail = R(0.5) * (t * later - latest + R(erfc_coefficients[0])) / (R(1) + R(2) * x) * exp_of_negative<R>(-x * x);
    return z < 0 ? half_tail : R(1) - half_tail;
}

template <class R>
CHAINRULE_INLINE Vector<R> normal_density(Vector<R> z) {
    return exp_of_negative<R>(R(-0.5) * z * z) * R(0.39894228040143267794);
}

}  // namespace chainrule
