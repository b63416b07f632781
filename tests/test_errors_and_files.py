"""The exception tree, and files that are either whole or not there."""

import builtins
import os
import stat

import pytest

import chainrule
from chainrule import errors, files
from chainrule.errors import (
    ChainruleError,
    DataError,
    DivergenceError,
    ModelFileError,
    UsageError,
    did_you_mean,
    unknown_name,
)
from chainrule.files import check_writable, write_whole


def test_one_tree_with_exit_codes():
    codes = {UsageError: 2, DataError: 2, ModelFileError: 2, DivergenceError: 1, ChainruleError: 1}
    found = {error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, BaseException)}
    assert found == set(codes)
    for error, code in codes.items():
        assert issubclass(error, ChainruleError)
        assert error.exit_code == code
        assert getattr(chainrule, error.__name__) is error
    for error in (UsageError, DataError, ModelFileError):
        assert issubclass(error, ValueError)  # as NumPy and scikit-learn users expect
    assert issubclass(DivergenceError, ArithmeticError)
    assert DivergenceError("x").model is None
    assert DivergenceError("x").state is None


def test_unknown_name_says_what_is_allowed():
    error = unknown_name("loss", "hubber", iter(["huber", "quantile"]))
    assert isinstance(error, UsageError)
    assert str(error) == 'loss "hubber" is unknown. Did you mean "huber"? Allowed: huber, quantile.'
    assert str(unknown_name("loss", 17, ["huber"])) == 'loss "17" is unknown. Allowed: huber.'
    assert did_you_mean("qqq", ["huber"]) == ""


@pytest.mark.parametrize(("content", "stored"), [("grün\n", "grün\n".encode()), (b"\x00\xff", b"\x00\xff"), ("", b"")])
def test_write_whole(tmp_path, content, stored):
    path = tmp_path / "a file.txt"
    assert write_whole(path, content) == path
    assert path.read_bytes() == stored
    assert write_whole(str(path), b"new") == path
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a file.txt"]


def test_permissions_are_those_of_any_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        path = write_whole(tmp_path / "a", "a")
        (tmp_path / "b").write_text("b")
        assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o640
    finally:
        assert os.umask(before) == 0o027  # it was put back


@pytest.mark.parametrize("function", ["write", "fsync", "fchmod", "close", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, function, error):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"old")
    path.chmod(0o604)  # other permissions than those of a new file

    def fail(*arguments):
        raise error

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(type(error)):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.safetensors"]


def test_the_data_are_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    done = []
    for name in ("fsync", "replace"):
        original = getattr(os, name)

        def watched(*arguments, name=name, original=original):
            done.append(name)
            return original(*arguments)

        monkeypatch.setattr(os, name, watched)
    write_whole(tmp_path / "a", b"a")
    assert done == ["fsync", "replace"]


def test_the_temporary_file_is_beside_the_target(tmp_path, monkeypatch):
    """Renaming is atomic within a file system only."""
    pairs = []
    original = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (pairs.append((a, b)), original(a, b)))
    write_whole(tmp_path / "a", b"a")
    ((temporary, target),) = pairs
    assert os.path.dirname(temporary) == str(tmp_path) == os.path.dirname(target)


def test_refused_before_the_work(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match=r"is a folder\. Give the name of a file, such as .*model.safetensors"):
        check_writable(tmp_path)
    with pytest.raises(UsageError, match=r"the folder .*missing.* does not exist. Create it first"):
        check_writable(tmp_path / "missing" / "a")
    (tmp_path / "file").write_text("a")
    with pytest.raises(UsageError, match="does not exist"):
        check_writable(tmp_path / "file" / "a")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is no ordinary file"):
        write_whole(tmp_path / "pipe", b"a")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    with pytest.raises(UsageError, match="the name is too long for a file"):
        check_writable(tmp_path / ("x" * 256))

    def refused(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.os, "open", refused)  # the tests may run as root
    with pytest.raises(UsageError, match=r"cannot be written to \(Permission denied\). Choose another"):
        check_writable(tmp_path / "a")
    with pytest.raises(UsageError, match="cannot be written to"):
        write_whole(tmp_path / "a", b"a")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "pipe"]


def test_check_writable_touches_nothing(tmp_path, monkeypatch):
    (tmp_path / "old").write_text("old")
    monkeypatch.setattr(builtins, "open", None)
    check_writable(tmp_path / "old")
    check_writable(tmp_path / "new")
    check_writable("new-in-this-folder")
    monkeypatch.undo()
    assert (tmp_path / "old").read_text() == "old"
    assert not (tmp_path / "new").exists()
