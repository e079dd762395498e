"""LibreChat's `messageFilter` and `filters`.

Nothing in them is optional to keep: what cannot be read stops the start instead of being left out, so the structs take
any text and `policies.py` says what is wrong. Source: LibreChat `packages/data-provider/src/config.ts`, `filters.ts`.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class CustomPattern(Struct, frozen=True):
    """label: what callers are told that they sent. regex: in RE2's syntax."""

    id: str = ""
    label: str = ""
    regex: str = ""


class MessagePii(Struct, frozen=True):
    """starterPatterns: of LibreChat's own, all where left out, none where empty."""

    starterPatterns: tuple[str, ...] | None = None
    customPatterns: tuple[CustomPattern, ...] = ()


class MessageFilter(Struct, frozen=True):
    """The older filter, of the text of messages alone."""

    pii: MessagePii | None = None


class Pii(Struct, frozen=True):
    """action: `audit` writes to the log what it would refuse. fields: those that are looked at, all where left out."""

    action: Literal["block", "audit"] = "block"
    fields: tuple[str, ...] | None = None
    starterPatterns: tuple[str, ...] | None = None
    customPatterns: tuple[CustomPattern, ...] = ()


class FilePii(Pii, frozen=True):
    """uninspectable: `block` refuses files, images and sound, since nobody can look into them here."""

    uninspectable: str = ""


class Surface(Struct, frozen=True):
    pii: Pii | None = None


class Messages(Struct, frozen=True):
    """unattributedAssistantContent is about what LibreChat has stored; all that comes through an API is looked at."""

    pii: Pii | None = None
    unattributedAssistantContent: str = ""


class Files(Struct, frozen=True):
    pii: FilePii | None = None


class Filters(Struct, frozen=True):
    """What of LibreChat's filters a call through an API can have.

    messages: texts, names and references to attachments. agentInstructions: system texts, and names and descriptions of
    tools. toolArguments: of calls of tools, with their results. modelParameters: stop strings, formats, metadata and
    other text. files: names and URLs.
    """

    messages: Messages = Messages()
    agentInstructions: Surface = Surface()
    toolArguments: Surface = Surface()
    modelParameters: Surface = Surface()
    files: Files = Files()
