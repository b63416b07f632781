"""What is handed to the kernel itself: it refuses what does not fit, and never crashes."""

import numpy as np
import pytest
from kernel_kit import Kit

from chainrule.engines.kernels import kernels

REFUSED = (TypeError, ValueError)
SETS = kernels()


@pytest.fixture(params=SETS)
def kernel(request):
    return SETS[request.param]


def test_the_kit_trains(kernel):
    for single in (False, True):
        kit = Kit(kernel, single)
        before = kit.W.copy()
        trainer = kit.made()
        assert kit.train([trainer], 1, 10.0) is False
        assert (trainer.end, trainer.rows.shape, trainer.updates) == (0, (4, 7), 12)
        assert (kit.W != before).all()


def read_only(M):
    M = M.copy()
    M.flags.writeable = False
    return M


F32, I32, I64 = np.float32, np.int32, np.int64
BAD_LAYERS = {
    "read-only": lambda kit: {"W": read_only(kit.W)},
    "biases read-only": lambda kit: {"b": read_only(kit.b)},
    "gaps": lambda kit: {"W": kit.ones(3, 4)[:, ::2]},
    "Fortran order": lambda kit: {"W": np.asfortranarray(kit.W)},
    "biases with gaps": lambda kit: {"b": kit.ones(4)[::2]},
    "other dtype": lambda kit: {"W": kit.W.astype(F32)},
    "whole numbers": lambda kit: {"W": kit.W.astype(I64)},
    "list": lambda kit: {"W": kit.W.tolist()},
    "None": lambda kit: {"W": None},
    "vector": lambda kit: {"W": kit.b},
    "cube": lambda kit: {"W": kit.ones(3, 2, 1)},
    "empty": lambda kit: {"W": kit.ones(3, 0), "b": kit.ones(0)},
    "no inputs": lambda kit: {"W": kit.ones(0, 2)},
    "biases too short": lambda kit: {"b": kit.ones(1)},
    "biases too long": lambda kit: {"b": kit.ones(3)},
    "own weights of another shape": lambda kit: {"own_W": [kit.ones(2, 3)]},
    "own biases of another shape": lambda kit: {"own_b": [kit.ones(3)]},
    "own weights of another dtype": lambda kit: {"own_W": [kit.W.astype(F32)]},
    "own weights read-only": lambda kit: {"own_W": [read_only(kit.W)]},
    "best weights of another shape": lambda kit: {"best_W": [kit.ones(3, 3)]},
    "own weights None": lambda kit: {"own_W": [None]},
    "activation below": lambda kit: {"activation": -1},
    "activation above": lambda kit: {"activation": 13},
    "activation far above": lambda kit: {"activation": 10**12},
    "dropout of all": lambda kit: {"dropout": 1.0},
    "dropout NaN": lambda kit: {"dropout": np.nan},
}
BAD_PLANS = {
    "loss": {"loss": 12}, "rule": {"rule": 7}, "negative rule": {"rule": -1}, "batch": {"batch": 0},
    "negative batch": {"batch": -3}, "constants": {"constants": [0.1] * 5}, "None": {"mean": None},
}  # fmt: skip
BAD_EXAMPLES = {
    "X read as another dtype": lambda kit: {"X": kit.ones(5, 3).astype(F32)},
    "X with gaps": lambda kit: {"X": kit.ones(5, 6)[:, ::2]},
    "X backwards": lambda kit: {"X": kit.ones(5, 3)[::-1]},
    "X too wide": lambda kit: {"X": kit.ones(5, 4)},
    "X too narrow": lambda kit: {"X": kit.ones(5, 2)},
    "no rows": lambda kit: {"X": kit.ones(0, 3), "Y": kit.ones(0, 2)},
    "Y too short": lambda kit: {"Y": kit.ones(4, 2)},
    "Y too wide": lambda kit: {"Y": kit.ones(5, 3)},
    "Y a vector": lambda kit: {"Y": kit.ones(5)},
    "Y None": lambda kit: {"Y": None},
    "shares too short": lambda kit: {"shares": kit.ones(4)},
    "shares a matrix": lambda kit: {"shares": kit.ones(5, 1)},
    "shares of another dtype": lambda kit: {"shares": kit.ones(5).astype(F32)},
    "labels too short": lambda kit: {"labels": np.zeros(4, I32)},
    "labels of another dtype": lambda kit: {"labels": np.zeros(5, I64)},
    "label too large": lambda kit: {"labels": np.array([0, 1, 2, 0, 0], I32)},
    "label negative": lambda kit: {"labels": np.array([0, 1, -1, 0, 0], I32)},
    "label far out": lambda kit: {"labels": np.array([0, 2**31 - 1, 0, 0, 0], I32)},
}
BAD_COURSES = {
    "too many rates": {"learning_rates": np.ones((4, 4))},
    "too few rates": {"learning_rates": np.ones((4, 2))},
    "rates a vector": {"learning_rates": np.ones(3)},
    "rates of another dtype": {"learning_rates": np.ones((4, 3), F32)},
    "no generator": {"generator": None},
    "not a generator": {"generator": object()},
    "old generator": {"generator": 3},
    "no threads": {"threads": 0},
    "negative threads": {"threads": -1},
    "far too many threads": {"threads": 10**6},
}


@pytest.mark.parametrize("name", BAD_LAYERS)
def test_bad_layers(name, kernel):
    kit = Kit(kernel)
    kit.layer |= BAD_LAYERS[name](kit)
    with pytest.raises(REFUSED):
        kit.made()


@pytest.mark.parametrize("name", BAD_PLANS)
def test_bad_plans(name, kernel):
    kit = Kit(kernel)
    kit.plan |= BAD_PLANS[name]
    with pytest.raises(REFUSED):
        kit.made()


@pytest.mark.parametrize("name", BAD_EXAMPLES)
@pytest.mark.parametrize("where", ["examples", "validation"])
def test_bad_examples(name, where, kernel):
    kit = Kit(kernel)
    bad = kit.examples | BAD_EXAMPLES[name](kit)
    setattr(kit, where, bad)
    with pytest.raises(REFUSED):
        kit.made()


@pytest.mark.parametrize("name", BAD_COURSES)
def test_bad_courses(name, kernel):
    kit = Kit(kernel)
    kit.course |= BAD_COURSES[name]
    with pytest.raises((*REFUSED, AttributeError)):
        kit.made()


def test_zero_epochs(kernel):
    kit = Kit(kernel)
    kit.course["learning_rates"] = np.ones((0, 3))
    with pytest.raises(ValueError, match="not complete"):
        kit.train([kit.made()], 1, 1.0)


def test_examples_that_are_read_only_are_read(kernel):
    kit = Kit(kernel)
    kit.examples |= {"X": read_only(kit.ones(5, 3)), "labels": read_only(np.array([0, 1, 1, 0, 1], I32))}
    trainer = kit.made()
    kit.train([trainer], 1, 1.0)
    assert np.isfinite(trainer.rows[:, :3]).all()


def test_layers_that_do_not_follow(kernel):
    trainer, kit = kernel.Trainer64(), Kit(kernel)
    trainer.add_layer(**kit.layer)
    with pytest.raises(ValueError, match="does not fit the one before"):
        trainer.add_layer(**kit.layer)


@pytest.mark.parametrize("rule", range(1, 7))
def test_missing_arrays_of_the_rule(rule, kernel):
    kit = Kit(kernel, rule=rule)
    for own_W, own_b in (([], []), ([kit.ones(3, 2)] * 2, []), ([], [kit.ones(2)] * 2)):
        kit.layer |= {"own_W": own_W, "own_b": own_b}
        with pytest.raises(ValueError, match="arrays are missing"):
            kit.train([kit.made()], 1, 1.0)
    kit.layer |= {"trainable": False, "own_W": [], "own_b": []}
    kit.train([kit.made()], 1, 1.0)  # a layer that does not learn needs none


def test_missing_arrays_for_the_best_weights(kernel):
    kit = Kit(kernel)
    for best_W, best_b in (([], []), ([kit.ones(3, 2)], []), ([], [kit.ones(2)])):
        kit.layer |= {"best_W": best_W, "best_b": best_b}
        trainer = kit.made()
        trainer.watch.keep_best = True
        with pytest.raises(ValueError, match="best weights are missing"):
            kit.train([trainer], 1, 1.0)


def test_a_trainer_runs_once(kernel):
    kit = Kit(kernel)
    trainer = kit.made()
    kit.train([trainer], 1, 1.0)
    for trainers in ([trainer], [kit.made(), trainer]):
        with pytest.raises(ValueError, match="runs once"):
            kit.train(trainers, 2, 1.0)
    twice = kit.made()
    with pytest.raises(ValueError, match="runs once"):
        kit.train([twice, twice], 2, 1.0)
    with pytest.raises(ValueError, match="runs once"):
        trainer.predict(kit.ones(2, 3), kit.ones(2, 2), 1)


def test_what_is_no_trainer(kernel):
    kit = Kit(kernel)
    for trainers in ([None], [kit.made(), None], [3], [Kit(kernel, single=True).made()], None, kit.made()):
        with pytest.raises(REFUSED):
            kit.train(trainers, 1, 1.0)
    assert kit.train([], 1, 1.0) is False
    for threads in (0, -1, 10**6):
        with pytest.raises(ValueError, match="threads"):
            kit.train([kit.made()], threads, 1.0)
    with pytest.raises(ValueError, match="not complete"):
        kit.train([kit.new()], 1, 1.0)


def test_the_wrong_order(kernel):
    kit = Kit(kernel)
    with pytest.raises(ValueError, match="add the layers first"):
        kit.new().set_examples(**kit.examples)
    trainer = kit.new()
    trainer.add_layer(**kit.layer)
    with pytest.raises(ValueError, match="set the examples first"):
        trainer.set_course(**kit.course)
    trainer = kit.made()  # shapes that were checked must stay as they are
    for change in (
        lambda: trainer.add_layer(**kit.layer | {"W": kit.ones(2, 2)}),
        lambda: trainer.set_plan(**kit.plan | {"batch": 1}),
        lambda: trainer.set_examples(**kit.examples | {"X": kit.ones(50, 3), "Y": kit.ones(50, 2)}),
        lambda: trainer.set_validation(**kit.examples, weight_decay=0.0),
    ):
        with pytest.raises(ValueError, match="before the"):
            change()
    kit.train([trainer], 1, 1.0)


def test_labels_for_both_or_neither(kernel):
    kit = Kit(kernel)
    kit.validation = kit.examples | {"labels": np.zeros(5, I32)}
    with pytest.raises(ValueError, match="both or neither"):
        kit.made()


def test_predictions(kernel):
    kit = Kit(kernel)

    def predict(X, out, threads=1):
        trainer = kit.new()
        trainer.add_layer(**kit.layer)
        trainer.predict(X, out, threads)

    out = np.full((4, 2), np.nan)
    predict(kit.ones(4, 3), out)
    np.testing.assert_allclose(out, np.tanh(kit.ones(4, 3) @ kit.W + kit.b), rtol=1e-14)
    predict(kit.ones(0, 3), kit.ones(0, 2), 3)
    bad = [
        (kit.ones(4, 2), out), (kit.ones(3, 3), out), (kit.ones(4, 3), kit.ones(4, 3)),
        (kit.ones(4, 3), read_only(out)),
        (kit.ones(4, 3), out.astype(F32)), (kit.ones(4, 3), np.asfortranarray(out)), (kit.ones(4, 3), None),
        (kit.ones(4, 3), out, 0), (kit.ones(4, 3), out, -1), (kit.ones(4, 3), out, 10**6),
    ]  # fmt: skip
    for arguments in bad:
        with pytest.raises(REFUSED):
            predict(*arguments)
    with pytest.raises(ValueError, match="does not fit the network"):
        kit.new().predict(kit.ones(4, 3), out, 1)
