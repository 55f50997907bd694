#!/bin/sh
# Makes the two lock files anew: every package pinned, with hashes, for every platform we run on.
set -eu
cd "$(dirname "$0")/.."
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
python3 -m venv "$tool" && "$tool/bin/pip" -q install uv
lock() { "$tool/bin/uv" pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q pyproject.toml "$@"; }
lock -o requirements/runtime.lock
lock --group dev -o requirements/dev.lock
