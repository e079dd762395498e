"""Images, documents, audio and results with them."""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from gateway import Audio, Call, File, Image, Message, Text, Tool, ToolCall, ToolResult

HI = Message("user", [Text("Hi")])
CALLED = [HI, Message("assistant", [ToolCall("c1", "f", "{}")]), Message("tool", [ToolResult("c1", [Text("ok")])])]


def test_media_have_bedrocks_formats(blocks: Any) -> None:
    found = blocks(
        Image(data="AA==", media_type="image/jpeg"),
        Image(data="iVBORw0KGgo="),
        Image(url="s3://bucket/a.png"),
        File(data="AA==", media_type="video/3gpp"),
        File(data="AA==", media_type="text/plain; charset=utf-8", filename="notes_ü.txt"),
        File(data="JVBERi0="),
        File(url="s3://bucket/b.csv"),
        Audio(data="AA==", format="mp3"),
    )
    assert found == [
        {"image": {"format": "jpeg", "source": {"bytes": "AA=="}}},
        {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}},
        {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://bucket/a.png"}}}},
        {"video": {"format": "three_gp", "source": {"bytes": "AA=="}}},
        {"document": {"format": "txt", "source": {"bytes": "AA=="}, "name": "notes"}},
        {"document": {"format": "pdf", "source": {"bytes": "JVBERi0="}, "name": "document"}},
        {"document": {"format": "csv", "source": {"s3Location": {"uri": "s3://bucket/b.csv"}}, "name": "document 2"}},
        {"audio": {"format": "mp3", "source": {"bytes": "AA=="}}},
    ]


def test_files_of_text_are_text(blocks: Any) -> None:
    kinds = ("text/x-python", "text/css", "application/json", "application/xml", "application/x-yaml")
    found = blocks(*(File(data="AA==", media_type=kind, filename="a.x") for kind in kinds))
    assert [block["document"]["format"] for block in found] == ["txt"] * len(kinds)
    assert blocks(File(data="AA==", media_type="text/html"))[0]["document"]["format"] == "html"


def test_media_without_a_place_are_named(blocks: Any) -> None:
    lost = [
        Image(url="https://a.example/a.png"),
        Image(file_id="f"),
        Image(data="AA==", media_type="image/tiff"),
        File(file_id="f"),
        File(data="AA==", media_type="application/zip", filename="a.pdf"),
        File(url="https://a.example/a.pdf"),
        Audio(id="a"),
        Audio(data="AA==", format="midi"),
    ]
    paths = tuple(f"messages[0].content[{at}]" for at in range(1, len(lost) + 1))
    assert blocks(Text("Look"), *lost, loss=paths) == [{"text": "Look"}]
    assert blocks(Image(data="/9j/", detail="high"), loss=("messages[0].content[0].detail",))


def test_a_documents_title_context_and_citations_are_kept(blocks: Any) -> None:
    extra = {"title": Raw(b'"My. paper"'), "context": Raw(b'"Draft"'), "citations": Raw(b'{"enabled":true}')}
    (found,) = blocks(File(data="JVBERi0=", media_type="application/pdf", extra=extra))
    assert found["document"] | {"source": 0} == {
        "format": "pdf",
        "source": 0,
        "name": "My",
        "context": "Draft",
        "citations": {"enabled": True},
    }


def test_results_hold_media_and_say_that_they_failed(written: Any) -> None:
    result = ToolResult("c1", [Text("No"), Image(data="/9j/"), Audio(id="a")], is_error=True)
    body = written(
        Call("m", [*CALLED[:2], Message("tool", [result])], tools=[Tool("f")]),
        loss=("messages[2].content[0].content[2]",),
    )
    assert body["messages"][2]["content"] == [
        {
            "toolResult": {
                "toolUseId": "c1",
                "content": [{"text": "No"}, {"image": {"format": "jpeg", "source": {"bytes": "/9j/"}}}],
                "status": "error",
            }
        }
    ]
