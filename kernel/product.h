// Products of matrices in panels, a tile of registers at a time.
//
// One tile, C[i, j..] += sum_k X[i, k] Y[k, j..], is all three products of backpropagation: forward Z = A W, back
// dC/dA = delta W^T with W transposed beforehand, and the gradient A^T delta, whose X is read down its columns.
#pragma once

#include "panels.h"

namespace chainrule {

enum class Read { rows, columns };  // X[i, k] is x[i * stride + k], or x[k * stride + i]

// What a tile begins with.
template <class R>
struct Begin {
    const R* bias = nullptr;  // one row for all, or
    bool add = false;         // what is there already; otherwise zeros
};

template <class R, int M, int N, Read read>
void tile(const R* x, long stride, long K, const R* y, R* c, Begin<R> begin) {
    using V = Vector<R>;
    constexpr long W = N * lanes<R>;
    // A sum waits for the one before it, so a small tile keeps several partial sums.
    constexpr int S = M * N >= 8 ? 1 : M * N >= 4 ? 2 : 4;
    V sums[S][M][N];
#pragma GCC unroll 24
    for (int m = 0; m < M; m++)
#pragma GCC unroll 4
        for (int n = 0; n < N; n++) {
            sums[0][m][n] = begin.bias ? load(begin.bias + n * lanes<R>) : begin.add ? load(c + m * W + n * lanes<R>) : V{};
#pragma GCC unroll 4
            for (int s = 1; s < S; s++) sums[s][m][n] = V{};
        }
    auto step = [&](long k, int s) __attribute__((always_inline)) {
        V row[N];
#pragma GCC unroll 4
        for (int n = 0; n < N; n++) row[n] = load(y + k * W + n * lanes<R>);
#pragma GCC unroll 24
        for (int m = 0; m < M; m++) {
            V xs = all<R>(read == Read::rows ? x[m * stride + k] : x[k * stride + m]);
#pragma GCC unroll 4
            for (int n = 0; n < N; n++) sums[s][m][n] += xs * row[n];
        }
    };
    long k = 0;
    for (; k + S <= K; k += S)
#pragma GCC unroll 4
        for (int s = 0; s < S; s++) step(k + s, s);
    if constexpr (S > 1)
        for (; k < K; k++) step(k, 0);
#pragma GCC unroll 24
    for (int m = 0; m < M; m++)
#pragma GCC unroll 4
        for (int n = 0; n < N; n++) {
            V total = sums[0][m][n];
            if constexpr (S == 2) total += sums[1][m][n];
            if constexpr (S == 4) total = (total + sums[1][m][n]) + (sums[2][m][n] + sums[3][m][n]);
            store<R>(c + m * W + n * lanes<R>, total);
        }
}

// All rows of a panel that is N vectors wide: full tiles, then one for the rest.
template <class R, int N, Read read, int M = 1>
inline void last_rows(long rows, const R* x, long stride, long K, const R* y, R* c, Begin<R> begin) {
    if constexpr (M < tile_rows(N)) {
        if (rows == M) return tile<R, M, N, read>(x, stride, K, y, c, begin);
        last_rows<R, N, read, M + 1>(rows, x, stride, K, y, c, begin);
    }
}
template <class R, int N, Read read>
void multiply_width(long rows, const R* x, long stride, long K, const R* y, R* c, Begin<R> begin) {
    constexpr int M = tile_rows(N);
    const long down = read == Read::rows ? stride : 1;
    for (; rows >= M; rows -= M, x += M * down, c += M * N * lanes<R>) tile<R, M, N, read>(x, stride, K, y, c, begin);
    if (rows) last_rows<R, N, read>(rows, x, stride, K, y, c, begin);
}

// C[rows, panel] = or += X Y: C and Y are rows of panels that are `vectors` wide.
template <class R, Read read>
inline void multiply(int vectors, long rows, const R* x, long stride, long K, const R* y, R* c, Begin<R> begin) {
    switch (vectors) {
        case 1: return multiply_width<R, 1, read>(rows, x, stride, K, y, c, begin);
        case 2: return multiply_width<R, 2, read>(rows, x, stride, K, y, c, begin);
#if CHAINRULE_VECTOR_BYTES == 64 || defined(__aarch64__)
        case 3: return multiply_width<R, 3, read>(rows, x, stride, K, y, c, begin);
        case 4: return multiply_width<R, 4, read>(rows, x, stride, K, y, c, begin);
#endif
    }
}

// C = X Y (+ bias) for rows [first, last) of X and C.
template <class R>
inline void multiply_rows(Panels<R> C, Panels<R> X, Panels<R> Y, long first, long last, const R* bias) {
    for (long j = 0; j < C.count(); j++)
        for (long p = 0; p < X.count(); p++) {
            Begin<R> begin{p == 0 && bias ? bias + j * panel_width<R> : nullptr, p > 0};
            multiply<R, Read::rows>(C.vectors(j), last - first, X.at(p, first), X.width(p), X.used(p),
                                    Y.at(j, p * panel_width<R>), C.at(j, first), begin);
        }
}

constexpr long rows_of_block_product = 128;  // whose part of X and Y stays in the first cache

// G = or += X^T Y over all their rows, for the panel p of X's columns and the panel j of Y's: `used(p)` rows of Y's width.
template <class R>
inline void multiply_block(R* G, Panels<R> X, Panels<R> Y, long rows, long p, long j, bool add) {
    constexpr long block = rows_of_block_product;
    for (long k = 0; k < rows; k += block)
        multiply<R, Read::columns>(Y.vectors(j), X.used(p), X.at(p, k), X.width(p), std::min(block, rows - k),
                                   Y.at(j, k), G, Begin<R>{nullptr, add || k > 0});
}

}  // namespace chainrule
