"""Networks from other programs: scikit-learn's, PyTorch's and Keras's, read and compared before they are returned.

None of them is needed to install or import this room: the objects that a person holds bring what is used.
"""

from __future__ import annotations

from chainrule.models.foreign.keras_models import from_keras
from chainrule.models.foreign.sklearn_estimators import from_sklearn
from chainrule.models.foreign.torch_modules import from_torch

__all__ = ["from_keras", "from_sklearn", "from_torch"]
