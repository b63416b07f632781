// One update of a small network: every layer is at most one vector wide, so that each row of each matrix is one vector and
// nothing has to be divided into blocks. The steps are those of training.h; what is saved is the bookkeeping, which for
// such a network takes longer than its arithmetic.
#pragma once

#include <cmath>

#include "network.h"
#include "update_rules.h"

namespace chainrule {

template <class R>
struct SmallLayer {
    long before, units, stride;  // stride: of the rows of a_before
    Activation activation;
    R parameter;
    bool has_bias;
    R *W, *b, *W_transposed;
    R *W1, *b1, *W2, *b2;  // what the update rule keeps
    const R* a_before;
    R *z, *a, *slope, *delta, *delta_before;
};

template <class R>
class SmallNetwork {
  public:
    using V = Vector<R>;
    static constexpr long most_rows = 64;

    std::vector<SmallLayer<R>> layers;

    static bool fits(const std::vector<Layer<R>>& all, long batch) {
        if (batch > most_rows) return false;
        for (const Layer<R>& layer : all) {
            const bool softmax_inside = layer.activation == Activation::softmax && &layer != &all.back();
            if (layer.before > panel_width<R> || layer.units > lanes<R> || layer.dropout > 0 || !layer.trainable || softmax_inside)
                return false;
        }
        return true;
    }

    // Forward and back for the first `count` rows of the pass; the sum of their costs, each times its share.
    double pass(const Criterion<R>& criterion, Pass<R>& values, const Layer<R>& output, long count) {
        const long rows = (count + 3) / 4 * 4;  // rows beyond the last hold something, and nobody looks at what comes of it
        for (SmallLayer<R>& layer : layers) {
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
        const double cost = criterion(output, values, true, 0, count);
        for (std::size_t l = layers.size(); l-- > 1;) {
            const SmallLayer<R>& layer = layers[l];
            multiply_width<R, 1, Read::rows>(rows, layer.delta, lanes<R>, layer.units, layer.W_transposed, layer.delta_before, {});
            const R* slope = layers[l - 1].slope;
            for (long i = 0; i < rows; i++)
                store<R>(layer.delta_before + i * lanes<R>, load(layer.delta_before + i * lanes<R>) * load(slope + i * lanes<R>));
        }
        return cost;
    }

    // Gradients over `count` rows, and the update. Returns the sum of the gradients' squares (NaN where a weight is not
    // finite any more) and, with weight decay, of the weights' squares before.
    template <class UpdateRule>
    void update(UpdateRule rule, long count, R lambda, R shrink, double& gradient_squares, double& weight_squares) {
        V squares{}, of_weights{}, spoilt{};
        alignas(64) R G[panel_width<R> * lanes<R>];
        for (std::size_t l = 0; l < layers.size(); l++) {
            SmallLayer<R>& layer = layers[l];
            multiply_width<R, 1, Read::columns>(layer.before, layer.a_before, layer.stride, count, layer.delta, G, {});
            for (long i = 0; i < layer.before; i++) {
                const long at = i * lanes<R>;
                V w = load(layer.W + at), g = load(G + at);
                if (lambda > 0) g += lambda * w, of_weights += w * w;
                squares += g * g;
                V change = rule(g, layer.W1 + at, layer.W2 + at);
                if (shrink > 0) change -= shrink * w;
                w += change;
                spoilt += w * R(0);
                store<R>(layer.W + at, w);
            }
            if (layer.has_bias) {
                V g = load(layer.delta), more{};
                long i = 1;
                for (; i + 1 < count; i += 2) g += load(layer.delta + i * lanes<R>), more += load(layer.delta + (i + 1) * lanes<R>);
                if (i < count) g += load(layer.delta + i * lanes<R>);
                g += more;
                squares += g * g;
                const V b = load(layer.b) + rule(g, layer.b1, layer.b2);
                spoilt += b * R(0);
                store<R>(layer.b, b);
            }
            if (l > 0) transpose_weights(layer);
        }
        gradient_squares = double(sum<R>(squares + spoilt));
        weight_squares = lambda > 0 ? double(sum<R>(of_weights)) : 0;
    }

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
