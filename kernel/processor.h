// Which instruction sets this processor has, by the names of the modules that are built for them.
#pragma once

#include <vector>

namespace chainrule {

// The worst first; a processor that has one has those before it.
inline std::vector<const char*> instruction_sets() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    std::vector<const char*> sets;
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("bmi2");
    if (__builtin_cpu_supports("popcnt") && __builtin_cpu_supports("sse4.2")) sets.push_back("v2");
    if (v3) sets.push_back("v3");
    if (v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        sets.push_back("v4");
    return sets;
#else
    return {"native"};
#endif
}

}  // namespace chainrule
