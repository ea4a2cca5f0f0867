# Two commands for a newcomer: `make run` and `make test`. Both set up what they need.
PYTHON ?= python3
MODEL ?= tools/model/shipped
ARGS ?=
FUZZ_SECONDS ?= 60
PIP_ARGS ?=# extra pip options, for instance an index with CPU builds of torch

ORCHESTRATOR := .venv/.ready
ENGINE := .venv-engine/.ready
EXTRAS := .venv/.extras
DOCS := .venv-docs/.ready
PYTHON312 ?= python3.12
CLIENTS := aiperf guidellm evalscope $(if $(shell command -v $(PYTHON312)),inference-perf)
PIP := -m pip install --quiet --disable-pip-version-check $(PIP_ARGS)
SETUP := tools/setup
SCRATCH = TMPDIR=$$(.venv/bin/python $(SETUP)/scratch.py)

.PHONY: run test environments lint docs unit evals audit-report live test-live test-clients clients coverage bench fuzz setup extras doctor clean

run: setup
	.venv/bin/python -m graph run --model $(MODEL) $(ARGS)

test: environments
	$(MAKE) lint docs unit evals live

# The environments side by side: each is an installation of its own.
environments:
	$(MAKE) -j 3 setup extras $(DOCS)

lint: $(ORCHESTRATOR) $(EXTRAS)
	.venv/bin/python tools/setup/links.py .links
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	PYTHONPATH=.links .venv/bin/lint-imports --config pyproject.toml
	.venv/bin/mypy

# The site in build/site, strictly: a link to nowhere, or a page that loads something from elsewhere, ends the build.
docs: $(ORCHESTRATOR) $(DOCS)
	.venv/bin/python tools/setup/links.py .links
	.venv/bin/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict --quiet

unit: $(ORCHESTRATOR) $(ENGINE) $(EXTRAS)
	$(SCRATCH) .venv/bin/python -m pytest -m "not live and not long and not clients" -n 2 --dist worksteal

# The same with what takes minutes, and the lines that no test reaches.
coverage: $(ORCHESTRATOR) $(ENGINE) $(EXTRAS)
	$(SCRATCH) .venv/bin/python -m pytest -m "not live and not clients" -n 2 --dist worksteal --cov --cov-report=term:skip-covered

# Tests against a real sglang server with the shipped model; the second with what takes minutes more.
live: $(ORCHESTRATOR) $(ENGINE) $(EXTRAS)
	$(SCRATCH) .venv/bin/python -m pytest -m "live and not long" -p no:xdist

test-live: $(ORCHESTRATOR) $(ENGINE) $(EXTRAS)
	$(SCRATCH) .venv/bin/python -m pytest -m live -p no:xdist

# Other projects' load generators against real sglang servers: what each writes, and what `audit` makes of it.
test-clients: $(ORCHESTRATOR) $(ENGINE) $(EXTRAS) clients
	$(SCRATCH) .venv/bin/python -m pytest -m clients -p no:xdist

# Every fixture of the auditor as its key says, and the table per rule as committed in evals/expected.toml.
evals: $(ORCHESTRATOR)
	$(SCRATCH) .venv/bin/python -m evals gate

audit-report: evals

# Coverage-guided fuzzing of every reader of evidence, so long each (Linux). A crash leaves its input behind.
fuzz: $(ORCHESTRATOR)
	.venv/bin/python $(PIP) atheris==3.0.0
	.venv/bin/python -m bankable.evals.fuzz --seconds $(FUZZ_SECONDS)

# Ratios against peers, limits and known rates, from recordings; the audit of large evidence takes minutes.
bench: setup
	.venv/bin/python -m evals bench run-overhead
	.venv/bin/python -m evals bench search
	.venv/bin/python -m evals bench rates
	.venv/bin/python -m evals bench start
	.venv/bin/python -m evals bench audit --million 0

doctor: setup
	.venv/bin/python -m graph doctor

setup: $(ORCHESTRATOR) $(ENGINE)

$(ORCHESTRATOR): $(SETUP)/orchestrator.txt pyproject.toml setup.py
	$(PYTHON) -m venv .venv
	.venv/bin/python $(PIP) -r $(SETUP)/orchestrator.txt
	.venv/bin/python $(PIP) --no-deps --no-build-isolation -e .
	touch $@

# Ray, OpenTelemetry, the LangGraph development server, inspect-ai: a run needs none of them, the tests try them all.
extras: $(EXTRAS)

$(EXTRAS): $(ORCHESTRATOR) $(SETUP)/extras.txt $(SETUP)/beside-engine.txt
	.venv/bin/python $(PIP) -r $(SETUP)/extras.txt
	.venv/bin/python $(PIP) --no-deps --upgrade --target .venv/beside-engine -r $(SETUP)/beside-engine.txt
	touch $@

# An environment of its own: mkdocs and its plugins read the code as text and need nothing of ours.
$(DOCS): $(SETUP)/docs.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python $(PIP) -r $(SETUP)/docs.txt
	touch $@

# torch first: a CPU build where pip finds one. The rest is pinned beside it, see tools/setup/engine.txt.
$(ENGINE): $(SETUP)/engine-torch.txt $(SETUP)/engine.txt $(SETUP)/engine-rest.txt
	$(PYTHON) -m venv .venv-engine
	.venv-engine/bin/python $(PIP) -r $(SETUP)/engine-torch.txt
	.venv-engine/bin/python $(PIP) -r $(SETUP)/engine-rest.txt
	.venv-engine/bin/python $(PIP) --no-deps -r $(SETUP)/engine.txt
	touch $@

# One environment for each load generator, installed as locked: their dependencies contradict each other and ours.
# inference-perf needs Python 3.12: without one it is left out, and its tests say so.
clients: $(CLIENTS:%=.venv-clients/%/.ready)

.venv-clients/inference-perf/.ready: PYTHON = $(PYTHON312)

.venv-clients/%/.ready: $(SETUP)/clients-%.txt
	$(PYTHON) -m venv .venv-clients/$*
	.venv-clients/$*/bin/python $(PIP) --no-deps -r $<
	touch $@

clean:
	rm -rf .venv .venv-engine .venv-docs .venv-clients build docs/generated .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
