"""What becomes of files as LibreChat has them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.plugins import load
from gateway.settings.compose import Composed, compose
from gateway.settings.core import Core, Plugins
from gateway.settings.reading import read
from gateway.settings.yamlfile import parse

from .conftest import SECTIONS, Compose, sentences

FILE = Path(__file__).parent / "files" / "librechat.yaml"
ENDPOINT = "version: '1'\nendpoints:\n  custom:\n    - {name: a, apiKey: k, baseURL: http://a, models: {fetch: true}, "
WITHOUT = "unknown key, without effect here and in LibreChat"


@pytest.fixture
def whole() -> Composed:
    """The file with all plugins of the workspace."""
    return compose(read(FILE, {"OPENROUTER_KEY": "k", "ORG": "o", "AZURE_KEY": "k"}), load(Plugins()).sections(), {})


def paths(found: Composed, level: str) -> dict[str, str]:
    return {finding.path: finding.what for finding in found.findings if finding.level == level}


def test_a_genuine_file_has_no_errors(whole: Composed) -> None:
    assert whole.errors == ()
    assert whole.document.data["version"] == "1.3.17"


def test_unenforced_keys_are_named_each_with_its_reason(whole: Composed) -> None:
    named = {one.path: one.reason for one in whole.unenforced}
    assert {
        "modelSpecs.enforce",
        "endpoints.agents.capabilities",
    } <= set(named)
    assert {"balance", "transactions", "mcpServers"}.isdisjoint(named)
    warned = paths(whole, "warning")
    assert all(warned[path] == f"not enforced: {reason}" for path, reason in named.items())


def test_keys_of_librechats_client_are_named_once(whole: Composed) -> None:
    [note] = paths(whole, "note").values()
    assert note.startswith("keys of LibreChat's own client and server, accepted and without effect here: cache, ")
    for name in (
        "registration.socialLogins",
        "rateLimits.fileUploads",
        "memory",
        "fileConfig",
        "endpoints.*.title*",
        "endpoints.custom[].title*",
    ):
        assert f" {name}" in note


def test_endpoints_that_no_plugin_provides_are_unavailable_with_the_reason(composed: Compose) -> None:
    found = composed("version: '1'\nendpoints:\n  bedrock:\n    availableRegions: [a]\n  assistants: {}\n")
    missing = "no installed plugin provides this; install plugins/provider"
    assert sentences(found, "warning") == [
        f"librechat.yaml:3:3: endpoints.bedrock: {missing}-bedrock",
        f"librechat.yaml:5:3: endpoints.assistants: {missing}-assistants",
    ]
    assert found.unclaimed["bedrock"] == (
        "endpoints.bedrock: no installed plugin provides this; install plugins/provider-bedrock"
    )


def test_a_slip_in_a_key_without_effect_is_told(whole: Composed) -> None:
    text = "version: '1'\ninterface:\n  promts: {use: true}\n  sidePanel: true\n"
    document = replace(whole.document, data=parse(text, "f.yaml").data, marks={}, keys={}, files=())
    found = compose(document, load(Plugins()).sections(), {})
    assert paths(found, "warning") == {"interface.promts": WITHOUT}
    [told] = [one.todo for one in found.findings if one.path == "interface.promts"]
    assert told == "did you mean `prompts`?"
    assert any(note.endswith(": interface") for note in paths(found, "note").values())


def test_model_specs_that_librechat_passes_over_are_told(composed: Compose) -> None:
    presets = (
        "{endpoint: openAI}",
        "{endpoint: Ollama}",
        "{agent_id: agent_a}",
        "{endpoint: olama}",
        "{endpoint: custom}",
        "{model: m}",
    )
    specs = "".join(f"    - {{name: n, label: l, preset: {preset}}}\n" for preset in presets)
    text = "version: '1'\nendpoints:\n  custom:\n    - {name: ollama, apiKey: k, baseURL: b, models: {fetch: true}}\n"
    found = composed(f"{text}modelSpecs:\n  list:\n{specs}")
    told = [str(one) for one in found.findings if one.path.startswith("modelSpecs")]
    assert [one.partition(": ")[2] for one in told] == [
        'modelSpecs.list[3].preset.endpoint: there is no endpoint "olama", so LibreChat passes this entry over; '
        "did you mean `ollama`?",
        'modelSpecs.list[4].preset.endpoint: there is no endpoint "custom", so LibreChat passes this entry over; '
        "name one of openAI, google, anthropic, azureOpenAI, azureAssistants, assistants, agents, bedrock, ollama",
        "modelSpecs.list[5].preset.endpoint: it is missing, so LibreChat passes this entry over; "
        "give it, or take the entry out",
    ]


def test_custom_endpoints_without_their_plugin_are_unavailable_by_name(composed: Compose) -> None:
    found = composed(ENDPOINT + "iconURL: x}\n    - {name: b}\n", sections=())
    assert set(found.unclaimed) == {"a", "b"}
    assert found.errors == ()


def test_a_permission_without_its_plugin_is_unenforced(composed: Compose) -> None:
    found = composed("version: '1'\ninterface:\n  remoteAgents: {use: true}\n  customWelcome: hi\n")
    assert sentences(found, "warning") == [
        "librechat.yaml:3:3: interface.remoteAgents: not enforced: no installed plugin enforces this; "
        "install plugins/permission-remote-agents; make sure that you can do without"
    ]


def test_unset_variables_are_warnings_where_librechat_replaces_them(whole: Composed) -> None:
    told = [str(finding).removeprefix(str(FILE)) for finding in whole.findings if "variable" in finding.what]
    assert told == [
        ":88:16: endpoints.custom[1].baseURL: the variables LOCAL_HOST and LOCAL_PATH are not set; "
        "set them in the environment or in .env"
    ]


def test_two_variables_that_librechat_takes_for_one_are_told(composed: Compose) -> None:
    found = composed("version: '1'\nendpoints:\n  openAI:\n    baseURL: ${A}${B}\n", {"A": "a", "B": "b"})
    assert sentences(found) == [
        "librechat.yaml:4:14: endpoints.openAI.baseURL: LibreChat takes all of this for one variable, since it begins "
        "with one and ends with one; put the whole text into one variable, or other text before or after"
    ]


def test_one_unset_variable_is_told_in_its_place(composed: Compose) -> None:
    found = composed("version: '1'\nendpoints:\n  openAI:\n    baseURL: ${NOWHERE}\n")
    assert sentences(found) == [
        "librechat.yaml:4:14: endpoints.openAI.baseURL: the variable NOWHERE is not set; "
        "set it in the environment or in .env"
    ]


def test_refusing_what_is_unenforced_stops_the_start(composed: Compose) -> None:
    source = "version: '1'\nbalance: {enabled: true}\ngateway: {unenforced: refuse}\n"
    assert sentences(composed(source), "error") == [
        "librechat.yaml:2:1: balance: not enforced: no balance is checked or charged; "
        "remove it, or set `gateway.unenforced: warn`"
    ]
    assert composed(source.replace("refuse", "warn")).errors == ()


@pytest.mark.parametrize(
    "asking_nothing",
    ["balance: {enabled: false, startBalance: 5}", "mcpServers: {}", "modelSpecs: {enforce: false}", "filters:"],
)
def test_what_asks_for_nothing_is_not_unenforced(composed: Compose, asking_nothing: str) -> None:
    found = composed(f"version: '1'\n{asking_nothing}\ngateway: {{unenforced: refuse}}\n")
    assert found.unenforced == ()
    assert found.errors == ()
    assert found.settings.one(Core).unenforced == "refuse"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "version: 1.2\n",
            "librechat.yaml:1:10: version: this is not text, so LibreChat refuses the file; "
            'put it in quotes: `version: "1.2"`',
        ),
        (
            "version: '1'\nbalanc: {}\n",
            "librechat.yaml:2:1: balanc: unknown key, for which LibreChat refuses the file; did you mean `balance`?",
        ),
        (
            "version: '1'\nx-mine: {}\n",
            "librechat.yaml:2:1: x-mine: unknown key, for which LibreChat refuses the file; "
            "remove it, or move it where it belongs",
        ),
        (
            "version: '1'\ngatewy: {}\n",
            "librechat.yaml:2:1: gatewy: unknown key, for which LibreChat refuses the file; did you mean `gateway`?",
        ),
        (
            "version: '1'\nendpoints: {openai: {titleConvo: true}}\n",
            "librechat.yaml:2:13: endpoints.openai: unknown key, for which LibreChat refuses the file; "
            "did you mean `openAI`?",
        ),
        (
            "version: '1'\nendpoints: {}\n",
            "librechat.yaml:2:1: endpoints: there is nothing in it, so LibreChat refuses the file; "
            "name an endpoint, or remove the key",
        ),
        (
            "version: '1'\nendpoints: 5\n",
            "librechat.yaml:2:1: endpoints: this is not a mapping; name an endpoint, or remove the key",
        ),
        (
            ENDPOINT + "customParams: {reasonKey: reasoning}}\n",
            "librechat.yaml:4:85: endpoints.custom[0].customParams.reasonKey: unknown key, for which LibreChat refuses "
            "the file; did you mean `reasoningKey`?",
        ),
        (
            ENDPOINT.replace("name: a", "name: openAI") + "}\n",
            "librechat.yaml:4:14: endpoints.custom[0].name: `openAI` is the name of a built-in endpoint, so LibreChat "
            "refuses the file; give it another name",
        ),
    ],
)
def test_what_librechat_refuses_is_an_error(composed: Compose, source: str, sentence: str) -> None:
    assert sentences(composed(source), "error") == [sentence]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "cache: true\n",
            "librechat.yaml:1:1: version: it is missing, and without it LibreChat refuses the file; "
            'add `version: "1.3.17"`',
        ),
        (
            ENDPOINT + "titelConvo: true}\n",
            f"librechat.yaml:4:70: endpoints.custom[0].titelConvo: {WITHOUT}; did you mean `titleConvo`?",
        ),
        (
            ENDPOINT + "addParam: {a: b}}\n",
            f"librechat.yaml:4:70: endpoints.custom[0].addParam: {WITHOUT}; did you mean `addParams`?",
        ),
        (ENDPOINT + "summarize: false}\n", f"librechat.yaml:4:70: endpoints.custom[0].summarize: {WITHOUT}"),
        (
            "version: '1'\nendpoints: {custom: [{name: a, apiKey: k, models: {fetch: true}}]}\n",
            "librechat.yaml:2:22: endpoints.custom[0].baseURL: it is missing, so LibreChat skips this endpoint; "
            "give it, or take the endpoint out",
        ),
        (
            "version: '1'\nendpoints: {custom: [{name: a, apiKey: k, baseURL: http://a, models: {fetch: false}}]}\n",
            "librechat.yaml:2:62: endpoints.custom[0].models: it names no models, so LibreChat and the gateway "
            "skip this endpoint; give `default`, or set `fetch: true`",
        ),
        (
            "version: '1'\nendpoints: {custom: {name: a}}\n",
            "librechat.yaml:2:21: endpoints.custom: this is not a list; begin each item with `- `",
        ),
    ],
)
def test_what_librechat_lets_pass_is_a_warning(composed: Compose, source: str, sentence: str) -> None:
    found = composed(source)
    assert sentence in sentences(found, "warning")
    assert found.errors == ()


def test_every_error_of_a_file_comes_at_once(composed: Compose) -> None:
    source = "version: 1\nfoo: 1\nendpoints: {openai: 1}\ngateway: {workers: x, bar: 1}\n"
    assert [finding.line for finding in composed(source).errors] == [1, 2, 3, 4, 4]


def test_a_gateway_yaml_alone_needs_no_version(composed: Compose) -> None:
    composed(None)
    Path("gateway.yaml").write_text("workers: 2\n", "utf-8")
    found = compose(read(None, {}), SECTIONS, {})
    assert found.findings == ()
    assert found.settings.one(Core).workers == 2


def test_the_block_in_a_gateway_yaml_needs_no_note(composed: Compose) -> None:
    Path("gateway.yaml").write_text("workers: 2\n", "utf-8")
    assert composed("version: '1'\n").findings == ()
