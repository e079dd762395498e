"""Errors: `{"success": false, "error": text}`. LettaBot's own words come first where it has some."""

from __future__ import annotations

from gateway import GatewayError, Inbound, Unauthenticated, UnknownModel
from gateway.wire import jsontext

from .answers import Refused
from .calls import agent_in
from .names import ASYNC


def encode(error: GatewayError, inbound: Inbound) -> bytes:
    refused = Refused(False, error.public, error.param, error.code)
    if isinstance(error, Unauthenticated):
        refused.error, refused.detail = "Unauthorized", error.public
    elif isinstance(error, UnknownModel) and (agent := agent_in(inbound.body)):
        refused.error, refused.field = f"Agent not found: {agent}. {error.public}", "agent"
    elif inbound.operation.path == ASYNC and error.status >= 500:
        refused.status = "error"
    return jsontext.encode(refused)
