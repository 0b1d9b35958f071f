# Needs Python 3.11 to 3.14 with venv, and make. `make` installs everything else into .venv.

unexport PIP_USER PYTHONHOME PYTHONPATH PYTHONSAFEPATH

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/ready
PIP = $(BIN)/pip --quiet --quiet --disable-pip-version-check
STAGE ?= dev
EMULATED = $(if $(EMULATOR),env $$(cat build/emulator.env))
STAGE_OPTIONS = --stage $(STAGE) $(if $(REGION),--region $(REGION))
PYTEST = $(BIN)/python -m pytest
DAILY = tests/unit tests/functional -m "not exhaustive and not soak"
EXHAUSTIVE = tests/unit tests/functional -m "exhaustive and not soak"

.PHONY: help serve test daily-tests check secrets test-all test-deployed soak mutation bench deploy status logs rollback destroy emulator package docs format lock clean

help:
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf "\nThe first command installs the tools into .venv, which takes about a minute.\n"
	@printf "Variables choose details, for example: make serve PORT=9000, make deploy STAGE=prod REGION=eu-west-1\n"

##@ Try it

serve: $(READY)  ## Run an index on this machine. Variables: PORT=8000 DATA=FILE REGISTRY=1 ADMIN_PASSWORD=…
	@exec $(BIN)/waybill serve

##@ Develop

test: check daily-tests ## Run the daily checks: format, lint, types, secrets, unit and functional tests (3 minutes).

daily-tests: $(READY) ## Run only the unit and functional tests of `make test`. TESTS='PATH OPTIONS' selects others.
	$(PYTEST) $(or $(TESTS),$(DAILY))

test-all: $(READY) ## Run the other tests that need no cloud: exhaustive cases, real clients, browser, podman (minutes).
	$(PYTEST) tests/clients
	$(PYTEST) $(EXHAUSTIVE)

test-deployed: $(READY) ## Test the Lambda package and its deployment to an AWS emulator (minutes).
	$(PYTEST) tests/deployed

format: $(READY) ## Correct the format and the lint errors that can be corrected automatically.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: $(READY) secrets ## Check format, lint, types and dangerous code. Search for secrets.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive app.py bench chalicelib infra

secrets: $(READY) ## Search all files of the repository for secrets.
	@if git rev-parse 2>/dev/null; then \
	  git ls-files -z --cached --others --exclude-standard | xargs -0 -n 100 -P 2 $(BIN)/detect-secrets-hook --no-verify --baseline .secrets.baseline; \
	else echo "skipped: the search for secrets, because this is not a git repository"; fi

docs: $(READY)   ## Regenerate the generated pages of docs/reference: commands, configuration and permissions.
	$(BIN)/python -m infra.admin.command_reference
	$(BIN)/python -m infra.admin.configuration_reference
	$(BIN)/python -m infra.admin.api_reference
	$(BIN)/python -m tests.functional.test_permissions

soak: $(READY)   ## Inject faults into each AWS call, fuzz longer, and run mixed traffic for SECONDS=300 (half an hour).
	$(PYTEST) tests/functional -m soak -rP

mutation: $(READY) ## Change the security rules one by one and check that a test fails each time (minutes).
	$(BIN)/python -m tests.mutation

bench: $(READY)  ## Measure everything and rewrite docs/development/performance.md (an hour on an idle machine).
	$(BIN)/python -m bench

lock: $(READY)   ## Update all dependencies and pin them with hashes.
	$(PIP) install --require-hashes -r requirements/lock.txt
	set -e; for name in requirements requirements-dev $(basename $(wildcard requirements/*.in)); do \
	  $(BIN)/uv pip compile --upgrade --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $$name.in -o $$name.txt; \
	done
	if command -v npm >/dev/null; then cd bench/dynalite && npm update --package-lock-only --omit-lockfile-registry-resolved --silent; \
	else echo "skipped: bench/dynalite was not updated, because npm is not installed"; fi

clean:           ## Delete everything that was installed or built.
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis mutants

##@ Run it on AWS. Each command takes STAGE=dev REGION=eu-west-1 OPTIONS='…'

deploy: $(READY) ## Deploy or update an index. OPTIONS=--dry-run only shows the changes; OPTIONS=--help lists all options.
	@$(EMULATED) $(BIN)/waybill deploy $(STAGE_OPTIONS) $(OPTIONS)

status: $(READY) ## Show the stacks, the URL and the settings.
	@$(EMULATED) $(BIN)/waybill status $(STAGE_OPTIONS) $(OPTIONS)

logs: $(READY)   ## Print the log of the function. OPTIONS=--follow continues.
	@$(EMULATED) $(BIN)/waybill logs $(STAGE_OPTIONS) $(OPTIONS)

rollback: $(READY) ## Restore the previous release.
	@$(EMULATED) $(BIN)/waybill rollback $(STAGE_OPTIONS) $(OPTIONS)

destroy: $(READY) ## Delete the index. Its data remains. OPTIONS=--delete-data deletes the data too.
	@$(EMULATED) $(BIN)/waybill destroy $(STAGE_OPTIONS) $(OPTIONS)

emulator: $(READY) ## Run an AWS emulator that enforces IAM. `make deploy EMULATOR=1` deploys to it; so do the other commands.
	@$(BIN)/python -m tests.deployed.emulator

package: $(READY) ## Build the Lambda package in build/package.
	@$(BIN)/waybill package $(OPTIONS)

# The installation checks every file against a pinned hash. The last install adds only the command `waybill`.
$(READY): requirements.txt requirements-dev.txt requirements/pip.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v < (3, 15) else "Waybill needs Python 3.11 to 3.14, but $(PYTHON) is Python %d.%d; choose another one with PYTHON=…" % v[:2])'
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) has no venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PIP) install --require-hashes -r requirements/pip.txt
	$(PIP) install --no-compile --require-hashes -r requirements-dev.txt
	$(PIP) install --no-index --no-deps --no-build-isolation --editable .
	@touch $@
