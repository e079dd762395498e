"""Replies as other vendors have them: calls without ids, usage and errors in choices, other words, pictures."""

from __future__ import annotations

from typing import Any

import pytest
from chat_replies import COUNTS, DONE, TARGET, call, calls, chunk, events, frame, whole
from gateway_dialect_openai_chat.client import ChatClient

from gateway import (
    BlockDelta,
    BlockStart,
    Failed,
    Finished,
    Image,
    Text,
    UpstreamRefused,
    Usage,
)
from gateway.testing import replay


@pytest.mark.parametrize("identity", [None, ""])
def test_whole_calls_under_one_number_without_ids_are_calls_of_their_own(identity: str | None) -> None:
    pieces = [call(0, identity, "f", '{"a": 1}'), call(0, identity, "g", '{"b": 2}'), chunk(finish="stop")]
    found = calls(events(*pieces))
    assert [(name, text) for _, name, text in found] == [("f", '{"a": 1}'), ("g", '{"b": 2}')]
    assert len({key for key, _, _ in found}) == 2


@pytest.mark.parametrize("index", [None, 0])
def test_whole_calls_under_one_id_are_calls_of_their_own(index: int | None) -> None:
    first, second = call(index, "null", "f", '{"a": 1}'), call(index, "null", "f", '{"b":')
    found = calls(events(first, second, call(index, "null", None, " 2}"), chunk(finish="tool_calls")))
    assert found == [("null", "f", '{"a": 1}'), ("null", "f", '{"b": 2}')]


def test_a_message_behind_its_deltas_says_nothing_new() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "ab"}, "finish_reason": "stop"}
    found = events(chunk({"content": "a"}), chunk({"content": "b"}), frame({"id": "c1", "choices": [choice]}), DONE)
    assert [event.text for event in found if isinstance(event, BlockDelta)] == ["a", "b"]
    assert found[-1] == Finished()


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("content_filter: PROHIBITED_CONTENT", "content_filter"),
        ("sensitive", "content_filter"),
        ("MAX_TOKENS", "length"),
        ("model_context_window_exceeded", "context_length"),
        ("stop_sequence", "stop_sequence"),
        ("tool_use", "tool_calls"),
        ("abort", "cancelled"),
        ("insufficient_system_resource", "cancelled"),
        ("eos", "stop"),
    ],
)
def test_other_words_for_an_end_are_known(word: str, reason: str) -> None:
    last = events(chunk({"content": "a"}), chunk(finish=word))[-1]
    assert isinstance(last, Finished)
    assert last.reason == reason


def test_usage_in_a_choice_is_read_and_what_it_holds_beside_is_named() -> None:
    usage = {**COUNTS, "cached_tokens": 1, "more": 4}
    choice = {"index": 0, "delta": {}, "finish_reason": "stop", "usage": usage}
    decoder = ChatClient().decoder(TARGET, True)
    pieces = [chunk({"content": "a"}), frame({"id": "c1", "choices": [choice]}), DONE]
    found = list(replay.decoded(decoder, pieces))
    assert Usage(input=2, cache_read=1, output=2) in found
    assert found[-1] == Finished()
    assert list(decoder.loss) == ["choices.usage.more"]


BARE = {"object": "error", "message": "boom", "type": "BadRequestError", "param": None, "code": 400}


def test_an_error_without_an_envelope_is_one() -> None:
    for found in (events(frame(BARE), DONE), events(chunk({"content": "a"}), frame(BARE), DONE), whole(BARE)):
        assert isinstance(last := found[-1], Failed)
        assert isinstance(last.error, UpstreamRefused)
        assert (last.error.public, last.error.status) == ("boom", 400)


def test_an_error_in_a_choice_is_told_in_its_words() -> None:
    choice = {"index": 0, "delta": {}, "finish_reason": "error", "error": {"code": 429, "message": "slow down"}}
    last = events(chunk({"content": "a"}), frame({"id": "c1", "choices": [choice]}), DONE)[-1]
    assert isinstance(last, Failed)
    assert (last.error.public, last.error.status) == ("slow down", 429)


def test_a_broken_network_is_a_failure() -> None:
    assert isinstance(events(chunk({"content": "a"}), chunk(finish="network_error"), DONE)[-1], Failed)


PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}}


@pytest.mark.parametrize(
    "delta",
    [
        {"images": [PICTURE]},
        {"content": [PICTURE]},
        {"content": [PICTURE | {"image_url": PICTURE["image_url"]["url"]}]},
    ],
    ids=["openrouter", "part", "mistral"],
)
def test_pictures_are_blocks_between_the_texts(delta: dict[str, Any]) -> None:
    found = events(chunk({"content": "a"}), chunk(delta), chunk({"content": "b"}), chunk(finish="stop"))
    blocks = [event.block for event in found if isinstance(event, BlockStart)]
    assert blocks == [Text(), Image(data="QQ==", media_type="image/png"), Text()]


def test_parts_of_a_text_that_nobody_knows_are_named() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "reference", "reference_ids": [1]}, {"type": "image_url"}]
    decoder = ChatClient().decoder(TARGET, True)
    list(replay.decoded(decoder, [chunk({"content": parts}), chunk({"images": [{}]}), chunk(finish="stop")]))
    assert list(decoder.loss) == ["choices[0].content[type=reference]", "choices[0].images"]
