"""The endpoint `example`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway import HttpProvider, Outgoing, Provider, Secret, Settings, hookimpl


class Example(HttpProvider):
    endpoint = "example"
    dialects = ("openai-chat",)

    def __init__(self, key: Secret) -> None:
        self._key = key
        self.unavailable = None if key else "EXAMPLE_API_KEY is not set"

    async def models(self) -> Sequence[str]:
        return ("example-small", "example-large")

    def url(self, outgoing: Outgoing) -> str:
        return "https://api.example.com/v1" + outgoing.encoded.path

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        return {"authorization": f"Bearer {self._key.reveal()}"}


@hookimpl
def register_providers(settings: Settings) -> Sequence[Provider]:
    return (Example(Secret(settings.env("EXAMPLE_API_KEY") or "")),)
