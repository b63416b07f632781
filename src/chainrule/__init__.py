"""chainrule: neural networks you can see through.

Everything public is a name of this module. Names load what they need when they are first used, so that
`import chainrule` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "chainrule.core.catalogue": ("Activation", "FusedLoss", "Loss"),
    "chainrule.core.gauss_newton": ("GaussNewton",),
    "chainrule.core.gradient_check": ("GradientReport", "check_gradient_function", "check_gradients"),
    "chainrule.core.layers": ("Layer",),
    "chainrule.core.network": ("Network",),
    "chainrule.core.network_gates": ("network_gates",),
    "chainrule.core.passes": ("Gradients", "Record", "backward", "cost", "forward"),
    "chainrule.core.update_rules": ("UpdateRule",),
    "chainrule.engines.derivatives": ("example_gradients", "example_jacobians", "gauss_newton", "layer_jacobians"),
    "chainrule.data.tables": ("read_table",),
    "chainrule.explaining.derivation": ("Derivation",),
    "chainrule.explaining.explain": ("Explanation", "explain"),
    "chainrule.explaining.notation": ("Notation",),
    "chainrule.explaining.shapes": ("shapes",),
    "chainrule.explaining.symbolic": ("derive",),
    "chainrule.explaining.translate": ("translate",),
    "chainrule.explaining.typed_derivations": ("derive_formula",),
    "chainrule.models.doctor": ("Diagnosis", "Finding", "diagnose", "diagnose_model"),
    "chainrule.models.comparison": ("Comparison", "compare"),
    "chainrule.models.cross_validation": ("CrossValidation", "cross_validate"),
    "chainrule.models.estimators": ("MLPClassifier", "MLPRegressor"),
    "chainrule.models.ensemble": ("Ensemble",),
    "chainrule.models.ensemble_explained": ("EnsembleExplanation",),
    "chainrule.models.ensemble_training": ("train_ensemble",),
    "chainrule.models.many": ("grid", "train_many"),
    "chainrule.models.model": ("Model",),
    "chainrule.models.model_file": ("load",),
    "chainrule.models.export": ("register_with_skl2onnx", "to_c", "to_javascript", "to_onnx", "to_python"),
    "chainrule.models.foreign": ("from_keras", "from_sklearn", "from_torch"),
    "chainrule.models.replay": ("Replay",),
    "chainrule.models.train": ("train",),
    "chainrule.training.fit": ("fit", "fit_many"),
    "chainrule.training.plan": ("TrainingPlan",),
    "chainrule.errors": ("ChainruleError", "DataError", "DivergenceError", "ModelFileError", "UsageError"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_MODULES = {
    "gates": "chainrule.core.gates",
    "neurons": "chainrule.core.neurons",
    "paths": "chainrule.core.paths",
    "plots": "chainrule.show.plots",
    "tensors": "chainrule.core.tensors",
}

__all__ = ["__version__", *sorted(_HOME_OF), *sorted(_MODULES)]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value: Any = import_module(_MODULES[name])
    elif name in _HOME_OF:
        value = getattr(import_module(_HOME_OF[name]), name)
    else:
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
