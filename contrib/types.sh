#!/usr/bin/env bash
# mypy strict on the core and all plugins, in one run; not on tests, whose modules share names.
set -euo pipefail
cd "$(dirname "$0")/.."
"${MYPY:-.venv/bin/mypy}" gateway plugins/*/gateway_*/ contrib/ollama/*/gateway_*/
