#!/usr/bin/env bash
# What the end-to-end tests use beside contrib/dev-requirements.txt: the SDKs' older generation, Node's SDKs, a tiny real model server.
# Tests whose part is not here skip and say so.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .cache

environment() { # name, packages…: a virtual environment under .cache
    local place=.cache/$1
    shift
    [ -x "$place/bin/python" ] || python3 -m venv "$place"
    "$place/bin/pip" install -q "$@"
}

environment openai1 'openai>=1.100,<2'
environment anthropic1 'anthropic>=1,<2'
environment genai2 'google-genai>=2,<3'
environment tinyllm xllamacpp gguf numpy
if command -v npm >/dev/null; then
    npm install --prefix tests/e2e/node --no-audit --no-fund --silent
fi
