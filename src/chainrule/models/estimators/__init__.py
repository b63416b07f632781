"""scikit-learn's estimators `MLPClassifier` and `MLPRegressor`, on chainrule's engines.

No other room imports scikit-learn at once, and this one is itself imported on first use of one of its names.
"""

from chainrule.models.estimators.classifier import MLPClassifier
from chainrule.models.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
