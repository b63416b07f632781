// Training: whole epochs in one call, without allocating anything on the way.
#pragma once

#include <chrono>
#include <cmath>
#include <limits>

#include "network.h"
#include "random.h"
#include "team.h"
#include "update_rules.h"

namespace chainrule {

// Examples as they came, in C order; nothing is copied.
template <class R>
struct Examples {
    const R *X = nullptr, *Y = nullptr, *shares = nullptr;  // shares: sample weights over their mean, or nullptr
    const int32_t* labels = nullptr;                        // the column of each row's largest target; nullptr: not counted
    long count = 0;
};

// What is watched from epoch to epoch: training/loop.py has the same policy for the other engines.
struct Watch {
    double watched_cost = 0, target_cost = 0;
    long waited = 0, best_epoch = 0, patience = 0;
    bool keep_best = false;
    double plateau_factor = 1, plateau_best = 0, reduce_by = 1;
    long plateau_waited = 0, plateau_patience = 0;
};

enum class End { epochs, time, target, patience, not_finite, validation_not_finite, interrupted };

struct EpochRow {
    double cost, accuracy, norm, validation_cost, validation_accuracy, seconds, learning_rate;
};

using Clock = std::chrono::steady_clock;

// When to return early, and how to hear of it.
struct Limits {
    Clock::time_point deadline;
    std::atomic<bool>* interrupted;
    std::function<void()> look;  // sets *interrupted; called by the calling thread alone
};

template <class R>
struct Plan {
    Criterion<R> criterion;
    Rule rule{};
    double constants[4] = {};
    long batch = 1;
    bool mean = true, shuffle = false, decoupled = false;
    double weight_decay = 0, clip_norm = 0, clip_value = 0, middle = 0;
    bool counts = false;
};

// A sum of squares: sum * scale^2. The scale is 1 unless the squares are beyond the numbers of type R.
struct SumOfSquares {
    double sum = 0, scale = 1;
};

// Sums over a block of weights.
struct BlockSums {
    SumOfSquares gradient, clipped;
    double weight_squares = 0, spoilt = 0;
};

template <class R>
class Trainer {
  public:
    using V = Vector<R>;

    std::vector<Layer<R>> layers;
    Plan<R> plan;
    Examples<R> examples, validation;
    Watch watch;
    const BitGenerator* generator = nullptr;
    const double* learning_rates = nullptr;  // (epochs, updates)
    long epochs = 0, updates = 0;            // of this call; updates made before it
    std::vector<EpochRow> rows;
    End end = End::epochs;
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
        const long validation_rows = std::min(validation.count, 128L);
        auto sizes = [&](auto&& one) {
            for (const Layer<R>& layer : layers) {
                const long W = Panels<R>::size(layer.before, layer.units), b = padded<R>(layer.units);
                const long copies = 1 + (layer.trainable ? kept_ + (plan.clip_norm > 0) + watch.keep_best : 0);
                for (long c = 0; c < copies; c++) one(W), one(b);
                one(Panels<R>::size(layer.units, layer.before));
            }
        };
        sizes([&](long n) { arena_.reserve(n * long(sizeof(R))); });
        Pass<R>::reserve(arena_, layers, batch_, true);
        for (int t = 0; validation_rows && t < threads; t++) Pass<R>::reserve(arena_, layers, validation_rows, false);
        arena_.reserve(batch_ * long(sizeof(R)));
        arena_.reserve(examples.count * long(sizeof(int32_t)));
        arena_.allocate();

        own_.resize(L);
        blocks_.clear();
        for (std::size_t l = 0; l < L; l++) {
            Layer<R>& layer = layers[l];
            auto weights = [&] { return Panels<R>{arena_.take<R>(Panels<R>::size(layer.before, layer.units)), layer.before, layer.units}; };
            auto biases = [&] { return arena_.take<R>(padded<R>(layer.units)); };
            layer.W = weights(), layer.b = biases();
            if (layer.trainable) {
                for (int s = 0; s < kept_; s++) own_[l].W[s] = weights(), own_[l].b[s] = biases();
                if (plan.clip_norm > 0) own_[l].G = weights(), own_[l].g = biases();
                if (watch.keep_best) own_[l].best_W = weights(), own_[l].best_b = biases();
            }
            layer.W_transposed = {arena_.take<R>(Panels<R>::size(layer.units, layer.before)), layer.units, layer.before};
            if (layer.trainable)
                for (long j = 0; j < layer.W.count(); j++)
                    for (long p = 0; p * panel_width<R> < layer.before; p++) blocks_.push_back({long(l), p, j, {}});
        }
        pass_ = Pass<R>(arena_, layers, batch_, true);
        validation_passes_.clear();
        for (int t = 0; validation_rows && t < threads; t++) validation_passes_.emplace_back(arena_, layers, validation_rows, false);
        shares_ = arena_.take<R>(batch_);
        order_ = arena_.take<int32_t>(examples.count);
        partial_.resize(std::size_t(threads));
        for (auto& costs : group_costs_) costs.resize(std::size_t((batch_ + whole_rows - 1) / whole_rows));
        rows.reserve(std::size_t(epochs));

        for (std::size_t l = 0; l < L; l++) read(l);
        double weights = 0;
        for (const Layer<R>& layer : layers) {
            weights += double(layer.before) * double(layer.units);
            if (!layer.trainable) decay_of_frozen_ += weight_squares(layer);
            dropout_ = dropout_ || layer.dropout > 0;
        }
        // A look at the clock takes as long as some thousands of multiplications, a hundred million take some milliseconds.
        look_every_ = std::max(1L, long(1e6 / (6 * weights * double(examples.count + validation.count))));
        steps_between_looks_ = std::max(1L, long(1e8 / (6 * weights * double(batch_) + 1000)));
        began_ = now_ = Clock::now();

        const bool any = fewest_rows_for_transposed <= batch_;
        for (std::size_t l = lowest_ + 1; any && l < L; l++)
            for (long j = 0; j < layers[l].W.count(); j++)
                for (long p = 0; p * panel_width<R> < layers[l].before; p++) transpose_block(layers[l], p, j);
    }

    void run(Limits& limits) {
        if (threads == 1) {
            Barrier barrier(1);
            work(0, barrier, limits);
        } else {
            Barrier barrier(threads);
            together(threads, [&](int member) { work(member, barrier, limits); });
        }
        if (!rows.empty()) rows.back().seconds = std::chrono::duration<double>(Clock::now() - began_).count();
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
        std::vector<Pass<R>> passes;
        for (int m = 0; m < members; m++) passes.emplace_back(arena_, layers, block, false);
        together(members, [&](int member) {
            Pass<R>& pass = passes[std::size_t(member)];
            for (long b = blocks * member / members; b < blocks * (member + 1) / members; b++) {
                const long start = b * block, count = std::min(block, N - start);
                gather<R>(pass.a[0], X, N, nullptr, start, 0, count);
                forward<R>(layers, pass, 0, count, false);
                const Panels<R> A = pass.a.back();
                for (long p = 0; p < A.count(); p++)
                    for (long i = 0; i < count; i++)
                        std::memcpy(out + (start + i) * A.columns + p * panel_width<R>, A.at(p, i), std::size_t(A.used(p)) * sizeof(R));
            }
        });
    }

  private:
    struct Own {
        Panels<R> W[2], G, best_W;
        R *b[2] = {}, *g = nullptr, *best_b = nullptr;
    };
    struct Block {  // the weights between the units of panel p of one layer and panel j of the next
        long layer, p, j;
        BlockSums sums;
    };

    Arena arena_;
    std::vector<Own> own_;
    std::vector<Block> blocks_;
    Pass<R> pass_;
    std::vector<Pass<R>> validation_passes_;
    struct alignas(64) Partial {
        long right = 0;
    };
    std::vector<Partial> partial_;  // of each member
    R* shares_ = nullptr;
    int32_t* order_ = nullptr;
    long batch_ = 1, per_epoch_ = 1;
    std::size_t lowest_ = 0;  // the first layer that learns, counted from 0
    int kept_ = 0;
    double decay_of_frozen_ = 0;  // the squares of the weights that do not learn, summed
    std::vector<double> group_costs_[2];  // of each `whole_rows` examples of a batch
    bool dropout_ = false, finished_ = false;
    Clock::time_point began_, now_;
    long look_every_ = 1, since_look_ = 0;  // epochs between two looks at the clock
    long steps_between_looks_ = 1;             // in the first epoch of a call

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
        if (to.best_W && watch.best_epoch > 0) {
            to_rows<R>(to.best_W, own_[l].best_W);
            if (to.best_b) std::memcpy(to.best_b, own_[l].best_b, units);
        }
    }

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
                if (!step(member, barrier, epoch, batch, reordered ? order_ + batch * batch_ : nullptr, row)) {
                    if (member == 0) end = End::not_finite, failed_batch = batch;
                    return;
                }
                if (epoch == 0 && (batch + 1) % steps_between_looks_ == 0 && interrupted_within(member, barrier, limits)) return;
            }
            if (validation.count) validate(member, barrier, row);
            if (member == 0) {
                long right = 0;
                for (const Partial& one : partial_) right += one.right;
                row.accuracy = plan.counts ? double(right) / double(examples.count) : std::nan("");
                row.learning_rate = watch.plateau_factor * learning_rates[epoch * per_epoch_];
                after_epoch(row, limits);
            }
            barrier.wait();
            if (finished_) return;
        }
    }

    // An interrupt in the first epoch of a call; later epochs are known to be short.
    bool interrupted_within(int member, Barrier& barrier, Limits& limits) {
        if (member == 0) {
            if (limits.look) limits.look();
            if (limits.interrupted->load(std::memory_order_relaxed)) end = End::interrupted, finished_ = true;
        }
        barrier.wait();
        return finished_;
    }

    void after_epoch(EpochRow row, Limits& limits) {
        const bool validated = validation.count > 0;
        if (!validated) row.validation_cost = row.validation_accuracy = std::nan("");
        row.seconds = std::chrono::duration<double>(now_ - began_).count();
        rows.push_back(row);
        if (validated && !std::isfinite(row.validation_cost)) {
            end = End::validation_not_finite, finished_ = true;
            return;
        }
        const double watched = validated ? row.validation_cost : row.cost;
        const bool fell = watched < watch.watched_cost;
        if (fell) watch.watched_cost = watched;
        watch.waited = fell ? 0 : watch.waited + 1;
        if (fell || !watch.keep_best) {
            watch.best_epoch = long(rows.size());
            if (watch.keep_best) keep();
        }
        if (watch.plateau_patience) {
            if (watched < watch.plateau_best)
                watch.plateau_best = watched, watch.plateau_waited = 0;
            else if (watch.plateau_waited + 1 < watch.plateau_patience)
                watch.plateau_waited++;
            else
                watch.plateau_factor *= watch.reduce_by, watch.plateau_waited = 0;
        }
        if (row.cost <= watch.target_cost) {
            end = End::target, finished_ = true;
        } else if (watch.patience && watch.waited >= watch.patience) {
            end = End::patience, finished_ = true;
        } else if (++since_look_ >= look_every_) {
            since_look_ = 0;
            now_ = Clock::now();
            if (now_ >= limits.deadline) end = End::time, finished_ = true;
            if (limits.look) limits.look();
            if (limits.interrupted->load(std::memory_order_relaxed)) end = End::interrupted, finished_ = true;
        }
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
        long first, last;
        my_rows(member, count, first, last);
        if (first < last) {
            gather<R>(pass_.a[0], examples.X, N, order, start, first, last);
            gather<R>(pass_.y, examples.Y, N, order, start, first, last);
            const double share = plan.mean ? 1.0 / double(count) : 1.0;
            for (long i = first; i < last; i++)
                shares_[i] = examples.shares ? R(share * double(examples.shares[order ? order[i] : start + i])) : R(share);
            forward<R>(layers, pass_, first, last, true);
            plan.criterion(layers.back(), pass_, shares_, true, first, last);
            for (long group = first; group < last; group += whole_rows) {
                double cost = 0;
                for (long i = group; i < std::min(last, group + whole_rows); i++) cost += double(shares_[i]) * pass_.costs[i];
                costs[group / whole_rows] = cost;
            }
            if (plan.counts) partial_[std::size_t(member)].right += count_right(examples, pass_, order, start, first, last);
            for (std::size_t l = layers.size(); l > lowest_ + 1; l--)
                send_back<R>(layers[l - 1], layers[l - 2], pass_, l, count, first, last);
        }
        barrier.wait();

        const double rate = watch.plateau_factor * learning_rates[epoch * per_epoch_ + batch];
        const double decay = plan.weight_decay * (plan.mean ? 1.0 : double(count) / double(N));
        gradients_and_updates(member, barrier, count, rate, decay);
        barrier.wait();

        // Every member sums up for itself what all have found, in one order, and so comes to the same decision.
        double J = 0, weights = decay_of_frozen_, spoilt = 0;
        for (long group = 0; group * whole_rows < count; group++) J += costs[group];
        for (const Block& block : blocks_) {
            weights += block.sums.weight_squares;
            spoilt += block.sums.spoilt;
        }
        if (decay > 0 && !plan.decoupled) J += 0.5 * decay * weights;
        const double norm = norm_of(&BlockSums::gradient);
        row.cost += plan.mean ? J * double(count) / double(N) : J;
        row.norm = std::max(row.norm, norm);
        if (member == 0) updates++;
        return std::isfinite(J) && std::isfinite(norm) && spoilt == 0;
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

    void gradients_and_updates(int member, Barrier& barrier, long count, double rate, double decay) {
        const long many = long(blocks_.size());
        const long first = many * member / threads, last = many * (member + 1) / threads;
        with_rule<R>(plan.rule, plan.constants, rate, updates + 1, [&](auto rule) {
            if (!(plan.clip_norm > 0)) {
                for (long i = first; i < last; i++) {
                    Block& block = blocks_[std::size_t(i)];
                    alignas(64) R G[panel_width<R> * panel_width<R>];
                    alignas(64) R g[panel_width<R>];
                    block.sums = {};
                    gradient(block, count, G, g);
                    block_sums(block, G, g, decay);
                    update(block, G, g, rule, rate, R(1));
                }
                return;
            }
            for (long i = first; i < last; i++) {
                Block& block = blocks_[std::size_t(i)];
                Own& own = own_[std::size_t(block.layer)];
                block.sums = {};
                R *G = own.G.at(block.j, block.p * panel_width<R>), *g = own.g + block.j * panel_width<R>;
                gradient(block, count, G, g);
                block_sums(block, G, g, decay);
            }
            barrier.wait();
            const double norm = norm_of(&BlockSums::clipped);
            const R factor = norm <= plan.clip_norm ? R(1) : R(plan.clip_norm / norm);
            for (long i = first; i < last; i++) {
                Block& block = blocks_[std::size_t(i)];
                Own& own = own_[std::size_t(block.layer)];
                update(block, own.G.at(block.j, block.p * panel_width<R>), own.g + block.j * panel_width<R>, rule, rate, factor);
            }
        });
    }

    // dJ/dW of a block, before weight decay, and dJ/db with the first block of each panel of units.
    void gradient(const Block& block, long count, R* G, R* g) {
        const std::size_t l = std::size_t(block.layer);
        const Panels<R> A = pass_.a[l], delta = pass_.delta[l + 1];
        multiply_block<R>(G, A, delta, count, block.p, block.j);
        if (block.p > 0 || !layers[l].has_bias) return;
        const long width = delta.width(block.j);
        V sums[tile_vectors] = {};
        for (long i = 0; i < count; i++)
            for (long k = 0; k < delta.vectors(block.j); k++) sums[k] += load(delta.at(block.j, i) + k * lanes<R>);
        for (long k = 0; k < width / lanes<R>; k++) store<R>(g + k * lanes<R>, sums[k]);
    }

    bool with_bias(const Block& block) const { return block.p == 0 && layers[std::size_t(block.layer)].has_bias; }
    long numbers(const Block& block) const {
        const Layer<R>& layer = layers[std::size_t(block.layer)];
        return std::min(panel_width<R>, layer.before - block.p * panel_width<R>) * layer.W.width(block.j);
    }

    // Add the weight decay to the gradient, sum its squares, cut it.
    void block_sums(Block& block, R* G, R* g, double decay) {
        const Layer<R>& layer = layers[std::size_t(block.layer)];
        const R lambda = plan.decoupled ? R(0) : R(decay);
        const R* W = lambda > 0 ? layer.W.at(block.j, block.p * panel_width<R>) : nullptr;
        const long n = numbers(block), n_biases = with_bias(block) ? layer.W.width(block.j) : 0;
        V squares{}, weight_squares{};
        auto add = [&](R* gradients, const R* weights, long count) {
            for (long k = 0; k < count; k += lanes<R>) {
                V v = load(gradients + k);
                if (weights) {
                    const V w = load(weights + k);
                    v += lambda * w;
                    weight_squares += w * w;
                    store<R>(gradients + k, v);
                }
                squares += v * v;
            }
        };
        add(G, W, n), add(g, nullptr, n_biases);
        block.sums.gradient = block.sums.clipped = squares_of(double(sum<R>(squares)), G, n, g, n_biases);
        block.sums.weight_squares = double(sum<R>(weight_squares));
        if (!(plan.clip_value > 0)) return;
        squares = V{};
        auto cut = [&](R* gradients, long count) {
            for (long k = 0; k < count; k += lanes<R>) {
                const V v = clamped<R>(load(gradients + k), R(-plan.clip_value), R(plan.clip_value));
                squares += v * v;
                store<R>(gradients + k, v);
            }
        };
        cut(G, n), cut(g, n_biases);
        block.sums.clipped = squares_of(double(sum<R>(squares)), G, n, g, n_biases);
    }

    // That sum of the squares of all numbers in a and b or, where it is infinite, one relative to the largest number.
    static SumOfSquares squares_of(double sum, const R* a, long n_a, const R* b, long n_b) {
        if (std::isfinite(sum)) return {sum, 1};
        double largest = 0, relative = 0;
        auto each = [&](auto&& use) {
            for (long k = 0; k < n_a; k++) use(double(a[k]));
            for (long k = 0; k < n_b; k++) use(double(b[k]));
        };
        each([&](double v) { largest = std::isnan(v) || std::fabs(v) > largest ? std::fabs(v) : largest; });
        if (!std::isfinite(largest)) return {sum, 1};
        each([&](double v) { relative += v / largest * (v / largest); });
        return {relative, largest};
    }

    // The square root of a sum of squares over all blocks.
    double norm_of(SumOfSquares BlockSums::*which) const {
        double scale = 1, sum = 0;
        for (const Block& block : blocks_) scale = std::max(scale, (block.sums.*which).scale);
        for (const Block& block : blocks_) {
            const SumOfSquares& squares = block.sums.*which;
            const double relative = squares.scale == scale ? 1 : squares.scale / scale;
            sum += squares.sum * relative * relative;
        }
        return scale * std::sqrt(sum);
    }

    template <class UpdateRule>
    void update(Block& block, const R* G, const R* g, UpdateRule rule, double rate, R factor) {
        const std::size_t l = std::size_t(block.layer);
        Layer<R>& layer = layers[l];
        Own& own = own_[l];
        const long row = block.p * panel_width<R>, column = block.j * panel_width<R>;
        const R shrink = plan.decoupled ? R(rate * plan.weight_decay) : R(0);
        V spoilt{};
        auto part = [&](R* weights, const R* gradients, R* s1, R* s2, long n, R shrinking) {
            for (long k = 0; k < n; k += lanes<R>) {
                V w = load(weights + k);
                V change = rule(load(gradients + k) * factor, s1 + k, s2 + k);
                if (shrinking != 0) change -= shrinking * w;
                w += change;
                spoilt += w * R(0);  // 0, or NaN where w is not finite
                store<R>(weights + k, w);
            }
        };
        auto kept = [&](int s) { return own.W[s].data ? own.W[s].at(block.j, row) : nullptr; };
        part(layer.W.at(block.j, row), G, kept(0), kept(1), numbers(block), shrink);
        if (with_bias(block))
            part(layer.b + column, g, own.b[0] ? own.b[0] + column : nullptr, own.b[1] ? own.b[1] + column : nullptr,
                 layer.W.width(block.j), R(0));
        block.sums.spoilt = double(sum<R>(spoilt));
        if (l > lowest_ && batch_ >= fewest_rows_for_transposed) transpose_block(layer, block.p, block.j);
    }

    // Write the block's weights into W_transposed, square by square.
    void transpose_block(Layer<R>& layer, long p, long j) {
        const Panels<R> W = layer.W, T = layer.W_transposed;
        const long rows = std::min(panel_width<R>, layer.before - p * panel_width<R>);
        for (long k = 0; k < W.width(j); k += lanes<R>)
            for (long i = 0; i < rows; i += lanes<R>) {
                V square[lanes<R>] = {};
                for (long r = 0; r < lanes<R> && i + r < rows; r++) square[r] = load(W.at(j, p * panel_width<R> + i + r) + k);
                transpose<R>(square);
                for (long r = 0; r < lanes<R> && k + r < W.used(j); r++) store<R>(T.at(p, j * panel_width<R> + k + r) + i, square[r]);
            }
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
            gather<R>(pass.a[0], validation.X, N, nullptr, start, 0, count);
            gather<R>(pass.y, validation.Y, N, nullptr, start, 0, count);
            forward<R>(layers, pass, 0, count, false);
            plan.criterion(layers.back(), pass, nullptr, false, 0, count);
            for (long i = 0; i < count; i++)
                block_costs_[std::size_t(b)] += pass.costs[i] * (validation.shares ? double(validation.shares[start + i]) : 1.0);
            if (plan.counts) block_right_[std::size_t(b)] = count_right(validation, pass, nullptr, start, 0, count);
        }
        barrier.wait();
        if (member != 0) return;
        for (long b = 0; b < blocks; b++) cost += block_costs_[std::size_t(b)], right += block_right_[std::size_t(b)];
        row.validation_cost = plan.mean ? cost / double(N) : cost;
        if (plan.weight_decay > 0 && !plan.decoupled) {
            double squares = decay_of_frozen_;
            for (const Layer<R>& layer : layers)
                if (layer.trainable) squares += weight_squares(layer);
            row.validation_cost += 0.5 * plan.weight_decay * squares;
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
