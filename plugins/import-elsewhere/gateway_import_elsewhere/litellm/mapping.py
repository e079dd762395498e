"""LiteLLM's rows to a plan, and what becomes of the tables that are not carried."""

from __future__ import annotations

from collections.abc import Iterator

from ..plan import Plan
from ..verdict import Note
from .budgets import Budgets
from .database import SPEND, TEAM_MEMBERS, Rows
from .keys import Keys
from .names import Groups
from .people import People

SOURCE = "litellm"
OTHERS = "the gateway keeps nothing of the kind"
NOT_CARRIED = {
    "ProxyModelTable": "models of the database are encrypted for LiteLLM; write them into the configuration",
    "EndUserTable": "who calls with another's key is known by gateway.auth-keys.user_header, without a budget",
    "AuditLog": "history is not carried",
    "ErrorLogs": "history is not carried",
    "DeletedVerificationToken": "it is deleted",
    "DeletedTeamTable": "it is deleted",
}
DAILY = "sums of the log of spend, which is not carried"


def plan_of(rows: Rows, groups: Groups, role: str, now: float) -> Plan:
    """groups: names of models by access group. role: of users who are no admins. now: epoch seconds."""
    notes: list[Note] = []
    budgets = Budgets(rows, notes, now)
    people = People(rows, budgets, role, notes)
    keys = Keys(rows, people, budgets, groups, notes)
    planned = list(keys.all(now))
    owners = {key.owner for key in planned}
    return Plan(
        source=SOURCE,
        groups=people.groups,
        users=list(people.users(owners)),
        keys=planned,
        notes=[*notes, *_others(rows)],
    )


def _others(rows: Rows) -> Iterator[Note]:
    for row in rows.of(TEAM_MEMBERS):
        if row.get("budget_id"):
            why = "a member's budget within a team has no place here"
            yield Note("members", f"{row['user_id']} of {row['team_id']}", "dropped", why)
    for table, count in rows.others.items():
        if table == SPEND and count:
            why = f"history is not carried; its sum: {rows.spent:,.2f} USD. What is spent of budgets is in the budgets"
            yield Note(table, "", "dropped", why, count)
        elif count:
            yield Note(
                table, "", "dropped", DAILY if table.startswith("Daily") else NOT_CARRIED.get(table, OTHERS), count
            )
