"""The plugin keeps the contracts that every plugin has."""

import gateway_provider_letta
import pytest

from gateway.testing import conformance


@pytest.mark.parametrize("check", conformance.checks(gateway_provider_letta), ids=str)
def test_it_keeps_its_contracts(check):
    check()
