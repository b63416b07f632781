"""What each notation calls arrays, numbers of one example, layers that are letters, and units of two digits."""

import pytest

from chainrule.explaining.latex_form import LatexWriter
from chainrule.explaining.naming import Naming
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.quantities import (
    BATCH_COST,
    COST,
    Change,
    Derivative,
    Quantity,
    State,
    a,
    bias,
    delta,
    weight,
    y,
    z,
)
from chainrule.explaining.text_form import name_text

ARRAYS = [
    *(Quantity(kind, 1) for kind in ("W", "b", "z")), *(Quantity("a", l) for l in (0, 1, 2)), Quantity("y"),
    Quantity("delta", 1), Derivative(BATCH_COST, Quantity("W", 2)), Derivative(COST, Quantity("a", 1)),
]  # fmt: skip
OF_AN_EXAMPLE = [
    a(1, 2, 4), a(0, 1, 4), y(0, 4), z(2, 1, 11), Quantity("z", 1, (), 4), Quantity("y", None, (), 4),
    Quantity("C", example=1), Derivative(Quantity("C", example=1), weight(1, 1, 2)), Derivative(a(2, 1, 1), z(1, 0)),
    Quantity("slope", 1, (2,), 1), Quantity("mask", 1, (2,)),
]  # fmt: skip
LETTERS = [
    a("l", "j"), a("L", "j"), weight("l+1", "j", "k"), bias("l-1", "j"), delta("L", "j"), Quantity("W", "l"),
    Quantity("a", "l-1"), Quantity("z", "L"), Derivative(COST, a("L", "j")), y("j"),
]  # fmt: skip
WIDE = [weight(1, 10, 2), weight(1, 0, 11), a(1, 11), a(1, 11, 2), a(0, 9, 0)]
WRITTEN = {
    "chainrule": (
        "W[1]  b[1]  Z[1]  X  A[1]  A[2]  Y  δ[1]  ∂J/∂W[2]  ∂C/∂A[1]",
        "a[1][3]@5  x[2]@5  y[1]@5  z[2][2]@12  Z[1]@5  Y@5  "
        "C@2  ∂C@2/∂W[1][2,3]  ∂a[2][2]@2/∂z[1][1]@2  f′(z[1][3]@2)  m[1][3]",
        "a[l][j]  a[L][j]  W[l+1][j,k]  b[l-1][j]  δ[L][j]  W[l]  A[l-1]  Z[L]  ∂C/∂a[L][j]  y[j]",
        "W[1][11,3]  W[1][1,12]  a[1][12]  a[1][12]@3  x[10]@1",
    ),
    "gates": (
        "W¹  b¹  z¹  x  a¹  a²  y  δ¹  ∂J/∂W²  ∂C/∂a¹",
        "a¹⟨⁵⟩₂  x⟨⁵⟩₁  y⟨⁵⟩₀  z²⟨¹²⟩₁  z¹⟨⁵⟩  y⟨⁵⟩  C⟨²⟩  ∂C⟨²⟩/∂w¹₂₁  ∂a²⟨²⟩₁/∂z¹⟨²⟩₀  g′(z¹⟨²⟩₂)  m¹₂",
        "aˡⱼ  aᴸⱼ  wˡ⁺¹ₖⱼ  bˡ⁻¹ⱼ  δᴸⱼ  Wˡ  aˡ⁻¹  zᴸ  ∂C/∂aᴸⱼ  yⱼ",
        "w¹_{2,10}  w¹_{11,0}  a¹₁₁  a¹⟨³⟩₁₁  x⟨¹⟩₉",
    ),
    "constituents": (
        "W⁽¹⁾  b⁽¹⁾  z⁽¹⁾  x  a⁽¹⁾  a⁽²⁾  y  δ⁽¹⁾  ∂C/∂W⁽²⁾  ∂C/∂a⁽¹⁾",
        "a⁽¹⁾₅₂  x₅₁  y₅₀  z⁽²⁾_{12,1}  z⁽¹⁾⟨⁵⟩  y⟨⁵⟩  C₂  ∂C₂/∂w⁽¹⁾₂₁  ∂a⁽²⁾₂₁/∂z⁽¹⁾₂₀  σ′(z⁽¹⁾₂₂)  m⁽¹⁾₂",
        "a⁽ˡ⁾ⱼ  a⁽ᴸ⁾ⱼ  w⁽ˡ⁺¹⁾ₖⱼ  b⁽ˡ⁻¹⁾ⱼ  δ⁽ᴸ⁾ⱼ  W⁽ˡ⁾  a⁽ˡ⁻¹⁾  z⁽ᴸ⁾  ∂C/∂a⁽ᴸ⁾ⱼ  yⱼ",
        "w⁽¹⁾_{2,10}  w⁽¹⁾_{11,0}  a⁽¹⁾₁₁  a⁽¹⁾_{3,11}  x_{1,9}",
    ),
    "beta": (
        "W⁽¹⁾  w⁽¹⁾₀  z⁽¹⁾  x  o⁽¹⁾  o⁽²⁾  d  δ⁽¹⁾  ∂C/∂W⁽²⁾  ∂C/∂o⁽¹⁾",
        "o⁽¹⁾⟨⁵⟩₃  x⟨⁵⟩₂  d⟨⁵⟩₁  z⁽²⁾⟨¹²⟩₂  z⁽¹⁾⟨⁵⟩  d⟨⁵⟩  "
        "C⟨²⟩  ∂C⟨²⟩/∂w⁽¹⁾₂₃  ∂o⁽²⁾⟨²⟩₂/∂z⁽¹⁾⟨²⟩₁  σ′(z⁽¹⁾⟨²⟩₃)  m⁽¹⁾₃",
        "o⁽ˡ⁾ⱼ  o⁽ᴸ⁾ⱼ  w⁽ˡ⁺¹⁾ⱼₖ  w⁽ˡ⁻¹⁾₀ⱼ  δ⁽ᴸ⁾ⱼ  W⁽ˡ⁾  o⁽ˡ⁻¹⁾  z⁽ᴸ⁾  ∂C/∂o⁽ᴸ⁾ⱼ  dⱼ",
        "w⁽¹⁾_{11,3}  w⁽¹⁾_{1,12}  o⁽¹⁾₁₂  o⁽¹⁾⟨³⟩₁₂  x⟨¹⟩₁₀",
    ),
    "columns": (
        "W⁽¹⁾  b⁽¹⁾  z⁽²⁾  x  a⁽²⁾  a⁽³⁾  y  δ⁽²⁾  ∂J/∂W⁽²⁾  ∂J/∂a⁽²⁾",
        "a⁽²⁾⟨⁵⟩₃  x⟨⁵⟩₂  y⟨⁵⟩₁  z⁽³⁾⟨¹²⟩₂  z⁽²⁾⟨⁵⟩  y⟨⁵⟩  "
        "J⟨²⟩  ∂J⟨²⟩/∂W⁽¹⁾₃₂  ∂a⁽³⁾⟨²⟩₂/∂z⁽²⁾⟨²⟩₁  f′(z⁽²⁾⟨²⟩₃)  m⁽²⁾₃",
        "a⁽ˡ⁺¹⁾ⱼ  a^{(n_l)}ⱼ  W⁽ˡ⁺¹⁾ₖⱼ  b⁽ˡ⁻¹⁾ⱼ  δ^{(n_l)}ⱼ  W⁽ˡ⁾  a⁽ˡ⁾  z^{(n_l)}  ∂J/∂a^{(n_l)}ⱼ  yⱼ",
        "W⁽¹⁾_{3,11}  W⁽¹⁾_{12,1}  a⁽²⁾₁₂  a⁽²⁾⟨³⟩₁₂  x⟨¹⟩₁₀",
    ),
    "rows": (
        "W⁽¹⁾  b⁽¹⁾  z⁽²⁾  X  a⁽²⁾  ŷ  y  δ⁽²⁾  ∂J/∂W⁽²⁾  ∂J/∂a⁽²⁾",
        "a⁽²⁾₅₃  X₅₂  y₅₁  z⁽³⁾_{12,2}  z⁽²⁾⟨⁵⟩  y⟨⁵⟩  J₂  ∂J₂/∂W⁽¹⁾₂₃  ∂ŷ₂₂/∂z⁽²⁾₂₁  f′(z⁽²⁾₂₃)  m⁽²⁾₃",
        "a⁽ˡ⁺¹⁾ⱼ  ŷⱼ  W⁽ˡ⁺¹⁾ⱼₖ  b⁽ˡ⁻¹⁾ⱼ  δ⁽ᴸ⁾ⱼ  W⁽ˡ⁾  a⁽ˡ⁾  z⁽ᴸ⁾  ∂J/∂ŷⱼ  yⱼ",
        "W⁽¹⁾_{11,3}  W⁽¹⁾_{1,12}  a⁽²⁾₁₂  a⁽²⁾_{3,12}  X_{1,10}",
    ),
    "delta-rule": (
        "W⁽¹⁾  b⁽¹⁾  sum⁽¹⁾  x  o⁽¹⁾  o⁽²⁾  t  δ⁽¹⁾  ∂E/∂W⁽²⁾  ∂E/∂o⁽¹⁾",
        "o⁽¹⁾₃₅  x₂₅  t₁₅  sum⁽²⁾_{2,12}  sum⁽¹⁾⟨⁵⟩  t⟨⁵⟩  E₂  ∂E₂/∂w⁽¹⁾₃₂  ∂o⁽²⁾₂₂/∂sum⁽¹⁾₁₂  f′(sum⁽¹⁾₃₂)  m⁽¹⁾₃",
        "o⁽ˡ⁾ⱼ  o⁽ᴸ⁾ⱼ  w⁽ˡ⁺¹⁾ₖⱼ  b⁽ˡ⁻¹⁾ⱼ  δ⁽ᴸ⁾ⱼ  W⁽ˡ⁾  o⁽ˡ⁻¹⁾  sum⁽ᴸ⁾  ∂E/∂o⁽ᴸ⁾ⱼ  tⱼ",
        "w⁽¹⁾_{3,11}  w⁽¹⁾_{12,1}  o⁽¹⁾₁₂  o⁽¹⁾_{12,3}  x_{10,1}",
    ),
    "tensors": (
        "V  b′  R  X  Y  Z  T  δ′  ∂L/∂W  ∂L/∂Y",
        "y⟨⁵⟩₃  x⟨⁵⟩₂  t⟨⁵⟩₁  s⟨¹²⟩₂  R⟨⁵⟩  T⟨⁵⟩  L⟨²⟩  ∂L⟨²⟩/∂v₂₃  ∂z⟨²⟩₂/∂r⟨²⟩₁  f′(r⟨²⟩₃)  m′₃",
        "a⁽ˡ⁾ⱼ  a^{(N)}ⱼ  w⁽ˡ⁺¹⁾ⱼₖ  b⁽ˡ⁻¹⁾ⱼ  δ^{(N)}ⱼ  W⁽ˡ⁾  A⁽ˡ⁻¹⁾  sum^{(N)}  ∂L/∂a^{(N)}ⱼ  tⱼ",
        "v_{11,3}  v_{1,12}  y₁₂  y⟨³⟩₁₂  x⟨¹⟩₁₀",
    ),
    "nielsen": (
        "w²  b²  z²  x  a²  a³  y  δ²  ∂C/∂w³  ∂C/∂a²",
        "a²⟨⁵⟩₃  x⟨⁵⟩₂  y⟨⁵⟩₁  z³⟨¹²⟩₂  z²⟨⁵⟩  y⟨⁵⟩  C⟨²⟩  ∂C⟨²⟩/∂w²₃₂  ∂a³⟨²⟩₂/∂z²⟨²⟩₁  σ′(z²⟨²⟩₃)  m²₃",
        "aˡ⁺¹ⱼ  aᴸⱼ  wˡ⁺²ₖⱼ  bˡⱼ  δᴸⱼ  wˡ⁺¹  aˡ  zᴸ  ∂C/∂aᴸⱼ  yⱼ",
        "w²_{3,11}  w²_{12,1}  a²₁₂  a²⟨³⟩₁₂  x⟨¹⟩₁₀",
    ),
    "ng": (
        "W[1]  b[1]  Z[1]  X  A[1]  A[2]  Y  dz[1]  ∂J/∂W[2]  ∂ℒ/∂A[1]",
        "a[1][3]@5  x[2]@5  y[1]@5  z[2][2]@12  Z[1]@5  Y@5  "
        "ℒ@2  ∂ℒ@2/∂W[1][3,2]  ∂a[2][2]@2/∂z[1][1]@2  g′(z[1][3]@2)  m[1][3]",
        "a[l][j]  a[L][j]  W[l+1][k,j]  b[l-1][j]  dz[L][j]  W[l]  A[l-1]  Z[L]  ∂ℒ/∂a[L][j]  y[j]",
        "W[1][3,11]  W[1][12,1]  a[1][12]  a[1][12]@3  x[10]@1",
    ),
    "cs231n": (
        "W1  b1  Z1  X  H1  H2  Y  δ1  ∂L/∂W2  ∂L/∂H1",
        "h1[2]@5  x[1]@5  y[0]@5  z2[1]@12  Z1@5  Y@5  L@2  ∂L@2/∂W1[1,2]  ∂h2[1]@2/∂z1[0]@2  f′(z1[2]@2)  m1[2]",
        "h[l][j]  h[last][j]  W[l+1][j,k]  b[l-1][j]  δ[last][j]  W[l]  H[l-1]  Z[last]  ∂L/∂h[last][j]  y[j]",
        "W1[10,2]  W1[0,11]  h1[11]  h1[11]@3  x[9]@1",
    ),
    "keras": (
        "kernel0  bias0  z0  x  output0  output1  y  δ0  ∂loss/∂kernel1  ∂loss/∂output0",
        "output0[2]@5  x[1]@5  y[0]@5  z1[1]@12  z0@5  y@5  "
        "loss@2  ∂loss@2/∂kernel0[1,2]  ∂output1[1]@2/∂z0[0]@2  activation′(z0[2]@2)  m0[2]",
        "output[l-1][j]  output[L][j]  kernel[l][j,k]  bias[l-2][j]  δ[L][j]  kernel[l-1]  "
        "output[l-2]  z[L]  ∂loss/∂output[L][j]  y[j]",
        "kernel0[10,2]  kernel0[0,11]  output0[11]  output0[11]@3  x[9]@1",
    ),
    "pytorch": (
        "weight0  bias0  z0  x  a0  a1  y  δ0  ∂loss/∂weight1  ∂loss/∂a0",
        "a0[2]@5  x[1]@5  y[0]@5  z1[1]@12  z0@5  y@5  "
        "loss@2  ∂loss@2/∂weight0[2,1]  ∂a1[1]@2/∂z0[0]@2  f′(z0[2]@2)  m0[2]",
        "a[l-1][j]  a[L][j]  weight[l][k,j]  bias[l-2][j]  δ[L][j]  weight[l-1]  a[l-2]  z[L]  ∂loss/∂a[L][j]  y[j]",
        "weight0[2,10]  weight0[11,0]  a0[11]  a0[11]@3  x[9]@1",
    ),
}


@pytest.mark.parametrize("notation", PRESETS)
def test_every_kind_of_name(notation):
    groups = ((ARRAYS, (2, 3, 2)), (OF_AN_EXAMPLE, (2, 3, 2)), (LETTERS, None), (WIDE, (12, 12, 3)))
    for (names, sizes), written in zip(groups, WRITTEN[notation], strict=True):
        naming = Naming(PRESETS[notation], sizes)
        assert [name_text(name, naming) for name in names] == written.split("  ")


TYPESET = [
    a(1, 2, 4), weight(1, 10, 2), bias(1, 2), Quantity("z", 1), Quantity("slope", 1, (2,)), Quantity("eta"), a(2, 0),
    Quantity("y"), State("mean_square", weight(1, 1, 2)), Change(weight(1, 1, 2)),
    Derivative(Quantity("C", example=1), weight(1, 1, 2)),
]  # fmt: skip
LATEX = {
    "chainrule": [
        r"a^{(1)\langle 5\rangle}_{3}", r"W^{(1)}_{11,3}", r"b^{(1)}_{3}", r"Z^{(1)}", r"f'(z^{(1)}_{3})",
        r"\eta", r"a^{(2)}_{1}", r"Y", r"s(W^{(1)}_{23})", r"\Delta W^{(1)}_{23}",
        r"\frac{\partial C^{\langle 2\rangle}}{\partial W^{(1)}_{23}}",
    ],
    "columns": [
        r"a^{(2)\langle 5\rangle}_{3}", r"W^{(1)}_{3,11}", r"b^{(1)}_{3}", r"z^{(2)}", r"f'(z^{(2)}_{3})",
        r"\eta", r"a^{(3)}_{1}", r"y", r"s(W^{(1)}_{32})", r"\Delta W^{(1)}_{32}",
        r"\frac{\partial J^{\langle 2\rangle}}{\partial W^{(1)}_{32}}",
    ],
    "ng": [
        r"a^{[1](5)}_{3}", r"W^{[1]}_{3,11}", r"b^{[1]}_{3}", r"Z^{[1]}", r"g'(z^{[1]}_{3})",
        r"\alpha", r"a^{[2]}_{1}", r"Y", r"s(W^{[1]}_{32})", r"\Delta W^{[1]}_{32}",
        r"\frac{\partial \mathcal{L}^{(2)}}{\partial W^{[1]}_{32}}",
    ],
    "beta": [
        r"o^{(1)\langle 5\rangle}_{3}", r"w^{(1)}_{11,3}", r"w^{(1)}_{03}", r"z^{(1)}", r"\sigma'(z^{(1)}_{3})",
        r"\eta", r"o^{(2)}_{1}", r"d", r"s(w^{(1)}_{23})", r"\Delta w^{(1)}_{23}",
        r"\frac{\partial C^{\langle 2\rangle}}{\partial w^{(1)}_{23}}",
    ],
    "tensors": [
        r"y^{\langle 5\rangle}_{3}", r"v_{11,3}", r"b'_{3}", r"R", r"f'(r_{3})",
        r"\eta", r"z_{1}", r"T", r"s(v_{23})", r"\Delta v_{23}",
        r"\frac{\partial L^{\langle 2\rangle}}{\partial v_{23}}",
    ],
    "nielsen": [
        r"a^{2\langle 5\rangle}_{3}", r"w^{2}_{3,11}", r"b^{2}_{3}", r"z^{2}", r"\sigma'(z^{2}_{3})",
        r"\eta", r"a^{3}_{1}", r"y", r"s(w^{2}_{32})", r"\Delta w^{2}_{32}",
        r"\frac{\partial C^{\langle 2\rangle}}{\partial w^{2}_{32}}",
    ],
    "delta-rule": [
        r"o^{(1)}_{3,5}", r"w^{(1)}_{3,11}", r"b^{(1)}_{3}", r"\mathrm{sum}^{(1)}", r"f'(\mathrm{sum}^{(1)}_{3})",
        r"\eta", r"o^{(2)}_{1}", r"t", r"s(w^{(1)}_{32})", r"\Delta w^{(1)}_{32}",
        r"\frac{\partial E_{2}}{\partial w^{(1)}_{32}}",
    ],
    "keras": [
        r"\mathrm{output0}^{\langle 5\rangle}_{2}", r"\mathrm{kernel0}_{10,2}", r"\mathrm{bias0}_{2}",
        r"\mathrm{z0}", r"\mathrm{activation}'(\mathrm{z0}_{2})",
        r"\eta", r"\mathrm{output1}_{0}", r"y", r"s(\mathrm{kernel0}_{12})", r"\Delta \mathrm{kernel0}_{12}",
        r"\frac{\partial \mathrm{loss}^{\langle 2\rangle}}{\partial \mathrm{kernel0}_{12}}",
    ],
}  # fmt: skip


@pytest.mark.parametrize("notation", LATEX)
def test_names_in_latex(notation):
    writer = LatexWriter(Naming(PRESETS[notation], (12, 12, 3)), None)
    assert [writer.shown(writer.naming.show(name)) for name in TYPESET] == LATEX[notation]
