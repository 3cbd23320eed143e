# The few things to do here. Everything is set up in a virtual environment of its own (.venv).
#
#   make demo    generate a small network, find what was planted, write a page of it
#   make test    build, lint, and run every test, doctest and notebook
#   make check   the quick loop: build, lint, tests of one DOMAIN (make check DOMAIN=rolling)
#   make bench   compare speed with the peers
#   make docs    the documentation as pages, in docs/_build/html
#   make wheel   a wheel and a source archive in dist/, checked
#   make deep    what takes longer: sanitizer, long random tests, ten million rows

PYTHON ?= python3
VENV ?= .venv
DOMAIN ?=
BIN := $(VENV)/bin
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
RUST := Cargo.toml Cargo.lock pyproject.toml $(shell find src -name '*.rs')
PYTHONS := python tests benches examples $(wildcard docs/*.py)

.PHONY: demo test check lint bench docs wheel deep clean
.DELETE_ON_ERROR:

demo: $(VENV)/demo.built
	$(BIN)/linewatch demo

test: $(VENV)/test.built lint docs
	cargo test --release --no-default-features
	$(BIN)/python -m mypy.stubtest linewatch._core linewatch.rolling --ignore-missing-stub
	$(BIN)/python tests/run_pandas_window_tests.py --jobs 2
	$(BIN)/python tests/run_pywavelets_tests.py --jobs 2
	$(BIN)/python tests/run_sklearn_iforest_tests.py
	$(BIN)/python tests/run_sklearn_lof_tests.py
	$(BIN)/python -m pytest -q --doctest-modules python/linewatch --nbmake tests notebooks

check: $(VENV)/test.built lint
	cargo test --release --no-default-features $(DOMAIN)
	$(BIN)/python -m pytest -q --doctest-modules python/linewatch --nbmake tests notebooks $(if $(DOMAIN),-k $(DOMAIN))

lint: $(VENV)/test.built
	cargo fmt --check
	cargo clippy --release --all-targets --no-default-features -- -D warnings
	cargo clippy --release --features polars -- -D warnings
	$(BIN)/ruff format --check $(PYTHONS)
	$(BIN)/ruff check $(PYTHONS)

bench: $(VENV)/bench.built
	$(BIN)/python benches/rolling.py
	$(BIN)/python benches/polars_expressions.py
	$(BIN)/python benches/forest.py
	$(BIN)/python benches/neighbors.py
	$(BIN)/python benches/kpi.py
	$(BIN)/python benches/streaming.py
	$(BIN)/python benches/wavelet.py
	$(BIN)/python benches/packets.py
	$(BIN)/python benches/flow.py
	$(BIN)/python benches/flow_analytics.py
	$(BIN)/python benches/cdr.py
	$(BIN)/python benches/privacy.py
	$(BIN)/python benches/downsample.py
	$(BIN)/python benches/spark.py
	$(BIN)/python benches/memory.py
	$(BIN)/python benches/import_time.py

docs: $(VENV)/docs.built
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	@echo "see docs/_build/html/index.html"

wheel: $(VENV)/release.built
	rm -rf dist
	$(BIN)/maturin build --release --locked --out dist
	$(BIN)/maturin sdist --out dist
	$(BIN)/python tests/check_wheel.py --any-linux dist/*.whl dist/*.tar.gz

deep: $(VENV)/test.built
	tests/deep.sh $(BIN)/python

clean:
	rm -rf $(VENV) target results dist docs/_build python/linewatch/*.so

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "linewatch needs Python 3.11 or later; name one with make PYTHON=...")'
	@command -v cargo >/dev/null || { echo "linewatch needs a Rust toolchain (cargo) to build from source"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --upgrade pip

# Without the Polars expressions, whose crates take minutes to build.
$(VENV)/demo.built: $(BIN)/python $(RUST)
	@if [ -e $(VENV)/test.built ] && [ -z "$$(find $(RUST) -newer $(VENV)/test.built)" ]; then \
		echo "already built"; \
	else \
		echo "building the kernels, a minute or two the first time"; \
		MATURIN_PEP517_ARGS="--features python" $(BIN)/pip install -q -e ".[dashboard,plots]"; \
	fi
	touch $@

$(VENV)/test.built: $(BIN)/python $(RUST)
	@echo "building the kernels and the Polars expressions, some minutes the first time"
	$(BIN)/pip install -q --group test -e ".[all]"
	touch $@

$(VENV)/bench.built: $(VENV)/test.built
	$(BIN)/pip install -q --group bench
	touch $@

$(VENV)/release.built: $(VENV)/test.built
	$(BIN)/pip install -q --group release
	touch $@

$(VENV)/docs.built: $(VENV)/test.built
	$(BIN)/pip install -q --group docs
	touch $@
