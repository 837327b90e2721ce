# make demo   set up, run the main job on embedded data, print the table, write the page
# make test   set up, run the tests          make lint   set up, ruff and mypy
# make docs   set up, write the site to docs/_build/html; with figures in its gallery after make gallery
# PYTHON=python3.12 chooses the interpreter (3.10, 3.11 or 3.12).
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# The stamp carries the interpreter's version: another PYTHON makes the environment anew.
READY = $(VENV)/ready-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
# uv does not read pip's settings: hand over the folder of wheels, if pip has been given one.
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
# Written once, not compiled anew in every process: a PYTHONDONTWRITEBYTECODE of the machine costs 10 s a process here.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint docs gallery setup clean
demo: setup
	$(BIN)/neuromorph compare --out runs/demo --jobs -1

test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist worksteal

lint: setup
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

docs: $(VENV)/docs-ready
	$(BIN)/python -m sphinx --builder html --fail-on-warning --keep-going --quiet docs docs/_build/html
	@echo "docs/_build/html/index.html"

$(VENV)/docs-ready: $(READY)
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --python $(BIN)/python --group docs
	touch $@

# The figures of the site's gallery, minutes each; one that is newer than its page is kept.
gallery: setup $(patsubst experiments/gallery/%.py,docs/_figures/%.svg,$(shell grep -l savefig experiments/gallery/*.py))

docs/_figures/%.svg: experiments/gallery/%.py
	mkdir -p docs/_figures
	$(BIN)/python $< --out $@

setup: $(READY)

$(READY): pyproject.toml
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "No interpreter '$(PYTHON)' on this machine: install Python 3.10, 3.11 or 3.12, or name one with PYTHON=/path/to/python3.11."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' || { echo "'$(PYTHON)' is $$($(PYTHON) --version 2>&1), and neuromorph runs on Python 3.10, 3.11 and 3.12: name one of these with PYTHON=python3.11."; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --python $(BIN)/python --editable . --group dev --group lava
	touch $(READY)

clean:
	rm -rf $(VENV) runs docs/_build docs/gallery docs/reference
