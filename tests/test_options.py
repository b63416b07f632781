"""Options as one table: defaults, ranges, words and kinds, checked alike for every plan."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.reading_plan import ReadingPlan
from chainrule.errors import UsageError
from chainrule.options import checked, divide_options, option
from chainrule.training.plan import TrainingPlan

PLANS = [TrainingPlan, EncodingPlan, ReadingPlan]


@dataclasses.dataclass(frozen=True)
class Plan:
    """One field of each kind."""

    word: str = option("red", "A word.", choices=("red", "green"))
    text: str | None = option(None, "Text.")
    share: float = option(0.5, "A share.", low=0, high=1)
    rate: float | None = option(None, "A rate.", above=0)
    count: int = option(3, "A count.", low=1)
    switch: bool = option(True, "A switch.")
    own: tuple = option((), "A list.", check=lambda value: tuple(sorted(value)), words=("anything",))

    def __post_init__(self):
        checked(self)


def test_defaults_are_kept():
    assert Plan() == Plan(word="red", text=None, share=0.5, rate=None, count=3, switch=True, own=())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("word", "blue", 'word "blue" is unknown. Allowed: red, green.'),
        ("word", "gren", 'word "gren" is unknown. Did you mean "green"? Allowed: red, green.'),
        ("word", "red(1)", 'word "red(1)" is unknown. Did you mean "red"? Allowed: red, green.'),
        ("word", 1, "word must be one of red, green; received 1."),
        ("word", None, "word must have a value; received None. Leave it out for 'red'."),
        ("text", 5, "text must be text; received 5."),
        ("share", 1.5, "share must be a finite number of at least 0 and at most 1; received 1.5."),
        ("share", math.nan, "share must be a finite number of at least 0 and at most 1; received nan."),
        ("share", "0.5", "share must be a finite number of at least 0 and at most 1; received '0.5'."),
        ("rate", 0, "rate must be a finite number above 0; received 0."),
        ("rate", math.inf, "rate must be a finite number above 0; received inf."),
        ("count", 0, "count must be a whole number of at least 1; received 0."),
        ("count", 2.0, "count must be a whole number of at least 1; received 2.0."),
        ("count", True, "count must be a whole number of at least 1; received True."),
        ("switch", "on", "switch must be True or False; received 'on'."),
        ("switch", 1, "switch must be True or False; received 1."),
    ],
)
def test_refusals(name, value, message):
    with pytest.raises(UsageError) as caught:
        Plan(**{name: value})
    assert str(caught.value) == message


def test_values_are_stored_in_plain_types():
    plan = Plan(share=np.float32(0.25), rate=2, count=np.int64(7), switch=np.False_, own={3, 1, 2})
    assert (plan.share, plan.rate, plan.count, plan.switch, plan.own) == (0.25, 2.0, 7, False, (1, 2, 3))
    kinds = [type(value) for value in (plan.share, plan.rate, plan.count, plan.switch)]
    assert kinds == [float, float, int, bool]


anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=3),
    st.just({}), st.just(object), st.complex_numbers(), st.binary(max_size=2), st.tuples(st.text(max_size=2)),
)  # fmt: skip


@settings(deadline=None)
@given(st.data())
def test_training_options_take_a_value_or_refuse_it(data):
    """Whatever arrives, the answer is a plan or a UsageError that names the option."""
    name = data.draw(st.sampled_from([field.name for field in dataclasses.fields(TrainingPlan)]))
    value = data.draw(anything)
    try:
        plan = TrainingPlan(**{name: value})
    except UsageError as error:
        message = str(error)
    else:
        again = TrainingPlan(**{name: getattr(plan, name)})
        assert getattr(again, name) == getattr(plan, name)
        return
    assert name in message


@pytest.mark.parametrize("plan", PLANS)
def test_every_option_has_help(plan):
    for field in dataclasses.fields(plan):
        assert len(field.metadata["help"]) > 10
        assert field.metadata["help"].rstrip().endswith(".")


def test_no_option_belongs_to_two_plans():
    names = [field.name for plan in PLANS for field in dataclasses.fields(plan)]
    assert len(names) == len(set(names))


def test_divide_options():
    given_ = {"epochs": 5, "target": "y", "hidden": 3, "delimiter": ";"}
    assert divide_options(given_, *PLANS) == [{"epochs": 5, "hidden": 3}, {"target": "y"}, {"delimiter": ";"}]
    with pytest.raises(UsageError, match=r'option "epoch" is unknown\. Did you mean "epochs"\? Allowed: activation, '):
        divide_options({"epoch": 5}, *PLANS)
    with pytest.raises(UsageError, match=r'option "zzz" is unknown. Allowed: '):
        divide_options({"zzz": 5}, *PLANS)
