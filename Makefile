# `make demo` and `make test` set up what they need; everything stays in .venv.
PYTHON := $(shell command -v python3.13 || command -v python3)
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo test lint types pytest package bench lock clean

demo: $(READY)
	@$(BIN)/python -m kms_rule demo

test: lint types pytest

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY)
	$(BIN)/mypy

pytest: $(READY)
	$(BIN)/pytest --cov --cov-report=term-missing

package: $(READY)
	@$(BIN)/python -m kms_rule package

bench: $(READY)
	@$(BIN)/python -m bench

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13) and "Python 3.13 is needed, $(PYTHON) is " + sys.version)'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --requirement requirements.lock
	@touch $(READY)

lock: $(READY)
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --upgrade --all-extras --strip-extras --generate-hashes \
		--allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--output-file requirements.lock pyproject.toml
	cd bench && CUSTOM_COMPILE_COMMAND="make lock" ../$(BIN)/pip-compile --quiet --upgrade --strip-extras --generate-hashes \
		--allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--output-file requirements.lock requirements.in

clean:
	rm -rf AWSConfigRuleKMS.zip AWSConfigRuleKMS/AWSConfigRuleKMS.zip .venv .venv-bench .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
