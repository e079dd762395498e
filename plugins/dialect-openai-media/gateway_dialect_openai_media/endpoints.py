"""The paths. Source: OpenAI's API reference; `/rerank` and `/embed` are Cohere's, and of vLLM, Jina and others."""

from __future__ import annotations

from collections.abc import Mapping

from gateway import Operation

NAME = "openai-media"
COMPLETIONS = "/completions"
MODERATIONS = "/moderations"
SPEECH = "/audio/speech"
WRITTEN_DOWN = ("/audio/transcriptions", "/audio/translations")
PLAIN = ("text", "srt", "vtt")
"""Values of `response_format` that are answered in no JSON."""

_PATHS = {
    "/embeddings": "Turn texts into vectors",
    COMPLETIONS: "Continue a text",
    MODERATIONS: "Say whether texts and images may harm",
    "/images/generations": "Make images",
    "/images/edits": "Change images",
    "/images/variations": "Make images like another",
    SPEECH: "Speak a text",
    WRITTEN_DOWN[0]: "Write down what is said",
    WRITTEN_DOWN[1]: "Write down in English what is said",
    "/rerank": "Put documents in the order of their relevance",
    "/embed": "Turn texts into vectors, as Cohere has it",
}
OPERATIONS = tuple(Operation("media", "POST", path, summary=summary) for path, summary in _PATHS.items())

DEFAULTS: Mapping[str, str] = {MODERATIONS: "omni-moderation-latest"}
"""The model where the API lets a client name none."""
