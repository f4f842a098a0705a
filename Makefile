# Everything a developer types. `make` alone lists it; ARGS="..." goes to the command behind a target.
# Needs Python 3.11 or newer with venv; `make check` also wants npm (for buf).

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

# Two workers: continuous integration and the smallest machine that we support have two cores.
WORKERS ?= 2
BUF := build/buf/node_modules/.bin/buf

KEYCLOAK_VERSION := 26.7.3
KEYCLOAK_SHA256 := 77657f30b7e90d70f727712ce1c967f430fd6a5e9f458d32d8c6df0635345f47
KEYCLOAK := build/keycloak/home/.built

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.SILENT:
.DELETE_ON_ERROR:
.PHONY: help setup keycloak demo test check bench quality proto examples baseline lock clean

help: ## list these targets
	awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

setup: .venv/.locked .venv/.editable ## create or renew .venv (the others do it by themselves)

demo: setup ## the exchange as a story: a hub, three agencies, kill -9; ARGS=--serve leaves it running
	$(BIN)/python -m deploy.demo $(ARGS)

test: setup ## every test; ARGS="tests/unit -k merkle" for some
	$(BIN)/python -m pytest --no-header --numprocesses $(WORKERS) --dist loadgroup --no-loadscope-reorder $(ARGS)

keycloak: $(KEYCLOAK) ## the Keycloak that tests start, fetched with Maven; needs Java 17 or newer

bench: setup ## the benchmarks
	$(BIN)/python -m benchmarks $(ARGS)

quality: setup ## how well searches find what is meant; writes build/quality.json
	$(BIN)/python -m tests.quality

proto: setup ## write the generated code anew from proto/comity/v1/*.proto
	$(BIN)/python proto/generate.py

examples: setup ## write docs/examples/messages anew, from a hub that runs
	$(BIN)/python -m docs.examples.generate

# --- make check ----------------------------------------------------------------------------------

CHECKS := style format types layers dependencies generated contract
.PHONY: $(CHECKS)
check: $(CHECKS) ## style, types, layers and the like; `make -k check` does not stop at the first

# Says what is checked, and more only where it fails.
define run
	printf '%-15s' "$(1)"; \
	if output=$$($(2) 2>&1); then echo ok; else echo FAILED; printf '%s\n' "$$output"; exit 1; fi
endef

style: setup
	$(call run,$@,$(BIN)/ruff check --quiet --output-format concise .)

format: setup
	$(call run,$@,$(BIN)/ruff format --quiet --diff .)

types: setup
	$(call run,$@,$(BIN)/mypy)

layers: setup
	$(call run,$@,$(BIN)/lint-imports --no-logo)

dependencies: setup
	$(call run,$@,$(BIN)/deptry --no-ansi hub agency_client directory proto/comity)

generated: setup
	$(call run,$@,$(BIN)/python proto/generate.py --check)

ifneq ($(shell command -v npm),)
contract: $(BUF)
	$(call run,$@,$(BUF) lint proto)
ifneq ($(wildcard proto/baseline.binpb),)
	$(call run,compatibility,$(BUF) breaking proto --against proto/baseline.binpb)
endif
else
contract:
	echo "$@       left out: buf lint, buf breaking. Install Node.js with npm to have them."
endif

baseline: $(BUF) ## at a release: the contract that later ones must not break
	$(BUF) build proto --exclude-source-info --output proto/baseline.binpb

# --- tools ---------------------------------------------------------------------------------------

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=...")'
	echo "creating .venv"
	$(PYTHON) -m venv .venv

.venv/.locked: requirements/dev.txt | .venv/bin/python
	echo "installing requirements/dev.txt"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  --only-binary :all: --requirement requirements/dev.txt
	touch $@

.venv/.editable: pyproject.toml .venv/.locked
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --no-build-isolation --no-index --editable .
	touch $@

# What the tests start is what runs in earnest, but with the database that it brings along. Built here
# once: a start is ten seconds instead of thirty.
KEYCLOAK_ARCHIVE := build/keycloak/keycloak-quarkus-dist-$(KEYCLOAK_VERSION).tar.gz

$(KEYCLOAK_ARCHIVE):
	echo "fetching Keycloak $(KEYCLOAK_VERSION)"
	mvn --quiet --batch-mode dependency:copy -DoutputDirectory=$(@D) \
	  -Dartifact=org.keycloak:keycloak-quarkus-dist:$(KEYCLOAK_VERSION):tar.gz
	echo "$(KEYCLOAK_SHA256)  $@" | sha256sum --check --quiet

$(KEYCLOAK): $(KEYCLOAK_ARCHIVE)
	rm -rf $(@D) && mkdir $(@D)
	tar --extract --gzip --strip-components 1 --directory $(@D) --file $<
	$(@D)/bin/kc.sh build --db=dev-file --https-client-auth=request >build/keycloak/build.log
	touch $@

# Copied first, so that nothing is ever installed into the source tree.
$(BUF): proto/package.json proto/package-lock.json
	echo "installing buf"
	mkdir -p build/buf
	cp $^ build/buf
	npm ci --prefix build/buf --silent --no-audit --no-fund
	touch $@

# Pins every package with its hashes; ARGS=--upgrade takes the newest versions.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --only-binary :all: \
  --generate-hashes --no-emit-index-url --custom-compile-command "make lock" pyproject.toml

lock: ## write requirements/*.txt anew from pyproject.toml; ARGS=--upgrade for newer versions
	test -x $(BIN)/uv || $(MAKE) setup
	$(COMPILE) $(ARGS) --extra dev --output-file requirements/dev.txt
	$(COMPILE) --constraints requirements/dev.txt --output-file requirements/client.txt
	$(COMPILE) --constraints requirements/dev.txt --extra hub --output-file requirements/hub.txt
	$(COMPILE) --constraints requirements/dev.txt --extra hub --extra production \
	  --output-file requirements/production.txt

clean: ## remove what `make` made, but not .venv
	rm -rf build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
