"""predict, evaluate, info, check, and the front door."""

import csv
import dataclasses
import io

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli.main import COMMANDS
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.reading_plan import ReadingPlan
from chainrule.training.plan import TrainingPlan


@pytest.fixture
def wine(cli):
    model = cr.train("wine", epochs=20, seed=0)
    model.save("wine.safetensors")
    return model


@pytest.fixture
def line(cli):
    """A regression on a file of its own."""
    x = np.arange(40)
    (cli.folder / "line.csv").write_text("x,kind,y\n" + "".join(f"{i},{'ab'[i % 2]},{3 * i + 1}\n" for i in x))
    model = cr.train("line.csv", epochs=30, seed=0)
    model.save("line.safetensors")
    return model


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


class TestFrontDoor:
    @pytest.mark.parametrize("args", [("--help",), ("-h",)])
    def test_help(self, cli, args):
        answer = cli(*args)
        assert answer.code == 0
        for name, what in COMMANDS.items():
            assert name in answer.out
            assert what.split()[0] in answer.out

    def test_version(self, cli):
        assert cli("--version") == (0, f"chainrule, version {cr.__version__}\n", "")

    def test_unknown_command(self, cli):
        message = cli.refused("trian", "wine")
        assert message == (f'command "trian" is unknown. Did you mean "train"? Allowed: {", ".join(COMMANDS)}.\n')
        assert "--version" in cli.refused("--versio")

    def test_every_command_is_a_module_with_its_help(self, cli):
        for name in COMMANDS:
            answer = cli(name, "--help")
            assert answer.code == 0
            assert answer.out.startswith(f"Usage: chainrule {name} ")

    @pytest.mark.parametrize(
        ("command", "plans"),
        [
            ("train", [TrainingPlan, EncodingPlan, ReadingPlan]),
            ("check", [TrainingPlan, EncodingPlan, ReadingPlan]),
            ("crossval", [TrainingPlan, EncodingPlan, ReadingPlan]),
            ("predict", [ReadingPlan]),
            ("evaluate", [ReadingPlan]),
            ("info", [ReadingPlan]),
        ],
    )
    def test_help_lists_every_option(self, cli, command, plans):
        text = cli(command, "--help").out
        flags = {word.rstrip(",") for word in text.replace("/", " ").split() if word.startswith("--")}
        plain = " ".join(text.split())
        for plan in plans:
            for field in dataclasses.fields(plan):
                assert f"--{field.name.replace('_', '-')}" in flags
                # The help is there word for word, however it is wrapped.
                squeezed = "".join(plain.split())
                assert "".join(field.metadata["help"].split()) in squeezed
                for word in field.metadata["words"]:
                    assert word in text
        if len(plans) == 3:
            for section in ("Options:", "Network and training:", "Columns and rows:", "Reading the table:"):
                assert section in text
            assert "[default: adam]" in plain
            assert "[default: 16]" in plain

    @pytest.mark.parametrize("command", ["train", "check"])
    def test_flags_take_what_the_plans_take(self, cli, command):
        """A flag for every kind of value, passed on to the plan that owns it."""
        answer = cli(command, "xor", "--no-shuffle", "--patience", 3, "--weight-decay", "1e-3", "--batch-size", "all",
                     "--frozen", "1", "--task", "classification", "--soft-targets", "--missing-tokens", "x,y",
                     "--epochs", 2, "--json")  # fmt: skip
        assert answer.code in ((0,) if command == "train" else (0, 1))
        if command == "train":
            model = cr.load("xor.safetensors")
            assert (model.plan.shuffle, model.plan.patience, model.plan.weight_decay) == (False, 3, 0.001)
            assert (model.plan.batch_size, model.plan.frozen) == ("all", (1,))
            assert model.encoding_plan.soft_targets is True


class TestPredict:
    def test_labels_and_probabilities(self, cli, wine):
        answer = cli("predict", "wine.safetensors", "wine")
        assert (answer.code, answer.err) == (0, "")
        rows = table(answer.out)
        assert list(rows[0]) == ["predicted class", "p(1)", "p(2)", "p(3)"]
        assert [int(row["predicted class"]) for row in rows] == wine.predict("wine").tolist()
        P = [[float(row[f"p({label})"]) for label in (1, 2, 3)] for row in rows]
        np.testing.assert_allclose(P, wine.probabilities("wine"), rtol=1e-5)

    def test_without_probabilities(self, cli, wine):
        rows = table(cli("predict", "wine.safetensors", "wine", "--no-probabilities").out)
        assert list(rows[0]) == ["predicted class"]

    def test_values_of_a_file(self, cli, line):
        (cli.folder / "new.csv").write_text("kind;more;x\nb;9;1\na;9;2\n")  # other columns, order and delimiter
        rows = table(cli("predict", "line.safetensors", "new.csv").out)
        expected = line.predict({"x": [1, 2], "kind": ["b", "a"]})
        assert [float(row["predicted y"]) for row in rows] == pytest.approx(expected, rel=1e-6)
        assert all(len(row["predicted y"]) <= 9 for row in rows)  # no digits beyond those of float32

    def test_keep(self, cli, line):
        rows = table(cli("predict", "line.safetensors", "line.csv", "--keep").out)
        assert list(rows[0]) == ["x", "kind", "y", "predicted y"]
        assert [row["y"] for row in rows[:3]] == ["1", "4", "7"]

    def test_output_file(self, cli, wine):
        answer = cli("predict", "wine.safetensors", "wine", "-o", "out.csv")
        assert (answer.code, answer.out) == (0, "")
        assert answer.err == "Wrote 178 predictions to out.csv.\n"
        assert (cli.folder / "out.csv").read_text() == cli("predict", "wine.safetensors", "wine").out

    def test_json(self, cli, wine):
        facts = cli("predict", "wine.safetensors", "wine", "--json").json
        assert facts["predicted class"] == wine.predict("wine").tolist()
        assert len(facts["p(2)"]) == 178

    def test_refusals(self, cli, wine, line):
        assert "does not exist" in cli.refused("predict", "none.safetensors", "wine")
        assert "lacks 13 columns" in cli.refused("predict", "wine.safetensors", "iris")
        assert "is a folder" in cli.refused("predict", "wine.safetensors", "wine", "-o", ".")
        assert "Missing argument" in cli.refused("predict")
        (cli.folder / "new.csv").write_text("x,kind\n1,c\n")
        assert 'new.csv, row 2, column "kind": "c" was not there' in cli.refused(
            "predict", "line.safetensors", "new.csv", "--unknown", "refuse"
        )
        assert 'What was called "ignore" is part of "other" now' in cli.refused(
            "predict", "line.safetensors", "new.csv", "--unknown", "ignore"
        )
        (cli.folder / "not.safetensors").write_text("x,kind\n1,c\n")
        assert "is not a usable model file" in cli.refused("predict", "not.safetensors", "wine")
        assert "needs a table" in cli.refused("predict", "wine.safetensors")


class TestEvaluate:
    def test_on_a_table(self, cli, wine):
        answer = cli("evaluate", "wine.safetensors", "wine")
        assert (answer.code, answer.err) == (0, "")
        assert answer.out == f"{wine.evaluate('wine')}\n"
        assert "rows 178" in answer.out

    def test_on_the_rows_kept(self, cli, wine):
        assert cli("evaluate", "wine.safetensors").out == f"{wine.test}\n"
        cr.train("xor", epochs=2).save("xor.safetensors")
        assert "for testing" in cli.refused("evaluate", "xor.safetensors")

    def test_json(self, cli, line):
        facts = cli("evaluate", "line.safetensors", "line.csv", "--json").json
        assert facts["rmse"] == line.evaluate("line.csv").rmse
        assert facts["rows"] == 40

    def test_query(self, cli, line):
        facts = cli("evaluate", "line.safetensors", "--sql", "select * from 'line.csv' where x < 10", "--json").json
        assert facts["rows"] == 10

    def test_without_the_target(self, cli, line):
        (cli.folder / "new.csv").write_text("x,kind\n1,a\n")
        assert 'lacks the target column "y"' in cli.refused("evaluate", "line.safetensors", "new.csv")


class TestInfo:
    def test_installed(self, cli):
        facts = cli("info", "--json").json
        assert facts["chainrule"] == cr.__version__
        assert facts["numpy"] == np.__version__
        assert "wine" in facts["built-in tables"]
        assert facts["engines"] == ["compiled", "reference", "node_by_node"]
        assert facts["default engine"].startswith("compiled; instruction set ")
        assert set(cli("info", "--engine", "--json").json) == {"engines", "default engine"}
        assert f"chainrule: {cr.__version__}" in cli("info").out

    def test_without_the_compiled_engine(self, cli, monkeypatch):
        monkeypatch.setattr("chainrule.engines.kernels.kernels", dict)
        facts = cli("info", "--engine", "--json").json
        assert facts["default engine"].startswith("reference (NumPy); the compiled engine was not built")
        assert cli("train", "xor", "--epochs", 3, "--json").json["engine"] == "reference"
        assert "was not built" in cli.refused("train", "xor", "--engine", "compiled")

    def test_model(self, cli, wine):
        facts = cli("info", "wine.safetensors", "--json").json
        assert facts["sizes"] == "13-16-3"
        assert facts["weights and biases"] == 275
        assert facts["classes"] == [1, 2, 3]
        assert facts["rows"] == "107 train, 35 validate, 36 test"
        assert facts["epochs run"] == 20
        assert len(facts["columns"]) == 14
        text = cli("info", "wine.safetensors").out
        for words in (
            "sizes: 13-16-3",
            "loss: softmax_categorical_cross_entropy",
            "alcohol",
            "test: rows 36, accuracy",
        ):
            assert words in text

    def test_table(self, cli):
        (cli.folder / "t.csv").write_text(
            "n,word,gap\n" + "".join(f"{i},w{i % 6},{'' if i % 2 else i}\n" for i in range(10))
        )
        facts = cli("info", "t.csv", "--json").json
        assert facts["rows"] == 10
        assert facts["columns"] == [
            {"column": "n", "kind": "number", "missing": 0, "different": 10, "values": "0 to 9"},
            {"column": "word", "kind": "text", "missing": 0, "different": 6, "values": "w0, w1, w2, w3, ..."},
            {"column": "gap", "kind": "number", "missing": 5, "different": 5, "values": "0 to 8"},
        ]
        assert "column  kind    missing  different  values" in cli("info", "t.csv").out
        assert cli("info", "--sql", "select n from 't.csv'", "--json").json["rows"] == 10

    def test_refusals(self, cli):
        assert 'Did you mean "wine"' in cli.refused("info", "wien")
        assert "does not exist" in cli.refused("info", "none.safetensors")


class TestCheck:
    def test_good_and_bad(self, cli):
        good = cli("check", "wine")
        assert (good.code, good.err) == (0, "")
        (cli.folder / "bad.csv").write_text("x,y\n" + "".join(f"{i * 1e6},{i % 2}\n" for i in range(40)))
        bad = cli("check", "bad.csv", "--scale", "none", "--activation", "logistic", "--learning-rate", 100)
        assert bad.code == 1
        assert bad.out != good.out
        facts = cli("check", "wine", "--json").json
        assert isinstance(facts, dict)

    def test_refusals(self, cli):
        assert "check needs a table" in cli.refused("check")
        assert "is not a valid integer" in cli.refused("check", "wine", "--epochs", "x")
        answer = cli("check", "wine", "--epochs", 0)  # what training refuses is a finding, with its remedy
        assert (answer.code, answer.err) == (1, "")
        assert "epochs must be a whole number of at least 1; received 0" in answer.out
