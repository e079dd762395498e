"""References: items that a client names by their ids alone, as those do that rely on earlier replies being kept.

The id of an item that was made here holds the one of its reply; any other is looked for beside those.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Raw

from gateway import BadCall, Owner

from . import items
from .history import of_response
from .kept import Kept

_MADE = re.compile(r"[a-z]+_([0-9a-f]{24})(?:_|i)\d+")
"""By `output.Item`, or `items.named`."""


def refers(asked: Sequence[Raw]) -> bool:
    return any(items.kind_of(item) == items.REFERENCE for item in asked)


async def of_replies(kept: Kept, owner: Owner, asked: Sequence[Raw], domains: set[str]) -> Mapping[str, Raw]:
    """By id, what is kept of the replies that references lead to, for one of these makers of opaque state."""
    names = [items.id_of(item) for item in asked if items.kind_of(item) == items.REFERENCE]
    replies = dict.fromkeys(f"resp_{made[1]}" for name in names if (made := _MADE.fullmatch(name)) is not None)
    found: dict[str, Raw] = {}
    for reply in replies:
        one = await kept.behind.sought(owner, reply, kept.now)
        if one is not None:
            said = of_response(one)
            told = items.again(said, None if domains == {one.domain} else one.domain)
            found |= {items.id_of(item): sent for item, sent in zip(said, told, strict=True)}
    return found


def resolved(
    asked: Sequence[Raw], known: Sequence[Raw], elsewhere: Mapping[str, Raw], param: str = "input"
) -> list[Raw]:
    """References are what they refer to: among these items, the known ones, or elsewhere. Raises BadCall."""
    by_id = {items.id_of(item): item for item in (*known, *asked) if items.kind_of(item) != items.REFERENCE}
    out = []
    for n, item in enumerate(asked):
        if items.kind_of(item) == items.REFERENCE:
            name = items.id_of(item)
            found = by_id.get(name) or elsewhere.get(name)
            if found is None:
                raise BadCall(
                    f"Item with id '{name}' not found (`{param}[{n}]`). It is known while its response is kept "
                    "(`store` is not false, and it has neither expired nor been deleted); send the item itself.",
                    param=f"{param}[{n}]",
                    code="item_not_found",
                )
            item = found
        out.append(item)
    return out
