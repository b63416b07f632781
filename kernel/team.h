// Threads that work on one network together, and wait for each other between two stages of a step.
#pragma once

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace chainrule {

class Barrier {
  public:
    explicit Barrier(int members) : members_(members) {}
    void wait() {
        if (members_ == 1) return;
        const int stage = stage_.load(std::memory_order_relaxed);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) == members_ - 1) {
            arrived_.store(0, std::memory_order_relaxed);
            stage_.store(stage + 1, std::memory_order_release);
            return;
        }
        // The others are nearly done, so look again at once; after some microseconds they may well be waiting for this core.
        for (long spins = 0; stage_.load(std::memory_order_acquire) == stage; spins++) {
            if (spins > 500) std::this_thread::yield();
#if defined(__x86_64__) || defined(__i386__)
            _mm_pause();
#endif
        }
    }

  private:
    const int members_;
    alignas(64) std::atomic<int> arrived_{0};
    alignas(64) std::atomic<int> stage_{0};
};

// Run work(member, barrier) on that many threads, this one as member 0, and return when all have returned. Where the system
// does not give as many threads, `members` is made smaller before the work begins.
inline void together(int& members, const std::function<void(int, Barrier&)>& work) {
    std::vector<std::thread> others;
    others.reserve(std::size_t(members));
    std::atomic<Barrier*> ready{nullptr};
    for (int member = 1; member < members; member++) {
        try {
            others.emplace_back([&ready, &work, member] {
                Barrier* barrier;
                while (!(barrier = ready.load(std::memory_order_acquire))) std::this_thread::yield();
                work(member, *barrier);
            });
        } catch (...) {  // no more threads, or no memory for one
            break;
        }
    }
    members = 1 + int(others.size());
    Barrier barrier(members);
    ready.store(&barrier, std::memory_order_release);
    work(0, barrier);
    for (std::thread& other : others) other.join();
}

}  // namespace chainrule
