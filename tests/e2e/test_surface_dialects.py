"""The paths of all dialects on one port: whose a shared path is, keys and errors in each one's form, counts, lists."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

Json = dict[str, Any]
MODEL = "far/org/with/slashes"
ORIGIN = "https://app.example"
SAID: Json = {"messages": [{"role": "user", "content": "Hi"}]}
CONTENTS: Json = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
KEY = RunningGateway.key


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    upstream.answer("/v1/messages", whole(MESSAGE))
    upstream.answer("/v1/messages/count_tokens", whole({"input_tokens": 41}))
    upstream.answer("/v1beta/models/m:countTokens", whole({"totalTokens": 42}))
    far = {"apiKey": "k", "models": {"default": ["m"]}}
    custom = [
        {"name": "claudes", **far, "baseURL": upstream.url, "provider": "anthropic"},
        {"name": "geminis", **far, "baseURL": upstream.url + "/v1beta"},
        {"name": "far", "apiKey": "k", "baseURL": upstream.url + "/v1", "models": {"default": ["org/with/slashes"]}},
    ]
    config = {
        "version": "1.3.17",
        "endpoints": {"custom": custom},
        "gateway": {
            "log": {"level": "debug"},
            "listen": {"cors_origins": [ORIGIN]},
            "provider-custom": {"dialects": {"geminis": ["gemini"]}},
            "agents": [{"id": "agent_echo", "endpoint": "echo", "model": "echo"}],
        },
    }
    with RunningGateway(tmp_path_factory.mktemp("dialects"), json.dumps(config)) as running:
        yield running


@pytest.fixture
def caller(gateway: RunningGateway, calling: Callable[..., Any]) -> Any:
    return calling(gateway.url)


def body_of(path: str, model: str = "agent_echo") -> Json:
    """A call that the path takes."""
    if "/models/" in path:
        return CONTENTS
    if path.endswith("/responses"):
        return {"model": model, "input": "Hi"}
    return {"model": model, **SAID, **({"max_tokens": 9} if "messages" in path else {})}


# Lists of models: one path, three APIs


OPENAI, ANTHROPIC, GOOGLE = ({}, {"anthropic_version": "2023-06-01"}, {"x_goog_api_key": KEY})


def ids(listing: Json) -> list[str]:
    """Of whichever API's list it is."""
    if "models" in listing:
        return [one["name"].removeprefix("models/") for one in listing["models"]]
    return [one["id"] for one in listing["data"]]


@pytest.mark.parametrize("mount", ["/v1", "/api/agents/v1"])
def test_headers_say_in_whose_form_models_are_listed(caller: Any, mount: str) -> None:
    plain = caller.get(f"{mount}/models").json
    claude = caller.get(f"{mount}/models", **ANTHROPIC).json
    google = caller.get(f"{mount}/models", authorization="", **GOOGLE).json
    assert plain["object"] == "list"
    assert claude.keys() >= {"data", "has_more", "first_id", "last_id"}
    assert google.keys() >= {"models"}
    assert ids(plain) == ids(claude) == ids(google) == ids(caller.get(f"{mount}beta/models").json)
    assert (MODEL in ids(plain)) is (mount == "/v1")
    assert caller.get(f"{mount}/models?key={KEY}", authorization="").json == google
    both = caller.get(f"{mount}/models", authorization="", x_api_key=KEY, **ANTHROPIC, **GOOGLE).json
    assert both == claude, "the version of Anthropic's API decides"


def test_one_model_is_described_in_each_form_whatever_slashes_it_has(caller: Any) -> None:
    for path in (MODEL, MODEL.replace("/", "%2F")):
        assert caller.get(f"/v1/models/{path}").json["object"] == "model"
        assert caller.get(f"/v1/models/{path}", **ANTHROPIC).json["type"] == "model"
        assert caller.get(f"/v1/models/{path}", authorization="", **GOOGLE).json["name"] == f"models/{MODEL}"
        assert caller.get(f"/v1beta/models/{path}").json["name"] == f"models/{MODEL}"


def test_three_sdks_list_and_get_on_one_port(gateway: RunningGateway) -> None:
    options = types.HttpOptions(base_url=gateway.url)
    with (
        openai.OpenAI(base_url=gateway.url + "/v1", api_key=KEY) as one,
        anthropic.Anthropic(base_url=gateway.url, api_key=KEY) as two,
        genai.Client(api_key=KEY, vertexai=False, http_options=options) as three,
    ):
        listed = [model.id for model in one.models.list()]
        assert [model.id for model in two.models.list()] == listed
        assert [(model.name or "").removeprefix("models/") for model in three.models.list()] == listed
        assert one.models.retrieve(MODEL).id == two.models.retrieve(MODEL).id == MODEL
        assert three.models.get(model=MODEL).name == f"models/{MODEL}"
        with pytest.raises(anthropic.NotFoundError):
            two.models.retrieve("no/such/model")


def test_pages_of_a_list_go_on_where_the_last_one_ended(gateway: RunningGateway) -> None:
    with anthropic.Anthropic(base_url=gateway.url, api_key=KEY) as sdk:
        whole_list = [model.id for model in sdk.models.list(limit=1000)]
        assert [model.id for model in sdk.models.list(limit=2)] == whole_list
        assert len(whole_list) > 4
    options = types.HttpOptions(base_url=gateway.url)
    with genai.Client(api_key=KEY, vertexai=False, http_options=options) as sdk:
        paged = [(model.name or "").removeprefix("models/") for model in sdk.models.list(config={"page_size": 2})]
        assert paged == whole_list


# Methods


POSTED = (
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/api/agents/v1/messages",
    "/v1beta/models/agent_echo:generateContent",
    "/v1/models/agent_echo:streamGenerateContent",
    "/v1beta/models/agent_echo:countTokens",
    "/api/agents/v1beta/models/agent_echo:generateContent",
)
MEDIA = (
    "embeddings",
    "completions",
    "moderations",
    "rerank",
    "embed",
    "images/generations",
    "images/edits",
    "images/variations",
    "audio/speech",
    "audio/transcriptions",
    "audio/translations",
)


@pytest.mark.parametrize("path", [*POSTED, *(f"/v1/{name}" for name in MEDIA)])
def test_each_operation_takes_its_method_alone(caller: Any, path: str) -> None:
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", *(() if "/models/" in path else ("GET", "HEAD"))):
        came = caller.send(method, path)
        assert came.status == 405, (method, came.body)
        assert "POST" in came.headers["allow"].split(", ")
        assert method == "HEAD" or "POST" in json.dumps(came.json)
    asking = {"access_control_request_method": "POST", "access_control_request_headers": "x-api-key,anthropic-version"}
    came = caller.send("OPTIONS", path, authorization="", origin=ORIGIN, **asking)
    assert (came.status, came.headers["access-control-allow-origin"]) == (204, ORIGIN)
    assert "anthropic-version" in came.headers["access-control-allow-headers"]


@pytest.mark.parametrize("path", ["/v1beta/models", "/v1beta/models/agent_echo", "/v1/models"])
def test_lists_answer_to_head_without_a_body_and_to_nothing_else(caller: Any, path: str) -> None:
    came = caller.send("HEAD", path)
    assert (came.status, came.body) == (200, b"")
    for method in ("POST", "DELETE", "PUT"):
        came = caller.send(method, path)
        assert (came.status, came.headers["allow"]) == (405, "GET")


# Keys, and errors in each dialect's own form


CARRIERS: dict[str, Callable[[str], dict[str, str]]] = {
    "bearer": lambda key: {"authorization": f"Bearer {key}"},
    "x-api-key": lambda key: {"x_api_key": key},
    "x-goog-api-key": lambda key: {"x_goog_api_key": key},
}
TAKEN = {
    "/v1/chat/completions": ("bearer", "x-api-key"),
    "/v1/responses": ("bearer", "x-api-key"),
    "/v1/messages": ("bearer", "x-api-key"),
    "/v1beta/models/agent_echo:generateContent": ("bearer", "x-goog-api-key"),
}


def message_in(path: str, came: Any) -> str:
    """The words of an error, whose form is that of the path's dialect."""
    error = came.json["error"]
    if "/models/" in path:
        assert (error["code"], came.json.keys()) == (came.status, {"error"})
        assert error["status"].isupper()
    elif "messages" in path:
        assert came.json["type"] == "error"
        assert error["type"].endswith("_error")
    else:
        assert error.keys() == {"message", "type", "param", "code"}
    return str(error["message"])


@pytest.mark.parametrize("path", TAKEN)
def test_a_key_is_taken_where_the_dialects_clients_put_it(caller: Any, path: str) -> None:
    for name in TAKEN[path]:
        assert caller.post(path, body_of(path), **{"authorization": "", **CARRIERS[name](KEY)}).status == 200
        came = caller.post(path, body_of(path), **{"authorization": "", **CARRIERS[name]("sk-wrong")})
        assert came.status == 401
        assert "not valid" in message_in(path, came)
    came = caller.post(path, body_of(path), authorization="")
    assert came.status == 401
    assert "No API key" in message_in(path, came)


@pytest.mark.parametrize("path", TAKEN)
def test_refusals_have_the_form_of_the_paths_dialect(caller: Any, path: str) -> None:
    other = path.replace("agent_echo", "no-such-model")
    came = caller.post(other, body_of(other, "no-such-model"))
    assert came.status == 404
    assert "no-such-model" in message_in(path, came)
    came = caller.post(path, b"{")
    assert came.status == 400
    assert message_in(path, came)
    failing = path.replace("agent_echo", "echo/echo-error")
    came = caller.post(failing, body_of(failing, "echo/echo-error"))
    assert came.status == 429
    assert message_in(path, came)


def test_a_key_in_the_query_opens_geminis_paths_and_is_told_nobody(tmp_path: Path, caller_of: Any) -> None:
    with RunningGateway(tmp_path, None, "--log-level", "debug") as running:
        with closing(caller_of(running.url)) as caller:
            for verb in ("generateContent", "streamGenerateContent", "countTokens"):
                path = f"/v1beta/models/agent_echo:{verb}?key={KEY}"
                assert caller.post(path, CONTENTS, authorization="").status == 200
                assert caller.post(path + "0", CONTENTS, authorization="").status == 401
            assert caller.post(f"/v1/messages?key={KEY}", body_of("/v1/messages"), authorization="").status == 401
            told = [caller.get(path).body.decode() for path in ("/metrics", "/status", "/openapi.json")]
        running.stop()
        held = b"".join(file.read_bytes() for file in (tmp_path / "state").rglob("*") if file.is_file())
        assert b"agent_echo" in held
        assert KEY.encode() not in held
        assert KEY not in "\n".join(running.errors + running.output + told)


# Counting


def test_tokens_are_counted_by_who_can_and_estimated_elsewhere(caller: Any, upstream: FakeUpstream) -> None:
    asked = {"/v1/messages/count_tokens": "input_tokens", "/v1beta/models/{}:countTokens": "totalTokens"}
    for path, member in asked.items():
        for model, expected in (("claudes/m", 41), ("geminis/m", 42)):
            came = caller.post(path.format(model), body_of(path.format(model), model))
            assert (came.status, came.json[member]) == (200, expected)
            assert "x-gateway-estimated" not in came.headers
        came = caller.post(path.format(MODEL), body_of(path.format(MODEL), MODEL))
        assert (came.status, came.headers["x-gateway-estimated"]) == (200, "true")
        assert 0 < came.json[member] < 20
        came = caller.post(path.format("agent_echo"), {"model": "agent_echo"})
        assert came.status == 400


def test_a_count_says_of_what_it_is_in_googles_own_wrapping(caller: Any, upstream: FakeUpstream) -> None:
    wrapped = {"generateContentRequest": {"model": "models/geminis/m", **CONTENTS}}
    came = caller.post("/v1beta/models/geminis/m:countTokens", wrapped)
    assert (came.status, came.json["totalTokens"]) == (200, 42)
    assert json.loads(upstream.arrived[-1].body)["generateContentRequest"]["model"] == "models/m"


# Versions of Anthropic's API


@pytest.mark.parametrize("version", ["", "2023-06-01", "2026-10-21", "1999-01-01", "tomorrow", "é"])
def test_whatever_version_a_client_names_its_upstream_is_told_one_that_there_is(
    caller: Any, upstream: FakeUpstream, version: str
) -> None:
    named = {"anthropic_version": version.encode().decode("latin-1")} if version else {}
    assert caller.post("/v1/messages", body_of("/v1/messages", "claudes/m"), **named).status == 200
    told = upstream.arrived[-1].headers["anthropic-version"]
    assert told == (version if version == "2026-10-21" else "2023-06-01")


# Paths that are nearly right


@pytest.mark.parametrize(
    ("path", "meant", "base"),
    [
        ("/v1/v1/messages", "/v1/messages", ""),
        ("/messages", "/v1/messages", ""),
        ("/anthropic/v1/messages", "/v1/messages", ""),
        ("/v1/v1/messages/count_tokens", "/v1/messages/count_tokens", ""),
        ("/api/agents/messages", "/api/agents/v1/messages", "/api/agents"),
        ("/models/agent_echo:generateContent", "/v1/models/agent_echo:generateContent", ""),
        ("/v1/v1beta/models/a/b:streamGenerateContent", "/v1beta/models/a/b:streamGenerateContent", ""),
        ("/v1beta/openai/chat/completions", "/v1/chat/completions", "/v1"),
        ("/v1beta/chat/completions", "/v1/chat/completions", "/v1"),
        ("/openai/v1/embeddings", "/v1/embeddings", "/v1"),
    ],
)
def test_a_wrong_prefix_says_what_to_set_for_the_clients_of_that_path(
    caller: Any, path: str, meant: str, base: str
) -> None:
    came = caller.post(path, {})
    assert came.status == 404
    assert message_in("/models/" if "Content" in path else path, came).endswith(
        f"did you mean {meant}? Set base_url to <this gateway>{base}."
    )


@pytest.mark.parametrize("verb", ["embedContent", "batchEmbedContents", "predict", "generatecontent", "generate"])
def test_a_verb_that_is_not_served_is_told_those_that_are(caller: Any, verb: str) -> None:
    came = caller.post(f"/v1beta/models/agent_echo:{verb}", CONTENTS)
    assert came.status == 404
    assert ":generateContent or :streamGenerateContent" in message_in("/models/", came)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v1/complete", "did you mean /v1/completions?"),
        ("/v1/messages/batches", "/v1/messages"),
        ("/v1/files", "/v1/messages"),
        ("/v1beta/interactions", "/v1/messages"),
    ],
)
def test_apis_that_are_not_served_are_told_what_is(caller: Any, path: str, told: str) -> None:
    came = caller.post(path, {})
    assert came.status == 404
    assert told in came.json["error"]["message"]


def test_a_call_of_another_dialect_is_told_what_it_lacks(caller: Any) -> None:
    for path, body, lacks in (
        ("/v1/messages", {"model": "agent_echo", "input": "Hi"}, "messages"),
        ("/v1/messages", CONTENTS, "messages"),
        ("/v1/chat/completions", CONTENTS, "messages"),
        ("/v1/responses", SAID, "input"),
        ("/v1beta/models/agent_echo:generateContent", SAID, "contents"),
    ):
        came = caller.post(path, {"model": "agent_echo", **body} if "v1beta" not in path else body)
        assert came.status == 400, (path, body, came.body)
        assert lacks in message_in(path, came)


# What is described


def test_every_operation_of_every_dialect_is_described(caller: Any) -> None:
    described = caller.get("/openapi.json").json["paths"]
    posted = [
        *(f"{mount}/{path}" for mount in ("/v1", "/api/agents/v1") for path in ("messages", "messages/count_tokens")),
        *(f"{mount}/{path}" for mount in ("/v1", "/api/agents/v1") for path in MEDIA),
        *(
            f"{mount}/models/{{model}}:{verb}"
            for mount in ("/v1", "/v1beta", "/api/agents/v1", "/api/agents/v1beta")
            for verb in ("generateContent", "streamGenerateContent", "countTokens")
        ),
    ]
    for path in posted:
        assert described[path]["post"]["summary"], path
    shared = described["/v1/models"]["get"]["x-gateway-dialects"]
    assert sorted(shared) == ["anthropic-messages", "gemini", "openai-chat"]
    for path, methods in described.items():
        said = [parameter for one in methods.values() for parameter in one.get("parameters", ())]
        assert {parameter["in"] for parameter in said} <= {"path", "query", "header"}, path
        named = {parameter["name"] for parameter in said if parameter["in"] == "path"}
        assert named == {part.split("}")[0] for part in path.split("{")[1:]}, path
