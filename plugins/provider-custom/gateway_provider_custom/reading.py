"""What an entry says about where to send and what to prove there, or why that cannot be known."""

from __future__ import annotations

from urllib.parse import urlsplit

from gateway import Address, BadHeader, HeaderTemplates, Settings, UnsetVariable, endpoint_headers
from gateway.endpoint import USER_PROVIDED, Known

from .section import CustomEndpoint
from .style import Style


class Unusable(Exception):
    """An entry that cannot be called. key: where in the entry. what: in words for the operator. todo: what to do."""

    def __init__(self, key: str, what: str, todo: str) -> None:
        super().__init__(what)
        self.key, self.what, self.todo = key, what, todo


def base_of(entry: CustomEndpoint, settings: Settings) -> str:
    """The entry's base URL, "" where it gives none. Raises Unusable."""
    return _resolved("baseURL", entry.base_url, settings)


def host_in(base: str) -> str:
    """Of a URL, however wrong the rest of it may be."""
    try:
        return urlsplit(base).hostname or ""
    except ValueError:
        return ""


def address_of(base: str, known: Known) -> Address | None:
    """None where callers bring theirs. Raises Unusable."""
    if base == USER_PROVIDED:
        return None
    try:
        return Address(_given("baseURL", base or known.base_url or ""))
    except ValueError as error:
        raise Unusable("baseURL", str(error), "write it like https://host/v1") from error


def key_of(entry: CustomEndpoint, known: Known, settings: Settings) -> str | None:
    """None where callers bring theirs. Raises Unusable."""
    key = _resolved("apiKey", entry.api_key.reveal(), settings) or settings.env(known.key or "") or ""
    return None if key.strip() == USER_PROVIDED else _given("apiKey", key)


def headers_of(entry: CustomEndpoint, key: str | None, style: Style, settings: Settings) -> HeaderTemplates:
    """The key where its upstream wants it, unless a configured header is there. Raises Unusable."""
    headers = endpoint_headers(settings, entry.headers)
    ours = {} if key is None else {style.header: style.prefix + key}
    try:
        return HeaderTemplates.compile(settings, headers, ours)
    except UnsetVariable as error:
        raise _unset("headers", error) from error
    except BadHeader as error:
        where = f"headers.{error.name}" if error.name in headers else "apiKey"
        raise Unusable(where, str(error), "correct it") from error


def _resolved(key: str, text: str, settings: Settings) -> str:
    try:
        return settings.resolve(text).strip()
    except UnsetVariable as error:
        raise _unset(key, error) from error


def _given(key: str, value: str) -> str:
    if not value.strip():
        raise Unusable(key, "it is missing, so the endpoint is skipped", "give it, or take the endpoint out")
    return value.strip()


def _unset(key: str, error: UnsetVariable) -> Unusable:
    names = " and ".join(error.names)
    what = f"the variable {names} is not set" if len(error.names) == 1 else f"the variables {names} are not set"
    return Unusable(key, what, "set it in the environment or in .env")
