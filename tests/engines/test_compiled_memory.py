"""No call of the kernel keeps memory."""

import gc
import os
import subprocess
import sys

import numpy as np
import pytest
from engine_equality import a_task
from kernel_kit import Kit

from chainrule.engines import compiled
from chainrule.engines.kernels import kernel


def resident_kib():
    with open(f"/proc/{os.getpid()}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


@pytest.mark.parametrize("share", [0.1, pytest.param(1, marks=pytest.mark.long)])
def test_nothing_is_kept(share):
    """Calls of the kernel's binding itself, refused ones among them, leave no memory behind."""
    if not os.path.exists("/proc/self/status"):  # only Linux tells
        return
    kit = Kit(kernel())
    kit.examples["labels"] = np.array([0, 1, 1, 0, 1], np.int32)

    def call():
        trainer = kit.made()
        kit.train([trainer], 1, 1.0)
        trainer.rows.sum()

    def refused():
        with pytest.raises(ValueError, match="arrays are missing"):
            kit.train([Kit(kernel(), rule=4).made()], 1, 1.0)

    work, net = a_task((3, 20, 2), rule="adam", batch=5)
    state, rates = work.rule.init(net.parameters), np.full((2, 2), 0.1)

    def whole():
        watch = compiled.Watch(work, keep_best=True)
        compiled.run_all([compiled.Job(work, net, state, np.random.default_rng(0), rates, watch)])
        compiled.predict(net, work.X)

    for one, times in ((call, 100_000), (refused, 2_000), (whole, 5_000)):
        for _ in range(times // 10):
            one()
        gc.collect()
        before = resident_kib()
        for _ in range(int(share * times)):
            one()
        gc.collect()
        assert resident_kib() - before < (3 if share == 1 else 1) * 1024


WITHOUT_THREADS = """
import resource, threading
import numpy as np
import chainrule as cr
from chainrule.engines import compiled

X = np.random.default_rng(0).random((64, 20))
Y = X[:, :3].copy()
net = cr.Network.dense((20, 30, 3), seed=0)
compiled.FEWEST_TO_SHARE = 1
wanted = cr.fit(net, X, Y, epochs=5, threads=1).network
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 6_000_000, used + 6_000_000))  # a thread's stack takes 8 MB
try:
    threading.Thread(target=int).start()
    print("threads start all the same")
except RuntimeError:
    found = cr.fit(net, X, Y, epochs=5, threads=4).network
    print(all((a == b).all() for a, b in zip(found.parameters, wanted.parameters)))
    print(len(cr.fit_many([net] * 3, X, Y, epochs=2, threads=3)), cr.example_jacobians(net, X).shape)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space, which other systems do not let us")
def test_as_many_threads_as_the_system_gives():
    done = subprocess.run([sys.executable, "-c", WITHOUT_THREADS], capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    assert done.stdout.split() == ["True", "3", "(64,", "3,", "723)"]
