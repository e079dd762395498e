"""An API's reply as what a model is told: bounded, and without the keys that the gateway showed."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from msgspec import Raw

from gateway import Image, Reply, Text, ToolOutcome
from gateway.wire.jsontext import UNREADABLE

PICTURES = frozenset(("image/png", "image/jpeg", "image/gif", "image/webp"))
"""What every model that sees can be shown."""
TEXTS = (
    "text/",
    "application/json",
    "application/xml",
    "application/yaml",
    "application/x-yaml",
    "application/javascript",
    "application/x-www-form-urlencoded",
    "application/x-ndjson",
    "application/jsonl",
    "application/graphql",
)
LARGEST_ERROR = 8_192
_CHARSET = re.compile(
    r"utf-?(8|16|32)(le|be)?|(us-)?ascii|iso-8859-\d+|latin-?1|windows-\d+|shift_jis|euc-(jp|kr)|gb\w+|big5"
)
SHORTEST_SECRET = 6
"""Shorter ones would be found in words that have nothing to do with them."""


def failure(words: str) -> ToolOutcome:
    return ToolOutcome((Text(words),), is_error=True)


async def outcome(reply: Reply, largest: int, largest_image: int, secrets: Sequence[str]) -> ToolOutcome:
    """Reads no more of the body than is shown. Raises what reading raises."""
    kind = reply.media_type
    if 300 <= reply.status < 400:
        return failure(
            f"The API answered with {_status(reply.status)}: it is elsewhere, and redirects are not followed."
        )
    if reply.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        return failure(f"The API answered with {_status(reply.status)}, compressed, which was not asked for.")
    failed = reply.status >= 400
    if kind in PICTURES and not failed:
        return await _picture(reply, kind, largest_image)
    if not _is_text(kind):
        return await _other(reply, kind, failed)
    most = min(largest, LARGEST_ERROR) if failed else largest
    body, whole = await _read(reply, most)
    text = _without(_decoded(body, reply.headers.get("content-type", "")), secrets)
    shown = text if whole else f"{text}\n[The rest was left out: {_size(reply, most)}.]"
    if failed:
        return failure(f"The API answered with {_status(reply.status)}" + (f": {shown}" if text.strip() else "."))
    if not text.strip():
        return ToolOutcome((Text(f"The API answered with {_status(reply.status)}, and no content."),))
    return ToolOutcome((Text(shown),), structured=_structured(text) if whole and _is_json(kind) else None)


async def _picture(reply: Reply, kind: str, most: int) -> ToolOutcome:
    body, whole = await _read(reply, most)
    if not whole:
        return ToolOutcome((Text(f"[A picture of type {kind}, which is not shown: {_size(reply, most)}.]"),))
    if not body:
        return ToolOutcome((Text(f"The API answered with {_status(reply.status)}, and no content."),))
    return ToolOutcome((Image(data=b64encode(body).decode(), media_type=kind),))


async def _other(reply: Reply, kind: str, failed: bool) -> ToolOutcome:
    length = reply.headers.get("content-length", "")
    size = f" of {int(length)} bytes" if length.isascii() and length.isdecimal() else ""
    words = f"The API answered with {_status(reply.status)} and a file of type {kind[:100]}{size}, which is not shown."
    return failure(words) if failed else ToolOutcome((Text(f"[{words}]"),))


async def _read(reply: Reply, most: int) -> tuple[bytes, bool]:
    """As much as may be shown, and whether that is all."""
    body = bytearray()
    while len(body) <= most and (data := await reply.chunk()):
        body += data
    return bytes(body[:most]), len(body) <= most


def _size(reply: Reply, most: int) -> str:
    length = reply.headers.get("content-length", "")
    if length.isascii() and length.isdecimal():
        return f"it has {int(length)} bytes, of which {most} are shown at most"
    return f"it has more than {most} bytes"


def _is_text(kind: str) -> bool:
    return not kind or kind.startswith(TEXTS) or kind.endswith(("+json", "+xml", "+yaml"))


def _is_json(kind: str) -> bool:
    return kind == "application/json" or kind.endswith("+json")


def _decoded(body: bytes, content_type: str) -> str:
    _, _, after = content_type.lower().partition("charset=")
    charset = after.partition(";")[0].strip().strip("\"'")
    try:
        return body.decode(charset if _CHARSET.fullmatch(charset) else "utf-8", "replace")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace")


def _without(text: str, secrets: Sequence[str]) -> str:
    """Some APIs say in their errors what they were sent."""
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text


def _structured(text: str) -> Raw | None:
    try:
        msgspec.json.decode(text)
    except UNREADABLE:
        return None
    return Raw(text.encode())


def _status(status: int) -> str:
    try:
        return f"status {status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return f"status {status}"
