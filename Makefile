# make run   set up and run the demo study      make test  set up and run the tests
# make lint  formatting, types, workflow lint   make lock  renew requirements.lock
# make docs  renew config/README.md, results/README.md and the JSON Schema from the models
# Needs Python ≥ 3.11 with venv, and make; everything else is put into .venv.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: run test lint lock docs environment clean

run: environment
	$(BIN)/snakemake
	@echo
	@echo "The report:  results/ldn-ms-demo/report/report.html"
	@echo "To go on:    source $(VENV)/bin/activate   and then   snakemake"

test: environment
	$(BIN)/python -m pytest tests/unit tests/reference tests/workflow -n 2 --dist loadfile -q

lint: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy
	$(BIN)/snakemake --lint

docs: environment
	PYTHONPATH=workflow/scripts $(BIN)/python -c "from cytoshift.study.documentation import write_documentation; write_documentation('.')"

# Complete only when its last step wrote .ready: an install that was cut off is done again.
environment: $(READY)

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "CytoShift needs Python 3.11 or newer as '$(PYTHON)'. Fix: install it, or name it: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv module is missing. Fix (Debian, Ubuntu): sudo apt install python3-venv"; exit 1; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV): a few minutes, once."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@printf '#!/bin/sh\n# python -m cytoshift, from the checkout this environment belongs to\nPYTHONPATH="%s" exec "%s" -m cytoshift "$$@"\n' "$(CURDIR)/workflow/scripts" "$(CURDIR)/$(BIN)/python" > $(BIN)/cytoshift && chmod +x $(BIN)/cytoshift
	touch $(READY)

lock: environment
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header --upgrade --output-file requirements.lock
	$(BIN)/python tests/environment_versions.py --write

clean:
	rm -rf $(VENV) results/*/ .snakemake .pytest_cache .mypy_cache .ruff_cache .hypothesis
