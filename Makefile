# SPDX-License-Identifier: Apache-2.0
# Thin: each target calls the `understudy` command or a checker. `.ci/setup` installs what is missing, once.
BIN := .venv/bin
READY := .venv/.ready-dev
PYTHON_CODE := harness tests

.PHONY: demo latency campaign long-run test lint format doctor clean

demo: .venv/.ready-run
	@$(BIN)/understudy demo

latency: .venv/.ready-latency
	@$(BIN)/understudy latency

campaign: $(READY)
	@$(BIN)/understudy campaign run; kept=$$?; \
	$(BIN)/understudy campaign run --without-recovery && $(BIN)/understudy campaign compare && exit $$kept

long-run: $(READY)
	@$(BIN)/understudy long-run
	$(BIN)/pytest -n 2 --dist loadscope -m long --vmm-long

test: $(READY) lint
	$(BIN)/pytest -n 2 --dist loadscope

lint: $(READY)
	$(BIN)/ruff format --check $(PYTHON_CODE)
	$(BIN)/ruff check $(PYTHON_CODE)
	$(BIN)/mypy
	$(BIN)/understudy lint

format: $(READY)
	$(BIN)/ruff format $(PYTHON_CODE)
	$(BIN)/ruff check --fix $(PYTHON_CODE)
	$(BIN)/understudy lint --format

doctor: .venv/.ready-run
	@$(BIN)/understudy doctor

.venv/.ready-%: pyproject.toml .ci/setup
	.ci/setup .venv $*
	@touch $@

clean:
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis
