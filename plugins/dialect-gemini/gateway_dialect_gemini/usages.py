"""Token counts: `usageMetadata`, both ways. Source: Gemini API, `UsageMetadata`.

The prompt's count includes cached tokens, not those that tools added; the candidates' excludes thoughts.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from gateway import Extra, Usage
from gateway.wire import jsontext
from gateway.wire.jsontext import Members

MEMBER = "usageMetadata"
_AUDIO = ("AUDIO", 4)
"""Vertex AI may say a modality's number."""
_OTHER_MODALITY = re.compile(rb'"modality"\s*:\s*(?!"TEXT"|"AUDIO"|[14]\b)\S').search
_COUNTS = frozenset(
    (
        "promptTokenCount",
        "cachedContentTokenCount",
        "candidatesTokenCount",
        "toolUsePromptTokenCount",
        "thoughtsTokenCount",
        "totalTokenCount",
        "promptTokensDetails",
        "candidatesTokensDetails",
        "toolUsePromptTokensDetails",
        "cacheTokensDetails",
    )
)


class Modality(Struct, rename="camel", gc=False):
    modality: str | int | None = None
    token_count: int | None = None


class WireUsage(Struct, rename="camel"):
    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    thoughts_token_count: int | None = None
    total_token_count: int | None = None
    prompt_tokens_details: list[Modality] | None = None
    candidates_tokens_details: list[Modality] | None = None


_USAGE = msgspec.json.Decoder(WireUsage)


def read(wire: WireUsage) -> Usage | None:
    """Disjoint counts; None where nothing is told."""
    prompt, candidates, thoughts = wire.prompt_token_count, wire.candidates_token_count, wire.thoughts_token_count
    tools, cached = wire.tool_use_prompt_token_count or 0, wire.cached_content_token_count
    if prompt is None and candidates is None and thoughts is None and wire.total_token_count is None:
        return None
    output = None if candidates is None and thoughts is None else (candidates or 0) + (thoughts or 0)
    return Usage(
        input=None if prompt is None else max(prompt - (cached or 0), 0) + tools,
        cache_read=cached,
        output=output,
        reasoning=thoughts,
        audio_input=_audio(wire.prompt_tokens_details),
        audio_output=_audio(wire.candidates_tokens_details),
    )


def of_raw(value: bytes) -> Usage | None:
    """The same of an object; None where it cannot be read. Number strings count as numbers."""
    try:
        return read(_USAGE.decode(value))
    except jsontext.UNREADABLE:
        pass
    try:
        return read(msgspec.convert(jsontext.loaded(value), WireUsage, strict=False))
    except jsontext.UNREADABLE:
        return None


def others(value: bytes) -> Extra:
    """What it tells beside counts (`trafficType`, `serviceTier`), under dotted names."""
    told = jsontext.members(value)
    return {f"{MEMBER}.{name}": one for name, one in told.items() if name not in _COUNTS}


def unheard(value: bytes) -> list[str]:
    """Counts of images, videos and documents by themselves, which have no place in Usage."""
    if _OTHER_MODALITY(value) is None:
        return []
    told = jsontext.members(value)
    return sorted(f"{MEMBER}.{name}" for name in _COUNTS & told.keys() if _OTHER_MODALITY(told[name]))


def write(usage: Usage) -> Members:
    thoughts = usage.reasoning or 0
    out: Members = {
        "promptTokenCount": usage.prompt,
        "candidatesTokenCount": max((usage.output or 0) - thoughts, 0),
        "totalTokenCount": usage.total,
    }
    if usage.cache_read:
        out["cachedContentTokenCount"] = usage.cache_read
    if thoughts:
        out["thoughtsTokenCount"] = min(thoughts, usage.output or 0)
    for name, audio, all_ in (
        ("promptTokensDetails", usage.audio_input, usage.prompt),
        ("candidatesTokensDetails", usage.audio_output, usage.output or 0),
    ):
        if audio:
            out[name] = _details(audio, all_ - (thoughts if name.startswith("c") else 0))
    return out


def _details(audio: int, count: int) -> list[Members]:
    text: list[Members] = [{"modality": "TEXT", "tokenCount": count - audio}] if count > audio else []
    return [*text, {"modality": "AUDIO", "tokenCount": audio}]


def _audio(details: list[Modality] | None) -> int | None:
    found = [one.token_count or 0 for one in details or () if one.modality in _AUDIO]
    return sum(found) if found else None
