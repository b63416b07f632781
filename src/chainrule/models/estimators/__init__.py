"""scikit-learn's estimators `MLPClassifier` and `MLPRegressor`, on chainrule's engines.

This package is the only one that imports scikit-learn, and is itself imported on first use of one of its names.
"""

from chainrule.models.estimators.classifier import MLPClassifier
from chainrule.models.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
