"""Annotations: sources of a text, both ways.

What is a `url_citation` of OpenAI's and nothing more is a plain `Citation`; of all others the annotation itself rides
along, for clients of this dialect.
"""

from __future__ import annotations

import msgspec

from gateway import Citation
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss


class _Source(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class _Plain(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    url_citation: _Source


def read(annotation: Members) -> Citation:
    """Of an annotation as builtins; `url` is empty where it names none."""
    raw = jsontext.raw(annotation)
    try:
        source = msgspec.convert(annotation, _Plain).url_citation
    except msgspec.ValidationError:
        held = annotation.get("url_citation")
        members = held if isinstance(held, dict) else {}
        url, title = _text(members.get("url")), _text(members.get("title"))
        return Citation(url, title, _number(members.get("start_index")), _number(members.get("end_index")), raw)
    return Citation(source.url, source.title or "", source.start_index or 0, source.end_index or 0)


def write(citation: Citation, loss: Loss) -> Members | msgspec.Raw | None:
    """None where it has no place: it is of another dialect and not of the web."""
    if citation.raw is not None and loss.own:
        return citation.raw
    if citation.raw is not None or not citation.url:
        loss.add("Text.citation")
    if not citation.url:
        return None
    source = {
        "start_index": citation.start,
        "end_index": citation.end,
        "url": citation.url,
        "title": citation.title,
    }
    return {"type": "url_citation", "url_citation": source}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
