"""Ids of function calls where the dialect has none: minted here, and never written where nobody gave one."""

from __future__ import annotations

import hashlib

_PREFIX = "gmcall_"


def minted(place: str) -> str:
    """place: of the call in its conversation, as `3_0`."""
    return _PREFIX + place


def of_reply(seed: str, choice: int, number: int) -> str:
    """The same for the same reply. seed: what tells the reply from others."""
    digest = hashlib.sha256(f"{seed}/{choice}/{number}".encode("utf-8", "replace")).hexdigest()
    return minted(digest[:24])


def given(identity: str) -> dict[str, str]:
    """The member that says an id; none for one that was minted."""
    return {} if identity.startswith(_PREFIX) else {"id": identity}
