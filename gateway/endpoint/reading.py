"""What the settings say of an endpoint: values, base URL, headers, names in URLs, a service account. Read at startup.

What cannot be used raises Unusable, with the variable or the path that says it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..secret import Secret
from ..services import Services
from ..settings import Settings, UnsetVariable
from .address import Address
from .fields import endpoint_headers
from .headers import BadHeader, HeaderTemplates
from .service_account import TokenSource
from .service_key import ServiceKey
from .unusable import Unusable

CORRECT_IT = "correct it"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9:._-]*[a-z0-9])?", re.IGNORECASE)


def resolved(settings: Settings, where: str, text: str) -> str:
    """text: with `${VAR}` in it. Raises Unusable."""
    try:
        return settings.resolve(text).strip()
    except UnsetVariable as error:
        raise Unusable.unset(where, error) from error


def base_url(settings: Settings, variable: str, path: str, text: str) -> tuple[str, str]:
    """The variable's value, else `text`, which stands at `path`; and which of the two places it is from.

    Raises Unusable.
    """
    given = settings.env(variable)
    where, text = (path, text) if given is None else (variable, given)
    return where, resolved(settings, where, text)


def address(where: str, base: str) -> Address:
    """Raises Unusable."""
    try:
        return Address(base)
    except ValueError as error:
        raise Unusable(where, str(error), "write it like https://host/v1") from error


def header_templates(
    settings: Settings,
    path: str,
    configured: Mapping[str, Secret],
    ours: Mapping[str, str],
    sources: Mapping[str, str],
) -> HeaderTemplates:
    """configured: what stands at `path`; headers of `endpoints.all` come with it. Raises Unusable.

    ours: sent where nothing configured has such a name. sources: where each of ours is from, as a variable's name.
    """
    headers = endpoint_headers(settings, configured)
    try:
        return HeaderTemplates.compile(settings, headers, ours)
    except UnsetVariable as error:
        raise Unusable.unset(path, error) from error
    except BadHeader as error:
        where = f"{path}.{error.name}" if error.name in headers else sources[error.name]
        raise Unusable(where, str(error), CORRECT_IT) from error


def url_name(where: str, name: str) -> str:
    """A project, region or the like that becomes part of a URL. Raises Unusable."""
    if not name:
        raise Unusable(where, "it is not set, and the service account's key names none")
    if not _NAME.fullmatch(name):
        raise Unusable(where, "it has characters that such a name does not have", CORRECT_IT)
    return name


def service_key(where: str, text: str) -> ServiceKey:
    """Raises Unusable."""
    try:
        return ServiceKey.read(text)
    except ValueError as error:
        raise Unusable(where, str(error), CORRECT_IT) from error


def token_source(services: Services, endpoint: str, key: ServiceKey, scope: str) -> TokenSource:
    """Raises Unusable."""
    try:
        return TokenSource(services.upstream, services.clock, services.log, f"endpoint {endpoint}", key, scope)
    except ValueError as error:
        raise Unusable("the service account's key", str(error), CORRECT_IT) from error
