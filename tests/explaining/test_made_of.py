"""Every kind of number of a small network: the rule it follows from and what it is made of, each checked by hand."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import explain
from chainrule.explaining.text_form import TextWriter

X, Y = np.random.default_rng(0).normal(size=(2, 3, 2))
# Name: rule, what it equals, and, where that is more, rule and what it equals as the chain rule's factors.
TANH = {
    "x[1]": ["given: an input", "0.12573"],
    "y[1]": ["given: a target", "1.304"],
    "W[1][1,2]": ["given: a weight", "0.90093"],
    "b[1][1]": ["given: a bias", "−0.37634"],
    "z[1][2]": ["weighted sum of the layer before", "x[1] · W[1][1,2] + x[2] · W[1][2,2] + b[1][2]"],
    "a[1][2]": ["activation function tanh", "tanh(z[1][2])"],
    "C": ["loss half_squared_error", "1 / 2 · ((a[2][1] − y[1])² + (a[2][2] − y[2])²)"],
    "J": ["mean over the examples, and weight decay",
        "1 / N · (C@1 + C@2 + C@3) + λ / 2 · (W[1][1,1]² + W[1][1,2]² + W[1][2,1]² + W[1][2,2]² + "
        "W[2][1,1]² + W[2][1,2]² + W[2][2,1]² + W[2][2,2]²)",
    ],
    "delta[1][1]": ["sum over the paths, through the activation function",
        "(W[2][1,1] · δ[2][1] + W[2][1,2] · δ[2][2]) · f′(z[1][1])", "chain rule: through the activation function",
        "∂C/∂a[1][1] · ∂a[1][1]/∂z[1][1]",
    ],
    "delta[2][1]": ["chain rule: through the activation function", "∂C/∂a[2][1] · f′(z[2][1])",
        "chain rule: through the activation function", "∂C/∂a[2][1] · ∂a[2][1]/∂z[2][1]",
    ],
    "beta[1][1]": ["sum over the units that this one feeds", "−W[2][1,1] · δ[2][1] − W[2][1,2] · δ[2][2]"],
    "beta[2][1]": ["minus the derivative of the loss", "−(a[2][1] − y[1])"],
    "dC/da[1][1]": ["sum over the paths through the next layer", "W[2][1,1] · δ[2][1] + W[2][1,2] · δ[2][2]",
        "sum over the paths through the next layer",
        "∂C/∂a[2][1] · ∂a[2][1]/∂z[2][1] · ∂z[2][1]/∂a[1][1] + ∂C/∂a[2][2] · ∂a[2][2]/∂z[2][2] · "
        "∂z[2][2]/∂a[1][1]",
    ],
    "dC/da[2][1]": ["derivative of the loss half_squared_error", "a[2][1] − y[1]"],
    "dC/dW[1][1,2]": ["chain rule: delta times what the weight multiplies", "x[1] · δ[1][2]",
        "chain rule: w moves z, z moves a, a moves C", "∂C/∂a[1][2] · ∂a[1][2]/∂z[1][2] · ∂z[1][2]/∂W[1][1,2]",
    ],
    "dC/db[2][1]": ["a bias adds to z as it is", "δ[2][1]", "chain rule: b moves z, z moves a, a moves C",
        "∂C/∂a[2][1] · ∂a[2][1]/∂z[2][1] · ∂z[2][1]/∂b[2][1]",
    ],
    "dC/dx[2]": ["sum over the paths through the next layer", "W[1][2,1] · δ[1][1] + W[1][2,2] · δ[1][2]",
        "sum over the paths through the next layer",
        "∂C/∂a[1][1] · ∂a[1][1]/∂z[1][1] · ∂z[1][1]/∂x[2] + ∂C/∂a[1][2] · ∂a[1][2]/∂z[1][2] · ∂z[1][2]/∂x[2]",
    ],
    "dJ/dW[1][1,2]": ["mean over the examples, and weight decay",
        "1 / N · (∂C@1/∂W[1][1,2] + ∂C@2/∂W[1][1,2] + ∂C@3/∂W[1][1,2]) + λ · W[1][1,2]",
    ],
    "dJ/db[1][1]": ["mean over the examples", "1 / N · (∂C@1/∂b[1][1] + ∂C@2/∂b[1][1] + ∂C@3/∂b[1][1])"],
    "da[1][1]/da[1][1]": ["a unit moves with itself only", "1"],
    "da[1][1]/da[1][2]": ["a unit moves with itself only", "0"],
    "da[1][1]/dz[1][1]": ["derivative of tanh", "1 − a[1][1]²"],
    "da[1][1]/dz[1][2]": ["another unit's z does not move it", "0"],
    "da[2][1]/dz[1][2]": ["chain rule: through the activation function", "∂a[2][1]/∂a[1][2] · f′(z[1][2])"],
    "da[2][1]/da[1][2]": ["through the weight and the activation function", "f′(z[2][1]) · W[2][2,1]"],
    "da[2][1]/dx[1]": ["product of Jacobians: sum over the units between",
        "∂a[2][1]/∂a[1][1] · ∂a[1][1]/∂x[1] + ∂a[2][1]/∂a[1][2] · ∂a[1][2]/∂x[1]",
    ],
    "da[1][1]/dW[1][2,1]": ["chain rule: w moves z, z moves a", "∂a[1][1]/∂z[1][1] · ∂z[1][1]/∂W[1][2,1]"],
    "da[2][1]/dW[1][2,1]": ["chain rule: w moves z, z moves a", "∂a[2][1]/∂z[1][1] · ∂z[1][1]/∂W[1][2,1]",
        "chain rule: w moves z, z moves a", "∂a[2][1]/∂a[1][1] · ∂a[1][1]/∂z[1][1] · ∂z[1][1]/∂W[1][2,1]",
    ],
    "da[2][1]/db[1][1]": ["chain rule: b moves z, z moves a", "∂a[2][1]/∂z[1][1] · ∂z[1][1]/∂b[1][1]",
        "chain rule: b moves z, z moves a", "∂a[2][1]/∂a[1][1] · ∂a[1][1]/∂z[1][1] · ∂z[1][1]/∂b[1][1]",
    ],
    "dz[1][1]/dz[1][1]": ["itself", "1"],
    "dz[1][1]/dz[1][2]": ["it is another unit's", "0"],
    "dz[1][2]/dW[1][1,2]": ["only one term of z holds this weight", "x[1]"],
    "dz[1][2]/dW[1][1,1]": ["it is another unit's", "0"],
    "dz[1][2]/db[1][2]": ["a bias is added as it is", "1"],
    "dz[2][1]/da[1][2]": ["only one term of z holds this unit", "W[2][2,1]"],
    "dz[2][1]/dz[1][2]": ["sum over the units of the layer before",
        "W[2][1,1] · ∂a[1][1]/∂z[1][2] + W[2][2,1] · ∂a[1][2]/∂z[1][2]",
    ],
    "dz[2][1]/dx[1]": ["sum over the units of the layer before",
        "W[2][1,1] · ∂a[1][1]/∂x[1] + W[2][2,1] · ∂a[1][2]/∂x[1]",
    ],
    "dz[2][1]/dW[1][1,2]": ["sum over the units of the layer before",
        "W[2][1,1] · ∂a[1][1]/∂W[1][1,2] + W[2][2,1] · ∂a[1][2]/∂W[1][1,2]",
    ],
    "f'(z[1][1])": ["derivative of tanh", "1 − a[1][1]²"],
    "dC/dW[1][1,2] via 1": ["product of the links of this path", "δ[2][1] · W[2][2,1] · f′(z[1][2]) · x[1]"],
    "η": ["given: the learning rate", "0.01"],
    "N": ["given: the number of examples", "3"],
    "λ": ["given: the weight decay", "0.1"],
    "change W[1][1,2]": ["update rule momentum", "0.9 · v(W[1][1,2]) − η · ∂J/∂W[1][1,2]"],
}  # fmt: skip
SOFTMAX = {
    "a[1][2]": ["softmax", "exp(z[1][2]) / (exp(z[1][1]) + exp(z[1][2]))"],
    "delta[1][1]": ["softmax: z moves every unit of its layer",
        "∂C/∂a[1][1] · ∂a[1][1]/∂z[1][1] + ∂C/∂a[1][2] · ∂a[1][2]/∂z[1][1]",
    ],
    "delta[2][1]": ["softmax: z moves every unit of its layer",
        "∂C/∂a[2][1] · ∂a[2][1]/∂z[2][1] + ∂C/∂a[2][2] · ∂a[2][2]/∂z[2][1]",
    ],
    "dC/da[1][1]": ["sum over the paths through the next layer", "W[2][1,1] · δ[2][1] + W[2][1,2] · δ[2][2]"],
    "dC/dW[1][1,2]": ["chain rule: delta times what the weight multiplies", "x[1] · δ[1][2]",
        "chain rule: w moves z, z moves C", "δ[1][2] · ∂z[1][2]/∂W[1][1,2]",
    ],
    "dC/db[2][1]": ["a bias adds to z as it is", "δ[2][1]", "chain rule: b moves z, z moves C",
        "δ[2][1] · ∂z[2][1]/∂b[2][1]",
    ],
    "dC/dx[2]": ["sum over the paths through the next layer", "W[1][2,1] · δ[1][1] + W[1][2,2] · δ[1][2]"],
    "da[1][1]/dz[1][1]": ["derivative of softmax", "a[1][1] · (1 − a[1][1])"],
    "da[1][1]/dz[1][2]": ["derivative of softmax", "−a[1][1] · a[1][2]"],
    "da[2][1]/dz[1][2]": ["sum over the activations of the layer",
        "∂a[2][1]/∂a[1][1] · ∂a[1][1]/∂z[1][2] + ∂a[2][1]/∂a[1][2] · ∂a[1][2]/∂z[1][2]",
    ],
    "da[2][1]/da[1][2]": ["sum over the pre-activations of the layer",
        "∂a[2][1]/∂z[2][1] · W[2][2,1] + ∂a[2][1]/∂z[2][2] · W[2][2,2]",
    ],
    "da[2][1]/dW[1][2,1]": ["chain rule: w moves z, z moves a", "∂a[2][1]/∂z[1][1] · ∂z[1][1]/∂W[1][2,1]"],
    "da[2][1]/db[1][1]": ["chain rule: b moves z, z moves a", "∂a[2][1]/∂z[1][1] · ∂z[1][1]/∂b[1][1]"],
    "f'(z[1][1])": ["derivative of softmax", "a[1][1] · (1 − a[1][1])"],
    "dC/dW[1][1,2] via 1": ["product of the links of this path", "δ[2][1] · ∂z[2][1]/∂z[1][2] · x[1]"],
}  # fmt: skip


@pytest.mark.parametrize(("activation", "wanted"), [("tanh", TANH), ("softmax", TANH | SOFTMAX)])
def test_what_each_number_is_made_of(activation, wanted):
    net = cr.Network.dense([2, 2, 2], activation, init="uniform(-1,1)", seed=1)
    why = explain(net, X, Y, loss="half_squared_error", reduction="mean", weight_decay=0.1, update="momentum")
    writer = TextWriter(why.definitions.naming, 5)
    for name, made in wanted.items():
        line = why[name].line
        chain = why.definitions.of(line.name, factors=True)
        shown = [line.rule, writer.write(line.expression)]
        if chain.expression != line.expression:
            shown += [chain.rule, writer.write(chain.expression)]
        if not line.rule.startswith("given"):
            assert shown == made, name
        else:
            assert shown[0] == made[0], name
