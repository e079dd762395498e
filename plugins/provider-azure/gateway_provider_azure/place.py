"""Place: where a deployment's requests go.

Sources: LibreChat `packages/data-provider/src/azure.ts` and `packages/api/src/utils/azure.ts`; Microsoft's REST API
reference of Azure OpenAI.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from gateway import Address
from gateway.wire.segments import segment

RESPONSES = "/responses"
RESPONSES_VERSION = "preview"
"""The `api-version` that LibreChat asks for the paths without deployments, where the group has a dated one."""
INSTANCE, DEPLOYMENT = "${INSTANCE_NAME}", "${DEPLOYMENT_NAME}"
"""What a base URL may have in it."""
UNDATED = ("v1", "preview", "latest")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_HOST = re.compile(r"(?:[A-Za-z0-9-]+\.)+azure\.com")
_DEPLOYMENTS = re.compile(r"/deployments(?:/[^?]*)?(?=\?|$)")
_UNDATED_PATH = re.compile(r"/openai/v1/?(?=\?|$)")
_REQUEST_PATH = re.compile(r"/(?:chat/completions|responses|embeddings)/?(?=\?|$)")


class Parts(Struct, frozen=True):
    """What a place is made of: all variables replaced, "" for what is not given.

    base: may have `${INSTANCE_NAME}` and `${DEPLOYMENT_NAME}` in it.
    """

    instance: str = ""
    deployment: str = ""
    version: str = ""
    base: str = ""
    serverless: bool = False

    @property
    def at_instance(self) -> bool:
        """Whether the instance has a word in which host it is."""
        return not self.base or INSTANCE in self.base


class Place(Struct, frozen=True):
    """address, query: of all requests but those for responses. undated: the paths have no deployments in them."""

    address: Address
    query: Mapping[str, str]
    responses: Address
    responses_query: Mapping[str, str]
    undated: bool

    def url(self, path: str, query: Mapping[str, str]) -> str:
        if path == RESPONSES or path.startswith(RESPONSES + "/"):
            return self.responses.url(path, {**self.responses_query, **query})
        return self.address.url(path, {**self.query, **query})


def place_of(parts: Parts) -> Place:
    """Raises ValueError with what is wrong."""
    base = _filled(parts)
    if parts.serverless:
        return _alone(_REQUEST_PATH.sub("", base), parts.version)
    if parts.version in UNDATED or _UNDATED_PATH.search(base):
        return _alone(_undated(base, parts), parts.version if parts.version in UNDATED[1:] else "")
    dated, undated = _below_deployment(base, parts), _undated(base, parts)
    query, responses_query = _asked(parts.version, dated), _asked(RESPONSES_VERSION, undated)
    return Place(Address(dated), query, Address(undated), responses_query, undated=False)


def _alone(base: str, version: str) -> Place:
    address, query = Address(base), _asked(version, base)
    return Place(address, query, address, query, undated=address.prefix.endswith("/openai/v1"))


def _asked(version: str, base: str) -> Mapping[str, str]:
    """A base URL may ask for a version itself."""
    return {"api-version": version} if version and "api-version=" not in base else {}


def _below_deployment(base: str, parts: Parts) -> str:
    """LibreChat cuts a base URL behind the deployment's name; where it is not in it, its client puts it there."""
    if not parts.deployment:
        raise ValueError("there is no name of a deployment")
    deployment = "/" + _segment(parts.deployment)
    if not base:
        return f"https://{host_of(parts.instance)}/openai/deployments{deployment}"
    url = urlsplit(base)
    path = url.path.rstrip("/") + "/"
    above = path.rpartition(deployment + "/")[0] if deployment + "/" in path else path.rstrip("/")
    return url._replace(path=above + deployment).geturl()


def _undated(base: str, parts: Parts) -> str:
    if not base:
        return f"https://{host_of(parts.instance)}/openai/v1"
    return _REQUEST_PATH.sub("", _DEPLOYMENTS.sub("/v1", base))


def is_label(instance: str) -> bool:
    """Whether it is a resource's name."""
    return bool(_LABEL.fullmatch(instance))


def host_of(instance: str) -> str:
    """Of a resource's name, or of a whole host of Azure's. Raises ValueError."""
    if is_label(instance):
        return f"{instance}.openai.azure.com"
    if _HOST.fullmatch(instance):
        return instance
    raise ValueError("the name of the instance is neither a resource's name nor a host below azure.com")


def _filled(parts: Parts) -> str:
    base = parts.base.replace(INSTANCE, parts.instance)
    return base.replace(DEPLOYMENT, _segment(parts.deployment)) if DEPLOYMENT in base else base


def _segment(deployment: str) -> str:
    try:
        return segment(deployment)
    except ValueError as error:
        raise ValueError("the name of the deployment cannot be part of a URL") from error
