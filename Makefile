# Needs python3 (3.11 to 3.13) and make; everything else goes into .venv.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/ready
STAGE ?= dev
WHERE = --stage $(STAGE) $(if $(REGION),--region $(REGION))

.PHONY: help serve test check secrets pytest soak mutation test-deployed deploy status logs rollback destroy package bench docs format lock clean

help:            ## Show this.
	@sed -n 's/^\([a-z-]*\): .*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 24

serve: $(READY)  ## Run the whole index on this machine. PORT=8000 DATA=FILE ADMIN_PASSWORD=…
	@exec $(BIN)/python -m infra serve

test: check pytest ## Check and run everything that needs no cloud.

pytest: $(READY) ## The tests alone. TESTS=… chooses.
	$(BIN)/python -m pytest --ignore=tests/deployed -m "not soak" $(TESTS)

soak: $(READY)   ## Each call to AWS failing in each way, many histories, long fuzzing, and mixed traffic for SECONDS=300.
	$(BIN)/python -m pytest tests/functional -m soak -rP

mutation: $(READY) ## Change the rules of tokens, access, packing and passwords one by one: do tests notice? Minutes.
	$(BIN)/python -m tests.mutation

test-deployed: $(READY) ## The packaged function under Lambda's runtime client, and deployed to an emulator. Minutes.
	$(BIN)/python -m pytest tests/deployed

check: $(READY) secrets ## Format, lint, types, bandit, and no secret in what git knows.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive app.py bench chalicelib infra

secrets: $(READY)
	@if git rev-parse 2>/dev/null; then \
	  git ls-files -z --cached --others --exclude-standard | xargs -0 -n 100 -P 2 $(BIN)/detect-secrets-hook --no-verify --baseline .secrets.baseline; \
	else echo "skipped: git does not say what belongs here, so nothing is searched for secrets"; fi

deploy: $(READY) ## Bring it to AWS. STAGE=… REGION=… OPTIONS='--dry-run' or '--memory 2048' …
	@$(BIN)/python -m infra deploy $(WHERE) $(OPTIONS)

status: $(READY) ## What stands there. STAGE=… REGION=…
	@$(BIN)/python -m infra status $(WHERE)

logs: $(READY)   ## What the function logs. STAGE=… REGION=… OPTIONS=--follow
	@$(BIN)/python -m infra logs $(WHERE) $(OPTIONS)

rollback: $(READY) ## The release before. STAGE=… REGION=…
	@$(BIN)/python -m infra rollback $(WHERE) $(OPTIONS)

destroy: $(READY) ## Take it away; its data stays. STAGE=… REGION=… OPTIONS=--delete-data
	@$(BIN)/python -m infra destroy $(WHERE) $(OPTIONS)

package: $(READY) ## Make the Lambda's zip under build/package.
	@$(BIN)/python -m infra package

bench: $(READY)  ## Measure everything and make docs/development/performance.md anew. Minutes; `python -m bench.NAME` for a part.
	@$(BIN)/python -m bench

docs: $(READY)   ## Write what each command's --help says into docs/reference/commands.md.
	@$(BIN)/python -m infra.admin.command_reference

format: $(READY) ## Mend format and lint.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(READY)   ## Pin the newest versions, with hashes.
	$(BIN)/pip install --quiet --require-hashes -r requirements/lock.txt
	set -e; for name in requirements requirements-dev $(basename $(wildcard requirements/*.in)); do \
	  $(BIN)/uv pip compile --upgrade --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $$name.in -o $$name.txt; \
	done
	if command -v npm >/dev/null; then cd bench/dynalite && npm update --package-lock-only --omit-lockfile-registry-resolved --silent; \
	else echo "skipped: without npm the lock of bench/dynalite stays as it is"; fi

clean:           ## Remove what was built and installed.
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis mutants

$(READY): requirements.txt requirements-dev.txt requirements/pip.txt
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v < (3, 14) else "Waybill runs on Python 3.11 to 3.13; this is %d.%d. PYTHON=… chooses another." % v[:2])'
	@$(PYTHON) -m venv $(VENV) || { echo "waybill: python3 lacks its venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/pip.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements-dev.txt
	@touch $@
