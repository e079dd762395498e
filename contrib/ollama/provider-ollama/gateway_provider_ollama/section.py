"""The section `gateway.provider-ollama`."""

from __future__ import annotations

from msgspec import Struct

from gateway import Secret


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """An Ollama server.

    url: where it is, OLLAMA_HOST by default. name: of the endpoint. api_key: where it asks for one, OLLAMA_API_KEY by
    default. models: what to offer instead of what it lists.
    """

    url: str = ""
    name: str = "ollama"
    api_key: Secret = Secret("")
    models: tuple[str, ...] = ()
