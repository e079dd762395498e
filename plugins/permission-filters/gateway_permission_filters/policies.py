"""Policies: what the settings forbid, and where."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Settings, SettingsError

from .fragments import Fragment
from .patterns import Pattern, patterns
from .settings import FilePii, Filters, MessageFilter, MessagePii, Pii

UNSEEN = frozenset(("content", "extracted_text", "transcript"))
"""Fields of files that nobody can look into here."""


class Policy:
    """source: None for the older filter. fields: None for all. audits: it refuses nothing, the log tells of it."""

    def __init__(
        self, source: str | None, fields: frozenset[str] | None, found: Sequence[Pattern], audits: bool = False
    ) -> None:
        self.source = source
        self.audits = audits
        self._fields = fields
        self._patterns = tuple(found)

    @property
    def is_older(self) -> bool:
        return self.source is None

    def looks_at(self, fragment: Fragment) -> bool:
        if self.source is None:
            return fragment.plain
        return self.source == fragment.source and (self._fields is None or not self._fields.isdisjoint(fragment.fields))

    def finding(self, text: str) -> Pattern | None:
        return next((pattern for pattern in self._patterns if pattern.is_in(text)), None)


def policies(settings: Settings) -> Sequence[Policy]:
    """Those with something to look for; the older filter comes first. Raises SettingsError for what cannot be kept."""
    found = [_older(settings)] if settings.given("messageFilter.pii") else []
    own = settings.one(Filters)
    surfaces = {
        "messages": own.messages.pii,
        "agentInstructions": own.agentInstructions.pii,
        "toolArguments": own.toolArguments.pii,
        "modelParameters": own.modelParameters.pii,
        "files": own.files.pii,
    }
    found += [
        _newer(source, pii or Pii()) for source, pii in surfaces.items() if settings.given(f"filters.{source}.pii")
    ]
    return [policy for policy in found if policy is not None]


def refuses_files(settings: Settings) -> bool:
    """Whether calls are refused that hold what cannot be looked into. Raises SettingsError."""
    pii = settings.one(Filters).files.pii or FilePii()
    if pii.uninspectable not in ("", "allow", "block"):
        raise SettingsError(f"filters.files.pii.uninspectable: {pii.uninspectable!r} is neither `allow` nor `block`")
    return pii.uninspectable == "block" and (pii.fields is None or not UNSEEN.isdisjoint(pii.fields))


def _older(settings: Settings) -> Policy | None:
    pii = settings.one(MessageFilter).pii or MessagePii()
    found = patterns("messageFilter.pii", pii.starterPatterns, pii.customPatterns)
    return Policy(None, None, found) if found else None


def _newer(source: str, pii: Pii) -> Policy | None:
    found = patterns(f"filters.{source}.pii", pii.starterPatterns, pii.customPatterns)
    fields = None if pii.fields is None else frozenset(pii.fields)
    return Policy(source, fields, found, pii.action == "audit") if found else None
