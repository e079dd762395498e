"""Passthrough: a client's body, edited."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_dialect_gemini.client import GeminiClient
from gateway_dialect_gemini.server import GeminiServer
from msgspec import Raw

from gateway import BadCall, Edit, Encoded
from gateway.testing import replay

CLIENT, SERVER = GeminiClient(), GeminiServer()
PLAIN = '{"contents":[{"parts":[{"text":"Hi"}]}]}'


def edited(
    body: str, path: str = "/v1/models/agent_1:generateContent", model: str = "gemini-3-pro", **edit: Any
) -> Encoded:
    asked = replay.inbound(SERVER, body.encode(), path)
    return CLIENT.edit(asked, Edit(model, **edit), replay.target(model))


def config(body: str, **edit: Any) -> Any:
    return json.loads(edited(body, **edit).body).get("generationConfig")


def defaults(**values: Any) -> dict[str, Raw]:
    return {name: Raw(json.dumps(value).encode()) for name, value in values.items()}


def test_the_clients_framing_is_kept_and_its_key_stays_here() -> None:
    path = "/v1/models/m:streamGenerateContent"
    asked = edited(PLAIN, path + "?alt=sse&key=secret&fields=candidates&$alt=json;enum-encoding=int")
    assert (asked.path, asked.query) == (
        "/models/gemini-3-pro:streamGenerateContent",
        {"alt": "sse", "$alt": "json;enum-encoding=int"},
    )
    assert edited(PLAIN, path + "?alt=proto").query == {}
    assert CLIENT.streams("application/json", edited(PLAIN, path))
    assert not CLIENT.streams("application/json", edited(PLAIN))


def test_a_model_in_the_body_names_no_other() -> None:
    body = '{"model":"models/dear","contents":[],"model":"models/dearest"}'
    assert edited(body).body == b'{"model":"models/gemini-3-pro","contents":[]}'


@pytest.mark.parametrize(
    ("own", "parts"),
    [
        ("", [{"text": "A"}]),
        ('"systemInstruction":null,', [{"text": "A"}]),
        ('"systemInstruction":{"role":"user","parts":[{"text":"b"}]},', [{"text": "A"}, {"text": "b"}]),
        ('"system_instruction":{"parts":{"text":"b"}},', [{"text": "A"}, {"text": "b"}]),
        ('"systemInstruction":{"parts":[]},', [{"text": "A"}]),
    ],
)
def test_instructions_come_before_the_clients_own(own: str, parts: Any) -> None:
    body = json.loads(edited("{" + own + PLAIN[1:], instructions="A").body)
    found = body.get("systemInstruction") or body.get("system_instruction")
    assert found["parts"] == parts
    assert len(body) == 2


def test_instructions_before_something_else_are_refused() -> None:
    with pytest.raises(BadCall, match="systemInstruction"):
        edited('{"systemInstruction":"b",' + PLAIN[1:], instructions="A")


def test_defaults_stand_where_the_client_says_nothing() -> None:
    values = defaults(temperature=0.5, top_p=0.9, stop="END", max_output_tokens=7)
    own = '{"generationConfig":{"temperature":1.50,"topP":null,"x":1e3},"contents":[]}'
    assert b'"temperature":1.50' in edited(own, defaults=values).body
    assert config(own, defaults=values) == {
        "temperature": 1.5, "topP": 0.9, "x": 1000.0, "stopSequences": ["END"], "maxOutputTokens": 7
    }  # fmt: skip
    assert config(PLAIN, defaults=values, locked=frozenset({"top_p"}))["topP"] == 0.9


def test_a_locked_level_takes_the_place_of_the_clients_budget() -> None:
    own = '{"generationConfig":{"thinkingConfig":{"thinkingBudget":9,"includeThoughts":true}},"contents":[]}'
    values = defaults(reasoning_effort="low", reasoning_summary="none")
    kept = {"thinkingBudget": 9, "includeThoughts": True}
    assert config(own, defaults=values)["thinkingConfig"] == kept
    locked = config(own, defaults=values, locked=frozenset(values))["thinkingConfig"]
    assert locked == {"includeThoughts": False, "thinkingLevel": "LOW"}
    older = json.loads(edited(PLAIN, model="gemini-2.5-pro", defaults=defaults(reasoning_effort="low")).body)
    assert older["generationConfig"] == {"thinkingConfig": {"thinkingBudget": 1024}}


def test_a_tier_is_told_in_googles_words() -> None:
    def tier(word: str) -> tuple[Any, tuple[str, ...]]:
        out = edited(PLAIN, defaults=defaults(service_tier=word))
        return json.loads(out.body).get("serviceTier"), out.loss

    assert tier("default") == ("standard", ())
    assert tier("flex") == ("flex", ())
    assert tier("auto") == (None, ())
    assert tier("scale") == (None, ("service_tier",))


def test_what_gemini_has_no_member_for_is_lost() -> None:
    assert edited(PLAIN, defaults=defaults(user="u", logit_bias={}, service_tier="flex")).loss == ("user", "logit_bias")


def test_members_are_set_in_place_of_either_name() -> None:
    body = edited('{"safety_settings":[1],' + PLAIN[1:], set={"safetySettings": Raw(b"[2]")}).body
    assert json.loads(body) == {"safety_settings": [2], **json.loads(PLAIN)}


def test_a_member_under_both_names_counts_once() -> None:
    own = '{"generation_config":{"topK":1},"generationConfig":{"topK":2},"generation_config":{"topK":3},"contents":[]}'
    assert json.loads(edited(own).body) == {"generationConfig": {"topK": 2}, "contents": []}
    assert SERVER.decode(replay.inbound(SERVER, own.replace('"contents":[]', PLAIN[1:-1]).encode())).sampling.top_k == 2


def test_members_are_dropped_under_either_name() -> None:
    body = edited('{"safety_settings":[],' + PLAIN[1:], drop=frozenset({"safetySettings"})).body
    assert list(json.loads(body)) == ["contents"]


def test_counting_takes_instructions_along_within_a_whole_request() -> None:
    path = "/v1/models/m:countTokens"
    assert json.loads(edited(PLAIN, path).body) == json.loads(PLAIN)
    inner = json.loads(edited(PLAIN, path, instructions="A").body)["generateContentRequest"]
    assert (inner["model"], inner["systemInstruction"]) == ("models/gemini-3-pro", {"parts": [{"text": "A"}]})
    own = '{"generateContentRequest":{"model":"models/dear","contents":[]}}'
    inner = json.loads(edited(own, path, instructions="A").body)["generateContentRequest"]
    assert inner == {"model": "models/gemini-3-pro", "contents": [], "systemInstruction": {"parts": [{"text": "A"}]}}
