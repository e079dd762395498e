"""Kind: whose assistants, and what LibreChat's variables and keys say of where they are.

Source: LibreChat `api/server/services/Endpoints/{assistants,azureAssistants}/initalize.js`.
"""

from __future__ import annotations

from msgspec import Struct

from gateway import Address, HeaderTemplates, Settings, endpoint_enabled
from gateway.endpoint import USER_PROVIDED, Unusable
from gateway.endpoint.reading import address, base_url, header_templates, resolved

from .section import Assistants, AzureAssistants

BETA = {"openai-beta": "assistants=v2"}


class Kind(Struct, frozen=True):
    """name: of the endpoint. key, url: variables. header, prefix: where the key goes. official: if no URL is said."""

    name: str
    section: type[Assistants]
    key: str
    url: str
    header: str
    prefix: str
    official: str

    @property
    def path(self) -> str:
        return f"endpoints.{self.name}"


OPENAI = Kind(
    "assistants",
    Assistants,
    "ASSISTANTS_API_KEY",
    "ASSISTANTS_BASE_URL",
    "authorization",
    "Bearer ",
    "https://api.openai.com/v1",
)
AZURE = Kind(
    "azureAssistants", AzureAssistants, "AZURE_ASSISTANTS_API_KEY", "AZURE_ASSISTANTS_BASE_URL", "api-key", "", ""
)


def asked_for(kind: Kind, settings: Settings) -> bool:
    """A key asks for it. What else the file says of assistants is for LibreChat's own client."""
    given = settings.env(kind.key) or settings.one(kind.section).api_key.reveal()
    return bool(given) and endpoint_enabled(settings, kind.name)


def address_of(kind: Kind, settings: Settings) -> Address:
    """Raises Unusable."""
    given = settings.one(kind.section).base_url or kind.official
    where, base = base_url(settings, kind.url, f"{kind.path}.baseURL", given)
    if base == USER_PROVIDED:
        raise Unusable(where, "assistants are not called at addresses that callers bring", "name the address")
    if not base:
        raise Unusable(where, "it is not set")
    return address(where, base)


def headers_of(kind: Kind, settings: Settings) -> HeaderTemplates:
    """Raises Unusable."""
    section = settings.one(kind.section)
    key = settings.env(kind.key) or resolved(settings, f"{kind.path}.apiKey", section.api_key.reveal())
    if key == USER_PROVIDED:
        raise Unusable(kind.key, "assistants are not called with keys that callers bring", "give a key")
    ours = {kind.header: kind.prefix + key, **BETA}
    return header_templates(settings, f"{kind.path}.headers", section.headers, ours, {kind.header: kind.key})
