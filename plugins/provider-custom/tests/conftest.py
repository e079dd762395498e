"""Providers of entries as LibreChat's users write them, over an upstream that remembers what it is sent."""

import gateway_provider_custom as plugin
import pytest

from gateway import AGENTS_MOUNT
from gateway.testing import endpoints

ENVIRON = {"KEY": "k-1", "URL": "http://h/v1", "ASK": "user_provided"}
WHOLE = {"name": "x", "apiKey": "${KEY}", "baseURL": "${URL}", "models": {"default": ["m"]}}


LISTED = {"/models": b'{"data": [{"id": "fetched"}]}'}


@pytest.fixture
def whole():
    return WHOLE


@pytest.fixture
def recorded():
    """An upstream with a body for the end of each path."""
    return lambda answers=LISTED: endpoints.Answering(answers)


@pytest.fixture
def providers():
    def made(*entries, dialects=None, upstreams=None, shared=None, environ=ENVIRON, upstream=None):
        given = {
            "endpoints": {"custom": entries, "all": {"headers": shared} if shared else None},
            "gateway": {"provider-custom": {"dialects": dialects or {}, "upstreams": upstreams or {}}},
        }
        return endpoints.providers(plugin, given, environ, upstream or endpoints.Answering(LISTED))

    return made


@pytest.fixture
def one(providers):
    def made(upstream=None, **changes):
        (provider,) = providers(WHOLE | changes, upstream=upstream)
        return provider

    return made


@pytest.fixture
def outgoing():
    def made(provider, principal=endpoints.ADA, path="/chat/completions", query=None, kind="generate", **brought):
        return endpoints.outgoing(
            provider, path, query=query, brought=brought, principal=principal, mount=AGENTS_MOUNT, kind=kind
        )

    return made
