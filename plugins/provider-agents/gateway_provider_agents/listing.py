"""Lists of agents as LibreChat gives them: what is asked for, in pages, the newest first.

Source: LibreChat `api/server/controllers/agents/v1.js`, `packages/data-schemas/src/methods/agent.ts`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from gateway import Agent
from gateway.identity import EDIT, VIEW

from .fields import Wrong
from .shapes import Document, date_told, listed
from .versions import CATEGORY

DEFAULT, FALSE_NUMBER, MOST = 100, 20, 1000
LONGEST_SEARCH = 100


class Seen(Struct, frozen=True):
    """An agent, what the caller may do with it, and whether everybody may look at it."""

    agent: Agent
    bits: int
    public: bool = False


class Place(Struct, frozen=True, rename={"at": "updatedAt", "agent_id": "_id"}):
    """Where a page ended."""

    at: str
    agent_id: str


class Wanted(Struct, frozen=True):
    """needed: bits that the caller has on each. promoted: None for either."""

    category: str = ""
    search: str = ""
    promoted: bool | None = None
    needed: int = VIEW
    limit: int = DEFAULT
    after: Place | None = None

    @staticmethod
    def of(query: Mapping[str, str]) -> Wanted:
        """Raises Wrong for a cursor that is none: whoever goes on from it would begin anew, for ever."""
        return Wanted(
            category=query.get("category", "").strip(),
            search=query.get("search", "").strip()[:LONGEST_SEARCH].lower(),
            promoted={"1": True, "0": False}.get(query.get("promoted", "")),
            needed=_number(query.get("requiredPermission", ""), VIEW),
            limit=min(max(1, _number(query["limit"], FALSE_NUMBER)), MOST) if "limit" in query else DEFAULT,
            after=_place(query["cursor"]) if query.get("cursor") else None,
        )

    def fits(self, one: Seen) -> bool:
        agent = one.agent
        return (
            one.bits & self.needed == self.needed
            and self.category in ("", category_of(agent))
            and self.promoted in (None, is_promoted(agent))
            and (self.search in agent.name.lower() or self.search in agent.description.lower())
        )


def page(seen: Iterable[Seen], wanted: Wanted, user_id: str) -> Document:
    """Authors are told of one's own alone."""
    fitting = sorted((one for one in seen if wanted.fits(one)), key=_order)
    if wanted.after is not None:
        end = (-_moment(wanted.after.at), wanted.after.agent_id)
        fitting = [one for one in fitting if _order(one) > end]
    shown, more = fitting[: wanted.limit], len(fitting) > wanted.limit
    return {
        "object": "list",
        "data": [_told(one, user_id) for one in shown],
        "first_id": shown[0].agent.id if shown else None,
        "last_id": shown[-1].agent.id if shown else None,
        "has_more": more,
        "after": _cursor(shown[-1].agent) if more else None,
    }


def category_of(agent: Agent) -> str:
    return str(agent.extra.get("category") or CATEGORY)


def is_promoted(agent: Agent) -> bool:
    return agent.extra.get("is_promoted") is True


def categories(agents: Sequence[Agent]) -> list[Document]:
    """Of these agents. Labels and descriptions are names in LibreChat's client, which knows them in many languages."""
    counts: dict[str, int] = dict.fromkeys(("general", "hr", "rd", "finance", "it", "sales", "aftersales"), 0)
    own = set(counts)
    for agent in agents:
        counts[category_of(agent)] = counts.get(category_of(agent), 0) + 1
    told: list[Document] = [
        {
            "value": value,
            "label": f"com_agents_category_{value}" if value in own else value,
            "count": count,
            "description": f"com_agents_category_{value}_description" if value in own else "",
        }
        for value, count in counts.items()
    ]
    if promoted := sum(map(is_promoted, agents)):
        what = "Our recommended agents"
        told.insert(0, {"value": "promoted", "label": "Promoted", "count": promoted, "description": what})
    return [*told, {"value": "all", "label": "All", "description": "All available agents"}]


def _told(one: Seen, user_id: str) -> Document:
    told = listed(one.agent, editable=bool(one.bits & EDIT), public=one.public)
    return told | ({"author": one.agent.author} if one.agent.author and one.agent.author == user_id else {})


def _order(one: Seen) -> tuple[int, str]:
    return -round(one.agent.updated * 1000), one.agent.id


def _cursor(agent: Agent) -> str:
    return base64.b64encode(msgspec.json.encode(Place(date_told(agent.updated), agent.id))).decode()


def _place(cursor: str) -> Place:
    try:
        place = msgspec.json.decode(base64.b64decode(cursor, validate=True), type=Place)
        _moment(place.at)
    except (msgspec.MsgspecError, binascii.Error, ValueError) as error:
        raise Wrong("send the `after` of the page before, as it is", ["cursor"]) from error
    return place


def _moment(at: str) -> int:
    """Milliseconds since the epoch."""
    return round(msgspec.convert(at, datetime).timestamp() * 1000)


def _number(text: str, default: int) -> int:
    """As JavaScript's parseInt reads it."""
    found = re.match(r"\s*[+-]?\d{1,15}", text)
    return int(found[0]) if found else default
