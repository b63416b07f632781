// A network as the kernel holds it: its layers in panels, and the passes over a batch.
#pragma once

#include <vector>

#include "equations.h"
#include "product.h"
#include "sparse_rows.h"

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
    std::vector<Panels<R>> a;      // a[0] is X, empty where that is sparse
    std::vector<Panels<R>> slope;  // slope[l] = f'(z[l]) times the dropout mask; for softmax, a[l] before the mask
    std::vector<Panels<R>> delta;
    std::vector<Panels<R>> mask;   // where there is dropout
    Panels<R> z;                   // of the last layer
    Panels<R> y;
    // Of each example: its share of J, the sum of its targets, and of the last softmax the largest z, and the sum of
    // e^(z - top).
    R *shares = nullptr, *targets = nullptr, *tops = nullptr, *totals = nullptr;

    static void reserve(Arena& arena, const std::vector<Layer<R>>& layers, long rows, bool training, bool sparse = false) {
        each(layers, rows, training, sparse, [&](long numbers) { arena.reserve(numbers * long(sizeof(R))); });
        for (int i = 0; i < 4; i++) arena.reserve((rows + lanes<R>) * long(sizeof(R)));
    }
    Pass() = default;
    Pass(Arena& arena, const std::vector<Layer<R>>& layers, long rows, bool training, bool sparse = false) {
        std::vector<R*> taken;
        each(layers, rows, training, sparse, [&](long numbers) { taken.push_back(arena.take<R>(numbers)); });
        for (R** each : {&shares, &targets, &tops, &totals}) *each = arena.take<R>(rows + lanes<R>);
        std::size_t next = 0;
        const std::size_t L = layers.size();
        auto panels = [&](long columns) { return Panels<R>{taken[next++], rows, columns}; };
        a.resize(L + 1), slope.resize(L + 1), delta.resize(L + 1), mask.resize(L + 1);
        a[0] = panels(sparse ? 0 : layers[0].before);
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
    static void each(const std::vector<Layer<R>>& layers, long rows, bool training, bool sparse, Each&& one) {
        one(Panels<R>::size(rows, sparse ? 0 : layers[0].before));
        for (const Layer<R>& layer : layers) {
            const long size = Panels<R>::size(rows, layer.units);
            for (int copies = training ? 3 + (layer.dropout > 0) : 1; copies > 0; copies--) one(size);
        }
        one(Panels<R>::size(rows, layers.back().units));
        one(Panels<R>::size(rows, layers.back().units));
    }
};

// Call `use` with a size from 1 to 4 as a constant.
template <class Use>
inline auto with_size(long size, Use&& use) {
    switch (size) {
        case 1: return use(std::integral_constant<long, 1>{});
        case 2: return use(std::integral_constant<long, 2>{});
        case 3: return use(std::integral_constant<long, 3>{});
        default: return use(std::integral_constant<long, 4>{});
    }
}

// A C-ordered matrix that is read in whole vectors: the last rows lie in a copy that may be read beyond its end.
template <class R>
struct Readable {
    const R* data = nullptr;
    long columns = 0, safe = 0;  // rows from `safe` on are read from the copy
    std::vector<R> copy;

    Readable() = default;
    Readable(const R* from, long rows, long columns) : data(from), columns(columns) {
        const long beyond = padded<R>(columns) - columns;
        safe = std::max(0L, rows - (beyond + columns - 1) / columns);
        copy.assign(std::size_t((rows - safe + 3) * columns + beyond), R(0));  // and as if there were three rows more
        std::copy(from + safe * columns, from + rows * columns, copy.begin());
    }
    const R* row(long i) const { return i < safe ? data + i * columns : copy.data() + (i - safe) * columns; }

    // Where `count` rows from row `first` on lie behind each other, or nullptr; their last may be up to three too many.
    const R* rows_from(long first, long count) const { return first >= safe || first + count <= safe ? row(first) : nullptr; }
};

// Examples as they came, in C order.
template <class R>
struct Examples {
    Readable<R> X, Y;
    SparseRows<R> sparse;             // in place of X
    const R* shares = nullptr;        // sample weights over their mean, or nullptr
    const int32_t* labels = nullptr;  // the column of each row's largest target; nullptr: not counted
    long count = 0;
    std::vector<R> target_sums;  // of each row of Y, for softmax with cross-entropy
};

// Bring rows of at most four columns into vectors, one for each column, `reach` numbers apart, with an example in each lane.
template <class R, class Example>
inline void into_lanes(R* to, long reach, const Readable<R>& from, const R* rows, Example&& example, long count) {
    with_size(from.columns, [&](auto columns) {
        for (long i = 0; i < count; i++) {
            const R* row = rows ? rows + i * columns : from.row(example(i));
#pragma GCC unroll 4
            for (long k = 0; k < columns; k++) to[k * reach + i] = row[k];
        }
    });
}

// Bring rows into panels: row order[i], or row first_row + i, becomes row i.
template <class R>
inline void gather(Panels<R> to, const Readable<R>& from, const int32_t* order, long first_row, long first, long last) {
    for (long p = 0; p < to.count(); p++) {
        const long width = to.width(p);
        R* out = to.at(p, first);
        for (long i = first; i < last; i++, out += width) {
            const R* row = from.row(order ? long(order[i]) : first_row + i) + p * panel_width<R>;
            for (long k = 0; k < width; k += lanes<R>) store<R>(out + k, load_unaligned(row + k));  // beyond it, padding
        }
    }
}

// Bring what the costs need into a pass, for rows [first, last): targets, shares of J and sums of targets. `share` is that
// of an example without a weight of its own.
template <class R>
inline void take_targets(const Examples<R>& from, Pass<R>& pass, const int32_t* order, long start, long first, long last, double share) {
    gather<R>(pass.y, from.Y, order, start, first, last);
    for (long i = first; i < last; i++) {
        const long example = order ? long(order[i]) : start + i;
        pass.shares[i] = from.shares ? R(share * double(from.shares[example])) : R(share);
        if (!from.target_sums.empty()) pass.targets[i] = from.target_sums[std::size_t(example)];
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
                V e = exp_of_negative<R>(load(Z.at(p, i) + k) - tops[i]);
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

// Rows [first, last) of the batch forward through all layers; `sparse` in place of a[0].
template <class R>
inline void forward(const std::vector<Layer<R>>& layers, Pass<R>& pass, long first, long last, bool training,
                    const SparseBatch<R>* sparse = nullptr) {
    const std::size_t L = layers.size();
    for (std::size_t l = 1; l <= L; l++) {
        const Layer<R>& layer = layers[l - 1];
        Panels<R> Z = l == L ? pass.z : pass.a[l];
        if (l == 1 && sparse)
            multiply_rows<R>(Z, *sparse, layer.W, first, last, layer.b);
        else
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

// The examples' costs, each times its share of J, summed; and (where wanted) delta of the last layer times that share.
template <class R>
struct Criterion {
    Loss loss{};
    R parameter = 0;

    double operator()(const Layer<R>& output, Pass<R>& pass, bool training, long first, long last) const {
        if (loss == Loss::softmax_categorical_cross_entropy) return fused_softmax(pass, training, first, last);
        const bool through_softmax = !is_fused(loss) && output.activation == Activation::softmax;
        const bool through_slope = !is_fused(loss) && !through_softmax;
        V total{};
        with_loss<R>(loss, parameter, output.units, [&](auto criterion) {
            total = by_columns(pass, first, last, [&](long i, long at, V z, V a, V y, Mask<R> used) {
                V c, d;
                criterion(z, a, y, c, d);
                if (training) {
                    if (through_slope) d *= load(pass.slope.back().data + at);
                    store<R>(pass.delta.back().data + at, used ? d * pass.shares[i] : V{});
                }
                return used ? c * pass.shares[i] : V{};
            });
        });
        if (training && through_softmax) softmax_pullback<R>(pass.a.back(), pass.delta.back(), first, last);
        return double(sum<R>(total));
    }

  private:
    using V = Vector<R>;

    // Sum what `part` returns for each vector of outputs of each row; `at` is where they lie.
    template <class Part>
    V by_columns(const Pass<R>& pass, long first, long last, Part&& part) const {
        const Panels<R> Z = pass.z, A = pass.a.back(), Y = pass.y;
        V total{};
        for (long p = 0; p < A.count(); p++) {
            const long width = A.width(p);
            for (long k = 0; k < width; k += lanes<R>) {
                const Mask<R> used = lane_numbers<R>() < Mask<R>{} + int(A.used(p) - k);
                long at = A.at(p, first) - A.data + k;
                for (long i = first; i < last; i++, at += width)
                    total += part(i, at, load(Z.data + at), load(A.data + at), load(Y.data + at), used);
            }
        }
        return total;
    }

    // C = sum_j y_j (log sum_k e^z_k - z_j), delta = a sum_j y_j - y
    double fused_softmax(const Pass<R>& pass, bool training, long first, long last) const {
        V total = by_columns(pass, first, last, [&](long i, long at, V z, V a, V y, Mask<R> used) {
            if (training) store<R>(pass.delta.back().data + at, used ? (a * pass.targets[i] - y) * pass.shares[i] : V{});
            return used ? y * (pass.tops[i] - z) * pass.shares[i] : V{};
        });
        for (long i = first; i < last; i += lanes<R>) {
            const V logs = log<R>(load_unaligned(pass.totals + i));
            const V costs = load_unaligned(pass.targets + i) * logs * load_unaligned(pass.shares + i);
            total += lane_numbers<R>() < Mask<R>{} + int(last - i) ? costs : V{};
        }
        return double(sum<R>(total));
    }
};

// The weights between panel p of one layer and panel j of the next, transposed, square by square; a row of `to` for each
// unit of panel j.
template <class R>
inline void transpose_block(Panels<R> W, long p, long j, R* to) {
    const long rows = std::min(panel_width<R>, W.rows - p * panel_width<R>), width = padded<R>(rows);
    for (long k = 0; k < W.width(j); k += lanes<R>)
        for (long i = 0; i < rows; i += lanes<R>) {
            Vector<R> square[lanes<R>] = {};
            for (long r = 0; r < lanes<R> && i + r < rows; r++) square[r] = load(W.at(j, p * panel_width<R> + i + r) + k);
            transpose<R>(square);
            for (long r = 0; r < lanes<R> && k + r < W.used(j); r++) store<R>(to + (k + r) * width + i, square[r]);
        }
}

// delta[l-1] = (delta[l] W[l]^T) f'(z[l-1]) for rows [first, last); `rows` is how many the whole batch has. W is
// transposed block by block on the way: kept transposed, a large one would have to come through memory twice.
template <class R>
inline void send_back(const Layer<R>& layer, const Layer<R>& before, Pass<R>& pass, std::size_t l, long rows, long first,
                      long last) {
    Panels<R> delta = pass.delta[l], to = pass.delta[l - 1];
    if (rows >= fewest_rows_for_transposed) {
        alignas(64) R block[panel_width<R> * panel_width<R>];
        for (long p = 0; p < to.count(); p++)
            for (long j = 0; j < delta.count(); j++) {
                transpose_block<R>(layer.W, p, j, block);
                multiply<R, Read::rows>(to.vectors(p), last - first, delta.at(j, first), delta.width(j), delta.used(j), block,
                                        to.at(p, first), Begin<R>{nullptr, j > 0});
            }
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
