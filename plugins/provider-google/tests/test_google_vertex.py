"""The endpoint `google` on Vertex AI: places in URLs, and tokens."""

import base64
from pathlib import Path

import gateway_provider_google as plugin
import pytest
from gateway_provider_google import machine
from gateway_provider_google.endpoint import MODELS
from gateway_provider_google.vertex import VertexProvider

from gateway import Egress, Encoded, Settings, Timeouts, UpstreamError
from gateway.endpoint import DefaultNames
from gateway.testing import endpoints
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as answer
from gateway.testing.service_account import ServiceAccount
from gateway.upstream import HttpUpstream

ACCOUNT = ServiceAccount()
CANARY = ACCOUNT.canary
service_key = ACCOUNT.key
PATH = "/models/m:generateContent"


def one(environ=None, section=None, upstream=None):
    environ = {"GOOGLE_SERVICE_KEY_FILE": service_key()} | (environ or {})
    return endpoints.one(plugin, {"endpoints": {"google": section}}, environ, upstream, now=1000.0)


def outgoing(provider):
    return endpoints.outgoing(provider, PATH)


def url(*arguments):
    provider = one(*arguments)
    return provider.url(outgoing(provider))


@pytest.mark.parametrize("form", [service_key(), base64.b64encode(service_key().encode()).decode()])
@pytest.mark.parametrize("variable", ["GOOGLE_SERVICE_KEY_FILE", "GOOGLE_SERVICE_KEY"])
def test_a_service_account_alone_makes_an_endpoint_on_vertex(variable, form):
    provider = one({"GOOGLE_SERVICE_KEY_FILE": "", variable: form})
    assert (provider.unavailable, provider.open, provider.dialects) == (None, True, ("gemini",))
    assert provider.url(outgoing(provider)) == (
        "https://us-central1-aiplatform.googleapis.com/v1/projects/p-1/locations/us-central1/publishers/google" + PATH
    )


def test_a_key_of_ai_studio_counts_first():
    assert url({"GOOGLE_KEY": "k"}).startswith("https://generativelanguage.googleapis.com/")


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
    ],
)
def test_each_location_has_its_host(location, host):
    wanted = f"https://{host}/v1/projects/p-1/locations/{location}/publishers/google{PATH}"
    assert url({"GOOGLE_LOC": location}) == wanted
    assert url({"GOOGLE_CLOUD_LOCATION": location}) == wanted
    assert url({"GOOGLE_LOC": location, "GOOGLE_CLOUD_LOCATION": "asia-east1"}) == wanted


def test_a_variable_may_name_another_project_than_the_key():
    assert "/projects/p-2/" in url({"GOOGLE_CLOUD_PROJECT": "p-2"})
    assert "/projects/p-3/" in url({"GOOGLE_CLOUD_PROJECT": "p-2", "VERTEX_PROJECT_ID": "p-3"})


@pytest.mark.parametrize("base", ["http://h/x", "http://h/x/v1/"])
def test_a_proxy_may_stand_in_for_the_host(base):
    wanted = "http://h/x/v1/projects/p-1/locations/us-central1/publishers/google" + PATH
    assert url({"GOOGLE_REVERSE_PROXY": base}) == wanted
    assert url(None, {"baseURL": base}) == wanted


@pytest.mark.parametrize(
    "body",
    [
        b'{"contents":[],"tools":[],"safetySettings":[]}',
        b'{"generateContentRequest":{"model":"models/m","contents":[],"tools":[],"toolConfig":{}}}',
    ],
)
def test_to_count_tokens_a_whole_request_is_taken_apart(body):
    provider = one()
    adapted = provider.adapt(Encoded("/models/m:countTokens", body), provider.target("m"))
    assert adapted.body == b'{"contents":[],"tools":[]}'


async def test_models_are_the_variables_or_the_known_ones():
    assert await one().models() == DefaultNames.read(MODELS).names
    provider = one({"GOOGLE_MODELS": "a,b"})
    assert await provider.models() == ("a", "b")
    assert not provider.open


async def test_the_accounts_token_is_fetched_once_and_sent():
    async with FakeUpstream() as tokens:
        tokens.answer("/token", answer({"access_token": "t-1", "expires_in": 3600}))
        upstream = HttpUpstream(Egress(), Timeouts(5, 5, 5))
        environ = {"GOOGLE_SERVICE_KEY_FILE": service_key(f"{tokens.url}/token")}
        provider = one(environ, {"headers": {"x-user": "{{LIBRECHAT_USER_ID}}"}}, upstream)
        for _ in range(2):
            assert await provider.headers(outgoing(provider)) == {"authorization": "Bearer t-1", "x-user": "u1"}
        assert len(tokens.arrived) == 1
        await upstream.close()


async def test_a_token_that_cannot_be_had_is_the_upstreams_failure(caplog):
    with pytest.raises(UpstreamError, match="no access token") as raised:
        await one().headers(outgoing(one()))
    assert CANARY not in raised.value.public + caplog.text


async def test_on_google_cloud_the_machines_own_account_needs_no_key():
    async with FakeUpstream() as metadata:
        metadata.answer(machine.PATH, answer({"access_token": "t-1", "expires_in": 3600, "token_type": "Bearer"}))
        upstream = HttpUpstream(Egress(), Timeouts(5, 5, 5))
        host = metadata.url.removeprefix("http://")
        environ = {"GOOGLE_SERVICE_KEY_FILE": "", "VERTEX_PROJECT_ID": "p-2", "GCE_METADATA_HOST": host}
        provider = one(environ, None, upstream)
        assert not metadata.arrived, "nothing is asked at the start"
        assert "/projects/p-2/" in provider.url(outgoing(provider))
        for _ in range(2):
            assert await provider.headers(outgoing(provider)) == {"authorization": "Bearer t-1"}
        (asked,) = metadata.arrived
        assert (asked.method, asked.headers["Metadata-Flavor"]) == ("GET", "Google")
        await upstream.close()


async def test_a_machine_without_an_account_is_told():
    async with FakeUpstream() as metadata:
        upstream = HttpUpstream(Egress(), Timeouts(5, 5, 5))
        host = metadata.url.removeprefix("http://")
        environ = {"GOOGLE_SERVICE_KEY_FILE": "", "VERTEX_PROJECT_ID": "p-2", "GCE_METADATA_HOST": host}
        provider = one(environ, None, upstream)
        with pytest.raises(UpstreamError, match=r"refused this machine \(status 404\)") as raised:
            await provider.headers(outgoing(provider))
        assert raised.value.code == "no_access_token"
        await upstream.close()


@pytest.mark.parametrize(
    ("environ", "section", "found"),
    [
        ({"VERTEX_PROJECT_ID": "p"}, None, 0),
        ({"VERTEX_PROJECT_ID": "p", "K_SERVICE": "s"}, None, 1),
        ({"GOOGLE_CLOUD_PROJECT": "p", "K_SERVICE": "s"}, None, 0),
        ({"GOOGLE_CLOUD_PROJECT": "p", "K_SERVICE": "s"}, {"headers": {}}, 1),
        ({"K_SERVICE": "s"}, None, 0),
    ],
)
def test_it_is_used_only_where_it_is_asked_for_and_is_there(environ, section, found, monkeypatch):
    monkeypatch.setattr(machine.is_there, "__defaults__", (Path("/nowhere"),))
    made = endpoints.providers(plugin, {"endpoints": {"google": section}}, environ)
    assert len([one for one in made if isinstance(one, VertexProvider)]) == found


def test_the_machine_says_where_it_runs(tmp_path):
    product = tmp_path / "product_name"
    none = Settings({}, {}, frozenset())
    assert not machine.is_there(none, product)
    for name, there in (("Google Compute Engine\n", True), ("Standard PC\n", False)):
        product.write_text(name)
        assert machine.is_there(none, product) == there


@pytest.mark.parametrize(
    ("environ", "what"),
    [
        ({"GOOGLE_SERVICE_KEY_FILE": "nowhere.json"}, "GOOGLE_SERVICE_KEY_FILE: it is neither"),
        ({"GOOGLE_SERVICE_KEY_FILE": "{}"}, "GOOGLE_SERVICE_KEY_FILE: it is no key file"),
        ({"GOOGLE_SERVICE_KEY_FILE": service_key(private_key=CANARY)}, "private_key"),
        ({"GOOGLE_SERVICE_KEY_FILE": service_key(project_id="")}, "VERTEX_PROJECT_ID: it is not set"),
        ({"GOOGLE_CLOUD_PROJECT": "p/../q"}, "GOOGLE_CLOUD_PROJECT: it has characters"),
        ({"GOOGLE_LOC": "evil.example/"}, "GOOGLE_LOC: it has characters"),
        ({"GOOGLE_REVERSE_PROXY": "h"}, "GOOGLE_REVERSE_PROXY: it is not a URL"),
    ],
)
def test_what_cannot_be_called_says_why(environ, what):
    provider = one(environ)
    assert what in provider.unavailable
    (finding,) = provider.findings()
    assert what in finding.what
    assert CANARY not in finding.what
