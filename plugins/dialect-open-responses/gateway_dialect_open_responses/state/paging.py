"""Pages of items, as OpenAI's lists have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Raw

from gateway import BadCall
from gateway.wire.jsontext import encode

from .items import id_of

LEAST, MOST, USUAL = 1, 100, 20


def page(items: Sequence[Raw], query: Mapping[str, str]) -> bytes:
    """items: oldest first. Newest first is what is told, unless `order` says otherwise. Raises BadCall."""
    limit, order = _limit(query.get("limit", "")), query.get("order", "") or "desc"
    if order not in ("asc", "desc"):
        raise BadCall("`order` must be asc or desc.", param="order", code="invalid_value")
    listed = list(items) if order == "asc" else list(reversed(items))
    if after := query.get("after", ""):
        places = [n for n, item in enumerate(listed) if id_of(item) == after]
        if not places:
            raise BadCall(f"There is no item with the id '{after}' here to begin behind.", param="after")
        listed = listed[places[-1] + 1 :]
    shown = listed[:limit]
    return encode(
        {
            "object": "list",
            "data": shown,
            "first_id": id_of(shown[0]) if shown else None,
            "last_id": id_of(shown[-1]) if shown else None,
            "has_more": len(listed) > limit,
        }
    )


def _limit(text: str) -> int:
    if not text:
        return USUAL
    limit = int(text) if text.isdecimal() and len(text) < 6 else 0
    if not LEAST <= limit <= MOST:
        raise BadCall(f"`limit` must be a number from {LEAST} to {MOST}.", param="limit", code="invalid_value")
    return limit
