"""LibreChat's variables, and what upstreams do wrong, as SDKs see it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import product
from pathlib import Path
from typing import Any

import openai
import pytest

from gateway.testing.fake_upstream import CUT, HANG, FakeUpstream, Script, stream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
HELLO: Any = {"messages": [{"role": "user", "content": "Hi"}]}
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
COMPLETION = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE]}
DELTA = b'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
FEW_SECONDS = 0.5


@pytest.fixture(scope="module")
def deaf() -> Iterator[int]:
    """A port that takes no further connection: its backlog is full."""
    with socket.socket() as listening, ExitStack() as stack:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(8):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, deaf: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    places = {
        "chats": upstream.url + "/chats",
        "responds": upstream.url + "/responds",
        "closed": "http://127.0.0.1:1/v1",
        "deaf": f"http://127.0.0.1:{deaf}/v1",
        "plain": upstream.url.replace("http:", "https:"),
    }
    custom = [
        {"name": name, "apiKey": "k", "baseURL": url, "models": {"default": ["m"]}} for name, url in places.items()
    ]
    few = {"connect": FEW_SECONDS, "first_byte": FEW_SECONDS, "idle": FEW_SECONDS}
    own = {"timeouts": few, "provider-custom": {"dialects": {"responds": ["open-responses"]}}}
    config = {"version": "1.3.17", "endpoints": {"custom": custom}, "gateway": own}
    with RunningGateway(tmp_path_factory.mktemp("upstreams"), json.dumps(config)) as running:
        yield running


@pytest.fixture(scope="module")
def sdk(gateway: RunningGateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0, timeout=20) as client:
        yield client


def call(sdk: openai.OpenAI, path: str, model: str, streamed: bool) -> object:
    """All of the reply, so that what fails in a stream is raised."""
    if path == CHAT:
        came: Any = sdk.chat.completions.create(model=model, **HELLO, stream=streamed)
    else:
        came = sdk.responses.create(model=model, input="Hi", stream=streamed)
    return list(came) if streamed else came


ASKED = pytest.mark.parametrize(
    ("path", "model", "streamed"),
    list(product((CHAT, RESPONSES), ("chats/m", "responds/m"), (0, 1))),
)
CLASSES = [
    (400, openai.BadRequestError, 400),
    (401, openai.InternalServerError, 502),
    (402, openai.APIStatusError, 402),
    (403, openai.InternalServerError, 502),
    (404, openai.NotFoundError, 404),
    (409, openai.ConflictError, 409),
    (413, openai.APIStatusError, 413),
    (422, openai.UnprocessableEntityError, 422),
    (429, openai.RateLimitError, 429),
    (500, openai.InternalServerError, 500),
    (502, openai.InternalServerError, 502),
    (503, openai.InternalServerError, 503),
    (504, openai.InternalServerError, 504),
    (529, openai.InternalServerError, 529),
]


def answers(upstream: FakeUpstream, script: Script) -> None:
    upstream.answer("/chats/chat/completions", script)
    upstream.answer("/responds/responses", script)


@ASKED
@pytest.mark.parametrize(("status", "kind", "seen"), CLASSES)
def test_an_upstreams_status_becomes_the_sdks_class(
    sdk: openai.OpenAI, upstream: FakeUpstream, path: str, model: str, streamed: int, status: int, kind: Any, seen: int
) -> None:
    body = {"error": {"message": "The upstream says no.", "type": "its_type", "code": "its_code", "param": "its.param"}}
    answers(upstream, whole(body, status, {"retry-after": "7"}))
    with pytest.raises(kind) as raised:
        call(sdk, path, model, bool(streamed))
    error = raised.value
    assert error.status_code == seen
    if status in (401, 403):
        assert "gateway" in error.message
        assert "says no" not in error.message
        return
    assert "The upstream says no." in error.message
    assert (error.code, error.param) == ("its_code", "its.param")
    if status in (429, 503):
        assert error.response.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad gateway</html>", b"plain words", b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b"{}" * 10]
)
@ASKED
def test_an_upstreams_odd_error_is_still_an_error(
    sdk: openai.OpenAI, upstream: FakeUpstream, path: str, model: str, streamed: int, body: bytes
) -> None:
    answers(upstream, whole(body, 503, {"content-type": "text/html"}))
    with pytest.raises(openai.InternalServerError) as raised:
        call(sdk, path, model, bool(streamed))
    assert raised.value.status_code == 503


@ASKED
def test_an_upstream_that_says_nothing_is_a_504(
    sdk: openai.OpenAI, upstream: FakeUpstream, path: str, model: str, streamed: int
) -> None:
    answers(upstream, stream(HANG, silent=True))
    with pytest.raises(openai.InternalServerError) as raised:
        call(sdk, path, model, bool(streamed))
    assert raised.value.status_code == 504
    assert raised.value.code == "upstream_timeout"


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
@pytest.mark.parametrize("end", [HANG, CUT])
def test_a_stream_that_stops_fails_for_the_client(
    sdk: openai.OpenAI, upstream: FakeUpstream, path: str, end: Any
) -> None:
    answers(upstream, stream(DELTA, end))
    with pytest.raises(openai.APIError):
        call(sdk, path, "chats/m", streamed=True)


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("endpoint", ["closed", "plain", "deaf"])
def test_an_upstream_that_cannot_be_reached_is_a_502_or_504(
    sdk: openai.OpenAI, path: str, streamed: bool, endpoint: str
) -> None:
    with pytest.raises(openai.InternalServerError) as raised:
        call(sdk, path, f"{endpoint}/m", streamed)
    expected = (504, "upstream_timeout") if endpoint == "deaf" else (502, "upstream_unreachable")
    assert (raised.value.status_code, raised.value.code) == expected
    assert "127.0.0.1" not in raised.value.message


# LibreChat's variables


def served(caller_of: Callable[..., Any], running: RunningGateway, model: str) -> Any:
    with closing(caller_of(running.url)) as caller:
        listed = [entry["id"] for entry in caller.get("/v1/models").json["data"]]
        came = caller.post(CHAT, {"model": model, **HELLO})
        return came.status, listed


@pytest.fixture
def openai_variables(upstream: FakeUpstream) -> dict[str, str]:
    upstream.answer("/o/v1/chat/completions", whole(COMPLETION))
    upstream.answer("/o/v1/models", whole({"data": [{"id": "gpt-5-mini"}, {"id": "gpt-image-1"}]}))
    return {"OPENAI_API_KEY": "sk-of-the-operator", "OPENAI_REVERSE_PROXY": upstream.url + "/o/v1"}


def test_openai_alone_needs_no_file(
    tmp_path: Path, upstream: FakeUpstream, openai_variables: dict[str, str], caller_of: Callable[..., Any]
) -> None:
    variables = {**openai_variables, "OPENAI_ORGANIZATION": "org-1"}
    with RunningGateway(tmp_path, None, environ=variables) as running:
        status, listed = served(caller_of, running, "openai/gpt-5-mini")
        assert status == 200
        assert "openAI/gpt-5-mini" in listed
        got = upstream.arrived[-1]
        assert got.headers["authorization"] == "Bearer sk-of-the-operator"
        assert got.headers["openai-organization"] == "org-1"
        assert json.loads(got.body)["model"] == "gpt-5-mini"
        assert served(caller_of, running, "gpt-5-mini")[0] == 200
        assert served(caller_of, running, "agent_echo")[0] == 200


def test_openai_models_and_a_request_url_as_proxy(
    tmp_path: Path, openai_variables: dict[str, str], caller_of: Callable[..., Any]
) -> None:
    proxy = openai_variables["OPENAI_REVERSE_PROXY"] + "/chat/completions"
    variables = {**openai_variables, "OPENAI_REVERSE_PROXY": proxy, "OPENAI_MODELS": "one, two"}
    with RunningGateway(tmp_path, None, environ=variables) as running:
        status, listed = served(caller_of, running, "openAI/two")
        assert status == 200
        assert [model for model in listed if model.startswith("openAI/")] == ["openAI/one", "openAI/two"]
        assert served(caller_of, running, "openAI/three")[0] == 404


def test_endpoints_leaves_others_out(
    tmp_path: Path, openai_variables: dict[str, str], caller_of: Callable[..., Any]
) -> None:
    with RunningGateway(tmp_path, None, environ={**openai_variables, "ENDPOINTS": "anthropic,agents"}) as running:
        status, listed = served(caller_of, running, "openAI/gpt-5-mini")
        assert status == 404
        assert not [model for model in listed if model.startswith("openAI/")]


def test_a_file_named_by_a_variable_and_a_dotenv_beside_it(
    tmp_path: Path, upstream: FakeUpstream, caller_of: Callable[..., Any]
) -> None:
    upstream.answer("/e/chat/completions", whole(COMPLETION))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    far = {"name": "far", "apiKey": "${IN_DOTENV}", "baseURL": "${ALSO_IN_DOTENV}", "models": {"default": ["m"]}}
    config = json.dumps({"version": "1.3.17", "endpoints": {"custom": [far]}})
    (elsewhere / "chat.yaml").write_text(config)
    (tmp_path / ".env").write_text(
        f'# a comment\nIN_DOTENV="from .env" # more\nexport ALSO_IN_DOTENV={upstream.url}/e\n'
    )
    variables = {"CONFIG_PATH": str(elsewhere / "chat.yaml")}
    with RunningGateway(tmp_path, None, environ=variables) as running:
        assert served(caller_of, running, "far/m")[0] == 200
        assert upstream.arrived[-1].headers["authorization"] == "Bearer from .env"
    with RunningGateway(tmp_path, None, environ={**variables, "IN_DOTENV": "from outside"}) as running:
        assert served(caller_of, running, "far/m")[0] == 200
        assert upstream.arrived[-1].headers["authorization"] == "Bearer from outside"
