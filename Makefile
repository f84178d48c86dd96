# Everything runs in .venv, which the first target makes. Nothing outside this folder is touched.
# `make lab PYTHON=python3.12` picks the Python, `make lab ARGS=--no-browser` passes arguments on.

.DEFAULT_GOAL := help
.PHONY: help lab test nightly voila class site handouts warm benchmarks reference lint lock clean
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
SUPPORTED := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c '$(SUPPORTED)' >/dev/null 2>&1 && { echo $$python; break; }; done)

# Our settings come before the user's own folder on Jupyter's path and are never written to it. The list of open tabs
# is kept apart too, so that lessons do not appear in the user's other projects, nor theirs here.
JUPYTER := JUPYTER_CONFIG_PATH="$(CURDIR)/.jupyter$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}" $(BIN)/python -m
ROOT := $(shell [ "$$(id -u)" = 0 ] && echo --allow-root)

# The tests of a paper share a process, see tests/conftest.py. Browser tests run one after another: each has a server, a
# kernel and a browser of its own already. Both runs' costs are one table.
PYTEST := $(BIN)/python -m pytest
NONE := || [ $$? -eq 5 ] # 5: ARGS picked no test of this kind

help: ## show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS="$$(printf '\t')" read -r target text; do \
		printf '  make %-11s %s\n' "$$target" "$$text"; done

lab: $(VENV)/.lab ## install into .venv and open JupyterLab on the index notebook
	JUPYTERLAB_WORKSPACES_DIR="$(CURDIR)/$(VENV)/workspaces" $(JUPYTER) jupyterlab \
		--LabApp.extra_labextensions_path="$(CURDIR)/widgets/lab/labextensions" \
		--LabApp.default_url=/lab/tree/notebooks/index.ipynb $(ROOT) $(ARGS)

test: $(VENV)/.test ## run the tests (ARGS="-k word" picks some)
	OMP_NUM_THREADS=1 $(PYTEST) -m "not browser" -n auto --maxprocesses 4 --dist loadgroup $(ARGS) $(NONE)
	COSTS=add $(PYTEST) -m browser $(ARGS) $(NONE)

# The record of all claims is written as each paper is done, so that a night that is cut short keeps what it has and the
# next goes on there. The seeds follow from the commit: nobody can choose them.
nightly: $(VENV)/.test ## run the tests that take hours, and write docs/ledger.json (FUZZ_EXAMPLES=300 for a longer fuzz)
	OMP_NUM_THREADS=1 $(PYTEST) -m "nightly and not browser" -n auto --maxprocesses 4 --dist loadgroup $(ARGS) $(NONE)
	COSTS=add $(PYTEST) -m "nightly and browser" $(ARGS) $(NONE)
	$(if $(ARGS),,$(BIN)/python -m labcore claims --slow --seeds-from commit --missing --record docs/ledger.json)

voila: $(VENV)/.lab ## serve the lessons as dashboards, without code
	$(JUPYTER) widgets.gallery notebooks $(ARGS)

class: $(VENV)/.lab ## serve them to a class on this network, and show its predictions; see docs/teaching.md
	$(JUPYTER) widgets.gallery notebooks --class --Voila.ip=0.0.0.0 $(ARGS)

# Only the lessons whose text or code has changed are executed again.
site: $(VENV)/.lab ## write build/site: the lessons as pages that need no server and no network (ARGS=kan/edge_bases for one)
	$(BIN)/python -m widgets.site build/site $(ARGS)

handouts: $(VENV)/.lab ## write build/handouts: each lesson to print, with its questions, and apart with the solutions
	$(BIN)/python -m widgets.site build/site $(ARGS)
	$(BIN)/python -m widgets.site.handouts build/site build/handouts $(ARGS)

warm: $(VENV)/.lab ## compile every kernel now, so that no lesson waits for it
	$(BIN)/python -m labcore warm $(ARGS)

benchmarks: $(VENV)/.test ## measure speed, growth and memory, beside peers (ARGS=--quick for small sizes)
	$(BIN)/python -m tests.benchmarks $(ARGS)

# The contract, the shelves, the diagrams, and of each paper what its folder hands on. pdoc warns of shapes in the __init__
# that a dataclass makes, and shows them all the same.
REFERENCE := $(addprefix labcore.,experiment frames claims evidence exercises sweeps figure kernels diagrams primitives \
	$(patsubst labcore/%/,%,$(filter-out labcore/primitives/ labcore/diagrams/ labcore/blank/ labcore/__pycache__/,$(wildcard labcore/*/))))

reference: $(VENV)/.dev ## write build/reference/index.html: what can be imported, from its docstrings
	$(BIN)/python -W ignore -m pdoc -o build/reference labcore $(REFERENCE) $(ARGS)

lint: $(VENV)/.dev ## check the style
	$(BIN)/python -m ruff check . $(ARGS)

# What torch brings for one kind of machine (CUDA, triton) it pins itself, so constraints.txt serves every machine.
# A version is kept back with, say, ARGS=torch==2.13.0.
lock: $(VENV)/.python ## write constraints.txt anew from the newest versions that pyproject.toml allows
	$(BIN)/python -m venv --clear $(VENV)/lock
	$(VENV)/lock/bin/python -m pip install --upgrade setuptools $(ARGS) -e '.[lab,test,dev]'
	$(VENV)/lock/bin/python -m pip list --format=freeze --exclude-editable --exclude pip \
		| sed 's/+.*//' | grep -vE '^(cuda|nvidia|triton)' > constraints.new
	mv constraints.new constraints.txt
	rm -r $(VENV)/lock

clean: ## remove .venv and everything that was generated
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp a set of extras: an install runs again only when what it depends on has changed.
$(VENV)/.lab: EXTRAS = lab
$(VENV)/.test: EXTRAS = lab,test
$(VENV)/.dev: EXTRAS = dev
$(VENV)/.lab $(VENV)/.test $(VENV)/.dev: $(VENV)/.python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

$(VENV)/.python:
	@[ -n "$(PYTHON)" ] && $(PYTHON) -c '$(SUPPORTED)' 2>/dev/null || { \
		echo "Labcore needs Python 3.11, 3.12 or 3.13 with its venv module; $(if $(PYTHON),$(PYTHON) is not that,there is none on the path)." >&2; \
		echo "Install one, or name one: make $(or $(MAKECMDGOALS),lab) PYTHON=/path/to/python3.12" >&2; \
		exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@
