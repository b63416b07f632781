// Updates of a small network: every layer is at most one vector wide, so that each row of each matrix is one vector and
// nothing has to be divided into blocks. The steps are those of training.h; what is saved is the bookkeeping, which for
// such a network takes longer than its arithmetic.
#pragma once

#include <cmath>

#include "few_outputs.h"

namespace chainrule {

template <class R>
struct SmallLayer {
    long before, units, stride;  // stride: of the rows of a_before
    Activation activation;
    R parameter;
    bool has_bias;
    R *W, *b, *W_transposed;
    R *G, *g;              // dJ/dW and dJ/db, without weight decay
    R *W1, *b1, *W2, *b2;  // what the update rule keeps
    const R* a_before;
    R *z, *a, *slope, *delta, *delta_before;
};

// New weights from weights and their gradient, and what is summed up on the way.
template <class R, class UpdateRule>
struct Advance {
    UpdateRule rule;
    R lambda, shrink;
    WeightSums<R> sums{};

    // `decaying` is w where it decays, otherwise 0.
    CHAINRULE_INLINE Vector<R> operator()(Vector<R> w, Vector<R> g, R* s1, R* s2, Vector<R> decaying) {
        g = completed<R>(g, decaying, lambda, R(0), sums);
        return updated<R>(w, g, s1, s2, rule, shrink, decaying, sums);
    }
};

template <class R>
class SmallNetwork {
  public:
    using V = Vector<R>;
    static constexpr long block = 128;  // so many examples of a batch at a time: their numbers stay in the first cache

    static constexpr long most_rows = 4096;  // larger batches are worth sharing among threads

    static bool fits(const std::vector<Layer<R>>& all, long batch) {
        if (batch > most_rows) return false;
        for (const Layer<R>& layer : all) {
            const bool softmax_inside = layer.activation == Activation::softmax && &layer != &all.back();
            if (layer.before > panel_width<R> || layer.units > lanes<R> || layer.dropout > 0 || !layer.trainable || softmax_inside)
                return false;
        }
        return true;
    }
    static bool has_few_outputs(const std::vector<Layer<R>>& all) {
        return all.size() > 1 && all.back().units <= FewOutputs<R>::most;
    }

    SmallNetwork() = default;
    // `states`: room for what the rule keeps of the last layer's weights, where it has few units.
    SmallNetwork(std::vector<SmallLayer<R>> all, const OutputsByUnit<R>* few, R* const states[2]) : layers_(std::move(all)), has_few_(few) {
        for (std::size_t l = 1; l < layers_.size() - has_few_; l++) transpose_weights(layers_[l]);
        if (!few) return;
        const SmallLayer<R>& last = layers_.back();
        few_.outputs = *few;
        few_.before = last.before, few_.units = last.units, few_.has_bias = last.has_bias;
        few_.W = last.W_transposed, few_.W_of_layer = last.W, few_.b = last.b, few_.G = last.G, few_.g = last.g;
        for (int s = 0; s < 2; s++) few_.W_states[s] = states[s];
        few_.W_states_of_layer[0] = last.W1, few_.W_states_of_layer[1] = last.W2;
        few_.b_states[0] = last.b1, few_.b_states[1] = last.b2;
        few_.a_before = last.a_before, few_.slope_before = layers_[layers_.size() - 2].slope, few_.delta_before = last.delta_before;
        few_.read();
        layers_.pop_back();
    }

    // Bring `count` examples into the pass: those that `order` names, or from `start` on.
    void take(const Examples<R>& from, Pass<R>& pass, const int32_t* order, long start, long count, double share) {
        const long rows = whole(count);
        SmallLayer<R>& first = layers_.front();
        if (const R* X = order ? nullptr : from.X.rows_from(start, rows)) {
            first.a_before = X, first.stride = from.X.columns;
        } else {
            first.a_before = pass.a[0].data, first.stride = pass.a[0].width(0);
            gather<R>(pass.a[0], from.X, order, start, 0, count);
        }
        if (has_few_) return few_.outputs.take(from, order, start, count, share);
        take_targets<R>(from, pass, order, start, 0, count, share);
    }

    // Forward and back for the first `count` rows of the pass, and the gradients over them, or those added to what is there.
    // Returns the sum of their costs, each times its share.
    double pass(const Criterion<R>& criterion, Pass<R>& values, const Layer<R>& output, long count, bool add) {
        const long rows = whole(count);  // rows beyond the last hold something, and nobody looks at what comes of it
        for (SmallLayer<R>& layer : layers_) {
            multiply_width<R, 1, Read::rows>(rows, layer.a_before, layer.stride, layer.before, layer.W, layer.z, Begin<R>{layer.b, false});
            if (layer.activation == Activation::softmax) {
                softmax_rows<R>(values.z, values.a.back(), values.tops, values.totals, 0, count);
                continue;
            }
            with_activation<R>(layer.activation, layer.parameter, [&](auto f) {
                const R* z = layer.z;
                R *a = layer.a, *slope = layer.slope;
#pragma GCC unroll 4
                for (long i = 0; i < rows; i++) {
                    V value, derivative;
                    f(load(z + i * lanes<R>), value, derivative);
                    store<R>(a + i * lanes<R>, value);
                    store<R>(slope + i * lanes<R>, derivative);
                }
            });
        }
        const double cost = has_few_ ? few_.pass(rows, count) : criterion(output, values, true, 0, count);
        for (std::size_t l = layers_.size(); l-- > 1;) {
            const SmallLayer<R>& layer = layers_[l];
            multiply_width<R, 1, Read::rows>(rows, layer.delta, lanes<R>, layer.units, layer.W_transposed, layer.delta_before, {});
            const R* slope = layers_[l - 1].slope;
            for (long i = 0; i < rows; i++)
                store<R>(layer.delta_before + i * lanes<R>, load(layer.delta_before + i * lanes<R>) * load(slope + i * lanes<R>));
        }
        gradients(count, add);
        return cost;
    }

    // One update.
    template <class UpdateRule>
    WeightSums<R> update(UpdateRule rule, R lambda, R shrink) {
        Advance<R, UpdateRule> advance{rule, lambda, shrink};
        if (has_few_) few_.update(advance);
        for (std::size_t l = 0; l < layers_.size(); l++) {
            SmallLayer<R>& layer = layers_[l];
            for (long i = 0; i < layer.before; i++) {
                const long at = i * lanes<R>;
                const V w = load(layer.W + at);
                store<R>(layer.W + at, advance(w, load(layer.G + at), layer.W1 + at, layer.W2 + at, w));
            }
            if (layer.has_bias) store<R>(layer.b, advance(load(layer.b), load(layer.g), layer.b1, layer.b2, V{}));
            if (l > 0) transpose_weights(layer);
        }
        return advance.sums;
    }

    // Of the last layer where it has few units, or nullptr.
    OutputsByUnit<R>* outputs() { return has_few_ ? &few_.outputs : nullptr; }
    // From its own weights to those of the layers, and what the rule keeps.
    void write_weights() { few_.write_weights(); }
    void write() { few_.write(); }

  private:
    std::vector<SmallLayer<R>> layers_;  // without the last one where that has few units
    bool has_few_ = false;
    FewOutputs<R> few_;

    void gradients(long count, bool add) {
        if (has_few_) few_.gradients(count, add);
        for (SmallLayer<R>& layer : layers_) {
            multiply_width<R, 1, Read::columns>(layer.before, layer.a_before, layer.stride, count, layer.delta, layer.G, {nullptr, add});
            if (!layer.has_bias) continue;
            V g = add ? load(layer.g) : V{}, more{};
            long i = 0;
            for (; i + 1 < count; i += 2) g += load(layer.delta + i * lanes<R>), more += load(layer.delta + (i + 1) * lanes<R>);
            if (i < count) g += load(layer.delta + i * lanes<R>);
            store<R>(layer.g, g + more);
        }
    }

    static long whole(long count) { return (count + 3) / 4 * 4; }

    static void transpose_weights(SmallLayer<R>& layer) {
        if (layer.before * layer.units <= 2 * lanes<R>) {
            for (long k = 0; k < layer.units; k++)
                for (long i = 0; i < layer.before; i++) layer.W_transposed[k * lanes<R> + i] = layer.W[i * lanes<R> + k];
            return;
        }
        V square[lanes<R>] = {};
        for (long i = 0; i < layer.before; i++) square[i] = load(layer.W + i * lanes<R>);
        transpose<R>(square);
        for (long k = 0; k < layer.units; k++) store<R>(layer.W_transposed + k * lanes<R>, square[k]);
    }
};

}  // namespace chainrule
