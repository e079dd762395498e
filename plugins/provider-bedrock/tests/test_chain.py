"""Keys that do not last, from fake services, compared with what AWS's own library finds with the same settings."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs

import botocore.session
import pytest
from gateway_provider_bedrock import credentials
from gateway_provider_bedrock.instance import is_likely
from gateway_provider_bedrock.sigv4 import Keys, signed
from gateway_provider_bedrock.temporary import Held

from gateway import Egress, Secret, Services, Settings, UpstreamError
from gateway.endpoint import Unusable
from gateway.provider import Timeouts
from gateway.testing.fake_upstream import HANG, FakeUpstream, Script, stream
from gateway.testing.fake_upstream import json as whole
from gateway.upstream import HttpUpstream

CANARY = "canary-0123456789"


def in_an_hour() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


ENDS = in_an_hour()
"""For tests that do not ask when that is: this file may have been read long before they run."""
GIVEN = Keys("ASIAGIVEN", Secret(CANARY), Secret("session"))
ROLE = "arn:aws:iam::1:role/r"
ROLES = "/latest/meta-data/iam/security-credentials/"
CREDENTIALS = "[base]\naws_access_key_id = AKBASE\naws_secret_access_key = sbase\n"


def handed(token: str, **more: object) -> dict[str, object]:
    return {"AccessKeyId": "ASIAGIVEN", "SecretAccessKey": CANARY, token: "session", "Expiration": ENDS, **more}


def text(said: str, status: int = 200) -> Script:
    return stream(said.encode(), status=status, content_type="text/plain")


def assumed(action: str, ends: str = ENDS) -> Script:
    """What the token service answers."""
    said = (
        f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><AssumedRoleUser>'
        f"<Arn>{ROLE}/s</Arn><AssumedRoleId>A:s</AssumedRoleId></AssumedRoleUser><Credentials>"
        f"<AccessKeyId>ASIAGIVEN</AccessKeyId><SecretAccessKey>{CANARY}</SecretAccessKey>"
        f"<SessionToken>session</SessionToken><Expiration>{ends}</Expiration></Credentials></{action}Result>"
        f"<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>"
    )
    return stream(said.encode(), content_type="text/xml")


class Clock:
    """Real time, and what the test adds."""

    more = 0.0

    def __call__(self) -> float:
        return datetime.now(UTC).timestamp() + self.more


class Aws:
    """Its services on loopback. environ: settings that lead there and nowhere else."""

    def __init__(self, services: FakeUpstream, upstream: HttpUpstream, home: Path) -> None:
        self.services, self.upstream, self.home = services, upstream, home
        self.clock = Clock()
        (home / "credentials").write_text(CREDENTIALS)
        self.environ = {
            "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
            "AWS_CONFIG_FILE": str(home / "config"),
            "AWS_ENDPOINT_URL_STS": services.url,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def config(self, content: str) -> None:
        (self.home / "config").write_text(content)

    def found(self, **environ: str) -> Any:
        given = Services(self.upstream, Egress(), None, self.clock, logging.getLogger("test.bedrock"))
        return credentials.find(
            Settings({}, self.environ | environ, frozenset()), given, "us-east-1", self.home / "sys"
        )

    async def keys(self, **environ: str) -> Keys:
        found = self.found(**environ)
        return await found.keys() if isinstance(found, Held) else found

    async def oracle(self, **environ: str) -> Keys:
        """What botocore finds."""

        def ask() -> Keys:
            kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
            with patch.dict(os.environ, kept | self.environ | environ, clear=True):
                frozen = botocore.session.Session().get_credentials().get_frozen_credentials()
            return Keys(frozen.access_key, Secret(frozen.secret_key), Secret(frozen.token) if frozen.token else None)

        return await asyncio.to_thread(ask)


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncIterator[Aws]:
    upstream = HttpUpstream(Egress(), Timeouts(5, 5, 5))
    async with FakeUpstream() as services:
        yield Aws(services, upstream, tmp_path)
        await upstream.close()


def program(folder: Path, printed: object, code: int = 0) -> str:
    """A command that prints this."""
    file = folder / "keys of mine.py"
    file.write_text(
        f"import sys\nsys.stdout.write({json.dumps(printed)!r})\nsys.stderr.write('{CANARY}')\nsys.exit({code})\n"
    )
    return f'"{sys.executable}" "{file}" --for me'


async def test_a_program_of_the_profile_prints_them(aws: Aws) -> None:
    command = program(aws.home, handed("SessionToken", Version=1))
    aws.config(f"[default]\ncredential_process = {command}\n")
    assert await aws.keys() == GIVEN == await aws.oracle()


async def test_a_programs_keys_may_last(aws: Aws) -> None:
    said = {"Version": 1, "AccessKeyId": "AK", "SecretAccessKey": "s"}
    aws.config(f"[profile p]\ncredential_process = {program(aws.home, said)}\n")
    found = aws.found(BEDROCK_AWS_PROFILE="p")
    assert await found.keys() == Keys("AK", Secret("s"))
    aws.clock.more = 1e9
    program(aws.home, {})
    assert await found.keys() == Keys("AK", Secret("s"))


@pytest.mark.parametrize(
    ("printed", "code", "what"),
    [
        ({}, 0, "something of version 0, not 1"),
        (handed("SessionToken", Version=2), 0, "something of version 2, not 1"),
        ([CANARY], 0, "no JSON"),
        (handed("SessionToken", Version=1), 3, "ended with code 3"),
        ({"Version": 1, "AccessKeyId": "A"}, 0, "without keys that can be sent"),
        (handed("SessionToken", Version=1, SecretAccessKey="two\nlines"), 0, "without keys that can be sent"),
        (handed("SessionToken", Version=1, Expiration="2001-01-01T00:00:00Z"), 0, "its keys have ended already"),
        (handed("SessionToken", Version=1, Expiration="soon"), 0, "an end of its keys that is no time"),
    ],
)
async def test_a_program_that_gives_none_is_told_and_nothing_that_it_prints(
    aws: Aws, printed: object, code: int, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    aws.config(f"[default]\ncredential_process = {program(aws.home, printed, code)}\n")
    with pytest.raises(UpstreamError, match=what) as raised:
        await aws.keys()
    assert (raised.value.code, raised.value.status) == ("no_credentials", 502)
    assert "from the profile's program: " in raised.value.public
    assert CANARY not in raised.value.public + caplog.text


async def test_a_program_that_is_not_there_is_told(aws: Aws) -> None:
    aws.config("[default]\ncredential_process = /nowhere/keys\n")
    with pytest.raises(UpstreamError, match="cannot be run: FileNotFoundError"):
        await aws.keys()


@pytest.mark.parametrize("by_file", [False, True])
async def test_a_container_has_an_endpoint_for_them(aws: Aws, by_file: bool) -> None:
    aws.services.answer("/v1/keys", whole(handed("Token", RoleArn="r")))
    environ = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{aws.services.url}/v1/keys?of=me"}
    if by_file:
        (aws.home / "token").write_text("Basic abc")
        environ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(aws.home / "token")
    else:
        environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "Basic abc"
    assert await aws.keys(**environ) == GIVEN == await aws.oracle(**environ)
    ours, theirs = aws.services.arrived
    assert ours.target == theirs.target == "/v1/keys?of=me"
    assert ours.headers["Authorization"] == theirs.headers["Authorization"] == "Basic abc"


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x"}, "http://169.254.170.2/v2/x"),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1"}, "http://169.254.170.23/v1"),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://[fd00:ec2::23]/v1"}, "http://[fd00:ec2::23]/v1"),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "https://keys.example/v1"}, "https://keys.example/v1"),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost:1/v1"}, "http://localhost:1/v1"),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://10.0.0.1/v1"}, None),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://keys.example/v1"}, None),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "keys"}, None),
    ],
)
def test_only_aws_and_the_machine_itself_are_asked_without_tls(aws: Aws, environ: dict[str, str], url: str) -> None:
    if url is None:
        with pytest.raises(Unusable, match="AWS_CONTAINER_CREDENTIALS_FULL_URI"):
            aws.found(**environ)
    else:
        assert aws.found(**environ)._fetch.__self__._url == url


async def test_a_web_identity_assumes_a_role(aws: Aws) -> None:
    aws.services.answer("/", assumed("AssumeRoleWithWebIdentity"))
    (aws.home / "token").write_text("jwt-1\n")
    environ = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(aws.home / "token"), "AWS_ROLE_ARN": ROLE}
    environ["AWS_ROLE_SESSION_NAME"] = "mine"
    assert await aws.keys(**environ) == GIVEN == await aws.oracle(**environ)
    ours, theirs = (parse_qs(one.body.decode()) for one in aws.services.arrived)
    theirs["WebIdentityToken"] = [theirs["WebIdentityToken"][0].strip()]
    assert ours == theirs
    assert "Authorization" not in aws.services.arrived[0].headers


async def test_a_profile_may_have_a_web_identity_too(aws: Aws) -> None:
    aws.services.answer("/", assumed("AssumeRoleWithWebIdentity"))
    (aws.home / "token").write_text("jwt-1")
    aws.config(f"[profile w]\nrole_arn = {ROLE}\nweb_identity_token_file = {aws.home / 'token'}\nexternal_id = 77\n")
    assert await aws.keys(AWS_PROFILE="w") == GIVEN == await aws.oracle(AWS_PROFILE="w")
    ours, theirs = (parse_qs(one.body.decode()).keys() for one in aws.services.arrived)
    assert ours == theirs


@pytest.mark.parametrize("lead", ["source_profile = base", "credential_source = Environment"])
async def test_a_profile_assumes_a_role_by_the_keys_of_another(aws: Aws, lead: str) -> None:
    aws.services.answer("/", assumed("AssumeRole"))
    more = "role_session_name = mine\nexternal_id = 77\nduration_seconds = 900\n"
    aws.config(f"[profile r]\nrole_arn = {ROLE}\n{lead}\n{more}")
    environ = {"AWS_PROFILE": "r"}
    if "Environment" in lead:
        # Keys of variables count before a profile; only one that the gateway names uses them as a source.
        environ = {"AWS_ACCESS_KEY_ID": "AKBASE", "AWS_SECRET_ACCESS_KEY": "sbase", "BEDROCK_AWS_PROFILE": "r"}
    else:
        assert await aws.oracle(**environ) == GIVEN
    assert await aws.keys(**environ) == GIVEN
    ours = aws.services.arrived[-1]
    form = parse_qs(ours.body.decode())
    for theirs in aws.services.arrived[:-1]:
        assert form == parse_qs(theirs.body.decode())
    when = datetime.strptime(ours.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    covered = {"content-type": ours.headers["Content-Type"]}
    url, base = aws.services.url + "/", Keys("AKBASE", Secret("sbase"))
    proof = signed("POST", url, covered, ours.body, base, "us-east-1", "sts", when)["authorization"]
    assert ours.headers["Authorization"] == proof
    assert form["ExternalId"] == ["77"]
    assert form["DurationSeconds"] == ["900"]


async def test_a_profile_may_assume_a_role_by_its_own_keys_and_by_another_role(aws: Aws) -> None:
    aws.services.answer("/", assumed("AssumeRole"))
    own = "aws_access_key_id = AKOWN\naws_secret_access_key = s\n"
    aws.config(
        f"[profile self]\nrole_arn = {ROLE}\nsource_profile = self\n{own}"
        f"[profile two]\nrole_arn = {ROLE}\nsource_profile = self\n"
    )
    assert await aws.keys(AWS_PROFILE="two") == GIVEN
    first, second = (one.headers["Authorization"] for one in aws.services.arrived)
    assert "Credential=AKOWN/" in first
    assert "Credential=ASIAGIVEN/" in second
    assert await aws.oracle(AWS_PROFILE="two") == GIVEN


async def test_a_refusal_of_the_token_service_is_told_by_its_code_alone(aws: Aws) -> None:
    said = f"<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{CANARY}</Message></Error>"
    aws.services.answer("/", text(f"<ErrorResponse>{said}</ErrorResponse>", 403))
    (aws.home / "token").write_text("jwt-1")
    environ = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(aws.home / "token"), "AWS_ROLE_ARN": ROLE}
    with pytest.raises(UpstreamError, match=r"it refused \(AccessDenied\)") as raised:
        await aws.keys(**environ)
    assert CANARY not in raised.value.public
    assert ROLE not in raised.value.public, "callers read it"
    (aws.home / "token").unlink()
    with pytest.raises(UpstreamError, match="the identity token's file cannot be read"):
        await aws.keys(**environ)


def on_instance(aws: Aws, ends: str = ENDS) -> dict[str, str]:
    aws.services.answer("/latest/api/token", text("token-1"))
    aws.services.answer(ROLES, text("my-role"))
    aws.services.answer(ROLES + "my-role", whole(handed("Token", Code="Success", Type="AWS-HMAC", Expiration=ends)))
    return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": aws.services.url + "/"}


async def test_an_instance_has_them_in_its_metadata(aws: Aws) -> None:
    environ = on_instance(aws)
    found = aws.found(**environ)
    assert not aws.services.arrived, "nothing is asked at the start"
    assert await found.keys() == GIVEN == await aws.oracle(**environ)
    token, roles, keys = aws.services.arrived[:3]
    assert (token.method, token.headers["x-aws-ec2-metadata-token-ttl-seconds"]) == ("PUT", "21600")
    assert roles.headers["x-aws-ec2-metadata-token"] == keys.headers["x-aws-ec2-metadata-token"] == "token-1"


async def test_a_role_may_be_assumed_by_the_instances_keys(aws: Aws) -> None:
    environ = on_instance(aws) | {"AWS_PROFILE": "r"}
    aws.services.answer("/", assumed("AssumeRole"))
    aws.config(f"[profile r]\nrole_arn = {ROLE}\ncredential_source = Ec2InstanceMetadata\n")
    assert await aws.keys(**environ) == GIVEN == await aws.oracle(**environ)


async def test_an_instance_that_does_not_answer_is_not_waited_for(aws: Aws) -> None:
    aws.services.answer("/latest/api/token", stream(HANG, silent=True))
    environ = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": aws.services.url, "AWS_METADATA_SERVICE_TIMEOUT": "0.05"}
    with pytest.raises(UpstreamError, match=r"did not answer within 0\.05 s") as raised:
        await aws.keys(**environ)
    assert "HttpPutResponseHopLimit" in raised.value.public


@pytest.mark.parametrize("role", ["", "../../other", "a b"])
async def test_what_is_no_roles_name_does_not_become_part_of_a_url(aws: Aws, role: str) -> None:
    environ = on_instance(aws)
    aws.services.answer(ROLES, text(role))
    with pytest.raises(UpstreamError, match="names no role"):
        await aws.keys(**environ)


@pytest.mark.parametrize(
    ("environ", "files", "likely"),
    [
        ({}, {}, False),
        ({}, {"devices/virtual/dmi/id/sys_vendor": "Amazon EC2\n"}, True),
        ({}, {"devices/virtual/dmi/id/sys_vendor": "QEMU\n"}, False),
        ({}, {"hypervisor/uuid": "ec2e1916-9099-7caf-fd21-012345abcdef\n"}, True),
        ({"AWS_EC2_METADATA_DISABLED": "false"}, {}, True),
        ({"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://h"}, {}, True),
    ],
)
def test_the_metadata_is_asked_only_where_something_says_that_it_is_there(
    tmp_path: Path, environ: dict[str, str], files: dict[str, str], likely: bool
) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert is_likely(Settings({}, environ, frozenset()), tmp_path) == likely


def test_the_metadata_can_be_switched_off(aws: Aws) -> None:
    with pytest.raises(Unusable, match="there are no credentials"):
        aws.found(**on_instance(aws), AWS_EC2_METADATA_DISABLED="True")


async def test_of_several_the_same_one_counts_as_with_awss_own_library(aws: Aws) -> None:
    """Static keys of a profile before the container, the container before the instance, an identity before all."""
    environ = on_instance(aws)
    aws.services.answer("/c", whole(handed("Token", AccessKeyId="ASIACONTAINER")))
    container = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{aws.services.url}/c"}
    aws.services.answer("/", assumed("AssumeRoleWithWebIdentity"))
    (aws.home / "token").write_text("jwt-1")
    identity = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(aws.home / "token"), "AWS_ROLE_ARN": ROLE}
    for given, wanted in (
        (environ | container, "ASIACONTAINER"),
        (environ | container | {"AWS_PROFILE": "base"}, "AKBASE"),
        (environ | container | {"AWS_PROFILE": "base"} | identity, "ASIAGIVEN"),
    ):
        assert (await aws.keys(**given)).access_key_id == wanted == (await aws.oracle(**given)).access_key_id


async def test_they_are_fetched_once_renewed_behind_and_serve_until_their_end(aws: Aws) -> None:
    environ = on_instance(aws, in_an_hour())
    found = aws.found(**environ)
    assert set(await asyncio.gather(*(found.keys() for _ in range(20)))) == {GIVEN}
    assert len(aws.services.arrived) == 3
    aws.services.answer("/latest/api/token", text("", 500))
    aws.clock.more = 3600 - 300
    assert await found.keys() == GIVEN
    await aws.services.arrival(4)
    assert await found.keys() == GIVEN
    aws.clock.more = 3600 - 30
    with pytest.raises(UpstreamError, match="answered with status 500"):
        await found.keys()
    later = (datetime.now(UTC) + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    on_instance(aws, later)
    assert await found.keys() == GIVEN
