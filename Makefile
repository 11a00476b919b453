# Every chore of the project. Only `make run` and `make test` need to be known; `make help` lists the rest.
# Needed: a Rust toolchain (1.95), gcc and Node 20. `scripts/tools` looks for what else a target wants.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.NOTPARALLEL:
.DEFAULT_GOAL := help

export PHASE_FIRST_SECOND := $(shell date +%s)
PHASE := scripts/phase
CARGO := cargo
BINARY := target/release/crosstie

# Further arguments of `crosstie run`, for example: make run ARGS="--port-offset 100"
ARGS ?=
# How long the soak runs and how long each decoder is fuzzed.
SOAK_SECS ?= 600
MIRROR_SECS ?= 120
PLC_SECS ?= 600
CLASSROOM_SECS ?= 120
# Further arguments of `crosstie bench plc`, for example where the machine permits it: make soak PLC_ARGS="--priority 50"
PLC_ARGS ?=
FUZZ_SECS ?= 60

.PHONY: help run test build bench soak fuzz fmt doc tools clean
.PHONY: tools-run test-fmt test-tidy test-page test-clippy test-rust test-doc test-stories test-clients test-tour test-proxy

help: ## lists the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

run: tools-run build ## builds what is missing and starts the demo plant with its practice twin
	@scripts/run $(ARGS)

build: tools-run ## the release binary with its page: target/release/crosstie
	@scripts/page
	@$(CARGO) build --release --locked --package crosstie

# Cheap checks stand first, so that a slip of the pen fails in a minute and not in twenty.
test: ## every test there is, as continuous integration runs them
	@$(PHASE) tools scripts/tools test
	@$(PHASE) format $(MAKE) -s test-fmt
	@$(PHASE) tidy $(MAKE) -s test-tidy
	@$(PHASE) page $(MAKE) -s test-page
	@$(PHASE) clippy $(MAKE) -s test-clippy
	@$(PHASE) documentation $(MAKE) -s test-doc
	@$(PHASE) rust-tests $(MAKE) -s test-rust
	@$(PHASE) release $(MAKE) -s build
	@$(PHASE) clients $(MAKE) -s test-clients
	@$(PHASE) tour $(MAKE) -s test-tour
	@$(PHASE) proxy $(MAKE) -s test-proxy
	@$(PHASE) browser $(MAKE) -s test-stories
	@echo "== all tests passed =="

test-fmt: ## rustfmt changes nothing
	@$(CARGO) fmt --all -- --check

test-tidy: ## floors, forbidden calls, claims, links, licences of the dependencies
	@$(CARGO) xtask tidy

test-page: ## types, unit tests and build of the page
	@scripts/page packages
	@npm --prefix web run --silent check
	@npm --prefix web run --silent test
	@scripts/page

test-clippy: ## no warning in any target
	@$(CARGO) clippy --workspace --all-targets --locked --quiet -- -D warnings

test-doc: ## the documentation builds without a warning
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked --quiet

# The made-up cases are the same in each run, so that a failure is that of the change; `make fuzz` makes up others.
test-rust: ## unit tests, goldens, the in-memory house, real sockets, documentation examples
	@PROPTEST_RNG_SEED=20260401 $(CARGO) test --workspace --locked

test-clients: ## the example clients against the release binary
	@scripts/test-clients

test-tour: ## the tests of the tour against the release binary; its recorded session a thousand times in a row
	@$(BINARY) test run examples/tour/tests
	@$(BINARY) test run examples/tour/tests --filter pupil --repeat 1000

test-proxy: ## nginx with the site of examples/nginx in front of the release binary
	@scripts/test-proxy

test-stories: ## stories in a real browser against the release binary
	@scripts/test-stories

bench: build ## the cells of docs/performance.md, each beside the floor and a plain Node hub
	@bench/run
	@$(CARGO) bench --locked --package crosstie-wire --package crosstie-hub --package crosstie-ladder --benches

soak: build ## 100,000 signals, 10,000 routes, 50 clients and a recording for ten minutes; two mirrored hubs, one killed again and again, for two; 8 PLCs for ten; 30 headsets for two
	@$(BINARY) bench scale --signals 100000 --clients 50 --routes 10000 --record --secs $(SOAK_SECS)
	@$(BINARY) bench mirror --holds --secs $(MIRROR_SECS) --seed $$RANDOM
	@$(BINARY) bench plc --secs $(PLC_SECS) $(PLC_ARGS)
	@$(BINARY) bench classroom --secs $(CLASSROOM_SECS)

fuzz: ## property tests with new cases, and every decoder against made-up bytes; the second wants nightly Rust and cargo-fuzz
	@scripts/fuzz $(FUZZ_SECS)

fmt: ## formats the Rust code
	@$(CARGO) fmt --all

doc: ## the documentation of the crates: target/doc
	@$(CARGO) doc --workspace --no-deps --locked

tools: ## looks for everything that the tests need, and installs it when run by root
	@scripts/tools test

tools-run:
	@scripts/tools run

clean: ## removes everything that was built or installed inside the repository
	@rm -rf target web/dist web/node_modules web/test-results fuzz/target bench/wsload/target bench/peers/node_modules .venv .venv-gama
