"""A Call to the body of a request: state, options, and what is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_dialect_gemini.client import GeminiClient
from gateway_dialect_gemini.proofs import SKIP
from msgspec import Raw

from gateway import (
    Audio,
    Block,
    Call,
    File,
    Image,
    Message,
    Opaque,
    OutputFormat,
    Reasoning,
    ReasoningOptions,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from gateway.testing import replay

CLIENT = GeminiClient()
NEWER, OLDER = "gemini-3-pro-preview", "models/gemini-2.5-flash"
OURS = Opaque("gemini", "call", Raw(b'"c2ln"'), "golden")
THEIRS = Opaque("gemini", "call", Raw(b'"c2ln"'), "elsewhere")


def sent(call: Call, model: str = NEWER) -> tuple[dict[str, Any], tuple[str, ...]]:
    encoded = CLIENT.encode(call, replay.target(model))
    return json.loads(encoded.body), encoded.loss


def saying(*blocks: Block, dialect: str = "openai-chat", model: str = NEWER) -> tuple[list[Any], tuple[str, ...]]:
    """The parts of the model's turn."""
    body, loss = sent(Call("m", [Message("assistant", list(blocks))], dialect=dialect), model)
    return (body["contents"][0]["parts"] if body["contents"] else []), loss


def asking(**members: Any) -> Call:
    return Call("m", [Message("user", [Text("Hi")])], **members)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-3-pro", "/models/gemini-3-pro:generateContent"),
        ("models/gemini-3-pro", "/models/gemini-3-pro:generateContent"),
        ("tunedModels/mine", "/tunedModels/mine:generateContent"),
        ("maker/model x?", "/models/maker%2Fmodel%20x%3F:generateContent"),
        ("gemini@001", "/models/gemini@001:generateContent"),
    ],
)
def test_the_model_is_in_the_path_and_not_in_the_body(model: str, path: str) -> None:
    encoded = CLIENT.encode(asking(), replay.target(model))
    assert encoded.path == path
    assert "model" not in json.loads(encoded.body)


def test_a_stream_is_asked_for_as_events() -> None:
    encoded = CLIENT.encode(asking(stream=True), replay.target(NEWER))
    assert (encoded.path, encoded.query) == (f"/models/{NEWER}:streamGenerateContent", {"alt": "sse"})


def test_a_proof_goes_back_only_to_who_made_it() -> None:
    assert saying(ToolCall("a", "f", proof=OURS))[0][0]["thoughtSignature"] == "c2ln"
    parts, loss = saying(Text("Hi", proof=THEIRS))
    assert (parts, loss) == ([{"text": "Hi"}], ("messages[0].content[0].proof",))
    assert saying(Reasoning("Hm", proof=THEIRS)) == ([], ("messages[0].content[0]",))
    thinking = Opaque("gemini", "thinking", Raw(b'"c2ln"'), "golden")
    assert saying(Reasoning("Hm", proof=thinking))[0] == [{"text": "Hm", "thought": True, "thoughtSignature": "c2ln"}]


def test_thoughts_without_proof_go_back_for_gemini_s_own_clients_alone() -> None:
    assert saying(Reasoning("Hm")) == ([], ("messages[0].content[0]",))
    assert saying(Reasoning("Hm"), dialect="gemini") == ([{"text": "Hm", "thought": True}], ())


def test_the_first_call_of_a_turn_is_signed_where_models_want_it() -> None:
    two = (ToolCall("a", "f"), ToolCall("b", "f"))
    assert [part.get("thoughtSignature") for part in saying(*two)[0]] == [SKIP, None]
    assert [part.get("thoughtSignature") for part in saying(*two, model=OLDER)[0]] == [None, None]
    foreign = saying(ToolCall("a", "f", proof=THEIRS))
    assert (foreign[0][0]["thoughtSignature"], foreign[1]) == (SKIP, ("messages[0].content[0].proof",))


def test_the_signature_of_a_picture_goes_onto_it() -> None:
    image = Image(data="iVBO", media_type="image/png")
    parts, loss = saying(image, Opaque("gemini", "part", Raw(b'"c2ln"'), "golden"))
    assert parts == [{"inlineData": {"mimeType": "image/png", "data": "iVBO"}, "thoughtSignature": "c2ln"}]
    assert saying(image, Opaque("gemini", "part", Raw(b'"c2ln"'), "x"))[1] == ("messages[0].content[1]",)
    assert loss == ()


def test_the_signature_of_a_picture_that_is_gone_goes_onto_nothing_else() -> None:
    """A client that has no place for pictures in replies brings back the signature alone."""
    signature = Opaque("gemini", "part", Raw(b'"c2ln"'), "golden")
    call = ToolCall("a", "f", proof=OURS)
    for before in ([Text("Look")], [Text("Look"), call], [Text("Look", proof=OURS)], []):
        parts, loss = saying(*before, signature)
        signed = [part for part in parts if "thoughtSignature" in part]
        assert len(signed) == sum(block.proof is not None for block in before)
        assert loss == (f"messages[0].content[{len(before)}]",)


def test_ids_that_were_minted_are_not_written() -> None:
    def named(identity: str) -> tuple[bool, bool]:
        call = Call("m", [Message("assistant", [ToolCall(identity, "f")]), Message("tool", [ToolResult(identity)])])
        contents = sent(call)[0]["contents"]
        called, answered = contents[0]["parts"][0]["functionCall"], contents[1]["parts"][0]["functionResponse"]
        assert (called["name"], answered["name"]) == ("f", "f")
        return "id" in called, "id" in answered

    assert named("toolu_1") == (True, True)
    assert named("gmcall_3_0") == (False, False)


@pytest.mark.parametrize(
    ("block", "part"),
    [
        (Image(url="data:image/png;base64,iVBO"), {"inlineData": {"mimeType": "image/png", "data": "iVBO"}}),
        (Image(url="https://a/b.JPG?x"), {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://a/b.JPG?x"}}),
        (Image(url="https://a/b", media_type="image/x"), {"fileData": {"mimeType": "image/x", "fileUri": "https://a/b"}}),
        (File(data="AA==", filename="a.pdf"),
         {"inlineData": {"mimeType": "application/pdf", "data": "AA==", "displayName": "a.pdf"}}),
        (File(file_id="gs://b/c.mp4"), {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/c.mp4"}}),
        (Audio("AA==", "mp3"), {"inlineData": {"mimeType": "audio/mp3", "data": "AA=="}}),
        (Image(url="https://a/b"), None),
        (Image(url="https://[a/b"), None),
        (File(file_id="file-1"), None),
        (File(data="AA=="), None),
        (Audio(id="audio_1"), None),
    ],
)  # fmt: skip
def test_files_go_inline_or_by_uri_with_their_type(block: Block, part: Any) -> None:
    body, loss = sent(Call("m", [Message("user", [Text("a"), block])]))
    assert body["contents"][0]["parts"][1:] == ([part] if part else [])
    assert loss == (() if part else ("messages[0].content[1]",))


def test_results_are_objects_and_pictures_their_parts() -> None:
    def answered(*blocks: Any, is_error: bool = False) -> Any:
        result = ToolResult("a", list(blocks), is_error)
        body, _ = sent(Call("m", [Message("assistant", [ToolCall("a", "f")]), Message("tool", [result])]))
        found = body["contents"][1]["parts"][0]["functionResponse"]
        return found["response"], found.get("parts")

    assert answered(Text("a"), Text("b")) == ({"result": "a\nb"}, None)
    assert answered(Text('{"a": 1}')) == ({"a": 1}, None)
    assert answered(Text("[1]")) == ({"result": "[1]"}, None)
    assert answered(Text("no"), is_error=True) == ({"error": "no"}, None)
    assert answered() == ({"result": ""}, None)
    picture = Image(data="iVBO", media_type="image/png")
    assert answered(picture) == ({"result": ""}, [{"inlineData": {"mimeType": "image/png", "data": "iVBO"}}])


@pytest.mark.parametrize(
    ("options", "model", "config", "loss"),
    [
        (ReasoningOptions(effort="low"), NEWER, {"thinkingLevel": "LOW"}, ()),
        (ReasoningOptions(effort="max"), NEWER, {"thinkingLevel": "XHIGH"}, ()),
        (ReasoningOptions(effort="none"), NEWER, {"thinkingLevel": "MINIMAL"}, ("reasoning.effort",)),
        (ReasoningOptions(effort="none"), OLDER, {"thinkingBudget": 0}, ()),
        (
            ReasoningOptions(effort="high", summary="auto"),
            OLDER,
            {"includeThoughts": True, "thinkingBudget": 24576},
            (),
        ),
        (ReasoningOptions(budget=-1), NEWER, {"thinkingBudget": -1}, ()),
        (ReasoningOptions(effort="low", budget=-1), NEWER, {"thinkingLevel": "LOW"}, ()),
        (ReasoningOptions(effort="low", budget=99), NEWER, {"thinkingBudget": 99}, ("reasoning.effort",)),
        (ReasoningOptions(effort="odd"), NEWER, None, ("reasoning.effort",)),
        (ReasoningOptions(summary="none"), NEWER, {"includeThoughts": False}, ()),
    ],
)
def test_reasoning_is_a_level_or_a_budget(options: ReasoningOptions, model: str, config: Any, loss: Any) -> None:
    body, lost = sent(asking(reasoning=options), model)
    assert body.get("generationConfig", {}).get("thinkingConfig") == config
    assert lost == loss


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("tool", ("f",)), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (ToolChoice("allowed", ("f", "g"), required=True), {"mode": "ANY", "allowedFunctionNames": ["f", "g"]}),
        (ToolChoice("allowed", ("f", "g")), {"mode": "VALIDATED", "allowedFunctionNames": ["f", "g"]}),
    ],
)
def test_a_choice_among_tools_is_a_mode_and_names(choice: ToolChoice, config: Any) -> None:
    body, _ = sent(asking(tools=[Tool("f")], tool_choice=choice))
    assert body["toolConfig"] == {"functionCallingConfig": config}
    assert "toolConfig" not in sent(asking(tool_choice=choice))[0]


def test_tools_that_gemini_cannot_have_are_lost() -> None:
    tools = [Tool("c", kind="custom"), Tool("h", kind="hosted", extra={"type": Raw(b'"web"')}), Tool("f")]
    body, loss = sent(asking(tools=tools, dialect="openai-chat"))
    assert body["tools"] == [{"functionDeclarations": [{"name": "f"}]}]
    assert loss == ("tools[0]", "tools[1]")


def test_a_schemas_name_stands_in_the_schema() -> None:
    wanted = OutputFormat("schema", "reply", "What to say.", Raw(b'{"type":"object","title":"Mine"}'))
    config = sent(asking(output_format=wanted))[0]["generationConfig"]
    assert config["responseJsonSchema"] == {"type": "object", "title": "Mine", "description": "What to say."}
    assert sent(asking(output_format=OutputFormat("json")))[0]["generationConfig"] == {
        "responseMimeType": "application/json"
    }


def test_what_stands_beside_texts_and_has_no_place_is_lost() -> None:
    mark = {"cache_control": Raw(b"{}")}
    result = ToolResult("a", [Text("5", mark)])
    messages = [Message("system", [Text("Be brief")], extra=mark), Message("user", [Text("Hi")])]
    call = Call("m", [*messages, Message("tool", [result])], dialect="x")
    assert sent(call)[1] == (
        "messages[0].cache_control",
        "messages[2].content[0].name",
        "messages[2].content[0].content[0].cache_control",
    )


def test_what_only_gemini_has_goes_where_it_was_and_is_lost_elsewhere() -> None:
    extra = {
        "generationConfig.speechConfig": Raw(b"{}"),
        "generationConfig.thinkingConfig.new": Raw(b"1"),
        "safetySettings": Raw(b"[]"),
    }
    body, loss = sent(asking(dialect="gemini", extra=extra, reasoning=ReasoningOptions(budget=5)))
    assert body["generationConfig"] == {"speechConfig": {}, "thinkingConfig": {"thinkingBudget": 5, "new": 1}}
    assert (body["safetySettings"], loss) == ([], ())
    assert sent(asking(dialect="x", extra=extra))[1] == tuple(extra)


def test_counting_asks_for_a_whole_request_where_there_is_more_than_contents() -> None:
    target = replay.target("gemini-3-pro")
    bare = CLIENT.encode_count(asking(), target)
    assert bare is not None
    assert (bare.path, list(json.loads(bare.body))) == ("/models/gemini-3-pro:countTokens", ["contents"])
    whole = CLIENT.encode_count(asking(system=[Text("Be brief")], stream=True), target)
    assert whole is not None
    inner = json.loads(whole.body)["generateContentRequest"]
    assert (list(inner), inner["model"]) == (["model", "contents", "systemInstruction"], "models/gemini-3-pro")
    assert CLIENT.decode_count(b'{"totalTokens": 7, "x": 1}') == 7
    with pytest.raises(Exception, match="no count"):
        CLIENT.decode_count(b"{}")
