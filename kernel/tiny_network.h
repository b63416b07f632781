// Updates of a tiny network: no layer has more than a few units, and a vector of one example's units would be nearly empty.
// So every number lies unit by unit with an example in each lane, and the weights and biases lie one behind the other, to
// be updated as many at a time as a vector has lanes.
#pragma once

#include "outputs_by_unit.h"
#include "small_network.h"

namespace chainrule {

template <class R>
class TinyNetwork {
  public:
    using V = Vector<R>;
    static constexpr long widest = 4, block = lanes<R>;  // so many examples of a batch at a time

    static bool fits(const std::vector<Layer<R>>& all, long batch) {
        for (const Layer<R>& layer : all)
            if (layer.before > widest || layer.units > widest) return false;
        return all.back().units <= OutputsByUnit<R>::most && SmallNetwork<R>::fits(all, batch);
    }

    TinyNetwork() = default;
    // For each layer, the arrays of its W and b, and what the rule keeps of them.
    TinyNetwork(const std::vector<Layer<R>>& layers, const std::vector<SmallLayer<R>>& arrays, const OutputsByUnit<R>& outputs)
        : outputs_(outputs) {
        long parameters = 0;
        for (std::size_t l = 0; l < layers.size(); l++) {
            const Layer<R>& layer = layers[l];
            const SmallLayer<R>& of = arrays[l];
            layers_.push_back({layer.before, layer.units, parameters, parameters + layer.before * layer.units, layer.activation,
                               layer.parameter, layer.has_bias, {of.W, of.W1, of.W2}, {of.b, of.b1, of.b2}, {}, {}, {}, {}, {}});
            parameters += (layer.before + 1) * layer.units;  // a bias that is not there stays 0, as its gradient does
        }
        size_ = padded<R>(parameters);
        const long units = widest * lanes<R>;
        memory_ = std::make_unique<Arena>();
        for (int copies = 0; copies < 4; copies++) memory_->reserve(size_ * long(sizeof(R)));
        memory_->reserve(size_ * lanes<R> * long(sizeof(R)));
        for (std::size_t copies = 0; copies < 1 + 3 * layers.size(); copies++) memory_->reserve(units * long(sizeof(R)));
        memory_->allocate();
        for (R*& own : own_) own = memory_->take<R>(size_);
        decays_ = memory_->take<R>(size_);
        G_ = memory_->take<R>(size_ * lanes<R>);
        X_ = memory_->take<R>(units);
        R* before = X_;
        for (TinyLayer& layer : layers_) {
            layer.a_before = before;
            layer.a = before = memory_->take<R>(units), layer.slope = memory_->take<R>(units);
            const bool last = &layer == &layers_.back();
            layer.delta = last ? outputs_.delta : memory_->take<R>(units), layer.reach = last ? outputs_.reach : lanes<R>;
            std::fill_n(decays_ + layer.W, layer.before * layer.units, R(1));
        }
        each([&](R& own, R& of_layer) { own = of_layer; }, 3);
    }

    // Bring `count` examples into their lanes: those that `order` names, or from `start` on.
    void take(const Examples<R>& from, Pass<R>&, const int32_t* order, long start, long count, double share) {
        const long inputs = layers_.front().before;
        if (count < taken_) std::fill_n(X_, inputs * lanes<R>, R(0));  // nothing is left where no example comes
        taken_ = count;
        into_lanes(X_, lanes<R>, from.X, order ? nullptr : from.X.rows_from(start, count),
                   [&](long i) { return order ? long(order[i]) : start + i; }, count);
        outputs_.take(from, order, start, count, share);
    }

    // Forward and back for the examples taken, and the gradients over them, or those added to what is there; a lane's sums
    // apart from another's. Returns the sum of their costs, each times its share.
    double pass(const Criterion<R>&, Pass<R>&, const Layer<R>&, long count, bool add) {
        V costs{};
        for (const TinyLayer& layer : layers_) {
            with_sizes(layer, [&](auto before, auto units) { forward<before, units>(layer); });
            if (&layer == &layers_.back()) {
                costs = outputs_.costs(layer.a, count);
                break;
            }
            with_activation<R>(layer.activation, layer.parameter, [&](auto f) {
                for (long j = 0; j < layer.units; j++) {
                    V a, slope;
                    f(load(layer.a + j * lanes<R>), a, slope);
                    store<R>(layer.a + j * lanes<R>, a);
                    store<R>(layer.slope + j * lanes<R>, slope);
                }
            });
        }
        for (std::size_t l = layers_.size(); l-- > 0;) {
            const TinyLayer& layer = layers_[l];
            with_sizes(layer, [&](auto before, auto units) {
                add ? sum_up<before, units, true>(layer) : sum_up<before, units, false>(layer);
                if (l > 0) send_back<before, units>(layer, layers_[l - 1]);
            });
        }
        return double(sum<R>(costs));
    }

    // One update.
    template <class UpdateRule>
    WeightSums<R> update(UpdateRule rule, R lambda, R shrink) {
        Advance<R, UpdateRule> advance{rule, lambda, shrink};
        for (long at = 0; at < size_; at += lanes<R>) {
            V parts[lanes<R>];
            for (long i = 0; i < lanes<R>; i++) parts[i] = load(G_ + (at + i) * lanes<R>);
            const V w = load(own_[0] + at);
            store<R>(own_[0] + at, advance(w, sums_of<R>(parts), own_[1] + at, own_[2] + at, w * load(decays_ + at)));
        }
        return advance.sums;
    }

    OutputsByUnit<R>* outputs() { return &outputs_; }
    void write_weights() {
        each([&](R& own, R& of_layer) { of_layer = own; }, 1);
    }
    void write() {
        each([&](R& own, R& of_layer) { of_layer = own; }, 3);
    }

  private:
    struct TinyLayer {
        long before, units, W, b;  // W and b: where its weights, row by row, and its biases begin
        Activation activation;
        R parameter;
        bool has_bias;
        R *W_of_layer[3], *b_of_layer[3];  // with what the rule keeps of them; nullptr where it keeps nothing
        const R* a_before;
        R *a, *slope, *delta;
        long reach;  // from one unit's delta to the next
    };

    std::vector<TinyLayer> layers_;
    OutputsByUnit<R> outputs_;
    std::unique_ptr<Arena> memory_;
    R* own_[3] = {};      // the parameters, and what the rule keeps of them
    R *decays_ = nullptr;  // 1 for a weight, 0 for a bias
    R *G_ = nullptr, *X_ = nullptr;
    long size_ = 0, taken_ = 0;

    // Call `use` with the layer's sizes as constants, so that its loops need no counting.
    template <class Use>
    static void with_sizes(const TinyLayer& layer, Use&& use) {
        with_size(layer.before, [&](auto before) { with_size(layer.units, [&](auto units) { use(before, units); }); });
    }

    template <long Before, long Units>
    void forward(const TinyLayer& layer) const {
        const R *w = own_[0] + layer.W, *b = own_[0] + layer.b;
#pragma GCC unroll 4
        for (long j = 0; j < Units; j++) {
            V z = all<R>(b[j]);
#pragma GCC unroll 4
            for (long i = 0; i < Before; i++) z += w[i * Units + j] * load(layer.a_before + i * lanes<R>);
            store<R>(layer.a + j * lanes<R>, z);
        }
    }

    template <long Before, long Units, bool add>
    void sum_up(const TinyLayer& layer) {
        R *G = G_ + layer.W * lanes<R>, *g = G_ + layer.b * lanes<R>;
#pragma GCC unroll 4
        for (long j = 0; j < Units; j++) {
            const V delta = load(layer.delta + j * layer.reach);
            if (layer.has_bias) store<R>(g + j * lanes<R>, add ? load(g + j * lanes<R>) + delta : delta);
#pragma GCC unroll 4
            for (long i = 0; i < Before; i++) {
                R* to = G + (i * Units + j) * lanes<R>;
                const V part = load(layer.a_before + i * lanes<R>) * delta;
                store<R>(to, add ? load(to) + part : part);
            }
        }
    }

    template <long Before, long Units>
    void send_back(const TinyLayer& layer, const TinyLayer& before) const {
        const R* w = own_[0] + layer.W;
#pragma GCC unroll 4
        for (long i = 0; i < Before; i++) {
            V sums = w[i * Units] * load(layer.delta);
#pragma GCC unroll 4
            for (long j = 1; j < Units; j++) sums += w[i * Units + j] * load(layer.delta + j * layer.reach);
            store<R>(before.delta + i * lanes<R>, sums * load(before.slope + i * lanes<R>));
        }
    }

    // Each number in one place and the other, of the parameters and the first arrays that the rule keeps.
    template <class Use>
    void each(Use&& use, int arrays) {
        for (TinyLayer& layer : layers_)
            for (int s = 0; s < arrays && layer.W_of_layer[s]; s++) {
                for (long i = 0; i < layer.before; i++)
                    for (long j = 0; j < layer.units; j++)
                        use(own_[s][layer.W + i * layer.units + j], layer.W_of_layer[s][i * lanes<R> + j]);
                for (long j = 0; layer.has_bias && j < layer.units; j++) use(own_[s][layer.b + j], layer.b_of_layer[s][j]);
            }
    }
};

}  // namespace chainrule
