// The random numbers of numpy.random.Generator, drawn from its own bit generator, so that this engine and the reference
// meet the examples in the same order and drop the same units.
#pragma once

#include <cstdint>
#include <numeric>
#include <utility>

namespace chainrule {

// NumPy's interface for extensions (numpy/random/bitgen.h).
struct BitGenerator {
    void* state;
    uint64_t (*next_uint64)(void*);
    uint32_t (*next_uint32)(void*);
    double (*next_double)(void*);
    uint64_t (*next_raw)(void*);

    uint32_t next() const { return next_uint32(state); }

    // A whole number from 0 to `most`, each as likely: as many random bits as it has, until they are not too large.
    uint32_t up_to(uint32_t most, uint32_t bits) const {
        uint32_t drawn;
        do drawn = next() & bits;
        while (drawn > most);
        return drawn;
    }

    // generator.permutation(N), by Fisher and Yates
    void permutation(int32_t* order, long N) const {
        std::iota(order, order + N, 0);
        uint32_t bits = 0xffffffffu;
        for (long i = N - 1; i > 0; i--) {
            while (bits / 2 >= uint32_t(i)) bits /= 2;  // the fewest that hold i
            std::swap(order[i], order[up_to(uint32_t(i), bits)]);
        }
    }

    // One number of generator.random(dtype=float32)
    float uniform() const { return float(next() >> 8) * (1.0f / 16777216.0f); }
};

}  // namespace chainrule
