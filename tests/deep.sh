#!/usr/bin/env bash
# What takes longer than a change should wait for: kernels under AddressSanitizer, many more random
# cases, the comparison with the peers on ten million rows, and a hundred million calls.
#
#     tests/deep.sh path/to/python
set -euo pipefail
python="${1:-python3}"

if [ "$(uname -sm)" = "Linux x86_64" ]; then
    # The sanitizer is part of the toolchain, but not yet of its stable options.
    RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" \
        cargo test --no-default-features --target x86_64-unknown-linux-gnu --lib
else
    echo "AddressSanitizer is left out: it is set up for Linux on x86-64 only"
fi

LINEWATCH_EXAMPLES=3000 "$python" -m pytest -q tests/test_rolling_properties.py
"$python" benches/rolling.py --n 10000000
# A hundred million calls of a million users in less than 256 MB: about a minute.
LINEWATCH_CALLS=100000000 "$python" -m pytest -q tests/test_cdr_memory.py
# The wheel as it is installed elsewhere: what is in it, then the tests with the oldest and the newest
# libraries on every Python that is found. Some minutes, most of them for building and installing.
"$python" -m pip install -q --group release
wheels="$(mktemp -d)"
trap 'rm -rf "$wheels"' EXIT
"$python" -m maturin build --release --locked --out "$wheels"
"$python" -m maturin sdist --out "$wheels"
"$python" tests/check_wheel.py --any-linux "$wheels"/*.whl "$wheels"/*.tar.gz
"$python" tests/run_floors.py "$wheels"/*.whl
