"""What a caller brings to an endpoint of `user_provided` keys, made safe to send."""

from __future__ import annotations

import re

from ..errors import BadCall
from ..provider import Outgoing
from .address import Address

USER_PROVIDED = "user_provided"
"""LibreChat's word, in place of a key or a base URL, for what its users bring themselves."""

_UNFIT = re.compile(r"[^\x20-\x7e]")


def brought(outgoing: Outgoing, name: str) -> str:
    """What the caller brought under LibreChat's name for it (`apiKey`), fit for a header. Raises BadCall."""
    text = outgoing.user_key.text(name).strip() if outgoing.user_key is not None else ""
    if not text:
        raise BadCall(f"The endpoint {outgoing.target.endpoint} takes your own {name}.", code="no_user_key")
    if _UNFIT.search(text):
        raise BadCall(f"Your {name} for {outgoing.target.endpoint} has characters in it that cannot be sent.")
    return text


def brought_address(outgoing: Outgoing) -> Address:
    """The caller's own base URL. Raises BadCall."""
    try:
        return Address(brought(outgoing, "baseURL"))
    except ValueError as error:
        raise BadCall(f"Your baseURL for {outgoing.target.endpoint} cannot be used: {error}.") from error
