// The binding to Python, for one kind of number: a trainer for each network, and `train`, which runs trainers side by side.
//
// Every array is C-ordered, of the trainer's dtype and shape as said at each call; parameters are written to in place.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "jacobians.h"
#include "python_lock.h"
#include "training.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace chainrule {

template <class R>
using Matrix = nb::ndarray<R, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class R>
using Row = nb::ndarray<R, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class R>
using Cube = nb::ndarray<R, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

inline void require(bool holds, const char* what) {
    if (!holds) throw nb::value_error(what);
}

template <class R>
struct PythonTrainer {
    Trainer<R> trainer;
    std::vector<nb::object> kept;  // what the pointers point into
    bool started = false;

    template <class A>
    auto pointer(const A& array) {
        kept.push_back(nb::cast(array));
        return array.data();
    }
    R* pointer(const std::vector<Matrix<R>>& arrays, std::size_t i, long rows, long columns) {
        if (i >= arrays.size()) return nullptr;
        require(long(arrays[i].shape(0)) == rows && long(arrays[i].shape(1)) == columns, "arrays beside the weights: wrong shape");
        return pointer(arrays[i]);
    }
    R* pointer(const std::vector<Row<R>>& arrays, std::size_t i, long columns) {
        if (i >= arrays.size()) return nullptr;
        require(long(arrays[i].shape(0)) == columns, "arrays beside the biases: wrong shape");
        return pointer(arrays[i]);
    }

    // Weights (before, units), biases (units,) or None; then what the update rule keeps of each, and where the best go.
    void add_layer(Matrix<R> W, std::optional<Row<R>> b, int activation, double parameter, bool trainable, double dropout,
                   std::vector<Matrix<R>> own_W, std::vector<Row<R>> own_b, std::vector<Matrix<R>> best_W,
                   std::vector<Row<R>> best_b) {
        require(trainer.examples.count == 0, "add the layers before the examples");
        Layer<R> layer;
        layer.before = long(W.shape(0)), layer.units = long(W.shape(1));
        require(layer.before > 0 && layer.units > 0, "a layer needs units");
        require(trainer.layers.empty() || trainer.layers.back().units == layer.before, "a layer does not fit the one before");
        require(activation >= 0 && activation <= int(Activation::softmax), "unknown activation");
        require(dropout >= 0 && dropout < 1, "dropout must be at least 0 and below 1");
        layer.activation = Activation(activation), layer.parameter = R(parameter);
        layer.has_bias = b.has_value(), layer.trainable = trainable, layer.dropout = dropout;
        typename Trainer<R>::Arrays arrays;
        arrays.W = pointer(W);
        if (b) {
            require(long(b->shape(0)) == layer.units, "biases: wrong shape");
            arrays.b = pointer(*b);
        }
        arrays.W1 = pointer(own_W, 0, layer.before, layer.units), arrays.W2 = pointer(own_W, 1, layer.before, layer.units);
        arrays.b1 = pointer(own_b, 0, layer.units), arrays.b2 = pointer(own_b, 1, layer.units);
        arrays.best_W = pointer(best_W, 0, layer.before, layer.units), arrays.best_b = pointer(best_b, 0, layer.units);
        trainer.layers.push_back(layer);
        trainer.arrays.push_back(arrays);
    }

    Examples<R> examples(Matrix<const R> X, Matrix<const R> Y, std::optional<Row<const R>> shares,
                         std::optional<Row<const int32_t>> labels) {
        require(!trainer.layers.empty(), "add the layers first");
        require(long(X.shape(1)) == trainer.layers.front().before, "X does not fit the network");
        Examples<R> made = examples(long(X.shape(0)), Y, shares, labels);
        made.X = {pointer(X), made.count, long(X.shape(1))};
        return made;
    }
    // All but the inputs.
    Examples<R> examples(long count, Matrix<const R> Y, std::optional<Row<const R>> shares, std::optional<Row<const int32_t>> labels) {
        Examples<R> made;
        made.count = count;
        require(made.count > 0 && made.count < (1L << 31) - 1, "too few or too many examples");
        require(long(Y.shape(0)) == made.count && long(Y.shape(1)) == trainer.layers.back().units, "Y does not fit");
        made.Y = {pointer(Y), made.count, long(Y.shape(1))};
        if (shares) {
            require(long(shares->shape(0)) == made.count, "shares do not fit");
            made.shares = pointer(*shares);
        }
        if (labels) {
            require(long(labels->shape(0)) == made.count, "labels do not fit");
            for (std::size_t i = 0; i < labels->shape(0); i++)
                require(labels->data()[i] >= 0 && labels->data()[i] < std::max(2L, trainer.layers.back().units), "a label is out of range");
            made.labels = pointer(*labels);
        }
        return made;
    }

    void set_examples(Matrix<const R> X, Matrix<const R> Y, std::optional<Row<const R>> shares,
                      std::optional<Row<const int32_t>> labels) {
        require(!trainer.learning_rates, "set the examples before the course");
        trainer.examples = examples(X, Y, shares, labels);
        trainer.plan.counts = labels.has_value();
    }
    // Inputs as compressed rows: the values and columns of the entries of row i lie from starts[i] to starts[i + 1].
    void set_sparse_examples(Row<const R> values, Row<const int32_t> columns, Row<const int64_t> starts, Matrix<const R> Y,
                             std::optional<Row<const R>> shares, std::optional<Row<const int32_t>> labels) {
        require(!trainer.learning_rates, "set the examples before the course");
        require(!trainer.layers.empty(), "add the layers first");
        require(starts.shape(0) > 0 && starts.data()[0] == 0, "starts: from 0 on");
        const std::size_t count = starts.shape(0) - 1;
        for (std::size_t i = 0; i < count; i++) require(starts.data()[i] <= starts.data()[i + 1], "starts: never falling");
        require(std::size_t(starts.data()[count]) == columns.shape(0) && values.shape(0) == columns.shape(0), "entries do not fit");
        for (std::size_t e = 0; e < columns.shape(0); e++)
            require(columns.data()[e] >= 0 && columns.data()[e] < trainer.layers.front().before, "a column is out of range");
        Examples<R> made = examples(long(count), Y, shares, labels);
        made.sparse = {pointer(values), pointer(columns), pointer(starts)};
        trainer.examples = std::move(made);
        trainer.plan.counts = labels.has_value();
    }
    void set_validation(Matrix<const R> X, Matrix<const R> Y, std::optional<Row<const R>> shares,
                        std::optional<Row<const int32_t>> labels, double weight_decay) {
        trainer.validation = examples(X, Y, shares, labels);
        trainer.plan.validation_decay = weight_decay;
        require(!trainer.learning_rates, "set the validation rows before the course");
        require(labels.has_value() == trainer.plan.counts, "labels for both or neither");
    }

    void set_plan(int loss, double loss_parameter, int rule, std::vector<double> constants, long batch, bool mean,
                  bool shuffle, double weight_decay, bool decay_is_shared, double clip_norm, double clip_value, double middle) {
        require(!trainer.learning_rates, "set the plan before the course");
        Plan<R>& plan = trainer.plan;
        require(loss >= 0 && loss <= int(Loss::perceptron_criterion), "unknown loss");
        require(rule >= 0 && rule <= int(Rule::rprop), "unknown rule");
        require(constants.size() <= 4 && batch > 0, "bad plan");
        plan.criterion = {Loss(loss), R(loss_parameter)};
        plan.rule = Rule(rule), plan.decoupled = plan.rule == Rule::adamw;
        std::copy(constants.begin(), constants.end(), plan.constants);
        plan.batch = batch, plan.mean = mean, plan.shuffle = shuffle;
        plan.weight_decay = weight_decay, plan.decay_is_shared = decay_is_shared;
        plan.clip_norm = clip_norm, plan.clip_value = clip_value, plan.middle = middle;
    }

    void set_course(Matrix<const double> learning_rates, nb::object generator, long updates, int threads) {
        trainer.epochs = long(learning_rates.shape(0));
        const long batch = std::min(trainer.plan.batch, trainer.examples.count);
        require(trainer.examples.count > 0, "set the examples first");
        require(long(learning_rates.shape(1)) == (trainer.examples.count + batch - 1) / batch, "learning rates: one for each update");
        trainer.learning_rates = pointer(learning_rates);
        bool draws = trainer.plan.shuffle;
        for (const Layer<R>& layer : trainer.layers) draws = draws || layer.dropout > 0;
        if (draws) {
            void* bits = PyCapsule_GetPointer(generator.attr("bit_generator").attr("capsule").ptr(), "BitGenerator");
            if (!bits) throw nb::python_error();
            trainer.generator = static_cast<const BitGenerator*>(bits);
            kept.push_back(generator);
        }
        require(threads >= 1 && threads <= 1024, "bad number of threads");
        trainer.updates = updates, trainer.threads = threads;
    }

    void check() const {
        require(!started, "a trainer runs once");
        require(trainer.epochs > 0 && !trainer.layers.empty() && trainer.learning_rates, "the trainer is not complete");
        for (std::size_t l = 0; l < trainer.layers.size(); l++) {
            const Layer<R>& layer = trainer.layers[l];
            const auto& arrays = trainer.arrays[l];
            if (!layer.trainable) continue;
            const int own = arrays_kept(trainer.plan.rule);
            require(own < 1 || (arrays.W1 && (!arrays.b || arrays.b1)), "the rule's arrays are missing");
            require(own < 2 || (arrays.W2 && (!arrays.b || arrays.b2)), "the rule's arrays are missing");
            require(!trainer.course.watch.keep_best || (arrays.best_W && (!arrays.b || arrays.best_b)), "arrays for the best weights are missing");
        }
    }

    nb::object rows() const {
        constexpr std::size_t columns = sizeof(EpochRow) / sizeof(double);
        const std::size_t n = trainer.course.rows.size();
        double* numbers = new double[std::max<std::size_t>(1, n * columns)];
        if (n) std::memcpy(numbers, trainer.course.rows.data(), n * sizeof(EpochRow));
        nb::capsule owner(numbers, [](void* p) noexcept { delete[] static_cast<double*>(p); });
        return nb::cast(nb::ndarray<nb::numpy, double>(numbers, {n, columns}, owner));
    }

    // Only the outputs, (N, outputs).
    void predict(Matrix<const R> X, Matrix<R> out, int threads) {
        require(!trainer.layers.empty() && long(X.shape(1)) == trainer.layers.front().before, "X does not fit the network");
        require(threads >= 1 && threads <= 1024, "bad number of threads");
        require(!started, "a trainer runs once");
        started = true;
        require(out.shape(0) == X.shape(0) && long(out.shape(1)) == trainer.layers.back().units, "out does not fit");
        const R* from = X.data();
        R* to = out.data();
        const long N = long(X.shape(0));
        Released released;
        trainer.predict(from, to, N, threads);
    }

    // Derivatives of each example (jacobians.h). `biases_first`: of each layer, whether its biases precede its weights.
    Jacobians<R> jacobians(const Matrix<const R>& X, const std::vector<bool>& biases_first, int threads) const {
        require(!trainer.layers.empty() && long(X.shape(1)) == trainer.layers.front().before, "X does not fit the network");
        require(X.shape(0) > 0 && biases_first.size() == trainer.layers.size(), "no examples, or a layer more or less");
        require(threads >= 1 && threads <= 1024, "bad number of threads");
        return {trainer.layers, trainer.arrays, biases_first};
    }

    // out (N, outputs, parameters that learn)
    void output_jacobians(Matrix<const R> X, std::vector<bool> biases_first, bool pre_activations, Cube<R> out, int threads) const {
        Jacobians<R> of = jacobians(X, biases_first, threads);
        require(of.parameters() > 0 && out.shape(0) == X.shape(0) && long(out.shape(1)) == of.outputs() &&
                    long(out.shape(2)) == of.parameters(), "out does not fit");
        Released released;
        of.of_outputs(X.data(), long(X.shape(0)), pre_activations, out.data(), threads);
    }

    // out (N, parameters that learn)
    void example_gradients(Matrix<const R> X, Matrix<const R> Y, int loss, double loss_parameter, std::vector<bool> biases_first,
                           Matrix<R> out, int threads) const {
        Jacobians<R> of = jacobians(X, biases_first, threads);
        require(loss >= 0 && loss <= int(Loss::perceptron_criterion), "unknown loss");
        require(Y.shape(0) == X.shape(0) && long(Y.shape(1)) == of.outputs(), "Y does not fit");
        require(of.parameters() > 0 && out.shape(0) == X.shape(0) && long(out.shape(1)) == of.parameters(), "out does not fit");
        Released released;
        of.of_costs(X.data(), Y.data(), {Loss(loss), R(loss_parameter)}, long(X.shape(0)), out.data(), threads);
    }

    // out (N, outputs, units of layer l)
    void layer_jacobians(Matrix<const R> X, long l, Cube<R> out, int threads) const {
        Jacobians<R> of = jacobians(X, std::vector<bool>(trainer.layers.size()), threads);
        require(l >= 0 && l < long(trainer.layers.size()), "no such layer");
        require(out.shape(0) == X.shape(0) && long(out.shape(1)) == of.outputs() &&
                    long(out.shape(2)) == trainer.layers[std::size_t(l)].before, "out does not fit");
        Released released;
        of.of_layer(X.data(), long(X.shape(0)), std::size_t(l), out.data(), threads);
    }

    // c (N, outputs), H (N, outputs, outputs), gradient (p,), out (p, p)
    void curvature(Matrix<const R> X, Matrix<const R> c, Cube<const R> H, std::vector<bool> biases_first, bool pre_activations,
                   Row<R> gradient, Matrix<R> out, int threads) const {
        Jacobians<R> of = jacobians(X, biases_first, threads);
        const long N = long(X.shape(0)), k = of.outputs(), p = of.parameters();
        require(long(c.shape(0)) == N && long(c.shape(1)) == k, "c does not fit");
        require(long(H.shape(0)) == N && long(H.shape(1)) == k && long(H.shape(2)) == k, "H does not fit");
        require(p > 0 && long(gradient.shape(0)) == p && long(out.shape(0)) == p && long(out.shape(1)) == p, "out does not fit");
        Released released;
        of.curvature(X.data(), c.data(), H.data(), N, pre_activations, gradient.data(), out.data(), threads);
    }
};

// Run trainers side by side: each on one thread, or a single one on its own number of threads. True: interrupted.
//
// `asked` is called now and then, and says whether to stop; None in a thread other than Python's main one, where no signals are
// handled: such a thread needs Python's lock at the end only.
template <class R>
bool train(std::vector<PythonTrainer<R>*> all, int threads, double seconds, nb::object asked) {
    require(threads >= 1 && threads <= 1024, "bad number of threads");
    for (PythonTrainer<R>* one : all) {
        require(one, "None is no trainer");
        one->check();
        one->started = true;  // so that no trainer is there twice
    }
    std::atomic<bool> interrupted{false};
    std::atomic<std::size_t> next{0};
    const Clock::time_point began = Clock::now();
    const Clock::time_point deadline = began + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    Clock::time_point looked = began;
    std::exception_ptr raised;
    auto look = [&] {  // has somebody pressed Ctrl-C?
        const Clock::time_point now = Clock::now();
        if (now - looked < std::chrono::milliseconds(30)) return;
        looked = now;
        if (Ending::has_begun()) interrupted = true;
        if (asked.is_none()) return;
        nb::gil_scoped_acquire held;
        PyObject* answer = PyErr_CheckSignals() == 0 ? PyObject_CallNoArgs(asked.ptr()) : nullptr;
        if (!answer) {
            if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt))
                PyErr_Clear();
            else
                raised = std::make_exception_ptr(nb::python_error());  // by the program's own handler of a signal
        }
        if (!answer || answer == Py_True) interrupted = true;
        Py_XDECREF(answer);
    };
    std::vector<std::exception_ptr> failures(static_cast<std::size_t>(threads));
    {
        Released released;
        auto work = [&](int member, Barrier&) {
            Limits limits{deadline, &interrupted, member == 0 ? std::function<void()>(look) : std::function<void()>()};
            try {
                for (std::size_t i; (i = next++) < all.size();) {
                    Trainer<R>& trainer = all[i]->trainer;
                    if (i > 0 && (interrupted || Clock::now() >= deadline)) {
                        trainer.course.end = interrupted ? End::interrupted : End::time;
                        continue;
                    }
                    trainer.prepare();
                    trainer.run(limits);
                }
            } catch (...) {
                failures[std::size_t(member)] = std::current_exception();
            }
        };
        int members = int(std::min<std::size_t>(std::size_t(threads), all.size()));
        together(members, work);
    }
    for (const std::exception_ptr& failure : failures)
        if (failure) std::rethrow_exception(failure);
    if (raised) std::rethrow_exception(raised);
    return interrupted;
}

// An elementary function of each number, for the tests of its accuracy.
template <class R>
void evaluate(const std::string& name, Row<const R> from, Row<R> to) {
    require(from.shape(0) == to.shape(0), "different lengths");
    const long n = long(from.shape(0));
    auto each = [&](auto f) {
        for (long i = 0; i < n; i += lanes<R>) {
            Vector<R> x{};
            const long used = std::min(lanes<R>, n - i);
            for (long k = 0; k < used; k++) x[k] = from.data()[i + k];
            const Vector<R> y = f(x);
            for (long k = 0; k < used; k++) to.data()[i + k] = y[k];
        }
    };
    if (name == "exp") return each([](Vector<R> x) { return exp<R>(x); });
    if (name == "expm1") return each([](Vector<R> x) { return exp_minus_1<R>(x); });
    if (name == "log") return each([](Vector<R> x) { return log<R>(x); });
    if (name == "log1p") return each([](Vector<R> x) { return log_1_plus<R>(x); });
    if (name == "tanh") return each([](Vector<R> x) { return tanh<R>(x); });
    if (name == "logistic") return each([](Vector<R> x) { return logistic<R>(x); });
    if (name == "normal_cdf") return each([](Vector<R> x) { return normal_cdf<R>(x); });
    if (name == "sqrt") return each([](Vector<R> x) { return square_root<R>(x); });
    throw nb::value_error("no such function");
}

template <class R>
void bind(nb::module_& m, const char* name, const char* train_name) {
    using T = PythonTrainer<R>;
    nb::class_<T>(m, name)
        .def(nb::init<>())
        .def("add_layer", &T::add_layer, "W"_a.noconvert(), "b"_a.none().noconvert(), "activation"_a, "parameter"_a, "trainable"_a, "dropout"_a,
             "own_W"_a.noconvert(), "own_b"_a.noconvert(), "best_W"_a.noconvert(), "best_b"_a.noconvert())
        .def("set_plan", &T::set_plan, "loss"_a, "loss_parameter"_a, "rule"_a, "constants"_a, "batch"_a, "mean"_a, "shuffle"_a,
             "weight_decay"_a, "decay_is_shared"_a, "clip_norm"_a, "clip_value"_a, "middle"_a)
        .def("set_examples", &T::set_examples, "X"_a.noconvert(), "Y"_a.noconvert(), "shares"_a.none().noconvert(), "labels"_a.none().noconvert())
        .def("set_sparse_examples", &T::set_sparse_examples, "values"_a.noconvert(), "columns"_a.noconvert(), "starts"_a.noconvert(),
             "Y"_a.noconvert(), "shares"_a.none().noconvert(), "labels"_a.none().noconvert())
        .def("set_validation", &T::set_validation, "X"_a.noconvert(), "Y"_a.noconvert(), "shares"_a.none().noconvert(), "labels"_a.none().noconvert(),
             "weight_decay"_a)
        .def("set_course", &T::set_course, "learning_rates"_a.noconvert(), "generator"_a, "updates"_a, "threads"_a)
        .def("predict", &T::predict, "X"_a.noconvert(), "out"_a.noconvert(), "threads"_a)
        .def("output_jacobians", &T::output_jacobians, "X"_a.noconvert(), "biases_first"_a, "pre_activations"_a, "out"_a.noconvert(),
             "threads"_a)
        .def("example_gradients", &T::example_gradients, "X"_a.noconvert(), "Y"_a.noconvert(), "loss"_a, "loss_parameter"_a,
             "biases_first"_a, "out"_a.noconvert(), "threads"_a)
        .def("layer_jacobians", &T::layer_jacobians, "X"_a.noconvert(), "l"_a, "out"_a.noconvert(), "threads"_a)
        .def("curvature", &T::curvature, "X"_a.noconvert(), "c"_a.noconvert(), "H"_a.noconvert(), "biases_first"_a,
             "pre_activations"_a, "gradient"_a.noconvert(), "out"_a.noconvert(), "threads"_a)
        .def_prop_rw("watch", [](T& t) -> Watch& { return t.trainer.course.watch; }, [](T& t, const Watch& w) { t.trainer.course.watch = w; },
                     nb::rv_policy::reference_internal)
        .def_prop_ro("rows", &T::rows)
        .def_prop_ro("end", [](const T& t) { return int(t.trainer.course.end); })
        .def_prop_ro("failed_batch", [](const T& t) { return t.trainer.failed_batch; })
        .def_prop_ro("updates", [](const T& t) { return t.trainer.updates; });
    m.def(train_name, &train<R>, "trainers"_a, "threads"_a, "seconds"_a, "asked"_a = nb::none());
    m.def("evaluate", &evaluate<R>, "name"_a, "from_"_a.noconvert(), "to"_a.noconvert());
}

}  // namespace chainrule
