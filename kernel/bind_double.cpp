#include "binding.h"

namespace chainrule {

void bind_double(nb::module_& m) { bind<double>(m, "Trainer64", "train64"); }

}  // namespace chainrule
