#!/bin/sh
# Makes the virtual environment $1 and installs $2 into it, editable. Needs Python 3.11 or newer and
# nothing else: where Debian has left out the module that puts pip into a new environment, pip is
# taken from the package index itself.
set -eu
venv=$1
what=$2

python=
for each in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
    if command -v "$each" >/dev/null 2>&1 &&
        "$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$each
        break
    fi
done
if [ -z "$python" ]; then
    echo "Habitue needs Python 3.11 or newer; set PYTHON to one." >&2
    exit 1
fi

if [ ! -x "$venv/bin/pip" ]; then
    echo "Preparing $venv (once)..."
    rm -rf "$venv"
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        "$python" -m venv "$venv"
    else
        "$python" -m venv --without-pip "$venv"
        "$venv/bin/python" bootstrap_pip.py
    fi
fi
echo "Installing what is needed (once)..."
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
    --editable "$what"
