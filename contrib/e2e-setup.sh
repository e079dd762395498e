#!/usr/bin/env bash
# What tests use beside contrib/dev-requirements.txt: the SDKs' older generation, Node's SDKs, a tiny real model server, Letta Code
# (plugins/provider-letta); nginx and HAProxy, which read the same bytes (tests/framing).
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
export -f environment
timeout 300 bash -c "environment letta 'letta==0.34.12'" || echo "Letta Code is not to be had here" >&2 # 79 MB, with a Node of its own
if command -v npm >/dev/null; then
    npm install --prefix tests/e2e/node --no-audit --no-fund --silent
fi

servers() ( # in a subshell, for its trap; none of them is started as a service
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    install="apt-get install -y -qq --no-install-recommends nginx-light haproxy"
    $install >/dev/null 2>&1 || { apt-get update -qq && $install >/dev/null; }
)
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] && ! { command -v nginx && command -v haproxy; } >/dev/null; then
    servers || echo "nginx and HAProxy are not to be had here" >&2
fi
