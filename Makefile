# salesops. `make help` lists the targets. Works with GNU Make 3.81 (macOS) and later.
.DEFAULT_GOAL := help
.PHONY: help demo test test-engines check bench format lock clean

BIN := .venv/bin
WORKERS ?= 2
PYTEST_ARGS ?=

help:            ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo:            ## Set up and open the simulated company in ./.state/demo: its scorecard, then its pages
	@scripts/setup.sh
	@$(BIN)/salesops demo

test:            ## Run all tests, those on PostgreSQL included where it can be installed (WORKERS=2, PYTEST_ARGS=...)
	@scripts/setup.sh dev
	@scripts/postgres.sh
	@scripts/chromium.sh
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(PYTEST_ARGS)

test-engines:    ## Run every metric on DuckDB, PostgreSQL and Spark (Java and PySpark are installed for it), and compare
	@scripts/setup.sh dev
	@scripts/postgres.sh
	@scripts/spark.sh
	@SALESOPS_ENGINES=all $(BIN)/python -m pytest -n 0 -v -s tests/engines $(PYTEST_ARGS)

check:           ## Formatting, lint, types, import rules, lock files, metric definitions
	@scripts/setup.sh dev
	@scripts/check.sh

bench:           ## Measure the speed on large data (benchmarks/)
	@scripts/setup.sh dev
	@if [ -f benchmarks/__main__.py ]; then $(BIN)/python -m benchmarks $(BENCH_ARGS); else echo "There is no benchmarks/ yet."; fi

format:          ## Mend formatting, import order and what else ruff can
	@scripts/setup.sh dev
	@$(BIN)/ruff check --fix --exit-zero src tests scripts $(wildcard benchmarks)
	@$(BIN)/ruff format src tests scripts $(wildcard benchmarks)

lock:            ## Write the lock files from what is installed in .venv
	@$(BIN)/python scripts/lock.py

clean:           ## Remove build results and caches; .venv and workspaces stay
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis benchmarks/out
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
