"""Calls that a person is asked about: through the official SDK of Responses and the extension of chat completions, on
two workers that share a store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
import thinking
from administering import Admin
from clients import opened
from thinking import Model, Turn, by_turns, results

from gateway.testing import tools
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.running import RunningGateway

Json = dict[str, Any]
HI: Any = [{"role": "user", "content": "Hi"}]
OURS = ["test_add", "test_echo", "test_note", "test_fail", "test_wait"]
AGENTS: list[Json] = [
    {"id": "agent_careful", "tools": OURS},
    {"id": "agent_final", "tools": OURS, "output": "final"},
    {"id": "agent_keeper", "tools": OURS, "memory": "server"},
    {"id": "agent_first", "tools": OURS, "edges": [{"to": "agent_careful", "edgeType": "direct"}]},
    {"id": "agent_desk", "tools": OURS, "edges": [{"to": "agent_careful"}]},
]
RULES: Json = {
    "enabled": True,
    "allow": ["test_add", "test_echo", "lc_*"],
    "ask": ["test_n*", "test_wait"],
    "deny": ["test_fail"],
}
WEATHER: Any = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}
ASKS = {"X-Gateway-Approval": "ask"}


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notes")


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, notes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    place = tmp_path_factory.mktemp("approvals")
    top = {"interface": {"remoteAgents": {"use": True}}}
    text = thinking.config(upstream, *AGENTS, endpoints={"agents": {"toolApproval": RULES}}, top=top)
    environ = thinking.environ(tools.installed(place / "site"), notes)
    with RunningGateway(place / "gateway", text, "--workers", "2", environ=environ) as running:
        yield running


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0) as client:
        yield client


@pytest.fixture
def noted(notes: Path) -> Callable[[str], int]:
    """How often a text was noted."""

    def count(text: str) -> int:
        file = notes / "notes"
        lines = file.read_text().splitlines() if file.exists() else []
        return sum(line.startswith(f"{text} ") for line in lines)

    return count


def note(text: str) -> tuple[str, Json]:
    return "test_note", {"text": text}


def asked_in(said: Any) -> list[Any]:
    return [item for item in said.output if item.type == "mcp_approval_request"]


def answer(request: Any, approve: bool = True, **more: Any) -> Any:
    return {"type": "mcp_approval_response", "approval_request_id": request.id, "approve": approve, **more}


def sent_back(said: Any) -> list[Any]:
    return [item.model_dump(exclude_none=True) for item in said.output]


def ask(client: openai.OpenAI, streamed: bool = False, **asked: Any) -> Any:
    asked = {"model": "agent_careful", **asked}
    if not streamed:
        return client.responses.create(**asked)
    with client.responses.stream(**asked) as stream:
        return stream.get_final_response()


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("replayed", [False, True], ids=["by id", "by items"])
def test_what_is_approved_of_is_made_once_and_the_run_goes_on(
    upstream: FakeUpstream, client: openai.OpenAI, noted: Callable[[str], int], replayed: bool, streamed: bool
) -> None:
    text = f"once {replayed} {streamed}"
    model = Model(upstream, by_turns(Turn("Let me.", [note(text)]), Turn("Done.")))
    said = ask(client, streamed, input="Hi", store=not replayed)
    assert (said.status, [item.type for item in said.output]) == ("completed", ["message", "mcp_approval_request"])
    [request] = asked_in(said)
    assert (request.server_label, request.name, request.arguments) == ("test", "note", f'{{"text": "{text}"}}')
    assert (noted(text), len(model.asked)) == (0, 1)

    before = {"input": [*HI, *sent_back(said), answer(request)]}
    before = before if replayed else {"input": [answer(request)], "previous_response_id": said.id}
    done = ask(client, streamed, store=not replayed, **before)
    assert [item.type for item in done.output] == ["mcp_call", "message"]
    [call, _] = done.output
    assert (call.approval_request_id, call.name, call.output, call.status) == (
        request.id,
        "note",
        "Noted.",
        "completed",
    )
    assert (done.output_text, noted(text)) == ("Done.", 1)
    [turn] = [one for one in model.asked[1]["messages"] if one["role"] == "assistant"]
    assert [one["function"]["name"] for one in turn["tool_calls"]] == ["test_note"]
    assert results(model.asked[1]["messages"]) == ["Noted."]

    again = ask(client, streamed, store=not replayed, **before)
    assert [item.type for item in again.output] == ["mcp_call", "message"]
    assert (again.output[0].output, noted(text)) == ("Noted.", 1), "the call was made before"

    more = {"input": [*before["input"], *sent_back(done), *HI]}
    more = more if replayed else {"input": HI, "previous_response_id": done.id}
    model = Model(upstream, by_turns(Turn("Later.")))
    assert ask(client, streamed, **more).output_text == "Later."
    [asked] = model.asked
    roles = [one["role"] for one in asked["messages"][1:]]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]
    assert (results(asked["messages"]), noted(text)) == (["Noted."], 1)


def test_what_is_refused_is_told_to_the_model_with_the_reason(
    upstream: FakeUpstream, client: openai.OpenAI, noted: Callable[[str], int]
) -> None:
    model = Model(upstream, by_turns(Turn("", [note("refused"), note("refused")]), Turn("Pity.")))
    said = ask(client, input="Hi", store=True)
    first, second = asked_in(said)
    given = [answer(first, False, reason="Not today."), answer(second, False)]
    done = ask(client, input=given, previous_response_id=said.id)
    assert [(item.type, item.status) for item in done.output] == [("mcp_call", "failed")] * 2 + [
        ("message", "completed")
    ]
    assert results(model.asked[1]["messages"]) == [
        "The call was not made: Not today.",
        "The call was not made: the person who was asked did not approve of it.",
    ]
    yes = [answer(first), answer(second)]
    ask(client, input=yes, previous_response_id=said.id)
    assert noted("refused") == 0, "the first answer counts"


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_turn_may_hold_calls_of_every_kind(
    upstream: FakeUpstream, client: openai.OpenAI, noted: Callable[[str], int], streamed: bool
) -> None:
    text = f"mixed {streamed}"
    calls = [("weather", {}), note(text), ("test_echo", {"text": "x"}), ("test_fail", {}), ("test_note", "no object")]
    model = Model(upstream, by_turns(Turn("All.", calls), Turn("Done.")))
    said = ask(client, streamed, input="Hi", tools=[WEATHER])
    kinds = [item.type for item in said.output]
    assert sorted(kinds) == ["function_call", "mcp_approval_request", "mcp_call", "mcp_call", "mcp_call", "message"]
    assert sorted(item.status for item in said.output if item.type == "mcp_call") == ["completed", "failed", "failed"]
    assert noted(text) == 0

    [request] = asked_in(said)
    [own] = [item for item in said.output if item.type == "function_call"]
    came = {"type": "function_call_output", "call_id": own.call_id, "output": "Sunny."}
    history: Any = [*HI, *sent_back(said)]
    with pytest.raises(openai.BadRequestError, match="approval"):
        ask(client, input=[*history, came], tools=[WEATHER])
    done = ask(client, streamed, input=[*history, came, answer(request)], tools=[WEATHER])
    assert ([item.type for item in done.output], noted(text)) == (["mcp_call", "message"], 1)
    turns = [one for one in model.asked[-1]["messages"] if one["role"] != "system"]
    assert [one["role"] for one in turns] == ["user", "assistant", *["tool"] * 5]
    told = dict(zip([one["tool_call_id"] for one in turns[2:]], results(turns), strict=True))
    names = [(call["function"]["name"], told[call["id"]].partition(",")[0]) for call in turns[1]["tool_calls"]]
    assert names == [
        ("weather", "Sunny."),
        ("test_note", "Noted."),
        ("test_echo", "x"),
        ("test_fail", "The call was not made: it is not allowed here."),
        ("test_note", "The arguments are no JSON object; the call was not made. Write them anew."),
    ]


def test_two_turns_of_one_conversation_may_ask(
    upstream: FakeUpstream, client: openai.OpenAI, noted: Callable[[str], int]
) -> None:
    model = Model(upstream, by_turns(Turn("", [note("first")]), Turn("", [note("second")]), Turn("Done.")))
    said = ask(client, input="Hi")
    items: Any = [*HI, *sent_back(said), answer(asked_in(said)[0])]
    said = ask(client, input=items)
    assert [item.type for item in said.output] == ["mcp_call", "mcp_approval_request"]
    items += [*sent_back(said), answer(asked_in(said)[0])]
    assert ask(client, input=items).output_text == "Done."
    assert (noted("first"), noted("second")) == (1, 1)
    roles = [one["role"] for one in model.asked[-1]["messages"][1:]]
    assert roles == ["user", "assistant", "tool", "assistant", "tool"]


def test_who_does_not_answer_but_says_something_else_has_approved_of_nothing(
    upstream: FakeUpstream, client: openai.OpenAI, noted: Callable[[str], int]
) -> None:
    Model(upstream, by_turns(Turn("", [note("moved on")])))
    said = ask(client, input="Hi", store=True)
    model = Model(upstream, by_turns(Turn("Fine.")))
    done = ask(client, input="Never mind.", previous_response_id=said.id)
    assert (done.output_text, noted("moved on")) == ("Fine.", 0)
    assert results(model.asked[0]["messages"]) == ["The call was not made: nobody approved of it."]


def test_an_answer_is_its_users_alone_and_of_a_turn_that_is_kept(
    upstream: FakeUpstream,
    gateway: RunningGateway,
    client: openai.OpenAI,
    calling: Callable[..., Any],
    noted: Callable[[str], int],
) -> None:
    Model(upstream, by_turns(Turn("", [note("theirs")]), Turn("Done.")))
    said = ask(client, input="Hi", store=True)
    [request] = asked_in(said)
    admin = Admin(calling(gateway.url))
    key = admin.key(user=admin.user()["id"])["key"]
    replayed: Any = [*HI, *sent_back(said), answer(request)]
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0) as other:
        with pytest.raises(openai.ConflictError) as conflict:
            ask(other, input=replayed)
        with pytest.raises(openai.BadRequestError) as unknown:
            ask(other, input=[answer(request)], previous_response_id=said.id)
    assert (conflict.value.code, unknown.value.code) == ("turn_expired", "previous_response_not_found")
    gone = {"approval_request_id": "mcpr_gw_call_gwt" + "0" * 24 + "_a0"}
    with pytest.raises(openai.ConflictError):
        ask(
            client,
            input=[*HI, {**sent_back(said)[0], "id": gone["approval_request_id"]}, answer(request) | gone, *HI],
        )
    with pytest.raises(openai.BadRequestError) as stray:
        ask(client, input=[*HI, answer(request)])
    assert (stray.value.code, noted("theirs")) == ("approval_request_not_found", 0)
    assert ask(client, input=replayed).output_text == "Done."
    assert noted("theirs") == 1


def test_of_two_answers_at_once_one_makes_the_call(upstream: FakeUpstream, client: openai.OpenAI, notes: Path) -> None:
    calls = [("test_wait", {"file": "go"}), note("at once")]
    Model(upstream, by_turns(Turn("", calls), Turn("Done.")))
    said = ask(client, input="Hi", store=True)
    given = {"input": [answer(one) for one in asked_in(said)], "previous_response_id": said.id}
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(ask, client, **given) for _ in range(2)]
        try:
            [late] = wait(both, return_when=FIRST_COMPLETED).done
        finally:
            (notes / "go").touch()
    [first] = [one for one in both if one is not late]
    with pytest.raises(openai.ConflictError) as conflict:
        late.result()
    assert conflict.value.code == "approval_under_way"
    assert first.result().output_text == "Done."
    assert (notes / "notes").read_text().count("at once ") == 1


def test_a_client_may_want_to_be_asked_and_to_have_fewer_tools(upstream: FakeUpstream, client: openai.OpenAI) -> None:
    server: Any = {"type": "mcp", "server_label": "test", "require_approval": {"never": {"tool_names": ["add"]}}}
    server["allowed_tools"] = ["add", "echo", "note"]
    calls = [("test_add", {"a": 1}), ("test_echo", {"text": "x"}), note("wished")]
    model = Model(upstream, by_turns(Turn("", calls)))
    said = ask(client, input="Hi", tools=[server])
    assert [item.type for item in said.output] == ["mcp_call", "mcp_approval_request", "mcp_approval_request"]
    assert [item.name for item in asked_in(said)] == ["echo", "note"], "no client loosens what the operator says"
    assert [tool["function"]["name"] for tool in model.asked[0]["tools"]] == ["test_add", "test_echo", "test_note"]


@pytest.mark.parametrize("replayed", [False, True], ids=["by id", "by items"])
def test_agents_that_follow_one_another_wait_for_the_answer(
    upstream: FakeUpstream, client: openai.OpenAI, noted: Callable[[str], int], replayed: bool
) -> None:
    texts = f"one {replayed}", f"two {replayed}"
    turns = iter([Turn("", [note(texts[0])]), Turn("One."), Turn("", [note(texts[1])]), Turn("Two.")])
    model = Model(upstream, lambda messages: next(turns))
    items: Any = [*HI]
    said = ask(client, model="agent_first", input=items, store=not replayed)
    for text, last in zip(texts, ("mcp_approval_request", "message"), strict=True):
        assert (noted(text), len(asked_in(said))) == (0, 1), "nobody goes on before"
        items += [*sent_back(said), answer(asked_in(said)[0])]
        more: Any = {"input": items} if replayed else {"input": items[-1:], "previous_response_id": said.id}
        said = ask(client, model="agent_first", store=not replayed, **more)
        assert (said.output[0].type, said.output[-1].type, noted(text)) == ("mcp_call", last, 1)
    assert said.output_text == "Two."
    assert [results(body["messages"]) for body in model.asked] == [[], ["Noted."], ["Noted."], ["Noted."] * 2]
    asked = model.asked[-1]["messages"]
    calls = [call["id"] for one in asked for call in one.get("tool_calls") or ()]
    assert calls == [one["tool_call_id"] for one in asked if one["role"] == "tool"]


def test_what_an_agent_would_ask_about_while_it_hands_over_is_not_made(
    upstream: FakeUpstream, client: openai.OpenAI, noted: Callable[[str], int]
) -> None:
    turns = iter([Turn("", [("lc_transfer_to_agent_careful", {}), note("left")]), Turn("Mine now.")])
    model = Model(upstream, lambda messages: next(turns))
    said = ask(client, model="agent_desk", input="Hi")
    assert [item.type for item in said.output] == ["mcp_call", "mcp_call", "message"]
    assert sorted(item.status for item in said.output[:2]) == ["completed", "failed"]
    assert (said.output_text, noted("left")) == ("Mine now.", 0)
    words = "The call was not made: the conversation was handed over in the same turn."
    assert words in results(model.asked[1]["messages"])


def test_chat_asks_where_the_client_knows_how(
    upstream: FakeUpstream, client: openai.OpenAI, noted: Callable[[str], int]
) -> None:
    model = Model(upstream, by_turns(Turn("Let me.", [note("chat")]), Turn("Done.")))
    asked: Any = {"model": "agent_careful", "extra_headers": ASKS}
    message = client.chat.completions.create(messages=HI, **asked).choices[0].message
    [request] = message.model_extra["gateway_approval_requests"]  # type: ignore[index]
    assert (request["name"], noted("chat")) == ("note", 0)
    word = {"role": "tool", "tool_call_id": request["id"], "content": "", "gateway_approval": {"approve": True}}
    history: Any = [*HI, message.model_dump(exclude_none=True), word]
    done = client.chat.completions.create(messages=history, **asked).choices[0]
    assert (done.message.content, done.finish_reason, noted("chat")) == ("Done.", "stop", 1)
    model.asked.clear()
    history += [{"role": "assistant", "content": "Done."}, *HI]
    client.chat.completions.create(messages=history, **asked)
    assert results(model.asked[0]["messages"]) == ["Noted."], "though this client was never told"
    assert noted("chat") == 1


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_an_agent_that_remembers_needs_the_answers_alone(
    upstream: FakeUpstream, client: openai.OpenAI, noted: Callable[[str], int], streamed: bool
) -> None:
    text = f"remembered {streamed}"
    model = Model(upstream, by_turns(Turn("", [note(text), note(text)]), Turn("Done.")))
    asked: Any = {"model": "agent_keeper", "extra_headers": ASKS, "extra_body": {"conversation_id": text}}
    if streamed:
        with client.chat.completions.stream(messages=HI, **asked) as stream:
            message: Any = stream.get_final_completion().choices[0].message
    else:
        message = client.chat.completions.create(messages=HI, **asked).choices[0].message
    requests = message.model_extra["gateway_approval_requests"]
    assert len(requests) == 2
    said: Any = [
        {"role": "tool", "tool_call_id": one["id"], "content": "", "gateway_approval": {"approve": True}}
        for one in requests
    ]
    done = client.chat.completions.create(messages=said, **asked).choices[0].message
    assert (done.content, noted(text)) == ("Done.", 2)
    model.asked.clear()
    asked["extra_headers"] = {}
    client.chat.completions.create(messages=HI, **asked)
    assert [one["role"] for one in model.asked[0]["messages"][1:]] == [
        "user",
        "assistant",
        "tool",
        "tool",
        *["assistant", "user"],
    ]
    assert (results(model.asked[0]["messages"]), noted(text)) == (["Noted."] * 2, 2)


def test_where_nobody_can_be_asked_the_model_is_told(
    upstream: FakeUpstream, gateway: RunningGateway, client: openai.OpenAI, noted: Callable[[str], int]
) -> None:
    model = Model(upstream, by_turns(Turn("", [note("nobody")]), Turn("Done.")))
    client.chat.completions.create(model="agent_careful", messages=HI)
    claude = opened(anthropic.Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0))
    claude.messages.create(model="agent_careful", max_tokens=9, messages=HI)
    words = "The call was not made: it needs the approval of a person, and nobody can be asked here."
    assert [results(body["messages"]) for body in model.asked] == [[], [words], [], [words]]
    assert noted("nobody") == 0


def test_the_final_text_alone_still_asks(upstream: FakeUpstream, client: openai.OpenAI) -> None:
    Model(upstream, by_turns(Turn("Hm.", [("test_add", {"a": 1})]), Turn("", [note("final")]), Turn("Done.")))
    said = ask(client, model="agent_final", input="Hi", store=True)
    assert [item.type for item in said.output] == ["mcp_approval_request"]
    done = ask(
        client, model="agent_final", input=[answer(asked_in(said)[0])], previous_response_id=said.id, stream=False
    )
    assert [item.type for item in done.output] == ["message"]
    assert done.output_text == "Done."


def test_counting_an_answer_takes_nothing_of_it(
    upstream: FakeUpstream, client: openai.OpenAI, noted: Callable[[str], int]
) -> None:
    Model(upstream, by_turns(Turn("Let me.", [note("counted")]), Turn("Done.")))
    said = ask(client, input="Hi")
    items: Any = [*HI, *sent_back(said), answer(asked_in(said)[0])]
    assert client.responses.input_tokens.count(model="agent_careful", input=items).input_tokens > 0
    assert noted("counted") == 0
    assert ask(client, input=items).output_text == "Done."
    assert noted("counted") == 1
