"""PyTorch's modules: whatever is a chain of dense layers is read as that, and everything else is refused by name."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from foreign_kit import Written, assert_same, fresh_rows, outputs, written
from torch import nn

import chainrule as cr
from chainrule import UsageError

pytestmark = pytest.mark.torch


def shared_activation():
    act = nn.ReLU()
    return nn.Sequential(nn.Linear(3, 4), act, nn.Linear(4, 4), act, nn.Linear(4, 2))


def seen_twice(tensor):
    return tensor, tensor.view(-1, 4)


def large(layer):
    layer.weight.data *= 100
    return layer


CHAINS = {
    "an activation module used twice": (shared_activation, ["relu", "relu", "identity"]),
    "functional": (
        lambda: written(lambda s, x: s.last(F.relu(s.middle(torch.sigmoid(s.first(x)))))),
        ["logistic", "relu", "identity"],
    ),
    "methods": (
        lambda: written(lambda s, x: s.last(s.middle(s.first(x).relu()).tanh()).softmax(-1)),
        ["relu", "tanh", "softmax"],
    ),
    "in place": (
        lambda: written(lambda s, x: s.last(F.elu_(s.middle(s.first(x).relu_()), 0.3))),
        ["relu", "elu(0.3)", "identity"],
    ),
    "leaky ReLU's slope": (
        lambda: written(lambda s, x: s.last(F.leaky_relu(s.first(x), 0.2))),
        ["leaky_relu(0.2)", "identity"],
    ),
    "matrix products": (
        lambda: written(lambda s, x: torch.addmm(s.last.bias, F.silu(x @ s.first.weight.T + s.first.bias), s.free)),
        ["silu", "identity"],
    ),
    "one output of shape (N,)": (
        lambda: written(lambda s, x: (F.selu(s.first(x)) @ s.free[:, 0]).exp()),
        ["selu", "exponential"],
    ),
    "a column squeezed away": (
        lambda: nn.Sequential(nn.Linear(3, 5), nn.GELU(), nn.Linear(5, 1), nn.Flatten(0)),
        ["gelu", "identity"],
    ),
    "shapes that change nothing": (
        lambda: written(lambda s, x: s.last(s.first(x.view(x.size(0), -1).unsqueeze(1)).clamp(min=0)).squeeze(1)[:]),
        ["relu", "identity"],
    ),
    "squeezed whatever the number of rows": (
        lambda: written(lambda s, x: (s.first(x).sigmoid() @ s.free[:, :1]).squeeze()),
        ["logistic", "identity"],
    ),
    "never differentiated": (
        lambda: written(lambda s, x: s.last(s.first(x).relu().add_(0))),
        ["relu", "identity"],
    ),
    "saturated": (
        lambda: nn.Sequential(large(nn.Linear(3, 4)), nn.Sigmoid(), large(nn.Linear(4, 2)), nn.Softmax(1)),
        ["logistic", "softmax"],
    ),
    "softplus": (lambda: nn.Sequential(nn.Linear(3, 4), nn.Softplus(), nn.Linear(4, 1)), ["softplus", "identity"]),
    "celu of 1": (lambda: nn.Sequential(nn.Linear(3, 4), nn.CELU(), nn.Linear(4, 1)), ["elu", "identity"]),
    "no biases": (lambda: nn.Sequential(nn.Linear(3, 4, bias=False), nn.Tanh(), nn.Linear(4, 1)), ["tanh", "identity"]),
    "one layer": (lambda: nn.Linear(3, 2), ["identity"]),
    "nested": (
        lambda: nn.Sequential(nn.Sequential(nn.Flatten(), nn.Linear(3, 4)), nn.Sequential(nn.Tanh(), nn.Identity())),
        ["tanh"],
    ),
    "weight norm": (
        lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 4)), nn.Tanh()),
        ["tanh"],
    ),
    "a view that changes with its tensor": (
        lambda: written(lambda s, x: (lambda a, b: (a.relu_(), s.last(b))[1])(*seen_twice(s.first(x)))),
        ["relu", "identity"],
    ),
    "without gradients": (lambda: written(torch.no_grad()(lambda s, x: s.first(x).relu())), ["relu"]),
    "compiled": (lambda: torch.compile(nn.Sequential(nn.Linear(3, 4), nn.Tanh()), backend="eager"), ["tanh"]),
    "compiled inside": (lambda: nn.Sequential(torch.compile(nn.Linear(3, 4), backend="eager"), nn.Tanh()), ["tanh"]),
    "data parallel": (lambda: nn.DataParallel(nn.Sequential(nn.Linear(3, 4), nn.Tanh())), ["tanh"]),
}  # fmt: skip


@pytest.mark.parametrize(("make", "names"), CHAINS.values(), ids=CHAINS)
@pytest.mark.parametrize("double", [False, True])
def test_a_chain_in_any_style(make, names, double):
    torch.manual_seed(0)
    module = make().double() if double else make()
    network = cr.from_torch(module)
    assert [layer.activation.name for layer in network.layers] == names
    assert {str(p.dtype) for p in network.parameters} == {"float64" if double else "float32"}
    assert_same(network, getattr(module, "_orig_mod", module))


REFUSED = {
    "a residual": (lambda s, x: s.last(s.first(x) + s.middle(s.first(x))), r"add \(Written, line \d+ of test_torch"),
    "twice itself": (lambda s, x: s.last(s.first(x) * s.first(x)), "mul .* joins two values"),
    "two heads": (lambda s, x: (s.last(s.first(x)), s.middle(s.first(x))), "returns a tuple of 2"),
    "a dict": (lambda s, x: {"y": s.first(x)}, "returns a dict of 1"),
    "softmax over the rows": (lambda s, x: s.last(s.first(x)).softmax(0), r"softmax .*Softmax\(dim=0\)"),
    "another softplus": (lambda s, x: F.softplus(s.first(x), threshold=1), r"softplus .*threshold=1\)"),
    "a steeper softplus": (lambda s, x: F.softplus(s.first(x), beta=2), r"Softplus\(beta=2"),
    "the other GELU": (lambda s, x: F.gelu(s.first(x), approximate="tanh"), r'gelu .*approximate="tanh"'),
    "log-softmax": (lambda s, x: F.log_softmax(s.first(x), 1), "log_softmax .* Read the module without it"),
    "ReLU6": (lambda s, x: F.relu6(s.first(x)), "hardtanh .* is no step"),
    "two activations": (lambda s, x: s.last(s.first(x).relu().tanh()), "tanh .* follows relu"),
    "an activation first": (lambda s, x: s.first(x.tanh()), "tanh .* comes before any dense layer"),
    "scaled outputs": (lambda s, x: 2 * s.first(x).tanh(), "mul .* changes the outputs after the activation tanh"),
    "columns in another order": (lambda s, x: s.last(s.first(x)[:, [1, 0, 3, 2]]), "index .* is no step"),
    "some columns": (lambda s, x: s.first(x)[:, :2], "slice .* is no step"),
    "transposed": (lambda s, x: (s.last.weight @ s.first(x).T).T, "permute .* is no step"),
    "a layer norm": (lambda s, x: s.last(F.layer_norm(s.first(x), (4,))), "layer_norm .* what each row has"),
    "a choice by values": (lambda s, x: s.first(x) if x.sum() > 0 else -s.first(x), "a choice by values"),
    "a hidden choice by values": (lambda s, x: s.first(x) * (1 if x.tolist()[0][0] > 0 else 2), "gives other outputs"),
    "a choice by rows": (lambda s, x: s.first(x) * (2 if len(x) == 1 else 1), "for 1 row at once, gives other outputs"),
    "one row fails": (lambda s, x: s.first(x) if len(x) > 1 else x.fail(), "cannot be called with 1 rows"),
    "through NumPy": (lambda s, x: torch.tensor(s.first(x).detach().numpy()), "does not come from its inputs"),
    "a constant": (lambda s, x: s.free, "does not come from its inputs"),
    "detached": (lambda s, x: s.last(s.first(x).relu().detach()), "other derivatives"),
    "noise": (lambda s, x: s.first(x) + torch.randn(4), "randn .* draws random numbers"),
    "dropout in any mode": (lambda s, x: s.first(F.dropout(x)), "random numbers.*training=self.training"),
    "a part in place": (lambda s, x: (lambda y: (y[:, 0].relu_(), s.last(y))[1])(s.first(x)), "overwritten in place"),
    "statistics of the batch": (lambda s, x: F.batch_norm(s.first(x), None, None, training=True), "by the mean"),
    "another shape": (lambda s, x: s.first(x).unsqueeze(1), r"returns shape \(\d+, 1, 4\)"),
    "half precision inside": (lambda s, x: s.first(x).half().float().relu(), "a change of type"),
    "infinite constants": (lambda s, x: s.first(x) + float("inf"), "not finite"),
    "a number for each row": (lambda s, x: s.first(x) * torch.arange(len(x))[:, None], "numbers of shape"),
}  # fmt: skip


@pytest.mark.parametrize(("compute", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_chain_is_refused_by_name(compute, message):
    with pytest.raises(UsageError, match=message):
        cr.from_torch(written(compute))


def cancelling():
    module = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    module[0].bias.data[:] = 1e12
    module[1].weight.data[:] = torch.tensor([[1.0, -1.0]])
    return module


def diverged():
    layer = nn.Linear(3, 4)
    layer.weight.data[0, 0] = float("nan")
    return layer


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Linear(3, 4).state_dict(), "state_dict .* hand in the module"),
        (lambda: nn.Linear, "the class Linear"),
        (lambda: torch.ones(3), "received Tensor"),
        (lambda: nn.LazyLinear(4), "have not seen inputs"),
        (lambda: nn.Linear(3, 4, device="meta"), 'device "meta"'),
        (lambda: nn.Linear(3, 4, dtype=torch.cfloat), "type complex64"),
        (diverged, r'weights "weight" that are not finite'),
        (lambda: nn.Sequential(), "no dense layer"),
        (lambda: nn.Sequential(nn.Tanh()), "no dense layer"),
        (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2)), r'Conv2d "0" says: RuntimeError'),
        (lambda: nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 2)), 'Embedding "0" says'),
        (lambda: nn.LSTM(3, 4), "returns a tuple of 2"),
        (lambda: nn.Bilinear(3, 3, 2), "missing 1 required positional argument"),
        (lambda: nn.TransformerEncoderLayer(4, 2).eval(), "is no step"),
        (lambda: nn.Sequential(nn.Linear(3, 4), nn.PReLU()), r'prelu_kernel \(PReLU "1"\) is no step'),
        (lambda: nn.Sequential(nn.Linear(2, 2).double(), nn.Linear(2, 2)), "says: RuntimeError"),
        (cancelling, "rounding hides"),
    ],
)  # fmt: skip
def test_what_is_no_module_in_use_is_refused(make, message):
    with pytest.raises(UsageError, match=message):
        cr.from_torch(make())


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_layers_without_units_are_refused():
    with pytest.raises(UsageError, match="at least one input and one unit"):
        cr.from_torch(nn.Sequential(nn.Linear(3, 0), nn.Linear(0, 2)))


SAID = {
    "batch normalisation": (
        lambda: written(lambda s, x: s.last(F.gelu(s.norm(s.first(x))))),
        r'batch_norm \(BatchNorm1d "norm"\) became part of the weights and biases of layer 1',
    ),
    "batch normalisation behind an activation": (
        lambda: written(lambda s, x: s.last(s.norm(s.first(x).tanh()))),
        r"batch_norm .* of layer 2",
    ),
    "scaled inputs": (lambda: written(lambda s, x: s.first((x - 1) / 2)), r"sub .* and div .* of layer 1"),
    "subtracted from a number": (lambda: written(lambda s, x: s.first(1 - 2 * x)), r"mul .* and rsub .* of layer 1"),
    "numbers for each unit": (
        lambda: written(lambda s, x: s.last(s.first(x).relu() * s.free[:, 0] - s.free[:, 1])),
        r"mul .* of layer 2",
    ),
    "temperature": (lambda: written(lambda s, x: (-s.last(s.first(x)) / 0.5).softmax(1)), r"neg .* and div"),
    "dropout that is active": (
        lambda: Written(lambda s, x: s.last(s.drop(s.first(x).relu()))).train(),
        r"training mode, where it gives other outputs",
    ),
    "functional dropout that is active": (
        lambda: Written(lambda s, x: s.last(F.dropout(s.first(x), training=s.training))).train(),
        r"training mode",
    ),
    "bfloat16": (lambda: nn.Sequential(nn.Linear(3, 4), nn.Tanh()).bfloat16(), "bfloat16 were converted to float32"),
    "float16": (lambda: nn.Sequential(nn.Linear(3, 4), nn.Tanh()).half(), "float16 were converted to float32"),
    "a layer used twice": (
        lambda: written(lambda s, x: s.middle(s.middle(s.first(x)).relu())),
        "layers 2 and 3 share weights",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "message"), SAID.values(), ids=SAID)
def test_what_a_person_must_know_is_said(make, message):
    module = make()
    with pytest.warns(UserWarning, match=message) as told:
        network = cr.from_torch(module)
    assert {warning.filename for warning in told} == {__file__}
    assert_same(network, module.eval().float())


def test_tied_and_frozen_weights():
    module = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Tanh(), nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    module[0].requires_grad_(False)
    module[4].weight = module[2].weight
    module[2].bias.requires_grad_(False)
    with pytest.warns(UserWarning, match="from_torch") as told:
        network = cr.from_torch(module)
    assert [layer.trainable for layer in network.layers] == [False, True, True]
    assert network.biases[1] is None
    text = " ".join(str(warning.message) for warning in told)
    assert "layers 2 and 3 share weights" in text
    assert "the biases of layer 2 are frozen" in text
    assert_same(network, module)


def test_weights_are_copies():
    module = nn.Linear(3, 2)
    network = cr.from_torch(module)
    before = network.weights[1].copy()
    module.weight.data.add_(1)
    np.testing.assert_array_equal(network.weights[1], before)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_scripted_traced_and_old_weight_norm():
    source = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    assert_same(cr.from_torch(torch.jit.script(source)), source)
    assert all(layer.trainable for layer in cr.from_torch(torch.jit.trace(source, torch.ones(2, 3))).layers)
    normed = nn.Sequential(nn.utils.weight_norm(nn.Linear(3, 4)), nn.Tanh())
    normed(torch.ones(2, 3))  # from here on it holds a tensor that deepcopy refuses
    assert_same(cr.from_torch(normed), normed)


def test_hooks_count_and_a_backward_of_its_own_is_refused():
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    hook = module[2].register_forward_hook(lambda layer, inputs, output: output.tanh())
    network = cr.from_torch(module)
    assert network.layers[-1].activation.name == "tanh"
    assert_same(network, module)
    hook.remove()
    assert cr.from_torch(module).layers[-1].activation.name == "identity"

    class Straight(torch.autograd.Function):
        @staticmethod
        def forward(context, x):
            return x.relu()

        @staticmethod
        def backward(context, gradient):
            return gradient

    with pytest.raises(UsageError, match="other derivatives"):
        cr.from_torch(written(lambda s, x: s.last(Straight.apply(s.first(x)))))


def test_the_module_and_pytorch_stay_as_they_are():
    calls = []
    module = Written(lambda s, x: (calls.append(s), setattr(s, "seen", len(x)), s.last(s.drop(s.norm(s.first(x)))))[2])
    module.train()
    module.middle.eval()
    module(torch.ones(2, 3)).sum().backward()
    hook = module.first.register_forward_hook(lambda *given: None)
    state = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    grads = {name: None if p.grad is None else p.grad.clone() for name, p in module.named_parameters()}
    modes = [part.training for part in module.modules()]
    random = torch.get_rng_state()
    numpy_random = np.random.get_state()[1].copy()  # noqa: NPY002
    calls.clear()
    with torch.no_grad(), pytest.warns(UserWarning, match="from_torch"):
        cr.from_torch(module)
    assert torch.is_grad_enabled()
    assert calls
    assert module not in calls  # a copy was called
    assert module.seen == 2
    assert [part.training for part in module.modules()] == modes
    assert len(module.first._forward_hooks) == 1
    hook.remove()
    assert torch.equal(torch.get_rng_state(), random)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_random)  # noqa: NPY002
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, state[name])
    for name, parameter in module.named_parameters():
        assert (parameter.grad is None) == (grads[name] is None)
        assert parameter.grad is None or torch.equal(parameter.grad, grads[name])


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, lambda: torch.autocast("cpu")])
def test_whatever_context_it_is_called_in(context):
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    with context():
        network = cr.from_torch(module)
    assert [layer.trainable for layer in network.layers] == [True, True]
    assert_same(network, module)


def test_deep_and_wide_networks_are_compared_within_rounding():
    torch.manual_seed(0)
    layers = [part for _ in range(40) for part in (nn.Linear(32, 32), nn.ReLU())]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network = cr.from_torch(nn.Sequential(*layers))
    assert len(network.layers) == 40
    wide = nn.Sequential(nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 10), nn.Softmax(-1))
    assert_same(cr.from_torch(wide), wide)


def test_explained_as_pytorch_differentiates():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    X, Y = fresh_rows(2)[:5], np.ones((5, 1))
    why = cr.explain(cr.from_torch(module), X, Y, loss="mean_of_squares")
    ((module(torch.tensor(X)) - 1) ** 2).mean().backward()
    assert why["dJ/dW[1][2,1]"].value == pytest.approx(module[0].weight.grad[0, 1].item(), rel=1e-9)
    assert outputs(module, X).shape == (5, 1)


def test_the_example_of_the_documentation():
    page = (Path(__file__).parents[2] / "docs" / "explaining.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(import torch, chainrule as cr\n.*?)```", page, re.DOTALL)
    names = {}
    exec(example, names)
    module = names["module"]
    (-module(torch.tensor([[0.3, 1.0]]))[0, 0].log()).backward()
    given = module.output.weight.grad[0, 2].item()
    assert names["why"]["dC/dW[1][0,2]"].value == pytest.approx(given, rel=1e-4, abs=1e-6)
