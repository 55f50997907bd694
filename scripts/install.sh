#!/bin/sh
# Installs poolwright from this folder alone: sh install.sh [FOLDER] (default: ~/.local/share/poolwright)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
into=${1:-"$HOME/.local/share/poolwright"}
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "poolwright needs Python 3.11 or newer; set PYTHON" >&2
  exit 1
}
(cd "$here" && sha256sum -c --quiet SHA256SUMS)
"$python" -m venv "$into"
pip() { "$into/bin/python" -m pip --disable-pip-version-check -q install --no-index "$@"; }
pip --find-links "$here/wheels" --require-hashes -r "$here/runtime.lock"
pip --no-deps "$here"/wheels/poolwright-*.whl
mkdir -p "$HOME/.local/bin" && ln -sf "$into/bin/poolwright" "$HOME/.local/bin/poolwright"
echo "installed: $HOME/.local/bin/poolwright ($("$into/bin/poolwright" --version))"
