// Vectors of numbers, as wide as the instruction set has them, in the compiler's own vector extension (GCC, Clang).
//
// Everything above this file is written once for every width and for float and double.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__AVX512F__)
#define CHAINRULE_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define CHAINRULE_VECTOR_BYTES 32
#else
#define CHAINRULE_VECTOR_BYTES 16
#endif

// What works on vectors is to be part of its caller: a vector that is handed over goes through memory.
#define CHAINRULE_INLINE [[gnu::always_inline]] inline

namespace chainrule {

template <class R>
struct VectorOf;
template <>
struct VectorOf<float> {
    typedef float V __attribute__((vector_size(CHAINRULE_VECTOR_BYTES)));
    typedef int32_t I __attribute__((vector_size(CHAINRULE_VECTOR_BYTES)));
    typedef uint32_t U __attribute__((vector_size(CHAINRULE_VECTOR_BYTES)));
    typedef float Unaligned __attribute__((vector_size(CHAINRULE_VECTOR_BYTES), aligned(4), may_alias));
};
template <>
struct VectorOf<double> {
    typedef double V __attribute__((vector_size(CHAINRULE_VECTOR_BYTES)));
    typedef int64_t I __attribute__((vector_size(CHAINRULE_VECTOR_BYTES)));
    typedef uint64_t U __attribute__((vector_size(CHAINRULE_VECTOR_BYTES)));
    typedef double Unaligned __attribute__((vector_size(CHAINRULE_VECTOR_BYTES), aligned(8), may_alias));
};

template <class R>
using Vector = typename VectorOf<R>::V;  // comparing two of them gives lanes of 0 or -1: a Mask
template <class R>
using Mask = typename VectorOf<R>::I;

template <class R>
constexpr long lanes = CHAINRULE_VECTOR_BYTES / long(sizeof(R));

template <class R>
CHAINRULE_INLINE Vector<R> load(const R* from) {  // `from` is aligned to a vector
    return *reinterpret_cast<const Vector<R>*>(from);
}
template <class R>
CHAINRULE_INLINE Vector<R> load_unaligned(const R* from) {
    return *reinterpret_cast<const typename VectorOf<R>::Unaligned*>(from);
}
template <class R>
CHAINRULE_INLINE void store(R* to, Vector<R> v) {
    *reinterpret_cast<Vector<R>*>(to) = v;
}
template <class R>
CHAINRULE_INLINE Vector<R> all(R x) {
    return x - Vector<R>{};  // x - 0 is x for every x, the zeros and NaN included
}

// The lanes 0, 1, 2, ... as numbers.
template <class R, std::size_t... I>
CHAINRULE_INLINE Mask<R> lane_numbers_of(std::index_sequence<I...>) {
    return Mask<R>{I...};
}
template <class R>
CHAINRULE_INLINE Mask<R> lane_numbers() {
    return lane_numbers_of<R>(std::make_index_sequence<lanes<R>>{});
}

// Lanes of `a` (numbered from 0) and `b` (numbered on), in the order of Index.
template <class R, std::size_t... Index>
CHAINRULE_INLINE Vector<R> shuffled(Vector<R> a, Vector<R> b) {
#if defined(__clang__)
    return __builtin_shufflevector(a, b, Index...);
#else
    return __builtin_shuffle(a, b, Mask<R>{Index...});
#endif
}

// Of each pair of runs of S lanes, the first (or second) runs of a and b, in turn.
template <class R, long S, long Second, std::size_t... I>
CHAINRULE_INLINE Vector<R> interleaved_of(Vector<R> a, Vector<R> b, std::index_sequence<I...>) {
    return shuffled<R, (I / S % 2 == 0 ? I + Second * S : I - S + Second * S + lanes<R>)...>(a, b);
}
template <class R, long S, long Second>
CHAINRULE_INLINE Vector<R> interleaved(Vector<R> a, Vector<R> b) {
    return interleaved_of<R, S, Second>(a, b, std::make_index_sequence<lanes<R>>{});
}

// Transpose a square of lanes x lanes numbers, swapping ever larger squares across the diagonal.
template <class R, long S = 1>
CHAINRULE_INLINE void transpose(Vector<R>* rows) {
    if constexpr (S < lanes<R>) {
#pragma GCC unroll 16
        for (long i = 0; i < lanes<R>; i++) {
            if (i / S % 2) continue;
            Vector<R> first = rows[i], second = rows[i + S];
            rows[i] = interleaved<R, S, 0>(first, second);
            rows[i + S] = interleaved<R, S, 1>(first, second);
        }
        transpose<R, 2 * S>(rows);
    }
}

// The sum of each of `lanes` vectors, as the lanes of one.
template <class R, long S = 1>
CHAINRULE_INLINE Vector<R> sums_of(Vector<R>* rows) {
    if constexpr (S < lanes<R>) {
#pragma GCC unroll 16
        for (long i = 0; i < lanes<R>; i += 2 * S)
            rows[i] = interleaved<R, S, 0>(rows[i], rows[i + S]) + interleaved<R, S, 1>(rows[i], rows[i + S]);
        return sums_of<R, 2 * S>(rows);
    } else {
        return rows[0];
    }
}

template <class R, long S = 1>
CHAINRULE_INLINE R sum(Vector<R> v) {
    if constexpr (S < lanes<R>) {
        return sum<R, 2 * S>(interleaved<R, S, 0>(v, v) + interleaved<R, S, 1>(v, v));
    } else {
        return v[0];
    }
}

template <class R>
CHAINRULE_INLINE Vector<R> larger(Vector<R> a, Vector<R> b) {
    return a > b ? a : b;  // b where either is NaN
}

template <class R, long S = 1>
CHAINRULE_INLINE R largest(Vector<R> v) {
    if constexpr (S < lanes<R>) {
        return largest<R, 2 * S>(larger<R>(interleaved<R, S, 0>(v, v), interleaved<R, S, 1>(v, v)));
    } else {
        return v[0];
    }
}

template <class R>
CHAINRULE_INLINE Vector<R> absolute(Vector<R> v) {
    Mask<R> bits;
    std::memcpy(&bits, &v, sizeof v);
    bits &= sizeof(R) == 4 ? Mask<R>{} + 0x7fffffff : Mask<R>{} + decltype(bits[0] + 0)(0x7fffffffffffffffLL);
    std::memcpy(&v, &bits, sizeof v);
    return v;
}

template <class R>
CHAINRULE_INLINE Vector<R> as_numbers(Mask<R> bits) {
    Vector<R> v;
    std::memcpy(&v, &bits, sizeof v);
    return v;
}
template <class R>
CHAINRULE_INLINE Mask<R> as_bits(Vector<R> v) {
    Mask<R> bits;
    std::memcpy(&bits, &v, sizeof v);
    return bits;
}

// a - b, which may wrap round
template <class R>
CHAINRULE_INLINE Mask<R> wrapped_difference(Mask<R> a, Mask<R> b) {
    using U = typename VectorOf<R>::U;
    return (Mask<R>)((U)a - (U)b);
}

template <class R>
CHAINRULE_INLINE Vector<R> square_root(Vector<R> v);
#if CHAINRULE_VECTOR_BYTES == 64
}
#include <immintrin.h>
namespace chainrule {
template <>
CHAINRULE_INLINE Vector<float> square_root<float>(Vector<float> v) { return (Vector<float>)_mm512_sqrt_ps((__m512)v); }
template <>
CHAINRULE_INLINE Vector<double> square_root<double>(Vector<double> v) { return (Vector<double>)_mm512_sqrt_pd((__m512d)v); }

template <class R>
CHAINRULE_INLINE Vector<R> nearest_whole(Vector<R> v);
template <>
CHAINRULE_INLINE Vector<float> nearest_whole<float>(Vector<float> v) { return (Vector<float>)_mm512_roundscale_ps((__m512)v, 8); }
template <>
CHAINRULE_INLINE Vector<double> nearest_whole<double>(Vector<double> v) { return (Vector<double>)_mm512_roundscale_pd((__m512d)v, 8); }

template <class R>
CHAINRULE_INLINE Vector<R> times_power_of_2(Vector<R> v, Vector<R> n);
template <>
CHAINRULE_INLINE Vector<float> times_power_of_2<float>(Vector<float> v, Vector<float> n) {
    return (Vector<float>)_mm512_scalef_ps((__m512)v, (__m512)n);
}
template <>
CHAINRULE_INLINE Vector<double> times_power_of_2<double>(Vector<double> v, Vector<double> n) {
    return (Vector<double>)_mm512_scalef_pd((__m512d)v, (__m512d)n);
}
#elif CHAINRULE_VECTOR_BYTES == 32
}
#include <immintrin.h>
namespace chainrule {
template <>
CHAINRULE_INLINE Vector<float> square_root<float>(Vector<float> v) { return (Vector<float>)_mm256_sqrt_ps((__m256)v); }
template <>
CHAINRULE_INLINE Vector<double> square_root<double>(Vector<double> v) { return (Vector<double>)_mm256_sqrt_pd((__m256d)v); }
#else
template <class R>
CHAINRULE_INLINE Vector<R> square_root(Vector<R> v) {
    for (long i = 0; i < lanes<R>; i++) v[i] = sizeof(R) == 4 ? R(__builtin_sqrtf(float(v[i]))) : R(__builtin_sqrt(v[i]));
    return v;
}
#endif

}  // namespace chainrule
