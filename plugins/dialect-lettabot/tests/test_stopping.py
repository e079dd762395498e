"""A gateway that stops: what still runs is told to be cut, and what is kept outlives it."""

import json
import urllib.request

from gateway.testing.beside import Beside
from gateway.testing.fake_upstream import HANG, stream
from gateway.testing.running import RunningGateway

CONFIG = """
version: "1.3.17"
endpoints:
  custom:
    - {name: far, apiKey: k, baseURL: "{URL}/v1", models: {default: [m]}}
gateway:
  timeouts: {drain: 0.2}
  workers: 2
  agents: [{id: agent_echo, endpoint: echo, model: echo}]
"""


def told(gateway, identity):
    request = urllib.request.Request(f"{gateway.url}/api/v1/chat/async/{identity}", headers={"x-api-key": gateway.key})
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.status, json.loads(response.read())


def begun(gateway, **members):
    status, body = gateway.post("/api/v1/chat/async", members)
    assert status == 202, body
    return json.loads(body)["id"]


def test_results_outlive_a_restart_and_a_call_that_was_cut_says_so(tmp_path):
    with Beside() as beside:
        beside.upstream.answer("/v1/chat/completions", stream(HANG, silent=True))
        config = CONFIG.replace("{URL}", beside.upstream.url)
        with RunningGateway(tmp_path, config) as gateway:
            kept = begun(gateway, message="Hi", agent="agent_echo")
            while told(gateway, kept)[0] == 202:
                pass
            lost = begun(gateway, message="Hi", agent="far/m")
            beside.wait(beside.upstream.arrival())
        with RunningGateway(tmp_path, config) as gateway:
            assert told(gateway, kept)[1]["response"] == "Hi"
            status, result = told(gateway, lost)
            assert (status, result["status"], result["code"]) == (200, "error", "gateway_stopped")
