"""Requests to the dialect, and a running gateway that LettaBot's clients come to."""

import json

import pytest
from gateway_dialect_lettabot.server import LettaBotServer

from gateway.testing import replay

JSON = {"content-type": "application/json"}


@pytest.fixture
def server():
    return LettaBotServer()


@pytest.fixture
def ask(server):
    """`ask(message=…)`, or `ask(b"…")`: what a client sends. headers: beside its content type."""

    def asked(body=None, headers=JSON, **members):
        data = body if body is not None else json.dumps(members).encode()
        return replay.inbound(server, data, "/api/v1/chat", headers=headers)

    return asked
