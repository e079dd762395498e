"""The dialects that recorded exchanges are in."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from gateway.testing import recordings as shared
from gateway.testing.recordings import Recording

SPOKEN = {
    "openai.chat": "openai-chat",
    "openai.responses": "open-responses",
    "anthropic.messages": "anthropic-messages",
    "gemini.generateContent": "gemini",
    "bedrock.converse": "bedrock-converse",
}


class Spoken(Recording, frozen=True):
    @property
    def dialect(self) -> str:
        return SPOKEN[self.api]


def recordings(corpus: Path, dialects: Collection[str]) -> list[Spoken]:
    apis = [api for api, dialect in SPOKEN.items() if dialect in dialects]
    return shared.load(*apis, corpus=corpus, of=Spoken)
