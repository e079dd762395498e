"""Tickets: which thread and run a call goes on with, within ids that clients send back.

A reply's id holds its thread, a tool call's its thread and run; both are signed for the caller, so that no store is
needed and nobody goes on with another's.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

from msgspec import Struct

from gateway import NotFound, Principal

THREAD, REPLY = "thread_", "resp_as"
_REPLY = re.compile(r"resp_as([A-Za-z0-9]{1,36})-([\w-]{8})")
_CALL = re.compile(r"([A-Za-z0-9_]{1,80})-(thread_[A-Za-z0-9]{1,60})-(run_[A-Za-z0-9]{1,60})-([\w-]{8})")


class Waiting(Struct, frozen=True):
    """A tool call that a run waits for."""

    call: str
    thread: str
    run: str


def looks_waiting(name: str) -> bool:
    """Whether it has the form of a ticket, whoever's."""
    return _CALL.fullmatch(name) is not None


class Tickets:
    def __init__(self, endpoint: str, secret: str) -> None:
        self._secret = hashlib.sha256(f"assistants\0{endpoint}\0{secret}".encode()).digest()

    def reply(self, thread: str, principal: Principal) -> str | None:
        """None for a thread whose id has another form than OpenAI's."""
        name = f"{REPLY}{thread.removeprefix(THREAD)}-{self._sign(thread, principal)}"
        return name if thread.startswith(THREAD) and _REPLY.fullmatch(name) else None

    def thread(self, name: str, principal: Principal) -> str:
        """Raises NotFound for what is none of this caller's."""
        match = _REPLY.fullmatch(name)
        if match is None or not hmac.compare_digest(match[2], self._sign(THREAD + match[1], principal)):
            raise NotFound(f"There is no response {name!r} here to go on from.", param="previous_response_id")
        return THREAD + match[1]

    def call(self, waiting: Waiting, principal: Principal) -> str:
        plain = f"{waiting.call}-{waiting.thread}-{waiting.run}"
        return f"{plain}-{self._sign(plain, principal)}"

    def waiting(self, name: str, principal: Principal) -> Waiting | None:
        """None for what is none of this caller's."""
        match = _CALL.fullmatch(name)
        if match is None:
            return None
        plain = name[: -len(match[4]) - 1]
        return Waiting(*match.groups()[:3]) if hmac.compare_digest(match[4], self._sign(plain, principal)) else None

    def _sign(self, said: str, principal: Principal) -> str:
        text = f"{said}\0{principal.user_id}".encode("utf-8", "replace")
        return urlsafe_b64encode(hmac.new(self._secret, text, hashlib.sha256).digest()[:6]).decode()
