// The last layer of a small network where it has few units. Its weights lie transposed, a row for each unit.
#pragma once

#include "outputs_by_unit.h"
#include "weights.h"

namespace chainrule {

// The sums of `Rows` vectors, those of the first Rows lanes repeated in the others.
template <class R, long Rows, long S = 1>
CHAINRULE_INLINE Vector<R> sums_of_rows(Vector<R>* rows) {
    if constexpr (S < Rows) {
#pragma GCC unroll 16
        for (long i = 0; i < Rows; i += 2 * S)
            rows[i] = interleaved<R, S, 0>(rows[i], rows[i + S]) + interleaved<R, S, 1>(rows[i], rows[i + S]);
        return sums_of_rows<R, Rows, 2 * S>(rows);
    } else if constexpr (S < lanes<R>) {
        rows[0] = interleaved<R, S, 0>(rows[0], rows[0]) + interleaved<R, S, 1>(rows[0], rows[0]);
        return sums_of_rows<R, Rows, 2 * S>(rows);
    } else {
        return rows[0];
    }
}

template <class R>
class FewOutputs {
  public:
    using V = Vector<R>;
    static constexpr long most = OutputsByUnit<R>::most;

    OutputsByUnit<R> outputs;
    long before = 0, units = 0;
    bool has_bias = true;
    R *W = nullptr, *b = nullptr, *W_states[2] = {}, *b_states[2] = {};
    R *W_of_layer = nullptr, *W_states_of_layer[2] = {};  // the same as the other layers have them: a row for each unit before
    R *G = nullptr, *g = nullptr;
    const R *a_before = nullptr, *slope_before = nullptr;
    R* delta_before = nullptr;

    // Forward for `rows` rows of a_before; the cost of the first `count`, and the errors sent back.
    double pass(long rows, long count) {
        return with_size(units, [&](auto U) { return pass_of<U>(rows, count); });
    }

    // The gradients over `count` rows, or those added to what is there.
    void gradients(long count, bool add) {
        with_size(units, [&](auto U) { gradients_of<U>(count, add); });
    }

    // New weights: advance(w, g, states, what of w decays).
    template <class Advance>
    void update(Advance&& advance) {
        for (long k = 0; k < units; k++) {
            const long at = k * lanes<R>;
            const V w = load(W + at);
            store<R>(W + at, advance(w, load(G + at), W_states[0] + at, W_states[1] + at, w));
        }
        if (has_bias) store<R>(b, advance(load(b), load(g), b_states[0], b_states[1], V{}));
    }

    // From the layer's own weights and back.
    void read() {
        transposed(W_of_layer, W, before, units);
        for (int s = 0; s < 2; s++)
            if (W_states[s]) transposed(W_states_of_layer[s], W_states[s], before, units);
    }
    void write_weights() { transposed(W, W_of_layer, units, before); }
    void write() {
        write_weights();
        for (int s = 0; s < 2; s++)
            if (W_states[s]) transposed(W_states[s], W_states_of_layer[s], units, before);
    }

  private:
    static void transposed(const R* from, R* to, long rows, long columns) {
        for (long i = 0; i < rows; i++)
            for (long k = 0; k < columns; k++) to[k * lanes<R> + i] = from[i * lanes<R> + k];
    }

    template <int U>
    double pass_of(long rows, long count) {
        const R* delta = outputs.delta;
        const long reach = outputs.reach;
        V total{};
        for (long start = 0; start < count; start += lanes<R>) {
            V z[U];
            switch (rows - start) {  // a multiple of 4
                case 4: products<U, 4>(start, z); break;
                case 8: products<U, 8>(start, z); break;
                case 12: products<U, 12>(start, z); break;
                default: products<U, lanes<R>>(start, z);
            }
            total += outputs.template costs_of<U>(z, start, count);
        }
        for (long i = 0; i < rows; i++) {
            V sums = delta[i] * load(W);
#pragma GCC unroll 4
            for (int k = 1; k < U; k++) sums += delta[k * reach + i] * load(W + k * lanes<R>);
            store<R>(delta_before + i * lanes<R>, sums * load(slope_before + i * lanes<R>));
        }
        return double(sum<R>(total));
    }

    // z[k] of `Some` examples from `start` on.
    template <int U, long Some>
    void products(long start, V* z) const {
        constexpr long loaded = std::min(Some, lanes<R>), Rows = loaded > 8 ? 16 : loaded;
        V parts[Rows] = {};
#pragma GCC unroll 4
        for (int k = 0; k < U; k++) {
            const V w = load(W + k * lanes<R>);
#pragma GCC unroll 16
            for (long i = 0; i < Rows; i++) parts[i] = i < loaded ? load(a_before + (start + i) * lanes<R>) * w : V{};
            z[k] = sums_of_rows<R, Rows>(parts) + b[k];
        }
    }

    template <int U>
    void gradients_of(long count, bool add) {
        const R* delta = outputs.delta;
        const long reach = outputs.reach;
        V sums[U] = {}, more[U] = {};
        long i = 0;
        for (; i + 1 < count; i += 2) {
            const V a = load(a_before + i * lanes<R>), next = load(a_before + (i + 1) * lanes<R>);
#pragma GCC unroll 4
            for (int k = 0; k < U; k++) sums[k] += delta[k * reach + i] * a, more[k] += delta[k * reach + i + 1] * next;
        }
        if (i < count)
            for (int k = 0; k < U; k++) sums[k] += delta[k * reach + i] * load(a_before + i * lanes<R>);
        const Mask<R> lane = lane_numbers<R>();
        for (int k = 0; k < U; k++) {  // what is beyond the last weight stays 0
            const V part = lane < Mask<R>{} + int(before) ? sums[k] + more[k] : V{};
            store<R>(G + k * lanes<R>, add ? load(G + k * lanes<R>) + part : part);
        }
        V rows[most] = {};
        for (int k = 0; k < U; k++)
            for (long start = 0; start < count; start += lanes<R>) rows[k] += load(delta + k * reach + start);
        const V part = lane < Mask<R>{} + U ? sums_of_rows<R, most>(rows) : V{};
        store<R>(g, add ? load(g) + part : part);
    }
};

}  // namespace chainrule
