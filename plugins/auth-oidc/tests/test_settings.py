"""What is wrong with the settings is said with path and what to do, and whoever has none pays nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import gateway_auth_oidc
import pytest
from click.testing import CliRunner
from gateway_auth_oidc.lifespan import KeysLifespan
from gateway_auth_oidc.settings import OWN_PATH, PATH, PAUSE, AuthOidc, Oidc
from gateway_auth_oidc.signing_keys import SigningKeys
from gateway_auth_oidc.trusted import findings, milliseconds, normal, trusted, why_unsafe

from gateway import Services, Settings
from gateway.cli import main
from gateway.testing.installed import bare_settings
from gateway.testing.running import RunningGateway

UNSET = "${NOBODY_SET_IT}"
VARIABLES = ("OPENID_JWKS_URL", "OPENID_JWKS_URL_CACHE_TIME", "OPENID_EMAIL_CLAIM")
GOOD: dict[str, Any] = {"enabled": True, "issuer": "https://login.example.com/", "audience": "us"}


def config(oidc: dict[str, Any], **own: Any) -> str:
    agents = {"remoteApi": {"auth": {"oidc": oidc}}}
    block = {"gateway": {"auth-oidc": own}} if own else {}
    return json.dumps({"version": "1.3.17", "endpoints": {"agents": agents}, **block})


def check(tmp_path: Path, text: str, **environ: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit code and what it finds about this plugin's keys."""
    file = tmp_path / "librechat.yaml"
    file.write_text(text)
    clean = {"GATEWAY_STATE_DIR": str(tmp_path), **dict.fromkeys(VARIABLES), **environ}
    done = CliRunner().invoke(main, ["check", "--json", str(file)], env=clean)
    found = json.loads(done.stdout)["findings"]
    return done.exit_code, [one for one in found if one["path"].startswith((PATH, OWN_PATH, "OPENID_"))]


WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "http": ({"issuer": "http://login.example.com"}, {}, f"{PATH}.issuer", "https"),
    "no URL": ({"issuer": "login.example.com"}, {}, f"{PATH}.issuer", "not a URL"),
    "credentials": ({"issuer": "https://a:b@login.example.com"}, {}, f"{PATH}.issuer", "password"),
    "no issuer": ({"issuer": ""}, {}, f"{PATH}.issuer", "write the provider's URL"),
    "no audience": ({"audience": " "}, {}, f"{PATH}.audience", "`aud`"),
    "a list of audiences": ({"audience": ["a", "b"]}, {}, f"{PATH}.audience", "text"),
    "a variable that is not set": (
        {"audience": UNSET},
        {},
        f"{PATH}.audience",
        "NOBODY_SET_IT is",
    ),
    "an address that is not set": ({"jwksUri": UNSET}, {}, f"{PATH}.jwksUri", "NOBODY_SET_IT is"),
    "keys by http": ({"jwksUri": "http://login.example.com/keys"}, {}, f"{PATH}.jwksUri", "https"),
    "scopes with commas": ({"scope": "a, b"}, {}, f"{PATH}.scope", "separate scopes by spaces"),
    "an algorithm that nobody knows": ({}, {"algorithms": ["RS257"]}, f"{OWN_PATH}.algorithms[0]", "RS256"),
    "a shared secret": ({}, {"algorithms": ["RS256", "HS256"]}, f"{OWN_PATH}.algorithms[1]", "none of"),
    "no signature": ({}, {"algorithms": ["none"]}, f"{OWN_PATH}.algorithms[0]", "none of"),
    "no algorithm": ({}, {"algorithms": []}, f"{OWN_PATH}.algorithms", "1"),
    "a leeway of an hour": ({}, {"leeway": 3600}, f"{OWN_PATH}.leeway", "300"),
    "a key that nobody knows": ({}, {"algorithm": "RS256"}, f"{OWN_PATH}.algorithm", "`algorithms`"),
}


@pytest.mark.parametrize(("more", "own", "path", "word"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_an_error_with_path_and_what_to_do(
    tmp_path: Path, more: dict[str, Any], own: dict[str, Any], path: str, word: str
) -> None:
    code, found = check(tmp_path, config({**GOOD, **more}, **own))
    errors = [one for one in found if one["level"] == "error"]
    named = [one for one in found if one["path"] == path]
    assert code == 1
    assert errors
    assert named
    assert any(word in f"{one['what']}; {one['todo']}" for one in named)
    assert all(one["todo"] for one in named)


def test_all_that_is_wrong_is_said_at_once_in_its_place(tmp_path: Path) -> None:
    _, found = check(tmp_path, config({"enabled": True, "issuer": "http://x.example", "scope": "a,b"}))
    assert {one["path"].removeprefix(f"{PATH}.") for one in found} == {"issuer", "audience", "scope"}
    assert all(one["line"] == 1 for one in found)


def test_what_is_wrong_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"remoteApi\.auth\.oidc\.audience: no audience is named"):
        RunningGateway(tmp_path, config({**GOOD, "audience": ""})).__enter__()


@pytest.mark.parametrize(
    ("oidc", "environ"),
    [
        (GOOD, {}),
        ({**GOOD, "issuer": "http://localhost:8180/realms/main", "jwksUri": "http://127.0.0.1:8180/keys"}, {}),
        ({**GOOD, "issuer": "http://idp.localhost", "jwksUri": "http://[::1]/keys", "scope": "a b"}, {}),
        (
            {**GOOD, "issuer": "${THE_ISSUER}", "audience": "${THE_AUDIENCE}"},
            {"THE_ISSUER": "https://a.example", "THE_AUDIENCE": "a"},
        ),
        ({"enabled": False, "issuer": "http://not.used.example"}, {}),
        ({**GOOD, "enabled": False, "issuer": UNSET}, {}),
        ({}, {}),
    ],
)
def test_what_is_right_is_not_mentioned(tmp_path: Path, oidc: dict[str, Any], environ: dict[str, str]) -> None:
    assert check(tmp_path, config(oidc), **environ) == (0, [])


def test_librechats_variables_are_looked_at_too(tmp_path: Path) -> None:
    code, found = check(
        tmp_path, config(GOOD), OPENID_JWKS_URL="http://x.example", OPENID_JWKS_URL_CACHE_TIME="a minute"
    )
    assert code == 1
    assert {(one["path"], one["level"]) for one in found} == {
        ("OPENID_JWKS_URL", "error"),
        ("OPENID_JWKS_URL_CACHE_TIME", "warning"),
    }


def test_a_slip_is_told_and_so_is_the_plugin_when_it_is_off(tmp_path: Path) -> None:
    _, [slip] = check(tmp_path, config({**GOOD, "isuer": "x"}))
    assert (slip["path"], slip["level"]) == (f"{PATH}.isuer", "warning")
    assert "`issuer`" in slip["todo"]
    off = json.loads(config(GOOD)) | {"gateway": {"plugins": {"disable": ["auth-oidc"]}}}
    code, [found] = check(tmp_path, json.dumps(off))
    assert (code, found["path"], found["level"]) == (0, f"{PATH}.enabled", "warning")
    assert "plugins/auth-oidc" in found["what"]


def test_with_the_plugin_nothing_of_it_is_called_not_enforced(tmp_path: Path) -> None:
    strict = json.loads(config({**GOOD, "jwksUri": "https://a.example/k", "scope": "a"}))
    strict["gateway"] = {"unenforced": "refuse"}
    assert check(tmp_path, json.dumps(strict)) == (0, [])


@pytest.mark.parametrize("written", ["https://a.example", "https://a.example/", "https://a.example//"])
def test_an_issuer_may_be_written_as_its_document(written: str) -> None:
    assert normal(written) == "https://a.example"
    assert normal(f"{written}/.well-known/openid-configuration") == "https://a.example"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1.example", "http://localhost.example", "http://10.0.0.1", "http://[::2]"]
)
def test_what_looks_like_this_machine_is_not_it(url: str) -> None:
    assert "https" in (why_unsafe(url) or "")


@pytest.mark.parametrize(
    ("text", "found"), [("60000", 60000), ("60 * 1000", 60000), ("1*2*3", 6), ("", None), ("-1", None), ("1+1", None)]
)
def test_milliseconds_may_be_a_product(text: str, found: int | None) -> None:
    assert milliseconds(text) == found


def test_a_time_of_zero_is_the_shortest_there_is() -> None:
    assert trusted(Settings({}, {"OPENID_JWKS_URL_CACHE_TIME": "0"}, frozenset())).renew == PAUSE


def test_the_gateways_own_time_counts_before_the_variable() -> None:
    own = Settings(
        {AuthOidc: AuthOidc(renew=7)}, {"OPENID_JWKS_URL_CACHE_TIME": "9000"}, frozenset({f"{OWN_PATH}.renew"})
    )
    assert trusted(own).renew == 7


def enabled(**more: Any) -> Settings:
    oidc = Oidc(enabled=True, issuer="https://a.example", audience="us", **more)
    return Settings({Oidc: oidc}, {}, frozenset())


def test_nothing_is_registered_where_it_is_not_enabled(gateway_services: Services) -> None:
    for settings in (bare_settings(), Settings({Oidc: Oidc(issuer="https://a.example")}, {}, frozenset())):
        assert gateway_auth_oidc.register_authenticators(settings, gateway_services) == []
        assert gateway_auth_oidc.register_lifespans(settings, gateway_services) == []
    assert [section.path for section in gateway_auth_oidc.register_sections()] == [PATH, OWN_PATH]


def test_all_parts_of_one_process_share_the_keys_until_somebody_else_is_trusted(gateway_services: Services) -> None:
    [authenticator] = gateway_auth_oidc.register_authenticators(enabled(), gateway_services)
    [lifespan] = gateway_auth_oidc.register_lifespans(enabled(), gateway_services)
    assert isinstance(lifespan, KeysLifespan)
    assert lifespan.scope == "worker"
    assert lifespan.failure() is lifespan.warning() is None
    assert authenticator.findings() == tuple(findings(enabled())) == ()
    first, same = (SigningKeys.of(gateway_services, trusted(enabled())) for _ in range(2))
    other = SigningKeys.of(gateway_services, trusted(enabled(scope="more")))
    assert first is same
    assert first is not other


def test_without_it_no_token_library_is_imported() -> None:
    code = (
        "import sys, gateway_auth_oidc as plugin\n"
        "from gateway.testing.installed import bare_services, bare_settings\n"
        "plugin.register_sections()\n"
        "plugin.register_authenticators(bare_settings(), bare_services())\n"
        "plugin.register_lifespans(bare_settings(), bare_services())\n"
        "print([name for name in ('jwt', 'cachetools', 'gateway_auth_oidc.trusted') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
