"""Site: a service that users log in to, and the authorization server that lets them in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

from ..provider import Timeouts
from ..secret import Secret

LARGEST = 2**18
"""Bytes of an authorization server's answer."""
TIMES = Timeouts(10.0, 10.0, 10.0)
LOCAL = frozenset(("localhost", "127.0.0.1", "::1"))
Trust = Literal["operator", "user"]


class Terms(Struct, frozen=True, kw_only=True):
    """What is said of the authorization server beforehand. client_id: "" where the gateway registers itself. method:
    how its secret is shown, in LibreChat's words. token_url: that may be where the site itself may be. send_resource:
    whether the server is told what a token is for (RFC 8707); audience: the same in Auth0's way.
    """

    client_id: str = ""
    client_secret: Secret = Secret("")
    method: str = ""
    token_url: str = ""
    send_resource: bool = True
    audience: str = ""
    audience_on_refresh: bool = False


class Site(Struct, frozen=True):
    """name: by which logins are kept. url: of what tokens are for; where that is another one, users log in anew.

    headers: for the site's own origin alone. redirect_uri: "" where nobody has said how browsers reach this gateway.
    trust: of the site's origin and the token_url of its terms; every other address must be a public one.
    """

    name: str
    url: str
    terms: Terms = Terms()
    headers: Mapping[str, str] = {}
    redirect_uri: str = ""
    trust: Trust = "operator"


class Authority(Struct, frozen=True):
    """resource: what tokens are asked for. scope: what is asked for where nobody says otherwise. methods: in which a
    client shows itself at the token endpoint. tells_issuer: its answers to browsers name it (RFC 9207).
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    resource: str
    registration_endpoint: str = ""
    methods: tuple[str, ...] = ()
    scope: str = ""
    tells_issuer: bool = False


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def is_protected(url: str) -> bool:
    """Whether what is said there nobody can read on the way."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and (parts.hostname or "") in LOCAL)
