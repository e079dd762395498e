"""Settings, the list of agents, and what a call is written as."""

import asyncio
import json
import os
from pathlib import Path

import gateway_provider_letta as plugin
import pytest
from gateway_provider_letta.app_server import body
from gateway_provider_letta.conversations import talk_of

from gateway import (
    Attempt,
    Call,
    Exchange,
    Image,
    Message,
    Principal,
    Sampling,
    State,
    Text,
    ToolResult,
    UpstreamRefused,
    UpstreamUnreachable,
)
from gateway.testing import endpoints, replay
from gateway.testing.toy import ToyServer
from gateway.wire.losses import Loss

URL = "http://127.0.0.1:9"
LISTED = b'{"object":"list","data":[{"id":"demo"},{"id":"agent-2"}]}'


def made(upstream=None, environ=None, now=0.0, **options):
    given = {"gateway": {"provider-letta": [{"url": URL, **options}]}}
    return endpoints.one(plugin, given, environ, upstream, now)


def listed(provider):
    return asyncio.run(provider.models())


def test_where_nothing_asks_for_it_there_is_none():
    assert endpoints.providers(plugin, {}) == []


def test_several_servers_are_several_endpoints():
    given = {"gateway": {"provider-letta": [{"url": URL}, {"url": URL, "name": "cloud", "api": "rest"}]}}
    assert [one.endpoint for one in endpoints.providers(plugin, given)] == ["letta", "cloud"]


def test_agents_are_listed_with_the_key_and_once():
    upstream = endpoints.Answering({"/v1/models": LISTED})
    provider = made(upstream, {"TOKEN": "sk-1"}, key="${TOKEN}")

    async def twice():
        return await asyncio.gather(provider.models(), provider.models()), await provider.models()

    assert asyncio.run(twice()) == ([("demo", "agent-2")] * 2, ("demo", "agent-2"))
    assert upstream.requests == [("GET", f"{URL}/v1/models", {"authorization": "Bearer sk-1"})]


def test_some_of_them_and_other_names_can_be_chosen():
    upstream = endpoints.Answering({"/v1/models": LISTED})
    assert listed(made(upstream, agents=["agent-2"], names={"agent-2": "helper"})) == ("helper",)


def test_where_the_list_cannot_be_had_the_chosen_ones_stand():
    assert listed(made(agents=["demo"])) == ("demo",)
    assert listed(made()) == ()
    assert listed(made(endpoints.Answering(b"oops"), agents=["demo"])) == ("demo",)


def test_a_list_over_several_pages_is_whole():
    listing = [{"id": f"agent-{number}", "name": f"n{number}"} for number in range(130)]
    page = [json.dumps(part).encode() for part in (listing[:100], listing[100:])]

    class Pages(endpoints.Answering):
        async def send(self, method, url, headers, body=b"", **more):
            self.answers = {"": page[1 if "after=agent-99" in url else 0]}
            return await super().send(method, url, headers, body, **more)

    upstream = Pages({})
    assert len(listed(made(upstream, api="rest"))) == 130
    assert [sent.url.partition("?")[2] for sent in upstream.sent] == ["limit=100", "limit=100&after=agent-99"]


def test_a_recorded_list_is_understood():
    shared = Path(os.environ.get("GATEWAY_SHARED") or Path(__file__).resolve().parents[4] / "shared")
    file = shared / "upstreams" / "letta" / "recorded_rest" / "02_agents_list.json"
    if not file.exists():
        pytest.skip("the shared recordings are not here (GATEWAY_SHARED, or ../shared beside the checkout)")
    recorded = json.loads(file.read_text())["response"]["body"]
    names = listed(made(endpoints.Answering(json.dumps(recorded).encode()), api="rest"))
    assert names
    assert set(names) <= {one[key] for one in recorded for key in ("id", "name")}


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"url": "ftp://h"}, "gateway.provider-letta[0].url: "),
        ({"url": "${NOWHERE}"}, "gateway.provider-letta[0].url: the variable NOWHERE is not set"),
        ({"key": "${NOWHERE}"}, "gateway.provider-letta[0].key: the variable NOWHERE is not set"),
        ({"key": "sk-canary\r\nx: 1"}, "gateway.provider-letta[0].key: it has characters"),
        ({"conversations": "agent"}, "gateway.provider-letta[0].conversations: only `rest`"),
    ],
)
def test_settings_that_cannot_be_used_are_named_and_keys_are_not_shown(options, where):
    provider = made(**options)
    assert provider.unavailable.startswith(where)
    [finding] = provider.findings()
    assert f"{finding.path}: {finding.what}" == provider.unavailable
    assert "canary" not in repr((finding, vars(provider)))
    assert listed(provider) == ()


def exchange(user="ada", stream=False, **headers):
    server = ToyServer()
    body = json.dumps({"text": "Hi", "stream": stream}).encode()
    made = Exchange(replay.inbound(server, body, headers=headers), server, principal=Principal(user))
    made.envelope = server.peek(made.inbound)
    return made


def ran(provider, model):
    asked = exchange()
    asked.attempts.append(Attempt("a", provider.target(model)))

    async def run():
        return [event async for event in provider.run(Call(model, [user("hi")]), asked)]

    return asyncio.run(run())


def test_an_agent_that_is_not_there_is_not_found():
    with pytest.raises(UpstreamRefused) as raised:
        ran(made(endpoints.Answering({"/v1/models": LISTED})), "nope")
    assert (raised.value.status, raised.value.code) == (404, "model_not_found")


def test_an_agent_can_be_named_by_its_id_where_it_has_another_name_here():
    upstream = endpoints.Answering({"/v1/agents/": b'[{"id": "agent-1", "name": "demo"}]'})
    provider = made(upstream, api="rest", conversations="agent")
    for model in ("demo", "agent-1"):
        with pytest.raises(UpstreamRefused):
            ran(provider, model)
        assert upstream.sent[-1].url == f"{URL}/v1/agents/agent-1/messages/stream"


def test_while_nobody_knows_the_agents_the_servers_failure_is_told():
    provider = made()
    assert provider.open
    with pytest.raises(UpstreamUnreachable, match="There is no network here"):
        ran(provider, "demo")
    provider = made(endpoints.Answering({"/v1/models": LISTED}))
    assert listed(provider) == ("demo", "agent-2")
    assert not provider.open


def key(call=None, keeping="call", **of):
    return talk_of(call or Call("m"), exchange(**of), "letta", keeping)


def test_a_call_is_a_conversation_of_its_own():
    assert not key().goes_on


def test_a_named_one_is_its_users_alone():
    named = {"x-letta-chat-key": "c1"}
    ada = key(**named)
    assert ada.goes_on
    assert ada == key(**named) == key(Call("m", state=State(conversation="c1")))
    assert len({ada.key, key(user="eve", **named).key, key(**{"x-letta-chat-key": "c2"}).key}) == 3
    assert "c1" not in ada.key


def test_open_webuis_chats_count_in_streams_alone():
    chat = {"x-openwebui-chat-id": "c1"}
    assert key(stream=True, **chat).goes_on
    assert not key(**chat).goes_on


def test_settings_say_what_counts_where_none_is_named():
    assert key(keeping="user").key == key(keeping="user").key != key(keeping="user", user="eve").key
    assert key(keeping="agent").shared


def written(*messages, goes_on=False, **more):
    loss = Loss()
    return body("demo", Call("m", list(messages), **more), goes_on, loss), loss.paths


def user(*blocks):
    return Message("user", [Text(block) if isinstance(block, str) else block for block in blocks])


def test_what_was_said_before_is_told_with_the_instructions():
    said = [user("one"), Message("assistant", [Text("two")]), Message("developer", [Text("Be brief.")]), user("three")]
    asked, lost = written(*said, system=[Text("Be kind.")])
    assert asked["instructions"] == "Be kind.\n\nBe brief.\n\nThe conversation so far:\n\nUser: one\n\nYou: two"
    assert [item["content"] for item in asked["input"]] == [[{"type": "input_text", "text": "three"}]]
    assert (asked["stream"], asked["store"], lost) == (True, False, [])
    assert "instructions" not in written(*said[:1])[0]


def test_in_a_conversation_that_goes_on_only_what_is_new_is_told():
    said = [user("one"), Message("assistant", [Text("two")]), user("three"), user("four")]
    asked, _ = written(*said, goes_on=True)
    assert "instructions" not in asked
    assert [item["content"][0]["text"] for item in asked["input"]] == ["three", "four"]


def test_results_of_a_clients_tools_are_told_as_text():
    asked, _ = written(Message("tool", [ToolResult("call_1", [Text("sunny")])]))
    assert asked["input"][0]["content"] == [{"type": "input_text", "text": "sunny"}]


def test_pictures_go_along_unless_they_were_said_before():
    picture = Image(data="aGk=", media_type="image/png")
    asked, lost = written(user("look", picture))
    assert asked["input"][0]["content"][1] == {"type": "input_image", "image_url": "data:image/png;base64,aGk="}
    assert lost == []
    _, lost = written(user("look", picture), Message("assistant", [Text("ok")]), user("and?"))
    assert lost == ["messages[0].content[1]"]


def test_what_an_agent_cannot_be_told_is_named():
    _, lost = written(user("hi"), sampling=Sampling(temperature=0.0, stop=("x",), choices=2))
    assert lost == ["temperature", "stop", "n"]
