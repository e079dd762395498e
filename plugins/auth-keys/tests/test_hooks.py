"""What the plugin registers, with a store and without."""

from __future__ import annotations

import gateway_auth_keys
import pytest
from gateway_auth_keys.cache import KeyCache

from gateway import Services, SettingsError
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
    assert [command.name for command in gateway_auth_keys.register_commands()] == ["keys", "users"]  # type: ignore[attr-defined]
    assert [section.path for section in gateway_auth_keys.register_sections()] == ["gateway.auth-keys"]
