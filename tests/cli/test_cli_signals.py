"""Ctrl-C and stops from outside, at every touch of a file and at every line of a training: nothing is torn or lost."""

import os
import signal
from pathlib import Path

import pytest
from command_line import ended, start
from faults import SignalAtLine, Touched, at, whole

import chainrule as cr
from chainrule.interrupts import STOPS, interrupts_held
from chainrule.training import loop

PACKAGE = Path(cr.__file__).parent
LINES = [
    "interrupts", "files", "training/loop", "training/epoch", "training/chunks", "training/checkpoint",
    "training/course", "training/state", "engines/compiled", "models/train", "models/attempts", "models/many",
    "models/ensemble_training", "models/model", "models/model_file", "cli/train", "cli/leaving", "cli/progress",
    "cli/output", "show/report/build",
]  # fmt: skip
# Ctrl-C between the opening of a file and the next line leaves it to the collector, which closes it and says so.
ORPHANS = pytest.mark.filterwarnings("ignore:Exception ignored:pytest.PytestUnraisableExceptionWarning")
EVERY = 30  # of the lines, one in so many is tried in a plain `make test`


@pytest.fixture(autouse=True)
def ctrl_c():
    """Python's own handlers, whatever runs the tests."""
    before = {number: signal.getsignal(number) for number in STOPS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in STOPS[1:]:
        signal.signal(number, signal.SIG_DFL)
    yield
    after = {number: signal.getsignal(number) for number in STOPS}
    for number, handler in before.items():
        signal.signal(number, handler)
    assert after.pop(signal.SIGINT) is signal.default_int_handler
    assert set(after.values()) == {signal.SIG_DFL}
    assert interrupts_held._innermost is None


@pytest.fixture
def epochs(monkeypatch):
    """How many epochs are done, and handed over to the loop: none of them may be lost."""
    done = [0]
    one_epoch, advance = loop.one_epoch, loop.advance

    def counted_epoch(training, state):
        reached = one_epoch(training, state)
        done[0] = max(done[0], reached.state.epoch)
        return reached

    def counted(trainings, states, **options):
        reached, interrupted = advance(trainings, states, **options)
        done[0] = max(done[0], reached[0].state.epoch)
        return reached, interrupted

    monkeypatch.setattr(loop, "one_epoch", counted_epoch)
    monkeypatch.setattr(loop, "advance", counted)
    return done


class Watch:
    """What a signal found when it arrived."""

    def __init__(self, epochs):
        self.epochs, self.done, self.held = epochs, None, None

    def __call__(self, *arguments):
        self.done, self.held = self.epochs[0], interrupts_held._innermost is not None


def train(engine, *more):
    return ("train", "xor", "--hidden", 2, "--epochs", 3, "--engine", engine, "--checkpoint", "c",
            "--checkpoint-every", 2, *more)  # fmt: skip


def nothing_is_lost(folder, done, old=b"old"):
    """Nothing is torn; once an epoch was done, the model is there with all that were."""
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert not [name for name in files if name.endswith(".part")]
    assert all(whole(name, content) for name, content in files.items() if content != old)
    if done or files["xor.safetensors"] != old:
        model = cr.load("xor.safetensors")
        assert len(model.history) >= max(done, 1)
        assert len(files["xor.history.csv"].splitlines()) == len(model.history) + 1


@pytest.mark.parametrize(("number", "moment"), [(signal.SIGINT, "before"), (signal.SIGHUP, "after")])
def test_at_every_touch_of_a_file(cli, monkeypatch, epochs, number, moment):
    count = None
    n = 0
    while count is None or n < count:
        n += 1
        for path in cli.folder.iterdir():
            path.unlink()
        (cli.folder / "xor.safetensors").write_bytes(b"old")
        epochs[0], watch = 0, Watch(epochs)
        with monkeypatch.context() as patch:

            def press(*arguments, watch=watch):
                watch()
                signal.raise_signal(number)

            touched = Touched(patch, **{moment: at(n, press)})
            answer = cli(*train("compiled"))
        if watch.done is None:
            assert answer.code == 0
            count = len(touched.names)
            break
        assert answer.code == 130, (n, answer)
        assert "Traceback" not in answer.err
        nothing_is_lost(cli.folder, watch.done)
    assert count >= 20


def lines_of(cli, args):
    """The lines that a training runs, in their order."""
    with SignalAtLine(PACKAGE, LINES) as traced:
        assert cli(*args).code == 0
    return traced.lines


def at_lines(cli, epochs, args, lines):
    """Train once for each line, and press Ctrl-C there."""
    hits = 0
    for line in lines:
        for path in cli.folder.iterdir():
            path.unlink()
        (cli.folder / "xor.safetensors").write_bytes(b"old")
        epochs[0], watch = 0, Watch(epochs)
        with SignalAtLine(PACKAGE, LINES, line, arrived=watch):
            answer = cli(*args)
        where = (Path(line[0]).name, line[1], answer)
        if watch.done is None:  # a line that runs now and then: a clock decides
            assert answer.code == 0, where
            continue
        hits += 1
        assert answer.code == 130, where
        assert "Traceback" not in answer.err, where
        nothing_is_lost(cli.folder, watch.done)
    return hits


@ORPHANS
@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_at_some_lines(cli, epochs, engine):
    lines = lines_of(cli, train(engine))
    assert len(lines) > 250
    assert at_lines(cli, epochs, train(engine), lines[::EVERY]) > 5


@ORPHANS
@pytest.mark.long
@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_at_every_line(cli, epochs, engine):
    lines = lines_of(cli, train(engine))
    assert at_lines(cli, epochs, train(engine), lines) > 200


def in_python(epochs, work, lines):
    """Press Ctrl-C at each of some lines; what was reached is returned, unless Ctrl-C came when the call was over."""
    returned = 0
    for line in lines:
        epochs[0], watch = 0, Watch(epochs)
        models = None
        try:
            with SignalAtLine(PACKAGE, LINES, line, arrived=watch):
                models = work()
        except KeyboardInterrupt:
            assert not (watch.done and watch.held), line
        if models is not None and watch.done is not None:
            returned += 1
            assert max(len(model.history) for model in models) >= watch.done
            assert any(model.provenance.stopped == "interrupted" for model in models), line
    return returned


WORK = {
    "train": lambda: [cr.train("xor", hidden=2, epochs=3, seed=0)],
    "a callback": lambda: [cr.train("xor", hidden=2, epochs=3, seed=0, on_epoch=lambda state: None)],
    "starts": lambda: [cr.train("xor", hidden=2, epochs=3, seed=0, starts=3)],
    "reference": lambda: [cr.train("xor", hidden=2, epochs=3, seed=0, engine="reference")],
    "lm": lambda: [cr.train("xor", hidden=2, epochs=3, seed=0, solver="lm")],
    "many": lambda: cr.train_many("xor", [{"hidden": 2}, {"hidden": 3}], epochs=3),
    "ensemble": lambda: cr.train_ensemble("xor", members=2, hidden=2, epochs=3).members,
}


@pytest.mark.parametrize("work", WORK)
def test_in_python_at_some_lines(epochs, work):
    with SignalAtLine(PACKAGE, LINES) as traced:
        WORK[work]()
    assert in_python(epochs, WORK[work], traced.lines[::EVERY]) > 1


@pytest.mark.long
@pytest.mark.parametrize("work", WORK)
def test_in_python_at_every_line(epochs, work):
    with SignalAtLine(PACKAGE, LINES) as traced:
        WORK[work]()
    assert in_python(epochs, WORK[work], traced.lines) > 30


class TestSecond:
    """Of two interrupts, the second has the report left out; the model is never left out."""

    def test_while_the_report_is_made(self, cli, monkeypatch):
        def interrupted(*arguments, **options):
            signal.raise_signal(signal.SIGINT)
            raise AssertionError("never")

        monkeypatch.setattr("chainrule.show.report.build.report_html", interrupted)
        answer = cli("train", "xor", "--epochs", 3)
        assert answer.code == 130
        assert 'The report "xor.report.html" was left out: interrupted.' in answer.err
        assert "Wrote xor.safetensors, xor.history.csv.\n" in answer.out
        assert sorted(path.name for path in cli.folder.iterdir()) == ["xor.history.csv", "xor.safetensors"]

    def test_several_while_the_model_is_written(self, cli, monkeypatch):
        def press(n, name):
            for number in STOPS:
                signal.raise_signal(number)

        with monkeypatch.context() as patch:
            touched = Touched(patch, before=lambda n, name: name == "replace" and press(n, name))
            answer = cli("train", "xor", "--epochs", 3)
        assert touched.names.count("replace") == 2
        assert answer.code == 130
        assert len(cr.load("xor.safetensors").history) == 3
        assert len((cli.folder / "xor.history.csv").read_text().splitlines()) == 4
        assert 'The report "xor.report.html" was left out: interrupted.' in answer.err


class TestErrorsOfCallbacks:
    @pytest.mark.parametrize("engine", ["reference", "compiled"])
    @pytest.mark.parametrize("error", [ZeroDivisionError("mine"), SystemExit(3), GeneratorExit()])
    def test_the_error_passes_with_the_model_so_far(self, tmp_path, engine, error):
        def fail(state):
            if state.epoch == 4:
                raise error

        with pytest.raises(type(error)) as caught:
            cr.train("wine", epochs=9, seed=0, on_epoch=fail, engine=engine, checkpoint=tmp_path / "c",
                     checkpoint_every=100)  # fmt: skip
        assert caught.value is error
        assert len(error.model.history) == error.state.epoch == 4
        assert error.model.provenance.stopped == "stopped by an error"
        straight = cr.train("wine", epochs=4, seed=0, engine=engine)
        pairs = zip(error.model.network.parameters, straight.network.parameters, strict=True)
        assert all((p == q).all() for p, q in pairs)
        more = cr.train("wine", epochs=9, seed=0, engine=engine, checkpoint=tmp_path / "c", resume=True)
        assert len(more.history) == 9

    def test_among_several_starts(self):
        def fail(state):
            raise ZeroDivisionError

        fail.every = None
        with pytest.raises(ZeroDivisionError) as caught:
            cr.train("xor", epochs=4, starts=3, seed=0, on_epoch=fail)
        assert len(caught.value.model.history) == 4

    def test_before_an_epoch_is_done_there_is_no_model(self, monkeypatch):
        def fail(*arguments, **options):
            raise ZeroDivisionError

        monkeypatch.setattr(loop, "advance", fail)
        with pytest.raises(ZeroDivisionError) as caught:
            cr.train("xor", epochs=4, engine="compiled")
        assert not hasattr(caught.value, "model")

    def test_on_bare_arrays(self):
        def fail(state):
            if state.epoch == 3:
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError) as caught:
            cr.fit(cr.Network.dense([2, 2, 1], seed=0), [[0, 1], [1, 0]], [[1], [0]], epochs=9, on_epoch=fail)
        assert caught.value.state.epoch == 3


class TestProcesses:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

    @pytest.mark.parametrize(
        "number",
        [*STOPS[:2], *(pytest.param(number, marks=pytest.mark.long) for number in STOPS[2:])],
        ids=lambda number: signal.Signals(number).name,
    )
    def test_a_stop(self, number):
        process = start("train", "wine", "--epochs", 10**8, "--no-report")
        for line in process.stderr:
            if "epoch 1:" in line:
                break
        process.send_signal(number)
        answer = ended(process)
        assert answer.code == 130
        assert "Traceback" not in answer.err
        assert cr.load("wine.safetensors").provenance.stopped == "interrupted"

    def test_a_terminal_that_closes(self):
        """It is the process's own: the system sends SIGHUP, and nothing can be written any more."""
        import fcntl
        import pty
        import termios

        ours, theirs = pty.openpty()

        def own():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        import subprocess
        import sys

        process = subprocess.Popen(
            [sys.executable, "-m", "chainrule", "train", "wine", "--epochs", str(10**8)],
            stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=own, env={**os.environ, "TERM": "xterm"},
        )  # fmt: skip
        os.close(theirs)
        shown = b""
        while b"training cost" not in shown:
            shown += os.read(ours, 4096)
        os.close(ours)
        assert process.wait(timeout=60) == 130
        model = cr.load("wine.safetensors")
        assert model.provenance.stopped == "interrupted"
        assert len(model.history) >= 1
        assert Path("wine.history.csv").is_file()


def test_what_is_ignored_stays_ignored(cli, monkeypatch):
    """By nohup, for instance; and a handler of somebody else's stays."""
    found = {}

    def look(*arguments, **options):
        found.update({number: signal.getsignal(number) for number in STOPS})
        raise ZeroDivisionError

    def own(number, frame):
        pass

    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, own)
    monkeypatch.setattr("chainrule.models.setup.set_up", look)
    try:
        assert cli("train", "xor").code == 1
        assert found[signal.SIGHUP] == signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert found[signal.SIGTERM] is signal.getsignal(signal.SIGTERM) is own
        assert found[signal.SIGINT] is found[signal.SIGXCPU] is signal.default_int_handler
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_a_command_in_another_thread_sets_no_handler(cli):
    import threading

    codes = []
    thread = threading.Thread(target=lambda: codes.append(cli("train", "xor", "--epochs", 3).code))
    thread.start()
    thread.join()
    assert codes == [0]
