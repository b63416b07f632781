// What follows the pre-activations of a last layer of few units: activation, cost and delta. The numbers lie unit by unit
// with an example in each lane, since a vector of the units of one example would be nearly empty.
#pragma once

#include "network.h"

namespace chainrule {

template <class R>
class OutputsByUnit {
  public:
    using V = Vector<R>;
    static constexpr long most = std::min(4L, lanes<R>);

    long units = 0, reach = 0;  // reach: numbers from one unit's row to the next
    Activation activation{};
    R parameter = 0;
    Criterion<R> criterion;
    bool counts = false;
    R middle = 0;
    R* delta = nullptr;
    long right = 0;  // so many were on their target's side, or largest at it

    OutputsByUnit() = default;
    OutputsByUnit(const Layer<R>& last, const Criterion<R>& criterion, bool counts, double middle, Pass<R>& pass)
        : units(last.units), reach(padded<R>(pass.z.rows)), activation(last.activation), parameter(last.parameter),
          criterion(criterion), counts(counts), middle(R(middle)), delta(pass.delta.back().data), y_(pass.y.data),
          shares_(pass.shares), labels_(reinterpret_cast<Label*>(pass.targets)) {}

    // The targets, shares of J and labels of `count` examples: those that `order` names, or from `start` on.
    void take(const Examples<R>& from, const int32_t* order, long start, long count, double share) {
        auto example = [&](long i) { return order ? long(order[i]) : start + i; };
        into_lanes(y_, reach, from.Y, order ? nullptr : from.Y.rows_from(start, count), example, count);
        if (from.shares) {
            for (long i = 0; i < count; i++) shares_[i] = R(share * double(from.shares[example(i)]));
        } else if (share != share_) {
            share_ = share;
            std::fill_n(shares_, reach, R(share));
        }
        if (counts)
            for (long i = 0; i < count; i++) labels_[i] = from.labels[example(i)];
    }

    // The costs of up to a vector of examples, and their delta.
    V costs(const R* z, long count) {
        const V* vectors = reinterpret_cast<const V*>(z);
        return with_size(units, [&](auto U) { return costs_of<U>(vectors, 0, count); });
    }

    // The costs of the examples from `start` on, and their delta.
    template <int U>
    V costs_of(const V* z, long start, long count) {
        V a[U], slope[U], d[U], targets[U], costs{};
        V top = z[0], sums{};
        if (activation == Activation::softmax) {
            for (int k = 1; k < U; k++) top = z[k] > top ? z[k] : top;
            for (int k = 0; k < U; k++) a[k] = exp_of_negative<R>(z[k] - top), sums += a[k];
            const V share = R(1) / sums;
            for (int k = 0; k < U; k++) a[k] *= share;
        } else {
            with_activation<R>(activation, parameter, [&](auto f) {
#pragma GCC unroll 4
                for (int k = 0; k < U; k++) f(z[k], a[k], slope[k]);
            });
        }
        const Mask<R> used = lane_numbers<R>() < Mask<R>{} + int(count - start);
        for (int k = 0; k < U; k++) targets[k] = load(y_ + k * reach + start);
        if (criterion.loss == Loss::softmax_categorical_cross_entropy) {
            V all_targets = targets[0];
            for (int k = 1; k < U; k++) all_targets += targets[k];
            costs = all_targets * log<R>(sums);
            for (int k = 0; k < U; k++) costs += targets[k] * (top - z[k]), d[k] = a[k] * all_targets - targets[k];
        } else {
            with_loss<R>(criterion.loss, criterion.parameter, U, [&](auto loss) {
#pragma GCC unroll 4
                for (int k = 0; k < U; k++) {
                    V cost;
                    loss(z[k], a[k], targets[k], cost, d[k]);
                    costs += cost;
                }
            });
            if (!is_fused(criterion.loss)) pull_back<U>(a, slope, d);
        }
        const V share = load(shares_ + start);
        for (int k = 0; k < U; k++) store<R>(delta + k * reach + start, used ? d[k] * share : V{});
        if (counts) count_right<U>(a, *reinterpret_cast<const Mask<R>*>(labels_ + start), used);
        return used ? costs * share : V{};
    }

  private:
    using Label = decltype(Mask<R>{}[0] + 0);

    R *y_ = nullptr, *shares_ = nullptr;
    Label* labels_ = nullptr;
    double share_ = 0;  // each example's of J, where all have the same

    // dC/dz from dC/da
    template <int U>
    void pull_back(const V* a, const V* slope, V* d) const {
        if (activation != Activation::softmax) {
            for (int k = 0; k < U; k++) d[k] *= slope[k];
            return;
        }
        V inner = a[0] * d[0];
        for (int k = 1; k < U; k++) inner += a[k] * d[k];
        for (int k = 0; k < U; k++) d[k] = a[k] * (d[k] - inner);
    }

    template <int U>
    void count_right(const V* a, Mask<R> label, Mask<R> used) {
        Mask<R> found{};
        V best = a[0];
        if (U == 1) found = best > middle ? Mask<R>{} + 1 : Mask<R>{};
        for (int k = 1; k < U; k++) {
            found = a[k] > best ? Mask<R>{} + k : found;
            best = a[k] > best ? a[k] : best;
        }
        const Mask<R> same = (found == label) & used & 1;
        for (long i = 0; i < lanes<R>; i++) right += long(same[i]);
    }
};

}  // namespace chainrule
