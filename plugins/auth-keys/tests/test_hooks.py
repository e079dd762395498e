"""What the plugin registers, with a store and without."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import gateway_auth_keys
import pytest
from gateway_auth_keys.cache import KeyCache
from gateway_auth_keys.operator_key import OPERATOR
from gateway_auth_keys.settings import ApiKey

from gateway import Credential, Inbound, Services, Settings, SettingsError, Store, Unauthenticated
from gateway.pipeline.authenticate import authenticate
from gateway.testing.installed import bare_settings


def test_all_parts_of_one_process_share_one_cache(gateway_services: Services) -> None:
    first = KeyCache.of(gateway_services, 300.0)
    assert KeyCache.of(gateway_services, 300.0) is first
    assert KeyCache.of(gateway_services, 5.0) is not first


def test_without_a_store_it_serves_and_says_what_is_missing(gateway_services: Services) -> None:
    [_] = gateway_auth_keys.register_authenticators(bare_settings(), gateway_services)
    lifespans = gateway_auth_keys.register_lifespans(bare_settings(), gateway_services)
    assert [one.scope for one in lifespans] == ["worker", "machine"]
    assert "plugins/store-sql" in (lifespans[0].failure() or "")
    assert lifespans[1].failure() is None


def test_a_short_operator_key_stops_the_start(gateway_services: Services) -> None:
    with pytest.raises(SettingsError, match="GATEWAY_API_KEY"):
        gateway_auth_keys.register_authenticators(bare_settings({"GATEWAY_API_KEY": "short"}), gateway_services)


def test_commands_and_section_have_their_names() -> None:
    assert [command.name for command in gateway_auth_keys.register_commands()] == ["keys", "users", "groups"]  # type: ignore[attr-defined]
    assert [section.path for section in gateway_auth_keys.register_sections()] == [
        "gateway.auth-keys",
        "endpoints.agents.remoteApi.auth.apiKey",
        "interface.remoteAgents",
    ]


async def test_librechats_switch_turns_off_all_keys_but_the_operators(
    gateway_services: Services, store: Store, inbound: Inbound, shown: Callable[[str], Credential], add_key: Any
) -> None:
    text, operator = "sk-" + "0123456789abcdef" * 4, "sk-" + "f" * 64
    await add_key(store, text, role="ADMIN")
    services = dataclasses.replace(gateway_services, store=store)
    for enabled in (True, False):
        settings = Settings({ApiKey: ApiKey(enabled)}, {"GATEWAY_API_KEY": operator}, frozenset())
        authenticators = gateway_auth_keys.register_authenticators(settings, services)
        assert bool(gateway_auth_keys.register_lifespans(settings, services)) is enabled
        assert await authenticate(authenticators, inbound, shown(operator)) == OPERATOR
        if enabled:
            assert (await authenticate(authenticators, inbound, shown(text))).name == "ann"
            continue
        for key in (text, "sk-" + "0" * 64):
            with pytest.raises(Unauthenticated, match=r"remoteApi\.auth\.apiKey\.enabled is false"):
                await authenticate(authenticators, inbound, shown(key))
        with pytest.raises(Unauthenticated, match="not valid"):
            await authenticate(authenticators, inbound, shown("no form of a key"))
