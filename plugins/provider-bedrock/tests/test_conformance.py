"""The plugin keeps the contracts that every plugin has."""

from __future__ import annotations

import logging

import gateway_provider_bedrock
import pytest

from gateway import Egress, Services, Settings
from gateway.testing import conformance
from gateway.testing.conformance import providers

SECRETS = ("sk-canary-0123456789abcdef", "bk-canary-0123456789abcdef")
REGION = {"BEDROCK_AWS_DEFAULT_REGION": "us-east-1"}
PAIR = REGION | {"BEDROCK_AWS_ACCESS_KEY_ID": "AKID", "BEDROCK_AWS_SECRET_ACCESS_KEY": SECRETS[0]}
BEARER = REGION | {"BEDROCK_AWS_BEARER_TOKEN": SECRETS[1]}


def checks() -> list[conformance.Check]:
    found = conformance.checks(gateway_provider_bedrock)
    services = Services(None, Egress(), None, lambda: 0.0, logging.getLogger("test"))  # type: ignore[arg-type]
    for environ in (PAIR, BEARER):
        settings = Settings({}, environ, frozenset())
        (provider,) = gateway_provider_bedrock.register_providers(settings, services)
        found += providers.checks(provider, SECRETS)
    return found


@pytest.mark.parametrize("check", checks(), ids=str)
def test_it_keeps_its_contracts(check: conformance.Check) -> None:
    check()
