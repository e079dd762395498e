"""What an upstream is told of versions and betas."""

from __future__ import annotations

import pytest
from gateway_dialect_anthropic_messages import versions

from gateway import Call, Edit, Message, Sampling, Text

OLD, NEW = "2023-06-01", "2026-10-21"


@pytest.mark.parametrize(
    ("members", "asked", "sent"),
    [
        ((), None, OLD),
        ((), OLD, OLD),
        ((), NEW, NEW),
        ((), "2099-01-01", OLD),
        (("temperature",), NEW, OLD),
        (("top_p",), NEW, OLD),
        (("top_k",), NEW, OLD),
    ],
)
def test_the_version_honours_what_goes_out(members, asked, sent):
    assert versions.headers(members, asked, None) == {"anthropic-version": sent}


def test_betas_pass_through(client, target, inbound):
    body = {"model": "m", "messages": []}
    headers = {"anthropic-version": NEW, "anthropic-beta": "a,b", "x-other": "1"}
    out = client.edit(inbound(body, headers, query={"beta": "true", "x": "y"}), Edit("m"), target)
    assert out.headers == {"anthropic-version": NEW, "anthropic-beta": "a,b"}
    assert out.query == {"beta": "true"}


def test_an_agents_temperature_goes_out_under_the_old_version(client, target, inbound):
    edit = Edit("m", defaults={"temperature": b"0.5"})
    out = client.edit(inbound({"model": "m", "messages": []}, {"anthropic-version": NEW}), edit, target)
    assert out.headers["anthropic-version"] == OLD


def test_a_translated_call_goes_out_under_the_old_version(client, target):
    call = Call("m", [Message("user", [Text("Hi")])], sampling=Sampling(temperature=0.1))
    assert client.encode(call, target).headers == {"anthropic-version": OLD}


def test_betas_of_a_client_come_back_as_a_header(server, client, target, inbound):
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    encoded = client.encode(server.decode(inbound(body, {"anthropic-beta": "a,b"})), target)
    assert encoded.headers["anthropic-beta"] == "a,b"
    assert b"anthropic-beta" not in encoded.body
    assert encoded.loss == ()


def test_a_header_that_a_body_makes_up_is_not_sent(server, client, target, inbound):
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "anthropic-beta": "a\r\nx-evil: 1"}
    encoded = client.encode(server.decode(inbound(body)), target)
    assert "anthropic-beta" not in encoded.headers
    assert encoded.loss == ("anthropic-beta",)
