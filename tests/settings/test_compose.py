from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from gateway import Finding, Section
from gateway.settings.compose import compose, core_of
from gateway.settings.core import Core
from gateway.settings.reading import Document, read

from .conftest import SECTIONS, Agent, Cache, Compose, Custom, OpenAI, sentences

NOTE = (
    "librechat.yaml:2:1: gateway: LibreChat itself refuses a file with this key; "
    "where both read this file, move the block to a gateway.yaml beside it"
)


def test_structs_come_with_their_defaults(composed: Compose) -> None:
    settings = composed("version: '1'\n").settings
    assert settings.one(Core) == Core()
    assert settings.one(Cache) == Cache()
    assert settings.many(Custom) == ()
    assert not settings.given("endpoints.openAI")


def test_given_tells_what_the_file_has(composed: Compose) -> None:
    settings = composed("version: '1'\nendpoints:\n  openAI: {}\n  custom: [{name: a}]\ngateway:\n").settings
    assert settings.given("endpoints.openAI")
    assert settings.given("endpoints.custom[0].name")
    assert not settings.given("gateway")
    assert settings.one(OpenAI) == OpenAI()


@pytest.mark.parametrize(
    ("block", "sentence"),
    [
        ("5", "librechat.yaml:2:10: gateway: this is not a mapping; write its keys under it"),
        (
            "{listen: {prot: 1}}",
            "librechat.yaml:2:20: gateway.listen.prot: unknown key; did you mean `port`?",
        ),
        (
            "{limits: {zzz: 1}}",
            "librechat.yaml:2:20: gateway.limits.zzz: unknown key; remove it; known here: bodies, body",
        ),
        (
            "{listen: {port: a}}",
            "librechat.yaml:2:26: gateway.listen.port: this is text, expected is a whole number; write a whole number",
        ),
        (
            "{listen: {port: 70000}}",
            "librechat.yaml:2:26: gateway.listen.port: the value does not fit, expected is a whole number <= 65535; "
            "write a whole number <= 65535",
        ),
        ("{listen: {tls: {cert: c}}}", "librechat.yaml:2:25: gateway.listen.tls: `key` is missing; add it"),
        (
            "{listen: {trusted_proxies: [a, 1, b, 2.5]}}",
            "librechat.yaml:2:41: gateway.listen.trusted_proxies[1]: this is a whole number, expected is text; "
            "write text",
        ),
        (
            "{log: {level: inf}}",
            "librechat.yaml:2:24: gateway.log.level: 'inf' is none of debug, error, info, warning; "
            "did you mean `info`?",
        ),
        (
            "{log: {level: xyz}}",
            "librechat.yaml:2:24: gateway.log.level: 'xyz' is none of debug, error, info, warning; write one of them",
        ),
        (
            "{agents: {a: b}}",
            "librechat.yaml:2:19: gateway.agents: this is not a list; begin each item with `- `",
        ),
        ("{agents: [{id: a}]}", "librechat.yaml:2:20: gateway.agents[0]: `model` is missing; add it"),
        (
            "{agents: [{id: a, model: m, nam: x}]}",
            "librechat.yaml:2:38: gateway.agents[0].nam: unknown key; did you mean `name`?",
        ),
        (
            "{cache-it: {secret: 5}}",
            "librechat.yaml:2:30: gateway.cache-it.secret: this is a whole number, expected is text; write text",
        ),
        (
            "{cache-it: {seconds: ~}}",
            "librechat.yaml:2:31: gateway.cache-it.seconds: this is nothing, expected is a whole number; "
            "write a whole number",
        ),
        (
            "{cache_it: {}}",
            "librechat.yaml:2:11: gateway.cache_it: no installed plugin understands this; did you mean `cache-it`?",
        ),
        (
            "{foo: {}}",
            "librechat.yaml:2:11: gateway.foo: no installed plugin understands this; "
            "install its plugin, or remove the key",
        ),
    ],
)
def test_what_is_wrong_under_gateway_is_an_error_in_its_place(composed: Compose, block: str, sentence: str) -> None:
    found = composed(f"version: '1'\ngateway: {block}\n")
    assert sentence in sentences(found, "error")
    assert sentences(found, "note") == [NOTE]


@pytest.mark.parametrize(
    ("name", "todo"), [("store", "install plugins/store-sql"), ("meter-x", "install its plugin, or remove the key")]
)
def test_the_key_of_a_plugin_that_is_not_installed_stops_nothing(composed: Compose, name: str, todo: str) -> None:
    found = composed(f"version: '1'\ngateway: {{{name}: {{}}}}\n")
    said = f"librechat.yaml:2:11: gateway.{name}: no installed plugin understands this; {todo}"
    assert (sentences(found, "error"), sentences(found, "warning")) == ([], [said])


def test_errors_come_all_at_once_and_the_rest_is_kept(composed: Compose) -> None:
    source = (
        "version: '1'\ngateway: {listen: {port: a, host: h, trusted_proxies: [1, p, 2]}, workers: b, log: {lvl: 1}}\n"
    )
    found = composed(source)
    assert [finding.path for finding in found.errors] == [
        "gateway.listen.port",
        "gateway.listen.trusted_proxies[0]",
        "gateway.listen.trusted_proxies[2]",
        "gateway.workers",
        "gateway.log.lvl",
    ]
    core = found.settings.one(Core)
    assert (core.listen.port, core.listen.host, core.listen.trusted_proxies) == (8080, "h", ("p",))


def test_a_wrong_value_among_free_names_is_found(composed: Compose) -> None:
    source = "version: '1'\nendpoints:\n  openAI:\n    headers: {a: b, c: 5, d: {}}\n"
    found = composed(source)
    assert sentences(found) == [
        "librechat.yaml:4:24: endpoints.openAI.headers.c: this is a whole number, expected is text; write text",
        "librechat.yaml:4:30: endpoints.openAI.headers.d: this is a mapping, expected is text; write text",
    ]
    assert [finding.level for finding in found.findings] == ["warning", "warning"]
    assert list(found.settings.one(OpenAI).headers) == ["a"]


def test_entries_keep_their_numbers_where_one_is_broken(composed: Compose) -> None:
    found = composed("version: '1'\nendpoints: {custom: [5, {name: b}]}\n")
    assert [entry.name for entry in found.settings.many(Custom)] == ["", "b"]
    assert (
        "librechat.yaml:2:22: endpoints.custom[0]: this is a whole number, expected is a mapping; write a mapping"
    ) in sentences(found, "warning")


def test_required_fields_left_out_drop_the_item(composed: Compose) -> None:
    found = composed("version: '1'\ngateway: {agents: [{id: a}, {id: b, model: m}]}\n")
    assert found.settings.many(Agent) == (Agent("b", "m"),)


def test_what_plugins_find_in_later_items_is_told_of_those(composed: Compose) -> None:
    """They do not see the item that was left out, so they count without it."""
    agents = "  agents:\n    - {id: a}\n    - {id: b, model: m}\n    - {id: c}\n    - {id: d, model: m}\n"
    routes = "  routes:\n    - {name: r, targets: []}\n    - {name: s, targets: [{model: x/y}, 5, {model: z/z}]}\n"
    found = composed(f"version: '1'\ngateway:\n{agents}{routes}")
    told = found.unheard(
        [
            Finding("gateway.agents[1].model", "it is unknown"),
            Finding("gateway.routes[0].targets[1].model", "it is unknown"),
            Finding("gateway.agents", "they are few"),
        ]
    )
    assert [(one.path, one.line) for one in told] == [
        ("gateway.agents", 4),
        ("gateway.agents[3].model", 7),
        ("gateway.routes[1].targets[2].model", 10),
    ]


def test_an_item_keeps_no_numbers_of_one_that_was_left_out_after_its_own_items(composed: Compose) -> None:
    lists = "{name: r, targets: [5]}, {name: s, targets: [{model: x/y}, 5]}, {name: t, targets: [{model: x/y}]}"
    found = composed(f"version: '1'\ngateway: {{routes: [{lists}]}}\n")
    told = found.unheard([Finding(f"gateway.routes[{n}].targets[0].model", "unknown") for n in (0, 1)])
    assert {one.path for one in told} == {"gateway.routes[1].targets[0].model", "gateway.routes[2].targets[0].model"}
    assert "gateway.routes[1].targets[1]" in {one.path for one in found.findings}


def test_a_needed_value_that_is_wrong_is_not_called_missing_too(composed: Compose) -> None:
    found = composed("version: '1'\ngateway: {routes: [{name: r, targets: []}, {name: s}]}\n")
    assert sentences(found, "error") == [
        "librechat.yaml:2:39: gateway.routes[0].targets: the value does not fit, expected is a list of length >= 1; "
        "write a list of length >= 1",
        "librechat.yaml:2:44: gateway.routes[1]: `targets` is missing; add it",
    ]


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (
            "{disable: [store-sql]}",
            "librechat.yaml:4:3: gateway.store: its plugin store-sql does not serve: "
            "gateway.plugins.disable names it; remove the key, or mend that",
        ),
        (
            "{enable: [other]}",
            "librechat.yaml:4:3: gateway.store: its plugin store-sql does not serve: "
            "gateway.plugins.enable does not name it; remove the key, or mend that",
        ),
    ],
)
def test_keys_of_plugins_that_are_off_are_warnings(composed: Compose, wanted: str, sentence: str) -> None:
    found = composed(f"version: '1'\ngateway:\n  plugins: {wanted}\n  store: {{}}\n")
    assert sentences(found, "warning") == [sentence]
    assert found.errors == ()


def test_the_key_of_a_plugin_that_failed_is_a_warning(composed: Compose) -> None:
    composed("version: '1'\ngateway: {acme: {}}\n")
    found = compose(read(None, {}), SECTIONS, {}, {"acme": "it does not load"})
    assert sentences(found, "warning") == [
        "librechat.yaml:2:11: gateway.acme: its plugin acme does not serve: it does not load; "
        "remove the key, or mend that"
    ]


def test_unknown_plugins_are_named(composed: Compose) -> None:
    composed("version: '1'\ngateway: {plugins: {disable: [store-sq], order: [zzz, store-sql]}}\n")
    found = compose(read(None, {}), SECTIONS, {}, {"store-sql": None})
    assert sentences(found, "warning") == [
        "librechat.yaml:2:31: gateway.plugins.disable[0]: no plugin store-sq is installed; did you mean `store-sql`?",
        "librechat.yaml:2:50: gateway.plugins.order[0]: no plugin zzz is installed; "
        "see `gateway plugins` for the names",
    ]


def test_safe_mode_does_not_refuse_what_third_parties_own(composed: Compose) -> None:
    found = composed("version: '1'\ngateway: {acme: {}}\n", {}, {"safe_mode": True})
    assert found.errors == ()
    assert len(sentences(found, "warning")) == 1


def test_the_defaults_start_without_the_plugin_they_name(composed: Compose) -> None:
    found = composed(None, sections=())
    assert found.errors == ()
    assert sentences(found) == ["gateway.agents: no installed plugin understands this; install plugins/provider-agents"]


def test_the_core_needs_no_plugin(composed: Compose) -> None:
    composed("version: '1'\ngateway: {plugins: {disable: [a]}, foo: {}, workers: x}\n")
    core, findings = core_of(read(None, {}), {"gateway.listen.port": 9})
    assert core.plugins.disable == ("a",)
    assert core.listen.port == 9
    assert [finding.path for finding in findings] == ["gateway.workers"]


def test_what_plugins_find_is_put_in_its_place_once(composed: Compose) -> None:
    found = composed("version: '1'\nendpoints:\n  custom:\n    - name: a\n      baseURL: ${NONE}\n")
    told = [
        Finding("endpoints.custom[0].baseURL", "its own words", level="warning"),
        Finding("endpoints.custom[0].name", "a bad name", "call it b", "warning"),
        Finding("elsewhere", "who knows", level="warning"),
    ]
    all_of_them = [str(finding) for finding in found.with_found(told)]
    assert "librechat.yaml:4:13: endpoints.custom[0].name: a bad name; call it b" in all_of_them
    assert "librechat.yaml:1:1: elsewhere: who knows" in all_of_them
    assert not [sentence for sentence in all_of_them if "its own words" in sentence]


def test_secrets_stay_inside(composed: Compose) -> None:
    source = (
        "version: '1'\nendpoints:\n  custom:\n    - {name: a, apiKey: canary-5150, headers: {x: canary-5150}}\n"
        "gateway: {cache-it: {secret: canary-5150, seconds: canary-5150}}\n"
    )
    found = composed(source, {"GATEWAY_CACHE_IT_RATIO": "canary-5150"})
    assert "canary" not in repr(found.settings.many(Custom)) + repr(found.settings.one(Cache)) + repr(found.findings)


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["listen", "port", "custom", "name", "headers", "agents", "x"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)
TREES = st.dictionaries(st.sampled_from(["version", "gateway", "endpoints", "balance", "interface", "x"]), JSONISH)


@limits(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(TREES)
def test_no_tree_raises(tree: dict[str, object]) -> None:
    document = Document(tree, {"GATEWAY_PORT": "5"}, librechat=True)
    found = compose(document, SECTIONS, {"upstream": "http://x", "gateway.workers": 2})
    assert found.settings.one(Core).limits == Core().limits
    core_of(document, {})


@limits(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(TREES)
def test_no_file_raises_and_every_finding_of_it_has_a_place(tmp_path: Path, tree: dict[str, object]) -> None:
    file = tmp_path / "librechat.yaml"
    file.write_text(json.dumps(tree), "utf-8")
    for finding in compose(read(file, {}), SECTIONS, {}).findings:
        assert finding.level == "note" or (finding.file == str(file) and finding.line and finding.column)


class Place(msgspec.Struct, frozen=True):
    url: str = ""
    seconds: int = 0


class Places(msgspec.Struct, frozen=True, rename="camel"):
    """mcpServers: by names that the operator gives."""

    mcp_servers: dict[str, Place] = {}


def test_a_section_of_the_whole_file_has_names_of_the_operators(composed: Compose) -> None:
    text = "version: '1'\nmcpServers:\n  my one: {url: u, seconds: x}\n  two: {url: v, odd: 1}\ncache: true\n"
    found = composed(text, sections=(Section("", Places),))
    assert found.settings.one(Places).mcp_servers == {"my one": Place("u"), "two": Place("v")}
    assert found.errors == ()
    warned = {finding.path for finding in found.findings if finding.level == "warning"}
    assert warned == {"mcpServers['my one'].seconds", "mcpServers.two.odd"}
