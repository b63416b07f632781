// Python's lock, let go of while the kernel computes, and asked for again when it is done.
#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <chrono>
#include <thread>

#if !defined(_WIN32)
#include <pthread.h>
#endif

namespace chainrule {

// The end of the program, while threads that it does not wait for (daemons) still compute. A thread that asks for Python's
// lock then is ended by Python, by unwinding its stack or without a word; neither is possible across the frames of C++, and
// the process would abort. So once Python has begun to end, such a thread asks no more: it sleeps until the process is gone.
//
// Other exit functions come first: one of them may wait for such a thread. So what begins the end is no exit function, but
// the destructor of an argument of one: Python lets go of it when all have been called, and before it refuses the lock.
class Ending {
  public:
    static void register_at_exit(nanobind::module_& m) {
        PyObject* last = PyCapsule_New(&begun_, nullptr, [](PyObject*) {
            if (called_) begin();  // or else the exit functions were given up, as in a process of Python's multiprocessing
        });
        if (!last) throw nanobind::python_error();
        m.def("end", [](nanobind::handle) {
            called_ = true;  // what daemon threads hold is never given back, and is no leak
            auto threads = nanobind::module_::import_("threading").attr("active_count")();
            if (nanobind::cast<int>(threads) > 1) nanobind::set_leak_warnings(false);
        });
        nanobind::module_::import_("atexit").attr("register")(m.attr("end"), nanobind::steal(last));
#if !defined(_WIN32)
        // A forked process has one thread only; what the others were about, and what they held, is never given back there.
        pthread_atfork(nullptr, nullptr, [] { asking_ = 0, nanobind::set_leak_warnings(false); });
#endif
    }

    // With the lock, in the thread that ends Python.
    static void begin() {
        by_ = std::this_thread::get_id();
        begun_ = true;
        while (asking_ > 0) {  // these have looked before, and are still to get the lock
            PyThreadState* state = PyEval_SaveThread();
            std::this_thread::sleep_for(std::chrono::microseconds(100));
            PyEval_RestoreThread(state);
        }
    }
    static bool has_begun() { return begun_; }

    static void ask_for_the_lock(PyThreadState* state) {
        asking_++;
        if (begun_ && by_.load() != std::this_thread::get_id()) {
            asking_--;
            for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
        }
        PyEval_RestoreThread(state);
        asking_--;
    }

  private:
    inline static std::atomic<bool> called_{false}, begun_{false};
    inline static std::atomic<int> asking_{0};
    inline static std::atomic<std::thread::id> by_{};
};

class Released {
  public:
    Released() : state_(PyEval_SaveThread()) {}
    ~Released() { Ending::ask_for_the_lock(state_); }
    Released(const Released&) = delete;
    Released& operator=(const Released&) = delete;

  private:
    PyThreadState* state_;
};

}  // namespace chainrule
