"""The floors of the house: who may import whom, and what is loaded when."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import chainrule

ROOT = Path(chainrule.__file__).parent
FLOORS = ["ground", "core", "engines", "data", "training", "explaining", "models", "teach", "show", "cluster", "cli"]
GROUND = ("errors", "files", "interrupts", "options", "numerals")

# What a floor may load when it is imported; everything heavier is imported where it is used.
AT_MODULE_LEVEL = {
    "ground": set(),
    "core": {"numpy"},
    "engines": {"numpy"},
    "data": {"numpy"},
    "training": {"numpy"},
    "models": {"numpy"},
    "explaining": {"numpy"},
    "teach": {"numpy"},
    "show": {"numpy"},
    "cluster": {"numpy"},
    "cli": {"click"},
}
# Rooms of their own, which are loaded when one of their names is first used.
ROOMS = {"chainrule.models.estimators": {"numpy", "sklearn", "scipy"}}
NEVER_AT_MODULE_LEVEL = {"duckdb", "pandas", "polars", "pyarrow", "safetensors", "rich", "scipy", "sklearn", "onnx",
                          "matplotlib"}  # fmt: skip
# The tables of options are read for `--help`, so they must not load an array library.
OPTION_TABLES = ("training/plan.py", "data/encoding_plan.py", "data/reading_plan.py", "options.py", "errors.py",
                 "files.py")  # fmt: skip

MODULES = sorted(path for path in ROOT.rglob("*.py") if "__pycache__" not in path.parts)


def module_name(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {module_name(path): path for path in MODULES}


def floor(name):
    """The floor of a module; None for the front door, `chainrule` and `python -m chainrule`."""
    parts = name.split(".")
    if len(parts) == 1 or parts[1] == "__main__":
        return None
    return "ground" if parts[1] in GROUND else parts[1]


@cache
def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path):
    """(imported module, whether at module level) for each import, `if TYPE_CHECKING` left out."""
    found = []

    def visit(node, top):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
                continue
            if isinstance(child, ast.Import):
                found.extend((alias.name, top) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}: import by the full name"
                for alias in child.names:
                    inner = f"{child.module}.{alias.name}"
                    found.append((inner if inner in NAMES else child.module, top))
            inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            visit(child, top and not inside)

    visit(parsed(path), True)
    return found


def test_every_folder_is_a_floor():
    folders = {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()}
    assert folders <= set(FLOORS)
    assert {"core", "engines", "data", "training", "models", "cli"} <= folders
    loose = {path.stem for path in ROOT.glob("*.py")} - {"__init__", "__main__"}
    assert loose == set(GROUND)


def test_imports_only_from_its_floor_or_above():
    wrong = [
        f"{name} imports {imported}"
        for name, path in NAMES.items()
        if floor(name) is not None
        for imported, _ in imports(path)
        if imported.partition(".")[0] == "chainrule" and floor(imported) is not None
        if FLOORS.index(floor(imported)) > FLOORS.index(floor(name))
    ]
    assert not wrong


def belongs(package, name, top):
    """Whether a module may import a package of others, at module level or where it is used."""
    room = next((room for room in ROOMS if name.startswith(room)), None)
    if room is not None:
        return package in ROOMS[room]
    if package == "click" and floor(name) != "cli":
        return False
    return not top or (package in AT_MODULE_LEVEL.get(floor(name), set()) and package not in NEVER_AT_MODULE_LEVEL)


def test_third_parties_only_where_they_belong():
    theirs = [
        (imported.partition(".")[0], name, top)
        for name, path in NAMES.items()
        for imported, top in imports(path)
        if imported.partition(".")[0] not in {"chainrule", *sys.stdlib_module_names}
    ]
    assert len(theirs) > 100
    wrong = [f"{name} imports {package}{' at once' * top}" for package, name, top in theirs]
    wrong = [said for said, one in zip(wrong, theirs, strict=True) if not belongs(*one)]
    assert not wrong
    assert belongs("click", "chainrule.cli.main", True)
    assert not belongs("click", "chainrule.core.network", False)
    assert not belongs("duckdb", "chainrule.data.tables", True)


def test_no_circles():
    graph = {
        name: {imported for imported, top in imports(path) if top and imported in NAMES and imported != "chainrule"}
        for name, path in NAMES.items()
    }
    done, path = set(), []

    def walk(name):
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name in done:
            return
        path.append(name)
        for imported in sorted(graph[name]):
            walk(imported)
        path.pop()
        done.add(name)

    for name in graph:
        walk(name)
    assert done == set(NAMES)


def loaded_by(code):
    """The modules that a fresh Python has loaded after running some code."""
    script = f"import sys; before = set(sys.modules); {code}; print(*sorted(set(sys.modules) - before))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(answer.stdout.split())


def test_importing_chainrule_loads_next_to_nothing():
    loaded = loaded_by("import chainrule")
    assert "chainrule" in loaded
    assert not loaded & {"numpy", "duckdb", "click", "rich", "safetensors", "argparse"}
    assert {name for name in loaded if name.startswith("chainrule.")} == set()


def test_scikit_learn_is_loaded_by_the_estimators_alone():
    everything_else = ", ".join(name for name in NAMES if ".estimators" not in name and "__main__" not in name)
    look = "print('sklearn' in sys.modules)"
    script = f"import sys, {everything_else}; {look}; from chainrule import MLPClassifier; {look}"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "True"]


def test_help_needs_no_array_library():
    tables = ", ".join("chainrule." + table.removesuffix(".py").replace("/", ".") for table in OPTION_TABLES)
    commands = "chainrule.cli.main, chainrule.cli.train, chainrule.cli.predict, chainrule.cli.evaluate, "
    commands += "chainrule.cli.explain, chainrule.cli.paths, chainrule.cli.jacobian, chainrule.cli.gradcheck, "
    commands += "chainrule.cli.derive, chainrule.cli.export, "
    loaded = loaded_by(f"import {commands} chainrule.cli.check, chainrule.cli.info, {tables}")
    assert "click" in loaded
    assert not loaded & {"numpy", "duckdb", "rich", "safetensors", "pandas"}


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"]])
def test_help_itself_loads_no_array_library(arguments):
    code = f"import chainrule.cli.main as main\ntry:\n    main.main({arguments})\nexcept SystemExit:\n    pass\n"
    script = f"{code}import sys\nprint(*sys.modules, file=sys.stderr)"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not set(answer.stderr.split()) & {"numpy", "duckdb", "rich", "safetensors"}


def test_every_public_name_is_there():
    for name in chainrule.__all__:
        assert getattr(chainrule, name) is not None
        assert name in dir(chainrule)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        chainrule.nothing  # noqa: B018


def test_every_module_says_what_it_is():
    for name, path in NAMES.items():
        if floor(name) is not None and path.name != "__init__.py":
            text = ast.get_docstring(parsed(path))
            assert text, name
            assert len(text.splitlines()[0]) <= 120, name
