"""What LibreChat's variables and keys come to, tickets, and upstreams that keep no protocol."""

import json
import logging

import gateway_provider_assistants as plugin
import pytest
from gateway_provider_assistants.answer import Answer
from gateway_provider_assistants.tickets import Tickets, Waiting, looks_waiting

from gateway import (
    BlockStart,
    BlockStop,
    Egress,
    NotFound,
    Principal,
    Services,
    Started,
    Text,
    ToolCall,
    ToolResult,
    UpstreamError,
)
from gateway.testing import endpoints
from gateway.testing.installed import NoUpstream

ADA, BOB = Principal("ada"), Principal("bob")
KEYS = {"ASSISTANTS_API_KEY": "k"}
LISTED = b'{"data":[{"id":"asst_a"},{"id":"asst_b"}]}'


def made(environ=KEYS, upstream=None, **section):
    return endpoints.one(plugin, {"endpoints": {"assistants": section or None}}, environ, upstream)


def test_nothing_is_registered_without_a_key():
    services = Services(NoUpstream(), Egress(), None, lambda: 0.0, logging.getLogger("test"))
    assert plugin.register_providers(endpoints.settings(plugin, {"endpoints": {"assistants": {}}}), services) == ()


async def test_assistants_are_listed_with_the_key():
    upstream = endpoints.Answering({"/assistants": LISTED})
    one = made(upstream=upstream, excludedIds=["asst_b"])
    assert await one.models() == ("asst_a",)
    _, url, headers = upstream.requests[0]
    assert url == "https://api.openai.com/v1/assistants?limit=100&order=desc"
    assert headers == {"authorization": "Bearer k", "openai-beta": "assistants=v2"}


async def test_those_that_are_named_stand_in_where_none_can_be_listed():
    one = made(upstream=endpoints.Answering({}), supportedIds=["asst_a"])
    assert await one.models() == ("asst_a",)


@pytest.mark.parametrize(
    ("environ", "section", "why"),
    [
        ({"ASSISTANTS_API_KEY": "user_provided"}, {}, "keys that callers bring"),
        ({**KEYS, "ASSISTANTS_BASE_URL": "user_provided"}, {}, "addresses that callers bring"),
        ({**KEYS, "ASSISTANTS_BASE_URL": "nowhere"}, {}, "http"),
        (KEYS, {"privateAssistants": True}, "none is offered"),
        ({}, {"apiKey": "${NOT_SET}"}, "NOT_SET"),
    ],
    ids=["key", "address", "no address", "private", "unset"],
)
def test_what_cannot_be_used_says_why(environ, section, why):
    one = made(environ, **section)
    assert why in one.unavailable
    assert len(one.findings()) == 1


def test_azure_has_no_address_of_its_own():
    one = endpoints.one(plugin, {}, {"AZURE_ASSISTANTS_API_KEY": "k"})
    assert "AZURE_ASSISTANTS_BASE_URL" in str(one.findings()[0]) or "azureAssistants" in one.unavailable


def test_a_ticket_is_its_callers():
    tickets = Tickets("assistants", "k")
    name = tickets.reply("thread_abc123", ADA)
    assert tickets.thread(name, ADA) == "thread_abc123"
    waiting = Waiting("call_1", "thread_abc", "run_abc")
    call = tickets.call(waiting, ADA)
    assert tickets.waiting(call, ADA) == waiting
    assert looks_waiting(call)
    assert tickets.waiting(call, BOB) is None
    assert Tickets("assistants", "other").waiting(call, ADA) is None
    for name_, who in ((name, BOB), ("resp_asabc123-AAAAAAAA", ADA), ("resp_", ADA)):
        with pytest.raises(NotFound):
            tickets.thread(name_, who)
    assert tickets.reply("conv-1", ADA) is None


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b'{"id":7}', b"[" * 9999, b"\xff"])
@pytest.mark.parametrize("name", ["error", "thread.run.completed", "thread.message.delta", "thread.run.failed"])
def test_garbage_is_an_error(name, payload):
    answer = Answer("m", Tickets("assistants", "k"), ADA)
    with pytest.raises(UpstreamError):
        answer.take(name, payload)


def test_what_nobody_knows_is_passed_over():
    answer = Answer("m", Tickets("assistants", "k"), ADA)
    for name in ("", "done", "thread.news", "thread.run.step.delta"):
        assert answer.take(name, b"{}") == []
    with pytest.raises(UpstreamError):
        answer.finish()


def test_what_the_api_ran_itself_is_shown_with_what_it_came_to():
    code = {"input": "1+1", "outputs": [{"type": "logs", "logs": "2"}, {"type": "image", "image": {"file_id": "f"}}]}
    calls = [
        {"id": "call_1", "type": "code_interpreter", "code_interpreter": code},
        {"id": "call_2", "type": "file_search", "file_search": {"results": [{"file_id": "f", "file_name": "a.pdf"}]}},
        {"id": "call_3", "type": "function", "function": {"name": "own", "arguments": "{}"}},
    ]
    step = {"id": "step_1", "status": "completed", "step_details": {"type": "tool_calls", "tool_calls": calls}}
    answer = Answer("m", Tickets("assistants", "k"), ADA, "assistants")
    started, *events = answer.take("thread.run.step.completed", json.dumps(step).encode())
    shown = [event.block for event in events if isinstance(event, BlockStart)]
    assert isinstance(started, Started)
    assert shown == [
        ToolCall("call_1", "code_interpreter", '{"input":"1+1"}', executor="upstream", server="assistants"),
        ToolResult("call_1", [Text("2")]),
        ToolCall("call_2", "file_search", "{}", executor="upstream", server="assistants"),
        ToolResult("call_2", [Text("a.pdf")]),
    ]
    assert [event.index for event in events if isinstance(event, BlockStop)] == [0, 1, 2, 3]
    assert answer.loss.paths == ["run.step.code_interpreter.outputs"]
    made = {"step_details": {"type": "message_creation", "message_creation": {"message_id": "msg_1"}}}
    assert answer.take("thread.run.step.completed", json.dumps(made).encode()) == []
