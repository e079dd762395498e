"""Agents that follow one another in one run, by handing over and by direct edges, through the official SDKs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
import thinking
from chaining import AGENTS, MODELS, PRICES, TO_LAW, TO_SALES, WEATHER, Parts, handed, message_of, talk, until
from clients import opened
from google import genai
from thinking import Turn, results

from gateway.testing import tools
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.running import RunningGateway

Json = dict[str, Any]
HI: Any = [{"role": "user", "content": "Hi"}]
BOTH = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notes")


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, notes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    place = tmp_path_factory.mktemp("chains")
    endpoint: Json = {"name": "up", "apiKey": "k", "baseURL": f"{upstream.url}/v1", "tokenConfig": PRICES}
    endpoints = {"custom": [endpoint | {"models": {"default": MODELS}}]}
    text = thinking.config(upstream, *AGENTS, endpoints=endpoints)
    environ = thinking.environ(tools.installed(place / "site"), notes)
    with RunningGateway(place / "gateway", text, environ=environ) as running:
        yield running


@pytest.fixture
def parts(upstream: FakeUpstream) -> Callable[..., Parts]:
    return lambda **turns: Parts(upstream, **turns)


@pytest.fixture(scope="module")
def chat(gateway: RunningGateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def claude(gateway: RunningGateway) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0) as client:
        yield client


@BOTH
def test_a_handoff_is_hidden_in_chat_and_the_other_agent_answers(
    parts: Any, chat: openai.OpenAI, streamed: bool
) -> None:
    told = parts(**handed())
    if streamed:
        chunks = list(chat.chat.completions.create(model="agent_desk", messages=HI, stream=True))
        deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
        assert "".join(delta.content or "" for delta in deltas) == "Onemoment.So.Itis3."
        assert not any(delta.tool_calls for delta in deltas)
        assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    else:
        said = chat.chat.completions.create(model="agent_desk", messages=HI)
        [choice] = said.choices
        assert (choice.message.content, choice.message.tool_calls, choice.finish_reason) == (
            "One moment. So. It is 3.",
            None,
            "stop",
        )
        assert said.usage is not None
        assert (said.usage.prompt_tokens, said.usage.completion_tokens) == (60, 14)
    assert told.order == ["desk", "sales", "sales"]
    desk, sales, again = told.asked
    assert [(one["function"]["name"], one["function"]["description"]) for one in desk["tools"]] == [
        (TO_SALES, "For buyers."),
        (TO_LAW, "Hands the conversation over to the agent Law. Knows the law."),
    ]
    assert desk["tools"][0]["function"]["parameters"]["properties"]["task"]["description"] == "What is wanted."
    assert [one["function"]["name"] for one in sales["tools"]] == ["test_add", "test_whoami"]
    assert (desk.get("temperature"), sales["temperature"]) == (None, 0.25)
    system = sales["messages"][0]["content"]
    assert system.startswith("sales: be brief.\n\n")
    assert "You are the agent Sales; Desk handed this conversation over to you." in system
    assert "desk:" not in system
    moment = "Onemoment." if streamed else "One moment. "
    assert talk(sales) == [("user", "Hi"), ("assistant", moment), ("user", "Add it up.")]
    assert results(again["messages"]) == ["3"]


def test_responses_and_messages_show_a_handoff_as_a_call(
    parts: Any, chat: openai.OpenAI, claude: anthropic.Anthropic
) -> None:
    told = parts(**handed())
    said: Any = chat.responses.create(model="agent_desk", input="Hi")
    assert [item.type for item in said.output] == ["message", "mcp_call", "message", "mcp_call", "message"]
    calls = [item for item in said.output if item.type == "mcp_call"]
    assert [(call.server_label, call.name, call.output, call.status) for call in calls] == [
        ("agents", TO_SALES, "Sales goes on from here.", "completed"),
        ("test", "add", "3", "completed"),
    ]
    items: Any = [
        *HI,
        *[item.model_dump(exclude_none=True) for item in said.output],
        {"role": "user", "content": "And?"},
    ]
    told = parts(desk=Turn("Ask Sales."))
    chat.responses.create(model="agent_desk", input=items)
    [again] = told.asked
    assert [call["function"]["name"] for one in again["messages"] for call in one.get("tool_calls") or ()] == [
        TO_SALES,
        "add",
    ]
    parts(**handed())
    with claude.messages.stream(model="agent_desk", max_tokens=99, messages=HI) as stream:
        message = stream.get_final_message()
    ran = ["mcp_tool_use", "mcp_tool_result"]
    assert [str(block.type) for block in message.content] == ["text", *ran, "text", *ran, "text"]
    assert (message.stop_reason, message.usage.input_tokens) == ("end_turn", 60)


def test_each_turn_is_billed_to_the_agent_and_model_that_had_it(
    parts: Any, gateway: RunningGateway, chat: openai.OpenAI, calling: Any
) -> None:
    parts(**handed())
    came = chat.chat.completions.with_raw_response.create(model="agent_desk", messages=HI)
    assert came.headers["x-gateway-loss"] == "agent.edges[agent_secret], agent.edges[agent_never]"
    name, caller, turns = came.headers["x-gateway-exchange"], calling(gateway.url), []
    end = time.monotonic() + 20
    while len(turns) < 3 and time.monotonic() < end:
        page = caller.get("/api/admin/usage/records?limit=100").json["data"]
        turns = sorted((one for one in page if one.get("parent") == name), key=lambda one: str(one["id"]))
    assert [(one["agent"], one["model_served"], one["usage"]["input"]) for one in turns] == [
        ("agent_desk", "desk", 10),
        ("agent_sales", "sales", 20),
        ("agent_sales", "sales", 30),
    ]


def test_an_agent_that_hands_over_to_nobody_answers_itself(parts: Any, chat: openai.OpenAI) -> None:
    told = parts(desk=Turn("No need."))
    assert chat.chat.completions.create(model="agent_desk", messages=HI).choices[0].message.content == "No need."
    assert told.order == ["desk"]


def test_two_handoffs_at_once_are_two_agents_at_once(parts: Any, chat: openai.OpenAI) -> None:
    told = parts(desk=Turn("", [(TO_SALES, {"task": "Add."}), (TO_LAW, {})]), sales=Turn("Sold. "), law=Turn("Lawful."))
    said = chat.chat.completions.create(model="agent_desk", messages=HI)
    assert said.choices[0].message.content == "Sold. Lawful."
    assert told.order[0] == "desk"
    assert sorted(told.order[1:]) == ["law", "sales"]
    assert talk(told.of("law")[0]) == [("user", "Hi")]


@BOTH
def test_agent_ids_go_on_one_after_the_other_with_what_was_said(
    parts: Any, chat: openai.OpenAI, streamed: bool
) -> None:
    told = parts(draft=Turn("A."), edit=[Turn("B.", [("test_echo", {"text": "x"})]), Turn("C.")], print=Turn("D."))
    if streamed:
        with chat.responses.stream(model="agent_draft", input="Hi") as events:
            said: Any = events.get_final_response()
    else:
        said = chat.responses.create(model="agent_draft", input="Hi")
    assert said.output_text == "A.B.C.D."
    assert told.order == ["draft", "edit", "edit", "print"]
    assert talk(told.of("edit")[0]) == [("user", "Hi"), ("user", "Draft: A.")]
    assert talk(told.of("print")[0]) == [("user", "Hi"), ("user", "Draft: A.\nEdit: B.\nTool: x\nEdit: C.")]


@BOTH
def test_sequential_outputs_can_be_hidden(parts: Any, chat: openai.OpenAI, streamed: bool) -> None:
    told = parts(quiet=Turn("A."), edit=[Turn("B.", [("test_echo", {"text": "x"})]), Turn("C.")], print=Turn("D."))
    if streamed:
        with chat.responses.stream(model="agent_quiet", input="Hi") as events:
            said: Any = events.get_final_response()
    else:
        said = chat.responses.create(model="agent_quiet", input="Hi")
    assert [item.type for item in said.output] == ["mcp_call", "message"]
    assert (said.output_text, len(told.asked)) == ("D.", 4)
    parts(once=Turn("A."), edit=[Turn("B.", [("test_echo", {"text": "x"})]), Turn("C.")])
    once: Any = chat.responses.create(model="agent_once", input="Hi")
    assert ([item.type for item in once.output], once.output_text) == (["message"], "C.")
    parts(shy=[Turn("Hm.", [("test_add", {"a": 1})]), Turn("Done.")])
    shy: Any = chat.responses.create(model="agent_shy", input="Hi")
    assert ([item.type for item in shy.output], shy.output_text) == (["mcp_call", "message"], "Done.")


@BOTH
def test_a_fan_out_goes_on_at_once_and_a_fan_in_waits_for_all(
    parts: Any, chat: openai.OpenAI, notes: Path, streamed: bool
) -> None:
    """The first branch waits for a file that is there once the second one was asked."""
    there = notes / f"right_{streamed}"
    told = parts(
        lead=Turn("Go."),
        left=[Turn("L1.", [("test_wait", {"file": there.name})]), Turn("L2.")],
        right=Turn("R."),
        sum=Turn("S."),
    )
    watch = threading.Thread(target=lambda: (until(lambda: told.of("right")), there.touch()))
    watch.start()
    asked: Any = {"model": "agent_lead", "input": "Hi", "tools": [{"type": "function", "strict": False, **WEATHER}]}
    if streamed:
        with chat.responses.stream(**asked) as events:
            said: Any = events.get_final_response()
    else:
        said = chat.responses.create(**asked)
    watch.join()
    assert [item.type for item in said.output] == ["message", "mcp_call", "message"]
    assert (said.output_text, said.usage.total_tokens) == ("Go.L1.L2.R.S.", 75)
    [left, *_], [right], [last] = told.of("left"), told.of("right"), told.of("sum")
    names = [
        [one["function"]["name"] for one in body.get("tools") or ()] for body in (told.asked[0], left, right, last)
    ]
    assert names == [["weather"], ["test_wait"], [], ["weather"]], "a client can be asked by one agent at a time"
    assert talk(left)[:2] == talk(right)[:2] == [("user", "Hi"), ("assistant", "Go.")]
    assert talk(right)[2][0] == "user", (
        "a model whose upstream goes on with a last word of its own is told that it is none"
    )
    weighed = "Weigh these:\nLead: Go.\nLeft: L1.\nTool: It is there.\nLeft: L2.\nRight: R."
    assert talk(last) == [("user", "Hi"), ("user", weighed)]


def test_an_agent_without_tools_is_told_calls_of_others_as_words(parts: Any, chat: openai.OpenAI) -> None:
    told = parts(ends=Turn("", [("test_echo", {"text": "x"})]), print=Turn("P."))
    said = chat.chat.completions.create(model="agent_ends", messages=HI)
    assert (said.choices[0].message.content, told.order) == ("P.", ["ends", "print"])
    assert not any(one.get("tool_calls") or one["role"] == "tool" for one in told.of("print")[0]["messages"])
    assert "x" in str(talk(told.of("print")[0])[-1][1])


@BOTH
def test_a_clients_answer_goes_to_the_agent_that_asked(parts: Any, chat: openai.OpenAI, streamed: bool) -> None:
    """Twice: what was told in between is put back, and the first agent is not asked again."""
    first = Turn("", [("weather", {"city": "Bern"}), ("test_add", {"a": 1})], ids=("call_0", "call_1"))
    told = parts(**handed(sales=[first, Turn("", [("weather", {"city": "Rome"})]), Turn("Fair.")]))
    asked: Any = {"model": "agent_desk", "tools": [{"type": "function", "function": WEATHER}], "stream": streamed}
    history: list[Any] = [*HI]
    for _ in range(2):
        message = message_of(chat.chat.completions.create(messages=history, **asked))
        [call] = message["tool_calls"]
        assert call["function"]["name"] == "weather"
        history += [message, {"role": "tool", "tool_call_id": call["id"], "content": "Sunny."}]
    assert message_of(chat.chat.completions.create(messages=history, **asked))["content"] == "Fair."
    assert told.order == ["desk", "sales", "sales", "sales"]
    last = told.asked[-1]
    assert [role for role, _ in talk(last)] == [
        "user",
        "assistant",
        "user",
        "assistant",
        "tool",
        "tool",
        "assistant",
        "tool",
    ]
    assert sorted(results(last["messages"])) == ["1", "Sunny.", "Sunny."]
    assert [one["function"]["name"] for one in last["tools"]] == ["test_add", "test_whoami", "weather"]
    again = parts(desk=Turn("Yes?"))
    chat.chat.completions.create(
        messages=[*history, {"role": "assistant", "content": "Fair."}, *HI], **asked | {"stream": False}
    )
    assert again.order == ["desk"], "a new word of the client's goes to the first agent"


def test_the_same_in_messages_and_over_direct_edges(parts: Any, claude: anthropic.Anthropic) -> None:
    """The client adds a word to its answer, as coding agents do."""
    told = parts(draft=Turn("A."), edit=[Turn("B.", [("weather", {"city": "Bern"})]), Turn("C.")], print=Turn("D."))
    wanted: Any = {"model": "agent_draft", "max_tokens": 99}
    wanted["tools"] = [{"name": "weather", "input_schema": WEATHER["parameters"]}]
    message: Any = claude.messages.create(messages=HI, **wanted)
    assert [block.type for block in message.content] == ["text", "text", "tool_use"]
    content = [block.model_dump(exclude_none=True) for block in message.content]
    answer = {"type": "tool_result", "tool_use_id": message.content[2].id, "content": "Sunny."}
    word = {"type": "text", "text": "Mind the umbrella."}
    history: Any = [*HI, {"role": "assistant", "content": content}, {"role": "user", "content": [answer, word]}]
    done: Any = claude.messages.create(messages=history, **wanted)
    assert [block.text for block in done.content] == ["C.", "D."]
    assert told.order == ["draft", "edit", "edit", "print"]
    assert talk(told.of("edit")[1]) == [
        ("user", "Hi"),
        ("user", "Draft: A."),
        ("assistant", "B."),
        ("tool", "Sunny."),
        ("user", "Mind the umbrella."),
    ]
    assert talk(told.of("print")[0])[1][1].startswith("Draft: A.\nEdit: B.\nUser: Mind the umbrella.\nTool: Sunny.")


@BOTH
def test_an_answer_to_a_kept_response_goes_to_the_agent_that_asked(
    parts: Any, chat: openai.OpenAI, streamed: bool
) -> None:
    told = parts(draft=Turn("A."), edit=[Turn("B.", [("weather", {"city": "Bern"})]), Turn("C.")], print=Turn("D."))
    asked: Any = {"model": "agent_draft", "tools": [{"type": "function", "strict": False, **WEATHER}], "store": True}
    if streamed:
        with chat.responses.stream(input="Hi", **asked) as events:
            said: Any = events.get_final_response()
    else:
        said = chat.responses.create(input="Hi", **asked)
    answer = {"type": "function_call_output", "call_id": said.output[-1].call_id, "output": "Sunny."}
    done = chat.responses.create(input=[answer], previous_response_id=said.id, **asked)
    assert (done.output_text, told.order) == ("C.D.", ["draft", "edit", "edit", "print"])
    assert talk(told.of("edit")[1]) == [("user", "Hi"), ("user", "Draft: A."), ("assistant", "B."), ("tool", "Sunny.")]


def test_a_turn_that_calls_a_client_and_hands_over_goes_on_with_the_other_agent(
    parts: Any, chat: openai.OpenAI
) -> None:
    both = Turn("", [("weather", {"city": "Bern"}), (TO_LAW, {})], ids=("call_0", "call_1"))
    told = parts(desk=both, law=Turn("Lawful."))
    asked: Any = {"model": "agent_desk", "tools": [{"type": "function", "function": WEATHER}]}
    message = message_of(chat.chat.completions.create(messages=HI, **asked))
    [call] = message["tool_calls"]
    answer = {"role": "tool", "tool_call_id": call["id"], "content": "Sunny."}
    said = chat.chat.completions.create(messages=[*HI, message, answer], **asked)
    assert (said.choices[0].message.content, told.order) == ("Lawful.", ["desk", "law"])
    assert results(told.of("law")[0]["messages"]) == ["Sunny."]


def test_subagents_are_asked_by_a_tool_and_heard_for_their_answer(
    parts: Any, gateway: RunningGateway, chat: openai.OpenAI
) -> None:
    """Two at once: one with a tool of its own, one that others follow."""
    calls = [("subagent", {"description": f"Do {one}.", "subagent_type": f"agent_{one}"}) for one in ("edit", "plain")]
    told = parts(
        chief=[Turn("So.", calls), Turn("", [("lc_transfer_to_agent_sum", {})])],
        edit=[Turn("Hm.", [("test_echo", {"text": "x"})], usage=(20, 7)), Turn("Edited.")],
        plain=Turn("Pl"),
        print=Turn("ain."),
        sum=Turn("Summed."),
    )
    came = chat.responses.with_raw_response.create(model="agent_chief", input="Hi")
    said: Any = came.parse()
    assert came.headers["x-gateway-loss"] == "agent.subagents[agent_secret]"
    assert [item.type for item in said.output] == ["message", *["mcp_call"] * 3, "message"]
    assert [(item.server_label, item.name, item.output) for item in said.output[1:3]] == [
        ("agents", "subagent", "Edited."),
        ("agents", "subagent", "Plain."),
    ]
    assert (said.output_text, said.usage.input_tokens, len(told.asked)) == ("So.Summed.", 80, 7)
    declared = told.of("chief")[0]["tools"][1]["function"]
    assert declared["parameters"]["properties"]["subagent_type"]["enum"] == ["self", "agent_edit", "agent_plain"]
    assert talk(told.of("edit")[0]) == [("user", "Do edit.")]
    assert "You are" not in told.of("edit")[0]["messages"][0]["content"]


def test_an_agent_may_ask_itself_once(parts: Any, chat: openai.OpenAI) -> None:
    told = parts(loner=[Turn("", [("subagent", {"description": "Do it.", "subagent_type": "self"})]), Turn("Done.")])
    said: Any = chat.responses.create(model="agent_loner", input="Hi")
    assert [item.output for item in said.output if item.type == "mcp_call"] == ["Done."]
    first, inner, last = told.asked
    assert ([one["function"]["name"] for one in first["tools"]], inner.get("tools")) == (["subagent"], None)
    assert (talk(inner), said.output_text) == ([("user", "Do it.")], "Done.")
    assert results(last["messages"]) == ["Done."]


def test_gemini_is_told_what_all_agents_say(parts: Any, gateway: RunningGateway) -> None:
    parts(**handed())
    gemini = opened(genai.Client(api_key=gateway.key, http_options={"base_url": gateway.url}))
    said = gemini.models.generate_content(model="agent_desk", contents="Hi")
    assert said.text == "One moment. So. It is 3."


def test_agents_that_hand_over_for_ever_are_stopped(parts: Any, chat: openai.OpenAI) -> None:
    told = parts(ping=Turn("", [("lc_transfer_to_agent_pong", {})]), pong=Turn("", [("lc_transfer_to_agent_ping", {})]))
    said = chat.responses.create(model="agent_ping", input="Hi")
    assert (said.status, said.incomplete_details and said.incomplete_details.reason) == (
        "incomplete",
        "recursion_limit",
    )
    assert told.order == ["ping", "pong", "ping", "pong", "ping"]


@BOTH
def test_who_may_not_use_all_agents_of_a_chain_is_told_before_anything_is_asked(
    parts: Any, chat: openai.OpenAI, streamed: bool
) -> None:
    told = parts(barred=Turn("A."), lost=Turn("A."))
    with pytest.raises(openai.PermissionDeniedError, match="agent_barred goes on to agent_secret"):
        chat.chat.completions.create(model="agent_barred", messages=HI, stream=streamed)
    with pytest.raises(openai.InternalServerError, match="agent_lost goes on to agent_never") as caught:
        chat.chat.completions.create(model="agent_lost", messages=HI, stream=streamed)
    assert (caught.value.status_code, told.asked) == (503, [])


def test_agents_of_the_store_lead_to_those_of_the_store_and_of_the_file(
    parts: Any, gateway: RunningGateway, chat: openai.OpenAI, calling: Any
) -> None:
    told = parts(
        desk=Turn("Hello."), law=Turn("Lawful."), sum=[Turn("", [("lc_transfer_to_agent_law", {})]), Turn("Summed.")]
    )
    caller = calling(gateway.url)

    def made(**more: Any) -> str:
        came = caller.post("/api/agents", {"provider": "up", "model": "sum", "instructions": "sum: add.", **more})
        assert came.status == 201
        name: str = came.json["id"]
        return name

    last = made(name="Last", model="desk", instructions="desk: greet.", hide_sequential_outputs=False)
    first = made(edges=[{"from": "", "to": "agent_law", "edgeType": "handoff", "description": "d", "beyond": 1}])
    chain = made(agent_ids=[last])
    until(lambda: {first, last, chain} <= {model.id for model in chat.models.list()})
    said = chat.chat.completions.create(model=first, messages=HI)
    assert (said.choices[0].message.content, told.order) == ("Lawful.", ["sum", "law"])
    said = chat.chat.completions.create(model=chain, messages=HI)
    assert said.choices[0].message.content == "Summed.Hello."
    assert caller.send("DELETE", f"/api/agents/{last}").status == 200
    until(lambda: last not in {model.id for model in chat.models.list()})
    assert chat.chat.completions.create(model=chain, messages=HI).choices[0].message.content == "Summed."


def test_an_agent_that_fails_in_the_middle_is_told_in_the_stream(parts: Any, chat: openai.OpenAI) -> None:
    parts(plain=Turn("A."), print=Turn(status=503))
    with pytest.raises(openai.APIError):
        list(chat.chat.completions.create(model="agent_plain", messages=HI, stream=True))
    with pytest.raises(openai.InternalServerError):
        chat.chat.completions.create(model="agent_plain", messages=HI)


def test_one_of_several_that_fails_ends_the_others(parts: Any, chat: openai.OpenAI) -> None:
    """The other one waits for a file that never is there."""
    told = parts(lead=Turn("Go."), left=Turn("L.", [("test_wait", {"file": "never"})]), right=Turn(status=503))
    began = time.monotonic()
    with pytest.raises(openai.InternalServerError):
        chat.chat.completions.create(model="agent_lead", messages=HI)
    assert (sorted(told.order), time.monotonic() - began < 30) == (["lead", "left", "right"], True)


def test_a_length_that_cuts_one_agent_ends_the_run(parts: Any, chat: openai.OpenAI) -> None:
    told = parts(plain=Turn("A.", reason="length"))
    said = chat.chat.completions.create(model="agent_plain", messages=HI)
    assert (said.choices[0].finish_reason, told.order) == ("length", ["plain"])
