"""Agents that remember: clients of chat completions send their last message, whichever worker they reach."""

from __future__ import annotations

import json
import threading
from typing import Any

import httpx
import pytest
from keeping import Place
from openai import OpenAI
from recalling import Recalling


def ask(sdk: OpenAI, text: str, model: str = "agent_m", stream: bool = False, **more: Any) -> str:
    """The reply to one message, nothing else."""
    messages: Any = [{"role": "user", "content": text}]
    if not stream:
        made = sdk.chat.completions.create(model=model, messages=messages, **more)
        return str(made.choices[0].message.content)
    chunks = sdk.chat.completions.create(model=model, messages=messages, stream=True, **more)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["agent_m", "agent_n"])
def test_what_was_said_before_is_known(place: Place, model: str, stream: bool) -> None:
    named = {"extra_body": {"conversation_id": f"{model} {stream}"}}
    with place.sdk() as sdk:
        first = ask(sdk, "one", model, stream, **named)
    with place.sdk() as sdk:
        second = ask(sdk, "two", model, stream, **named)
    assert first.endswith("user:one")
    assert second.endswith("user:two")
    assert f"user:one | assistant:{first} | user:two" in second


def test_the_name_of_a_conversation_stays_here(place: Place, recalling: Recalling) -> None:
    ask(place.sdk(), "one", extra_body={"conversation_id": "mine"})
    assert "conversation_id" not in recalling.asked[-1]


def test_conversations_are_told_apart_by_user_by_key_and_by_open_webui(place: Place) -> None:
    ann, bob = place.sdk(place.key("ann")), place.sdk(place.key("bob"))
    ask(ann, "apple")
    ask(ann, "pear", user="guest")
    ask(ann, "plum", stream=True, extra_headers={"X-OpenWebUI-Chat-Id": "1"})
    assert ask(ann, "last").count("user:") == 3
    assert "user:apple" in ask(ann, "last")
    assert "user:pear" in ask(ann, "last", user="guest")
    found = ask(ann, "last", stream=True, extra_headers={"X-OpenWebUI-Chat-Id": "1"})
    assert "user:plum" in found
    assert "apple" not in found
    title = ask(ann, "a title", extra_headers={"X-OpenWebUI-Chat-Id": "1"})
    assert title == "system:Be kind. | user:a title"
    assert "a title" not in ask(ann, "last", stream=True, extra_headers={"X-OpenWebUI-Chat-Id": "1"})
    for more in ({}, {"user": "guest"}, {"stream": True, "extra_headers": {"X-OpenWebUI-Chat-Id": "1"}}):
        assert ask(bob, "mine", **more) == "system:Be kind. | user:mine"  # type: ignore[arg-type]


def test_a_client_that_brings_its_history_is_left_alone(place: Place) -> None:
    sdk = place.sdk(place.key("cleo"))
    ask(sdk, "one")
    messages: Any = [{"role": role, "content": "x"} for role in ("user", "assistant", "user")]
    made = sdk.chat.completions.create(model="agent_m", messages=messages)
    assert made.choices[0].message.content == "system:Be kind. | user:x | assistant:x | user:x"
    assert "user:x" not in ask(sdk, "two")


def test_tool_calls_and_their_results_are_remembered(place: Place) -> None:
    sdk = place.sdk(place.key("dan"))
    tool: Any = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    for stream in (False, True):
        named = {"conversation_id": f"tools {stream}"}
        ask(sdk, "weather?", stream=stream, tools=[tool], extra_body=named)
        result: Any = [{"role": "tool", "tool_call_id": "call_7", "content": "rain"}]
        made = sdk.chat.completions.create(model="agent_m", messages=result, extra_body=named)
        assert made.choices[0].message.content == (
            "system:Be kind. | user:weather? | assistant:call(weather) | tool:rain"
        )


def test_several_conversations_of_one_agent_do_not_wait_for_each_other(place: Place, recalling: Recalling) -> None:
    recalling.hold()
    said: list[str] = []
    sdk = place.sdk()

    def slowly() -> None:
        said.append(ask(sdk, "please wait", stream=True, extra_body={"conversation_id": "slow"}))

    waiting = threading.Thread(target=slowly)
    waiting.start()
    try:
        for number in range(4):
            assert ask(sdk, "quick", extra_body={"conversation_id": f"quick {number}"}).endswith("user:quick")
        assert not said
    finally:
        recalling.go_on()
        waiting.join()
    assert said[0].endswith("user:please wait")


def test_what_failed_is_not_remembered(place: Place) -> None:
    sdk = place.sdk(place.key("eve"))
    with pytest.raises(Exception, match="I was told to fail"):
        ask(sdk, "fail")
    assert ask(sdk, "two") == "system:Be kind. | user:two"


def told(place: Place, key: str, text: str, stream: bool = False, **more: Any) -> str:
    """What LettaBot's API answers."""
    headers = {"X-Api-Key": key, "Content-Type": "application/json"}
    if stream:
        headers["Accept"] = "text/event-stream"
    body = {"message": text, "agent": "agent_m", **more}
    with httpx.Client() as http:
        reply = http.post(f"{place.running.url}/api/v1/chat", json=body, headers=headers)
    assert reply.status_code == 200, reply.text
    if not stream:
        return str(reply.json()["response"])
    events = [json.loads(line.removeprefix("data: ")) for line in reply.text.split("\n\n") if line.startswith("data: ")]
    assert events[-1]["type"] == "result"
    return "".join(event["content"] for event in events if event["type"] == "assistant")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_clients_of_lettabot_are_remembered(place: Place, stream: bool) -> None:
    key, named = place.key("eve"), {"conversationId": f"stream {stream}"}
    first = told(place, key, "one", stream, **named)
    second = told(place, key, "two", stream, **named)
    assert (first, second) == (
        "system:Be kind. | user:one",
        "system:Be kind. | user:one | assistant:system:Be kind. | user:one | user:two",
    )
    assert told(place, key, "alone", stream, conversationId=f"other {stream}") == "system:Be kind. | user:alone"


def test_a_keys_conversation_is_one_in_both_apis(place: Place) -> None:
    key = place.key("fay")
    ask(place.sdk(key), "apple")
    assert "user:apple" in told(place, key, "pear")
    assert "user:pear" in ask(place.sdk(key), "plum")


def test_a_client_of_lettabot_that_brings_its_history_is_left_alone(place: Place) -> None:
    key = place.key("gus")
    told(place, key, "one")
    earlier = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]
    assert told(place, key, "z", earlier=earlier) == "system:Be kind. | user:x | assistant:y | user:z"
    assert "user:z" not in told(place, key, "two")
