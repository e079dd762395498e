"""The endpoint keeps its contracts, and says what it needs."""

import gateway_provider_example
import pytest

from gateway.testing import conformance, installed

ENVIRON = {"EXAMPLE_API_KEY": "sk-canary-0123456789abcdef"}


@pytest.mark.parametrize("check", conformance.checks(gateway_provider_example, ENVIRON), ids=str)
def test_it_keeps_its_contracts(check):
    check()


def test_without_its_key_it_is_unavailable_and_says_why():
    [provider] = gateway_provider_example.register_providers(installed.bare_settings())
    assert provider.unavailable == "EXAMPLE_API_KEY is not set"
