"""Errors as LettaBot's clients read them."""

import json

import pytest

from gateway import BadCall, Operation, Unauthenticated, Unavailable, UnknownModel


def told(server, error, inbound):
    return json.loads(server.encode_error(error, inbound))


def test_who_is_not_known_reads_lettabots_word_and_why(server, ask):
    assert told(server, Unauthenticated("No API key was sent."), ask(message="Hi")) == {
        "success": False,
        "error": "Unauthorized",
        "code": "invalid_api_key",
        "detail": "No API key was sent.",
    }


def test_an_agent_that_is_not_there_is_named_and_others_are_not(server, ask):
    error = UnknownModel("There is no model or agent 'nope' here; GET /api/v1/status lists what this key may call.")
    said = told(server, error, ask(message="Hi", agent="nope"))
    assert said["error"].startswith("Agent not found: nope. ")
    assert "GET /api/v1/status" in said["error"]
    assert said["field"] == "agent"


def test_a_field_that_is_wrong_is_named(server, ask):
    error = BadCall("Missing required field: message", param="message")
    assert told(server, error, ask(b"{}")) == {
        "success": False,
        "error": "Missing required field: message",
        "field": "message",
    }


@pytest.mark.parametrize(("path", "status"), [("/api/v1/chat/async", "error"), ("/chat", None)])
def test_calls_that_are_not_waited_for_say_that_they_failed(server, ask, path, status):
    inbound = ask(message="Hi")
    inbound.operation = Operation("state", "POST", path)
    assert told(server, Unavailable("Not now."), inbound).get("status") == status
