"""A route over two makers of opaque state: each gets its own back, and nobody gets another's, whoever answers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from gateway.carrier import MARK, tagged_for, unpack
from gateway.testing.fake_upstream import FakeUpstream, Script
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

Json = dict[str, Any]
NAMES = ("north", "south")
LONG = "resp_" + "0a" * 25


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    custom = [
        {"name": name, "apiKey": "k", "baseURL": f"{upstream.url}/{name}", "models": {"default": ["m"]}}
        for name in NAMES
    ]
    targets = [{"model": f"{name}/m"} for name in NAMES]
    route = {"targets": targets, "retries": 0, "breaker": None}
    own = {
        "routes": [
            {"name": "smart", **route},
            {"name": "rested", **route, "breaker": {"failures": 1, "cooldown": 300}},
        ],
        "agents": [{"id": "agent_smart", "route": "smart", "instructions": "Rhyme."}],
        "provider-custom": {"dialects": {name: ["open-responses"] for name in NAMES}},
        "dialect-open-responses": {"keep": "asked"},  # ids are their makers', and no copies are kept beside them
    }
    config = {"version": "1.3.17", "endpoints": {"custom": custom}, "gateway": own}
    with RunningGateway(tmp_path_factory.mktemp("routes"), json.dumps(config)) as running:
        yield running


@pytest.fixture(scope="module")
def sdk(gateway: RunningGateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0, timeout=20) as client:
        yield client


def reply(name: str) -> Script:
    """It thinks in secret, says a word and names itself."""
    return whole(
        {
            "id": LONG,
            "object": "response",
            "created_at": 1,
            "model": "m",
            "status": "completed",
            "output": [
                {"type": "reasoning", "id": f"rs_{name}", "summary": [], "encrypted_content": f"secret-of-{name}"},
                {
                    "type": "message",
                    "id": f"msg_{name}",
                    "role": "assistant",
                    "status": "completed",
                    "content": [{"type": "output_text", "text": "Yes.", "annotations": []}],
                },
            ],
            "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
        }
    )


FAILED = whole({"error": {"message": "Sorry.", "code": "server_error"}}, status=500)
Talk = Callable[..., Any]


@pytest.fixture
def talk(upstream: FakeUpstream) -> Talk:
    """`talk(north=…, south=…)`: what the upstreams answer; the returned function gives what each was asked since."""

    def begin(**scripts: Script) -> Callable[[str], list[Json]]:
        for name in NAMES:
            upstream.answer(f"/{name}/responses", scripts.get(name) or reply(name))
        before = len(upstream.arrived)

        def asked(name: str) -> list[Json]:
            return [json.loads(one.body) for one in upstream.arrived[before:] if one.path == f"/{name}/responses"]

        return asked

    return begin


def said(response: Any) -> list[Json]:
    return [item.model_dump(exclude_none=True) for item in response.output]


def secrets(body: Json) -> list[str]:
    return [item["encrypted_content"] for item in body["input"] if item.get("encrypted_content")]


def hi(*items: Json) -> Any:
    user = {"role": "user", "content": "Hi"}
    return [user, *items, user] if items else [user]


@pytest.mark.parametrize("model", ["smart", "agent_smart"])
def test_a_conversation_goes_on_where_its_reasoning_was_made(sdk: openai.OpenAI, talk: Talk, model: str) -> None:
    talk(north=FAILED)
    first = sdk.responses.create(model=model, input=hi(), store=False, include=["reasoning.encrypted_content"])
    packed = said(first)[0]["encrypted_content"]
    carried = unpack(packed)
    assert carried is not None
    assert carried.domain == "south"
    assert b"secret-of-south" in bytes(carried.payload)
    asked = talk()
    sdk.responses.create(model=model, input=hi(*said(first)), store=False)
    [body] = asked("south")
    assert (secrets(body), asked("north")) == (["secret-of-south"], [])


def test_no_other_maker_sees_it_even_where_its_own_fails(sdk: openai.OpenAI, talk: Talk) -> None:
    talk(north=FAILED)
    first = sdk.responses.create(model="smart", input=hi(), store=False)
    asked = talk(south=FAILED)
    second = sdk.responses.with_raw_response.create(model="smart", input=hi(*said(first)), store=False)
    assert second.headers["x-gateway-route"] == "north/m"
    assert "reasoning" in second.headers["x-gateway-loss"]
    [body] = asked("north")
    text = json.dumps(body)
    assert "secret-of" not in text
    assert MARK not in text
    assert "Yes." in text, "what was said is everybody's"


def test_what_was_made_elsewhere_is_trusted_to_nobody(sdk: openai.OpenAI, talk: Talk) -> None:
    foreign = {"type": "reasoning", "id": "rs_x", "summary": [], "encrypted_content": "from-elsewhere"}
    asked = talk()
    sdk.responses.create(model="smart", input=hi(foreign), store=False)
    assert secrets(asked("north")[0]) == []
    sdk.responses.create(model="north/m", input=hi(foreign), store=False)
    assert secrets(asked("north")[1]) == ["from-elsewhere"], "a model of one maker gets what its client says"


@pytest.mark.parametrize("stream", [True, False])
def test_a_chat_client_brings_it_back_too(sdk: openai.OpenAI, talk: Talk, stream: bool) -> None:
    talk(north=FAILED)
    if stream:
        chunks = sdk.chat.completions.create(model="smart", messages=hi(), stream=True)
        deltas = [chunk.choices[0].delta.model_dump() for chunk in chunks if chunk.choices]
        details = [one for delta in deltas for one in delta.get("reasoning_details") or []]
    else:
        came = sdk.chat.completions.create(model="smart", messages=hi())
        details = came.choices[0].message.model_dump()["reasoning_details"]
    asked = talk()
    turn = {"role": "assistant", "content": "Yes.", "reasoning_details": details}
    sdk.chat.completions.create(model="smart", messages=hi(turn))
    assert secrets(asked("south")[0]) == ["secret-of-south"]
    asked = talk(south=FAILED)
    sdk.chat.completions.create(model="smart", messages=hi(turn))
    assert "secret-of" not in json.dumps(asked("north")[0])


def test_an_earlier_response_is_known_to_its_maker_alone(sdk: openai.OpenAI, talk: Talk) -> None:
    talk(north=FAILED)
    first = sdk.responses.create(model="smart", input="Hi")
    assert first.id.startswith(LONG)
    assert (tagged_for(first.id, "south"), len(first.id)) == (True, 64)
    assert all(len(item.id or "") <= 64 for item in first.output)
    asked = talk()
    second = sdk.responses.create(model="smart", input="And?", previous_response_id=first.id)
    assert [body["previous_response_id"] for body in asked("south")] == [LONG]
    assert (asked("north"), second.previous_response_id) == ([], first.id)
    asked = talk(south=FAILED)
    with pytest.raises(openai.InternalServerError):
        sdk.responses.create(model="smart", input="And?", previous_response_id=first.id)
    assert asked("north") == []
    asked = talk()
    sdk.responses.create(model="south/m", input="And?", previous_response_id=first.id)
    with pytest.raises(openai.NotFoundError):
        sdk.responses.create(model="north/m", input="And?", previous_response_id=first.id)
    assert [body["previous_response_id"] for body in asked("south")] == [LONG]
    assert asked("north") == []


def test_a_streamed_response_says_whose_it_is(sdk: openai.OpenAI, talk: Talk) -> None:
    talk(north=FAILED)
    with sdk.responses.stream(model="smart", input="Hi") as stream:
        assert tagged_for(stream.get_final_response().id, "south")


def test_files_of_which_nothing_says_whose_they_are_stay_with_the_first(sdk: openai.OpenAI, talk: Talk) -> None:
    content: Any = [{"type": "input_file", "file_id": "file-1"}, {"type": "input_text", "text": "What is it?"}]
    asked = talk(north=FAILED)
    with pytest.raises(openai.InternalServerError):
        sdk.responses.create(model="smart", input=[{"role": "user", "content": content}])
    assert (len(asked("north")), asked("south")) == (1, [])


def test_the_operator_sees_what_is_left_alone(
    sdk: openai.OpenAI, talk: Talk, gateway: RunningGateway, calling: Any, operate: Any
) -> None:
    asked = talk(north=FAILED)
    for _ in range(2):
        came = sdk.responses.with_raw_response.create(model="rested", input="Hi")
        assert came.headers["x-gateway-route"] == "south/m"
    assert len(asked("north")) == 1
    caller = calling(gateway.url, key="")
    [rested] = [route for route in caller.get("/status").json["routes"] if route["name"] == "rested"]
    assert [(one["model"], one["state"], one["fault"]) for one in rested["targets"]] == [
        ("north/m", "open", "5xx"),
        ("south/m", "closed", ""),
    ]
    assert 0 < rested["targets"][0]["cooldown"] <= 300
    metrics = caller.get("/metrics").body.decode()
    assert 'gateway_target_state{endpoint="north",model="m",route="rested",state="open"} 1.0' in metrics
    assert 'gateway_fallbacks_total{class="refused",endpoint="north"}' in metrics
    shown = operate(gateway, "status", "--url", gateway.url)
    assert "rested (ordered)" in shown
    assert "open" in shown
    told = json.loads(operate(gateway, "status", "--json", "--url", gateway.url))
    assert (told["workers"], told["reasons"]) == (1, [])


def test_a_status_that_nobody_answers_is_a_failure(gateway: RunningGateway, operate: Any) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failed:
        operate(gateway, "status", "--url", "http://127.0.0.1:1")
    assert failed.value.returncode == 1
    assert "No gateway answers on http://127.0.0.1:1" in failed.value.stderr


def test_a_route_is_listed_and_told_who_may_not_call_it(sdk: openai.OpenAI, gateway: RunningGateway) -> None:
    assert {"smart", "rested"} <= {model.id for model in sdk.models.list()}
    assert sdk.models.retrieve("smart").id == "smart"
