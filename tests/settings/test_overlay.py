from __future__ import annotations

import msgspec
import pytest

from gateway import Secret
from gateway.settings.core import Core
from gateway.settings.overlay import variable, variables
from gateway.settings.shape import shape

from .conftest import SECTIONS, Cache, Compose, Custom, sentences


def test_names_of_variables_come_from_paths() -> None:
    assert variable(("gateway", "listen", "port")) == "GATEWAY_LISTEN_PORT"
    assert variable(("gateway", "auth-keys", "cacheSeconds")) == "GATEWAY_AUTH_KEYS_CACHE_SECONDS"


def test_every_single_value_of_the_core_has_a_variable() -> None:
    def leaves(value: object, place: tuple[str, ...]) -> list[tuple[str, ...]]:
        if isinstance(value, msgspec.Struct):
            return [leaf for f in value.__struct_fields__ for leaf in leaves(getattr(value, f), (*place, f))]
        return [place]

    found = {place for _, place, _ in variables(())}
    several = {("gateway", "listen", "tls"), ("gateway", "catalogue"), ("gateway", "routes")}
    below = {
        ("gateway", "listen", "tls", "cert"),
        ("gateway", "listen", "tls", "key"),
        ("gateway", "fidelity", "default"),
    }
    assert (set(leaves(Core(), ("gateway",))) - several) | below == found


def test_no_two_keys_share_a_variable() -> None:
    names = [name for name, _, _ in variables(SECTIONS)]
    assert len(names) == len(set(names))


def test_a_flag_wins_over_a_variable_that_over_the_file_and_that_over_the_default(composed: Compose) -> None:
    source = "version: '1'\ngateway: {listen: {host: file, port: 1, internal_host: file}}\n"
    environ = {"GATEWAY_LISTEN_HOST": "variable", "GATEWAY_LISTEN_PORT": "2"}
    core = composed(source, environ, {"gateway.listen.port": 3}).settings.one(Core)
    assert (core.listen.port, core.listen.host, core.listen.internal_host, core.workers) == (3, "variable", "file", 1)


def test_the_short_names_work_and_the_long_ones_win(composed: Compose) -> None:
    environ = {"GATEWAY_HOST": "short", "GATEWAY_PORT": "1", "GATEWAY_LISTEN_PORT": "2", "GATEWAY_WORKERS": "3"}
    core = composed(None, environ).settings.one(Core)
    assert (core.listen.host, core.listen.port, core.workers) == ("short", 2, 3)


def test_a_plugins_own_keys_have_variables_of_every_kind(composed: Compose) -> None:
    environ = {
        "GATEWAY_CACHE_IT_SECONDS": "5",
        "GATEWAY_CACHE_IT_RATIO": "0.25",
        "GATEWAY_CACHE_IT_ON": "no",
        "GATEWAY_CACHE_IT_NAMES": "a, b,,c ",
        "GATEWAY_CACHE_IT_SECRET": "s",
    }
    found = composed(None, environ)
    assert found.settings.one(Cache) == Cache(5, 0.25, False, ("a", "b", "c"), Secret("s"))


def test_an_empty_variable_is_unset(composed: Compose) -> None:
    assert composed(None, {"GATEWAY_PORT": ""}).settings.one(Core).listen.port == 8080


def test_a_variable_makes_the_mapping_it_needs(composed: Compose) -> None:
    environ = {"GATEWAY_LISTEN_TLS_CERT": "c", "GATEWAY_LISTEN_TLS_KEY": "k"}
    tls = composed("version: '1'\ngateway:\n  listen:\n", environ).settings.one(Core).listen.tls
    assert tls is not None
    assert (tls.cert, tls.key) == ("c", "k")


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        (
            {"GATEWAY_PORT": "http"},
            "gateway.listen.port: GATEWAY_PORT sets it wrongly: this is text, expected is a whole number; "
            "write a whole number",
        ),
        (
            {"GATEWAY_PORT": "70000"},
            "gateway.listen.port: GATEWAY_PORT sets it wrongly: the value does not fit, expected is a whole number "
            "<= 65535; write a whole number <= 65535",
        ),
        (
            {"GATEWAY_LOG_LEVEL": "inf"},
            "gateway.log.level: GATEWAY_LOG_LEVEL sets it wrongly: 'inf' is none of debug, error, info, warning; "
            "did you mean `info`?",
        ),
        (
            {"GATEWAY_CACHE_IT_ON": "maybe"},
            "gateway.cache-it.on: GATEWAY_CACHE_IT_ON sets it wrongly: this is text, expected is true or false; "
            "write true or false",
        ),
    ],
)
def test_a_bad_variable_is_named(composed: Compose, environ: dict[str, str], sentence: str) -> None:
    assert sentences(composed(None, environ), "error") == [sentence]


def test_a_bad_flag_is_told_too(composed: Compose) -> None:
    assert sentences(composed(None, {}, {"gateway.workers": 0}), "error") == [
        "gateway.workers: the command line sets it wrongly: the value does not fit, expected is a whole number >= 1; "
        "write a whole number >= 1"
    ]


def test_an_upstream_without_a_file_is_all_there_is(composed: Compose) -> None:
    found = composed(None, {}, {"upstream": "http://localhost:11434/v1"})
    [entry] = found.settings.many(Custom)
    assert (entry.name, entry.base_url, entry.models.fetch) == ("upstream", "http://localhost:11434/v1", True)
    assert entry.api_key.reveal() == "none"
    assert not found.settings.given("gateway.agents")
    assert found.findings == ()


def test_an_upstream_takes_its_key_from_a_variable(composed: Compose) -> None:
    found = composed(None, {"UPSTREAM_API_KEY": "k"}, {"upstream": "http://x"})
    assert found.settings.secret(found.settings.many(Custom)[0].api_key).reveal() == "k"


def test_an_upstream_joins_the_endpoints_of_a_file(composed: Compose) -> None:
    source = "version: '1'\nendpoints: {custom: [{name: a, apiKey: k, baseURL: http://a, models: {default: [m]}}]}\n"
    names = [entry.name for entry in composed(source, {}, {"upstream": "http://x"}).settings.many(Custom)]
    assert names == ["a", "upstream"]


def test_overlaying_changes_no_document(composed: Compose) -> None:
    found = composed(None, {"GATEWAY_PORT": "1"})
    assert found.document.data["gateway"]["listen"] == {"port": 1}
    assert composed(None).settings.one(Core).listen.port == 8080


def test_types_that_one_line_cannot_hold_have_no_variable() -> None:
    assert shape(Custom)
    assert not [name for name, place, _ in variables(SECTIONS) if "agents" in place]


def test_what_a_flag_names_alone_is_all_there_is_without_a_file(composed: Compose) -> None:
    found = composed(None, {}, {"alone": True})
    assert not found.settings.given("gateway.agents")
    assert found.settings.given("interface.remoteAgents.use")
    assert found.errors == ()


def test_a_file_stays_what_it_is_beside_such_a_flag(composed: Compose) -> None:
    found = composed("version: '1'\n", {}, {"alone": True})
    assert not found.settings.given("interface")
