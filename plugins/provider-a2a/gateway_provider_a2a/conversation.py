"""Conversations: a context of the agent's, within the ids that clients send back.

An agent's context outlasts a call, so its id travels in the reply's own: a Responses client sends that back as
`previous_response_id`. It is signed for the caller that it was given to. A conversation that the client names itself
becomes a context of that caller alone.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from msgspec import Struct

from gateway import Call, NotFound, Principal

PREFIX = "resp_"
MARK = "a"
SIGNED = 6
"""Bytes of a signature: an id has little room, and a forged one needs another caller's context, which is random."""
NAMED = "conversation_id"
"""What clients of dialects without conversations call theirs, as LibreChat's do."""


class Thread(Struct, frozen=True):
    """task: the last one, which may wait for its caller's answer."""

    context: str | None = None
    task: str | None = None


class Threads:
    """Of one agent. secret: what ids are signed with."""

    def __init__(self, endpoint: str, secret: str) -> None:
        self._endpoint = endpoint
        self._secret = hashlib.sha256(f"a2a\0{endpoint}\0{secret}".encode()).digest()

    def names(self, call: Call) -> bool:
        """Whether the call goes on with something."""
        return bool(call.state.previous_response_id or call.state.conversation or _named(call))

    def of(self, call: Call, principal: Principal) -> Thread:
        """Raises NotFound for an id that is none of this caller's."""
        if previous := call.state.previous_response_id:
            return self._read(previous, principal)
        named = call.state.conversation or _named(call)
        if not named:
            return Thread()
        digest = hashlib.sha256(f"{self._endpoint}\0{principal.user_id}\0{named}".encode("utf-8", "replace")).digest()
        return Thread(str(uuid.UUID(bytes=digest[:16], version=5)))

    def write(self, thread: Thread, principal: Principal) -> str | None:
        """The id of a reply, which brings its caller back to the thread; None where the agent's ids are no UUIDs."""
        ids = [one for one in (thread.context, thread.task) if one is not None]
        try:
            packed = b"".join(uuid.UUID(one).bytes for one in ids)
        except ValueError:
            return None
        if not packed or thread.context is None:
            return None
        return PREFIX + MARK + _text(packed + self._signature(packed, principal))

    def _read(self, name: str, principal: Principal) -> Thread:
        try:
            packed = _bytes(name.removeprefix(PREFIX + MARK)) if name.startswith(PREFIX + MARK) else b""
        except ValueError:
            packed = b""
        ids, signature = packed[:-SIGNED], packed[-SIGNED:]
        if len(ids) not in (16, 32) or not hmac.compare_digest(signature, self._signature(ids, principal)):
            raise NotFound(f"There is no response {name!r} here to go on from.", param="previous_response_id")
        found = [str(uuid.UUID(bytes=ids[at : at + 16])) for at in range(0, len(ids), 16)]
        return Thread(*found)

    def _signature(self, packed: bytes, principal: Principal) -> bytes:
        said = packed + principal.user_id.encode("utf-8", "replace")
        return hmac.new(self._secret, said, hashlib.sha256).digest()[:SIGNED]


def _named(call: Call) -> str:
    try:
        return msgspec.json.decode(call.extra[NAMED], type=str) if NAMED in call.extra else ""
    except msgspec.DecodeError:
        return ""


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
