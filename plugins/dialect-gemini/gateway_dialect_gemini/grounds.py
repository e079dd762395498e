"""Sources of text, both ways: `groundingMetadata` and `citationMetadata`. Source: Gemini API, `GroundingSupport`.

Offsets count bytes of UTF-8 there, characters of the block here.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from gateway import Citation, Extra
from gateway.wire import jsontext
from gateway.wire.jsontext import Members

GROUNDING, CITED = "groundingMetadata", "citationMetadata"


class Source(Struct):
    uri: str | None = None
    title: str | None = None


class Ground(Struct, rename="camel"):
    """Where a support points to: the web, a map, or a store of documents."""

    web: Source | None = None
    maps: Source | None = None
    retrieved_context: Source | None = None


class Segment(Struct, rename="camel"):
    start_index: int = 0
    end_index: int = 0
    text: str = ""


class Support(Struct, rename="camel"):
    segment: Segment = msgspec.field(default_factory=Segment)
    grounding_chunk_indices: list[int] = []


class Grounding(Struct, rename="camel"):
    grounding_chunks: list[Ground] = []
    grounding_supports: list[Support] = []


class Cited(Struct, rename="camel"):
    uri: str | None = None
    title: str | None = None
    start_index: int = 0
    end_index: int = 0


class CitedList(Struct, rename="camel"):
    """citations: Vertex AI's name for the same."""

    citation_sources: list[Cited] = []
    citations: list[Cited] = []


_GROUNDING = msgspec.json.Decoder(Grounding)
_CITED = msgspec.json.Decoder(CitedList)


def citations(candidate: Extra, text: str) -> list[Citation]:
    """Those that point to URLs; what cannot be read is nobody's source."""
    data = text.encode("utf-8", "replace")
    try:
        found = _GROUNDING.decode(candidate[GROUNDING]) if GROUNDING in candidate else Grounding()
        cited = _CITED.decode(candidate[CITED]) if CITED in candidate else CitedList()
    except jsontext.UNREADABLE:
        return []
    out = [one for support in found.grounding_supports for one in _supported(support, found.grounding_chunks, data)]
    for source in cited.citation_sources + cited.citations:
        if source.uri:
            start, end = _characters(data, source.start_index, source.end_index)
            out.append(Citation(source.uri, source.title or "", start, end))
    return out


def written(found: list[tuple[Citation, str]]) -> Members:
    """found: each with the text of its block."""
    sources = list(dict.fromkeys((one.url, one.title) for one, _ in found))
    supports = [_support(one, text, sources.index((one.url, one.title))) for one, text in found]
    return {
        "groundingChunks": [{"web": {"uri": url, "title": title}} for url, title in sources],
        "groundingSupports": supports,
    }


def _supported(support: Support, grounds: list[Ground], data: bytes) -> list[Citation]:
    segment = support.segment
    start, end = segment.start_index, segment.end_index
    said = segment.text.encode("utf-8", "replace")
    if said and data[start:end] != said and (at := data.find(said)) >= 0:
        start, end = at, at + len(said)
    first, last = _characters(data, start, end)
    out = []
    for index in support.grounding_chunk_indices:
        ground = grounds[index] if 0 <= index < len(grounds) else Ground()
        source = ground.web or ground.maps or ground.retrieved_context
        if source is not None and source.uri:
            out.append(Citation(source.uri, source.title or "", first, last))
    return out


def _characters(data: bytes, start: int, end: int) -> tuple[int, int]:
    start = max(start, 0)
    return len(data[:start].decode("utf-8", "replace")), len(data[: max(start, end)].decode("utf-8", "replace"))


def _support(citation: Citation, text: str, source: int) -> Members:
    start, said = text[: citation.start], text[citation.start : citation.end]
    at = len(start.encode("utf-8", "replace"))
    segment = {"startIndex": at, "endIndex": at + len(said.encode("utf-8", "replace")), "text": said}
    return {"segment": segment, "groundingChunkIndices": [source]}
