#!/usr/bin/env bash
# mypy strict on the core and on each plugin by itself: their test modules share names.
set -euo pipefail
cd "$(dirname "$0")/.."
mypy=${MYPY:-.venv/bin/mypy}
"$mypy" gateway
for package in plugins/*/gateway_*/ contrib/ollama/*/gateway_*/; do
    "$mypy" "$package"
done
