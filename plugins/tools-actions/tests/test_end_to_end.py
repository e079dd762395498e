"""A running gateway with actions: agents can be given them, and what cannot be used keeps it from starting."""

from __future__ import annotations

import json
import urllib.request

import pytest
from action_documents import api, takes

from gateway.testing.running import RunningGateway


def config(tmp_path, **entry):
    (tmp_path / "api.json").write_text(json.dumps(api(("get", "/x", {"summary": "Tells x"}))), "utf-8")
    action = {"name": "a", "file": str(tmp_path / "api.json"), "url": "https://api.example.com", **entry}
    return json.dumps({"version": "1.3.17", "gateway": {"tools-actions": [action]}})


def test_a_running_gateway_tells_which_actions_agents_can_have(tmp_path):
    with RunningGateway(tmp_path, config(tmp_path)) as gateway:
        request = urllib.request.Request(f"{gateway.url}/api/agents/tools")
        request.add_header("Authorization", f"Bearer {gateway.key}")
        with urllib.request.urlopen(request, timeout=30) as reply:
            listed = json.load(reply)
    assert [tool for tool in listed if "it_action_YXBpLmV4YW" in json.dumps(tool)]


def test_a_gateway_does_not_start_with_a_document_that_cannot_be_used(tmp_path):
    with pytest.raises(RuntimeError, match="this is Swagger 2"):
        RunningGateway(tmp_path, config(tmp_path, file="", document={"swagger": "2.0"} | {"x": takes("q")})).__enter__()
