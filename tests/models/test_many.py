"""A list of settings trained side by side: each network as if it were alone, and none lost for another's sake."""

import numpy as np
import pandas as pd
import pytest
from same import DIVERGING, interrupt_at_call, same_bits, same_training

import chainrule as cr
from chainrule.core.catalogue import Activation
from chainrule.errors import DataError, DivergenceError, UsageError
from chainrule.models import attempts

VARIED = [
    {"hidden": 4},
    {"hidden": (32, 16), "update": "momentum", "activation": ("relu", "tanh")},
    {"dtype": "float64", "batch_size": 1, "epochs": 3},
    {"starts": 3, "seed": 5},
    {"update": "rprop", "batch_size": "all", "dropout": 0.3},
    {"engine": "reference", "epochs": 4},
    {"solver": "lm", "hidden": 2, "epochs": 3},
    {"scale": "unit", "validation": 0, "patience": 3},
    {"loss": "half_squared_error", "output_activation": "logistic", "soft_targets": True, "threads": 1},
    {"test": 0, "schedule": "reduce_on_plateau(0.5,2)", "keep": "last"},
    {"task": "regression"},
]


class TestTrainMany:
    def test_each_is_the_network_trained_alone(self):
        common = {"epochs": 12, "learning_rate": 0.02}
        settings = [{**one, "learning_rate": None} if "solver" in one else one for one in VARIED]
        models = cr.train_many("wine", settings, **common)
        assert len(models) == len(settings)
        for one, model in zip(settings, models, strict=True):
            alone = cr.train("wine", **{**common, **one})
            assert same_training(model, alone), one
            assert len(model.history) > 1
        assert not same_bits(models[0], cr.train("wine", hidden=4, **common, seed=1))

    def test_large_networks_which_alone_use_all_threads(self):
        settings = [{"hidden": 600}, {"hidden": 500, "dtype": "float64"}]
        for one, model in zip(settings, cr.train_many("digits", settings, epochs=1, batch_size=200), strict=True):
            assert same_training(model, cr.train("digits", epochs=1, batch_size=200, **one))

    def test_groups(self, monkeypatch):
        """More networks than are made ready together, of different lengths."""
        monkeypatch.setattr(attempts, "SIDE_BY_SIDE", 3)
        settings = [{"hidden": n, "starts": 1 + n % 2, "epochs": 3 * n} for n in (2, 5, 3, 1)]
        for one, model in zip(settings, cr.train_many("xor", settings), strict=True):
            assert same_training(model, cr.train("xor", **one))

    def test_arrays_weights_and_generators(self):
        rng = np.random.default_rng(0)
        X, y, weights = rng.normal(size=(60, 3)), rng.normal(size=60), rng.uniform(size=60)
        settings = ({"hidden": n, "epochs": 4} for n in (2, 3))
        for n, model in zip((2, 3), cr.train_many(X, settings, y, sample_weight=weights), strict=True):
            assert same_training(model, cr.train(X, y, sample_weight=weights, hidden=n, epochs=4))

    def test_columns_read_in_different_ways(self, tmp_path):
        path = tmp_path / "a.csv"
        path.write_text("code,x,y\n" + "".join(f"00{i % 3},{i},{i * i}\n" for i in range(30)))
        settings = [{}, {"nominal": "code"}, {"target": "x"}]
        models = cr.train_many(path, settings, epochs=3)
        for one, model in zip(settings, models, strict=True):
            assert same_training(model, cr.train(path, epochs=3, **one))
        assert models[1].encoding.node_names[:2] == ("code=000", "code=001")

    def test_the_source_is_read_once_and_rows_are_shared(self, tmp_path, monkeypatch):
        from chainrule.models import examples

        reads, read = [], examples.read_with
        monkeypatch.setattr(examples, "read_with", lambda *args, **more: reads.append(args) or read(*args, **more))
        path = tmp_path / "iris.csv"
        pd.DataFrame({column.name: column.values for column in cr.read_table("iris").columns}).to_csv(path, index=False)
        reads.clear()
        models = cr.train_many(path, cr.grid(hidden=[2, 3], scale=["unit", "standard"]), epochs=1)
        assert len(reads) == 1
        assert models[0].parts is models[2].parts
        assert models[0].encoding is models[2].encoding
        assert models[0].encoding is not models[1].encoding

    def test_a_setting_goes_before_what_is_common(self):
        models = cr.train_many("xor", [{}, {"epochs": 3}], epochs=2)
        assert [len(model.history) for model in models] == [2, 3]

    def test_activations_of_your_own(self):
        double = Activation("double", lambda z: 2 * z, lambda z, a, g: 2 * g)
        (model,) = cr.train_many("xor", [{"activation": double}], epochs=2)
        assert model.provenance.engine == "reference"


class TestOneAmongOthers:
    def test_a_diverged_one_does_not_lose_the_others(self):
        good, bad, other = cr.train_many("wine", [{}, DIVERGING, {"hidden": 3}], epochs=5)
        assert same_training(good, cr.train("wine", epochs=5))
        assert same_training(other, cr.train("wine", epochs=5, hidden=3))
        assert bad.provenance.stopped == "diverged"
        assert "no longer finite" in bad.provenance.notes[-1]
        assert all(np.isfinite(p).all() for p in bad.network.parameters)
        with pytest.raises(DivergenceError) as alone:
            cr.train("wine", **DIVERGING)
        assert same_bits(bad, alone.value.model)
        assert bad.provenance.notes[-1] == str(alone.value)

    def test_all_diverge(self):
        with pytest.raises(DivergenceError, match="all 2 networks diverged; of the first: training diverged") as caught:
            cr.train_many("wine", [DIVERGING, {**DIVERGING, "seed": 1}])
        assert caught.value.model.provenance.stopped == "diverged"
        with pytest.raises(DivergenceError, match=r"^training diverged in epoch 1"):
            cr.train_many("wine", [DIVERGING])

    def test_an_interrupt_keeps_what_there_is(self, monkeypatch):
        interrupt_at_call(monkeypatch, 2)
        # The longer float64 network is the first to train; the float32 one has its turn after it.
        short, long = cr.train_many("xor", [{"epochs": 3}, {"epochs": 5, "dtype": "float64"}])
        assert same_training(long, cr.train("xor", epochs=5, dtype="float64"))
        assert (len(short.history), short.provenance.stopped) == (0, "interrupted")
        assert short.network.n_parameters == long.network.n_parameters
        assert short.predict("xor").shape == (4,)

    def test_an_interrupt_between_groups(self, monkeypatch):
        monkeypatch.setattr(attempts, "SIDE_BY_SIDE", 2)
        interrupt_at_call(monkeypatch, 2)
        models = cr.train_many("xor", [{"seed": seed} for seed in range(5)], epochs=3)
        assert [len(model.history) for model in models] == [3, 3, 0, 0, 0]
        assert [model.provenance.stopped for model in models][1:3] == ["all epochs run", "interrupted"]

    @pytest.mark.parametrize("count", [200, pytest.param(600, marks=pytest.mark.long)])
    def test_a_time_limit_for_all_together(self, count):
        models = cr.train_many("xor", [{"seed": seed} for seed in range(count)], epochs=10**9, time_limit=0.3)
        assert {model.provenance.stopped for model in models} == {"time limit reached"}
        assert sum(model.provenance.seconds for model in models) < 0.15 * count  # each for itself takes 0.3


class TestRefusals:
    @pytest.mark.parametrize(
        ("settings", "common", "words"),
        [
            ([], {}, "settings is a list of dicts .* received an empty list"),
            ({"hidden": 3}, {}, "settings is a list of dicts"),
            ("hidden", {}, "settings is a list of dicts"),
            ([{"hidden": 3}, 4], {}, "settings is a list of dicts"),
            ([{}, {"hiden": 3}], {}, r'settings\[1\]: option "hiden" is unknown. Did you mean "hidden"'),
            ([{}, {}, {"epochs": 0}], {}, r"settings\[2\]: epochs must be"),
            ([{}], {"hiden": 3}, '^option "hiden" is unknown'),
            ([{"time_limit": 3}], {}, r"settings\[0\]: time_limit counts for all networks together"),
            ([{}], {"on_epoch": print}, "^train_many trains many networks and takes no on_epoch"),
            ([{"checkpoint": "a"}], {}, r"settings\[0\]: train_many .* takes no checkpoint"),
        ],
    )
    def test_bad_use(self, settings, common, words):
        with pytest.raises(UsageError, match=words):
            cr.train_many("xor", settings, **common)

    def test_bad_tables(self):
        with pytest.raises(DataError, match=r'settings\[1\]: --target: wine has no column "price"'):
            cr.train_many("wine", [{}, {"target": "price"}], epochs=1)


class TestGrid:
    def test_every_combination_once(self):
        settings = cr.grid(hidden=[(8,), 16], seed=range(3), learning_rate=np.array([0.1]))
        assert len(settings) == 6
        assert settings[0] == {"hidden": (8,), "seed": 0, "learning_rate": 0.1}
        assert settings[-1] == {"hidden": 16, "seed": 2, "learning_rate": 0.1}
        assert type(settings[0]["learning_rate"]) is float
        assert cr.grid() == [{}]

    @pytest.mark.parametrize("value", ["tanh", (8, 16), 3, [], range(0), np.zeros((2, 2))])
    def test_no_list(self, value):
        with pytest.raises(UsageError, match="grid takes a list of values for each option; received hidden="):
            cr.grid(hidden=value)

    def test_unknown_options(self):
        with pytest.raises(UsageError, match=r'option "lr" is unknown. Did you mean "learning_rate"'):
            cr.grid(lr=[1])


class TestCompare:
    def test_the_best_on_the_validation_rows_comes_first(self):
        models = cr.train_many("wine", cr.grid(hidden=[1, 16], update=["gradient_descent", "adam"]), epochs=30)
        compared = cr.compare(models)
        by_hand = [model.evaluate(model.parts["validation"]) for model in models]
        order = sorted(range(4), key=lambda i: (-by_hand[i].accuracy, by_hand[i].log_loss))
        assert list(compared.places) == order
        assert compared.best is models[order[0]]
        assert compared.evaluations[0] == by_hand[order[0]]
        assert set(compared.differences[0]) == {"hidden", "update", "learning_rate"}
        lines = str(compared).splitlines()
        assert lines[0].split()[:6] == ["place", "hidden", "update", "learning", "rate", "rows"]
        assert len(lines) == 5
        assert compared.rows()[0]["place"] == order[0]

    def test_regressions_by_rmse_on_rows_that_were_given(self, tmp_path):
        models = cr.train_many("sine", cr.grid(hidden=[1, 8]), epochs=30)
        loaded = [cr.load(model.save(tmp_path / f"{i}.safetensors")) for i, model in enumerate(models)]
        with pytest.raises(UsageError, match=r"models\[0\] holds no rows"):
            cr.compare(loaded)
        compared = cr.compare(loaded, "sine")
        errors = [evaluation.rmse for evaluation in compared.evaluations]
        assert errors == sorted(errors)
        assert errors[0] == min(model.evaluate("sine").rmse for model in models)

    def test_ensembles_and_custom_names(self):
        model = cr.train("wine", epochs=5, hidden="none")
        ensemble = cr.train_ensemble("wine", members=2, epochs=5)
        assert "none" in str(cr.compare([model, ensemble]))

    def test_refusals(self):
        for models in ([], ["wine"]):
            with pytest.raises(UsageError, match="compare takes a list of models"):
                cr.compare(models)
        with pytest.raises(UsageError, match="compared on one target; received classification of class; regression of"):
            cr.compare([cr.train("wine", epochs=1), cr.train("sine", epochs=1)])
