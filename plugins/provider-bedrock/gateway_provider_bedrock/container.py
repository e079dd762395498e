"""Keys of a container's role, from the endpoint that its variables name: ECS, EKS Pod Identity, Greengrass.

Source: AWS SDKs and Tools Reference Guide, "Container credential provider".
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from gateway import Settings, Upstream
from gateway.endpoint import Address, Unusable

from .temporary import NoKeys, Temporary, ask, read, text_of

RELATIVE, FULL = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN, TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
ECS = "http://169.254.170.2"
PLAIN = frozenset(map(ip_address, ("169.254.170.2", "169.254.170.23", "fd00:ec2::23")))
"""Addresses of AWS's that may be asked without TLS; so may this machine itself."""
TIMEOUT = 5.0
_FIT = re.compile(r"[\x20-\x7e]+")


class Container:
    def __init__(self, url: str, token: str | None, token_file: str | None, upstream: Upstream) -> None:
        self._url, self._token, self._token_file, self._upstream = url, token, token_file, upstream

    @classmethod
    def of(cls, settings: Settings, upstream: Upstream) -> Container | None:
        """None where no variable names an endpoint. Raises Unusable."""
        relative, full = settings.env(RELATIVE), settings.env(FULL)
        if not relative and not full:
            return None
        url = _checked(RELATIVE, ECS + relative) if relative else _checked(FULL, full or "")
        return cls(url, settings.env(TOKEN), settings.env(TOKEN_FILE), upstream)

    async def fetch(self) -> Temporary:
        status, body = await ask(self._upstream, "GET", self._url, self._headers(), b"", TIMEOUT)
        if status != 200:
            raise NoKeys(f"it answered with status {status}", "look at the role of the task or pod")
        return read(body, "Token")

    def _headers(self) -> dict[str, str]:
        """The token's file is read each time, since it is renewed."""
        token = text_of(self._token_file, TOKEN_FILE) if self._token_file else self._token
        if token and not _FIT.fullmatch(token):
            raise NoKeys("the token for it has characters that cannot be sent", f"look at {TOKEN} or {TOKEN_FILE}")
        return {"accept": "application/json"} | ({"authorization": token} if token else {})


def _checked(variable: str, url: str) -> str:
    """A token must not go unencrypted to anybody else. Raises Unusable."""
    try:
        address = Address(url)
    except ValueError as error:
        raise Unusable(variable, str(error)) from error
    if urlsplit(url).scheme == "http" and not _may_be_plain(address.host):
        raise Unusable(variable, "without https only this machine and AWS's own addresses may be asked", "correct it")
    return address.verbatim


def _may_be_plain(host: str) -> bool:
    try:
        ip = ip_address(host)
    except ValueError:
        return host == "localhost"
    return ip.is_loopback or ip in PLAIN
