"""Files under the names that people give: permissions, links, places that take none, and threads that write at once."""

import os
import stat
import threading

import pytest

import chainrule as cr
from chainrule.errors import UsageError
from chainrule.files import check_writable, write_whole


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("permissions", [0o600, 0o640, 0o664, 0o755])
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path, permissions):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"old")
    path.chmod(permissions)
    write_whole(path, b"new")
    assert (path.read_bytes(), mode(path)) == (b"new", permissions)


def test_nothing_of_the_process_is_changed_on_the_way(tmp_path, monkeypatch):
    """Whatever one thread sets for a moment, another sees, or leaves behind."""
    import signal

    def refused(*arguments):
        raise AssertionError(f"set for the whole process: {arguments}")

    model = cr.train("xor", epochs=1)
    with monkeypatch.context() as patch:
        for module, name in ((os, "umask"), (os, "chdir"), (os, "putenv"), (signal, "signal")):
            patch.setattr(module, name, refused)
        path = write_whole(tmp_path / "a", b"a")
        write_whole(path, b"b")
        check_writable(tmp_path / "b")
        model.save(tmp_path / "model")
    assert path.read_bytes() == b"b"
    assert cr.load(tmp_path / "model").network.sizes == model.network.sizes


def test_threads_that_save_at_once_leave_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        start, errors = threading.Barrier(4), []

        def save(name):
            start.wait()
            try:
                for i in range(40):
                    write_whole(tmp_path / f"{name}", str(i) * 1000)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=save, args=(name,)) for name in ("a", "b", "a", "b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors
    finally:
        assert os.umask(before) == 0o077
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    for path in tmp_path.iterdir():
        assert mode(path) == 0o600
        text = path.read_text()
        assert text == text[:2] * (len(text) // 2)  # one thread's, whole


class TestLinks:
    def test_the_file_behind_a_link_is_written(self, tmp_path):
        (tmp_path / "there").mkdir()
        (tmp_path / "there" / "real").write_text("old")
        (tmp_path / "near").symlink_to("there/real")
        (tmp_path / "far").symlink_to(tmp_path / "near")
        write_whole(tmp_path / "far", "new")
        assert (tmp_path / "far").is_symlink()
        assert (tmp_path / "near").is_symlink()
        assert (tmp_path / "there" / "real").read_text() == "new"
        assert sorted(os.listdir(tmp_path / "there")) == ["real"]

    def test_a_link_to_nothing_yet(self, tmp_path):
        (tmp_path / "link").symlink_to("real")
        write_whole(tmp_path / "link", "new")
        assert (tmp_path / "real").read_text() == "new"

    def test_refused(self, tmp_path):
        (tmp_path / "a").symlink_to("b")
        (tmp_path / "b").symlink_to("a")
        (tmp_path / "astray").symlink_to("no/such")
        (tmp_path / "out").symlink_to("/dev/stdout")
        (tmp_path / "folder").symlink_to(".")
        for name, words in (("a", "cannot be reached"), ("astray", "does not exist. Create it"),
                            ("folder", "is a folder"), ("out", "no ordinary file")):  # fmt: skip
            if name == "out" and not os.path.exists("/proc/self/fd"):
                continue
            with pytest.raises(UsageError, match=words) as caught:
                write_whole(tmp_path / name, b"x")
            assert f'"{tmp_path / name}"' in str(caught.value)
            with pytest.raises(UsageError, match=words):
                check_writable(tmp_path / name)
        assert sorted(os.listdir(tmp_path)) == ["a", "astray", "b", "folder", "out"]


@pytest.mark.parametrize("name", ["/dev/null", "/dev/stdout", "/dev/stderr"])
def test_devices_are_refused(name):
    if os.path.exists(name):
        with pytest.raises(UsageError, match="is no ordinary file"):
            check_writable(name)


def test_no_name_of_a_file(tmp_path):
    for name, words in (("a\0b", "NUL"), ("x" * 300, "too long"), ("", "is a folder")):
        with pytest.raises(UsageError, match=words):
            write_whole(tmp_path / name, b"x")


def test_a_file_that_is_read_only_stays(tmp_path, monkeypatch):
    path = tmp_path / "kept"
    path.write_text("old")
    path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda *arguments: False)  # the tests may run as root, who may do all
    for write in (check_writable, lambda path: write_whole(path, "new")):
        with pytest.raises(UsageError, match="is there already, and is read-only"):
            write(path)
    assert path.read_text() == "old"


def test_who_may_not_give_a_file_away_allows_no_more_than_before(tmp_path, monkeypatch):
    path = tmp_path / "shared"
    path.write_text("old")
    path.chmod(0o666)
    theirs = os.stat(path)
    real = os.fstat
    monkeypatch.setattr(os, "fstat", lambda handle: os.stat_result([*real(handle)[:4], theirs.st_uid + 1,
                                                                    *real(handle)[5:10]]))  # fmt: skip

    def refused(*arguments):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refused)
    before = os.umask(0o027)
    try:
        write_whole(path, "new")
    finally:
        os.umask(before)
    assert (path.read_text(), mode(path)) == ("new", 0o640)


def test_a_write_that_takes_a_part_goes_on(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, bytes(data[:7])))
    write_whole(tmp_path / "a", "0123456789" * 5)
    assert (tmp_path / "a").read_text() == "0123456789" * 5
