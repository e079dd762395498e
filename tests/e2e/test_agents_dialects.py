"""An agent's instructions, parameters and locks arrive from every dialect in every other one, and do not come back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from signing import UPSTREAMS

from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.running import RunningGateway

Json = dict[str, Any]
OURS, CLIENTS = 'Be "kind".\nAlways and to everybody.', "Be brief."
FAR = ("messages", "gemini", "responses", "openrouter")
PARAMETERS = {"temperature": 0.5, "topP": 0.25, "max_tokens": 77}
PRESET = {"temperature": 0.5, "top_p": 0.25, "most": 77}
PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1beta/models/{}:generateContent")
EVERY = pytest.mark.parametrize("path", PATHS)
WHERE = pytest.mark.parametrize("endpoint", FAR)
Asking = Callable[..., tuple[Json, str]]


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    custom = [
        {"name": name, "apiKey": "k", "baseURL": f"{upstream.url}/{name}", "models": {"default": ["m"]}} for name in FAR
    ]
    agents = [
        {"id": f"{kind}_{name}", "endpoint": name, "model": "m", **more}
        for name in FAR
        for kind, more in {
            "instructed": {"instructions": OURS},
            "tuned": {"model_parameters": PARAMETERS},
            "locked": {"model_parameters": PARAMETERS, "locked": ["temperature", "maxTokens"]},
        }.items()
    ]
    dialects = {name: [UPSTREAMS[name].dialect] for name in FAR}
    for name in FAR:
        for place, streamed in zip(UPSTREAMS[name].paths, (False, True), strict=True):
            upstream.answer(f"/{name}{place}", UPSTREAMS[name].script(streamed and len(set(UPSTREAMS[name].paths)) > 1))
    own = {"provider-custom": {"dialects": dialects}, "agents": agents}
    config = {"version": "1.3.17", "endpoints": {"custom": custom}, "gateway": own}
    with RunningGateway(tmp_path_factory.mktemp("agents"), json.dumps(config)) as running:
        yield running


@pytest.fixture
def asking(gateway: RunningGateway, upstream: FakeUpstream, calling: Callable[..., Any]) -> Asking:
    """`asking(path, model, …)`: the upstream's request as JSON, and what the client got."""
    caller = calling(gateway.url)

    def ask(path: str, model: str, **said: Any) -> tuple[Json, str]:
        before = len(upstream.arrived)
        came = caller.post(path.format(model), call(path, model, **said))
        assert came.status == 200, came.body
        assert len(upstream.arrived) == before + 1
        return json.loads(upstream.arrived[-1].body), came.body.decode()

    return ask


def call(path: str, model: str, system: str = "", **given: Any) -> Json:
    """A call in the path's dialect. given: `temperature`, `top_p`, `most`."""
    most = given.pop("most", None)
    if "{}" in path:
        options = {"temperature": given.get("temperature"), "topP": given.get("top_p"), "maxOutputTokens": most}
        body: Json = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
        body |= {"systemInstruction": {"parts": [{"text": system}]}} if system else {}
        return body | {"generationConfig": {name: value for name, value in options.items() if value is not None}}
    limit = "max_output_tokens" if path.endswith("responses") else "max_tokens"
    body = {"model": model, **given, **({limit: most} if most else {})}
    if path.endswith("responses"):
        return body | {"input": "Hi"} | ({"instructions": system} if system else {})
    user = {"role": "user", "content": "Hi"}
    if path.endswith("completions"):
        return body | {"messages": [*([{"role": "system", "content": system}] if system else []), user]}
    return body | {"messages": [user]} | ({"system": system} if system else {})


def system_of(body: Json) -> str:
    """What stands before the user's message, in whichever dialect."""
    if "contents" in body:
        return "|".join(part["text"] for part in (body.get("systemInstruction") or {}).get("parts", ()))
    before = [body.get("instructions"), text_of(body.get("system") or "")]
    said = body.get("messages", body.get("input"))
    turns = said if isinstance(said, list) else []
    before += [text_of(one["content"]) for one in turns if one.get("role") in ("system", "developer")]
    return "|".join(text for text in before if text)


def text_of(content: Any) -> str:
    return content if isinstance(content, str) else "|".join(part["text"] for part in content)


def parameters_of(body: Json) -> Json:
    options = body.get("generationConfig") or body
    most = ("max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens")
    return {
        "temperature": options.get("temperature"),
        "top_p": options.get("top_p", options.get("topP")),
        "most": next((options[name] for name in most if options.get(name)), None),
    }


@WHERE
@EVERY
def test_instructions_come_first_and_stay_secret(asking: Asking, path: str, endpoint: str) -> None:
    body, told = asking(path, f"instructed_{endpoint}", system=CLIENTS)
    said = system_of(body)
    assert said.startswith(OURS)
    assert said.endswith(CLIENTS)
    assert said.count(OURS) == said.count(CLIENTS) == 1
    assert "Always and to everybody" not in told
    body, told = asking(path, f"instructed_{endpoint}")
    assert system_of(body) == OURS
    assert "Always and to everybody" not in told


@WHERE
@EVERY
def test_parameters_hold_unless_the_client_says_otherwise(asking: Asking, path: str, endpoint: str) -> None:
    assert parameters_of(asking(path, f"tuned_{endpoint}")[0]) == PRESET
    own = {"temperature": 0, "top_p": 1, "most": 50}
    assert parameters_of(asking(path, f"tuned_{endpoint}", **own)[0]) == own


@WHERE
@EVERY
def test_what_is_locked_wins_over_the_client(asking: Asking, path: str, endpoint: str) -> None:
    own = {"temperature": 0, "top_p": 1, "most": 50}
    assert parameters_of(asking(path, f"locked_{endpoint}", **own)[0]) == {**PRESET, "top_p": 1}
