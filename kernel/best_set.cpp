// Print the best instruction set that this processor has; CMakeLists.txt runs it where only that one is to be built.
#include <cstdio>

#include "processor.h"

int main() {
    const auto sets = chainrule::instruction_sets();
    std::puts(sets.empty() ? "v2" : sets.back());
}
