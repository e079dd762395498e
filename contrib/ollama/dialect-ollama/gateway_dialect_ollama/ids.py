"""Ids of tool calls where nobody gave one: minted here, and never written.

Servers before 0.13 and many clients name a call's tool only; other dialects need an id.
"""

from __future__ import annotations

import hashlib

_PREFIX = "olcall_"


def of_call(message: int, number: int) -> str:
    """By the call's place in its conversation."""
    return f"{_PREFIX}{message}_{number}"


def of_reply(seed: str, number: int) -> str:
    """The same for the same reply. seed: what tells the reply from others."""
    return _PREFIX + hashlib.sha256(f"{seed}/{number}".encode("utf-8", "replace")).hexdigest()[:24]


def given(identity: str) -> bool:
    return bool(identity) and not identity.startswith(_PREFIX)
