"""`interface`: switches and words of LibreChat's web client, told to it by /api/config.

What the file says is told as it stands there; what it leaves out, as LibreChat has it by default.
Source: LibreChat `packages/data-provider/src/config.ts` (`interfaceSchema`) and
`packages/data-schemas/src/app/interface.ts`.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gateway import Settings

from .answers import Members
from .interface_fields import InterfaceFields
from .model_specs import ModelSpecs
from .section import MemoryFields

_SHARED: Mapping[str, object] = {"use": True, "create": True, "share": False, "public": False}
_DEFAULTS: Mapping[str, object] = {
    "modelSelect": True,
    "codeHighlightThrottleMs": 300,
    "parameters": True,
    "presets": True,
    "multiConvo": True,
    "bookmarks": True,
    "memories": True,
    "prompts": _SHARED,
    "agents": _SHARED,
    "temporaryChat": True,
    "autoSubmitFromUrl": True,
    "runCode": True,
    "webSearch": True,
    "contextUsage": True,
    "contextCost": False,
    "feedback": True,
    "peoplePicker": {"users": True, "groups": True, "roles": True},
    "marketplace": {"use": False},
    "mcpServers": _SHARED,
    "fileSearch": True,
    "fileCitations": True,
    "buildInfo": True,
    "remoteAgents": {"use": False, "create": False, "share": False, "public": False},
    "skills": {**_SHARED, "defaultActiveOnShare": False},
    "sharedLinks": {"create": True, "share": True, "public": True, "snapshotFiles": True},
}


def before_login(settings: Settings) -> Members:
    """What everybody is told: the links, and that the build is not shown."""
    said: Members = msgspec.to_builtins(settings.one(InterfaceFields))
    shown = {name: said[name] for name in ("privacyPolicy", "termsOfService") if name in said}
    return shown | ({"buildInfo": False} if said.get("buildInfo") is False else {})


def after_login(settings: Settings) -> Members:
    said: Members = msgspec.to_builtins(settings.one(InterfaceFields))
    if settings.given("memory") and not settings.one(MemoryFields).enabled:
        said["memories"] = False
    return {**_DEFAULTS, **_beside_specs(settings.one(ModelSpecs)), **said}


def _beside_specs(specs: ModelSpecs) -> Members:
    """Where there is a list of models to choose from, LibreChat hides what would lead past it."""
    if not specs.entries:
        return {}
    return {"modelSelect": bool(specs.added_endpoints), "parameters": False, "presets": False}
