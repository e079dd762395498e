"""What each model of the endpoint `echo` says, and that it says so honestly."""

import asyncio
import logging

import pytest
from gateway_provider_echo import register_providers, register_sections
from gateway_provider_echo.echo import Echo, Options
from hypothesis import given
from hypothesis import strategies as st

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Call,
    Egress,
    Finished,
    Image,
    Limits,
    Message,
    Reasoning,
    Sampling,
    Services,
    Settings,
    Started,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    UpstreamRefused,
    Usage,
)


def call(text="one two  three", model="echo", **more):
    return Call(model=model, messages=[Message("user", [Text("first")]), Message("user", [Text(text)])], **more)


async def events(asked):
    return [event async for event in Echo().run(asked, None)]


def said(found, choice=0, index=0):
    return "".join(e.text for e in found if isinstance(e, BlockDelta) and (e.choice, e.index) == (choice, index))


def usage(found):
    (counted,) = (event for event in found if isinstance(event, Usage))
    return counted


async def test_the_last_user_text_comes_back_word_by_word():
    found = await events(call())
    assert isinstance(found[0], Started)
    assert [event.text for event in found if isinstance(event, BlockDelta)] == ["one", " two", "  three"]
    assert isinstance(found[1], BlockStart)
    assert isinstance(found[5], BlockStop)
    assert found[-1] == Finished(0, "stop")
    assert usage(found) == Usage(input=4, output=3)


@given(st.text())
def test_whatever_was_said_comes_back_whole(text):
    assert said(asyncio.run(events(call(text)))) == text


async def test_the_same_call_gives_the_same_reply():
    assert await events(call()) == await events(call())


async def test_system_and_every_message_count_as_read():
    assert usage(await events(call(system=[Text("be very kind")]))).input == 7


async def test_a_call_without_words_is_answered_with_none():
    found = await events(Call(model="echo", messages=[Message("user", [Image(url="http://h/i.png")])]))
    assert said(found) == ""
    assert found[-1] == Finished(0, "stop")


async def test_a_limit_cuts_the_reply_and_says_so():
    found = await events(call(limits=Limits(max_output=2)))
    assert said(found) == "one two"
    assert found[-1].reason == "length"
    assert usage(found).output == 2


async def test_each_choice_is_answered():
    found = await events(call(sampling=Sampling(choices=2)))
    assert said(found, 0) == said(found, 1) == "one two  three"
    assert [event.choice for event in found if isinstance(event, Finished)] == [0, 1]
    assert usage(found).output == 6


async def test_echo_tools_calls_the_first_tool_of_the_client():
    tools = [Tool("search", kind="hosted"), Tool("weather"), Tool("time")]
    found = await events(call(model="echo-tools", tools=tools))
    assert found[1].block == ToolCall(id="call_echo_0", name="weather")
    assert said(found) == "{}"
    assert found[-1].reason == "tool_calls"


async def test_echo_tools_without_tools_echoes():
    assert said(await events(call(model="echo-tools"))) == "one two  three"


async def test_echo_tools_says_a_tools_result_back():
    asked = call(model="echo-tools", tools=[Tool("weather")])
    asked.messages.append(Message("tool", [ToolResult("call_echo_0", [Text("sunny")])]))
    assert said(await events(asked)) == "sunny"


async def test_echo_reasoning_thinks_first_and_counts_it():
    found = await events(call(model="echo-reasoning"))
    assert isinstance(found[1].block, Reasoning)
    assert said(found, index=1) == "one two  three"
    counted = usage(found)
    assert counted.reasoning == len(said(found).split())
    assert counted.output == counted.reasoning + 3


async def test_echo_error_refuses_before_the_first_event():
    with pytest.raises(UpstreamRefused) as raised:
        await anext(Echo().run(call(model="echo-error"), None))
    assert (raised.value.status, raised.value.code, raised.value.retry_after) == (429, "rate_limit_exceeded", 1)


async def test_echo_slow_waits_before_each_word(monkeypatch):
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    monkeypatch.setattr("gateway_provider_echo.echo.asyncio.sleep", sleep)
    assert said(await events(call(model="echo-slow"))) == "one two  three"
    assert waits == [0.05] * 3


async def test_every_model_is_listed():
    assert "echo-slow" in await Echo().models()


@pytest.mark.parametrize(("enabled", "count"), [(True, 1), (False, 0)])
def test_it_can_be_switched_off(enabled, count):
    settings = Settings({Options: Options(enabled)}, {}, frozenset())
    services = Services(None, Egress(), None, lambda: 0.0, logging.getLogger("test.echo"))
    assert len(register_providers(settings, services)) == count
    assert [section.path for section in register_sections()] == ["gateway.provider-echo"]
