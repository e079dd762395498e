"""The signer agrees with AWS's own."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest import mock
from urllib.parse import quote

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from gateway_provider_bedrock.sigv4 import Keys, host, signed
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import Secret

WHEN = 1_763_664_000.0
KEY, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjE+/=="
ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-7-sonnet-20250219-v1:0"
MODELS = ["amazon.nova-lite-v1:0", "a/b:c d+e~f%g", ARN, "модель", "..", "a//b"]
NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).map("x-".__add__)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
WHERE = ["https://bedrock-runtime.us-east-1.amazonaws.com", "http://127.0.0.1:8085/proxy", "https://[::1]:9"]
SAFE = "-._~"
PATHS = st.lists(st.text(max_size=8), max_size=4).map(
    lambda parts: "".join("/" + quote(part, safe="-._~") for part in parts)
)
QUERIES = st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=4).map(
    lambda pairs: "&".join(f"{quote(name, safe=SAFE)}={quote(value, safe=SAFE)}" for name, value in pairs if name)
)


def theirs(
    method: str, url: str, headers: dict[str, str], body: bytes, token: str | None, region: str
) -> dict[str, str]:
    """What botocore signs at that moment."""
    request = AWSRequest(method, url, dict(headers), body)
    signer = botocore.auth.SigV4Auth(Credentials(KEY, SECRET, token), "bedrock", region)
    at = datetime.fromtimestamp(WHEN, UTC).replace(tzinfo=None)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=at):
        signer.add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


def same(
    method: str, url: str, headers: dict[str, str], body: bytes, token: str | None, region: str = "us-east-1"
) -> None:
    keys = Keys(KEY, Secret(SECRET), Secret(token) if token else None)
    ours = signed(method, url, headers, body, keys, region, "bedrock", WHEN)
    expected = theirs(method, url, headers, body, token, region)
    assert ours["authorization"] == expected["authorization"]
    assert ours["x-amz-date"] == expected["x-amz-date"]
    assert ours.get("x-amz-security-token") == expected.get("x-amz-security-token")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("operation", ["converse", "converse-stream"])
def test_a_call_of_any_model_is_signed_as_botocore_does(model: str, operation: str) -> None:
    url = f"https://bedrock-runtime.us-east-1.amazonaws.com/model/{quote(model, safe='-._~')}/{operation}"
    same("POST", url, {"content-type": "application/json"}, b'{"messages":[]}', None)


@settings(max_examples=300, deadline=None)
@given(
    method=st.sampled_from(["POST", "GET"]),
    path=PATHS,
    query=QUERIES,
    headers=st.dictionaries(NAMES, VALUES, max_size=4),
    body=st.binary(max_size=60),
    token=st.none() | st.just(TOKEN),
    region=st.sampled_from(["us-east-1", "eu-central-1", "us-gov-west-1"]),
    where=st.sampled_from(
        ["https://bedrock-runtime.us-east-1.amazonaws.com", "http://127.0.0.1:8085/proxy", "https://[::1]:9"]
    ),
)
def test_any_request_is_signed_as_botocore_does(
    method: str,
    path: str,
    query: str,
    headers: dict[str, str],
    body: bytes,
    token: str | None,
    region: str,
    where: str,
) -> None:
    url = f"{where}{path}" + (f"?{query}" if query else "")
    same(method, url, headers | {"content-type": "application/json"}, body, token, region)


def test_keys_do_not_print() -> None:
    shown = repr(Keys(KEY, Secret(SECRET), Secret(TOKEN)))
    assert SECRET not in shown
    assert TOKEN not in shown


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://Bedrock.Example/x", "bedrock.example"),
        ("https://h:443/x", "h:443"),
        ("http://[::1]:80/", "[::1]:80"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
    ],
)
def test_the_host_is_what_the_request_will_say(url: str, expected: str) -> None:
    assert host(url) == expected
