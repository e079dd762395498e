"""The store's ids of users, groups and keys, by what they are called there."""

from __future__ import annotations

import msgspec


class Ids(msgspec.Struct):
    """source: where the subjects are from. keys: by digest."""

    source: str
    users: dict[str, str] = {}
    groups: dict[str, str] = {}
    keys: dict[str, str] = {}

    def unmade(self, subject: str) -> str:
        """Stands in for the id of what a dry run does not make; no store makes an id like it."""
        return f"({self.source} {subject})"
