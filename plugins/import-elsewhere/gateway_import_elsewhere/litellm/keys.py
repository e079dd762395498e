"""LiteLLM's keys: SHA-256 of the whole key, as the gateway has them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

from gateway import Scopes

from ..plan import PlannedKey
from ..verdict import Note
from .budgets import Budgets, epoch
from .database import KEYS, REPLACED, USERS, Row, Rows
from .left import left_of
from .names import Groups, allowed
from .people import MONEY, NOBODY, People, team_subject

_HASH = re.compile(r"[0-9a-fA-F]{64}")
TAKEN = MONEY | {
    "token",
    "key_name",
    "key_alias",
    "expires",
    "models",
    "user_id",
    "team_id",
    "organization_id",
    "last_active",
    "blocked",
    "allowed_routes",
}
CALLS = frozenset({"llm_api_routes", "openai_routes"})
"""Of `allowed_routes`: what a key here may do anyway."""
APART = "the key is being replaced; until its time its budget counts apart from that of the new one"
IN_THE_CLEAR = "it was kept as it is; what is kept here is its hash"


class Keys:
    """groups: names of models by access group."""

    def __init__(self, rows: Rows, people: People, budgets: Budgets, groups: Groups, notes: list[Note]) -> None:
        self._rows, self._people, self._budgets, self._groups, self._notes = rows, people, budgets, groups, notes
        self._users = {str(row["user_id"]): row for row in rows.of(USERS)}

    def all(self, now: float) -> Iterator[PlannedKey]:
        by_token = {str(row["token"]): row for row in self._rows.of(KEYS)}
        for row in by_token.values():
            if (key := self._key(row, str(row["token"]), epoch(row.get("expires")), now)) is not None:
                self._notes.extend(left_of("keys", key.label, row, TAKEN))
                yield key
        for old in self._rows.of(REPLACED):
            row, ends = by_token.get(str(old["active_token_id"]), {}), epoch(old.get("revoke_at"))
            if row and (key := self._key(row, str(old["token"]), ends, now)) is not None:
                if key.budgets:
                    self._notes.append(Note("keys.budget", key.label, "changed", APART))
                yield key

    def owner(self, row: Row) -> str:
        """A subject. Whoever LiteLLM does not list has no keys of their own."""
        user, team = str(row.get("user_id") or ""), str(row.get("team_id") or "")
        if user in self._users:
            return user
        return team_subject(team) if team in self._people.teams else NOBODY

    def _key(self, row: Row, token: str, expires: float | None, now: float) -> PlannedKey | None:
        label = str(row.get("key_alias") or row.get("key_name") or "imported")
        if why := self._fault(row, token, expires, now):
            self._notes.append(Note("keys", label, "dropped", why))
            return None
        if not _HASH.fullmatch(token):
            self._notes.append(Note("keys.token", label, "changed", IN_THE_CLEAR))
            token = hashlib.sha256(token.encode()).hexdigest()
        return PlannedKey(
            digest=token.lower(),
            prefix=str(row.get("key_name") or "sk-"),
            label=label,
            owner=self.owner(row),
            expires=expires,
            used=epoch(row.get("last_active")),
            scopes=Scopes(models=allowed(row.get("models") or (), list(self._above(row)), self._groups)),
            budgets=tuple(self._budgets.of(token.lower(), row)),
        )

    def _fault(self, row: Row, token: str, expires: float | None, now: float) -> str:
        team = self._people.teams.get(str(row.get("team_id") or ""), {})
        if row.get("blocked"):
            return "it is blocked"
        if team.get("blocked"):
            return "its team is blocked"
        if (routes := set(row.get("allowed_routes") or ())) and not routes & CALLS:
            return f"it is limited to {', '.join(sorted(routes))}, which no key is here"
        if not _HASH.fullmatch(token) and not token.startswith("sk-"):
            return "it is neither a SHA-256 nor a key, so nobody can call with it"
        return "it has expired" if expires is not None and expires <= now else ""

    def _above(self, row: Row) -> Iterator[Sequence[str]]:
        """A key of a team is held to the team's models, another to its user's; both to the organisation's."""
        team = self._people.teams.get(str(row.get("team_id") or ""))
        above = self._users.get(str(row.get("user_id") or ""), {}) if team is None else team
        yield above.get("models") or ()
        organization = row.get("organization_id") or above.get("organization_id")
        yield self._people.organizations.get(str(organization), {}).get("models") or ()
