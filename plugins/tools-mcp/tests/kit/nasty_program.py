"""A server on standard input and output that keeps no rule: `python nasty_program.py WAY…`. Needs nothing installed.

old: knows no server/discover, and says so. mute: does not answer that. touchy: ends when it is asked that. deaf: never
reads. hang: does not answer tools/call. junk: prints what is no message. endless: prints a line without an end.
flood: prints messages that nobody asked for, for ever. wrong: answers with other ids. noise: floods its standard error.
stubborn: ends neither with its input nor when told to. family: has a child that outlives it. asks: asks the client.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

ways = set(sys.argv[1:])
if "stubborn" in ways:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) if "family" in ways else None


def put(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def answer(ident: object, result: object) -> None:
    put({"jsonrpc": "2.0", "id": ident, "result": result})


def discover(ident: object) -> None:
    if "touchy" in ways:
        sys.exit(2)
    if "old" in ways:
        put({"jsonrpc": "2.0", "id": ident, "error": {"code": -32601, "message": "Method not found"}})
    elif "mute" not in ways:
        answer(ident, {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})


def called(ident: object) -> None:
    if "hang" in ways:
        return
    if "endless" in ways:
        while True:
            sys.stdout.write("x" * 65536)
    if "flood" in ways:
        while True:
            put({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "x" * 1000}})
    if "wrong" in ways:
        answer("another", {})
        answer(10**6, {})
        return
    if "noise" in ways:
        for number in range(20_000):
            print(f"noise {number}", file=sys.stderr)
    if "asks" in ways:
        put({"jsonrpc": "2.0", "id": "a1", "method": "sampling/createMessage", "params": {}})
        put({"jsonrpc": "2.0", "id": "a2", "method": "ping"})
        replies = [json.loads(sys.stdin.readline()) for _ in range(2)]
        answer(ident, {"content": [{"type": "text", "text": json.dumps(replies)}]})
        return
    text = str(child.pid) if child else "called"
    answer(ident, {"content": [{"type": "text", "text": text}]})


if "deaf" in ways:
    time.sleep(600)
while line := sys.stdin.readline():
    asked = json.loads(line)
    ident = asked.get("id")
    if "junk" in ways:
        print("Listening…", '{"jsonrpc": "2.0"', "[]", b"\x80", sep="\n", flush=True)
    match asked.get("method"):
        case "server/discover":
            discover(ident)
        case "initialize":
            answer(ident, {"protocolVersion": "2025-03-26", "capabilities": {"tools": {}}, "serverInfo": {}})
        case "tools/list":
            answer(ident, {"tools": [{"name": "t", "inputSchema": {"type": "object"}}]})
        case "tools/call":
            called(ident)
while "stubborn" in ways:
    time.sleep(1)
