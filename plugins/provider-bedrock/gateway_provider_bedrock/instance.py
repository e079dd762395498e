"""Keys of an EC2 instance's role, from its metadata service (version 2 of it alone).

It is asked only where something says that this is an instance, and only when a call needs keys: elsewhere the address
is nobody's, or somebody else's. Source: Amazon EC2 User Guide, "Use the Instance Metadata Service"; AWS SDKs and Tools
Reference Guide, "IMDS credential provider".
"""

from __future__ import annotations

import re
from pathlib import Path

from gateway import Settings, Upstream, UpstreamTimeout
from gateway.endpoint import Address, Unusable

from .temporary import NoKeys, Temporary, ask, read

DISABLED, ENDPOINT = "AWS_EC2_METADATA_DISABLED", "AWS_EC2_METADATA_SERVICE_ENDPOINT"
MODE, PATIENCE = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "AWS_METADATA_SERVICE_TIMEOUT"
V4, V6 = "http://169.254.169.254", "http://[fd00:ec2::254]"
SESSION_PATH = "/latest/api/token"
ROLES_PATH = "/latest/meta-data/iam/security-credentials/"
SECONDS = "21600"
"""That a token for the service lasts."""
TIMEOUT = 1.0
HOPS = "in a container, let the instance's metadata answer over two hops (HttpPutResponseHopLimit), or give it a role"
_ROLE = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
SYSTEM = Path("/sys")


class Instance:
    """base: a URL without a slash at its end. patience: seconds for each request."""

    def __init__(self, base: str, patience: float, upstream: Upstream) -> None:
        self._base, self._patience, self._upstream = base, patience, upstream

    @classmethod
    def of(cls, settings: Settings, upstream: Upstream) -> Instance | None:
        """None where it is switched off. Raises Unusable."""
        if (settings.env(DISABLED) or "").lower() == "true":
            return None
        base = settings.env(ENDPOINT) or (V6 if (settings.env(MODE) or "").lower() == "ipv6" else V4)
        try:
            return cls(Address(base).prefix, _patience(settings.env(PATIENCE)), upstream)
        except ValueError as error:
            raise Unusable(ENDPOINT, str(error)) from error

    async def fetch(self) -> Temporary:
        token = await self._said("PUT", SESSION_PATH, {"x-aws-ec2-metadata-token-ttl-seconds": SECONDS})
        shown = {"x-aws-ec2-metadata-token": token}
        role = (await self._said("GET", ROLES_PATH, shown)).partition("\n")[0]
        if not _ROLE.fullmatch(role):
            raise NoKeys("it names no role", "give the instance a role")
        return read((await self._said("GET", ROLES_PATH + role, shown)).encode(), "Token")

    async def _said(self, method: str, path: str, headers: dict[str, str]) -> str:
        try:
            status, body = await ask(self._upstream, method, self._base + path, headers, b"", self._patience)
        except UpstreamTimeout as error:
            raise NoKeys(f"it did not answer within {self._patience:g} s", HOPS) from error
        if status != 200:
            raise NoKeys(f"it answered with status {status}", "give the instance a role")
        return body.decode("ascii", "replace").strip()


def is_likely(settings: Settings, system: Path = SYSTEM) -> bool:
    """Whether a variable, or the machine itself, says that this is an EC2 instance. system: Linux's `/sys`."""
    if settings.env(ENDPOINT) or (settings.env(DISABLED) or "").lower() == "false":
        return True
    vendor, hypervisor = _line(system / "devices/virtual/dmi/id/sys_vendor"), _line(system / "hypervisor/uuid")
    return vendor == "Amazon EC2" or hypervisor.startswith("ec2")


def _line(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _patience(text: str | None) -> float:
    try:
        found = float(text or TIMEOUT)
    except ValueError:
        return TIMEOUT
    return found if 0 < found < 60 else TIMEOUT
