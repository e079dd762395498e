"""Models that callers name, where they become part of an upstream's URL: none leads out of its place."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

PLACES = {
    "google": r"/g/v1beta/models/[^/?]+:(?:streamG|g)enerateContent(?:\?alt=sse)?",
    "anthropic": r"/v/v1/projects/p-1/locations/global/publishers/anthropic/models/[^/?]+:(?:streamR|r)awPredict",
    "bedrock": r"/b/model/[^/?]+/converse(?:-stream)?",
    "azureOpenAI": r"/z/deployments/[^/?]+/chat/completions\?api-version=2024-10-21",
}
"""Paths that an endpoint's upstream may be asked for, however its model is called."""
SENT = ("m", "a:b@c", "a?b=1#c", "a\r\nx-admin: 1", "a b", "ü/é", "a" * 3000)
REFUSED = ("a/../../../secrets", "a\\..\\b", "a//../b")
NAMES = (
    *SENT,
    *REFUSED,
    *("..", ".", "../../x", "a/./b", "..\\..\\x", "/x", "a//b", "a/", "a..b"),
    *("a%2f..%2fx", "%2e%2e", "a\x00b", "@evil.example/"),
    *("http://evil.example/x", "//evil.example/x", "models/../x", "tunedModels/..", "tunedModels/../x", "models/"),
    *("arn:aws:bedrock:us-east-1:1:x/../../y", "arn:aws:bedrock:evil.example/x#:1:y"),
)


def variables(url: str) -> dict[str, str]:
    private = generate_private_key(public_exponent=65537, key_size=2048)
    account = {
        "client_email": "robot@p-1.example",
        "private_key": private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "project_id": "p-1",
        "token_uri": url + "/token",
    }
    return {
        "GOOGLE_KEY": "k",
        "GOOGLE_REVERSE_PROXY": url + "/g",
        "ANTHROPIC_USE_VERTEX": "true",
        "ANTHROPIC_VERTEX_REGION": "global",
        "ANTHROPIC_VERTEX_BASE_URL": url + "/v",
        "GOOGLE_SERVICE_KEY": json.dumps(account),
        "BEDROCK_AWS_ACCESS_KEY_ID": "k",
        "BEDROCK_AWS_SECRET_ACCESS_KEY": "s",
        "BEDROCK_AWS_DEFAULT_REGION": "us-east-1",
        "BEDROCK_REVERSE_PROXY": url + "/b",
        "AZURE_API_KEY": "k",
        "AZURE_OPENAI_API_INSTANCE_NAME": "mine",
        "AZURE_OPENAI_API_VERSION": "2024-10-21",
        "AZURE_OPENAI_BASEURL": url + "/z/deployments/${DEPLOYMENT_NAME}",
        "AZURE_USE_MODEL_AS_DEPLOYMENT_NAME": "true",
    }


@pytest.fixture(scope="module")
def running(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    upstream.answer("/token", whole({"access_token": "t", "expires_in": 3600}))
    with RunningGateway(tmp_path_factory.mktemp("names"), 'version: "1.3.17"', environ=variables(upstream.url)) as one:
        yield one


@pytest.mark.parametrize("endpoint", PLACES)
def test_no_name_of_a_model_leads_out_of_its_place(
    endpoint: str, running: RunningGateway, upstream: FakeUpstream, caller_of: Callable[..., Any]
) -> None:
    upstream.arrived.clear()
    with closing(caller_of(running.url, running.key)) as caller:
        for name in NAMES:
            for streamed in (False, True):
                came = len(upstream.arrived)
                body = {
                    "model": f"{endpoint}/{name}",
                    "messages": [{"role": "user", "content": "Hi"}],
                    "stream": streamed,
                }
                reply = caller.post("/v1/chat/completions", body)
                asked = [one.target for one in upstream.arrived[came:] if one.path != "/token"]
                assert reply.status in (400, 404), (name, reply.status, reply.body)
                assert len(asked) == (name in SENT) or name not in (*SENT, *REFUSED), (name, asked, reply.body)
                assert all(re.fullmatch(PLACES[endpoint], target) for target in asked), (name, asked)
                assert not [
                    target for target in asked if re.search(r"(?:^|/|\\|%2f|%5c)\.{1,2}(?:/|\\|%2f|%5c)", target, re.I)
                ]
    assert running.process.poll() is None
    assert not [line for line in running.errors if "Traceback" in line or '"exception"' in line]
