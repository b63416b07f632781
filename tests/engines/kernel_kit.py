"""A small training for tests of the kernel's binding itself."""

import numpy as np


class Kit:
    """The arguments of a small training by gradient descent; tests replace some of them."""

    def __init__(self, kernel, single=False, rule=0):
        self.kernel, self.dtype = kernel, np.float32 if single else np.float64
        self.new = kernel.Trainer32 if single else kernel.Trainer64
        self.train = kernel.train32 if single else kernel.train64
        self.W, self.b = self.ones(3, 2), self.ones(2)
        self.layer = {
            "W": self.W, "b": self.b, "activation": 3, "parameter": 0.0, "trainable": True, "dropout": 0.0,
            "own_W": [], "own_b": [], "best_W": [], "best_b": [],
        }  # fmt: skip
        self.plan = {
            "loss": 0, "loss_parameter": 0.0, "rule": rule, "constants": [0.9, 0.999, 1e-8, 0.0], "batch": 2,
            "mean": True, "shuffle": True, "weight_decay": 0.0, "decay_is_shared": False, "clip_norm": 0.0,
            "clip_value": 0.0, "middle": 0.5,
        }  # fmt: skip
        self.examples = {"X": self.ones(5, 3), "Y": self.ones(5, 2), "shares": None, "labels": None}
        self.validation = None
        self.course = {
            "learning_rates": np.full((4, 3), 0.1),
            "generator": np.random.default_rng(0),
            "updates": 0,
            "threads": 1,
        }

    def ones(self, *shape):
        return np.linspace(0.1, 1, int(np.prod(shape)), dtype=self.dtype).reshape(shape)

    def made(self):
        trainer = self.new()
        trainer.add_layer(**self.layer)
        trainer.set_plan(**self.plan)
        trainer.set_examples(**self.examples)
        if self.validation:
            trainer.set_validation(**self.validation, weight_decay=0.0)
        trainer.set_course(**self.course)
        trainer.watch.watched_cost = trainer.watch.plateau_best = np.inf
        trainer.watch.target_cost = -np.inf
        return trainer
