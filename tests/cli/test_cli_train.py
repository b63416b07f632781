"""`chainrule train`: what it writes, what it says, and how it ends."""

import csv
import json
import math

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DivergenceError

SHORT = ("--epochs", 5, "--no-report")


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def houses(tmp_path):
    """A CSV file with numbers, names, a gap and a price."""
    generator = np.random.default_rng(1)
    lines = ["size;kind;age;price"]
    for i in range(60):
        size, kind = generator.uniform(40, 200), ["house", "flat"][i % 2]
        age = "" if i == 7 else str(i % 30)
        lines.append(f"{size:.1f};{kind};{age};{1000 * size + 5000 * (kind == 'house'):.0f}")
    path = tmp_path / "houses.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_writes_model_history_and_report(cli):
    answer = cli("train", "wine", "--epochs", 5)
    assert answer.code == 0
    assert sorted(path.name for path in cli.folder.iterdir()) == [
        "wine.history.csv", "wine.report.html", "wine.safetensors",
    ]  # fmt: skip
    assert "Network 13-16-3, 275 weights and biases. Rows: 107 train, 35 validate, 36 test." in answer.out
    assert "Test: accuracy" in answer.out
    assert "Wrote wine.safetensors, wine.history.csv, wine.report.html." in answer.out
    assert "Traceback" not in answer.err
    page = (cli.folder / "wine.report.html").read_text()
    assert page.lower().startswith("<!doctype html>")
    model = cr.load("wine.safetensors")
    assert f"accuracy {model.test.accuracy:.3f}" in answer.out


def test_is_what_python_does(cli):
    cli("train", "wine", *SHORT, "--hidden", 5, 4, "--activation", "relu,tanh", "--seed", 3, "-o", "m")
    loaded = cr.load("m.safetensors")
    model = cr.train("wine", epochs=5, hidden=(5, 4), activation="relu,tanh", seed=3)
    assert loaded.network.sizes == (13, 5, 4, 3)
    for p, q in zip(model.network.parameters, loaded.network.parameters, strict=True):
        assert p.tobytes() == q.tobytes()
    assert loaded.plan == model.plan


@pytest.mark.parametrize(
    "hidden", [("--hidden", "5", "4"), ("--hidden", "5,4"), ("--hidden", "5 4"), ("--hidden=5,4",)]
)
def test_hidden_is_written_in_any_way(cli, hidden):
    for order in ((*hidden, *SHORT, "xor"), (*SHORT, "xor", *hidden)):
        assert cli("train", *order).code == 0
        assert cr.load("xor.safetensors").network.sizes == (2, 5, 4, 1)


def test_json(cli):
    facts = cli("train", "wine", "--epochs", 5, "--json", "--seed", 2).json
    model = cr.load(facts["model"])
    assert facts["test"] == model.test.summary()
    assert facts["test"]["accuracy"] > 0.5
    assert facts["epochs"] == 5
    assert facts["seconds"] > 0
    assert facts["engine"] == "compiled"
    assert facts["seed"] == 2
    assert facts["rows"] == {"train": 107, "validation": 35, "test": 36}
    assert facts["sizes"] == [13, 16, 3]
    for name in ("model", "history", "report"):
        assert (cli.folder / facts[name]).is_file()
    assert (facts["task"], facts["target"]) == ("classification", ["class"])
    assert facts["stopped"] == "all epochs run"


def test_json_of_a_regression(cli, houses):
    answer = cli("train", houses, *SHORT, "--missing", "impute", "--json")
    assert answer.code == 0
    facts = answer.json
    assert facts["test"]["rmse"] > 0
    assert facts["target"] == ["price"]
    assert "report" not in facts
    assert facts["model"] == "houses.safetensors"
    assert "Network" in answer.err  # what is said on the way goes beside


def test_json_has_no_nan(cli):
    facts = cli("train", "xor", *SHORT, "--json", "--loss", "half_squared_error").json
    assert facts["test"] is None


def test_history_has_a_row_an_epoch(cli):
    cli("train", "wine", "--epochs", 7, "--no-report")
    rows = rows_of(cli.folder / "wine.history.csv")
    model = cr.load("wine.safetensors")
    assert [int(row["epoch"]) for row in rows] == list(range(1, 8))
    assert [float(row["cost"]) for row in rows] == [row.cost for row in model.history]
    assert [float(row["validation_cost"]) for row in rows] == [row.validation_cost for row in model.history]
    assert float(rows[0]["learning_rate"]) == 0.01
    cli("train", "xor", *SHORT)
    assert {row["validation_cost"] for row in rows_of(cli.folder / "xor.history.csv")} == {""}


def test_csv_with_its_own_delimiter_and_gap(cli, houses):
    message = cli.refused("train", houses, *SHORT, "--missing", "refuse")
    assert 'houses.csv, row 9, column "age": the value is missing' in message
    assert "use --missing indicate" in message
    answer = cli("train", houses, *SHORT, "--missing", "drop", "--target", "kind", "--ignore", "age")
    assert answer.code == 0
    assert cr.load("houses.safetensors").classes == ("flat", "house")


def test_options_of_reading(cli):
    (cli.folder / "odd.txt").write_text("1|0,5|yes\n2|1,5|no\n" * 10)
    answer = cli("train", "odd.txt", *SHORT, "--delimiter", "|", "--decimal", ",", "--no-header", "--hidden", 2)
    assert answer.code == 0
    assert cr.load("odd.safetensors").classes == ("no", "yes")
    query = "select alcohol, hue, class from 'wine.csv' where ash > 2"
    wine = cr.read_table("wine")
    lines = [",".join(wine.names)] + [
        ",".join(map(str, row)) for row in zip(*(c.values for c in wine.columns), strict=True)
    ]
    (cli.folder / "wine.csv").write_text("\n".join(lines))
    assert cli("train", "--sql", query, *SHORT, "-o", "q.safetensors").code == 0
    assert cr.load("q.safetensors").network.sizes[0] == 2


def test_quiet_prints_nothing(cli):
    answer = cli("train", "wine", "--epochs", 5, "-q")
    assert answer == (0, "", "")
    assert (cli.folder / "wine.safetensors").is_file()
    answer = cli("train", "wine", *SHORT, "-q", "--json")
    assert answer.json["epochs"] == 5
    assert answer.err == ""


def test_plain_lines_where_no_one_watches(cli):
    answer = cli("train", "wine", "--epochs", 40, "--no-report")
    lines = [line for line in answer.err.splitlines() if line.startswith("epoch ")]
    assert [line.split(":")[0] for line in lines] == [f"epoch {n}" for n in (1, *range(4, 41, 4))]
    assert "\x1b" not in answer.out + answer.err
    assert "\r" not in answer.err


def test_starts_are_summed_up(cli):
    answer = cli("train", "xor", *SHORT, "--starts", 3)
    assert "Best of 3 starts: cost" in answer.out
    assert len(cli("train", "xor", *SHORT, "--starts", 3, "--json").json["starts"]) == 3


def test_no_rows_for_testing(cli):
    assert "No rows were kept for testing.\nOn the training rows: cost" in cli("train", "xor", *SHORT).out


class TestRefusals:
    @pytest.mark.parametrize(
        ("args", "words"),
        [
            (("train",), "train needs a table: a file, a built-in name such as wine"),
            (("train", "wien"), 'Did you mean "wine"?'),
            (("train", "missing.csv"), 'no file "missing.csv" was found'),
            (("train", "wine", "--target", "klass"), 'has no column "klass". Did you mean "class"?'),
            (("train", "wine", "--epochs", "0"), "epochs must be a whole number of at least 1; received 0"),
            (("train", "wine", "--epochs", "x"), "'x' is not a valid integer"),
            (("train", "wine", "--learning-rate", "nan"), "must be a finite number above 0; received nan"),
            (("train", "wine", "--activation", "logistc"), 'Did you mean "logistic"?'),
            (("train", "wine", "--hidden", "a"), "hidden must be the units of each hidden layer"),
            (("train", "wine", "--update", "sgd"), 'update "sgd" is unknown'),
            (("train", "wine", "--hiden", "3"), "--hidden"),
            (("train", "wine", "--engine", "node_by_node"), "knows logistic activations only"),
            (("train", "wine", "-o", "missing/m.safetensors"), 'the folder "missing" does not exist'),
            (("train", "wine", "-o", "."), "is a folder"),
            (("train", "wine", "--resume"), "resume needs the checkpoint"),
            (("train", "wine", "--checkpoint", "c", "--starts", "2"), "holds one training"),
            (("train", "wine", "--checkpoint", "wine.safetensors"), "is the checkpoint itself"),
            (("train", "wine", "extra"), "unexpected extra argument"),
        ],
    )  # fmt: skip
    def test_bad_use(self, cli, args, words):
        assert words in " ".join(cli.refused(*args, *(["-q"] if len(args) > 1 else [])).split())

    def test_the_table_is_never_replaced(self, cli, houses):
        before = houses.read_bytes()
        assert "is the table itself" in cli.refused("train", "houses.csv", "-o", "houses.csv")
        (cli.folder / "m.history.csv").write_bytes(before)
        assert "is the table itself" in cli.refused("train", "m.history.csv", "-o", "m.safetensors", "-q")
        assert houses.read_bytes() == before

    def test_a_cell_is_named_by_file_row_and_column(self, cli):
        (cli.folder / "bad.csv").write_text("a,b\n" + "1,2\n" * 20 + "1,x\n")
        message = cli.refused("train", "bad.csv", "--task", "regression", "-q")
        assert message.startswith("bad.csv, row ")
        assert 'column "b"' in message
        assert "is not a number" in message

    def test_errors_have_a_traceback_with_debug_only(self, cli, capsys):
        for args in (["--debug", "train", "wine", "--epochs", "0"], ["train", "wine", "--epochs", "0", "--debug"]):
            from chainrule.cli.main import main

            with pytest.raises(cr.UsageError, match="epochs must be"):
                main(args)
        assert "Traceback" not in cli("train", "wine", "--epochs", "0").err

    def test_mistakes_of_chainrule_are_called_so(self, cli, monkeypatch):
        def broken(*arguments, **options):
            raise RuntimeError("a mistake")

        monkeypatch.setattr("chainrule.models.setup.set_up", broken)
        answer = cli("train", "wine")
        assert answer.code == 1
        assert answer.err == (
            "Error: unexpected RuntimeError: a mistake. This is a mistake in chainrule; please report it.\n"
        )

    def test_a_full_disk(self, cli, monkeypatch):
        import os

        def full(*arguments):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        answer = cli("train", "xor", *SHORT)
        assert answer.code == 1
        assert answer.err.splitlines()[-1] == (
            'Error: not written: the model "xor.safetensors" (No space left on device); the history '
            '"xor.history.csv" (No space left on device). No place took the model.'
        )
        assert list(cli.folder.iterdir()) == []

    def test_no_memory(self, cli, monkeypatch):
        def large(*arguments, **options):
            raise MemoryError

        monkeypatch.setattr("chainrule.models.setup.set_up", large)
        answer = cli("train", "wine")
        assert (answer.code, answer.err) == (
            1, "Error: not enough memory. Use fewer rows, a smaller --batch-size or a smaller --hidden.\n",
        )  # fmt: skip


class TestEnds:
    def test_divergence_writes_the_last_good_model(self, cli):
        answer = cli("train", "diabetes", "--update", "gradient_descent", "--learning-rate", 10, "--activation",
                     "identity", "--batch-size", "all", "--epochs", 500, "-q")  # fmt: skip
        assert answer.code == 1
        assert answer.out == ""
        assert 'The weights kept are in "diabetes.safetensors".' in answer.err
        assert "Error: training diverged" in answer.err
        assert "lower the learning rate (now 10)" in answer.err
        assert "Traceback" not in answer.err
        model = cr.load("diabetes.safetensors")
        assert np.isfinite(model.predict("diabetes")).all()
        assert model.provenance.stopped == "diverged"
        assert len(rows_of(cli.folder / "diabetes.history.csv")) == len(model.history)
        assert (cli.folder / "diabetes.report.html").is_file()

    def test_divergence_in_the_first_epoch_replaces_nothing(self, cli):
        (cli.folder / "diabetes.safetensors").write_bytes(b"of yesterday")
        answer = cli("train", "diabetes", "--update", "gradient_descent", "--learning-rate", 1e6, "--activation",
                     "identity", "--epochs", 100, "-q")  # fmt: skip
        assert answer.code == 1
        assert answer.err.startswith("No epoch was completed: nothing is written.\nError: training diverged in epoch 1")
        assert [path.read_bytes() for path in cli.folder.iterdir()] == [b"of yesterday"]

    @pytest.mark.parametrize(("engine", "step"), [("reference", "one_epoch"), ("compiled", "advance")])
    def test_interruption(self, cli, monkeypatch, engine, step):
        from chainrule.training import loop

        original, calls = getattr(loop, step), []

        def interrupted(*arguments, **options):
            calls.append(arguments)
            if len(calls) > 6:
                raise KeyboardInterrupt
            return original(*arguments, **(options | {"epochs": 1} if options else {}))

        monkeypatch.setattr(loop, step, interrupted)
        answer = cli("train", "wine", "--epochs", 50, "--engine", engine)
        assert answer.code == 130
        model = cr.load("wine.safetensors")
        assert model.provenance.stopped == "interrupted"
        assert len(model.history) == len(rows_of(cli.folder / "wine.history.csv")) == 6
        assert (cli.folder / "wine.report.html").is_file()

    @pytest.mark.parametrize(("engine", "step"), [("reference", "one_epoch"), ("compiled", "advance")])
    def test_interruption_in_the_first_epoch(self, cli, monkeypatch, engine, step):
        def interrupted(*arguments, **options):
            raise KeyboardInterrupt

        cli("train", "xor", "--epochs", 3, "-q")
        monkeypatch.setattr(f"chainrule.training.loop.{step}", interrupted)
        before = {path.name: path.read_bytes() for path in cli.folder.iterdir()}
        answer = cli("train", "xor", "--engine", engine)
        assert answer.code == 130
        assert answer.err.split("\n")[0] == "No epoch was completed: nothing is written."
        assert answer.err.endswith("\nInterrupted.\n")
        assert {path.name: path.read_bytes() for path in cli.folder.iterdir()} == before  # the model of yesterday

    def test_interruption_before_the_training(self, cli, monkeypatch):
        def interrupted(*arguments, **options):
            raise KeyboardInterrupt

        monkeypatch.setattr("chainrule.models.setup.set_up", interrupted)
        answer = cli("train", "wine")
        assert (answer.code, answer.err.strip()) == (130, "Interrupted.")

    def test_resume(self, cli):
        options = ("--no-report", "--seed", 4, "--schedule", "reduce_on_plateau(0.5,2)", "--checkpoint-every", 3)
        cli("train", "wine", "--epochs", 12, *options, "-o", "whole.safetensors")
        cli("train", "wine", "--epochs", 7, *options, "-o", "m.safetensors", "--checkpoint", "c")
        first = cr.load("m.safetensors")
        cli("train", "wine", "--epochs", 12, *options, "-o", "m.safetensors", "--checkpoint", "c", "--resume")
        whole, resumed = cr.load("whole.safetensors"), cr.load("m.safetensors")
        assert (len(first.history), len(resumed.history)) == (7, 12)
        for p, q in zip(whole.network.parameters, resumed.network.parameters, strict=True):
            assert p.tobytes() == q.tobytes()
        columns = ("cost", "validation_cost", "learning_rate")
        ours, theirs = (rows_of(cli.folder / f"{name}.history.csv") for name in ("whole", "m"))
        assert [[row[c] for c in columns] for row in ours] == [[row[c] for c in columns] for row in theirs]
        other = cli("train", "wine", *options, "--epochs", 9, "--batch-size", 9, "--checkpoint", "c", "--resume", "-q")
        assert other.code == 2
        assert "belongs to another training" in other.err
        (cli.folder / "c").write_bytes((cli.folder / "c").read_bytes()[:-9])
        broken = cli("train", "wine", "--epochs", 12, *options, "--checkpoint", "c", "--resume", "-q")
        assert broken.code == 2
        assert "is damaged" in broken.err


def test_history_csv_and_summary_are_plain():
    from chainrule.cli.leaving import history_csv
    from chainrule.cli.output import plain
    from chainrule.cli.train import summary

    model = cr.train("wine", epochs=2)
    facts = plain(summary(model, {}))
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert plain({1: np.float32(0.5), "x": [np.int64(3), math.inf, np.array([1, 2])], "t": (True, None)}) == {
        "1": 0.5, "x": [3, None, [1, 2]], "t": [True, None],
    }  # fmt: skip
    assert len(history_csv(model.history).splitlines()) == 3


def test_divergence_in_python_is_an_error():
    with pytest.raises(DivergenceError):
        cr.train("diabetes", update="gradient_descent", learning_rate=1e6, activation="identity")


class TestNothingIsReplacedUnasked:
    def test_the_table_and_other_files(self, cli):
        table = "x,y\n" + "".join(f"{i},{2 * i}\n" for i in range(40))
        (cli.folder / "own.csv").write_text(table)
        assert cli("train", "own.csv", *SHORT, "-o", "m.safetensors").code == 0
        for arguments, words in (
            (("train", "own.csv", "-o", "own.csv"), "is the table itself"),
            (("train", "own.csv", "--checkpoint", "own.csv"), "is another file, which would be lost"),
            (("predict", "m.safetensors", "own.csv", "-o", "own.csv"), "is the table itself"),
            (("predict", "m.safetensors", "own.csv", "-o", "m.safetensors"), "is the model itself"),
        ):
            answer = cli(*arguments)
            assert answer.code == 2
            assert words in answer.err
        assert (cli.folder / "own.csv").read_text() == table
        assert "m.safetensors (replaced)" in cli("train", "own.csv", *SHORT, "-o", "m.safetensors").out


def test_solvers(cli):
    answer = cli("train", "sine", "--solver", "lm", "--bayes", "--epochs", 20, "--no-report")
    assert answer.code == 0
    assert "Bayesian regularisation" in "".join(cr.load("sine.safetensors").provenance.notes)
    assert "on the levenberg_marquardt engine" in answer.out
    assert "Learning rate" not in answer.out
    assert all(row["learning_rate"] == "" for row in rows_of(cli.folder / "sine.history.csv"))
    facts = cli("info", "sine.safetensors", "--json").json
    assert (facts["solver"], facts["bayes"]) == ("lm", True)
    assert "update" not in facts
    again = cli("train", "sine", "--solver", "lbfgs(5)", "--epochs", 20, "--no-report", "--json").json
    assert again["engine"] == "lbfgs"


def test_solvers_refuse_what_has_no_effect(cli):
    message = cli.refused("train", "sine", "--solver", "lm", "--batch-size", 8)
    assert message.startswith('batch_size=8 has no effect with solver="lm"')
    assert "5,000 are taken" in cli.refused("train", "digits", "--hidden", 100, "--solver", "lm")


def test_files_for_the_parts_are_read_and_not_replaced(cli):
    for name, rows in (("own.csv", range(40)), ("v.csv", range(40, 47)), ("t.csv", range(50, 55))):
        (cli.folder / name).write_text("x;y\n" + "".join(f"{i};{2 * i},5\n" for i in rows))
    files = ("--validation-file", "v.csv", "--test-file", "t.csv")
    answer = cli("train", "own.csv", *files, *SHORT, "-o", "m.safetensors", "--json")
    assert answer.code == 0
    assert answer.json["rows"] == {"train": 40, "validation": 7, "test": 5}
    for file, part in (("v.csv", "validation"), ("t.csv", "test")):
        assert f"is the table of {part} rows itself" in cli.refused("train", "own.csv", *files, "-o", file)
    assert "as validation_file" in cli.refused("explain", "m.safetensors", "own.csv", "b[1][1]", "--step", 2)
    step = cli("explain", "m.safetensors", "own.csv", "--validation-file", "v.csv", "change b[1][1]", "--step", 2)
    assert step.code == 0
    assert "bit for bit" in step.out
    assert "is for a step" in cli.refused("explain", "m.safetensors", "own.csv", "J", "--validation-file", "v.csv")


def test_groups_on_the_command_line(cli):
    rows = [f"g{i // 5},{i},{i * i % 37}" for i in range(100)]
    (cli.folder / "g.csv").write_text("\n".join(["ward,x,y", *rows]))
    answer = cli("train", "g.csv", "--group", "ward", "--no-report", *SHORT)
    assert 'Rows of one "ward" stay together: 12 of them train, 4 validate, 4 test.' in answer.out
    assert "ward" not in answer.out.split("Inputs read as numbers: ")[1].splitlines()[0]
    folds = cli("crossval", "g.csv", "--group", "ward", "--folds", 3, "--json", "--quiet", "--epochs", 2).json["rows"]
    assert sum(folds) == 100
    assert all(rows % 5 == 0 for rows in folds)
    assert "group and time each decide" in cli.refused("train", "g.csv", "--group", "ward", "--time", "x")
    assert cli("check", "g.csv", "--group", "ward").code in (0, 1)
