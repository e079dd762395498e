"""What LibreChat's variables and `endpoints.bedrock` make of the endpoint."""

import json

import gateway_provider_bedrock as plugin
import pytest
from gateway_provider_bedrock.sigv4 import Keys, signed

from gateway import BadCall, Secret, Unavailable
from gateway.testing import endpoints

REGION = {"BEDROCK_AWS_DEFAULT_REGION": "us-east-1"}
BEARER = REGION | {"BEDROCK_AWS_BEARER_TOKEN": "bk-canary"}
PAIR = REGION | {"BEDROCK_AWS_ACCESS_KEY_ID": "AKID", "BEDROCK_AWS_SECRET_ACCESS_KEY": "secret-canary"}
HOST = "https://bedrock-runtime.us-east-1.amazonaws.com"
NOVA = "amazon.nova-lite-v1:0"
WHEN = 1_763_664_000.0


def one(environ, section=None):
    return endpoints.one(plugin, {"endpoints": {"bedrock": section}}, environ, now=WHEN)


def offered(environ):
    return endpoints.providers(plugin, {}, environ)


def outgoing(provider, model=NOVA, body=b"{}", operation="converse"):
    return endpoints.outgoing(provider, f"/model/whatever/{operation}", model, body=body)


def outgoing_url(provider, model):
    return provider.url(outgoing(provider, model))


def test_the_section_is_librechats():
    assert {section.path for section in plugin.register_sections()} == {"endpoints.bedrock", "endpoints.all"}


def test_nothing_configured_is_no_endpoint():
    assert offered({}) == ()
    assert offered({"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a"}) == ()


@pytest.mark.parametrize(("listed", "count"), [("openAI,bedrock", 1), ("agents,google", 0), ("", 1)])
def test_endpoints_variable_leaves_it_out_where_it_is_not_named(listed, count):
    assert len(offered(BEARER | {"ENDPOINTS": listed})) == count


async def test_a_bearer_key_is_an_endpoint_at_aws():
    provider = one(BEARER)
    assert (provider.endpoint, provider.kind, provider.dialects, provider.unavailable, provider.open) == (
        "bedrock",
        "bedrock",
        ("bedrock-converse",),
        None,
        True,
    )
    assert provider.url(outgoing(provider)) == f"{HOST}/model/amazon.nova-lite-v1%3A0/converse"
    assert await provider.headers(outgoing(provider)) == {"authorization": "Bearer bk-canary"}
    assert "amazon.titan-text-lite-v1" in await provider.models()
    assert "canary" not in repr(vars(provider))


async def test_a_pair_of_keys_signs_the_url_the_body_and_the_operators_own_headers():
    provider = one(
        PAIR | {"BEDROCK_AWS_SESSION_TOKEN": "st"}, {"headers": {"X-Amzn-Note": "n", "x-user": "{{LIBRECHAT_USER_ID}}"}}
    )
    sent = await provider.headers(outgoing(provider, body=b'{"messages":[]}'))
    keys = Keys("AKID", Secret("secret-canary"), Secret("st"))
    covered = {"content-type": "application/json"}
    url = f"{HOST}/model/amazon.nova-lite-v1%3A0/converse"
    expected = signed("POST", url, covered, b'{"messages":[]}', keys, "us-east-1", "bedrock", WHEN)
    assert sent == {"x-amzn-note": "n", "x-user": "u1", **expected}
    assert expected["x-amz-security-token"] == "st"
    amz = one(PAIR, {"headers": {"x-amz-note": "n"}})
    signature = (await amz.headers(outgoing(amz)))["authorization"]
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-note," in signature


async def test_the_bearer_key_counts_before_the_pair_and_an_own_authorization_before_both():
    both = one(PAIR | BEARER)
    assert (await both.headers(outgoing(both)))["authorization"] == "Bearer bk-canary"
    own = one(PAIR, {"headers": {"Authorization": "Basic abc"}})
    assert await own.headers(outgoing(own)) == {"authorization": "Basic abc"}


@pytest.mark.parametrize(
    ("proxy", "url"),
    [
        ("proxy.example", "https://proxy.example/model/m/converse"),
        ("proxy.example/bedrock/", "https://proxy.example/bedrock/model/m/converse"),
        ("http://127.0.0.1:8085", "http://127.0.0.1:8085/model/m/converse"),
    ],
)
def test_a_reverse_proxy_is_a_host_or_a_url(proxy, url):
    provider = one(BEARER | {"BEDROCK_REVERSE_PROXY": proxy}, {"baseURL": "https://elsewhere"})
    assert provider.url(outgoing(provider, "m")) == url


def test_the_sections_base_url_counts_where_no_proxy_is_set_and_a_bearer_key_needs_no_region_then():
    provider = one({"BEDROCK_AWS_BEARER_TOKEN": "b"}, {"baseURL": "https://elsewhere/x"})
    assert provider.unavailable is None
    assert provider.url(outgoing(provider, "m")) == "https://elsewhere/x/model/m/converse"


@pytest.mark.parametrize(
    ("model", "region"),
    [
        (NOVA, "us-east-1"),
        ("us.anthropic.claude-sonnet-5", "us-east-1"),
        ("eu.anthropic.claude-sonnet-5", "eu-central-1"),
        ("apac.amazon.nova-lite-v1:0", "ap-northeast-1"),
        ("jp.anthropic.claude-sonnet-5", "ap-northeast-1"),
        ("au.anthropic.claude-sonnet-5", "us-east-1"),
        ("global.anthropic.claude-sonnet-5", "us-east-1"),
        ("arn:aws:bedrock:eu-central-1:1:inference-profile/eu.x", "eu-central-1"),
    ],
)
async def test_a_models_region_is_its_arns_or_one_of_its_geography(model, region):
    provider = one(PAIR, {"availableRegions": ["us-east-1", "eu-central-1", "ap-northeast-1"]})
    assert provider.url(outgoing(provider, model)).startswith(f"https://bedrock-runtime.{region}.amazonaws.com/model/")
    assert f"/{region}/bedrock/" in (await provider.headers(outgoing(provider, model)))["authorization"]


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:bedrock:evil.example/x#:1:inference-profile/a",
        "arn:aws:bedrock::foundation-model/a",
        "arn:aws:s3:us-east-1:1:x",
        "arn:aws:bedrock:US-EAST-1:1:x",
        "arn:",
    ],
)
def test_no_caller_can_name_a_host(arn):
    provider = one(BEARER)
    with pytest.raises(BadCall, match="names no region"):
        provider.url(outgoing(provider, arn))


def test_a_models_name_cannot_lead_elsewhere():
    provider = one(BEARER)
    url = f"{HOST}/model/a%2Fb%3Fx%3D1%23%0D%0A%3F/converse"
    assert outgoing_url(provider, "a/b?x=1#\r\n\ud800") == url
    for name in ("..", ".", "", "../../x", "a/../b", "a\\..\\b", "arn:aws:bedrock:us-east-1:1:x/../y"):
        with pytest.raises(BadCall) as caught:
            outgoing_url(provider, name)
        assert caught.value.param == "model"


def test_an_arn_of_a_region_that_is_not_available_is_refused():
    arn = "arn:aws:bedrock:eu-west-1:1:inference-profile/a"
    provider = one(BEARER, {"availableRegions": ["us-east-1"]})
    with pytest.raises(BadCall, match="eu-west-1 is not available"):
        provider.url(outgoing(provider, arn))
    free = one(BEARER)
    assert "bedrock-runtime.eu-west-1." in free.url(outgoing(free, arn))


def test_an_inference_profile_stands_in_the_url_alone():
    arn = "arn:aws:bedrock:eu-west-1:1:application-inference-profile/abc"
    provider = one(BEARER | {"PROFILE": arn}, {"inferenceProfiles": {NOVA: "${PROFILE}", "b": "${NONE}"}})
    url = provider.url(outgoing(provider))
    assert url == (
        "https://bedrock-runtime.eu-west-1.amazonaws.com/model/"
        "arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Aapplication-inference-profile%2Fabc/converse"
    )
    assert provider.target(NOVA).model == NOVA
    (finding,) = provider.findings()
    assert (finding.path, finding.what) == ("endpoints.bedrock.inferenceProfiles.b", "the variable NONE is not set")
    with pytest.raises(Unavailable):
        provider.url(outgoing(provider, "b"))


async def test_listed_models_close_the_endpoint_and_those_of_the_section_count_first():
    assert await one(BEARER | {"BEDROCK_AWS_MODELS": "a, b,"}).models() == ("a", "b")
    listed = one(BEARER | {"BEDROCK_AWS_MODELS": "a"}, {"models": ["c"]})
    assert (listed.open, await listed.models()) == (False, ("c",))


def test_a_guardrail_goes_with_every_call_and_how_streams_are_guarded_with_streams():
    guard = {"guardrailIdentifier": "${GUARD}", "guardrailVersion": "1", "streamProcessingMode": "async"}
    provider = one(BEARER | {"GUARD": "g1"}, {"guardrailConfig": guard})
    told = {"guardrailIdentifier": "g1", "guardrailVersion": "1", "streamProcessingMode": "async"}
    assert json.loads(bytes(provider.target("m").set["guardrailConfig"])) == told
    body = b'{"messages":[],"guardrailConfig":%b}' % bytes(provider.target("m").set["guardrailConfig"])
    streamed = outgoing(provider, body=body, operation="converse-stream")
    assert json.loads(streamed.encoded.body)["guardrailConfig"] == told
    whole = outgoing(provider, body=body)
    del told["streamProcessingMode"]
    assert json.loads(whole.encoded.body) == {"messages": [], "guardrailConfig": told}
    counted = outgoing(provider, body=b'{"input":{}}', operation="count-tokens")
    assert json.loads(counted.encoded.body) == {"input": {}}


def test_what_librechats_list_of_endpoints_shows():
    plain = one(BEARER)
    assert plain.shown() == {
        "userProvideAccessKeyId": False,
        "userProvideSecretAccessKey": False,
        "userProvideSessionToken": False,
        "userProvideBearerToken": False,
    }
    asking = one(BEARER | {"BEDROCK_AWS_BEARER_TOKEN": "user_provided"}, {"availableRegions": ["us-east-1"]})
    assert asking.shown()["userProvideBearerToken"] is True
    assert asking.shown()["availableRegions"] == ["us-east-1"]


@pytest.mark.parametrize(
    ("environ", "section", "what"),
    [
        (REGION | {"AWS_EC2_METADATA_DISABLED": "true"}, None, "BEDROCK_AWS_BEARER_TOKEN: there are no credentials"),
        ({"BEDROCK_AWS_BEARER_TOKEN": "b"}, None, "BEDROCK_AWS_DEFAULT_REGION: no region is set"),
        (
            REGION | {"BEDROCK_AWS_ACCESS_KEY_ID": "a"},
            None,
            "SECRET_ACCESS_KEY go together, and only one is set",
        ),
        (BEARER | {"BEDROCK_AWS_DEFAULT_REGION": "us east"}, None, '"us east" is not the name of a region'),
        (BEARER, {"availableRegions": ["x.evil"]}, '"x.evil" is not the name of a region'),
        (BEARER | {"BEDROCK_REVERSE_PROXY": "https://"}, None, "BEDROCK_REVERSE_PROXY: it is not a URL"),
        (BEARER, {"baseURL": "${NONE}"}, "endpoints.bedrock.baseURL: the variable NONE is not set"),
        (BEARER, {"headers": {"x": "${NONE}"}}, "endpoints.bedrock.headers: the variable NONE is not set"),
        (BEARER, {"headers": {"x y": "1"}}, "endpoints.bedrock.headers.x y"),
        (
            BEARER,
            {"guardrailConfig": {"guardrailIdentifier": "${NONE}"}},
            "endpoints.bedrock.guardrailConfig: the variable NONE is not set",
        ),
    ],
)
def test_what_cannot_be_called_says_why(environ, section, what):
    provider = one(environ, section)
    assert what in provider.unavailable
    (finding,) = provider.findings()
    assert (finding.level, finding.path) == ("warning", "endpoints.bedrock")
    assert what in finding.what


def test_a_token_that_http_cannot_carry_is_told():
    provider = one(BEARER | {"BEDROCK_AWS_BEARER_TOKEN": "b\nx"})
    assert "BEDROCK_AWS_BEARER_TOKEN" in provider.unavailable
    assert "b\nx" not in provider.unavailable
