"""addParams and dropParams: LibreChat's names become the wire's, and its library's options stay here."""

from __future__ import annotations

import pytest

from gateway.endpoint import parameters


def test_names_of_librechats_library_become_the_wires() -> None:
    found = parameters({"topP": 0.5, "safe_prompt": True, "stopSequences": ["a"]}, ["frequencyPenalty", "user"])
    assert {name: bytes(raw) for name, raw in found.set.items()} == {
        "top_p": b"0.5",
        "safe_prompt": b"true",
        "stop": b'["a"]',
    }
    assert found.drop == {"frequency_penalty", "user"}


@pytest.mark.parametrize("name", ["maxTokens", "max_tokens", "maxCompletionTokens", "max_completion_tokens"])
def test_a_limit_goes_under_both_its_names(name: str) -> None:
    assert parameters({}, [name]).drop == {"max_tokens", "max_completion_tokens"}


def test_a_limit_that_is_set_leaves_no_other_beside_it() -> None:
    found = parameters({"maxTokens": 5}, [])
    assert (set(found.set), found.drop) == ({"max_tokens"}, {"max_completion_tokens"})


@pytest.mark.parametrize("name", ["timeout", "maxRetries", "streaming", "stream", "web_search", "configuration"])
def test_what_is_no_member_is_not_sent_and_is_told(name: str) -> None:
    found = parameters({name: True, "n": 1}, [])
    assert (set(found.set), found.idle) == ({"n"}, (name,))


def test_the_newer_api_can_be_asked_for_and_has_its_own_name_for_the_limit() -> None:
    found = parameters({"useResponsesApi": True, "max_tokens": 5}, [])
    assert (found.responses_only, found.idle, set(found.set)) == (True, (), {"max_output_tokens"})
    assert not parameters({"useResponsesApi": False}, []).responses_only
