"""Passthrough: what an agent or a route changes in a client's body, and nothing else."""

import json

import pytest
from msgspec import Raw

from gateway import BadCall, Edit
from gateway.testing import replay


@pytest.fixture
def edited(server, client, target):
    def edit(body, path="/api/chat", **changes):
        return client.edit(replay.inbound(server, body, path), Edit("up", **changes), target)

    return edit


def test_nothing_but_the_model_changes_where_nothing_is_asked(edited):
    encoded = edited(b'{"model": "a", "options": {"num_ctx":  1e3}, "messages": [ 1 ], "new": "\\u00fc"}')
    assert encoded.body == b'{"model":"up","options":{"num_ctx":  1e3},"messages":[ 1 ],"new":"\\u00fc"}'
    assert (encoded.path, encoded.loss) == ("/api/chat", ())


def test_parameters_go_where_the_client_said_nothing_and_locked_ones_always(edited):
    encoded = edited(
        b'{"options": {"seed": 1, "top_p": null}, "think": "low"}',
        defaults={"seed": Raw(b"2"), "top_p": Raw(b"0.5"), "reasoning_effort": Raw(b'"high"'), "stop": Raw(b'["x"]')},
    )
    assert json.loads(encoded.body) == {
        "options": {"seed": 1, "top_p": 0.5, "stop": ["x"]},
        "think": "low",
        "model": "up",
    }
    locked = edited(
        b'{"options": {"seed": 1}, "think": "low"}',
        defaults={"seed": Raw(b"2"), "reasoning_budget": Raw(b"0")},
        locked=frozenset({"seed", "reasoning_budget"}),
    )
    assert json.loads(locked.body) == {"options": {"seed": 2}, "think": False, "model": "up"}


def test_parameters_without_a_word_are_named(edited):
    encoded = edited(b"{}", defaults={"verbosity": Raw(b'"low"'), "reasoning_budget": Raw(b"99")})
    assert encoded.loss == ("verbosity",)
    assert json.loads(encoded.body) == {"model": "up", "think": "low"}


def test_instructions_come_before_the_clients_own(edited):
    encoded = edited(b'{"messages":[{"role":"system", "content":"B"}]}', instructions="A")
    assert [message["content"] for message in json.loads(encoded.body)["messages"]] == ["A", "B"]
    encoded = edited(b'{"prompt":"Hi","system":"B"}', "/api/generate", instructions="A")
    assert json.loads(encoded.body)["system"] == "A\n\nB"
    assert encoded.path == "/api/generate"


@pytest.mark.parametrize("body", [b'{"messages":[]}', b'{"messages":null}', b"{}"])
def test_loading_a_model_stays_that(body, edited):
    assert not json.loads(edited(body, instructions="A").body).get("messages")
    assert "system" not in json.loads(edited(b"{}", "/api/generate", instructions="A").body)


def test_the_client_neither_sees_nor_goes_past_instructions(edited):
    body = b'{"prompt":"Hi","raw":true,"template":"{{ .Prompt }}","_debug_render_only":true}'
    encoded = edited(body, "/api/generate", instructions="A")
    assert json.loads(encoded.body) == {"prompt": "Hi", "model": "up", "system": "A"}
    assert set(encoded.loss) == {"raw", "template", "_debug_render_only"}
    assert json.loads(edited(body, "/api/generate").body)["raw"] is True


def test_what_is_no_object_is_refused(edited):
    with pytest.raises(BadCall):
        edited(b"[]")
