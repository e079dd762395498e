"""`assistants` and `azureAssistants` in the list of endpoints: told where LibreChat would offer them.

Source: LibreChat `api/server/utils/handleText.js` (`generateConfig`), `packages/api/src/endpoints/config/endpoints.ts`.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gateway import Settings
from gateway.endpoint import USER_PROVIDED

from .answers import Members
from .section import AssistantsFields, EndpointsFields

_VERSIONS = {"assistants": "2", "azureAssistants": "1"}
_OF_AZURE: Members = {"userProvide": False, "capabilities": ("tools", "actions", "code_interpreter")}


def assistants(settings: Settings) -> dict[str, Members]:
    """By endpoint, without their order. A key in the environment offers them, and `azureOpenAI.assistants` Azure's."""
    return dict(_offered(settings, settings.one(EndpointsFields)))


def _offered(settings: Settings, said: EndpointsFields) -> Iterator[tuple[str, Members]]:
    members = _by_variables(settings, "ASSISTANTS_API_KEY", "ASSISTANTS_BASE_URL")
    if members is not None:
        yield "assistants", _completed("assistants", members, said.assistants)
    azure = _by_variables(settings, "AZURE_ASSISTANTS_API_KEY", "AZURE_ASSISTANTS_BASE_URL")
    if said.azure_open_ai.assistants:
        azure = _OF_AZURE
    if azure is not None:
        yield "azureAssistants", _completed("azureAssistants", azure, said.azure_assistants)


def _by_variables(settings: Settings, key: str, url: str) -> Members | None:
    if settings.env(key) is None:
        return None
    members: Members = {"userProvide": settings.env(key) == USER_PROVIDED}
    if where := settings.env(url):
        members["userProvideURL"] = where == USER_PROVIDED
    return members


def _completed(name: str, members: Members, said: AssistantsFields | None) -> Members:
    """What the file says of them counts most, then what LibreChat has by default."""
    if said is None:
        default: Members = {} if "capabilities" in members else msgspec.to_builtins(AssistantsFields())
        return {**default, **members, "version": _VERSIONS[name]}
    own: Members = msgspec.to_builtins(said)
    return {**members, **own, "version": str(own.get("version", _VERSIONS[name]))}
