// The course of a training: what is watched from epoch to epoch, when it ends, and why.
#pragma once

#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <vector>

namespace chainrule {

// What is watched from epoch to epoch: training/loop.py has the same policy for the other engines.
struct Watch {
    double watched_cost = 0, target_cost = 0, tolerance = -1;
    long waited = 0, best_epoch = 0, patience = 0;
    bool keep_best = false, accuracy = false;
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

class Course {
  public:
    Watch watch;
    std::vector<EpochRow> rows;
    End end = End::epochs;

    void begin(long epochs, double multiplications_of_epoch, double multiplications_of_update) {
        rows.reserve(std::size_t(epochs));
        // A look at the clock takes as long as some thousands of multiplications, a hundred million take some milliseconds.
        epochs_between_looks_ = std::max(1L, long(1e6 / multiplications_of_epoch));
        updates_between_looks_ = std::max(1L, long(1e8 / (multiplications_of_update + 1000)));
        began_ = now_ = Clock::now();
    }

    bool over() const { return over_; }

    // Whether to look within an epoch, after so many updates: in the first one of a call; later ones are known to be short.
    bool looks_within(long epoch, long updates) const { return epoch == 0 && updates % updates_between_looks_ == 0; }

    // Look for an interrupt.
    bool interrupted(Limits& limits) {
        if (limits.look) limits.look();
        if (!limits.interrupted->load(std::memory_order_relaxed)) return false;
        end = End::interrupted;
        return true;
    }

    // An epoch is done; `keep` is called where its weights are the best so far and to be kept.
    template <class Keep>
    void add(EpochRow row, bool validated, Limits& limits, Keep&& keep) {
        if (!validated) row.validation_cost = row.validation_accuracy = std::nan("");
        row.seconds = std::chrono::duration<double>(now_ - began_).count();
        rows.push_back(row);
        if (validated && !std::isfinite(row.validation_cost)) return finish(End::validation_not_finite);
        const double watched = !validated ? row.cost : watch.accuracy ? -row.validation_accuracy : row.validation_cost;
        const bool fell = watched < watch.watched_cost;
        const bool improved = watch.tolerance < 0 ? fell : watched <= watch.watched_cost - watch.tolerance;
        watch.waited = improved ? 0 : watch.waited + 1;
        if (fell) watch.watched_cost = watched;
        if (fell || !watch.keep_best) {
            watch.best_epoch = long(rows.size());
            if (watch.keep_best) keep();
        }
        if (watch.plateau_patience) reduce_on_plateau(watched);
        if (row.cost <= watch.target_cost) return finish(End::target);
        if (watch.patience && watch.waited >= watch.patience) return finish(End::patience);
        if (++since_look_ < epochs_between_looks_) return;
        since_look_ = 0;
        now_ = Clock::now();
        if (now_ >= limits.deadline) finish(End::time);
        if (interrupted(limits)) over_ = true;
    }

    // The last row's seconds, to the end of the call.
    void stop_clock() {
        if (!rows.empty()) rows.back().seconds = std::chrono::duration<double>(Clock::now() - began_).count();
    }

  private:
    Clock::time_point began_, now_;
    long epochs_between_looks_ = 1, updates_between_looks_ = 1, since_look_ = 0;
    bool over_ = false;

    void finish(End why) { end = why, over_ = true; }

    void reduce_on_plateau(double watched) {
        if (watched < watch.plateau_best)
            watch.plateau_best = watched, watch.plateau_waited = 0;
        else if (watch.plateau_waited + 1 < watch.plateau_patience)
            watch.plateau_waited++;
        else
            watch.plateau_factor *= watch.reduce_by, watch.plateau_waited = 0;
    }
};

}  // namespace chainrule
