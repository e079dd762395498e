"""The text of a key, and what is kept of it.

LibreChat's form, so that its digests are ours: `sk-` and 64 hex digits; SHA-256 of the whole text, without salt, which
a key of 256 random bits does not need. Source: LibreChat `packages/data-schemas/src/methods/agentApiKey.ts`.
"""

from __future__ import annotations

import hashlib
import re
import secrets

from gateway import Secret

FORM = re.compile(r"sk-[0-9a-f]{64}")
"""Of the keys that are made here."""
LOOK = re.compile(r"sk-[!-~]{1,253}")
"""What may be a key: those that were imported have other forms, as LiteLLM's `sk-` and 22 characters."""
SHOWN = 8
"""Characters of a key that lists show."""


def mint() -> Secret:
    return Secret(f"sk-{secrets.token_hex(32)}")


def digest(text: str) -> str:
    """Hex. HTTP libraries give bytes that are no UTF-8 as lone surrogates, hence the error handler."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def prefix(key: Secret) -> str:
    return key.reveal()[:SHOWN]
