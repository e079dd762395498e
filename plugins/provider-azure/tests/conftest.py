"""Providers of groups and variables as LibreChat's users write them."""

import gateway_provider_azure as plugin
import pytest

from gateway.testing import endpoints

GROUP = {
    "group": "main",
    "apiKey": "${KEY}",
    "instanceName": "mine",
    "deploymentName": "gpt4o-prod",
    "version": "2024-10-21",
    "models": {"gpt-4o": True},
}


@pytest.fixture
def group():
    return GROUP


@pytest.fixture
def provider():
    """Of groups; of variables where there are none."""

    def made(*groups, environ=None, shared=None):
        azure = {"groups": groups} if groups else None
        given = {"endpoints": {"azureOpenAI": azure, "all": {"headers": shared} if shared else None}}
        found = endpoints.providers(plugin, given, {"KEY": "k-1"} | (environ or {}))
        return found[0] if found else None

    return made


@pytest.fixture
def outgoing():
    def made(provider, model="gpt-4o", path="/chat/completions", query=None, **brought):
        return endpoints.outgoing(provider, path, model, query=query, brought=brought)

    return made


@pytest.fixture
def url(provider, outgoing):
    """Where a call to a group goes."""

    def made(*groups, model="gpt-4o", path="/chat/completions", environ=None, **brought):
        sent = outgoing(provider(*groups, environ=environ), model, path, **brought)
        return sent.target.provider.url(sent)

    return made
