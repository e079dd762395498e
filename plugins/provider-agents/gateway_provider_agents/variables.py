"""Variables in agents' instructions, as LibreChat has them, filled in anew for each call.

Source: LibreChat `packages/data-provider/src/parsers.ts`, `replaceSpecialVars`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec

from gateway import Principal, Route

_VARIABLE = re.compile(r"\{\{(current_date|current_datetime|iso_datetime|current_user)\}\}", re.IGNORECASE | re.ASCII)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Instructions:
    """Read once. varies: whether anything in them is to be filled in."""

    __slots__ = ("_pieces", "varies")

    def __init__(self, text: str) -> None:
        self._pieces = _VARIABLE.split(text) if "{{" in text else [text]
        self.varies = len(self._pieces) > 1

    def filled(self, now: float, principal: Principal) -> str:
        """now: epoch seconds. All in one pass: what is filled in is not looked at again."""
        pieces = list(self._pieces)
        for place in range(1, len(pieces), 2):
            pieces[place] = _value(pieces[place], now, principal)
        return "".join(pieces)

    def route(self, route: Route, now: float, principal: Principal) -> Route:
        """The same for this caller, at this time."""
        if not self.varies:
            return route
        edit = msgspec.structs.replace(route.edit, instructions=self.filled(now, principal))
        return msgspec.structs.replace(route, edit=edit)


def _value(name: str, now: float, principal: Principal) -> str:
    """As the machine's time zone has it. A caller without a name leaves the variable as it stands, as in LibreChat."""
    wanted = name.lower()
    if wanted == "current_user":
        return " ".join(principal.name.split()) or f"{{{{{name}}}}}"
    if wanted == "iso_datetime":
        return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    here = datetime.fromtimestamp(now).astimezone()
    day = _DAYS[here.weekday()]
    if wanted == "current_date":
        return f"{here:%Y-%m-%d} ({day})"
    zone = f"{here:%z}"
    return f"{here:%Y-%m-%d %H:%M:%S} {zone[:3]}:{zone[3:5]} ({day})"
