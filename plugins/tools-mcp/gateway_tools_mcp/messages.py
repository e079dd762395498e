"""JSON-RPC messages as MCP has them, to bytes and back. Sans-IO.

Source: https://modelcontextprotocol.io/specification/2026-07-28/basic
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version

import msgspec
from msgspec import Raw, Struct

from gateway.wire.jsontext import UNREADABLE, line

from .failures import Fault, Faulted, Lost

MODERN = "2026-07-28"
HANDSHAKES = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
"""Versions that begin with `initialize`, newest first."""
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022
NO_SUCH_METHOD = -32601
_META = "io.modelcontextprotocol/"
Params = Mapping[str, object]
NOTHING = Raw()


class Message(Struct, frozen=True):
    """A request has a method and an id, a notification no id, an answer no method. Raw ones may be empty."""

    id: int | str | None = None
    method: str | None = None
    params: Raw = NOTHING
    result: Raw = NOTHING
    error: Fault | None = None

    @property
    def is_answer(self) -> bool:
        return self.method is None and (bool(bytes(self.result)) or self.error is not None)


_ONE = msgspec.json.Decoder(Message)
_BATCH = msgspec.json.Decoder(list[Message])


@cache
def client_info() -> Mapping[str, str]:
    return {"name": "librechat-gateway", "version": version("librechat-gateway")}


@cache
def modern_meta() -> Mapping[str, object]:
    """What goes with each request since 2026: no capabilities, for nobody here could be asked anything."""
    return {
        f"{_META}protocolVersion": MODERN,
        f"{_META}clientCapabilities": {},
        f"{_META}clientInfo": client_info(),
    }


def request(ident: int, method: str, params: Params) -> bytes:
    return line({"jsonrpc": "2.0", "id": ident, "method": method, "params": params})


def notification(method: str, params: Params) -> bytes:
    return line({"jsonrpc": "2.0", "method": method, "params": params})


def answer_to(asked: Message) -> bytes:
    """A server may ask whether somebody is here; nothing else is to be had."""
    if asked.method == "ping":
        return line({"jsonrpc": "2.0", "id": asked.id, "result": {}})
    error = {"code": NO_SUCH_METHOD, "message": "This client offers nothing that could be asked for."}
    return line({"jsonrpc": "2.0", "id": asked.id, "error": error})


def read(data: bytes) -> Sequence[Message]:
    """One, or the batch that 2025-03-26 allows. Raises Lost for what is none."""
    try:
        return _BATCH.decode(data) if data.lstrip()[:1] == b"[" else (_ONE.decode(data),)
    except UNREADABLE as error:
        raise Lost("the server sent something that is no JSON-RPC message") from error


def result_of(answer: Message) -> Raw:
    """Raises Faulted."""
    if answer.error is not None:
        raise Faulted(answer.error)
    return answer.result


def supported(fault: Fault) -> Sequence[str] | None:
    """The versions that a server names where it refuses ours; None where it names none."""
    try:
        return msgspec.json.decode(bytes(fault.data) or b"null", type=_Supported).supported
    except UNREADABLE:
        return None


class _Supported(Struct, frozen=True):
    supported: tuple[str, ...]
