"""Seals: summaries of conversations that clients carry and only the gateway reads, each for whom it was made."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Raw

from gateway import BadCall, Owner, Sealed, Secret, Unavailable, Vault
from gateway.wire.jsontext import encode, raw

KIND = "compaction"
MARK = "gwCompact1"
"""What a summary of ours begins with; no upstream's does."""
_MARK = MARK.encode()
_BEGUN = _MARK[:5]
"""So short that a search for it takes the interpreter's quick way."""
HEAD = "What was said before, in a summary that was made of it:\n\n"


class _Compaction(msgspec.Struct):
    type: str = ""
    encrypted_content: str = ""


_DECODER = msgspec.json.Decoder(_Compaction)


class _Contents(msgspec.Struct):
    """items: that followed what the summary is of, as they were; None where they stand beside it."""

    summary: str
    items: list[Raw] | None = None


_CONTENTS = msgspec.json.Decoder(_Contents)


class Seals:
    """vault: None where the gateway has no key; then nothing is sealed."""

    def __init__(self, vault: Vault | None) -> None:
        self._vault = vault

    def check(self) -> None:
        """Raises Unavailable where nothing can be sealed."""
        self._key()

    def sealed(self, summary: str, owner: Owner, rest: Sequence[Raw] | None = None) -> str:
        """As `encrypted_content`. rest: all that followed what the summary is of, where it stands for everything before
        it. Raises Unavailable.
        """
        contents = encode(_Contents(summary, None if rest is None else [*rest])).decode()
        return MARK + urlsafe_b64encode(self._key().seal(Secret(contents), _name(owner))).decode()

    def opened(self, items: Iterable[Raw], owner: Owner) -> list[Raw]:
        """With a message in place of each summary of ours, as models read it; without what stands before one that
        stands for it. Raises BadCall, Unavailable.
        """
        out: list[Raw] = []
        for item in items:
            if not is_ours(item):
                out.append(item)
                continue
            contents = self._opened(item, owner)
            if contents.items is not None:
                out.clear()
            out += [_message(contents.summary), *(contents.items or ())]
        return out

    def _opened(self, item: Raw, owner: Owner) -> _Contents:
        packed = _DECODER.decode(item).encrypted_content.removeprefix(MARK)
        try:
            return _CONTENTS.decode(self._key().open(urlsafe_b64decode(packed), _name(owner)).reveal())
        except (Sealed, ValueError) as error:
            raise BadCall(
                "The `encrypted_content` of a compaction could not be read: it was made for somebody else, under "
                "another key of the gateway's, or was changed. Send what it was made of.",
                param="input",
                code="invalid_encrypted_content",
            ) from error

    def _key(self) -> Vault:
        if self._vault is None:
            raise Unavailable("Compactions are sealed under a key of the gateway's, and it has none: set CREDS_KEY.")
        return self._vault


def _message(summary: str) -> Raw:
    part = {"type": "input_text", "text": HEAD + summary}
    return raw({"type": "message", "role": "user", "content": [part]})


def held_in(body: bytes) -> bool:
    """Whether a call may bring one back."""
    return _BEGUN in body and _MARK in body


def is_ours(item: Raw) -> bool:
    """Whether it is a summary that was sealed here."""
    if not held_in(bytes(item)):
        return False
    try:
        found = _DECODER.decode(item)
    except msgspec.MsgspecError:
        return False
    return found.type == KIND and found.encrypted_content.startswith(MARK)


def _name(owner: Owner) -> str:
    return f"compaction/{owner.user_id}/{owner.key_id}"
