"""What is left of a row once its known columns are taken: told, so that nothing is lost in silence."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..verdict import Note
from .database import Row

BOOKKEEPING = frozenset(
    {"created_at", "created_by", "updated_at", "updated_by", "model_spend", "soft_budget_cooldown", "rotation_count"}
)
"""Dates and sums that LiteLLM keeps for its own pages."""
LIMITS = "limits of imported keys and teams are written as `gateway.permission-limits` by hand: {value}"
REASONS = {
    "tpm_limit": LIMITS,
    "rpm_limit": LIMITS,
    "max_parallel_requests": LIMITS,
    "object_permission_id": "what it may do with MCP servers and vector stores has no place here",
    "metadata": "free text of LiteLLM's has no place here",
}
NO_PLACE = "the gateway has no place for it"


def left_of(what: str, name: str, row: Row, taken: Collection[str]) -> Iterator[Note]:
    """A note for each other column that holds anything."""
    for column, value in row.items():
        if column not in taken and column not in BOOKKEEPING and value not in (None, "", [], {}, False):
            yield Note(f"{what}.{column}", name, "dropped", REASONS.get(column, NO_PLACE).format(value=value))
