#!/usr/bin/env bash
# How soon one gate refuses what was stopped at another; what is measured and how stands in bench/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in cargo taskset python3; do
    command -v "$tool" >/dev/null 2>&1 || {
        printf '`%s` is missing (Debian: apt-get install util-linux python3)\n' "$tool" >&2
        exit 2
    }
done
[ "$(nproc)" -ge 2 ] || { printf 'two cores are needed: one for each gate\n' >&2; exit 2; }

cargo build --release --locked --quiet --package wardgate
cargo build --release --locked --quiet --package wardgate-testkit --example upstream --example postgres
exec python3 bench/two_gates.py --binaries "${CARGO_TARGET_DIR:-target}/release" "$@"
