// The random numbers of numpy.random.Generator, drawn from its own bit generator, so that this engine and the reference
// meet the examples in the same order and drop the same units.
#pragma once

#include <cstdint>
#include <numeric>

namespace chainrule {

// NumPy's interface for extensions (numpy/random/bitgen.h).
struct BitGenerator {
    void* state;
    uint64_t (*next_uint64)(void*);
    uint32_t (*next_uint32)(void*);
    double (*next_double)(void*);
    uint64_t (*next_raw)(void*);

    uint32_t next() const { return next_uint32(state); }

    // generator.permutation(N), by Fisher and Yates: each place from the last on is swapped with one up to it, drawn with
    // as many random bits as that needs until it is not too large. One too large swaps the place with itself, so that the
    // processor has no branch to guess.
    void permutation(int32_t* order, long N) const {
        std::iota(order, order + N, 0);
        uint32_t bits = 0xffffffffu;
        for (long i = N - 1; i > 0;) {
            while (bits / 2 >= uint32_t(i)) bits /= 2;  // the fewest that hold i
            for (const long last = long(bits / 2); i > last;) {
                const long drawn = long(next() & bits), other = drawn <= i ? drawn : i;
                const int32_t here = order[i];
                order[i] = order[other];
                order[other] = here;
                i -= drawn <= i;
            }
        }
    }

    // One number of generator.random(dtype=float32)
    float uniform() const { return float(next() >> 8) * (1.0f / 16777216.0f); }
};

}  // namespace chainrule
