"""What an entry says about where to send and what to prove there, or why that cannot be known."""

from __future__ import annotations

from gateway import Address, BadHeader, HeaderTemplates, Settings, UnsetVariable, endpoint_headers

from .section import CustomEndpoint

USER_PROVIDED = "user_provided"


class Unusable(Exception):
    """An entry that cannot be called. key: where in the entry. what: in words for the operator. todo: what to do."""

    def __init__(self, key: str, what: str, todo: str) -> None:
        super().__init__(what)
        self.key, self.what, self.todo = key, what, todo


def address_of(entry: CustomEndpoint, settings: Settings) -> Address:
    """Raises Unusable."""
    try:
        return Address(_given("baseURL", entry.base_url, settings))
    except ValueError as error:
        raise Unusable("baseURL", str(error), "write it like https://host/v1") from error


def headers_of(entry: CustomEndpoint, settings: Settings) -> HeaderTemplates:
    """The key as a bearer token, unless the headers have an `Authorization` of their own. Raises Unusable."""
    key = _given("apiKey", entry.api_key.reveal(), settings)
    headers = endpoint_headers(settings, entry.headers)
    try:
        return HeaderTemplates.compile(settings, headers, {"authorization": f"Bearer {key}"})
    except UnsetVariable as error:
        raise _unset("headers", error) from error
    except BadHeader as error:
        where = f"headers.{error.name}" if error.name in headers else "apiKey"
        raise Unusable(where, str(error), "correct it") from error


def _given(key: str, text: str, settings: Settings) -> str:
    try:
        value = settings.resolve(text).strip()
    except UnsetVariable as error:
        raise _unset(key, error) from error
    if not value:
        raise Unusable(key, "it is missing, so the endpoint is skipped", "give it, or take the endpoint out")
    if value == USER_PROVIDED:
        raise Unusable(key, "user_provided keys are not supported yet", "put the value itself or a ${VARIABLE} here")
    return value


def _unset(key: str, error: UnsetVariable) -> Unusable:
    names = " and ".join(error.names)
    what = f"the variable {names} is not set" if len(error.names) == 1 else f"the variables {names} are not set"
    return Unusable(key, what, "set it in the environment or in .env")
