"""The endpoint `anthropic` on Vertex AI: names and places in URLs, the body it wants, and tokens."""

import json

import gateway_provider_anthropic as plugin
import msgspec
import pytest
from gateway_provider_anthropic import machine
from gateway_provider_anthropic.vertex import MODELS as NAMES

from gateway import BadCall, Egress, Timeouts, UpstreamError
from gateway.endpoint import DefaultNames
from gateway.testing import endpoints, recordings
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as answer
from gateway.testing.service_account import ServiceAccount
from gateway.upstream import HttpUpstream

ACCOUNT = ServiceAccount()
CANARY = ACCOUNT.canary
service_key = ACCOUNT.key
MODELS = "https://us-east5-aiplatform.googleapis.com/v1/projects/p-1/locations/us-east5/publishers/anthropic/models"


def one(environ=None, section=None, upstream=None):
    environ = {"ANTHROPIC_USE_VERTEX": "true", "GOOGLE_SERVICE_KEY_FILE": service_key()} | (environ or {})
    return endpoints.one(plugin, {"endpoints": {"anthropic": section}}, environ, upstream, now=1000.0)


def outgoing(provider, model="m", path="/messages", stream=False, body=b"{}", headers=None):
    query = {"beta": "true"}
    return endpoints.outgoing(provider, path, model, body=body, query=query, headers=headers, stream=stream)


def test_the_model_and_whether_it_streams_are_in_the_url():
    provider = one()
    assert (provider.unavailable, provider.dialects, provider.kind) == (None, ("anthropic-messages",), "anthropic")
    assert provider.url(outgoing(provider, "claude-x@2026")) == f"{MODELS}/claude-x@2026:rawPredict"
    assert provider.url(outgoing(provider, "claude-x", stream=True)) == f"{MODELS}/claude-x:streamRawPredict"


def test_a_models_name_cannot_lead_elsewhere():
    provider = one()
    url = provider.url(outgoing(provider, "a/b?x=1#;\r\n:\ud800"))
    assert url == f"{MODELS}/a%2Fb%3Fx%3D1%23%3B%0D%0A%3A%3F:rawPredict"
    for name in ("../../../secrets", "..", ".", "a/../b", "a\\..\\b", ""):
        with pytest.raises(BadCall) as caught:
            provider.url(outgoing(provider, name))
        assert caught.value.param == "model"


def test_the_version_is_in_the_body_and_the_model_is_not():
    provider = one()
    target = provider.target("m")
    assert target.set == {"anthropic_version": msgspec.Raw(b'"vertex-2023-10-16"')}
    assert target.drop == {"model"}
    sent = outgoing(provider, headers={"Anthropic-Version": "2026-10-21", "anthropic-beta": "a"}, body=b'{"a":1}')
    assert (sent.encoded.headers, sent.encoded.body) == ({"anthropic-beta": "a"}, b'{"a":1}')


@pytest.mark.parametrize("body", [b'{"messages":[]}', b'{"model":"claude-x","messages":[]}'])
def test_counting_has_a_place_of_its_own_and_the_model_in_the_body(body):
    provider = one()
    sent = outgoing(provider, "claude-x", "/messages/count_tokens", body=body)
    assert provider.url(sent) == f"{MODELS}/count-tokens:rawPredict"
    assert json.loads(sent.encoded.body) == {
        "model": "claude-x",
        "anthropic_version": "vertex-2023-10-16",
        "messages": [],
    }


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("global", "aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        ("europe-west1", "europe-west1-aiplatform.googleapis.com"),
    ],
)
def test_each_region_has_its_host(region, host):
    for provider in (one({"ANTHROPIC_VERTEX_REGION": region}), one({"R": region}, {"vertex": {"region": "${R}"}})):
        assert provider.url(outgoing(provider)).startswith(f"https://{host}/v1/projects/p-1/locations/{region}/")


def test_the_project_is_the_sections_else_the_variables_else_the_keys():
    environ = {"VERTEX_PROJECT_ID": "p-2"}
    assert "/projects/p-3/" in one(environ, {"vertex": {"projectId": "p-3"}}).url(outgoing(one(environ)))
    assert "/projects/p-2/" in one(environ).url(outgoing(one(environ)))


def test_a_base_url_may_stand_in_for_the_host():
    for base in ("http://h", "http://h/v1/"):
        provider = one({"ANTHROPIC_VERTEX_BASE_URL": base})
        assert provider.url(outgoing(provider)).startswith("http://h/v1/projects/p-1/")


@recordings.each(recordings.load("vertex.anthropic.rawPredict"))
def test_requests_have_the_shape_of_recorded_ones(recorded):
    region = recorded.path.split("/locations/")[1].split("/")[0]
    provider = one({"VERTEX_PROJECT_ID": "PROJECT", "ANTHROPIC_VERTEX_REGION": region})
    ours = provider.url(outgoing(provider, recorded.model, stream=recorded.stream))
    assert ours == f"https://{recorded.host}{recorded.path}"
    assert "model" not in recorded.request
    target = provider.target(recorded.model)
    for name, value in target.set.items():
        assert recorded.request[name] == json.loads(bytes(value))


async def test_models_are_a_list_or_a_map_to_vertexs_names():
    section = {"a": {"deploymentName": "a@1"}, "b": True, "c": {}}
    mapped = one(None, {"vertex": {"models": section, "deploymentName": "d@1"}})
    assert await mapped.models() == ("a", "b", "c")
    assert [mapped.target(name).model for name in "abc"] == ["a@1", "d@1", "d@1"]
    listed = one(None, {"vertex": {"models": ["a", "b"]}})
    assert [listed.target(name).model for name in "ab"] == ["a", "b"]
    assert (mapped.open, listed.open) == (False, False)


async def test_the_variables_models_count_where_the_section_has_none_and_defaults_after_that():
    assert await one({"ANTHROPIC_MODELS": "a,b"}, {"vertex": {}}).models() == ("a", "b")
    provider = one()
    assert await provider.models() == DefaultNames.read(NAMES).names
    assert provider.open


@pytest.mark.parametrize(
    ("environ", "section", "on"),
    [
        ({}, {"vertex": {}}, True),
        ({}, {"vertex": {"enabled": True}}, True),
        ({}, {"vertex": {"enabled": False}}, False),
        ({"ANTHROPIC_USE_VERTEX": "True"}, None, True),
        ({"ANTHROPIC_USE_VERTEX": "no"}, None, False),
    ],
)
def test_the_section_or_the_variable_turns_it_on(environ, section, on):
    provider = one({"ANTHROPIC_USE_VERTEX": "", "ANTHROPIC_API_KEY": "k"} | environ, section)
    assert ("aiplatform" in provider.url(outgoing(provider))) is on


async def test_the_accounts_token_is_fetched_once_and_sent():
    async with FakeUpstream() as tokens:
        tokens.answer("/token", answer({"access_token": "t-1", "expires_in": 3600}))
        upstream = HttpUpstream(Egress(), Timeouts(5, 5, 5))
        environ = {"GOOGLE_SERVICE_KEY_FILE": service_key(f"{tokens.url}/token")}
        provider = one(environ, {"headers": {"x-user": "{{LIBRECHAT_USER_ID}}"}, "vertex": {}}, upstream)
        for _ in range(2):
            assert await provider.headers(outgoing(provider)) == {"authorization": "Bearer t-1", "x-user": "u1"}
        assert len(tokens.arrived) == 1
        await upstream.close()


async def test_a_token_that_cannot_be_had_is_the_upstreams_failure(caplog):
    with pytest.raises(UpstreamError, match="no access token") as raised:
        await one().headers(outgoing(one()))
    assert CANARY not in raised.value.public + caplog.text


@pytest.mark.parametrize(
    ("environ", "section", "what"),
    [
        ({"GOOGLE_SERVICE_KEY_FILE": ""}, None, "GOOGLE_SERVICE_KEY_FILE: it is not set"),
        ({"GOOGLE_SERVICE_KEY_FILE": "nowhere.json"}, None, "GOOGLE_SERVICE_KEY_FILE: it is neither"),
        ({}, {"vertex": {"serviceKeyFile": "${NONE}"}}, "vertex.serviceKeyFile: the variable NONE is not set"),
        ({"GOOGLE_SERVICE_KEY_FILE": service_key(private_key=CANARY)}, None, "private_key"),
        ({"GOOGLE_SERVICE_KEY_FILE": service_key(project_id="")}, None, "VERTEX_PROJECT_ID: it is not set"),
        ({"VERTEX_PROJECT_ID": "p/../q"}, None, "VERTEX_PROJECT_ID: it has characters"),
        ({"ANTHROPIC_VERTEX_REGION": "evil.example/"}, None, "ANTHROPIC_VERTEX_REGION: it has characters"),
        ({"ANTHROPIC_VERTEX_BASE_URL": "h"}, None, "ANTHROPIC_VERTEX_BASE_URL: it is not a URL"),
        ({}, {"vertex": {}, "headers": {"x": "${NONE}"}}, "endpoints.anthropic.headers: the variable NONE is not set"),
    ],
)
def test_what_cannot_be_called_says_why(environ, section, what):
    provider = one(environ, section)
    assert what in provider.unavailable
    (finding,) = provider.findings()
    assert what in finding.what
    assert CANARY not in finding.what


async def test_on_google_cloud_the_machines_own_account_needs_no_key():
    async with FakeUpstream() as metadata:
        metadata.answer(machine.PATH, answer({"access_token": "t-1", "expires_in": 3600, "token_type": "Bearer"}))
        upstream = HttpUpstream(Egress(), Timeouts(5, 5, 5))
        host = metadata.url.removeprefix("http://")
        environ = {"GOOGLE_SERVICE_KEY_FILE": "", "VERTEX_PROJECT_ID": "p-2", "GCE_METADATA_HOST": host}
        provider = one(environ, None, upstream)
        assert "/projects/p-2/" in provider.url(outgoing(provider))
        assert (await provider.headers(outgoing(provider)))["authorization"] == "Bearer t-1"
        assert one(environ | {"VERTEX_PROJECT_ID": ""}).unavailable.startswith("VERTEX_PROJECT_ID: it is not set")
        await upstream.close()
