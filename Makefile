# Convenience: every target runs the plain commands that the README shows.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test-fast test test-busy test-acceptance test-kafka test-browser test-slurm test-wheel test-lowest test-newest
.PHONY: fuzz audit weight
.PHONY: faults environment-faults hostile reference golden schemas lint structure constraints

demo: .venv/installed
	$(BIN)/sirenflow ingest samples
	$(BIN)/sirenflow run
	@echo "The catalogue: $(CURDIR)/results/index.html"

# Tests run in two processes; those that need another program have targets of their own.
# Compiled modules are kept, also where the environment forbids it: tests start many interpreters.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -q
EXTERNAL := kafka or browser or slurm or wheel

# A minute: the tests of single modules.
test-fast: .venv/installed
	$(PYTEST) -n 2 --dist worksteal --hypothesis-profile=fast -m "not (slow or $(EXTERNAL))" tests/unit

# Five minutes: also the slow tests of single modules, and the workflow as users run it.
test: .venv/installed
	$(PYTEST) -n 2 --dist worksteal -m "not ($(EXTERNAL))" tests/unit tests/workflow

# The same three times in a row, while a loop on each core takes half of the time.
RUNS ?= 3

test-busy: .venv/installed
	for core in $$(seq $$(nproc)); do while :; do :; done & loops="$$loops $$!"; done; \
	trap "kill $$loops" EXIT; trap "exit 1" INT TERM; \
	for run in $$(seq $(RUNS)); do $(MAKE) test || exit 1; done

# Faults, hostile input, traced writes, real alerts, pages compared with stored ones. By file, as
# some files compare a table with all of their tests.
test-acceptance: .venv/installed
	$(PYTEST) -n 2 --dist loadfile -m "not ($(EXTERNAL))" tests/acceptance

# With a real Apache Kafka; skipped, with the reason, where Java or Maven is missing.
test-kafka: .venv/installed
	$(PYTEST) -m kafka

# In a real Chromium; skipped, with the reason, where there is none. Pictures in .screenshots/.
test-browser: .venv/installed
	$(PYTEST) -m browser

# On a real Slurm of one node; skipped, with the reason, where it is missing or not for root.
test-slurm: .venv/installed
	$(PYTEST) -m slurm

# A built wheel in an empty environment, without the clone. Needs the package index.
test-wheel: .venv/installed
	$(PYTEST) -m wheel tests/external

# What the installed package weighs, without extras: the table of docs/explanation/weight.md.
weight: .venv/installed
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv venv --quiet --clear .venv/runtime
	$(BIN)/uv pip install --quiet --compile-bytecode --python .venv/runtime/bin/python \
	  --constraints constraints.txt .
	.venv/runtime/bin/python .ci/weight.py

# How Sirenflow uses Snakemake, with the oldest and with the newest versions that pyproject.toml
# allows, each in an environment of its own. All other tests use the versions of constraints.txt.
test-lowest: RESOLUTION := lowest-direct
test-newest: RESOLUTION := highest
# uv trusts the system's certificates, as pip does where it is told to.
test-lowest test-newest: export UV_NATIVE_TLS := 1
test-lowest test-newest: test-%: .venv/installed
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --resolution $(RESOLUTION) --python-version 3.11 \
	  --extra parquet --extra slurm --no-header --no-annotate --output-file .venv/$*.txt pyproject.toml
	$(BIN)/uv venv --quiet --clear --python $(PYTHON) .venv/$*
	$(BIN)/uv pip install --quiet --python .venv/$*/bin/python --requirement .venv/$*.txt \
	  pytest pytest-xdist hypothesis igwn-gwalert-schema scipy
	$(BIN)/uv pip install --quiet --python .venv/$*/bin/python --no-deps --editable .
	grep ^snakemake== .venv/$*.txt
	.venv/$*/bin/python -m pytest -q -n 2 -m snakemake tests/unit/pipeline tests/workflow \
	  tests/acceptance/test_whole_runs.py

# Looks for alerts that break something, in all for so many seconds; see tests/README.md.
FUZZ_SECONDS ?= 120

fuzz: .venv/fuzz
	PYTHONPATH=tests:tests/support $(BIN)/python -m fuzz --seconds $(FUZZ_SECONDS)

# Asks the package index for known vulnerabilities; says so where it has no data on them.
audit: .venv/audit
	$(BIN)/python .ci/audit.py

# Writes the table of faults in tests/README.md anew.
faults: .venv/installed
	SIRENFLOW_WRITE_FAULTS=1 $(BIN)/python -m pytest tests/acceptance/test_faults.py

# Writes the tables in docs/environment-faults.md.
environment-faults: .venv/installed
	SIRENFLOW_WRITE_ENVIRONMENT_FAULTS=1 $(BIN)/python -m pytest $(ENVIRONMENT_FAULT_TESTS)

ENVIRONMENT_FAULT_TESTS := $(addprefix tests/acceptance/test_,shared_inputs.py process_environment.py)

# Writes the generated pages of docs/reference.
reference: .venv/installed
	$(BIN)/python scripts/make_reference.py

# Writes the table in tests/support/hostile/README.md anew.
hostile: .venv/installed
	SIRENFLOW_WRITE_HOSTILE=1 $(BIN)/python -m pytest tests/acceptance/test_hostile.py

# Writes tests/acceptance/golden/hostile.html anew, after a change of the pages that is meant.
golden: .venv/installed
	SIRENFLOW_WRITE_GOLDEN=1 $(BIN)/python -m pytest tests/acceptance/test_golden_page.py -m "not browser"

# Writes workflow/schemas/*.schema.json and docs/reference/products.md from the products' models.
schemas: .venv/installed
	$(BIN)/python -m sirenflow.products.documentation

lint: .venv/installed .venv/lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint --config inbox=samples
	$(BIN)/lint-imports

# Packages, their imports, levels and cycles; see docs/explanation/architecture.md.
structure: .venv/installed .venv/lint
	$(BIN)/python .ci/structure.py

# Exactly the files whose hashes constraints.txt lists; then the project itself, which has none.
.venv/installed: constraints.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

.venv/%: .venv/installed .ci/%.txt
	$(BIN)/python -m pip install --quiet --require-hashes --requirement .ci/$*.txt
	touch $@

# After a change of the dependencies in pyproject.toml, and now and then.
constraints: .venv/installed
	$(BIN)/python -m pip install --quiet uv
	echo setuptools | $(BIN)/uv pip compile $(PIN) --extra test --output-file constraints.txt pyproject.toml -
	for group in lint audit fuzz; do \
	  $(BIN)/uv pip compile $(PIN) --constraints constraints.txt --group $$group --output-file .ci/$$group.txt \
	    || exit 1; \
	done

PIN := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
