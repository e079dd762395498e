"""GET /api/config, as LibreChat's client expects it before a login and after it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gateway_routes_librechat
import msgspec
import pytest

from gateway import AllEndpoints, Answer, Principal, Section, Services, SignIn
from gateway.settings.compose import compose
from gateway.settings.reading import read

Call = Callable[..., Awaitable[Answer]]
NOBODY = Principal(user_id="", role="")
ADMIN = Principal(user_id="usr_root", role="ADMIN")
SHARED = {"use": True, "create": True, "share": False, "public": False}


@pytest.fixture
def config(call: Call, tmp_path: Path) -> Callable[..., Awaitable[Any]]:
    """`await config("interface: …", principal=NOBODY, environ=…)`: the answer to a file of the operator's."""
    sections = (*gateway_routes_librechat.register_sections(), Section("endpoints.all", AllEndpoints))

    async def go(text: str = "", *, environ: Mapping[str, str] | None = None, **given: Any) -> Any:
        path = tmp_path / "librechat.yaml"
        path.write_text(f'version: "1.3.17"\n{text}')
        settings = compose(read(path, environ or {}, tmp_path), sections, {}).settings
        answer = await call("GET", "/api/config", settings=settings, **given)
        return msgspec.json.decode(answer.body)

    return go


async def test_a_stranger_is_told_less_than_who_shows_a_key(config: Any) -> None:
    before, after = await config(principal=NOBODY), await config()
    assert before["appTitle"] == "LibreChat"
    assert not any(value for name, value in before.items() if name.endswith("Enabled"))
    assert "interface" not in before
    assert before.items() <= {name: after[name] for name in before}.items()
    assert after["balance"] == {"enabled": False}


async def test_without_a_file_everything_is_as_librechat_has_it_by_default(config: Any) -> None:
    after = await config()
    interface = after.pop("interface")
    assert interface == {
        "modelSelect": True,
        "codeHighlightThrottleMs": 300,
        "parameters": True,
        "presets": True,
        "multiConvo": True,
        "bookmarks": True,
        "memories": True,
        "prompts": SHARED,
        "agents": SHARED,
        "temporaryChat": True,
        "autoSubmitFromUrl": True,
        "runCode": True,
        "webSearch": True,
        "contextUsage": True,
        "contextCost": False,
        "feedback": True,
        "peoplePicker": {"users": True, "groups": True, "roles": True},
        "marketplace": {"use": False},
        "mcpServers": SHARED,
        "fileSearch": True,
        "fileCitations": True,
        "buildInfo": True,
        "remoteAgents": dict.fromkeys(SHARED, False),
        "skills": {**SHARED, "defaultActiveOnShare": False},
        "sharedLinks": {"create": True, "share": True, "public": True, "snapshotFiles": True},
    }
    assert after["socialLogins"] == ["google", "facebook", "openid", "github", "discord", "saml"]
    assert (after["titleGenerationTiming"], after["conversationImportMaxFileSize"]) == ("immediate", 0)
    assert after["turnstile"] == {}
    assert not {"modelSpecs", "webSearch", "rum", "customFooter", "adminPanelURL", "samlLabel"} & after.keys()


async def test_what_the_file_says_of_the_interface_is_told_as_it_stands_there(config: Any) -> None:
    said = {
        "prompts": False,
        "agents": {"use": True, "create": False},
        "skills": {"use": True, "defaultActiveOnShare": True},
        "mcpServers": {"placeholder": "Tools", "trustCheckbox": {"label": {"en": "I trust it"}, "subLabel": "yes"}},
        "peoplePicker": {"users": False},
        "marketplace": {"use": True},
        "remoteAgents": {"use": True},
        "sharedLinks": {"snapshotFiles": False},
        "schedules": {"use": True, "maxPerUser": 3},
        "temporaryChat": False,
        "temporaryChatRetention": 24,
        "retentionMode": "all",
        "currency": {"code": "EUR", "rate": 0.92},
        "defaultPinnedTools": ["artifacts", "mcp"],
        "contextCost": True,
        "traceViewer": {"enabled": True, "maxRecords": 200},
    }
    after = await config("interface: " + msgspec.json.encode(said).decode())
    assert {name: after["interface"][name] for name in said} == said
    assert after["interface"]["bookmarks"] is True


async def test_links_of_the_file_are_for_everybody(config: Any) -> None:
    text = """
interface:
  privacyPolicy: {externalUrl: "https://a.example/p", openNewTab: false}
  termsOfService: {modalAcceptance: true, modalContent: [a, b]}
  customWelcome: Hello
  buildInfo: false
"""
    before, after = await config(text, principal=NOBODY), await config(text)
    links = {
        "privacyPolicy": {"externalUrl": "https://a.example/p", "openNewTab": False},
        "termsOfService": {"modalAcceptance": True, "modalContent": ["a", "b"]},
    }
    assert before["interface"] == {**links, "buildInfo": False}
    assert links.items() <= after["interface"].items()
    assert after["interface"]["customWelcome"] == "Hello"


@pytest.mark.parametrize(
    ("memory", "told"),
    [
        ("{disabled: true, agent: {id: agent_a}}", False),
        ("{personalize: true}", False),
        ("{agent: {id: agent_a}}", True),
        ("{agent: {provider: openAI, model: gpt-4o}}", True),
    ],
)
async def test_memories_are_off_where_there_is_no_memory(config: Any, memory: str, told: bool) -> None:
    assert (await config(f"memory: {memory}"))["interface"]["memories"] is told


SPECS = """
modelSpecs:
  enforce: true
  addedEndpoints: [openAI]
  list:
    - name: poet
      label: Poet
      order: 1
      default: true
      iconURL: https://a.example/i.png
      conversation_starters: [Sing]
      skills: [rhyme]
      subagents: {enabled: true, agent_ids: [agent_b]}
      preset: {endpoint: My server, model: own-model, temperature: 0.5, promptPrefix: secret, system: s}
    - {name: away, label: Away, preset: {endpoint: google, model: gemini}}
    - {name: agent, label: Agent, subagents: {agent_ids: [agent_b]}, preset: {agent_id: agent_a}}
    - {name: hidden, label: Hidden, showInMenu: false, preset: {endpoint: openAI}}
    - {name: nowhere, label: Nowhere, preset: {endpoint: My other server}}
    - {name: custom, label: Custom, preset: {endpoint: custom}}
    - {name: none, label: None, preset: {model: m}}
"""


async def test_model_specs_are_told_without_what_is_the_operators_own(config: Any) -> None:
    after = await config(SPECS)
    specs = after["modelSpecs"]
    assert specs == {
        "enforce": True,
        "prioritize": True,
        "addedEndpoints": ["openAI"],
        "list": [
            {
                "name": "poet",
                "label": "Poet",
                "order": 1,
                "default": True,
                "iconURL": "https://a.example/i.png",
                "conversation_starters": ["Sing"],
                "subagents": {"enabled": True},
                "preset": {"endpoint": "My server", "model": "own-model", "temperature": 0.5},
            },
            {"name": "away", "label": "Away", "preset": {"endpoint": "google", "model": "gemini"}},
            {"name": "agent", "label": "Agent", "preset": {"agent_id": "agent_a", "endpoint": "agents"}},
        ],
    }
    assert "modelSpecs" not in await config(SPECS, principal=NOBODY)


async def test_beside_model_specs_the_ways_past_them_are_hidden_unless_the_file_says_so(config: Any) -> None:
    hidden = (await config(SPECS))["interface"]
    assert (hidden["modelSelect"], hidden["parameters"], hidden["presets"]) == (True, False, False)
    alone = (await config(SPECS.replace("  addedEndpoints: [openAI]\n", "")))["interface"]
    assert alone["modelSelect"] is False
    said = (await config(SPECS + "interface: {modelSelect: false, presets: true}"))["interface"]
    assert (said["modelSelect"], said["parameters"], said["presets"]) == (False, False, True)


async def test_an_empty_list_of_model_specs_is_none(config: Any) -> None:
    after = await config("modelSpecs: {enforce: true, list: []}")
    assert "modelSpecs" not in after
    assert after["interface"]["parameters"] is True


async def test_the_rest_comes_from_librechats_own_keys(config: Any) -> None:
    text = """
registration: {socialLogins: [github, openid]}
turnstile: {siteKey: 0x4A, options: {size: compact}}
webSearch: {searchProvider: searxng, jinaApiKey: secret, rerankerType: jina}
endpoints: {agents: {titleTiming: final}}
""".replace("0x4A", '"0x4A"')
    after = await config(text)
    assert after["socialLogins"] == ["github", "openid"]
    assert after["turnstile"] == {"siteKey": "0x4A", "options": {"size": "compact"}}
    assert after["webSearch"] == {"searchProvider": "searxng", "rerankerType": "jina"}
    assert after["titleGenerationTiming"] == "final"
    assert (await config("endpoints: {all: {titleTiming: final}}"))["titleGenerationTiming"] == "final"


async def test_the_rest_comes_from_librechats_own_variables(config: Any) -> None:
    environ = {
        "APP_TITLE": "Ours",
        "CUSTOM_FOOTER": "foot",
        "SAML_BUTTON_LABEL": "Enter",
        "OPENID_IMAGE_URL": "https://a.example/o.png",
        "SANDPACK_BUNDLER_URL": "https://b.example",
        "SHAREPOINT_BASE_URL": "https://s.example",
        "CONVERSATION_IMPORT_MAX_FILE_SIZE_BYTES": "1000",
        "SHOW_BIRTHDAY_ICON": "true",
    }
    before, after = await config(environ=environ, principal=NOBODY), await config(environ=environ)
    assert (before["appTitle"], before["samlLabel"]) == ("Ours", "Enter")
    assert before["openidImageUrl"] == "https://a.example/o.png"
    assert "customFooter" not in before
    assert (after["customFooter"], after["bundlerURL"]) == ("foot", "https://b.example")
    assert (after["sharePointBaseUrl"], after["conversationImportMaxFileSize"]) == ("https://s.example", 1000)
    assert after["showBirthdayIcon"] is True


async def test_the_address_of_the_admin_panel_is_for_admins(config: Any) -> None:
    environ = {"ADMIN_PANEL_URL": "https://admin.example"}
    assert (await config(environ=environ, principal=ADMIN))["adminPanelURL"] == "https://admin.example"
    assert "adminPanelURL" not in await config(environ=environ)


@pytest.mark.parametrize(("day", "shown"), [((2026, 2, 11), True), ((2026, 2, 12), False)])
async def test_librechats_birthday_is_shown(
    config: Any, services: Services, day: tuple[int, int, int], shown: bool
) -> None:
    now = datetime(*day, 12, tzinfo=UTC).timestamp()
    assert (await config(services=replace(services, clock=lambda: now)))["showBirthdayIcon"] is shown


RUM = {"RUM_ENABLED": "true", "RUM_URL": "https://rum.example/", "RUM_PUBLIC_TOKEN": "t"}


async def test_where_the_client_reports_how_it_fares_is_told_to_everybody(config: Any) -> None:
    environ = {
        **RUM,
        "RUM_SAMPLE_RATE": "0.5",
        "RUM_DISABLE_REPLAY": "false",
        "RUM_TRACE_PROPAGATION_TARGETS": "https://a.example, http://b.example, https://*.example",
    }
    assert (await config(environ=environ, principal=NOBODY))["rum"] == {
        "provider": "hyperdx",
        "enabled": True,
        "url": "https://rum.example",
        "serviceName": "librechat-web",
        "authMode": "publicToken",
        "publicToken": "t",
        "consoleCapture": False,
        "disableReplay": False,
        "advancedNetworkCapture": False,
        "tracePropagationTargets": ["https://a.example"],
        "sampleRate": 0.5,
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"RUM_ENABLED": ""},
        {"RUM_URL": "http://rum.example"},
        {"RUM_URL": "https://user@rum.example"},
        {"RUM_URL": "https://[rum"},
        {"RUM_PUBLIC_TOKEN": ""},
        {"RUM_PROVIDER": "another"},
        {"RUM_AUTH_MODE": "another"},
    ],
)
async def test_monitoring_that_librechat_switches_off_is_not_told(config: Any, wrong: dict[str, str]) -> None:
    assert "rum" not in await config(environ={**RUM, **wrong})


async def test_a_share_that_is_none_is_left_out(config: Any) -> None:
    for share in ("2", "-1", "x", "inf"):
        assert "sampleRate" not in (await config(environ={**RUM, "RUM_SAMPLE_RATE": share}))["rum"]


async def test_what_people_can_do_to_come_in_is_told_as_a_plugin_offers_it(config: Any, services: Services) -> None:
    names = ("emailLoginEnabled", "registrationEnabled", "passwordResetEnabled", "emailEnabled", "minPasswordLength")
    nothing = await config(principal=NOBODY)
    assert [nothing.get(name) for name in names] == [False, False, False, False, None]
    SignIn(email=True, password_reset=True, deletion=True, shortest_password=12).offer(services.state)
    before, after = await config(principal=NOBODY), await config()
    assert [before.get(name) for name in names] == [True, False, True, False, 12]
    assert ("allowAccountDeletion" in before, after["allowAccountDeletion"]) == (False, True)
