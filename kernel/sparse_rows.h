// Examples with few entries: of X only what is not 0, row by row. Nothing but the first layer takes notice.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <vector>

#include "panels.h"

namespace chainrule {

// Compressed rows: those of row i are entries [starts[i], starts[i + 1]); several of one column count together.
template <class R>
struct SparseRows {
    const R* values = nullptr;
    const int32_t* columns = nullptr;
    const int64_t* starts = nullptr;  // one more than there are rows; nullptr: the examples are dense

    explicit operator bool() const { return starts; }

    // The most entries that `count` of `rows` rows can have together.
    long most_entries(long rows, long count) const {
        std::vector<int64_t> lengths(static_cast<std::size_t>(rows));
        for (long i = 0; i < rows; i++) lengths[std::size_t(i)] = starts[i + 1] - starts[i];
        std::nth_element(lengths.begin(), lengths.begin() + (count - 1), lengths.end(), std::greater<int64_t>());
        return long(std::accumulate(lengths.begin(), lengths.begin() + count, int64_t(0)));
    }
};

// Some of the rows: row i is row order[i] of all, or row start + i.
template <class R>
struct SparseBatch {
    SparseRows<R> from;
    const int32_t* order;
    long start;

    // Call `use` with the column and the value of each entry of row i.
    template <class Use>
    CHAINRULE_INLINE void each_entry(long i, Use&& use) const {
        const long row = order ? long(order[i]) : start + i;
        for (int64_t e = from.starts[row]; e < from.starts[row + 1]; e++) use(long(from.columns[e]), from.values[e]);
    }
};

// C = X Y (+ bias) for rows [first, last) of X and C.
template <class R>
inline void multiply_rows(Panels<R> C, const SparseBatch<R>& X, Panels<R> Y, long first, long last, const R* bias) {
    for (long i = first; i < last; i++)
        for (long j = 0; j < C.count(); j++) {
            const int vectors = C.vectors(j);
            Vector<R> sums[tile_vectors] = {};
            for (int n = 0; bias && n < vectors; n++) sums[n] = load(bias + j * panel_width<R> + n * lanes<R>);
            X.each_entry(i, [&](long column, R value) {
                const R* row = Y.at(j, column);
                for (int n = 0; n < vectors; n++) sums[n] += value * load(row + n * lanes<R>);
            });
            for (int n = 0; n < vectors; n++) store<R>(C.at(j, i) + n * lanes<R>, sums[n]);
        }
}

// The entries of a batch, panel of columns by panel, for its product from the left: in each in the order of the rows.
template <class R>
class EntriesByPanel {
  public:
    void reserve(long columns, long entries) {
        ends_.resize(std::size_t((columns + panel_width<R> - 1) / panel_width<R> + 1));
        entries_.resize(std::size_t(entries));
    }
    void take(const SparseBatch<R>& batch, long count) {
        std::fill(ends_.begin(), ends_.end(), 0L);
        for (long i = 0; i < count; i++) batch.each_entry(i, [&](long column, R) { ends_[std::size_t(column / panel_width<R> + 1)]++; });
        std::partial_sum(ends_.begin(), ends_.end(), ends_.begin());
        // Each panel's place is moved on as it is filled, from its beginning, ends_[p], to its end.
        for (long i = 0; i < count; i++)
            batch.each_entry(i, [&](long column, R value) {
                entries_[std::size_t(ends_[std::size_t(column / panel_width<R>)]++)] = {int32_t(i), int32_t(column % panel_width<R>), value};
            });
    }

    // G = or += X^T Y, for the panel p of X's columns, of which `used` are there, and the panel j of Y's.
    void multiply_block(R* G, Panels<R> Y, long used, long p, long j, bool add) const {
        const long width = Y.width(j);
        if (!add) std::fill(G, G + used * width, R(0));
        for (long e = p ? ends_[std::size_t(p - 1)] : 0; e < ends_[std::size_t(p)]; e++) {
            const Entry& entry = entries_[std::size_t(e)];
            R* to = G + entry.column * width;
            const R* row = Y.at(j, entry.row);
            for (long k = 0; k < width; k += lanes<R>) store<R>(to + k, load(to + k) + entry.value * load(row + k));
        }
    }

  private:
    struct Entry {
        int32_t row, column;  // the column counted from its panel's first
        R value;
    };
    std::vector<Entry> entries_;
    std::vector<long> ends_;  // of each panel's entries
};

}  // namespace chainrule
