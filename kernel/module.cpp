// The module that Python imports; binding.h has what is in it, compiled for float and for double side by side.
#include <nanobind/nanobind.h>
#include <nanobind/stl/vector.h>

#include "course.h"
#include "processor.h"
#include "python_lock.h"
#include "vectors.h"

namespace chainrule {

void bind_float(nanobind::module_& m);
void bind_double(nanobind::module_& m);

}  // namespace chainrule

NB_MODULE(CHAINRULE_MODULE, m) {
    using namespace chainrule;
    m.doc() = "Whole epochs of training in one call.";
    m.attr("vector_bits") = CHAINRULE_VECTOR_BYTES * 8;
    m.def("instruction_sets", &instruction_sets);
    Ending::register_at_exit(m);
    nanobind::class_<Watch>(m, "Watch")
        .def(nanobind::init<>())
        .def_rw("watched_cost", &Watch::watched_cost)
        .def_rw("target_cost", &Watch::target_cost)
        .def_rw("waited", &Watch::waited)
        .def_rw("best_epoch", &Watch::best_epoch)
        .def_rw("patience", &Watch::patience)
        .def_rw("tolerance", &Watch::tolerance)
        .def_rw("accuracy", &Watch::accuracy)
        .def_rw("keep_best", &Watch::keep_best)
        .def_rw("plateau_factor", &Watch::plateau_factor)
        .def_rw("plateau_best", &Watch::plateau_best)
        .def_rw("reduce_by", &Watch::reduce_by)
        .def_rw("plateau_waited", &Watch::plateau_waited)
        .def_rw("plateau_patience", &Watch::plateau_patience);
    bind_float(m);
    bind_double(m);
}
