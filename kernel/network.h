// A network as the kernel holds it: its layers in panels, and the passes over a batch.
#pragma once

#include <vector>

#include "equations.h"
#include "product.h"

namespace chainrule {

// From this many rows on, a layer's errors are sent back by a product with W^T; fewer are not worth transposing W.
constexpr long fewest_rows_for_transposed = 4;

template <class R>
struct Layer {
    long before = 0, units = 0;
    Activation activation{};
    R parameter = 0;
    bool has_bias = true, trainable = true;
    double dropout = 0;  // the share of this layer's units that is dropped

    Panels<R> W;           // (before, units)
    R* b = nullptr;        // padded; zeros where there is no bias
    Panels<R> W_transposed;  // (units, before), where errors are sent back through W
};

// What one batch needs, of at most `rows` examples.
template <class R>
struct Pass {
    std::vector<Panels<R>> a;      // a[0] is X
    std::vector<Panels<R>> slope;  // slope[l] = f'(z[l]) times the dropout mask; for softmax, a[l] before the mask
    std::vector<Panels<R>> delta;
    std::vector<Panels<R>> mask;   // where there is dropout
    Panels<R> z;                   // of the last layer
    Panels<R> y;
    R *tops = nullptr, *totals = nullptr;  // of each example's last softmax: its largest z, and the sum of e^(z - top)
    double* costs = nullptr;               // of each example

    static void reserve(Arena& arena, const std::vector<Layer<R>>& layers, long rows, bool training) {
        each(layers, rows, training, [&](long numbers) { arena.reserve(numbers * long(sizeof(R))); });
        arena.reserve(rows * long(sizeof(double)));
        for (int i = 0; i < 2; i++) arena.reserve(rows * long(sizeof(R)));
    }
    Pass() = default;
    Pass(Arena& arena, const std::vector<Layer<R>>& layers, long rows, bool training) {
        std::vector<R*> taken;
        each(layers, rows, training, [&](long numbers) { taken.push_back(arena.take<R>(numbers)); });
        costs = arena.take<double>(rows);
        tops = arena.take<R>(rows), totals = arena.take<R>(rows);
        std::size_t next = 0;
        const std::size_t L = layers.size();
        auto panels = [&](long columns) { return Panels<R>{taken[next++], rows, columns}; };
        a.resize(L + 1), slope.resize(L + 1), delta.resize(L + 1), mask.resize(L + 1);
        a[0] = panels(layers[0].before);
        for (std::size_t l = 1; l <= L; l++) {
            a[l] = panels(layers[l - 1].units);
            if (!training) continue;
            slope[l] = panels(layers[l - 1].units);
            delta[l] = panels(layers[l - 1].units);
            if (layers[l - 1].dropout > 0) mask[l] = panels(layers[l - 1].units);
        }
        z = panels(layers.back().units);
        y = panels(layers.back().units);
    }

  private:
    template <class Each>
    static void each(const std::vector<Layer<R>>& layers, long rows, bool training, Each&& one) {
        one(Panels<R>::size(rows, layers[0].before));
        for (const Layer<R>& layer : layers) {
            const long size = Panels<R>::size(rows, layer.units);
            for (int copies = training ? 3 + (layer.dropout > 0) : 1; copies > 0; copies--) one(size);
        }
        one(Panels<R>::size(rows, layers.back().units));
        one(Panels<R>::size(rows, layers.back().units));
    }
};

// Bring rows of a C-ordered matrix into panels: row order[i], or row i, becomes row i.
template <class R>
inline void gather(Panels<R> to, const R* from, long from_rows, const int32_t* order, long first_row, long first, long last) {
    const R* const end = from + from_rows * to.columns;
    for (long p = 0; p < to.count(); p++) {
        const long width = to.width(p), used = to.used(p);
        for (long i = first; i < last; i++) {
            const R* row = from + (order ? long(order[i]) : first_row + i) * to.columns + p * panel_width<R>;
            R* out = to.at(p, i);
            if (row + width <= end)  // what lies beyond the row only pads
                for (long k = 0; k < width; k += lanes<R>) store<R>(out + k, load_unaligned(row + k));
            else
                std::memcpy(out, row, std::size_t(used) * sizeof(R));
        }
    }
}

// A = softmax(Z), row by row: e^(z - top) / total. Z's padding becomes -inf, and each row's top and total are kept.
template <class R>
inline void softmax_rows(Panels<R> Z, Panels<R> A, R* tops, R* totals, long first, long last) {
    using V = Vector<R>;
    const Mask<R> lane = lane_numbers<R>();
    const V nothing = all<R>(-R(__builtin_inf()));
    for (long i = first; i < last; i++) {
        V top = nothing;
        for (long p = 0; p < Z.count(); p++)
            for (long k = 0; k < Z.width(p); k += lanes<R>) {
                V z = lane < Mask<R>{} + int(Z.used(p) - k) ? load(Z.at(p, i) + k) : nothing;
                store<R>(Z.at(p, i) + k, z);
                top = z > top ? z : top;
            }
        tops[i] = largest<R>(top);
        V sums{};
        for (long p = 0; p < Z.count(); p++)
            for (long k = 0; k < Z.width(p); k += lanes<R>) {
                V e = exp<R>(load(Z.at(p, i) + k) - tops[i]);
                store<R>(A.at(p, i) + k, e);
                sums += e;
            }
        totals[i] = sum<R>(sums);
        const V share = all<R>(R(1) / totals[i]);
        for (long p = 0; p < Z.count(); p++)
            for (long k = 0; k < Z.width(p); k += lanes<R>) store<R>(A.at(p, i) + k, load(A.at(p, i) + k) * share);
    }
}

// dC/dZ from dC/dA through softmax, in place: a_k (dC/da_k - sum_j a_j dC/da_j).
template <class R>
inline void softmax_pullback(Panels<R> A, Panels<R> D, long first, long last) {
    using V = Vector<R>;
    for (long i = first; i < last; i++) {
        V inner{};
        for (long p = 0; p < A.count(); p++)
            for (long k = 0; k < A.width(p); k += lanes<R>) inner += load(A.at(p, i) + k) * load(D.at(p, i) + k);
        const V total = all<R>(sum<R>(inner));
        for (long p = 0; p < A.count(); p++)
            for (long k = 0; k < A.width(p); k += lanes<R>)
                store<R>(D.at(p, i) + k, load(A.at(p, i) + k) * (load(D.at(p, i) + k) - total));
    }
}

// a = f(z) and, where wanted, slope = f'(z), for rows [first, last); z and a may be the same.
template <class R>
inline void activate(const Layer<R>& layer, Panels<R> Z, Panels<R> A, const Panels<R>* slope, long first, long last) {
    with_activation<R>(layer.activation, layer.parameter, [&](auto f) {
        for (long p = 0; p < Z.count(); p++) {
            const long count = (last - first) * Z.width(p);
            const R* z = Z.at(p, first);
            R* a = A.at(p, first);
            R* d = slope ? slope->at(p, first) : nullptr;
            for (long k = 0; k < count; k += lanes<R>) {
                Vector<R> value, derivative;
                f(load(z + k), value, derivative);
                store<R>(a + k, value);
                if (d) store<R>(d + k, derivative);
            }
        }
    });
}

template <class R>
inline void copy(Panels<R> to, Panels<R> from, long first, long last) {
    for (long p = 0; p < to.count(); p++)
        std::memcpy(to.at(p, first), from.at(p, first), std::size_t((last - first) * to.width(p)) * sizeof(R));
}

template <class R>
inline void scale(Panels<R> A, Panels<R> by, long first, long last) {
    for (long p = 0; p < A.count(); p++)
        for (long k = 0; k < (last - first) * A.width(p); k += lanes<R>)
            store<R>(A.at(p, first) + k, load(A.at(p, first) + k) * load(by.at(p, first) + k));
}

// Rows [first, last) of the batch forward through all layers.
template <class R>
inline void forward(const std::vector<Layer<R>>& layers, Pass<R>& pass, long first, long last, bool training) {
    const std::size_t L = layers.size();
    for (std::size_t l = 1; l <= L; l++) {
        const Layer<R>& layer = layers[l - 1];
        Panels<R> Z = l == L ? pass.z : pass.a[l];
        multiply_rows<R>(Z, pass.a[l - 1], layer.W, first, last, layer.b);
        if (layer.activation == Activation::softmax) {
            softmax_rows<R>(Z, pass.a[l], pass.tops, pass.totals, first, last);
            if (training) copy<R>(pass.slope[l], pass.a[l], first, last);
        } else {
            activate<R>(layer, Z, pass.a[l], training ? &pass.slope[l] : nullptr, first, last);
        }
        if (training && layer.dropout > 0) {
            scale<R>(pass.a[l], pass.mask[l], first, last);
            if (layer.activation != Activation::softmax) scale<R>(pass.slope[l], pass.mask[l], first, last);
        }
    }
}

// The cost of each example, and (where wanted) delta of the last layer times the example's share of J.
template <class R>
struct Criterion {
    Loss loss{};
    R parameter = 0;

    void operator()(const Layer<R>& output, Pass<R>& pass, const R* shares, bool training, long first, long last) const {
        if (loss == Loss::softmax_categorical_cross_entropy) return fused_softmax(pass, shares, training, first, last);
        const bool through_softmax = !is_fused(loss) && output.activation == Activation::softmax;
        const bool through_slope = !is_fused(loss) && !through_softmax;
        with_loss<R>(loss, parameter, output.units, [&](auto criterion) {
            by_rows(pass, first, last, [&](long i, V z, V a, V y, Mask<R> used, R* delta, const R* slope) {
                V c, d;
                criterion(z, a, y, c, d);
                if (training) {
                    if (through_slope) d *= load(slope);
                    store<R>(delta, used ? d * shares[i] : V{});
                }
                return used ? c : V{};
            });
        });
        if (training && through_softmax) softmax_pullback<R>(pass.a.back(), pass.delta.back(), first, last);
    }

  private:
    using V = Vector<R>;

    // Sum what `part` returns for each vector of outputs over each row, as that row's cost.
    template <class Part>
    void by_rows(Pass<R>& pass, long first, long last, Part&& part) const {
        const Mask<R> lane = lane_numbers<R>();
        const Panels<R> Z = pass.z, A = pass.a.back(), Y = pass.y, D = pass.delta.back(), S = pass.slope.back();
        for (long start = first; start < last; start += lanes<R>) {
            const long rows = std::min(lanes<R>, last - start);
            V totals[lanes<R>] = {};
            for (long r = 0; r < rows; r++)
                for (long p = 0; p < A.count(); p++)
                    for (long k = 0; k < A.width(p); k += lanes<R>) {
                        const long i = start + r;
                        const Mask<R> used = lane < Mask<R>{} + int(A.used(p) - k);
                        totals[r] += part(i, load(Z.at(p, i) + k), load(A.at(p, i) + k), load(Y.at(p, i) + k), used,
                                          D.data ? D.at(p, i) + k : nullptr, S.data ? S.at(p, i) + k : nullptr);
                    }
            const V sums = sums_of<R>(totals);
            for (long r = 0; r < rows; r++) pass.costs[start + r] = double(sums[r]);
        }
    }

    // C = sum_j y_j (log sum_k e^z_k - z_j), delta = a sum_j y_j - y
    void fused_softmax(Pass<R>& pass, const R* shares, bool training, long first, long last) const {
        by_rows(pass, first, last, [&](long i, V z, V, V y, Mask<R> used, R*, const R*) {
            return used ? y * (pass.tops[i] - z) : V{};
        });
        const Mask<R> lane = lane_numbers<R>();
        const Panels<R> A = pass.a.back(), Y = pass.y, D = pass.delta.back();
        for (long start = first; start < last; start += lanes<R>) {
            const long rows = std::min(lanes<R>, last - start);
            V targets[lanes<R>] = {}, totals = all<R>(1);
            for (long r = 0; r < rows; r++) {
                totals[r] = pass.totals[start + r];
                for (long p = 0; p < Y.count(); p++)
                    for (long k = 0; k < Y.width(p); k += lanes<R>)
                        targets[r] += lane < Mask<R>{} + int(Y.used(p) - k) ? load(Y.at(p, start + r) + k) : V{};
            }
            const V target = sums_of<R>(targets), log_sum = target * log<R>(totals);
            for (long r = 0; r < rows; r++) {
                const long i = start + r;
                pass.costs[i] += double(log_sum[r]);
                if (!training) continue;
                for (long p = 0; p < A.count(); p++)
                    for (long k = 0; k < A.width(p); k += lanes<R>) {
                        const V d = (load(A.at(p, i) + k) * target[r] - load(Y.at(p, i) + k)) * shares[i];
                        store<R>(D.at(p, i) + k, lane < Mask<R>{} + int(A.used(p) - k) ? d : V{});
                    }
            }
        }
    }
};

// delta[l-1] = (delta[l] W[l]^T) f'(z[l-1]) for rows [first, last); `rows` is how many the whole batch has.
template <class R>
inline void send_back(const Layer<R>& layer, const Layer<R>& before, Pass<R>& pass, std::size_t l, long rows, long first,
                      long last) {
    Panels<R> delta = pass.delta[l], to = pass.delta[l - 1];
    if (rows >= fewest_rows_for_transposed) {
        multiply_rows<R>(to, delta, layer.W_transposed, first, last, nullptr);
    } else {
        for (long i = first; i < last; i++)
            for (long start = 0; start < layer.before; start += lanes<R>) {
                Vector<R> products[lanes<R>] = {};
                for (long r = 0; r < lanes<R> && start + r < layer.before; r++)
                    for (long p = 0; p < delta.count(); p++)
                        for (long k = 0; k < delta.width(p); k += lanes<R>)
                            products[r] += load(delta.at(p, i) + k) * load(layer.W.at(p, start + r) + k);
                store<R>(&to(i, start), sums_of<R>(products));
            }
    }
    if (before.activation == Activation::softmax) {
        if (before.dropout > 0) scale<R>(to, pass.mask[l - 1], first, last);
        softmax_pullback<R>(pass.slope[l - 1], to, first, last);
    } else {
        scale<R>(to, pass.slope[l - 1], first, last);
    }
}

}  // namespace chainrule
