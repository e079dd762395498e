"""Actions that are stored with an agent: who may edit it wrote them, so that they know nothing of this machine.

Variables of the environment are not for them, and they may only be where `actions.allowedDomains` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast
from urllib.parse import urlsplit

from gateway import BadCall, Finding, Resource, Sealed, Secret, Services, Settings, StoredAction, Unavailable
from gateway.actions import ActionAuth, ActionTaken, opened

from .action import Action
from .domains import trust_of
from .doors import domain_of
from .names import encoded_domain
from .section import ActionFields, ActionsSettings, Auth
from .source import Actions, Unusable, action_of

LARGEST = 512 * 2**10
"""Bytes of a stored document."""
Way = Literal["bearer", "basic", "custom", "query"]
_WAYS = frozenset(("bearer", "basic", "custom"))
Method = Literal["default_post", "basic_auth_header"]
_METHODS = frozenset(("default_post", "basic_auth_header"))


def taken(action: StoredAction, functions: Sequence[str], settings: Settings, services: Services) -> ActionTaken:
    """functions: of the document's operations, those that are wanted. Raises BadCall."""
    try:
        made = _made(action, settings, services)
    except Unusable as error:
        finding = error.findings[-1]
        raise BadCall(f"The action cannot be used: {finding.what}.", param="metadata") from error
    _check_domain(action.metadata.domain, made.host)
    known = {operation.id for operation in made.operations}
    if strange := [name for name in functions if name not in known]:
        raise BadCall(f"The document has no operation {strange[0]!r} that could be a tool.", param="functions")
    auth = action.metadata.auth
    return ActionTaken(made.origin, encoded_domain(made.host), auth.client_url if auth is not None else "")


def actions_of(kept: Sequence[Resource], settings: Settings, services: Services) -> Actions:
    """Those of one agent; one that cannot be used is missing, and says why in the log."""
    made: list[Action] = []
    unusable: dict[str, str] = {}
    for one in kept:
        try:
            assert services.vault is not None
            made.append(_made(opened(one, services.vault), settings, services))
        except (Sealed, Unavailable) as error:
            unusable[one.id] = f"it cannot be read: {type(error).__name__}"
        except Unusable as error:
            unusable[one.id] = error.findings[-1].what
        if one.id in unusable:
            services.log.warning("actions: %s of %s cannot be used: %s", one.id, one.agent, unusable[one.id])
    return Actions(made, (), unusable)


def _made(action: StoredAction, settings: Settings, services: Services) -> Action:
    """Raises Unusable."""
    where = settings.one(ActionsSettings)
    if not where.allowed_domains:
        raise Unusable(_wrong("no domain is allowed for it", "add its domain to actions.allowedDomains"))
    if len(action.metadata.raw_spec.encode("utf-8", "replace")) > LARGEST:
        raise Unusable(_wrong(f"its document has more than {LARGEST} bytes", "give the part that is needed"))
    fields = ActionFields(name=action.id, document=action.metadata.raw_spec, auth=_auth(action))
    given, domain = Settings.of(where), domain_of(settings)
    made, _ = action_of(fields, "metadata", given, services, where, domain, "agent", _trust)
    return made


def _trust(url: str, where: ActionsSettings) -> Literal["operator", "user"] | None:
    """A place that the operator named himself may be a private one; a pattern lets in whoever has a name under it."""
    exact = ActionsSettings(tuple(one for one in where.allowed_domains if "*" not in one))
    if exact.allowed_domains and trust_of(url, exact) is not None:
        return "operator"
    return "user" if trust_of(url, where) is not None else None


def _auth(action: StoredAction) -> Auth:
    """Raises Unusable."""
    auth, metadata = action.metadata.auth, action.metadata
    if auth is None or auth.type == "none":
        return Auth()
    for secret in (metadata.api_key, metadata.oauth_client_id, metadata.oauth_client_secret):
        if "${" in secret.reveal():
            raise Unusable(_wrong("its key names a variable of the operator", "give the key itself"))
    if auth.type == "oauth":
        return _login(action)
    if auth.type != "service_http":
        raise Unusable(_wrong(f"there is no auth of type {auth.type[:40]!r}", "write none, service_http or oauth"))
    way = auth.authorization_type or "bearer"
    if way not in _WAYS:
        raise Unusable(_wrong(f"there is no authorization_type {way[:40]!r}", "write bearer, basic or custom"))
    return Auth(
        type="service_http",
        api_key=Secret(metadata.api_key.reveal()),
        authorization_type=cast("Way", way),
        custom_auth_header=auth.custom_auth_header,
    )


def _login(action: StoredAction) -> Auth:
    """Each user logs in to the API. Raises Unusable."""
    auth, metadata = action.metadata.auth or ActionAuth(), action.metadata
    if not auth.authorization_url:
        raise Unusable(_wrong("it does not say where users log in", "give auth.authorization_url"))
    method = auth.token_exchange_method or "default_post"
    if method not in _METHODS:
        what = f"there is no token_exchange_method {method[:40]!r}"
        raise Unusable(_wrong(what, "write default_post or basic_auth_header"))
    return Auth(
        type="oauth",
        authorization_url=auth.authorization_url,
        token_url=auth.client_url,
        client_id=metadata.oauth_client_id,
        client_secret=metadata.oauth_client_secret,
        scope=auth.scope,
        token_exchange_method=cast("Method", method),
    )


def _check_domain(said: str, host: str) -> None:
    """What the client shows its user is where the calls go."""
    named = urlsplit(said if "://" in said else f"//{said}").hostname or ""
    if named and named != (urlsplit(f"//{host}").hostname or ""):
        raise BadCall(f"The document's server is at {host}, not at {named}.", param="metadata.domain")


def _wrong(what: str, todo: str) -> Finding:
    return Finding("metadata", what, todo)
