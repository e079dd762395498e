"""`caller`: who calls a tool. The model itself is what no caller means too, so that one is not kept."""

from __future__ import annotations

from gateway import Extra
from gateway.wire import jsontext

CALLER = "caller"
_DIRECT = b'"direct"'


def told(extra: Extra) -> Extra:
    """The members of a call that say something."""
    caller = extra.get(CALLER)
    if caller is None or bytes(jsontext.members(caller).get("type", b"")) != _DIRECT:
        return extra
    return {name: value for name, value in extra.items() if name != CALLER}
