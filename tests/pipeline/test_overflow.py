"""overflow: a call that is too long is known by its code, or by words that vendors were seen to use."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway import UpstreamRefused
from gateway.pipeline.faults import fault_of
from gateway.pipeline.overflow import Overflow, built_in
from gateway.settings.routes import OverflowWords
from gateway.testing import recordings

KNOWN = Overflow.read(OverflowWords())
ROWS = built_in().wordings
CODE = {"error": {"message": "m", "type": "invalid_request_error", "code": "context_length_exceeded"}}


def refused(message: str, status: int = 400, body: Any = None) -> UpstreamRefused:
    return UpstreamRefused(message, status, body=b"" if body is None else json.dumps(body).encode())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.wording)
def test_what_was_seen_is_known_by_its_own_wording_in_any_case(row: Any) -> None:
    alone = Overflow((), (row.wording,))
    for said in (row.said, row.said.upper(), row.said.replace(" ", "\n")):
        assert alone.told(refused(said))
    assert row.source


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refusal_in_words_alone_is_an_overflow(status: int) -> None:
    assert fault_of(refused("prompt is too long: 5 tokens > 4 maximum", status), KNOWN) == "context_overflow"


@pytest.mark.parametrize(("status", "fault"), [(401, "credentials"), (404, None), (429, "429"), (500, "5xx")])
def test_words_count_in_refusals_of_the_call_alone(status: int, fault: str | None) -> None:
    assert fault_of(refused("prompt is too long: 5 tokens > 4 maximum", status), KNOWN) == fault


@pytest.mark.parametrize(
    "said",
    [
        "max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens",
        "The maximum tokens you requested exceeds the model limit of 4096.",
        "Invalid 'max_tokens': integer below minimum value. Expected a value >= 0, but got -1 instead.",
        "Unsupported parameter: 'max_tokens' is not supported with this model.",
        "messages.0.content is too long for this field",
        "",
    ],
)
def test_what_another_model_would_refuse_as_well_is_none(said: str) -> None:
    assert fault_of(refused(said), KNOWN) is None


@pytest.mark.parametrize(
    "recorded",
    recordings.parameters(
        one
        for one in recordings.load("anthropic.messages", "bedrock.converse", "gemini.generateContent", "openai.chat")
        + recordings.load("bedrock.invoke", "openai.completions", "openai.embeddings", "openai.responses")
        if one.status in (400, 422)
    ),
)
def test_no_recorded_refusal_of_another_kind_is_taken_for_one(recorded: recordings.Recording) -> None:
    said = recorded.body.decode()
    error = UpstreamRefused(said, recorded.status, body=recorded.body)
    assert fault_of(error, KNOWN) is None


def test_a_router_passes_on_what_the_upstream_behind_it_said() -> None:
    raw = json.dumps({"type": "error", "error": {"message": "prompt is too long: 5 tokens > 4 maximum"}})
    body = {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": raw}}}
    assert KNOWN.told(refused("Provider returned error", body=body))


@pytest.mark.parametrize("metadata", [None, [], {}, {"raw": None}, {"raw": {"message": "prompt is too long"}}])
def test_of_the_rest_of_a_body_nothing_is_matched(metadata: Any) -> None:
    """It may hold the caller's own words."""
    body = {"error": {"message": "No.", "metadata": metadata}, "detail": [{"input": "prompt is too long"}]}
    assert not KNOWN.told(refused("No.", body=body))


def test_the_operator_adds_codes_and_wordings() -> None:
    own = Overflow.read(OverflowWords(codes=("E77",), wordings=("at most # words",)))
    assert own.told(UpstreamRefused("No.", 400, code="E77"))
    assert own.told(refused("I take at most 1,000 words."))
    assert own.told(refused("m", body=CODE)), "what is known stays known"
    assert not KNOWN.told(refused("I take at most 1,000 words."))


def test_only_the_beginning_of_a_message_is_looked_at() -> None:
    assert not KNOWN.told(refused("x" * 2000 + "prompt is too long"))
