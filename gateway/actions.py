"""StoredAction: an OpenAPI action that belongs to an agent of the store, as LibreChat keeps it; all of it is sealed.

Source: LibreChat `packages/data-schemas/src/schema/action.ts`, `packages/data-provider/src/types/assistants.ts`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .resources import Resource
from .secret import Secret, revealed_hook, secret_hook
from .vault import Sealed, Vault

KIND = "action"
DELIMITER = "_action_"
"""Between an operation, or a domain, and what follows it in names of tools and in an agent's `actions`."""


class ActionAuth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the API wants to be proved, in LibreChat's words."""

    type: str = "none"
    authorization_type: str = ""
    custom_auth_header: str = ""
    authorization_url: str = ""
    client_url: str = ""
    scope: str = ""
    token_exchange_method: str = ""


class ActionMetadata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """raw_spec: the OpenAPI document, as JSON or YAML. domain: where the API is, as far as the client says it."""

    domain: str = ""
    raw_spec: str = ""
    auth: ActionAuth | None = None
    privacy_policy_url: str = ""
    api_key: Secret = Secret("")
    oauth_client_id: Secret = Secret("")
    oauth_client_secret: Secret = Secret("")

    @property
    def shown(self) -> dict[str, Any]:
        """Without its secrets."""
        told = msgspec.structs.replace(
            self, api_key=Secret(""), oauth_client_id=Secret(""), oauth_client_secret=Secret("")
        )
        found: dict[str, Any] = msgspec.to_builtins(told, enc_hook=revealed_hook)
        return found


class StoredAction(msgspec.Struct, frozen=True):
    """user: whose it is, by id. Times are epoch seconds."""

    id: str
    agent: str
    user: str
    metadata: ActionMetadata
    created: float = 0.0
    updated: float = 0.0


class ActionTaken(msgspec.Struct, frozen=True):
    """What runs an action says of it. origin: where its calls go. domain: as it stands in names of its tools.
    token_url: where a client's secret goes, or "".
    """

    origin: str
    domain: str
    token_url: str = ""


def metadata_of(document: object) -> ActionMetadata:
    """What is null is as if it were not there. Raises msgspec.ValidationError."""
    if isinstance(document, dict):
        document = {name: value for name, value in document.items() if value is not None}
        if isinstance(document.get("auth"), dict):
            document["auth"] = {name: value for name, value in document["auth"].items() if value is not None}
    return msgspec.convert(document, ActionMetadata, dec_hook=secret_hook)


def sealed(action: StoredAction, vault: Vault) -> Resource:
    """Raises Unavailable."""
    one = Resource(KIND, action.id, action.user, b"", action.agent, action.created, action.updated)
    text = Secret(msgspec.json.encode(action.metadata, enc_hook=revealed_hook).decode())
    return msgspec.structs.replace(one, sealed=vault.seal(text, one.owner))


def opened(resource: Resource, vault: Vault) -> StoredAction:
    """Raises Sealed, Unavailable."""
    text = vault.open(resource.sealed, resource.owner).reveal()
    try:
        metadata = msgspec.json.decode(text, type=ActionMetadata, dec_hook=secret_hook)
    except msgspec.MsgspecError as error:
        raise Sealed("it is no action") from error
    return StoredAction(resource.id, resource.agent, resource.user_id, metadata, resource.created, resource.updated)
