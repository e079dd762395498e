"""What caches watch: a counter for who there is, and one each for agents and who may use them, budgets, and each
kind of what else users make.
"""

from __future__ import annotations

from .database import Transaction

REVISION = "SELECT revision FROM revisions WHERE name = ?1"
KEYS, AGENTS, BUDGETS, RESOURCES = "keys", "agents", "budgets", "resources"
_CHANGED = """
INSERT INTO revisions (name, revision) VALUES (?1, 1)
ON CONFLICT (name) DO UPDATE SET revision = revisions.revision + 1
"""


async def changed(transaction: Transaction, what: str = KEYS) -> None:
    """Before anything else of a change: until it is committed, nobody else changes what is counted here."""
    await transaction.rows(_CHANGED, (what,))


async def turn(transaction: Transaction, what: str = KEYS) -> None:
    """In its place, where there may be nothing to change."""
    await transaction.rows(f"{REVISION} {transaction.for_update}", (what,))
