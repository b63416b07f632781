"""The commands that explain: explain, paths, jacobian, gradcheck and derive."""

import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import explain as cli_explain
from chainrule.cli import explaining
from chainrule.explaining import derivation
from chainrule.explaining.presets import PRESETS
from chainrule.training.state import History


@pytest.fixture
def model(cli):
    assert cli("train", "xor", "--hidden", "2", "--epochs", "50", "--quiet", "-o", "xor.safetensors").code == 0
    return "xor.safetensors"


def test_explain_shows_the_chain_rule(cli, model):
    answer = cli("explain", model, "xor", "dC/dW[1][2,1]", "--row", "2")
    assert answer.code == 0
    assert "chain rule" in answer.out
    assert "∂C/∂W[1][2,1]" in answer.out
    trained = cr.load(model)
    entry = trained.explain("xor", example=1)["dC/dW[1][2,1]"]
    assert answer.out.strip() == str(entry).strip()


def test_explain_in_other_forms_and_notations(cli, model):
    answer = cli(
        "explain", model, "xor", "dC/dW[1][1,2]", "--notation", "columns", "--format", "json", "--detail", "line"
    )
    facts = answer.json
    assert facts["notation"] == "columns"
    value = cr.load(model).explain("xor")["dC/dW[1][2,1]"].value
    assert facts["value"] == pytest.approx(value)
    assert cli("explain", model, "xor", "J", "--format", "latex").out.startswith("\\begin{aligned}")
    ElementTree.fromstring(cli("explain", model, "xor", "z[1][1]", "--format", "mathml").out)


def test_explain_lists_and_prints_arrays(cli, model):
    names = cli("explain", model, "xor").out.split("\n")
    assert "dC/dW[1][2,1]" in names
    assert "shape (2, 2)" in cli("explain", model, "xor", "dC/dW[1]").out
    listed = cli("explain", model, "xor", "--list", "--format", "json").json
    assert listed["quantities"] == [name.split()[0] if '"' in name else name for name in names if name]
    assert listed["names"] == {"x[1]": "x1", "x[2]": "x2", "y[1]": "y=1", "a[2][1]": "y=1"}
    assert 'x[2]     "x2"' in names
    assert (
        "update rule adam" in cli("explain", model, "xor", "change W[1][1,1]").out
    )  # with the rule's own learning rate


def test_explain_without_the_target_column(cli, model):
    (cli.folder / "new.csv").write_text("x1,x2\n0,1\n")
    assert "weighted sum" in cli("explain", model, "new.csv", "z[1][1]").out
    assert "no targets" in cli.refused("explain", model, "new.csv", "C")


def test_paths_add_up(cli, model):
    answer = cli("paths", model, "xor", "dC/dx[1]", "--format", "json", "--row", "3")
    first, *paths = answer.json["lines"]
    assert len(paths) == 2
    assert sum(path["sides"][-1]["value"] for path in paths) == pytest.approx(first["sides"][-1]["value"])
    assert "is no sum over paths" in cli.refused("paths", model, "xor", "a[1][1]")


def test_jacobian(cli, model):
    facts = cli("jacobian", model, "xor", "--row", "2", "--json").json
    trained = cr.load(model)
    record = trained.forward("xor")
    from chainrule.core.jacobians import layer_jacobians

    np.testing.assert_allclose(facts["jacobian"], layer_jacobians(trained.network, record, 0, 2)[1], rtol=1e-4)
    turned = cli("jacobian", model, "xor", "--row", "2", "--json", "--layout", "denominator").json
    np.testing.assert_allclose(np.transpose(turned["jacobian"]), facts["jacobian"])
    assert "numerator layout" in cli("jacobian", model, "xor").out
    assert "layers from 0 (the inputs) to 2" in cli.refused("jacobian", model, "xor", "--from", "2", "--to", "1")


def test_gradcheck(cli, model):
    answer = cli("gradcheck", model, "xor")
    assert answer.code == 0
    assert "The gradient is right: 9 parameters checked" in answer.out
    assert "2 parameters checked" in cli("gradcheck", model, "xor", "--at-most", "2").out


@pytest.mark.parametrize("level", ["scalar", "matrix", "tensor"])
@pytest.mark.parametrize("form", ["text", "latex", "mathml", "json"])
def test_derive(cli, level, form):
    answer = cli("derive", "2-3-1", "--loss", "half-squared-error", "dC/dW[1]", "--level", level, "--format", form)
    assert answer.code == 0
    if form == "mathml":
        ElementTree.fromstring(answer.out)
    if form == "json":
        assert json.loads(answer.out)["lines"]


def test_derive_what_else(cli):
    assert "reciprocal rule" in cli("derive", "logistic").out
    assert "error at the outputs" in cli("derive", "equations", "--notation", "nielsen").out
    assert "power rule" in cli("derive", "half-squared-error").out
    assert "leaky_relu(0.2)" in cli("derive", "leaky-relu(0.2)").out
    for quantity in ("dC/dx", "delta[2]", "dC/dW[1]"):
        assert f"chainrule derive 2-3-1 '{quantity}'" in cli.refused("derive", quantity)
        assert cli("derive", "2-3-1", quantity).out
    assert 'Did you mean "logistic"' in cli.refused("derive", "logistc")
    assert "neither a network such as 2-3-1" in cli.refused("derive", "half-squared-eror")


@pytest.mark.parametrize("form", ["text", "latex", "mathml", "json"])
def test_derive_a_formula(cli, form):
    answer = cli("derive", "x**3 * sin(x)", "--at", "x=2", "--format", form)
    assert answer.code == 0
    assert "product rule" in answer.out
    if form == "text":  # 3 x^2 sin x + x^3 cos x at 2: 12 * 0.909297427 - 8 * 0.416146837 = 7.58239443
        assert answer.out.rstrip().endswith("= 7.58239")
    if form == "mathml":
        ElementTree.fromstring(answer.out)
    if form == "json":
        assert json.loads(answer.out)["lines"][-1]["sides"][-1]["value"] == pytest.approx(7.582394430)


def test_derive_a_formula_of_several_names(cli):
    assert "constant: a, b" in cli("derive", "a*x^2 + b*x", "--by", "x").out
    for arguments, message in [
        (("a*b",), "say which one varies"),
        (("x +* 2",), "column 4"),
        (("x", "dC/dW[1]"), "has no quantity"),
        (("x^2", "--at", "x"), "write a name and its value"),
        (("x^2", "--at", "x=two"), "write a name and its value"),
        (("tanh", "--by", "z"), "belong to a formula"),
    ]:
        assert message in cli.refused("derive", *arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("explain", "MODEL", "xor", "dC/dW[1][3,1]"), "leads from 2 units to 2"),
        (("explain", "MODEL", "xor", "C", "--row", "9"), "there is no row 9"),
        (("explain", "MODEL", "xor", "C", "--notation", "nelson"), 'notation "nelson" is unknown'),
        (("explain", "none.safetensors", "xor", "C"), "none.safetensors"),
    ],
)
def test_refusals(cli, model, arguments, message):
    assert message in cli.refused(*(model if part == "MODEL" else part for part in arguments))


def test_what_the_help_lists_is_what_there_is():
    assert cli_explain.DETAILS == derivation.DETAILS
    assert all(name in explaining.NOTATION_HELP for name in PRESETS)


def test_an_ensemble_is_refused(cli):
    cr.train_ensemble("xor", members=2, hidden=2, epochs=5).save("two.safetensors")
    assert "holds 2 networks" in cli.refused("paths", "two.safetensors", "xor", "dC/dx[1]")
    assert "holds 2 networks" in cli.refused("gradcheck", "two.safetensors", "xor")


def test_explain_shows_a_step_that_training_took(cli, model):
    trained = cr.load(model)
    step = trained.replay("xor", step=7)
    answer = cli("explain", model, "xor", "change W[1][2,1]", "--step", "7", "--detail", "line")
    assert answer.out.startswith(
        "step 7 of 50\nrows of xor: 1, 2, 3, 4\nlearning rate: 0.01\nTrained again from the seed"
    )
    before, after = step.weight("W[1][2,1]")
    assert f"W[1][2,1]: {before:.9g} before the step, {after:.9g} after it" in answer.out
    assert answer.out.strip().endswith(step["change W[1][2,1]"].text("line").strip())
    assert "not a step" not in answer.out
    facts = cli("explain", model, "xor", "J", "--step", "last", "--format", "json").json
    assert (facts["step"]["step"], facts["step"]["exact"], facts["step"]["rows"]) == (50, True, [1, 2, 3, 4])
    assert "change W[1][2,1]" in cli("explain", model, "xor", "--step", "3", "--list").out
    assert "shape (2, 2)" in cli("explain", model, "xor", "--step", "3", "change W[1]").out
    written_out = cli("explain", model, "xor", "change W[1][2,1]", "--step", "5:1", "--unroll", "2").out
    assert "what the gradients of the 2 updates before left in it" in written_out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--step", "51"), "there is no step 51. Ask for one from 1 to 50"),
        (("--step", "0"), "there is no step 0"),
        (("--step", "1:2"), "no update 2 of epoch 1"),
        (("--step", "x"), 'as in --step 23:5, or "last"; received "x"'),
        (("--step", "-3"), 'received "-3"'),
        (("--step", "1:2:3"), 'received "1:2:3"'),
        (("--step", ""), 'received ""'),
        (("--unroll", "3"), "Name the step"),
        (("--step", "3", "--row", "5"), "the batch of this step has 4 rows: --row is 1 to 4; received 5"),
        (("--member", "1"), "holds a single network"),
    ],
)
def test_steps_that_are_refused(cli, model, arguments, message):
    assert message in cli.refused("explain", model, "xor", "C", *arguments)


def test_a_step_of_another_table_is_refused(cli, model):
    assert "is not the table that trained this model" in cli.refused("explain", model, "and", "C", "--step", "3")


def test_an_ensemble_is_explained_by_its_mean_or_a_member(cli):
    ensemble = cr.train_ensemble("xor", members=2, hidden=2, epochs=5)
    ensemble.save("two.safetensors")
    out = cli("explain", "two.safetensors", "xor", "a[2][1]", "--row", "2").out
    assert out.strip() == ensemble.explain("xor", example=1)["a[2][1]"].text().strip()
    assert cli("explain", "two.safetensors", "xor").out.split() == ["a[2][1]", '"y=1"']
    one = cli("explain", "two.safetensors", "xor", "dC/dW[1][1,1]", "--member", "2").out
    assert one.strip() == str(ensemble.members[1].explain("xor")["dC/dW[1][1,1]"]).strip()
    assert cli("explain", "two.safetensors", "xor", "C", "--step", "3", "--member", "2").code == 0
    assert "--member 1" in cli.refused("explain", "two.safetensors", "xor", "C", "--step", "3")
    assert "there is no member 3" in cli.refused("explain", "two.safetensors", "xor", "C", "--member", "3")
    assert "is a number of one network" in cli.refused("explain", "two.safetensors", "xor", "C")


def test_a_long_training_is_announced_before_it_runs_again(cli, model):
    trained = cr.load(model)
    for name, seconds in (("long", 2.0), ("short", 0.001)):
        history = History([row._replace(seconds=seconds * row.epoch) for row in trained.history])
        replace(trained, history=history).save(f"{name}.safetensors")
    answer = cli("explain", "long.safetensors", "xor", "C", "--step", "3")
    assert answer.err == "Training again from the seed, up to the step; all of the training took 100 s.\n"
    assert cli("explain", "short.safetensors", "xor", "C", "--step", "3").err == ""


# ---- networks by hand --------------------------------------------------------------------------------------------

EXAMPLES = ("--x", "0.3,1;0.5,0.2", "--y", "0.75;0.82")


def by_hand(cli, *arguments):
    return cli("explain", "2-3-1", *EXAMPLES, *arguments, "--format", "json", "--detail", "line").json["value"]


def test_a_network_by_hand_is_the_network_in_python(cli):
    X, Y = [[0.3, 1.0], [0.5, 0.2]], [[0.75], [0.82]]
    ones = cr.Network.dense([2, 3, 1], bias=False, weights=[np.ones((2, 3)), np.ones((3, 1))])
    np.testing.assert_allclose(
        by_hand(cli, "--weights", "ones", "--biases", "none", "dC/dW[2]"), cr.explain(ones, X, Y)["dC/dW[2]"].value
    )
    drawn = cr.Network.dense([2, 3, 1], ["tanh", "logistic"], init="uniform(-1,1)", seed=4)
    given = ("--weights", "uniform(-1,1)", "--seed", "4", "--activation", "tanh,logistic")
    why = cr.explain(drawn, X, Y, loss="binary_cross_entropy", reduction="sum", weight_decay=0.1, example=1)
    further = ("--loss", "binary-cross-entropy", "--reduction", "sum", "--weight-decay", "0.1", "--row", "2")
    for name in ("dC/dW[1][2,1]", "J", "delta[1]", "da[2]/dx"):
        np.testing.assert_allclose(by_hand(cli, *given, *further, name), why[name].value)
    moved = cr.explain(drawn, X, Y, update="momentum(0.9)", learning_rate=0.5)["change W[1]"].value
    np.testing.assert_allclose(
        by_hand(cli, *given, "--update", "momentum(0.9)", "--learning-rate", "0.5", "change W[1]"), moved
    )


def test_weights_by_hand_are_written_as_the_notation_has_them(cli):
    W = "[[[1,2],[3,4]],[[5,6]]]"
    (cli.folder / "weights.json").write_text(W)
    for weights in (W, "weights.json"):
        answer = cli("explain", "2-2-1", "--weights", weights, "--biases", "[[1,2],[3]]", "--activation", "identity",
                     "--x", "10,100", "--notation", "columns", "--format", "json", "z[2]")  # fmt: skip
        assert answer.json["value"] == [[10 + 200 + 1], [30 + 400 + 2]]  # W_12 leads from 2 to 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("2-3-1", "C"), "name the examples of 2-3-1 with --x"),
        (("2-3-1", "--x", "1;b", "z[1]"), "examples with semicolons"),
        (("2-3-1", "--x", "1,2", "--weights", "w.json", "z[1]"), "no file that can be read"),
        (("2-3-1", "--x", "1,2", "--weights", "[[1", "z[1]"), "this is no JSON of arrays"),
        (("2-3-1", "--x", "1,2", "--weights", "[[[1,1,1],[1,1,1]],[[1,1,1]]]", "z[1]"), "layer 2: weights must have"),
        (("2-3-1", "--x", "1,2", "--weights", "ones", "--seed", "1", "z[1]"), "leave it out beside given --weights"),
        (("2-3-1", "--x", "1,2", "--biases", "ones", "z[1]"), "beside given --weights"),
        (("2-3-1", "--x", "1,2", "--row", "2", "z[1]"), "there is no row 2"),
        (("2-3-1", "xor", "C", "--x", "1,2"), "leave the table out"),
        (("xor.safetensors", "xor", "C", "--x", "1,2"), "--x belongs to a network by hand"),
    ],
)
def test_what_is_no_network_by_hand(cli, model, arguments, message):
    assert message in cli.refused("explain", *arguments)


def test_arrays_in_every_form(cli, model):
    for form, start in (("latex", "\\begin{aligned}"), ("mathml", "<math"), ("json", "{")):
        assert cli("explain", model, "xor", "delta[2]", "--format", form).out.startswith(start)
    assert "shape (4, 1)" in cli("explain", model, "xor", "delta[2]").out


def test_shapes(cli, model):
    facts = cli("shapes", model, "--examples", "4", "--format", "json").json
    assert {row["name"]: row["shape"] for row in facts["symbols"]}["delta[1]"] == [4, 2]
    assert "3 × 2" in cli("shapes", "2-3-1", "--notation", "columns").out
    for form in ("latex", "mathml"):
        assert cli("shapes", "2-3-1", "--format", form).code == 0
    assert "is unknown" in cli.refused("shapes", "2-3-1", "--notation", "nielson")


def test_inputs_and_outputs_by_name(cli):
    rows = "\n".join(f"{i},{i * i % 7},{'north' if i % 3 else 'a, [b]'},{2 * i}" for i in range(30))
    (cli.folder / "houses.csv").write_text(
        f'area,net rent (m2),"district",price\n{rows.replace("a, [b]", chr(34) + "a, [b]" + chr(34))}\n'
    )
    assert cli("train", "houses.csv", "--target", "price", "--hidden", "2", "--epochs", "5", "--quiet").code == 0
    why = cr.load("houses.safetensors").explain("houses.csv", example=3)
    places = {name: i for i, name in enumerate(why.definitions.units.inputs, start=1)}
    for named, numbered in [
        ("dC/dx[area]", f"dC/dx[{places['area']}]"),
        ('x["net rent (m2)"]', f"x[{places['net rent (m2)']}]"),
        ('W[1]["district=a, [b]",2]', f"W[1][{places['district=a, [b]']},2]"),
        ("da[2][price]/dx[district=north]", f"da[2][1]/dx[{places['district=north']}]"),
    ]:
        answer = cli("explain", "houses.safetensors", "houses.csv", named, "--row", "4")
        assert answer.code == 0
        assert answer.out == cli("explain", "houses.safetensors", "houses.csv", numbered, "--row", "4").out
        for notation in ("columns", "pytorch"):
            assert cli("explain", "houses.safetensors", "houses.csv", "dC/dx[area]", "--notation", notation).code == 0
    assert (
        '"district" is "a, [b]" in row 5 (node "district=a, [b]")'
        in cli("explain", "houses.safetensors", "houses.csv", 'x["district=a, [b]"]', "--row", "4").out
    )
    paths = cli("paths", "houses.safetensors", "houses.csv", "dC/dx[area]", "--row", "4").out
    assert '"area", row 5: 3, (3 - ' in paths
    step = cli("explain", "houses.safetensors", "houses.csv", "change W[1][area,1]", "--step", "2").out
    assert step.rstrip().endswith('x[1]: "area"')
    assert '2 "net rent (m2)"' in cli.refused("explain", "houses.safetensors", "houses.csv", "x[aria]")
    assert 'name one: 3 "district=a, [b]", 4 "district=north"' in cli.refused(
        "explain", "houses.safetensors", "houses.csv", "dC/dx[district]"
    )
    jacobian = cli("jacobian", "houses.safetensors", "houses.csv").out
    assert "a[0][1] area" in jacobian
    assert "a[2][1] price" in jacobian
    facts = cli("jacobian", "houses.safetensors", "houses.csv", "--json", "--to", "1", "--layout", "denominator").json
    assert facts["row_names"] == list(places)
    assert facts["column_names"] is None
    checked = cli("gradcheck", "houses.safetensors", "houses.csv").out
    assert re.search(r"^(W\[1\]\[1,.\] area|W\[2\]\[.,1\] price|b\[2\]\[1\] price) ", checked, re.MULTILINE)
    assert "have no names" in cli.refused("explain", "2-3-1", "--x", "0.3,1", "x[area]")
