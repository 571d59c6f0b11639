# `make demo` and `make test` set up what they need; everything stays in .venv.
PYTHON := $(shell command -v python3.13 || command -v python3.12 || command -v python3)
BIN := .venv/bin
READY := .venv/ready
BENCH_READY := .venv-bench/ready
CHECKOV_READY := .venv-checkov/ready
MUTATION_READY := .mutmut/ready
WORKFLOWS := action.yml .github .pre-commit-config.yaml .pre-commit-hooks.yaml
LOCKS := requirements.lock dev/bench/requirements.lock dev/bench/checkov/requirements.lock dev/mutation/requirements.lock

# RDK zips the rule's folder as it is, and bytecode does not belong there.
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: demo serve test lint types pytest package bench faults mutation audit lock clean

demo: $(READY)
	@$(BIN)/python -m dev.demo

# Serves the emulated account, with the rule deployed to it, until Ctrl-C.
serve: $(READY)
	@$(BIN)/python -m dev.demo --keep

test: lint types pytest

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/zizmor --offline --quiet --pedantic --strict-collection $(WORKFLOWS)

types: $(READY)
	$(BIN)/mypy

pytest: $(READY)
	$(BIN)/pytest --numprocesses auto --dist loadfile -rs --cov --cov-report=term-missing

package: $(READY)
	@$(BIN)/python -m kms_rule package
	@$(BIN)/python -m dev.sbom AWSConfigRuleKMS.zip

bench: $(READY) $(BENCH_READY) $(CHECKOV_READY)
	@$(BIN)/python -m dev.bench

# The whole matrix of faults, in some six minutes; `make test` tries a sample of it.
faults: $(READY)
	$(BIN)/pytest --quiet --every-fault tests/faults

# Takes hours: `make mutation ONLY=AWSConfigRuleKMSPolicy.Pattern` tries the mutants of what is called so.
mutation: $(READY) $(MUTATION_READY)
	@nice -n 10 $(BIN)/python -m dev.mutation $(ONLY)

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 12) and "Python 3.12 or later is needed, and $(PYTHON) is " + sys.version.split()[0] + ": name a newer one, such as make PYTHON=python3.13.")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --requirement requirements.lock
	@touch $(READY)

# Fails where a vulnerability is known, and where a dependency could not be looked up.
audit: $(READY)
	@$(BIN)/python -m pip_audit --strict --disable-pip --require-hashes --progress-spinner off $(LOCKS:%=--requirement %)

$(BENCH_READY): dev/bench/requirements.lock
	$(PYTHON) -m venv --clear .venv-bench
	.venv-bench/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		--requirement dev/bench/requirements.lock
	@touch $(BENCH_READY)

$(CHECKOV_READY): dev/bench/checkov/requirements.lock
	$(PYTHON) -m venv --clear .venv-checkov
	.venv-checkov/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		--requirement dev/bench/checkov/requirements.lock
	@touch $(CHECKOV_READY)

$(MUTATION_READY): dev/mutation/requirements.lock | $(READY)
	rm -rf .mutmut
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		--target .mutmut --requirement dev/mutation/requirements.lock
	@touch $(MUTATION_READY)

lock: $(READY)
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --upgrade --all-extras --strip-extras --generate-hashes \
		--allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--output-file requirements.lock pyproject.toml
	cd dev/bench && CUSTOM_COMPILE_COMMAND="make lock" ../../$(BIN)/pip-compile --quiet --upgrade --strip-extras --generate-hashes \
		--allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--output-file requirements.lock requirements.in
	cd dev/bench/checkov && CUSTOM_COMPILE_COMMAND="make lock" ../../../$(BIN)/pip-compile --quiet --upgrade --strip-extras \
		--generate-hashes --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--output-file requirements.lock requirements.in
	cd dev/mutation && CUSTOM_COMPILE_COMMAND="make lock" ../../$(BIN)/pip-compile --quiet --upgrade --strip-extras --generate-hashes \
		--allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--output-file requirements.lock requirements.in

clean:
	rm -rf AWSConfigRuleKMS.zip AWSConfigRuleKMS.cdx.json AWSConfigRuleKMS/AWSConfigRuleKMS.zip .venv .venv-bench .venv-checkov .mutmut .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
