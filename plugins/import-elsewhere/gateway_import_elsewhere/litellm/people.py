"""LiteLLM's organisations and teams as groups, its users as users."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from ..plan import PlannedGroup, PlannedUser
from ..verdict import Note
from .budgets import Budgets
from .database import ORGANIZATION_MEMBERS, ORGANIZATIONS, TEAMS, USERS, Row, Rows
from .left import left_of

ADMINS = frozenset({"proxy_admin"})
KNOWN_ROLES = frozenset({"", "internal_user", "proxy_admin"})
NOBODY = "keys"
"""The subject of who has the keys that are neither a user's nor a team's."""
MEMBERS = {"members", "members_with_roles", "admins"}
LIMITS = {"tpm_limit", "rpm_limit", "max_parallel_requests"}
MONEY = {"spend", "max_budget", "soft_budget", "budget_duration", "budget_reset_at", "budget_id"}
TAKEN = MEMBERS | MONEY | {"models"}


def team_subject(team_id: str) -> str:
    """Of the user who has a team's own keys, and of the group."""
    return f"team:{team_id}"


class People:
    """names: of groups, by subject."""

    def __init__(self, rows: Rows, budgets: Budgets, role: str, notes: list[Note]) -> None:
        self._rows, self._budgets, self._role, self._notes = rows, budgets, role, notes
        self.teams = {str(row["team_id"]): row for row in rows.of(TEAMS)}
        self.organizations = {str(row["organization_id"]): row for row in rows.of(ORGANIZATIONS)}
        self.names: dict[str, str] = {}
        self.groups = [*self._organizations(), *self._teams()]

    def _organizations(self) -> Iterator[PlannedGroup]:
        for name, row in self.organizations.items():
            taken = TAKEN | {"organization_id", "organization_alias"}
            self._notes.extend(left_of("organizations", name, row, taken))
            yield self._group(f"organization:{name}", row.get("organization_alias") or name, row)

    def _teams(self) -> Iterator[PlannedGroup]:
        for name, row in self.teams.items():
            taken = TAKEN | {"team_id", "team_alias", "organization_id", "blocked"}
            self._notes.extend(left_of("teams", name, row, taken))
            yield self._group(team_subject(name), row.get("team_alias") or name, row)

    def _group(self, subject: str, alias: str, row: Row) -> PlannedGroup:
        name = alias if alias not in self.names.values() else f"{alias} ({subject.partition(':')[2]})"
        self.names[subject] = name
        return PlannedGroup(subject, name, budgets=tuple(self._budgets.of(subject, row)))

    def users(self, owners: Collection[str]) -> Iterator[PlannedUser]:
        """With those who have keys that are no user's: one for each team, one for the rest. owners: of keys."""
        member_of = self._member_of()
        for row in self._rows.of(USERS):
            yield self._user(row, member_of[str(row["user_id"])])
        for subject in (one for one in map(team_subject, self.teams) if one in owners):
            groups = self._with_organization([subject])
            yield PlannedUser(subject=subject, name=f"team {self.names[subject]}", role=self._role, groups=groups)
        if NOBODY in owners:
            yield PlannedUser(subject=NOBODY, name="litellm keys", role=self._role)

    def _user(self, row: Row, groups: Sequence[str]) -> PlannedUser:
        subject, role = str(row["user_id"]), row.get("user_role") or ""
        email = (row.get("user_email") or "").strip().lower()
        if role not in KNOWN_ROLES:
            why = f"LiteLLM's role {role} is none here; {self._role} calls models, and sees nobody else's keys"
            self._notes.append(Note("users.user_role", subject, "changed", why))
        if row.get("password"):
            why = "passwords of LiteLLM's own pages are not carried; the user sets another"
            self._notes.append(Note("users.password", subject, "dropped", why))
        taken = TAKEN | {"user_id", "user_role", "user_email", "user_alias", "sso_user_id", "teams", "password"}
        self._notes.extend(left_of("users", subject, row, taken | {"organization_id", "team_id"}))
        sso = row.get("sso_user_id")
        return PlannedUser(
            subject=subject,
            name=email or row.get("user_alias") or subject,
            email=email,
            role="ADMIN" if role in ADMINS else self._role,
            groups=self._with_organization(groups),
            verified=bool(sso),
            identities=(("litellm:sso", str(sso)),) if sso else (),
            budgets=tuple(self._budgets.of(subject, row)),
        )

    def _member_of(self) -> defaultdict[str, list[str]]:
        """Subjects of groups by user."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for name, team in self.teams.items():
            for user in dict.fromkeys([*(team.get("members") or ()), *_with_roles(team.get("members_with_roles"))]):
                found[user].append(team_subject(name))
        for row in self._rows.of(USERS):
            for name in row.get("teams") or ():
                if name in self.teams and team_subject(name) not in found[str(row["user_id"])]:
                    found[str(row["user_id"])].append(team_subject(name))
        for row in self._rows.of(ORGANIZATION_MEMBERS):
            if str(row["organization_id"]) in self.organizations:
                found[str(row["user_id"])].append(f"organization:{row['organization_id']}")
        return found

    def _with_organization(self, subjects: Sequence[str]) -> tuple[str, ...]:
        """Names; who is of a team is of its organisation."""
        above = [
            self.teams[one.partition(":")[2]].get("organization_id") for one in subjects if one.startswith("team:")
        ]
        found = [*subjects, *(f"organization:{one}" for one in above if one in self.organizations)]
        return tuple(dict.fromkeys(self.names[one] for one in found))


def _with_roles(given: Any) -> list[str]:
    """`[{"role": "admin", "user_id": "…"}]`."""
    entries = given if isinstance(given, list) else []
    return [str(one["user_id"]) for one in entries if isinstance(one, dict) and one.get("user_id")]
