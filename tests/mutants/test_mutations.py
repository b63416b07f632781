"""The mutants of a small module, one by one."""

import ast

import pytest
from mutations import mutants_of

SOURCE = '''"""Says 1 < 2."""
from typing import Any

def least(x: "list[1]", most=-1) -> Any:
    if not x or x[0] == é:
        raise ValueError(f"{1 + 1} is {2}")
    for a, _ in zip(sorted(x), x, strict=True):
        total += a.T @ a
        print(0.5)
        break
    return min(x) if total < 3 else True
'''


def test_what_changes_and_what_is_left_alone(tmp_path):
    (tmp_path / "least.py").write_text(SOURCE, encoding="utf-8")
    mutants = mutants_of(tmp_path, "least.py")
    assert [str(mutant).removeprefix("least.py:") for mutant in mutants] == [
        "4: -1 -> (1)",
        "4: 1 -> (2)",
        "5: not x -> (x)",
        "5: not x or x[0] == é -> (not x and x[0] == é)",
        "5: x[0] == é -> (x[0] != é)",
        "5: 0 -> (1)",
        "7: sorted(x) -> (list(x))",
        "8: total += a.T @ a -> total -= a.T @ a",
        "8: a.T -> (a)",
        "9: print(0.5) -> pass",
        "9: 0.5 -> (1.0)",
        "10: break -> continue",
        "11: min(x) -> (max(x))",
        "11: min(x) if total < 3 else True -> (min(x) if not total < 3 else True)",
        "11: total < 3 -> (total <= 3)",
        "11: 3 -> (4)",
        "11: True -> (False)",
    ]
    assert mutants[0].text == 'least.py: -1 -> (1)  in def least(x: "list[1]", most=-1) -> Any:'
    with pytest.raises(ValueError, match=r"least\.py was changed meanwhile"):
        mutants[0].applied("\n" + SOURCE)
    for mutant in mutants:
        changed = mutant.applied(SOURCE)
        ast.parse(changed)
        assert len(changed) - len(SOURCE) == len(mutant.after) - len(mutant.before)
