"""The real App Server of Letta Code, its agent's model scripted, behind a running gateway.

Its agents run tools unrestricted, so it has a home of its own, and is asked for nothing but an `echo`.
"""

import json
import os
import subprocess
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import openai
import pytest

from gateway import sse
from gateway.testing.beside import Beside
from gateway.testing.fake_upstream import json as answer
from gateway.testing.fake_upstream import stream
from gateway.testing.installed import plugins
from gateway.testing.running import RunningGateway
from gateway.testing.servers import free_port, wait_for

LETTA = Path(__file__).resolve().parents[3] / ".cache" / "letta" / "bin" / "letta"
TOKEN = "sk-letta-0123456789abcdef"
CONFIG = """
version: "1.3.17"
interface: {remoteAgents: {use: true}}
gateway:
  models: {allow: {roles: [USER]}}
  provider-letta:
    - {url: "${LETTA_URL}", key: "${LETTA_TOKEN}"}
    - {name: locked, url: "${LETTA_URL}", key: wrong, agents: [demo]}
    - {name: pinned, url: "${LETTA_URL}", key: "${LETTA_TOKEN}", conversations: user, names: {demo: helper}}
  agents:
    - {id: agent_letta, name: Letta, endpoint: letta, model: demo, instructions: Be kind.}
"""
TEXT = ["Hello", " from", " scripted", " upstream."]
SAID = "Hello from scripted upstream."
ADA, EVE = "0123456789abcdef" * 4, RunningGateway.key


def chunk(delta=None, end=None, **more):
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": end}]
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "scripted-1"}
    return b"data: " + json.dumps({**head, "choices": choices, **more}).encode() + b"\n\n"


def reply(*deltas, end="stop", usage=True):
    counts = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    told = [chunk(usage=counts)] if usage else []
    return stream(*(chunk(delta) for delta in deltas), chunk({}, end), *told, b"data: [DONE]\n\n")


def spoken(usage=True):
    return reply(
        {"role": "assistant", "reasoning_content": "thinking hard"}, *({"content": t} for t in TEXT), usage=usage
    )


def tool(identity):
    """Each call has an id of its own, as Letta wants it."""
    arguments = json.dumps({"command": "echo tool-ran", "description": "x"})
    called = {"index": 0, "id": identity, "type": "function", "function": {"name": "Bash", "arguments": arguments}}
    return reply({"role": "assistant", "tool_calls": [called]}, end="tool_calls")


@pytest.fixture(scope="module")
def model():
    """What the agent's own model is asked, and what it answers."""
    with Beside() as beside:
        beside.upstream.answer(
            "/v1/models", answer({"object": "list", "data": [{"id": "scripted-1", "object": "model"}]})
        )
        beside.upstream.answer("/v1/chat/completions", spoken())
        yield beside.upstream


@pytest.fixture(scope="module")
def letta(model, tmp_path_factory):
    """Its URL."""
    if not LETTA.exists():
        pytest.skip("Letta Code is not here; contrib/e2e-setup.sh installs it into .cache/letta")
    home = tmp_path_factory.mktemp("letta")
    environ = {
        "PATH": f"{LETTA.parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "LETTA_CODE_TELEM": "0",
        "DO_NOT_TRACK": "1",
        "DISABLE_AUTOUPDATER": "1",
        "LETTA_LOCAL_BACKEND_EXPERIMENTAL": "1",
        "LETTA_SKIP_KEYCHAIN_CHECK": "1",
    }
    local = [LETTA, "--backend", "local"]

    def run(*command):
        done = subprocess.run(command, env=environ, cwd=home, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    run(LETTA, "backend", "local")
    run(*local, "connect", "openai-compatible", "--base-url", f"{model.url}/v1", "--api-key", "sk-test")
    scripted = ("--model", "openai-compatible/scripted-1", "--personality", "blank")
    run(*local, "agents", "create", "--name", "demo", *scripted)
    (home / "token").write_text(TOKEN)
    port = free_port()
    keyed = ("--ws-auth", "capability-token", "--ws-token-file", home / "token")
    listen = ("server", "--listen", f"ws://127.0.0.1:{port}", "--openai-api", *keyed)
    with open(home / "log", "w") as log:
        server = subprocess.Popen([*local, *listen], env=environ, cwd=home, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="module")
def gateway(letta, tmp_path_factory):
    environ = {"LETTA_URL": letta, "LETTA_TOKEN": TOKEN, "LETTABOT_API_KEY": ADA}
    with RunningGateway(tmp_path_factory.mktemp("gateway"), CONFIG, environ=environ) as running:
        yield running


@pytest.fixture
def client(gateway):
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0) as client:
        yield client


@pytest.fixture
def asked(model):
    """Messages that the agent's model was sent in this test, without Letta's own: a list for each request."""
    before = len(model.arrived)

    def messages():
        bodies = [json.loads(one.body) for one in model.arrived[before:] if one.method == "POST"]
        return [[one for one in body["messages"] if one["role"] != "system"] for body in bodies]

    return messages


def user(text):
    return {"role": "user", "content": text}


def chat(client, *messages, model="letta/demo", **more):
    return client.chat.completions.create(model=model, messages=list(messages) or [user("hi")], **more)


def test_its_agents_are_models(client):
    ids = [one.id for one in client.models.list() if not one.id.startswith("echo/")]
    assert ids == ["agent_letta", "letta/demo", "locked/demo", "pinned/helper"]


def test_a_chat_is_answered_with_usage(client, model):
    model.answer("/v1/chat/completions", spoken())
    came = chat(client)
    assert came.choices[0].message.content == SAID
    assert came.choices[0].finish_reason == "stop"
    assert (came.usage.prompt_tokens, came.usage.completion_tokens) == (11, 7)


def test_a_stream_comes_piece_by_piece_with_thoughts_and_usage(client, model):
    model.answer("/v1/chat/completions", spoken())
    chunks = list(chat(client, stream=True, stream_options={"include_usage": True}))
    texts = [one.choices[0].delta.content for one in chunks if one.choices and one.choices[0].delta.content]
    assert "".join(texts) == SAID
    assert len(texts) > 1
    thoughts = [getattr(one.choices[0].delta, "reasoning_content", None) for one in chunks if one.choices]
    assert "thinking hard" in "".join(thought for thought in thoughts if thought)
    assert chunks[-1].usage.total_tokens == 18


def record(gateway, exchange):
    """Of that exchange, once it is written."""
    headers = {"authorization": f"Bearer {gateway.key}"}
    while True:
        with closing(HTTPConnection(gateway.url.removeprefix("http://"), timeout=30)) as connection:
            connection.request("GET", "/api/admin/usage/records?limit=5", headers=headers)
            told = json.loads(connection.getresponse().read())
        for one in next(value for value in told.values() if isinstance(value, list)):
            if one["id"] == exchange:
                return one


def test_where_its_model_counts_nothing_the_gateway_estimates(client, model, gateway):
    model.answer("/v1/chat/completions", spoken(usage=False))
    raw = client.chat.completions.with_raw_response.create(model="letta/demo", messages=[user("hi")])
    usage = record(gateway, raw.headers["x-gateway-exchange"])["usage"]
    assert usage["estimated"]
    assert usage["output"] > 0


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "streamed"])
def test_tools_that_ran_there_are_no_calls_for_the_client(client, model, asked, whole):
    model.answer("/v1/chat/completions", tool(f"call_chat_{whole}"), spoken())
    if whole:
        choice = chat(client, user("run it")).choices[0]
        assert (choice.message.content, choice.message.tool_calls, choice.finish_reason) == (SAID, None, "stop")
    else:
        choices = [one.choices[0] for one in chat(client, user("run it"), stream=True) if one.choices]
        assert not any(choice.delta.tool_calls for choice in choices)
        assert choices[-1].finish_reason == "stop"
    assert "tool-ran" in json.dumps(asked()[-1]), "it ran"


@pytest.mark.skipif("dialect-lettabot" not in plugins(), reason="plugins/dialect-lettabot is not installed")
def test_lettabots_clients_see_what_ran_there(gateway, model):
    model.answer("/v1/chat/completions", tool("call_lettabot"), spoken())
    headers = {"accept": "text/event-stream", "x-api-key": ADA, "authorization": ""}
    status, body = gateway.post("/api/v1/chat", {"message": "run it", "agent": "Letta"}, **headers)
    assert status == 200, body
    events = [json.loads(sse.data(event)) for event in sse.events(body) if sse.data(event)]
    kinds = [event["type"] for event in events]
    places = [kinds.index(kind) for kind in ("tool_call", "tool_result", "reasoning", "assistant", "result")]
    assert places == sorted(places)
    called, returned = events[places[0]], events[places[1]]
    assert (called["toolName"], called["toolInput"]["command"]) == ("Bash", "echo tool-ran")
    assert (returned["toolCallId"], returned["content"].strip()) == ("call_lettabot", "tool-ran")


@pytest.mark.skipif("dialect-lettabot" not in plugins(), reason="plugins/dialect-lettabot is not installed")
def test_lettabots_clients_can_go_on_with_a_conversation(gateway, model, asked):
    model.answer("/v1/chat/completions", spoken())
    for text in ("first words", "second words"):
        body = {"message": text, "agent": "letta/demo", "conversationId": "c1"}
        status, told = gateway.post("/api/v1/chat", body, x_api_key=ADA, authorization="")
        assert (status, json.loads(told)["response"]) == (200, SAID)
    assert "first words" in json.dumps(asked()[-1])


def test_what_was_said_before_reaches_it_the_agents_own_words_too(client, model, asked):
    model.answer("/v1/chat/completions", spoken())
    said = [user("my name is Ada"), {"role": "assistant", "content": "Nice to meet you."}, user("who am I?")]
    chat(client, {"role": "system", "content": "Be brief."}, *said, model="agent_letta")
    [messages] = asked()
    told = json.dumps(messages)
    for words in ("Be kind.", "Be brief.", "my name is Ada", "Nice to meet you.", "who am I?"):
        assert words in told, words


def test_each_call_is_a_conversation_of_its_own(client, model, asked):
    model.answer("/v1/chat/completions", spoken())
    chat(client, user("first words"))
    chat(client, user("second words"))
    assert "first words" not in json.dumps(asked()[-1])


def test_a_conversation_that_is_named_goes_on_and_nobody_else_comes_into_it(gateway, model, asked):
    model.answer("/v1/chat/completions", spoken())
    named = {"x_letta_chat_key": "chat-1"}
    for key, text in ((ADA, "first words"), (ADA, "second words"), (EVE, "third words")):
        body = {"model": "letta/demo", "messages": [user(text)]}
        status, told = gateway.post("/v1/chat/completions", body, authorization=f"Bearer {key}", **named)
        assert status == 200, told
    first, second, third = (json.dumps(messages) for messages in asked())
    assert "first words" in first
    assert "first words" in second
    assert SAID in second, "the agent remembers what it said"
    assert "first words" not in third


def test_a_user_may_have_one_conversation_with_an_agent(client, model, asked):
    model.answer("/v1/chat/completions", spoken())
    chat(client, user("remember me"), model="pinned/helper")
    chat(client, user("do you?"), model="pinned/helper")
    assert "remember me" in json.dumps(asked()[-1])


def test_what_it_cannot_be_told_is_named(gateway, model):
    model.answer("/v1/chat/completions", spoken())
    body = {"model": "letta/demo", "messages": [user("hi")], "temperature": 0.2, "stop": ["x"]}
    with closing(HTTPConnection(gateway.url.removeprefix("http://"), timeout=60)) as connection:
        headers = {"authorization": f"Bearer {gateway.key}", "content-type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        assert connection.getresponse().headers["x-gateway-loss"] == "temperature, stop"


def test_an_agent_that_it_does_not_have_is_not_found(client):
    with pytest.raises(openai.NotFoundError):
        chat(client, model="letta/nope")


def test_a_key_that_it_refuses_is_the_operators_matter(client):
    with pytest.raises(openai.InternalServerError) as raised:
        chat(client, model="locked/demo")
    assert (raised.value.status_code, raised.value.code) == (502, "upstream_credentials_refused")
    assert "wrong" not in str(raised.value)


def test_pictures_come_through(client, model, asked):
    model.answer("/v1/chat/completions", spoken())
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    parts = [
        {"type": "text", "text": "what is it?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixel}"}},
    ]
    chat(client, {"role": "user", "content": parts})
    assert "what is it?" in json.dumps(asked()[-1])
    assert "image omitted: model does not support images" in json.dumps(asked()[-1]), "it came as far as Letta"


SPOKEN = {
    "responses": ("/v1/responses", {"input": "run it"}),
    "messages": ("/v1/messages", {"max_tokens": 99, "messages": [user("run it")]}),
    "gemini": ("/v1beta/models/letta/demo:generateContent", {"contents": [{"parts": [{"text": "run it"}]}]}),
}


SHOWN = {"responses": '"mcp_call"', "messages": '"mcp_tool_use"', "gemini": SAID}


@pytest.mark.parametrize("api", SPOKEN)
def test_clients_of_the_other_apis_are_asked_to_run_nothing_either(gateway, model, api):
    """Where there is a word for what ran elsewhere, they are told of it."""
    path, body = SPOKEN[api]
    model.answer("/v1/chat/completions", tool(f"call_{api}"), spoken())
    status, told = gateway.post(path, body if api == "gemini" else {"model": "letta/demo", **body})
    assert (status, SAID in told.decode()) == (200, True), told
    assert not any(word in told.decode() for word in ("function_call", '"tool_use"', "functionCall"))
    assert SHOWN[api] in told.decode()
