"""A base URL that a user brings leads into a private network only where `endpoints.allowedAddresses` says so."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

REPLY = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
}


def config(*allowed: str) -> str:
    mine: Any = {"name": "Mine", "apiKey": "user_provided", "baseURL": "user_provided", "models": {"default": ["m"]}}
    endpoints = {"custom": [mine], **({"allowedAddresses": list(allowed)} if allowed else {})}
    return json.dumps({"version": "1.3.17", "endpoints": endpoints})


def port(upstream: FakeUpstream) -> str:
    return upstream.url.rpartition(":")[2]


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    upstream.answer("/v1/chat/completions", whole(REPLY))
    with RunningGateway(tmp_path_factory.mktemp("allowed"), config(f"127.0.0.1:{port(upstream)}")) as running:
        yield running


def call(gateway: RunningGateway, url: str) -> Any:
    headers = {"x-gateway-upstream-key": "k", "x-gateway-upstream-url": url}
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0, timeout=20) as client:
        hi: Any = [{"role": "user", "content": "Hi"}]
        return client.chat.completions.create(model="Mine/m", messages=hi, extra_headers=headers)


def test_the_address_that_is_named_is_open(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    reply = call(gateway, f"http://127.0.0.1:{port(upstream)}/v1")
    assert reply.choices[0].message.content == "Yes."


@pytest.mark.parametrize("host", ["127.0.0.2", "[::1]"])
def test_its_neighbours_are_not(gateway: RunningGateway, upstream: FakeUpstream, host: str) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        call(gateway, f"http://{host}:{port(upstream)}/v1")
    assert refused.value.code == "address_not_allowed"


def test_a_name_is_open_where_it_is_named(upstream: FakeUpstream, tmp_path: Any) -> None:
    upstream.answer("/v1/chat/completions", whole(REPLY))
    with RunningGateway(tmp_path, config(f"localhost:{port(upstream)}", "localhost")) as running:
        assert call(running, f"http://LOCALHOST:{port(upstream)}/v1").choices[0].message.content == "Yes."
        with pytest.raises(openai.APIStatusError) as refused:
            call(running, f"http://127.0.0.1:{port(upstream)}/v1")
        assert refused.value.code == "address_not_allowed"
        said = "\n".join((*running.errors, *running.output))
    assert "endpoints.allowedAddresses[1]: this exempts nothing" in said


def test_it_is_no_longer_called_without_effect(upstream: FakeUpstream, tmp_path: Any) -> None:
    (tmp_path / "librechat.yaml").write_text(config(f"127.0.0.1:{port(upstream)}"))
    command = [sys.executable, "-m", "gateway", "check", "librechat.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "allowedAddresses" not in done.stdout + done.stderr
