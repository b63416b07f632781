#include "binding.h"

namespace chainrule {

void bind_float(nb::module_& m) { bind<float>(m, "Trainer32", "train32"); }

}  // namespace chainrule
