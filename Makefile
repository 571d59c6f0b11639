# `make demo` and `make test` set up what they need; everything stays in .venv.
PYTHON := $(shell command -v python3.13 || command -v python3)
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo test lint types pytest package lock clean

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

# A path file makes the rule's folder importable as it is: packaged, it would not be the folder that RDK deploys.
$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13) and "Python 3.13 is needed, $(PYTHON) is " + sys.version)'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --requirement requirements.lock
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' | \
		xargs -I{} sh -c 'printf "%s\n" "$(CURDIR)/AWSConfigRuleKMS" "$(CURDIR)" > "{}/kms_rule.pth"'
	@touch $(READY)

lock: $(READY)
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --upgrade --all-extras --strip-extras --generate-hashes \
		--allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
