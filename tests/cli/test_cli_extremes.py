"""Flags at the ends of their ranges, and terminals of every encoding: an answer or one clear message."""

from __future__ import annotations

import io
import os
import sys
import unicodedata
from importlib import import_module

import click
import pytest

import chainrule as cr
from chainrule.cli.main import COMMANDS, main

EXTREMES = ("0", "-1", "9223372036854775808", "1e400", "nan", "")
FIRST = {
    "train": ("xor", "--epochs", "1", "--no-report", "-q", "--time-limit", "0.1", "-o", "o.safetensors"),
    "crossval": ("t.csv", "--epochs", "1", "--folds", "2", "--time-limit", "0.1"),
    "predict": ("m.safetensors", "xor"),
    "evaluate": ("m.safetensors", "xor"),
    "explain": ("m.safetensors", "xor", "dC/dW[1][1,1]"),
    "paths": ("m.safetensors", "xor", "dC/dW[1][1,1]"),
    "jacobian": ("m.safetensors", "xor"),
    "gradcheck": ("m.safetensors", "xor"),
    "check": ("xor",),
    "info": ("xor",),
}
BY_HAND = {"derive": ("2-2-1",), "shapes": ("2-2-1",), "export": ("m.safetensors", "-o", "m.c")}
ODD_TEXT = ("", "\x1b[²\nb", "1" * 5000)
MORE_ODD_TEXT = (
    *(" ", ",", "(", ")", "()", "a(", "nan", "-1", "1e400", "1e-320", "é", "²", "٣", "%s{}%n", "'\"", "[1]", "{}"),
    *("1,2,3", "1-2-3", "a=b", "lm(nan)", "lm(1e999)", "huber(0)", "huber(nan)", "step(0)", "cosine(1e400)", "--", "/"),
    *("\\", "\udcff", "W[99999999999999999999]", "dC/dW[1][1," + "9" * 5000 + "]", "(" * 3000, "-" * 3000 + "x"),
    *("x**" * 2000, "[" * 100_000, "9" * 400),
)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{i},{i % 2}\n" for i in range(12)))
    cr.train("xor", hidden=2, epochs=2, seed=0).save("m.safetensors")
    return tmp_path


def numeric_flags():
    """Every flag of every command that takes a number, once for those that share it."""
    seen = set()
    for name in FIRST:
        for parameter in import_module(f"chainrule.cli.{name}").command.params:
            if not isinstance(parameter, click.Option) or parameter.is_flag or parameter.opts[0] in seen:
                continue
            if isinstance(parameter.type, (click.types.IntParamType, click.types.FloatParamType)):
                seen.add(parameter.opts[0])
                yield name, parameter.opts[0]


@pytest.mark.parametrize("one_in", [6, pytest.param(1, marks=pytest.mark.long)])
def test_every_numeric_flag_at_its_extremes(here, capsys, one_in):
    flags = list(numeric_flags())
    assert {"--epochs", "--threads", "--patience", "--starts", "--row", "--folds"} <= {flag for _, flag in flags}
    for i, (name, flag) in enumerate(flags):
        for value in EXTREMES[i % one_in :: one_in]:
            with pytest.raises(SystemExit) as ended:
                main([name, *FIRST[name], f"{flag}={value}"])
            said = capsys.readouterr().err
            assert ended.value.code in (0, 1, 2), (flag, value, said)
            assert "mistake in chainrule" not in said, (flag, value, said)
            assert "Traceback" not in said, (flag, value, said)


def text_cases(values, *, every):
    """Commands with a flag or an argument that takes text at its extremes: of every command, or once for each flag."""
    seen = set()
    for name, args in {**FIRST, **BY_HAND}.items():
        parameters = import_module(f"chainrule.cli.{name}").command.params
        arguments = [one for one in parameters if isinstance(one, click.Argument)]
        for parameter in parameters:
            flag = getattr(parameter, "is_flag", False)
            number = isinstance(parameter.type, (click.types.IntParamType, click.types.FloatParamType))
            if flag or number or (not every and parameter.name in seen):
                continue
            seen.add(parameter.name)
            for value in values:
                if isinstance(parameter, click.Option):
                    yield [name, *args, f"{parameter.opts[-1]}={value}"]
                else:
                    i = arguments.index(parameter)
                    yield [name, *args[:i], value, *args[i + 1 :]]


def answers(monkeypatch, args):
    """Check that a command answers, or refuses in words that a terminal can show."""
    code, out, err = output_of(monkeypatch, "utf-8", *args)
    shown = [str(arg)[:80] for arg in args]
    assert code in (0, 1, 2), (shown, code)
    assert "mistake in chainrule" not in err, (shown, err)
    assert "Traceback" not in err, (shown, err)
    raw = [letter for letter in out + err if unicodedata.category(letter) == "Cc" and letter not in "\n\t"]
    assert not raw, (shown, raw)


def test_every_text_flag_at_its_extremes(here, monkeypatch):
    cases = list(text_cases(ODD_TEXT, every=False))
    assert len(cases) > 100
    for args in cases:
        answers(monkeypatch, args)


@pytest.mark.long
@pytest.mark.parametrize("command", [*FIRST, *BY_HAND])
def test_more_text_for_every_flag_of_every_command(here, monkeypatch, command):
    more = () if command == "crossval" else MORE_ODD_TEXT  # it has the flags of train, and is slow
    for args in text_cases((*ODD_TEXT, *more), every=True):
        if args[0] == command:
            answers(monkeypatch, args)


def test_names_with_escape_sequences_are_shown_and_not_obeyed(here, monkeypatch):
    name = "\x1b]2own\x07\x9b2J"
    path = here / f"{'' if sys.platform == 'win32' else name}t.csv"
    path.write_text(f"{name},b\n" + "".join(f"{i},{name}{i % 2}\n" for i in range(12)), encoding="utf-8")
    for args in (
        ("info", path.name),
        ("check", path.name),
        ("train", path.name, "--epochs", "2", "-o", "e.safetensors"),
        ("evaluate", "e.safetensors", path.name),
        ("explain", "e.safetensors", path.name, "C"),
        ("explain", "e.safetensors", path.name),
        ("info", "e.safetensors"),
        ("train", path.name, "--target", name + "x"),
        ("train", path.name, f"--{name}"),
    ):
        answers(monkeypatch, args)
    assert "\\x1b]2own\\x07" in output_of(monkeypatch, "utf-8", "info", path.name)[1]
    # Data stay as they are for other programs.
    assert f"p({name}0)" in output_of(monkeypatch, "utf-8", "predict", "e.safetensors", path.name)[1]


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no such device")
def test_what_never_ends_is_not_read(here, monkeypatch):
    for args in (
        ("info", "/dev/zero"),
        ("train", "/dev/zero"),
        ("predict", "m.safetensors", "/dev/zero"),
        ("info", "/dev/zero", "--sql", "from data"),
        ("explain", "2-3-1", "--weights", "/dev/zero", "--x", "1,1", "--y", "1", "C"),
    ):
        code, _, err = output_of(monkeypatch, "utf-8", *args)
        assert (code, "is a device" in err) == (2, True), (args, err)


def test_a_file_that_the_query_reads_is_not_replaced(here, monkeypatch):
    content = (here / "t.csv").read_text()
    cr.train("t.csv", hidden=2, epochs=2, seed=0).save("t.safetensors")
    for reading in (
        ("--sql", "from 't.csv'"),
        ("--sql", "from './t.csv'", "--sql-files", "t.*v"),
        ("xor", "--sql-files", "t.csv", "--sql", "from 't.csv'"),
    ):
        for args in (("predict", "t.safetensors", *reading), ("train", *reading)):
            code, _, err = output_of(monkeypatch, "utf-8", *args, "-o", "t.csv")
            assert (code, "is a table of the query itself" in err) == (2, True), (args, err)
            assert (here / "t.csv").read_text() == content
    assert output_of(monkeypatch, "utf-8", "predict", "t.safetensors", "--sql", "from 't.csv'", "-o", "p.csv")[0] == 0


@pytest.mark.parametrize(
    "option", ["--schedule=reduce_on_plateau(0.5,1e300)", "--solver=lbfgs(1e300)", "--threads=2000"]
)
def test_numbers_beyond_what_the_engines_take(here, capsys, option):
    with pytest.raises(SystemExit) as ended:
        main(["train", *FIRST["train"], option])
    assert ended.value.code == 2
    assert "received" in capsys.readouterr().err


ENCODINGS = ("ascii", "latin-1", "cp1252", "utf-16", "utf-8", "cp037", "shift_jis")


def output_of(monkeypatch, encoding: str, *args: str) -> tuple[int, str, str]:
    """The exit code, standard output and standard error of a command that writes in an encoding, strictly."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", streams[0])
        patched.setattr(sys, "stderr", streams[1])
        with pytest.raises(SystemExit) as ended:
            main(list(args))
        for stream in streams:
            stream.flush()
    # Where a terminal claims to know ASCII only, click writes UTF-8.
    written = "utf-8" if encoding == "ascii" else encoding
    out, err = (stream.buffer.getvalue().decode(written) for stream in streams)
    return ended.value.code, out, err


def test_output_in_encodings_without_the_letters(here, monkeypatch):
    assert {*FIRST, *BY_HAND} == set(COMMANDS)
    for name, args in {**FIRST, **BY_HAND}.items():
        expected = output_of(monkeypatch, "utf-8", name, *args)
        for encoding in ENCODINGS if name in ("explain", "predict") else ("ascii", "utf-16"):
            code, out, err = output_of(monkeypatch, encoding, name, *args)
            assert code == expected[0], (name, encoding, err)
            assert "mistake in chainrule" not in err, (name, encoding, err)
            if name in ("explain", "derive", "shapes", "jacobian", "paths"):
                assert out == (expected[1] if encoding == "ascii" else shown(expected[1], encoding))


def shown(text: str, encoding: str) -> str:
    return text.encode(encoding, "backslashreplace").decode(encoding)


def test_predictions_are_never_written_with_other_letters(here, monkeypatch):
    (here / "names.csv").write_text("a,b\n" + "".join(f"{i},{'Łx'[i % 2]}\n" for i in range(12)), encoding="utf-8")
    cr.train("names.csv", hidden=2, epochs=2, seed=0).save("names.safetensors")
    command = ("predict", "names.safetensors", "names.csv")
    assert "p(Ł)" in output_of(monkeypatch, "utf-8", *command)[1]
    code, out, err = output_of(monkeypatch, "latin-1", *command)
    assert (code, out) == (2, "")
    assert r"encoded as latin-1, which has no '\u0141'. Write to a file with -o" in err
    assert output_of(monkeypatch, "latin-1", *command, "--json")[0] == 0
    assert output_of(monkeypatch, "latin-1", *command, "-o", "p.csv")[0] == 0
    assert "p(Ł)" in (here / "p.csv").read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names there are Unicode")
def test_names_of_files_that_are_no_text(here, monkeypatch):
    name = "caf\udce9.csv"
    (here / name).write_text((here / "t.csv").read_text())
    for args in (
        ("info", name),
        ("train", name, "--epochs", "2", "-o", "caf\udce9"),
        ("predict", "caf\udce9.safetensors", name, "-o", "p\udce9.csv"),
        ("info", "caf\udce9.safetensors"),
        ("train", name, "--target", "\udce9"),
        ("info", name, "--sql", "select '\udce9' as a from data"),
    ):
        code, _, err = output_of(monkeypatch, "utf-8", *args)
        assert code in (0, 2), (args, err)
        assert (code == 0) == ("target" not in str(args) and "sql" not in str(args)), err
        assert "mistake in chainrule" not in err
