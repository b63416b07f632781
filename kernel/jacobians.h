// Derivatives of each example by itself, and the curvature made of them: core/jacobians.py, a block of examples at a time.
//
// For k outputs, k derivatives of each example are sent back side by side, as rows of D:
//
//     row e k + j of D[l]         da[L]_j / dz[l] of example e
//     row e k + j of the result   for each layer that learns, the outer product of a[l-1] and that row, and the row itself
#pragma once

#include "training.h"

namespace chainrule {

template <class R>
inline void store_unaligned(R* to, Vector<R> v) {
    *reinterpret_cast<typename VectorOf<R>::Unaligned*>(to) = v;
}

// One row of the matrix, C-ordered and without padding.
template <class R>
inline void copy_row(R* to, Panels<R> from, long row) {
    for (long p = 0; p < from.count(); p++)
        std::memcpy(to + p * panel_width<R>, from.at(p, row), std::size_t(from.used(p)) * sizeof(R));
}

// to[i n + k] = u_i v_k, for a row u of U and a row v of V with n numbers. Whole vectors are stored, so each row of the
// product spills into the one after it, which comes next; the last ones, which would spill beyond `end`, are exact.
template <class R, int N>  // v has N vectors, in one panel; 0: any number
inline void outer_product(R* to, const R* end, Panels<R> U, long u_row, Panels<R> V, long v_row) {
    const long n = V.columns, whole = padded<R>(n);
    Vector<R> v[N > 0 ? N : 1];
    for (int k = 0; k < N; k++) v[k] = load(V.at(0, v_row) + k * lanes<R>);
    for (long p = 0; p < U.count(); p++) {
        const R* u = U.at(p, u_row);
        for (long i = 0; i < U.used(p); i++, to += n) {
            if (to + whole > end) {
                for (long q = 0; q < V.count(); q++)
                    for (long k = 0; k < V.used(q); k++) to[q * panel_width<R> + k] = u[i] * V.at(q, v_row)[k];
            } else if constexpr (N > 0) {
#pragma GCC unroll 4
                for (int k = 0; k < N; k++) store_unaligned<R>(to + k * lanes<R>, all<R>(u[i]) * v[k]);
            } else {
                for (long q = 0; q < V.count(); q++)
                    for (long k = 0; k < V.width(q); k += lanes<R>)
                        store_unaligned<R>(to + q * panel_width<R> + k, all<R>(u[i]) * load(V.at(q, v_row) + k));
            }
        }
    }
}
template <class R>
inline void outer_product(R* to, const R* end, Panels<R> U, long u_row, Panels<R> V, long v_row) {
    switch (V.count() == 1 ? V.vectors(0) : 0) {
        case 1: return outer_product<R, 1>(to, end, U, u_row, V, v_row);
        case 2: return outer_product<R, 2>(to, end, U, u_row, V, v_row);
        case 3: return outer_product<R, 3>(to, end, U, u_row, V, v_row);
        case 4: return outer_product<R, 4>(to, end, U, u_row, V, v_row);
        default: return outer_product<R, 0>(to, end, U, u_row, V, v_row);
    }
}

// D through f', in place: the rows e k ... e k + k - 1 of D belong to example e.
template <class R>
inline void through_activation(const Layer<R>& layer, Panels<R> slope, Panels<R> D, long examples, long k) {
    using V = Vector<R>;
    const bool softmax = layer.activation == Activation::softmax;  // its slope is a: a_i (d_i - sum_j a_j d_j)
    for (long e = 0; e < examples; e++)
        for (long row = e * k; row < e * k + k; row++) {
            V inner{};
            for (long p = 0; softmax && p < D.count(); p++)
                for (long i = 0; i < D.width(p); i += lanes<R>) inner += load(slope.at(p, e) + i) * load(D.at(p, row) + i);
            const V total = all<R>(softmax ? sum<R>(inner) : R(0));
            for (long p = 0; p < D.count(); p++)
                for (long i = 0; i < D.width(p); i += lanes<R>)
                    store<R>(D.at(p, row) + i, load(slope.at(p, e) + i) * (load(D.at(p, row) + i) - total));
        }
}

template <class R>
class Jacobians {
  public:
    using V = Vector<R>;
    using Arrays = typename Trainer<R>::Arrays;

    // `biases_first` says of each layer whether its biases stand before its weights among the parameters.
    Jacobians(std::vector<Layer<R>> of, std::vector<Arrays> arrays, std::vector<bool> biases_first)
        : layers_(std::move(of)), arrays_(std::move(arrays)), biases_first_(std::move(biases_first)) {
        for (std::size_t l = layers_.size(); l >= 1; l--) {
            layers_[l - 1].dropout = 0;
            if (!layers_[l - 1].trainable) continue;
            lowest_ = l;
            parameters_ += (layers_[l - 1].before + layers_[l - 1].has_bias) * layers_[l - 1].units;
        }
    }

    long outputs() const { return layers_.back().units; }
    long parameters() const { return parameters_; }  // that learn

    // out (N, outputs, parameters): of a[L], or of z[L].
    void of_outputs(const R* X, long N, bool pre_activations, R* out, int members) {
        const long k = outputs();
        prepare(X, N, k, lowest_, members);
        each_block(N, members, [&](Member& member, long start, long count) {
            R *to = out + start * k * parameters_, *end = to + count * k * parameters_;
            jacobian_rows(member, start, count, pre_activations, to, end, parameters_);
        });
    }

    // out (N, parameters): of each example's own cost.
    void of_costs(const R* X, const R* Y, Criterion<R> criterion, long N, R* out, int members) {
        prepare(X, N, 1, lowest_, members);
        const Readable<R> targets(Y, N, outputs());
        each_block(N, members, [&](Member& member, long start, long count) {
            Pass<R>& pass = member.pass;
            forward_block(member, start, count);
            gather<R>(pass.y, targets, nullptr, start, 0, count);
            for (long i = 0; i < count; i++) {
                pass.shares[i] = 1, pass.targets[i] = 0;
                for (long j = 0; j < outputs(); j++) pass.targets[i] += pass.y(i, j);
            }
            criterion(layers_.back(), pass, true, 0, count);
            copy<R>(member.D.back(), pass.delta.back(), 0, count);
            send_back(member, count, true);
            write_rows(member, count, out + start * parameters_, out + (start + count) * parameters_, parameters_);
        });
    }

    // out (N, outputs, units of layer l): da[L] / da[l], for l below L.
    void of_layer(const R* X, long N, std::size_t l, R* out, int members) {
        const long k = outputs(), units = layers_[l].before;
        prepare(X, N, k, l + 1, members);
        each_block(N, members, [&](Member& member, long start, long count) {
            forward_block(member, start, count);
            unit_rows(member.D.back(), count);
            send_back(member, count, false);
            multiply_rows<R>(member.D[l], member.D[l + 1], layers_[l].W_transposed, 0, count * k, nullptr);
            for (long row = 0; row < count * k; row++) copy_row<R>(out + (start * k + row) * units, member.D[l], row);
        });
    }

    // With the Jacobian J of all examples' outputs, rows below each other: gradient = J^T c and curvature = J^T H J, where
    // c is (N, outputs) and H (N, outputs, outputs), symmetric; `curvature` is (parameters, parameters).
    //
    // J is never whole: the members share the examples of a few blocks, wait for each other, and share the panels of G.
    void curvature(const R* X, const R* c, const R* H, long N, bool pre_activations, R* gradient, R* curvature, int members) {
        const long k = outputs(), P = parameters_, stride = padded<R>(P) + lanes<R>;
        const long panels = (P + panel_width<R> - 1) / panel_width<R>, few = blocks_at_once;
        const long most = std::min(few * block_of(N, k), N) * k;
        Arena arena;
        for (long numbers : {most * stride, Panels<R>::size(most, P), Panels<R>::size(P, P)}) arena.reserve(numbers * long(sizeof(R)));
        arena.allocate();
        R* J = arena.take<R>(most * stride);
        const Panels<R> HJ{arena.take<R>(Panels<R>::size(most, P)), most, P}, G{arena.take<R>(Panels<R>::size(P, P)), P, P};
        std::memset(gradient, 0, std::size_t(P) * sizeof(R));

        prepare(X, N, k, lowest_, members);
        together(members, [&](int number, Barrier& barrier) {
            Member& member = members_[std::size_t(number)];
            for (long first = 0; first < N; first += few * block_) {
                const long last = std::min(N, first + few * block_), rows = (last - first) * k;
                for (long b = number; first + b * block_ < last; b += members) {
                    const long start = first + b * block_, count = std::min(block_, last - start);
                    R *to = J + (start - first) * k * stride, *end = to + count * k * stride;
                    jacobian_rows(member, start, count, pre_activations, to, end, stride);
                    for (long e = 0; e < count; e++)
                        multiply_example(HJ, (start - first + e) * k, H + (start + e) * k * k, to + e * k * stride, stride);
                }
                barrier.wait();
                // Panel p of rows with the panels p, p + 1, ... of columns: one half, and the other is the same.
                for (long pair = 0, p = 0; p < panels; p++) {
                    for (long j = p; j < panels; j++)
                        if (pair++ % members == number) add_products(G, J + p * panel_width<R>, stride, HJ, rows, p, j);
                    if (p % members == number) add_gradient(gradient, J, stride, c + first * k, rows, p * panel_width<R>, HJ.used(p));
                }
                barrier.wait();
            }
        });
        to_rows<R>(curvature, G);
        for (long i = 1; i < P; i++)
            for (long j = 0; j < i; j++) curvature[i * P + j] = curvature[j * P + i];
    }

  private:
    struct Member {
        Pass<R> pass;
        std::vector<Panels<R>> D;
    };
    static constexpr long rows_of_block = 8 * whole_rows, blocks_at_once = 4;

    std::vector<Layer<R>> layers_;
    std::vector<Arrays> arrays_;
    std::vector<bool> biases_first_;
    long parameters_ = 0, block_ = 0, k_ = 0;  // numbers that learn; examples of a block; rows of D for each
    std::size_t lowest_ = 0, down_to_ = 0;     // the first layer that learns, counted from 1; D goes back to this one
    Arena arena_;
    Readable<R> X_;
    std::vector<Member> members_;

    static long block_of(long N, long k) { return std::max(1L, std::min(N, rows_of_block / k)); }

    // The layers in panels, and for each member a pass, and D from the last layer down to `down_to` and its inputs.
    void prepare(const R* X, long N, long k, std::size_t down_to, int members) {
        const std::size_t L = layers_.size();
        block_ = block_of(N, k), k_ = k, down_to_ = down_to;
        auto sizes = [&](auto&& one) {
            for (const Layer<R>& layer : layers_)
                for (long numbers : {Panels<R>::size(layer.before, layer.units), Panels<R>::size(layer.units, layer.before), padded<R>(layer.units)})
                    one(numbers);
        };
        sizes([&](long numbers) { arena_.reserve(numbers * long(sizeof(R))); });
        for (int m = 0; m < members; m++) {
            Pass<R>::reserve(arena_, layers_, block_, true);
            for (std::size_t l = down_to - 1; l <= L; l++) arena_.reserve(Panels<R>::size(block_ * k, units(l)) * long(sizeof(R)));
        }
        arena_.allocate();
        for (std::size_t l = 0; l < L; l++) {
            Layer<R>& layer = layers_[l];
            layer.W = {arena_.take<R>(Panels<R>::size(layer.before, layer.units)), layer.before, layer.units};
            layer.W_transposed = {arena_.take<R>(Panels<R>::size(layer.units, layer.before)), layer.units, layer.before};
            layer.b = arena_.take<R>(padded<R>(layer.units));
            from_rows<R>(layer.W, arrays_[l].W);
            for (long i = 0; i < layer.before; i++)
                for (long j = 0; j < layer.units; j++) layer.W_transposed(j, i) = arrays_[l].W[i * layer.units + j];
            if (arrays_[l].b) std::memcpy(layer.b, arrays_[l].b, std::size_t(layer.units) * sizeof(R));
        }
        for (int m = 0; m < members; m++) {
            members_.push_back({Pass<R>(arena_, layers_, block_, true), std::vector<Panels<R>>(L + 1)});
            for (std::size_t l = down_to - 1; l <= L; l++)
                members_.back().D[l] = {arena_.take<R>(Panels<R>::size(block_ * k, units(l))), block_ * k, units(l)};
        }
        X_ = Readable<R>(X, N, layers_.front().before);
    }

    long units(std::size_t l) const { return l == 0 ? layers_[0].before : layers_[l - 1].units; }

    template <class Work>
    void each_block(long N, int members, Work&& work) {
        const long blocks = (N + block_ - 1) / block_;
        together(members, [&](int m, Barrier&) {
            for (long b = blocks * m / members; b < blocks * (m + 1) / members; b++)
                work(members_[std::size_t(m)], b * block_, std::min(block_, N - b * block_));
        });
    }

    void forward_block(Member& member, long start, long count) {
        gather<R>(member.pass.a[0], X_, nullptr, start, 0, count);
        forward<R>(layers_, member.pass, 0, count, true);
    }

    // Each output with itself: for each example the rows 1 0 0 ..., 0 1 0 ..., 0 0 1 ...
    void unit_rows(Panels<R> D, long count) const {
        for (long p = 0; p < D.count(); p++) std::memset(D.at(p, 0), 0, std::size_t(count * k_ * D.width(p)) * sizeof(R));
        for (long row = 0; row < count * k_; row++) D(row, row % k_) = 1;
    }

    // D[L] holds d/da[L], or d/dz[L] already; every D[l] down to the lowest becomes d/dz[l].
    void send_back(Member& member, long count, bool already) {
        for (std::size_t l = layers_.size();; l--) {
            if (l < layers_.size() || !already) through_activation<R>(layers_[l - 1], member.pass.slope[l], member.D[l], count, k_);
            if (l == down_to_) return;
            multiply_rows<R>(member.D[l - 1], member.D[l], layers_[l - 1].W_transposed, 0, count * k_, nullptr);
        }
    }

    // d/dw_ij = a_i D_j and d/db_j = D_j, row below row, each beginning `stride` after the one before.
    void write_rows(const Member& member, long count, R* out, const R* end, long stride) const {
        for (long row = 0; row < count * k_; row++) {
            R* to = out + row * stride;
            for (std::size_t l = down_to_; l <= layers_.size(); l++) {
                const Layer<R>& layer = layers_[l - 1];
                if (!layer.trainable) continue;
                const Panels<R> A = member.pass.a[l - 1], D = member.D[l];
                auto biases = [&] { copy_row<R>(to, D, row), to += layer.units; };
                if (layer.has_bias && biases_first_[l - 1]) biases();
                if (layer.units == 1)
                    outer_product<R>(to, end, D, row, A, row / k_);  // a number times a row, not a row times a number
                else
                    outer_product<R>(to, end, A, row / k_, D, row);
                to += layer.before * layer.units;
                if (layer.has_bias && !biases_first_[l - 1]) biases();
            }
        }
    }

    void jacobian_rows(Member& member, long start, long count, bool pre_activations, R* out, const R* end, long stride) {
        forward_block(member, start, count);
        unit_rows(member.D.back(), count);
        send_back(member, count, pre_activations);
        write_rows(member, count, out, end, stride);
    }

    // H J of one example, whose k rows become those of HJ from `row` on. Its padding is read from what follows each row.
    void multiply_example(Panels<R> HJ, long row, const R* H, const R* J, long stride) const {
        for (long p = 0; p < HJ.count(); p++)
            for (long i = 0; i < HJ.width(p); i += lanes<R>)
                for (long j = 0; j < k_; j++) {
                    V total{};
                    for (long m = 0; m < k_; m++) total += H[j * k_ + m] * load_unaligned(J + m * stride + p * panel_width<R> + i);
                    store<R>(HJ.at(p, row + j) + i, total);
                }
    }

    void add_products(Panels<R> G, const R* J, long stride, Panels<R> HJ, long rows, long p, long j) const {
        constexpr long block = 128;  // as in multiply_block
        for (long row = 0; row < rows; row += block)
            multiply<R, Read::columns>(HJ.vectors(j), HJ.used(p), J + row * stride, stride, std::min(block, rows - row), HJ.at(j, row),
                                       G.at(j, p * panel_width<R>), Begin<R>{nullptr, true});
    }

    void add_gradient(R* gradient, const R* J, long stride, const R* c, long rows, long column, long columns) const {
        for (long i = column; i < column + columns; i += lanes<R>) {
            V total{};
            for (long row = 0; row < rows; row++) total += c[row] * load_unaligned(J + row * stride + i);
            for (long n = 0; n < std::min(lanes<R>, column + columns - i); n++) gradient[i + n] += total[n];
        }
    }
};

}  // namespace chainrule
