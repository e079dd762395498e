"""Results to blocks, without a server."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from gateway_tools_mcp.results import outcome
from msgspec import Raw

from gateway import Audio, File, Image, Text

PNG = base64.b64encode(b"picture").decode()


def shown(*content: Any, most: int = 10_000, **more: Any) -> Any:
    return outcome(Raw(json.dumps({"content": list(content), **more}).encode()), most)


@pytest.mark.parametrize(
    ("part", "block"),
    [
        ({"type": "text", "text": "a"}, Text("a")),
        ({"type": "text"}, Text("")),
        ({"type": "image", "data": PNG, "mimeType": "image/PNG"}, Image(data=PNG, media_type="image/png")),
        (
            {"type": "image", "data": PNG, "mimeType": "image/svg+xml"},
            Text("[A file of type image/svg+xml and 7 bytes, which is not shown.]"),
        ),
        (
            {"type": "image", "data": "no base64!", "mimeType": "image/png"},
            Text("[A file of type image/png whose data cannot be read.]"),
        ),
        ({"type": "audio", "data": PNG, "mimeType": "audio/mpeg"}, Audio(data=PNG, format="mp3")),
        (
            {"type": "resource", "resource": {"uri": "file:///a/b.pdf", "mimeType": "application/pdf", "blob": PNG}},
            File(data=PNG, media_type="application/pdf", filename="b.pdf"),
        ),
        ({"type": "resource", "resource": {"uri": "x:y", "mimeType": "text/csv", "blob": PNG}}, Text("x:y\npicture")),
        ({"type": "resource", "resource": {"uri": "x:y", "text": "t"}}, Text("x:y\nt")),
        ({"type": "resource"}, Text("[A part of kind 'resource', which is not shown.]")),
        ({"type": "resource_link", "uri": "u", "name": "n", "mimeType": "text/html"}, Text("[n](u) text/html")),
        ({"type": "future"}, Text("[A part of kind 'future', which is not shown.]")),
    ],
    ids=range(12),
)
def test_each_part_becomes_what_a_model_can_be_shown(part: Any, block: Any) -> None:
    assert list(shown(part).blocks) == [block]


def test_structured_content_alone_is_text_too() -> None:
    found = shown(structuredContent={"a": 1})
    assert list(found.blocks) == [Text('{"a": 1}')]
    assert bytes(found.structured) == b'{"a": 1}'
    assert shown({"type": "text", "text": "x"}, structuredContent=None).structured is None


def test_an_error_is_one_with_all_its_parts() -> None:
    found = shown({"type": "text", "text": "no"}, isError=True)
    assert found.is_error
    assert list(found.blocks) == [Text("no")]


def test_text_is_cut_over_all_blocks_together() -> None:
    found = shown({"type": "text", "text": "a" * 60}, {"type": "text", "text": "b" * 60}, most=100)
    assert found.blocks[0].text == "a" * 60
    assert found.blocks[1].text.startswith("b" * 40 + "\n[The rest")
    assert shown({"type": "text", "text": "x"}, structuredContent={"a": "b" * 200}, most=100).structured is None


@pytest.mark.parametrize(
    "result", [b"[]", b"null", b'{"content": 3}', b'{"content": [3]}', b'{"content": [{"text": 3}]}']
)
def test_what_is_no_result_is_an_error(result: bytes) -> None:
    assert outcome(Raw(result), 100).is_error
