"""Pictures of a training, of a network and of its predictions, drawn by matplotlib.

Each picture is a class that computes its numbers first and then draws them. `from_estimator` reads them off a fitted
scikit-learn estimator, a pipeline, a search, or a chainrule Model or Ensemble; `from_predictions` takes them from
arrays; `plot(ax=...)` draws them again elsewhere. Needs the extra: pip install "chainrule[plots]".
"""

from chainrule.show.plots.calibration import CalibrationDisplay
from chainrule.show.plots.confusion_matrix import ConfusionMatrixDisplay
from chainrule.show.plots.decision_boundary import DecisionBoundaryDisplay
from chainrule.show.plots.loss_curve import LossCurveDisplay
from chainrule.show.plots.precision_recall import PrecisionRecallDisplay
from chainrule.show.plots.prediction_error import PredictionErrorDisplay
from chainrule.show.plots.residuals import ResidualHistogramDisplay
from chainrule.show.plots.roc import RocCurveDisplay
from chainrule.show.plots.training_state import TrainingStateDisplay
from chainrule.show.plots.weights import WeightHistogramDisplay

__all__ = [
    "CalibrationDisplay",
    "ConfusionMatrixDisplay",
    "DecisionBoundaryDisplay",
    "LossCurveDisplay",
    "PrecisionRecallDisplay",
    "PredictionErrorDisplay",
    "ResidualHistogramDisplay",
    "RocCurveDisplay",
    "TrainingStateDisplay",
    "WeightHistogramDisplay",
]
