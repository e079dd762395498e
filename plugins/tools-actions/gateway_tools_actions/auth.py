"""What an API wants to be proved: nothing, a key, or a token, by client credentials or of who is logged in there."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote_plus, urlencode

from gateway import Address, Asker, Secret, Services, Settings
from gateway.endpoint.access_tokens import AccessTokens, Asking
from gateway.oauth import Terms, Trust, is_protected

from .doors import Door, Doors
from .section import Auth

_FIELD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BETTER_NOT = frozenset(("host", "content-length", "transfer-encoding", "connection", "content-type"))


class Unprovable(Exception):
    """where: a key of `auth`. what, todo: in words for the operator."""

    def __init__(self, where: str, what: str, todo: str) -> None:
        super().__init__(what)
        self.where, self.what, self.todo = where, what, todo


class Shown(NamedTuple):
    """What goes with a request. secrets: no result may say them."""

    headers: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    secrets: Sequence[str] = ()


class Proof(ABC):
    """header, parameter: which are its own, so that no model may fill them; "" where there is none. door: where its
    users log in, if they do.
    """

    header = ""
    parameter = ""
    door: Door | None = None

    @abstractmethod
    async def shown(self, asker: Asker) -> Shown:
        """Raises UpstreamError and Unproved where there is nothing to show."""

    async def renewed(self, asker: Asker, refused: Shown) -> Shown | None:
        """After the API did not take it; None where there is nothing else. Raises as `shown` does."""
        return None


class Nothing(Proof):
    async def shown(self, asker: Asker) -> Shown:
        return Shown()


class Key(Proof):
    def __init__(self, key: Secret, kind: str, header: str, parameter: str) -> None:
        self._key, self._kind = key, kind
        self.header, self.parameter = header, parameter

    async def shown(self, asker: Asker) -> Shown:
        key = self._key.reveal()
        if self._kind == "query":
            return Shown(query={self.parameter: key}, secrets=(key,))
        if self._kind == "custom":
            return Shown({self.header: key}, secrets=(key,))
        basic = b64encode(key.encode()).decode()
        said = f"Basic {basic}" if self._kind == "basic" else f"Bearer {key}"
        return Shown({"authorization": said}, secrets=(key, basic))


class ClientTokens(AccessTokens):
    """RFC 6749, section 4.4."""

    identity = "this client"
    refused = "look at client_id, client_secret and scope"
    unreached = "look at token_url and the way there"

    def __init__(self, services: Services, label: str, auth: Auth, url: str, client: Secret, secret: Secret) -> None:
        super().__init__(services.upstream, services.clock, services.log, label)
        self._auth, self._url, self._client, self._secret = auth, url, client, secret

    def asking(self) -> Asking:
        fields = {"grant_type": "client_credentials"}
        if self._auth.scope:
            fields["scope"] = self._auth.scope
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        client, secret = self._client.reveal(), self._secret.reveal()
        if self._auth.token_exchange_method == "basic_auth_header":  # noqa: S105
            pair = f"{quote_plus(client)}:{quote_plus(secret)}"
            headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            fields |= {"client_id": client, "client_secret": secret}
        return Asking("POST", self._url, headers, urlencode(fields).encode())


class Token(Proof):
    header = "authorization"

    def __init__(self, tokens: ClientTokens) -> None:
        self._tokens = tokens

    async def shown(self, asker: Asker) -> Shown:
        return _bearer(await self._tokens.token())


class UserToken(Proof):
    header = "authorization"

    def __init__(self, door: Door) -> None:
        self.door = self._door = door

    async def shown(self, asker: Asker) -> Shown:
        return _bearer(await self._door.token(asker))

    async def renewed(self, asker: Asker, refused: Shown) -> Shown:
        return _bearer(await self._door.token(asker, refused.secrets[0]))


def _bearer(token: str) -> Shown:
    return Shown({"authorization": f"Bearer {token}"}, secrets=(token,))


def proof_of(auth: Auth, settings: Settings, services: Services, label: str, doors: Doors) -> Proof:
    """label: for the log. doors: where users log in to it. Raises Unprovable, and UnsetVariable."""
    if auth.type == "none":
        return Nothing()
    if auth.type == "oauth" and auth.authorization_url:
        return _user_token(auth, settings, doors)
    if auth.type == "oauth":
        return _token(auth, settings, services, label)
    key = _sendable("api_key", settings.secret(auth.api_key))
    header = "authorization"
    if auth.authorization_type == "custom":
        header = auth.custom_auth_header.strip()
        if not _FIELD.fullmatch(header) or header.lower() in _BETTER_NOT:
            raise Unprovable("custom_auth_header", "this is no name of a header for a key", "name one, as X-API-Key")
    if auth.authorization_type == "query":
        if not auth.query_parameter:
            raise Unprovable("query_parameter", "this is missing", "name the query parameter that the key goes in")
        return Key(key, "query", "", auth.query_parameter)
    return Key(key, auth.authorization_type, header.lower(), "")


def _token(auth: Auth, settings: Settings, services: Services, label: str) -> Token:
    client = _sendable("client_id", settings.secret(auth.client_id))
    secret = _sendable("client_secret", settings.secret(auth.client_secret))
    url = _url("token_url", settings.resolve(auth.token_url), "give the token server's URL")
    return Token(ClientTokens(services, label, auth, url, client, secret))


def _user_token(auth: Auth, settings: Settings, doors: Doors) -> UserToken:
    there = _url("authorization_url", settings.resolve(auth.authorization_url), "give the page where users log in")
    url = _url("token_url", settings.resolve(auth.token_url), "give the token server's URL")
    trusts = [_trust(where, one, doors) for where, one in (("authorization_url", there), ("token_url", url))]
    client = _sendable("client_id", settings.secret(auth.client_id))
    secret = settings.secret(auth.client_secret)
    terms = Terms(
        client_id=client.reveal(),
        client_secret=_sendable("client_secret", secret) if secret else secret,
        method=auth.token_exchange_method,
        token_url=url,
        send_resource=False,
    )
    return UserToken(doors.door(terms, there, auth.scope, trusts[1]))


def _trust(where: str, url: str, doors: Doors) -> Trust:
    """Raises Unprovable."""
    trust = doors.trust(url)
    if trust is None:
        what = f"the {where} is not among actions.allowedDomains"
        raise Unprovable(where, what, "add its domain there, or leave the action out")
    if trust == "user" and not is_protected(url):
        raise Unprovable(where, f"the {where} does not start with https://", "give one that does")
    return trust


def _url(where: str, text: str, todo: str) -> str:
    try:
        return Address(text).verbatim
    except ValueError as error:
        raise Unprovable(where, f"the {where} cannot be used: {error}", todo) from error


def _sendable(where: str, secret: Secret) -> Secret:
    text = secret.reveal()
    if not text:
        raise Unprovable(where, "this is missing", "give it, as ${A_VARIABLE}")
    if not (text.isascii() and text.isprintable()):
        raise Unprovable(where, "it has characters that no header can hold", "look at what the variable has")
    return secret
