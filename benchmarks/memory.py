"""Peak resident memory of a training, in a fresh process, above what the process had after its imports."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.cases import Case
from benchmarks.driver import Worker, WorkerError
from benchmarks.progress import say
from benchmarks.speed import Absence, failure

ROWS = 20_000
NETWORKS = {(13, 16, 3): 16, (64, 64, 10): 32, (784, 128, 10): 64, (784, 1024, 1024, 10): 256}
# each peer with the variant that is measured; the peers' own data loading is none: they are handed NumPy arrays
VARIANTS = {
    "chainrule": "many epochs a call",
    "PyTorch eager": "fused",
    "JAX step": "jit, donated buffers",
    "JAX scan": "an epoch a call",
    "Keras on JAX": "fit",
    "scikit-learn": "fit",
    "FANN": "fann_train_epoch",
}


@dataclass(frozen=True)
class Memory:
    """Bytes; `peak` counts from after the imports."""

    network: str
    rule: str
    peer: str
    imported: int
    peak: int
    data: int
    parameters: int

    @property
    def bound(self) -> float:
        """What chainrule may take: the data, three times the parameters, and 60 MB."""
        return self.data + 3 * self.parameters + 60e6


def measure(peers: list[str], quick: bool, absences: list[Absence]) -> list[Memory]:
    """Train two epochs of each network in each peer."""
    found = []
    chosen = dict(list(NETWORKS.items())[1:3]) if quick else NETWORKS
    for sizes, batch in chosen.items():
        for peer in peers:
            output = "identity" if peer == "scikit-learn" else "logistic"
            case = Case(sizes, batch, updates=ROWS // batch, output=output)
            try:
                with Worker(peer, "benchmarks.session:Session", 1, {"peer": peer, "threads": 1}) as worker:
                    if worker.ask("facts", case=case.to_json())["refusal"]:
                        continue
                    imported = worker.started["memory_after_import"]
                    peak = worker.ask("peak_memory", case=case.to_json(), variant=VARIANTS[peer])["peak"]
            except WorkerError as error:
                absences.append(failure("memory", peer, f"peak memory on {case.name}", str(error)))
                continue
            row = Memory(
                case.network, case.rule, peer, imported, peak - imported, case.data_bytes, case.parameter_bytes
            )
            say(f"memory: {peer} on {case.network}: {row.peak / 1e6:.0f} MB")
            found.append(row)
    return found
