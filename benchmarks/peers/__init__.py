"""The libraries that train the same networks, behind one interface."""

from __future__ import annotations

from importlib import import_module

from benchmarks.peers.base import Peer

# name -> where its class is; a library is imported only in the process that measures it
HOMES = {
    "chainrule": "benchmarks.peers.chainrule_peer:ChainrulePeer",
    "PyTorch eager": "benchmarks.peers.torch_eager:TorchEager",
    "PyTorch compiled": "benchmarks.peers.torch_compiled:TorchCompiled",
    "JAX step": "benchmarks.peers.jax_step:JaxStep",
    "JAX scan": "benchmarks.peers.jax_scan:JaxScan",
    "Keras on JAX": "benchmarks.peers.keras_jax:KerasOnJax",
    "scikit-learn": "benchmarks.peers.sklearn_peer:ScikitLearn",
    "FANN": "benchmarks.peers.fann:Fann",
}


def peer_class(name: str) -> type[Peer]:
    """Import a peer's class."""
    module, _, attribute = HOMES[name].partition(":")
    loaded: type[Peer] = getattr(import_module(module), attribute)
    return loaded
