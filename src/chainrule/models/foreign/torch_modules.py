"""The network of a PyTorch module: followed through its forward pass, then compared with it."""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from chainrule.core.network import Network
from chainrule.errors import UsageError
from chainrule.models.foreign.chain import ALLOWED, Chain
from chainrule.models.foreign.proof import prove, rows
from chainrule.models.foreign.torch_trace import traced

_WRAPPERS = {"DataParallel": "module", "DistributedDataParallel": "module", "OptimizedModule": "_orig_mod"}


def from_torch(module: Any) -> Network:
    """Return the network that a PyTorch module computes, however its `forward` is written.

    The module is copied, set to evaluation mode and called; each operation on the way from its inputs to its outputs is
    followed. What is a chain of dense layers and activations is taken, whether it is written with modules, functions,
    methods or matrix products; everything else is refused. Dropout is left out. Batch normalisation by its running
    statistics, and scaling by constants, become part of a layer's weights, which a warning says. Before the network is
    returned, its outputs and derivatives are compared with the module's.

    Parameters
    ----------
    module : torch.nn.Module
        Takes rows (N, inputs) and returns (N, outputs), or (N,) for one output. It stays as it is: mode, gradients,
        buffers and PyTorch's random state. Its forward hooks are part of what it computes, and run.

    Returns
    -------
    Network
        With the module's dtype (float32 for half precision, with a warning). Weights come transposed: PyTorch has them
        (out, in). A layer is not trainable where its weights are frozen.

    Raises
    ------
    UsageError
        If the module computes anything else, with the operation and its place; if it cannot be called, has not seen its
        inputs yet (lazy modules), or is no module at all, such as a `state_dict`.

    Warns
    -----
    UserWarning
        If weights hold more than one of the module's parts, layers share weights, or the module is in training mode
        and gives other outputs there.

    Notes
    -----
    Two computations count as equal if they differ by no more than thirty times what rounding typically does to them.
    """
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(module, torch.nn.Module):
        raise UsageError(_no_module(module))
    if int(torch.__version__.partition(".")[0]) < 2:
        raise UsageError(f"from_torch needs PyTorch 2 or newer; this is {torch.__version__}.")
    for _ in range(8):  # wrappers of wrappers
        module = getattr(module, _WRAPPERS.get(type(module).__name__, ""), module)
    what = type(module).__name__
    with _apart(torch):
        notes: list[str] = []
        training = any(part.training for part in module.modules())
        dtype = _checked(torch, module, what, notes)
        copied = _copied(torch, module, what).eval()
        chain = _followed(torch, copied, dtype, what)
        network = chain.network()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the module's own, seen once already
            prove(
                network,
                lambda X: _outputs(torch, copied, X),
                what,
                sizes=chain.sizes,
                differentiate=lambda X, R: _derivatives(torch, copied, X, R),
            )
            X = rows(network)[-32:]
            if training and not np.allclose(
                _outputs(torch, _copied(torch, module, what), X), _outputs(torch, copied, X), rtol=1e-4, atol=1e-6
            ):
                notes.append(
                    f"{what} is in training mode, where it gives other outputs (dropout, batch normalisation); the "
                    "network is that of evaluation mode, module.eval()"
                )
    for note in notes:
        warnings.warn(f"from_torch: {note}.", stacklevel=2)
    chain.tell("from_torch")
    return network


def _no_module(module: Any) -> str:
    if isinstance(module, Mapping):
        return (
            "from_torch takes a torch.nn.Module; a state_dict or checkpoint has weights, but not what is computed with "
            "them. Make the module, call module.load_state_dict(...), and hand in the module."
        )
    if isinstance(module, type):
        name = module.__name__
        return f"from_torch takes a torch.nn.Module; received the class {name}. Make one: {name}(...)."
    return f"from_torch takes a torch.nn.Module; received {type(module).__name__}."


@contextmanager
def _apart(torch: Any) -> Iterator[None]:
    """Leave the caller's random state, modes and contexts as they are, and do not depend on them."""
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[]))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.autocast("cpu", enabled=False))
        stance = getattr(getattr(torch, "compiler", None), "set_stance", None)
        if stance is not None:
            stack.enter_context(stance("force_eager"))
        yield


def _checked(torch: Any, module: Any, what: str, notes: list[str]) -> Any:
    """The precision to compute in; UsageError for weights that have no numbers of ours."""
    tensors = [*module.parameters(), *module.buffers()]
    if any(torch.nn.parameter.is_lazy(tensor) for tensor in tensors):
        raise UsageError(
            f"{what} has lazy layers that have not seen inputs yet, and so no weights. Call it once on a row."
        )
    if any(tensor.device.type == "meta" for tensor in tensors):
        raise UsageError(f'{what} is on the device "meta", which has shapes and no numbers. Load its weights first.')
    types = {parameter.dtype for parameter in module.parameters()}
    half = types & {torch.float16, torch.bfloat16}
    if any(dtype.is_complex for dtype in types) or not types <= {torch.float32, torch.float64} | half:
        received = ", ".join(sorted(str(dtype).removeprefix("torch.") for dtype in types))
        raise UsageError(
            f"{what} has weights of type {received}. Allowed are float32, float64, and float16 and bfloat16, which "
            "are converted."
        )
    for name, parameter in module.named_parameters():
        if not bool(torch.isfinite(parameter.detach()).all()):
            raise UsageError(f'{what} has weights "{name}" that are not finite: its training diverged. Train it anew.')
    if half:
        received = " and ".join(sorted(str(dtype).removeprefix("torch.") for dtype in half))
        notes.append(f"the weights of type {received} were converted to float32, which holds every one of them exactly")
    return torch.float64 if types == {torch.float64} else torch.float32


def _copied(torch: Any, module: Any, what: str) -> Any:
    """A copy in the module's own mode, on the processor, in one of our precisions."""
    # Tensors that PyTorch made from others are not copied by deepcopy; they are made anew in the next forward pass.
    made = {
        id(value): value.detach().clone()
        for part in module.modules()
        for value in vars(part).values()
        if isinstance(value, torch.Tensor) and not value.is_leaf
    }
    try:
        with torch.no_grad():
            copied = copy.deepcopy(module, made).cpu()
            for parameter, original in zip(copied.parameters(), module.parameters(), strict=True):
                parameter.requires_grad_(original.requires_grad)  # scripted modules lose it
    except Exception as error:
        raise UsageError(f"{what} cannot be copied ({_first_line(error)}), and so it cannot be tried out.") from error
    for part in copied.modules():
        for hooks in ("_backward_hooks", "_backward_pre_hooks"):
            getattr(part, hooks, {}).clear()
    half = any(parameter.dtype in (torch.float16, torch.bfloat16) for parameter in module.parameters())
    return copied.float() if half else copied


def _followed(torch: Any, module: Any, dtype: Any, what: str) -> Chain:
    """The chain that a module computes, at the number of inputs with which it can be called."""
    widths = _widths(torch, module)
    if not widths:
        raise UsageError(f"there is no dense layer in {what}. {ALLOWED}")
    taken = {size for parameter in module.parameters() for size in parameter.shape}
    count = next(n for n in range(5, 5 + len(taken) + 1) if n not in taken)
    refusal: UsageError | None = None
    failure: Exception | None = None
    for width in widths:
        X = np.random.default_rng(0).normal(size=(count, width))
        try:
            return traced(module, torch.tensor(X, dtype=dtype, device="cpu"), what)[1]
        except UsageError as error:
            refusal = refusal or error
        except Exception as error:
            failure = failure or error
    if refusal is not None:
        raise refusal
    assert failure is not None
    raise UsageError(
        f"{what} cannot be called with rows of numbers, (N, inputs). Tried were {', '.join(map(str, widths))} inputs; "
        f"{_place(failure, module)} says: {_first_line(failure)}. {ALLOWED}"
    ) from failure


def _place(failure: Exception, module: Any) -> str:
    """The innermost module in which something failed."""
    names = {id(part): f'{type(part).__name__} "{name}"' for name, part in module.named_modules() if name}
    place, step = type(module).__name__, failure.__traceback__
    while step is not None:
        place = names.get(id(step.tb_frame.f_locals.get("self")), place)
        step = step.tb_next
    return place


def _widths(torch: Any, module: Any) -> list[int]:
    """The numbers of inputs that a module may have, the likelier first."""
    linear = [part.in_features for part in module.modules() if isinstance(part, torch.nn.Linear)]
    others = [size for tensor in module.parameters() if tensor.ndim <= 2 for size in reversed(tensor.shape)]
    return [width for width in dict.fromkeys([*linear, *others]) if width > 0][:32]


def _outputs(torch: Any, module: Any, X: np.ndarray) -> np.ndarray:
    try:
        with torch.no_grad():
            return np.asarray(module(torch.tensor(X, device="cpu")).detach().numpy())
    except Exception as error:
        raise UsageError(
            f"{type(module).__name__} cannot be called with {len(X)} rows, but with another number of them it can: "
            f"{_first_line(error)}"
        ) from error


def _derivatives(torch: Any, module: Any, X: np.ndarray, R: np.ndarray) -> np.ndarray | None:
    inputs = torch.tensor(X, device="cpu", requires_grad=True)
    try:
        output = module(inputs)
        if not output.requires_grad:
            return None  # it runs without gradients altogether: nothing to compare
        weight = torch.tensor(R, dtype=output.dtype).reshape(output.shape)
        (found,) = torch.autograd.grad((weight * output).sum(), inputs, allow_unused=True)
    except RuntimeError:
        return None  # it cannot be differentiated, as what was needed for that is overwritten
    return np.zeros(X.shape) if found is None else np.asarray(found.numpy(), np.float64)


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
