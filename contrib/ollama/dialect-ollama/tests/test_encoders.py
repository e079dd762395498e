"""Events to replies, streamed and whole."""

import json

import pytest
from msgspec import Raw

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Citation,
    Finished,
    Image,
    Opaque,
    Reasoning,
    Refusal,
    Started,
    Text,
    ToolCall,
    UpstreamBroken,
    Usage,
)
from gateway.testing import replay

STARTED = Started("r1", "up", 1_700_000_000)
USAGE = Usage(input=5, cache_read=4, output=7, reasoning=2)
LOGPROBS = Raw(b'[{"token":"Hi","logprob":-0.5}]')


def block(index, block, *texts):
    return [BlockStart(0, index, block), *(BlockDelta(0, index, text) for text in texts), BlockStop(0, index)]


@pytest.fixture
def replied(server, ask):
    """The JSON texts of a reply, and what it lost."""

    def reply(events, stream=True, path="/api/chat"):
        request = ask(path, stream=stream, **({"prompt": "Hi"} if path != "/api/chat" else {}))
        encoder = server.encoder(server.decode(request), request, "lines" if stream else "json")
        body = replay.encoded_reply(encoder, [STARTED, *events])
        return [json.loads(text) for text in body.splitlines()], encoder.loss

    return reply


def test_a_stream_says_a_piece_a_line_and_its_counts_at_the_end(replied):
    texts, loss = replied(
        [*block(0, Reasoning("H"), "m"), *block(1, Text(), "Grüße"), USAGE, Finished(at=1_700_000_009)]
    )
    head = {"model": "llama3", "created_at": "2023-11-14T22:13:20Z"}
    assert texts == [
        head | {"message": {"role": "assistant", "content": "", "thinking": "H"}, "done": False},
        head | {"message": {"role": "assistant", "content": "", "thinking": "m"}, "done": False},
        head | {"message": {"role": "assistant", "content": "Grüße"}, "done": False},
        {
            "model": "llama3",
            "created_at": "2023-11-14T22:13:29Z",
            "message": {"role": "assistant", "content": ""},
            "done": True,
            "done_reason": "stop",
            "prompt_eval_count": 9,
            "eval_count": 7,
        },
    ]
    assert loss == []


def test_a_call_is_told_once_it_is_whole(replied):
    calls = [
        *block(0, ToolCall("c1", "f"), '{"a":', " 1}"),
        *block(1, ToolCall("olcall_1", "g")),
        Finished(reason="tool_calls"),
    ]
    texts, _ = replied(calls)
    assert [text["message"].get("tool_calls") for text in texts] == [
        [{"id": "c1", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}}],
        [{"function": {"index": 1, "name": "g", "arguments": {}}}],
        None,
    ]
    [whole], _ = replied(calls, stream=False)
    assert [call["function"]["name"] for call in whole["message"]["tool_calls"]] == ["f", "g"]
    assert whole["done_reason"] == "stop"


def test_a_whole_reply_is_one_text(replied):
    events = [
        *block(0, Reasoning(), "Hm"),
        *block(1, Text(), "Gr", "üße"),
        BlockDelta(0, 1, "", LOGPROBS),
        USAGE,
        Finished(),
    ]
    [whole], _ = replied(events, stream=False)
    assert whole["message"] == {"role": "assistant", "content": "Grüße", "thinking": "Hm"}
    assert whole["logprobs"] == [{"token": "Hi", "logprob": -0.5}]
    assert whole["done"] is True


def test_a_prompts_reply_has_its_own_shape(replied):
    texts, _ = replied([*block(0, Text(), "Hi"), Finished()], path="/api/generate")
    assert [(text["response"], "message" in text) for text in texts] == [("Hi", False), ("", False)]


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("stop_sequence", "stop"),
        ("context_length", "length"),
        ("content_filter", "content_filter"),
        ("cancelled", "cancelled"),
    ],
)
def test_ends_are_told_in_ollamas_words_or_in_their_own(reason, word, replied):
    texts, _ = replied([Finished(reason=reason)])
    assert texts[-1]["done_reason"] == word


def test_counts_that_were_not_reported_are_not_told(replied):
    texts, _ = replied([Usage(), Finished()])
    assert not {"prompt_eval_count", "eval_count", "total_duration"} & set(texts[-1])


def test_what_has_no_place_is_named(replied):
    proof = Opaque("far", "thinking", Raw(b"1"))
    events = [
        *block(0, Reasoning(proof=proof)),
        *block(1, Text(), "Hi"),
        BlockDelta(0, 1, citation=Citation("https://x.test")),
        *block(2, Image(data="AA==")),
        *block(3, proof),
        *block(4, ToolCall("c", "search", executor="upstream"), "{}"),
        BlockStart(1, 0, Text()),
        BlockDelta(1, 0, "other"),
        *block(5, Refusal(), "No."),
        Finished(extra={"odd": Raw(b"1")}),
        Finished(1),
    ]
    for stream in (True, False):
        texts, loss = replied(events, stream)
        assert set(loss) == {"proof", "citations", "Image", "Opaque", "ToolCall", "choices", "odd"}
        assert "".join(text["message"]["content"] for text in texts) == "HiNo."


def test_what_an_upstream_of_this_dialect_measured_is_told(server, ask):
    request = ask()
    encoder = server.encoder(server.decode(request), request, "lines")
    events = [Started(dialect="ollama"), Finished(extra={"total_duration": Raw(b"7")}), USAGE]
    assert json.loads(replay.encoded_reply(encoder, events))["total_duration"] == 7
    assert encoder.loss == []


def test_a_failure_is_a_line(server, ask):
    request = ask()
    encoder = server.encoder(server.decode(request), request, "lines")
    assert encoder.fail(UpstreamBroken("Lost.")) == b'{"error":"Lost."}\n'
    assert encoder.idle() == b""
