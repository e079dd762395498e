"""A dump to a plan: what each collection becomes, and what becomes of those that are not carried."""

from __future__ import annotations

from collections.abc import Iterator

from gateway import Terms

from ..plan import Plan
from ..verdict import Note
from . import actions, agents, keys, money, people
from .creds import Creds
from .dump import Dump

SOURCE = "librechat"
CARRIED = ("roles", "groups", "users", "agentapikeys", "agents", "actions", "aclentries", "balances", "transactions")
ACCESS_ROLES = "their bits are in the access entries"
KEYS = "keys for endpoints that users brought are encrypted for LibreChat; users bring them again (PUT /api/keys)"
SESSIONS = "sessions and tokens are not carried: users log in again"
CONVERSATIONS = "the gateway keeps no conversations of LibreChat's web client"
NOT_CARRIED = {
    "accessroles": ACCESS_ROLES,
    "keys": KEYS,
    "pluginauths": KEYS,
    "sessions": SESSIONS,
    "tokens": SESSIONS,
    "conversations": CONVERSATIONS,
    "messages": CONVERSATIONS,
    "sharedlinks": CONVERSATIONS,
    "files": "the files themselves are not in the database",
}
OTHERS = "the gateway keeps nothing of the kind"


def plan_of(dump: Dump, creds: Creds, terms: Terms, now: float) -> Plan:
    """terms: by which accounts are opened and refilled here. Raises BadCall for what is not JSON."""
    notes: list[Note] = []
    grouped = list(people.groups(dump.documents("groups"), notes))
    member_of = people.memberships(grouped)
    found = list(agents.agents(dump.documents("agents"), notes))
    ids = {inner: agent.id for inner, agent in found}
    return Plan(
        source=SOURCE,
        roles=list(people.roles(dump.documents("roles"), notes)),
        groups=[group for group, _ in grouped],
        users=list(people.users(dump.documents("users"), member_of, creds, notes)),
        keys=list(keys.keys(dump.documents("agentapikeys"), now, notes)),
        agents=[agent for _, agent in found],
        actions=list(actions.actions(dump.documents("actions"), creds, notes)),
        grants=list(agents.grants(dump.documents("aclentries"), ids, notes)),
        balances=list(money.balances(dump.documents("balances"), terms, notes)),
        notes=[*notes, *money.transactions(dump.documents("transactions")), *_others(dump)],
    )


def _others(dump: Dump) -> Iterator[Note]:
    for collection in dump.collections:
        if collection not in CARRIED and (count := dump.count(collection)):
            yield Note(collection, "", "dropped", NOT_CARRIED.get(collection, OTHERS), count)
