// Training: whole epochs in one call, without allocating anything on the way.
#pragma once

#include <cmath>
#include <limits>

#include "block_updates.h"
#include "course.h"
#include "network.h"
#include "random.h"
#include "small_network.h"
#include "team.h"
#include "tiny_network.h"

namespace chainrule {

template <class R>
struct Plan {
    Criterion<R> criterion;
    Rule rule{};
    double constants[4] = {};
    long batch = 1;
    bool mean = true, shuffle = false, decoupled = false, decay_is_shared = false;
    double weight_decay = 0, validation_decay = 0, clip_norm = 0, clip_value = 0, middle = 0;
    bool counts = false;
};

template <class R>
class Trainer {
  public:
    using V = Vector<R>;

    std::vector<Layer<R>> layers;
    Plan<R> plan;
    Examples<R> examples, validation;
    Course course;
    const BitGenerator* generator = nullptr;
    const double* learning_rates = nullptr;  // (epochs, updates)
    long epochs = 0, updates = 0;            // of this call; updates made before it
    long failed_batch = 0;
    int threads = 1;

    // The parameters as the caller has them, C-ordered; for each layer the weights, the bias row or nullptr.
    struct Arrays {
        R *W = nullptr, *b = nullptr, *W1 = nullptr, *b1 = nullptr, *W2 = nullptr, *b2 = nullptr;  // and the rule's own
        R *best_W = nullptr, *best_b = nullptr;
    };
    std::vector<Arrays> arrays;

    void prepare() {
        const std::size_t L = layers.size();
        lowest_ = L;
        for (std::size_t l = L; l-- > 0;)
            if (layers[l].trainable) lowest_ = l;
        batch_ = std::min(plan.batch, examples.count);
        per_epoch_ = (examples.count + batch_ - 1) / batch_;
        kept_ = arrays_kept(plan.rule);
        // A small network has nothing to share, so that its numbers, too, are the same for any number of threads.
        small_ = !examples.sparse && plan.clip_norm == 0 && plan.clip_value == 0 && SmallNetwork<R>::fits(layers, batch_);
        tiny_ = small_ && TinyNetwork<R>::fits(layers, batch_);
        if (small_) threads = 1;
        for (const Layer<R>& layer : layers) dropout_ = dropout_ || layer.dropout > 0;
        at_once_ = small_ ? batch_ : rows_at_once();
        const long validation_rows = std::min(validation.count, 128L);
        auto reserve = [&](long numbers) { arena_.reserve(numbers * long(sizeof(R))); };
        for (const Layer<R>& layer : layers) {
            const long W = Panels<R>::size(layer.before, layer.units), b = padded<R>(layer.units);
            const long copies = 1 + (layer.trainable ? kept_ + keeps_gradients() + course.watch.keep_best : 0);
            for (long c = 0; c < copies; c++) reserve(W), reserve(b);
            if (!small_) continue;
            const long transposed = Panels<R>::size(layer.units, layer.before);
            for (int c = 0; c < 1 + kept_; c++) reserve(transposed);
            reserve(std::max(layer.before, layer.units) * lanes<R>), reserve(b);  // gradients
        }
        const long rows_of_pass = ((small_ ? std::min(batch_, SmallNetwork<R>::block) : at_once_) + 3) / 4 * 4;
        Pass<R>::reserve(arena_, layers, rows_of_pass, true, bool(examples.sparse));
        for (int t = 0; validation_rows && t < threads; t++) Pass<R>::reserve(arena_, layers, validation_rows, false);
        arena_.reserve(examples.count * long(sizeof(int32_t)));
        arena_.allocate();

        own_.resize(L);
        for (std::size_t l = 0; l < L; l++) {
            Layer<R>& layer = layers[l];
            auto weights = [&] { return Panels<R>{arena_.take<R>(Panels<R>::size(layer.before, layer.units)), layer.before, layer.units}; };
            auto biases = [&] { return arena_.take<R>(padded<R>(layer.units)); };
            layer.W = weights(), layer.b = biases();
            if (layer.trainable) {
                for (int s = 0; s < kept_; s++) own_[l].W[s] = weights(), own_[l].b[s] = biases();
                if (keeps_gradients()) own_[l].G = weights(), own_[l].g = biases();
                if (course.watch.keep_best) own_[l].best_W = weights(), own_[l].best_b = biases();
            }
            if (small_) layer.W_transposed = {arena_.take<R>(Panels<R>::size(layer.units, layer.before)), layer.units, layer.before};
        }
        pass_ = Pass<R>(arena_, layers, rows_of_pass, true, bool(examples.sparse));
        if (examples.sparse) entries_.reserve(layers[0].before, examples.sparse.most_entries(examples.count, at_once_));
        updates_ = BlockUpdates<R>(layers, plan.clip_norm, R(plan.clip_value));
        validation_passes_.clear();
        for (int t = 0; validation_rows && t < threads; t++) validation_passes_.emplace_back(arena_, layers, validation_rows, false);
        order_ = arena_.take<int32_t>(examples.count);
        partial_.assign(std::size_t(threads), {0, {Powers(plan.constants[0]), Powers(plan.constants[1])}});
        for (auto& costs : group_costs_) costs.resize(std::size_t((batch_ + whole_rows - 1) / whole_rows));

        for (std::size_t l = 0; l < L; l++) read(l);
        for (Examples<R>* rows_of : {&examples, &validation})
            if (plan.criterion.loss == Loss::softmax_categorical_cross_entropy) sum_targets(*rows_of);
        double weights = 0;
        for (const Layer<R>& layer : layers) {
            weights += double(layer.before) * double(layer.units);
            if (!layer.trainable) decay_of_frozen_ += weight_squares(layer);
        }
        course.begin(epochs, 6 * weights * double(examples.count + validation.count), 6 * weights * double(batch_));
        if (small_) make_small();
    }

    void run(Limits& limits) {
        together(threads, [&](int member, Barrier& barrier) { work(member, barrier, limits); });
        course.stop_clock();
        tiny_ ? tiny_network_.write() : small_network_.write();
        for (std::size_t l = 0; l < layers.size(); l++) write(l);
    }

    // The outputs of N examples, without anything kept on the way.
    void predict(const R* X, R* out, long N, int members) {
        const long block = std::min(N, 128L), blocks = N ? (N + block - 1) / block : 0;
        for (const Layer<R>& layer : layers) {
            arena_.reserve(Panels<R>::size(layer.before, layer.units) * long(sizeof(R)));
            arena_.reserve(padded<R>(layer.units) * long(sizeof(R)));
        }
        for (int m = 0; m < members; m++) Pass<R>::reserve(arena_, layers, block, false);
        arena_.allocate();
        for (std::size_t l = 0; l < layers.size(); l++) {
            Layer<R>& layer = layers[l];
            layer.W = {arena_.take<R>(Panels<R>::size(layer.before, layer.units)), layer.before, layer.units};
            layer.b = arena_.take<R>(padded<R>(layer.units));
            layer.trainable = false;
            read(l);
        }
        const Readable<R> from(X, N, layers.front().before);
        std::vector<Pass<R>> passes;
        for (int m = 0; m < members; m++) passes.emplace_back(arena_, layers, block, false);
        together(members, [&](int member, Barrier&) {
            Pass<R>& pass = passes[std::size_t(member)];
            for (long b = blocks * member / members; b < blocks * (member + 1) / members; b++) {
                const long start = b * block, count = std::min(block, N - start);
                gather<R>(pass.a[0], from, nullptr, start, 0, count);
                forward<R>(layers, pass, 0, count, false);
                const Panels<R> A = pass.a.back();
                for (long p = 0; p < A.count(); p++)
                    for (long i = 0; i < count; i++)
                        std::memcpy(out + (start + i) * A.columns + p * panel_width<R>, A.at(p, i), std::size_t(A.used(p)) * sizeof(R));
            }
        });
    }

  private:
    Arena arena_;
    std::vector<Own<R>> own_;  // of each layer
    BlockUpdates<R> updates_;
    Pass<R> pass_;
    std::vector<Pass<R>> validation_passes_;
    struct alignas(64) Partial {
        long right = 0;
        Powers powers[2];
    };
    std::vector<Partial> partial_;  // of each member
    int32_t* order_ = nullptr;
    EntriesByPanel<R> entries_;  // of sparse inputs
    long batch_ = 1, per_epoch_ = 1, at_once_ = 1;
    std::size_t lowest_ = 0;  // the first layer that learns, counted from 0
    int kept_ = 0;
    double decay_of_frozen_ = 0;  // the squares of the weights that do not learn, summed
    std::vector<double> group_costs_[2];  // of each `whole_rows` examples of a batch
    bool dropout_ = false, abandoned_ = false;
    bool small_ = false, tiny_ = false;  // a tiny network is a small one, too
    SmallNetwork<R> small_network_;
    TinyNetwork<R> tiny_network_;

    void make_small() {
        std::vector<SmallLayer<R>> small;
        const std::size_t L = layers.size();
        for (std::size_t l = 0; l < L; l++) {
            const Layer<R>& layer = layers[l];
            const Own<R>& own = own_[l];
            R *G = arena_.take<R>(std::max(layer.before, layer.units) * lanes<R>), *g = arena_.take<R>(padded<R>(layer.units));
            small.push_back({layer.before, layer.units, pass_.a[l].width(0), layer.activation, layer.parameter, layer.has_bias,
                             layer.W.data, layer.b, layer.W_transposed.data, G, g, own.W[0].data, own.b[0], own.W[1].data, own.b[1],
                             pass_.a[l].data, l + 1 == L ? pass_.z.data : pass_.a[l + 1].data, pass_.a[l + 1].data,
                             pass_.slope[l + 1].data, pass_.delta[l + 1].data, pass_.delta[l].data});
        }
        OutputsByUnit<R> outputs(layers.back(), plan.criterion, plan.counts, plan.middle, pass_);
        if (tiny_) {
            tiny_network_ = TinyNetwork<R>(layers, small, outputs);
            return;
        }
        R* states[2] = {};
        const bool few = SmallNetwork<R>::has_few_outputs(layers);
        for (int s = 0; few && s < kept_; s++)
            states[s] = arena_.take<R>(Panels<R>::size(layers.back().units, layers.back().before));
        small_network_ = SmallNetwork<R>(std::move(small), few ? &outputs : nullptr, states);
    }

    // ---- in and out -----------------------------------------------------------------------------------------------

    void read(std::size_t l) {
        Layer<R>& layer = layers[l];
        const Arrays& from = arrays[l];
        from_rows<R>(layer.W, from.W);
        if (from.b) std::memcpy(layer.b, from.b, std::size_t(layer.units) * sizeof(R));
        R *const W[] = {from.W1, from.W2}, *const b[] = {from.b1, from.b2};
        for (int s = 0; layer.trainable && s < kept_; s++) {
            from_rows<R>(own_[l].W[s], W[s]);
            if (b[s]) std::memcpy(own_[l].b[s], b[s], std::size_t(layer.units) * sizeof(R));
        }
    }
    void write(std::size_t l) {
        const Layer<R>& layer = layers[l];
        const Arrays& to = arrays[l];
        if (!layer.trainable) return;
        const std::size_t units = std::size_t(layer.units) * sizeof(R);
        to_rows<R>(to.W, layer.W);
        if (to.b) std::memcpy(to.b, layer.b, units);
        R *const W[] = {to.W1, to.W2}, *const b[] = {to.b1, to.b2};
        for (int s = 0; s < kept_; s++) {
            to_rows<R>(W[s], own_[l].W[s]);
            if (b[s]) std::memcpy(b[s], own_[l].b[s], units);
        }
        if (to.best_W && course.watch.best_epoch > 0) {
            to_rows<R>(to.best_W, own_[l].best_W);
            if (to.best_b) std::memcpy(to.best_b, own_[l].best_b, units);
        }
    }

    void sum_targets(Examples<R>& of) const {
        const long columns = layers.back().units;
        of.target_sums.assign(std::size_t(of.count), R(0));
        for (long i = 0; i < of.count; i++)
            for (long k = 0; k < columns; k++) of.target_sums[std::size_t(i)] += of.Y.row(i)[k];
    }

    // Bring examples into a pass: rows [first, last) of the batch that begins at `start`.
    void take_examples(const Examples<R>& from, Pass<R>& pass, const int32_t* order, long start, long first, long last,
                       double share) const {
        if (!from.sparse) gather<R>(pass.a[0], from.X, order, start, first, last);
        take_targets<R>(from, pass, order, start, first, last, share);
    }

    // So many examples of a batch are passed forward and back at a time: a large batch in parts whose numbers stay in the
    // caches. Parts are of whole tiles and of whole products, so that no sum depends on their size.
    long rows_at_once() const {
        if (dropout_) return batch_;  // whose masks are drawn layer by layer
        constexpr long bytes = 1L << 20, whole = 3 * rows_of_block_product;
        static_assert(whole % whole_rows == 0);
        long numbers = examples.sparse ? 0 : padded<R>(layers[0].before);
        for (const Layer<R>& layer : layers) numbers += 3 * padded<R>(layer.units);
        return std::min(batch_, std::max(whole, bytes / (numbers * long(sizeof(R))) / whole * whole));
    }
    bool keeps_gradients() const { return plan.clip_norm > 0 || at_once_ < batch_; }

    // ---- the loop -------------------------------------------------------------------------------------------------

    void work(int member, Barrier& barrier, Limits& limits) {
        const bool reordered = plan.shuffle && batch_ < examples.count;
        Partial& mine = partial_[std::size_t(member)];
        for (long epoch = 0; epoch < epochs; epoch++) {
            if (member == 0 && reordered) generator->permutation(order_, examples.count);
            mine.right = 0;
            barrier.wait();
            EpochRow row{};
            for (long batch = 0; batch < per_epoch_; batch++) {
                const int32_t* order = reordered ? order_ + batch * batch_ : nullptr;
                const bool finite = tiny_    ? small_step(tiny_network_, epoch, batch, order, row)
                                    : small_ ? small_step(small_network_, epoch, batch, order, row)
                                             : step(member, barrier, epoch, batch, order, row);
                if (!finite) {
                    if (member == 0) course.end = End::not_finite, failed_batch = batch;
                    return;
                }
                if (course.looks_within(epoch, batch + 1) && interrupted_within(member, barrier, limits)) return;
            }
            if (small_ && (validation.count || course.watch.keep_best)) tiny_ ? tiny_network_.write_weights() : small_network_.write_weights();
            if (validation.count) validate(member, barrier, row);
            if (member == 0) {
                long right = 0;
                for (const Partial& one : partial_) right += one.right;
                row.accuracy = plan.counts ? double(right) / double(examples.count) : std::nan("");
                row.learning_rate = rate_of(epoch, 0);
                course.add(row, validation.count > 0, limits, [&] { keep(); });
            }
            barrier.wait();
            if (course.over()) return;
        }
    }

    bool interrupted_within(int member, Barrier& barrier, Limits& limits) {
        if (member == 0) abandoned_ = course.interrupted(limits);
        barrier.wait();
        // Not `course.over()`: member 0 may come to the end of the epoch before another has come to read it here.
        return abandoned_;
    }

    void keep() {
        for (std::size_t l = 0; l < layers.size(); l++) {
            if (!layers[l].trainable) continue;
            std::memcpy(own_[l].best_W.data, layers[l].W.data, std::size_t(Panels<R>::size(layers[l].before, layers[l].units)) * sizeof(R));
            std::memcpy(own_[l].best_b, layers[l].b, std::size_t(layers[l].units) * sizeof(R));
        }
    }

    // The share of `count` rows that a member works on, in whole tiles so that no sum depends on the number of threads.
    void my_rows(int member, long count, long& first, long& last) const {
        const long tiles = (count + whole_rows - 1) / whole_rows;
        first = std::min(count, tiles * member / threads * whole_rows);
        last = std::min(count, tiles * (member + 1) / threads * whole_rows);
    }

    // ---- one update; false where a number is not finite -------------------------------------------------------------

    bool step(int member, Barrier& barrier, long epoch, long batch, const int32_t* order, EpochRow& row) {
        const long N = examples.count, start = batch * batch_, count = std::min(batch_, N - start);
        if (dropout_) {
            for (std::size_t l = 0; member == 0 && l + 1 < layers.size(); l++)
                if (layers[l].dropout > 0) draw_mask(l, count);
            barrier.wait();
        }
        // A member may be a step ahead of another that still sums up, so costs are written to one place and the other.
        double* const costs = group_costs_[batch % 2].data();
        const bool in_parts = at_once_ < count;
        for (long done = 0; done < count; done += at_once_) {
            const long some = std::min(at_once_, count - done);
            pass_on(member, order ? order + done : nullptr, start + done, some, count, costs + done / whole_rows);
            barrier.wait();
            if (!in_parts) break;
            updates_.add(layers, own_, source(some, done > 0), member, threads);
            barrier.wait();
        }
        const double decay = decay_of(count);
        with_update(member, updates + 1, rate_of(epoch, batch), decay, [&](auto rule, R lambda, R shrink) {
            const auto all = source(count, false);
            updates_.run(layers, own_, in_parts ? nullptr : &all, member, threads, barrier, rule, lambda, shrink);
        });
        barrier.wait();

        // Every member sums up for itself what all have found, in one order, and so comes to the same decision.
        double J = 0;
        for (long group = 0; group * whole_rows < count; group++) J += costs[group];
        if (member == 0) updates++;
        return add_update(row, J, updates_.sums(), count, decay);
    }

    // A member's share of some examples of a batch of `all` forward and back; the costs of each `whole_rows` of them.
    void pass_on(int member, const int32_t* order, long start, long count, long all, double* costs) {
        const SparseBatch<R> batch{examples.sparse, order, start};
        if (member == 0 && examples.sparse) entries_.take(batch, count);
        long first, last;
        my_rows(member, count, first, last);
        if (first >= last) return;
        take_examples(examples, pass_, order, start, first, last, plan.mean ? 1.0 / double(all) : 1.0);
        forward<R>(layers, pass_, first, last, true, examples.sparse ? &batch : nullptr);
        for (long group = first; group < last; group += whole_rows)
            costs[group / whole_rows] = plan.criterion(layers.back(), pass_, true, group, std::min(last, group + whole_rows));
        if (plan.counts) partial_[std::size_t(member)].right += count_right(examples, pass_, order, start, first, last);
        for (std::size_t l = layers.size(); l > lowest_ + 1; l--)
            send_back<R>(layers[l - 1], layers[l - 2], pass_, l, all, first, last);
    }
    typename BlockUpdates<R>::Source source(long count, bool begun) const {
        return {pass_, examples.sparse ? &entries_ : nullptr, count, begun};
    }

    // An update is done, of `count` examples whose costs sum up to J; false where a number is not finite.
    bool add_update(EpochRow& row, double J, const WeightSums<R>& sums, long count, double decay) const {
        if (decay > 0 && !plan.decoupled) J += 0.5 * decay * (double(sum<R>(sums.weight_squares)) + decay_of_frozen_);
        const double norm = std::sqrt(double(sum<R>(sums.gradient_squares + sums.spoilt)));
        row.cost += plan.mean ? J * double(count) / double(examples.count) : J;
        row.norm = std::max(row.norm, norm);
        return std::isfinite(J) && std::isfinite(norm);
    }

    double decay_of(long count) const {
        if (!plan.mean) return plan.weight_decay * double(count) / double(examples.count);
        return plan.decay_is_shared ? plan.weight_decay / double(count) : plan.weight_decay;
    }
    double rate_of(long epoch, long batch) const { return course.watch.plateau_factor * learning_rates[epoch * per_epoch_ + batch]; }

    // Call `use` with the update rule, the weight decay in the gradient, and the share by which weights shrink apart from it.
    template <class Use>
    void with_update(int member, long number, double rate, double decay, Use&& use) {
        with_rule<R>(plan.rule, plan.constants, rate, number, partial_[std::size_t(member)].powers, [&](auto rule) {
            use(rule, plan.decoupled ? R(0) : R(decay), plan.decoupled ? R(rate * plan.weight_decay) : R(0));
        });
    }

    // The same for a small or a tiny network.
    template <class Network>
    bool small_step(Network& network, long epoch, long batch, const int32_t* order, EpochRow& row) {
        const long N = examples.count, start = batch * batch_, count = std::min(batch_, N - start);
        double J = 0;
        for (long first = 0; first < count; first += Network::block) {
            const long some = std::min(Network::block, count - first);
            const int32_t* some_order = order ? order + first : nullptr;
            network.take(examples, pass_, some_order, start + first, some, plan.mean ? 1.0 / double(count) : 1.0);
            J += network.pass(plan.criterion, pass_, layers.back(), some, first > 0);
            if (plan.counts && !network.outputs())
                partial_[0].right += count_right(examples, pass_, some_order, start + first, 0, some);
        }
        if (plan.counts && network.outputs()) partial_[0].right += std::exchange(network.outputs()->right, 0);
        const double decay = decay_of(count);
        WeightSums<R> sums;
        with_update(0, ++updates, rate_of(epoch, batch), decay,
                    [&](auto rule, R lambda, R shrink) { sums = network.update(rule, lambda, shrink); });
        return add_update(row, J, sums, count, decay);
    }

    void draw_mask(std::size_t l, long count) {
        const Layer<R>& layer = layers[l];
        const R kept = R(1.0 / (1.0 - layer.dropout));
        for (long i = 0; i < count; i++)
            for (long k = 0; k < layer.units; k++) pass_.mask[l + 1](i, k) = generator->uniform() >= float(layer.dropout) ? kept : R(0);
    }

    long count_right(const Examples<R>& of, const Pass<R>& pass, const int32_t* order, long start, long first, long last) const {
        const Panels<R> A = pass.a.back();
        long right = 0;
        for (long i = first; i < last; i++) {
            const long example = order ? order[i] : start + i;
            const int32_t label = of.labels[example];
            if (A.columns == 1) {
                right += (A(i, 0) > R(plan.middle)) == (label == 1);
                continue;
            }
            const R most = A(i, label);
            bool is_first_largest = true;
            for (long k = 0; k < label && is_first_largest; k++) is_first_largest = A(i, k) < most;
            for (long k = label + 1; k < A.columns && is_first_largest; k++) is_first_largest = A(i, k) <= most;
            right += is_first_largest;
        }
        return right;
    }

    // ---- the validation rows --------------------------------------------------------------------------------------

    void validate(int member, Barrier& barrier, EpochRow& row) {
        Pass<R>& pass = validation_passes_[std::size_t(member)];
        const long block = pass.a[0].rows, N = validation.count;
        const long blocks = (N + block - 1) / block;
        double cost = 0;
        long right = 0;
        // Sums of whole blocks, added up in the order of the blocks whoever computed them.
        if (member == 0) block_costs_.assign(std::size_t(blocks), 0.0), block_right_.assign(std::size_t(blocks), 0);
        barrier.wait();
        for (long b = blocks * member / threads; b < blocks * (member + 1) / threads; b++) {
            const long start = b * block, count = std::min(block, N - start);
            take_examples(validation, pass, nullptr, start, 0, count, 1.0);
            forward<R>(layers, pass, 0, count, false);
            block_costs_[std::size_t(b)] = plan.criterion(layers.back(), pass, false, 0, count);
            if (plan.counts) block_right_[std::size_t(b)] = count_right(validation, pass, nullptr, start, 0, count);
        }
        barrier.wait();
        if (member != 0) return;
        for (long b = 0; b < blocks; b++) cost += block_costs_[std::size_t(b)], right += block_right_[std::size_t(b)];
        row.validation_cost = plan.mean ? cost / double(N) : cost;
        if (plan.validation_decay > 0) {
            double squares = decay_of_frozen_;
            for (const Layer<R>& layer : layers)
                if (layer.trainable) squares += weight_squares(layer);
            row.validation_cost += 0.5 * plan.validation_decay * squares;
        }
        row.validation_accuracy = plan.counts ? double(right) / double(N) : std::nan("");
    }
    std::vector<double> block_costs_;
    std::vector<long> block_right_;

    static double weight_squares(const Layer<R>& layer) {
        double total = 0;
        for (long p = 0; p < layer.W.count(); p++)
            for (long i = 0; i < layer.before; i++)
                for (long k = 0; k < layer.W.used(p); k++) total += double(layer.W.at(p, i)[k]) * double(layer.W.at(p, i)[k]);
        return total;
    }
};

}  // namespace chainrule
