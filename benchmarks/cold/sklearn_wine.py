"""The wine table with scikit-learn: `python sklearn_wine.py wine.csv model.joblib`."""

import sys

import joblib
import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

table = np.genfromtxt(sys.argv[1], delimiter=",", names=True, dtype=None)
X = np.column_stack([table[name] for name in table.dtype.names if name != "class"])
y = table["class"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)
model = make_pipeline(
    StandardScaler(),
    MLPClassifier(
        (16,), activation="tanh", solver="adam", alpha=0, batch_size=16, learning_rate_init=0.01, max_iter=200,
        tol=0, n_iter_no_change=200, random_state=0,
    ),
)  # fmt: skip
model.fit(X_train, y_train)
print("accuracy", model.score(X_test, y_test))
joblib.dump(model, sys.argv[2])
