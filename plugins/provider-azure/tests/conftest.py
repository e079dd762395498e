"""Providers of groups and variables as LibreChat's users write them."""

import logging

import msgspec
import pytest
from gateway_provider_azure import register_providers
from gateway_provider_azure.section import AzureFields

from gateway import (
    MOUNT,
    AllEndpoints,
    Attempt,
    Egress,
    Encoded,
    Exchange,
    Inbound,
    Operation,
    Outgoing,
    Principal,
    Secret,
    Services,
    Settings,
    UserKey,
)

ADA = Principal(user_id="u1", name="Ada")
GROUP = {
    "group": "main",
    "apiKey": "${KEY}",
    "instanceName": "mine",
    "deploymentName": "gpt4o-prod",
    "version": "2024-10-21",
    "models": {"gpt-4o": True},
}


def read(model, given):
    return msgspec.convert(given, model, dec_hook=lambda kind, value: kind(value))


@pytest.fixture
def group():
    return GROUP


@pytest.fixture
def provider():
    """Of groups; of variables where there are none."""

    def made(*groups, environ=None, shared=None):
        sections = {AllEndpoints: read(AllEndpoints, {"headers": shared or {}})}
        if groups:
            sections[AzureFields] = read(AzureFields, {"groups": groups})
        given = frozenset(("endpoints.azureOpenAI",)) if groups else frozenset()
        services = Services(None, Egress(), None, lambda: 0.0, logging.getLogger("test.azure"))
        found = register_providers(Settings(sections, {"KEY": "k-1"} | (environ or {}), given), services)
        return found[0] if found else None

    return made


@pytest.fixture
def outgoing():
    def made(provider, model="gpt-4o", path="/chat/completions", query=None, **brought):
        inbound = Inbound(Operation("generate", "POST", path), MOUNT, {}, {}, {}, "127.0.0.1", None)
        target = provider.target(model)
        dialect = target.provider.dialects[0]
        key = UserKey({name: Secret(value) for name, value in brought.items()}) if brought else None
        exchange = Exchange(inbound, None, principal=ADA)
        return Outgoing(exchange, Attempt("a", target, dialect), target, dialect, Encoded(path, b"", query or {}), key)

    return made


@pytest.fixture
def url(provider, outgoing):
    """Where a call to a group goes."""

    def made(*groups, model="gpt-4o", path="/chat/completions", environ=None, **brought):
        sent = outgoing(provider(*groups, environ=environ), model, path, **brought)
        return sent.target.provider.url(sent)

    return made
