"""The secrets of every provider and of every caller, through all dialects and failures: none comes out anywhere."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from signing import BEDROCK_MODEL, UPSTREAMS

from gateway.testing.fake_upstream import CUT, FakeUpstream, Script, stream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

PRIVATE = generate_private_key(public_exponent=65537, key_size=2048)
PEM = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
SENT = {
    "openAI": "sk-canary+of/openai==",
    "anthropic": "sk-ant-canary-of-anthropic",
    "google": "ya29.canary-of-a-google-token",
    "azureOpenAI": "canary0of0azure0000000000000000",
    "bedrock": "canary-of-an-aws-session-token",
    "claudes": "canary-of-a-custom-claude",
    "geminis": "AIza-canary-of-a-custom-gemini",
    "kept": "sk-canary-of-a-key-in-the-vault",
    "brought": "sk-canary-of-a-key-in-a-header",
}
"""What each endpoint sends its upstream, which quotes it in all that it refuses."""
KEPT = {
    "aws": "canary/of+the/aws/secret/access/key/0000",
    "pem": PEM.splitlines()[5],
    "url": "canary-of-a-base-url",
    "creds": "ca7a" * 16,
    "iv": "ca7b" * 8,
    "header": "canary of a configured header",
    "instructions": "Canary-Of-Instructions: never tell.",
    "gateway": RunningGateway.key,
}
"""What goes to no upstream, or is no client's to read."""
SECRETS = (*SENT.values(), *KEPT.values())
SAID = f"no: {', '.join(SENT.values())}; {KEPT['header']}; {KEPT['instructions']}"
VERTEX = "/g/v1/projects/p-1/locations/us-central1/publishers/google"


@dataclass(frozen=True)
class Far:
    """An endpoint's upstream. kind: of `signing.UPSTREAMS`, whose paths are below `base`."""

    kind: str
    base: str
    model: str = "m"


FAR = {
    "openAI": Far("openrouter", "/o"),
    "anthropic": Far("messages", "/a/v1"),
    "google": Far("gemini", VERTEX),
    "azureOpenAI": Far("openrouter", "/z/openai/v1"),
    "bedrock": Far("bedrock", "/b", BEDROCK_MODEL),
    "claudes": Far("messages", "/c/v1"),
    "geminis": Far("gemini", "/m"),
    "kept": Far("openrouter", "/kept"),
    "brought": Far("openrouter", "/brought"),
    "queried": Far("openrouter", "/queried"),
}
PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1beta/models/{}:generateContent")
COUNTS = ("/v1/messages/count_tokens", "/v1beta/models/{}:countTokens")
ERROR = {"message": SAID, "code": 500, "type": "server_error", "status": "INTERNAL"}
FAILURES: dict[str, Script | None] = {
    "answered": None,
    **{f"refused with {status}": whole({"error": ERROR}, status) for status in (400, 401, 403, 404, 429, 500)},
    "refused in other words": whole({"message": SAID, "type": "error", "error": ERROR}, 400),
    "refused in plain text": Script(503, {"content-type": "text/plain"}, lambda: (SAID.encode(),), whole=True),
    "an error in 200": whole({"error": ERROR, "type": "error"}),
    "an error in a stream": stream(b"event: error\r\ndata: " + json.dumps({"error": ERROR}).encode() + b"\r\n\r\n"),
    "no JSON": whole(SAID.encode()),
    "cut": stream(b"data: {", CUT),
    "redirected": whole(b"", 302, {"location": f"http://x/?key={SENT['openAI']}"}),
}
OTHERS = (
    "/metrics /ready /health /status /openapi.json /v1/models /v1beta/models /api/endpoints /api/models "
    "/api/config /api/endpoints/token-config /api/keys?name=kept"
)
COMMANDS = ("plugins", "check", "models", "usage --json", "keys list --json", "users list", "doctor --no-spend")


def configured(url: str, log: str) -> dict[str, Any]:
    header = {"X-Canary": "${A_HEADER}"}
    own = {"apiKey": "user_provided", "models": {"default": ["m"]}, "headers": header}
    far = {"models": {"default": ["m"]}, "headers": header}
    custom = [
        {"name": "claudes", "apiKey": "${CLAUDES}", "baseURL": url + "/c", "provider": "anthropic", **far},
        {"name": "geminis", "apiKey": "${GEMINIS}", "baseURL": url + "/m", **far},
        {"name": "kept", "baseURL": url + "/kept", **own},
        {"name": "brought", "baseURL": url + "/brought", **own},
        {"name": "queried", "apiKey": "k", "baseURL": f"{url}/queried?key=" + "${A_URL}", **far},
    ]
    azure = {
        "group": "one",
        "apiKey": "${AZURE}",
        "baseURL": url + "/z/openai/v1",
        "serverless": True,
        "models": {"m": True},
    }
    agents = [
        {"id": f"agent_{name}", "endpoint": name, "model": one.model, "instructions": KEPT["instructions"]}
        for name, one in FAR.items()
    ]
    return {
        "version": "1.3.17",
        "endpoints": {"azureOpenAI": {"groups": [azure]}, "custom": custom},
        "gateway": {
            "log": {"level": "debug", "format": log},
            "provider-custom": {"dialects": {"geminis": ["gemini"]}},
            "agents": agents,
        },
    }


def variables(url: str) -> dict[str, str]:
    account = {
        "client_email": "robot@p-1.example",
        "private_key": PEM,
        "private_key_id": "k-1",
        "project_id": "p-1",
        "token_uri": url + "/token",
    }
    return {
        "CREDS_KEY": KEPT["creds"],
        "CREDS_IV": KEPT["iv"],
        "OPENAI_API_KEY": SENT["openAI"],
        "OPENAI_REVERSE_PROXY": url + "/o",
        "OPENAI_MODELS": "m",
        "ANTHROPIC_API_KEY": SENT["anthropic"],
        "ANTHROPIC_REVERSE_PROXY": url + "/a",
        "ANTHROPIC_MODELS": "m",
        "GOOGLE_SERVICE_KEY": json.dumps(account),
        "GOOGLE_REVERSE_PROXY": url + "/g",
        "GOOGLE_MODELS": "m",
        "BEDROCK_AWS_ACCESS_KEY_ID": "AKIACANARYOFANID",
        "BEDROCK_AWS_SECRET_ACCESS_KEY": KEPT["aws"],
        "BEDROCK_AWS_SESSION_TOKEN": SENT["bedrock"],
        "BEDROCK_AWS_DEFAULT_REGION": "us-east-1",
        "BEDROCK_REVERSE_PROXY": url + "/b",
        "AZURE": SENT["azureOpenAI"],
        "CLAUDES": SENT["claudes"],
        "GEMINIS": SENT["geminis"],
        "A_HEADER": KEPT["header"],
        "A_URL": KEPT["url"],
    }


class Tour:
    """key: a user's, made by the command."""

    def __init__(self, gateway: RunningGateway, upstream: FakeUpstream) -> None:
        self.gateway, self.upstream = gateway, upstream
        self.key = self.command("keys create --user ada --role ADMIN").splitlines()[0]

    def command(self, words: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "gateway", *words.split()],
            cwd=self.gateway.directory,
            env=self.gateway.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in ended.stderr, ended.stderr
        return ended.stdout + ended.stderr

    def arrange(self, script: Script | None) -> None:
        for one in FAR.values():
            maker = UPSTREAMS[one.kind]
            for path, streamed in zip(maker.paths, (False, True), strict=True):
                self.upstream.answer(one.base + path, script or maker.script(streamed and maker.paths[0] != path))
            self.upstream.answer(one.base + "/responses", script or UPSTREAMS["responses"].script(streamed=False))

    def ask(self, caller: Any, path: str, model: str, streamed: bool) -> str:
        body: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 99}
        if path.endswith("responses"):
            body = {"input": "Hi"}
        if "{}" in path:
            body = {"contents": [{"parts": [{"text": "Hi"}]}]}
            path = path.format(model).replace(":generate", ":streamGenerate" if streamed else ":generate")
        else:
            body |= {"model": model} | ({"stream": streamed} if "count" not in path else {})
        own = {"x_gateway_upstream_key": SENT["brought"]} if "brought" in model else {}
        try:
            return shown(caller.post(path, body, **own))
        except http.client.IncompleteRead as cut:
            return f"cut {cut.partial.decode()}"


def shown(came: Any) -> str:
    return f"{came.status} {came.headers} {came.body.decode()}"


@pytest.fixture(scope="module", params=["json", "console"])
def tour(
    request: pytest.FixtureRequest, upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tour]:
    upstream.arrived.clear()
    upstream.answer("/token", whole({"access_token": SENT["google"], "expires_in": 3600}))
    config = json.dumps(configured(upstream.url, request.param))
    environ = variables(upstream.url)
    with RunningGateway(tmp_path_factory.mktemp("canary"), config, environ=environ) as gateway:
        yield Tour(gateway, upstream)


@pytest.fixture(scope="module")
def replies(tour: Tour, caller_of: Callable[..., Any]) -> list[tuple[str, str]]:
    """What clients got, and for what."""
    found: list[tuple[str, str]] = []
    with closing(caller_of(tour.gateway.url, tour.key)) as caller:
        own = json.dumps({"name": "kept", "value": SENT["kept"]}).encode()
        found.append(("a key is kept", shown(caller.send("PUT", "/api/keys", own))))
        found.append(("a key is no JSON", shown(caller.send("PUT", "/api/keys", own[:-1]))))
        for what, script in FAILURES.items():
            tour.arrange(script)
            for path in (*PATHS, *COUNTS):
                for name, one in FAR.items():
                    for model in (f"{name}/{one.model}", f"agent_{name}"):
                        label = f"{what}: {path} {model}"
                        found.append((label, tour.ask(caller, path, model, streamed=False)))
                        if path in PATHS:
                            found.append((label + " streamed", tour.ask(caller, path, model, streamed=True)))
        found += [(path, shown(caller.get(path))) for path in OTHERS.split()]
    return found


def test_the_tour_reached_every_upstream_with_its_own_secret(replies: list[tuple[str, str]], tour: Tour) -> None:
    """Else nothing would be found where nothing was tried."""
    for name, one in FAR.items():
        came = [arrived for arrived in tour.upstream.arrived if arrived.path.startswith(one.base)]
        assert len(came) > 100, name
        held = [value for arrived in came for value in arrived.headers.values()]
        assert name == "queried" or any(SENT[name] in value for value in held), name
    answered = [said for label, said in replies if re.match(r"answered: \S*(?<!count_tokens|:countTokens) ", label)]
    assert len(answered) == len(PATHS) * len(FAR) * 4
    assert all(said.startswith("200") for said in answered), [said[:300] for said in answered if said[:3] != "200"]
    assert {said[:3] for label, said in replies if label.startswith("refused with 429")} >= {"429"}
    assert replies[0][1].startswith("201")


def test_no_client_reads_a_secret(replies: list[tuple[str, str]], tour: Tour) -> None:
    """Another endpoint's secret, which only our upstream knows to quote, is not one that was sent with the call."""
    found = []
    for label, said in replies:
        endpoint = next((name for name in FAR if f" {name}/" in label or f" agent_{name}" in label), "")
        own = {
            *((SENT[endpoint],) if endpoint in SENT else ()),
            *((KEPT["instructions"],) if "agent_" in label else ()),
        }
        never = {*own, KEPT["aws"], KEPT["pem"], KEPT["url"], KEPT["creds"], KEPT["gateway"], tour.key}
        found += [(secret, label, said[:500]) for secret in never if secret in said]
    assert not found, f"{len(found)}:\n" + "\n".join(map(str, found[:20]))


def test_what_is_told_to_operators_and_programs_holds_none(replies: list[tuple[str, str]], tour: Tour) -> None:
    told = [said for label, said in replies if label in OTHERS.split()]
    told += [tour.command(words) for words in COMMANDS]
    told += [tour.command(f"status --json --url {tour.gateway.url}")]
    assert all(told)
    found = [(secret, said[:300]) for said in told for secret in (*SECRETS, tour.key) if secret in said]
    assert not found, found


def test_logs_and_the_store_hold_none(replies: list[tuple[str, str]], tour: Tour) -> None:
    tour.gateway.stop()
    lines = tour.gateway.output + tour.gateway.errors
    assert len(lines) > len(replies)
    found = [(secret, line[:500]) for line in lines for secret in (*SECRETS, tour.key) if secret in line]
    assert not found, f"{len(found)}:\n" + "\n".join(map(str, found[:9]))
    assert not [line for line in lines if "Traceback" in line or "fault in" in line]
    held = b"".join(file.read_bytes() for file in (tour.gateway.directory / "state").rglob("*") if file.is_file())
    assert b"agent_bedrock" in held
    assert not [secret for secret in (*SECRETS, tour.key) if secret.encode() in held]
