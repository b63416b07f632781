// Gradients and updates of a network's weights, block by block: each member of a team has blocks of its own.
#pragma once

#include <cmath>
#include <utility>
#include <vector>

#include "network.h"
#include "team.h"
#include "weights.h"

namespace chainrule {

// What is kept of a layer beside its weights: what the update rule remembers, all gradients where they are clipped
// together or those of a batch are summed up part by part, and the best weights so far.
template <class R>
struct Own {
    Panels<R> W[2], G, best_W;
    R *b[2] = {}, *g = nullptr, *best_b = nullptr;
};

template <class R>
class BlockUpdates {
  public:
    BlockUpdates() = default;
    // `clip_norm` and `clip_value` are 0 where nothing is clipped.
    BlockUpdates(const std::vector<Layer<R>>& layers, double clip_norm, R clip_value) : clip_norm_(clip_norm), clip_value_(clip_value) {
        for (std::size_t l = 0; l < layers.size(); l++)
            for (long j = 0; layers[l].trainable && j < layers[l].W.count(); j++)
                for (long p = 0; p * panel_width<R> < layers[l].before; p++) blocks_.push_back({l, p, j, {}});
    }

    // The examples that the gradients come from: the first `count` of a pass, and the entries of their inputs where these
    // are sparse. `begun`: they are added to the gradients that are kept.
    struct Source {
        const Pass<R>& pass;
        const EntriesByPanel<R>* sparse;
        long count;
        bool begun;
    };

    // A member's share of the gradients of one part of a batch, to be kept.
    void add(const std::vector<Layer<R>>& layers, const std::vector<Own<R>>& own, const Source& from, int member, int members) {
        const auto [first, last] = share_of(member, members);
        for (Block* block = first; block < last; block++) gradient(*block, layers[block->layer], from, kept_G(*block, own), kept_g(*block, own));
    }

    // A member's share of one update, from the examples or, for nullptr, from the gradients that are kept.
    template <class UpdateRule>
    void run(std::vector<Layer<R>>& layers, const std::vector<Own<R>>& own, const Source* from, int member, int members,
             Barrier& barrier, UpdateRule rule, R lambda, R shrink) {
        const auto [first, last] = share_of(member, members);
        auto G = [&](const Block& block) { return kept_G(block, own); };
        auto g = [&](const Block& block) { return kept_g(block, own); };
        if (!(clip_norm_ > 0)) {
            alignas(64) R of_block[panel_width<R> * panel_width<R>];
            alignas(64) R of_biases[panel_width<R>];
            for (Block* block = first; block < last; block++) {
                if (from) gradient(*block, layers[block->layer], *from, of_block, of_biases);
                block->sums = {};
                each_part(*block, layers, own, from ? of_block : G(*block), from ? of_biases : g(*block), [&](R* w, R* gradients, R* s1, R* s2, long n, bool decays) {
                    block->sums += complete_and_update<R>(w, gradients, s1, s2, n, rule, decays ? lambda : R(0), clip_value_,
                                                          decays ? shrink : R(0));
                });
            }
            return;
        }
        for (Block* block = first; block < last; block++) {
            if (from) gradient(*block, layers[block->layer], *from, G(*block), g(*block));
            block->sums = {};
            each_part(*block, layers, own, G(*block), g(*block), [&](R* w, R* gradients, R*, R*, long n, bool decays) {
                block->sums += complete<R>(w, gradients, n, decays ? lambda : R(0), clip_value_);
            });
        }
        barrier.wait();
        const double norm = std::sqrt(double(sum<R>(sums().clipped_squares)));
        const R factor = norm <= clip_norm_ ? R(1) : R(clip_norm_ / norm);
        barrier.wait();  // before the sums are written to again
        for (Block* block = first; block < last; block++)
            each_part(*block, layers, own, G(*block), g(*block), [&](R* w, R* gradients, R* s1, R* s2, long n, bool decays) {
                block->sums += update<R>(w, gradients, s1, s2, n, rule, factor, decays ? shrink : R(0));
            });
    }

    // Over all blocks, in one order whoever worked on them.
    WeightSums<R> sums() const {
        WeightSums<R> total;
        for (const Block& block : blocks_) total += block.sums;
        return total;
    }

  private:
    struct Block {  // the weights between the units of panel p of one layer and panel j of the next
        std::size_t layer;
        long p, j;
        WeightSums<R> sums;
    };
    std::vector<Block> blocks_;
    double clip_norm_ = 0;
    R clip_value_ = 0;

    std::pair<Block*, Block*> share_of(int member, int members) {
        const long many = long(blocks_.size());
        return {blocks_.data() + many * member / members, blocks_.data() + many * (member + 1) / members};
    }
    static R* kept_G(const Block& block, const std::vector<Own<R>>& own) { return own[block.layer].G.at(block.j, block.p * panel_width<R>); }
    static R* kept_g(const Block& block, const std::vector<Own<R>>& own) { return own[block.layer].g + block.j * panel_width<R>; }

    // dJ/dW of a block, before weight decay, and dJ/db with the first block of each panel of units.
    static void gradient(const Block& block, const Layer<R>& layer, const Source& from, R* G, R* g) {
        const Panels<R> A = from.pass.a[block.layer], delta = from.pass.delta[block.layer + 1];
        if (block.layer == 0 && from.sparse) {
            const long used = std::min(panel_width<R>, layer.before - block.p * panel_width<R>);
            from.sparse->multiply_block(G, delta, used, block.p, block.j, from.begun);
        } else {
            multiply_block<R>(G, A, delta, from.count, block.p, block.j, from.begun);
        }
        if (block.p > 0 || !layer.has_bias) return;
        Vector<R> sums[tile_vectors] = {};
        for (long k = 0; from.begun && k < delta.vectors(block.j); k++) sums[k] = load(g + k * lanes<R>);
        for (long i = 0; i < from.count; i++)
            for (long k = 0; k < delta.vectors(block.j); k++) sums[k] += load(delta.at(block.j, i) + k * lanes<R>);
        for (long k = 0; k < delta.vectors(block.j); k++) store<R>(g + k * lanes<R>, sums[k]);
    }

    // Call `use` with a block's weights, and with the biases where they belong to it: parameters, gradients, what the
    // rule keeps, how many, and whether they decay.
    template <class Use>
    static void each_part(const Block& block, std::vector<Layer<R>>& layers, const std::vector<Own<R>>& all, R* G, R* g, Use&& use) {
        const Layer<R>& layer = layers[block.layer];
        const Own<R>& own = all[block.layer];
        const long row = block.p * panel_width<R>, column = block.j * panel_width<R>, width = layer.W.width(block.j);
        auto kept = [&](int s) { return own.W[s].data ? own.W[s].at(block.j, row) : nullptr; };
        auto kept_b = [&](int s) { return own.b[s] ? own.b[s] + column : nullptr; };
        use(layer.W.at(block.j, row), G, kept(0), kept(1), std::min(panel_width<R>, layer.before - row) * width, true);
        if (block.p == 0 && layer.has_bias) use(layer.b + column, g, kept_b(0), kept_b(1), width, false);
    }
};

}  // namespace chainrule
