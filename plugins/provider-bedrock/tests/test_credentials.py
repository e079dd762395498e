"""Where keys come from: variables, files, callers."""

import logging
from pathlib import Path

import pytest
from gateway_provider_bedrock import credentials
from gateway_provider_bedrock.credentials import Bearer, Brought
from gateway_provider_bedrock.sigv4 import Keys

from gateway import BadCall, Egress, Secret, Services, Settings, UserKey
from gateway.endpoint import Unusable
from gateway.testing.installed import NoUpstream

CREDENTIALS = """
[default]
aws_access_key_id = AKDEFAULT
aws_secret_access_key = sdefault

[work]
aws_access_key_id = AKWORK
aws_secret_access_key = s%work
aws_session_token = twork
"""
CONFIG = """
[default]
region = eu-west-1

[profile work]
region = eu-central-1
s3 =
  max_concurrent_requests = 2

[profile signed-in]
sso_session = corp
[profile typed]
role_arn = arn:aws:iam::1:role/r
source_profile = default
mfa_serial = arn:aws:iam::1:mfa/me
[profile open-quote]
credential_process = keys "of mine
[profile round]
role_arn = arn:aws:iam::1:role/r
source_profile = round-about
[profile round-about]
role_arn = arn:aws:iam::1:role/r
source_profile = round
[profile on-nothing]
role_arn = arn:aws:iam::1:role/r
source_profile = bare
[profile elsewhere]
role_arn = arn:aws:iam::1:role/r
credential_source = EcsContainer
[profile bare]
region = us-west-2
"""


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text(CREDENTIALS)
    (folder / "config").write_text(CONFIG)
    return {"HOME": str(tmp_path)}


def found(environ):
    services = Services(NoUpstream(), Egress(), None, lambda: 0.0, logging.getLogger("test.bedrock"))
    return credentials.find(Settings({}, environ, frozenset()), services, "us-east-1", Path("/nowhere"))


def key(**values):
    return UserKey({name: Secret(value) for name, value in values.items()})


def test_librechats_variables_come_first_then_a_profile_then_awss_own(home):
    aws = {"AWS_ACCESS_KEY_ID": "AKAWS", "AWS_SECRET_ACCESS_KEY": "saws", "AWS_SESSION_TOKEN": "taws"}
    pair = {"BEDROCK_AWS_ACCESS_KEY_ID": "AK", "BEDROCK_AWS_SECRET_ACCESS_KEY": "s"}
    work = Keys("AKWORK", Secret("s%work"), Secret("twork"))
    everything = home | aws | pair | {"BEDROCK_AWS_PROFILE": "work", "AWS_BEARER_TOKEN_BEDROCK": "ab"}
    assert found(everything | {"BEDROCK_AWS_BEARER_TOKEN": "b"}) == Bearer(Secret("b"))
    assert found(everything) == Keys("AK", Secret("s"))
    assert found(home | aws | {"BEDROCK_AWS_PROFILE": "work"}) == work
    assert found(home | aws | {"AWS_BEARER_TOKEN_BEDROCK": "ab"}) == Bearer(Secret("ab"))
    assert found(home | aws) == Keys("AKAWS", Secret("saws"), Secret("taws"))
    assert found(home | {"AWS_PROFILE": "work"}) == work
    assert found(home) == Keys("AKDEFAULT", Secret("sdefault"))


def test_files_may_stand_elsewhere(home, tmp_path):
    other = tmp_path / "other"
    other.write_text("[default]\naws_access_key_id=A2\naws_secret_access_key=s2\n")
    assert found(home | {"AWS_SHARED_CREDENTIALS_FILE": str(other)}) == Keys("A2", Secret("s2"))


@pytest.mark.parametrize(
    ("profile", "what"),
    [
        ("signed-in", "signs in by AWS SSO or a browser, which is not supported"),
        ("typed", "assumes a role by a code that somebody has to type (mfa_serial), which is not supported"),
        ("open-quote", "has a credential_process that is no command"),
        ("round", "assumes a role by a profile that leads back to it"),
        ("on-nothing", 'assumes a role by the profile "bare", which has no keys'),
        ("elsewhere", "assumes a role by keys that are not there (credential_source EcsContainer)"),
        ("bare", 'the profile "bare" has no keys'),
        ("none", 'the profile "none" has no keys'),
    ],
)
def test_a_profile_that_cannot_be_used_says_why(home, profile, what):
    with pytest.raises(Unusable) as raised:
        found(home | {"BEDROCK_AWS_PROFILE": profile})
    assert what in str(raised.value)


@pytest.mark.parametrize("content", [b"\xff\xfe[", b"no section\n", b"[default\n"])
def test_a_file_that_cannot_be_read_is_named_without_what_is_in_it(home, tmp_path, content):
    broken = tmp_path / "broken"
    broken.write_bytes(content)
    with pytest.raises(Unusable, match="broken cannot be read") as raised:
        found(home | {"AWS_CONFIG_FILE": str(broken)})
    assert raised.value.where == "AWS_CONFIG_FILE"


def test_a_profile_names_a_region(home):
    def region(environ):
        return credentials.region_of_profile(Settings({}, environ, frozenset()))

    assert region(home) == "eu-west-1"
    assert region(home | {"BEDROCK_AWS_PROFILE": "work"}) == "eu-central-1"
    assert region({}) == ""


def test_callers_bring_the_keys_that_the_variables_leave_to_them():
    source = found({"BEDROCK_AWS_ACCESS_KEY_ID": "user_provided", "BEDROCK_AWS_SECRET_ACCESS_KEY": "user_provided"})
    assert isinstance(source, Brought)
    assert source.names == ("accessKeyId", "secretAccessKey")
    brought = key(accessKeyId="A", secretAccessKey="s", sessionToken="not asked for")
    assert source.of(brought) == Keys("A", Secret("s"))
    assert source.missing(key(accessKeyId="A")) == ("secretAccessKey",)
    with pytest.raises(BadCall, match="no secretAccessKey"):
        source.of(key(accessKeyId="A"))


def test_one_of_a_pair_may_be_the_operators():
    source = found({"BEDROCK_AWS_ACCESS_KEY_ID": "AK", "BEDROCK_AWS_SECRET_ACCESS_KEY": "user_provided"})
    assert isinstance(source, Brought)
    assert source.of(key(secretAccessKey="s", accessKeyId="theirs")) == Keys("AK", Secret("s"))


def test_a_session_token_is_never_needed():
    asked = dict.fromkeys(
        ("BEDROCK_AWS_ACCESS_KEY_ID", "BEDROCK_AWS_SECRET_ACCESS_KEY", "BEDROCK_AWS_SESSION_TOKEN"), "user_provided"
    )
    source = found(asked)
    assert isinstance(source, Brought)
    assert source.of(key(accessKeyId="A", secretAccessKey="s")) == Keys("A", Secret("s"))
    assert source.of(key(accessKeyId="A", secretAccessKey="s", sessionToken="t")).session_token == Secret("t")


def test_a_bearer_key_or_a_pair_is_enough_where_both_may_be_brought():
    asked = dict.fromkeys(
        ("BEDROCK_AWS_ACCESS_KEY_ID", "BEDROCK_AWS_SECRET_ACCESS_KEY", "BEDROCK_AWS_BEARER_TOKEN"), "user_provided"
    )
    source = found(asked)
    assert isinstance(source, Brought)
    assert source.of(key(bearerToken="b")) == Bearer(Secret("b"))
    assert source.of(key(accessKeyId="A", secretAccessKey="s")) == Keys("A", Secret("s"))
    assert source.missing(UserKey({})) == ("accessKeyId", "secretAccessKey")


def test_an_operators_own_bearer_key_is_not_used_for_callers_that_bring_theirs():
    source = found({"BEDROCK_AWS_BEARER_TOKEN": "b", "BEDROCK_AWS_SECRET_ACCESS_KEY": "user_provided"})
    assert isinstance(source, Brought)
    with pytest.raises(BadCall):
        source.of(key(secretAccessKey="s"))


@pytest.mark.parametrize("name", ["apiKey", "bearerToken"])
def test_librechats_client_nests_the_keys(name):
    source = found({"BEDROCK_AWS_BEARER_TOKEN": "user_provided"})
    assert isinstance(source, Brought)
    assert source.of(key(**{name: '{"bearerToken": "b"}'})) == Bearer(Secret("b"))
    with pytest.raises(BadCall, match="no JSON object of strings"):
        source.of(key(**{name: '{"bearerToken": 1}'}))
