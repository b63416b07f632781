// From gradients to new weights, for a run of weights and with what is summed up on the way.
#pragma once

#include "elementary.h"
#include "update_rules.h"

namespace chainrule {

// Sums over weights, one for each lane.
template <class R>
struct WeightSums {
    Vector<R> gradient_squares{}, clipped_squares{}, weight_squares{};
    Vector<R> spoilt{};  // 0, or NaN where a weight is not finite

    WeightSums& operator+=(const WeightSums& more) {
        gradient_squares += more.gradient_squares, clipped_squares += more.clipped_squares;
        weight_squares += more.weight_squares, spoilt += more.spoilt;
        return *this;
    }
};

// Call part(k, sums) for every vector of n numbers; four sums in turn, since one would wait for the vector before.
template <class R, class Part>
CHAINRULE_INLINE WeightSums<R> summed_up(long n, Part&& part) {
    WeightSums<R> sums[4];
    long k = 0;
    for (; k + 4 * lanes<R> <= n; k += 4 * lanes<R>)
#pragma GCC unroll 4
        for (int s = 0; s < 4; s++) part(k + s * lanes<R>, sums[s]);
    for (; k < n; k += lanes<R>) part(k, sums[0]);
    (sums[0] += sums[1]) += (sums[2] += sums[3]);
    return sums[0];
}

// A gradient with the weight decay `lambda` of w, cut at `most` where that is not 0.
template <class R>
CHAINRULE_INLINE Vector<R> completed(Vector<R> g, Vector<R> w, R lambda, R most, WeightSums<R>& sums) {
    if (lambda > 0) g += lambda * w, sums.weight_squares += w * w;
    sums.gradient_squares += g * g;
    if (most > 0) g = clamped<R>(g, -most, most);
    return g;
}

template <class R, class UpdateRule>
CHAINRULE_INLINE Vector<R> updated(Vector<R> w, Vector<R> g, R* s1, R* s2, const UpdateRule& rule, R shrink, Vector<R> shrinking,
                                   WeightSums<R>& sums) {
    Vector<R> change = rule(g, s1, s2);
    if (shrink != 0) change -= shrink * shrinking;
    w += change;
    sums.spoilt += w * R(0);
    return w;
}

template <class R>
WeightSums<R> complete(const R* w, R* g, long n, R lambda, R most) {
    return summed_up<R>(n, [&](long k, WeightSums<R>& sums) __attribute__((always_inline)) {
        const Vector<R> whole = completed<R>(load(g + k), load(w + k), lambda, most, sums);
        sums.clipped_squares += whole * whole;
        store<R>(g + k, whole);
    });
}

template <class R, class UpdateRule>
WeightSums<R> update(R* w, const R* g, R* s1, R* s2, long n, UpdateRule rule, R factor, R shrink) {
    return summed_up<R>(n, [&](long k, WeightSums<R>& sums) __attribute__((always_inline)) {
        const Vector<R> old = load(w + k);
        store<R>(w + k, updated<R>(old, load(g + k) * factor, s1 + k, s2 + k, rule, shrink, old, sums));
    });
}

template <class R, class UpdateRule>
WeightSums<R> complete_and_update(R* w, const R* g, R* s1, R* s2, long n, UpdateRule rule, R lambda, R most, R shrink) {
    return summed_up<R>(n, [&](long k, WeightSums<R>& sums) __attribute__((always_inline)) {
        const Vector<R> old = load(w + k);
        store<R>(w + k, updated<R>(old, completed<R>(load(g + k), old, lambda, most, sums), s1 + k, s2 + k, rule, shrink, old,
                                   sums));
    });
}

}  // namespace chainrule
