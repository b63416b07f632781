// Matrices in panels, the one layout that every product here reads and writes without repacking.
//
// A matrix of `rows` x `columns` is cut into panels of as many columns as one tile of a product is wide. A panel lies in
// one piece, row after row, its width rounded up to whole vectors:
//
//     panel 0: row 0 [64 numbers] row 1 [64 numbers] ...   panel 1: row 0 [64] ...   last panel: row 0 [16] row 1 [16] ...
//
// The numbers beyond the last column are padding; nothing may depend on their values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#include "vectors.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace chainrule {

// A tile of a product is held in registers: up to `tile_rows` rows of up to `tile_vectors` vectors. Every such number of
// rows divides `whole_rows`, so that rows can be divided at its multiples without changing any tile.
#if CHAINRULE_VECTOR_BYTES == 64 || defined(__aarch64__)
constexpr int tile_vectors = 4;  // 32 registers: 24 for the tile, the others for its operands
#else
constexpr int tile_vectors = 2;  // 16 registers: 12 for the tile
#endif
constexpr int tile_rows(int vectors) { return vectors == 1 || (vectors == 2 && tile_vectors == 4) ? 12 : 6; }
constexpr long whole_rows = 12;

template <class R>
constexpr long panel_width = tile_vectors * lanes<R>;

template <class R>
inline long padded(long columns) {
    return (columns + lanes<R> - 1) / lanes<R> * lanes<R>;
}

template <class R>
struct Panels {
    R* data = nullptr;
    long rows = 0, columns = 0;

    long count() const { return (columns + panel_width<R> - 1) / panel_width<R>; }
    // Columns of panel p, and the same in whole vectors.
    long used(long p) const { return std::min(panel_width<R>, columns - p * panel_width<R>); }
    long width(long p) const { return padded<R>(used(p)); }
    int vectors(long p) const { return int(width(p) / lanes<R>); }
    R* at(long p, long row) const { return data + p * panel_width<R> * rows + row * width(p); }
    R& operator()(long row, long column) const {
        long p = column / panel_width<R>;
        return at(p, row)[column - p * panel_width<R>];
    }
    static long size(long rows, long columns) { return rows * padded<R>(columns); }
};

template <class R>
void from_rows(Panels<R> to, const R* from) {  // C order, no padding
    for (long p = 0; p < to.count(); p++)
        for (long i = 0; i < to.rows; i++)
            std::memcpy(to.at(p, i), from + i * to.columns + p * panel_width<R>, to.used(p) * sizeof(R));
}
template <class R>
void to_rows(R* to, Panels<R> from) {
    for (long p = 0; p < from.count(); p++)
        for (long i = 0; i < from.rows; i++)
            std::memcpy(to + i * from.columns + p * panel_width<R>, from.at(p, i), from.used(p) * sizeof(R));
}

// Memory for many matrices, each beginning on a cache line; all of it zero at first. With the address sanitizer, what lies
// between two of them may not be touched.
class Arena {
  public:
    void reserve(long bytes) { wanted_ += rounded(bytes) + fence; }
    void allocate() {
        // Much memory comes from the system as zeros, which is sooner done than writing them.
        memory_.reset(static_cast<char*>(std::calloc(std::size_t(rounded(wanted_) + 128), 1)));
        if (!memory_) throw std::bad_alloc();
        used_ = (64 - long(reinterpret_cast<std::uintptr_t>(memory_.get()) % 64)) % 64;
    }
    template <class T>
    T* take(long count) {
        T* taken = reinterpret_cast<T*>(memory_.get() + used_);
        const long bytes = count * long(sizeof(T));
        used_ += rounded(bytes) + fence;
#if defined(__SANITIZE_ADDRESS__)
        ASAN_POISON_MEMORY_REGION(reinterpret_cast<char*>(taken) + bytes, std::size_t(rounded(bytes) + fence - bytes));
#endif
        return taken;
    }

  private:
#if defined(__SANITIZE_ADDRESS__)
    static constexpr long fence = 64;
#else
    static constexpr long fence = 0;
#endif
    static long rounded(long bytes) { return (bytes + 63) / 64 * 64; }
    struct Free {
        void operator()(char* p) const { std::free(p); }
    };
    std::unique_ptr<char, Free> memory_;
    long wanted_ = 0, used_ = 0;
};

}  // namespace chainrule
