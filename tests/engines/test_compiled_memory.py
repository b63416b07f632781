"""No call of the kernel keeps memory."""

import gc
import os

import numpy as np
import pytest
from engine_equality import a_task
from kernel_kit import Kit

from chainrule.engines import compiled
from chainrule.engines.kernels import kernel


def resident_kib():
    with open(f"/proc/{os.getpid()}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def test_nothing_is_kept():
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
        for _ in range(times):
            one()
        gc.collect()
        assert resident_kib() - before < 3 * 1024
