"""Every kind of picture of `chainrule.plots`, from two small trainings.

    python examples/pictures.py        writes loss.png, confusion.png, ... into the current folder

Needs the extra: pip install "chainrule[plots]".
"""

from __future__ import annotations

import chainrule as cr
from chainrule import plots


def main() -> None:
    """Train a classifier and a regression, and draw what there is to see."""
    digits = cr.train("digits", hidden=4, epochs=60, patience=15, seed=0)
    iris = cr.train("iris", hidden=8, epochs=60, seed=0)
    diabetes = cr.train("diabetes", hidden=8, epochs=60, schedule="cosine", seed=0)
    displays = {
        "loss": plots.LossCurveDisplay.from_estimator(digits),
        "state": plots.TrainingStateDisplay.from_estimator(diabetes),
        "weights": plots.WeightHistogramDisplay.from_estimator(digits),
        "confusion": plots.ConfusionMatrixDisplay.from_estimator(digits),
        "roc": plots.RocCurveDisplay.from_estimator(digits),
        "precision-recall": plots.PrecisionRecallDisplay.from_estimator(digits),
        "calibration": plots.CalibrationDisplay.from_estimator(digits),
        "errors": plots.PredictionErrorDisplay.from_estimator(diabetes),
        "residuals": plots.ResidualHistogramDisplay.from_estimator(diabetes),
        "regions": plots.DecisionBoundaryDisplay.from_estimator(iris, features=("petal_length", "petal_width")),
        "surface": plots.DecisionBoundaryDisplay.from_estimator(diabetes, features=("bmi", "s5")),
    }
    for name, display in displays.items():
        display.figure_.savefig(f"{name}.png", dpi=80)
        print(f"{name}.png")


if __name__ == "__main__":
    main()
