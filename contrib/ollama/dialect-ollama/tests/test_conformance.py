"""The plugin keeps the contracts that every plugin has."""

from __future__ import annotations

import gateway_dialect_ollama
import pytest

from gateway.testing import conformance


@pytest.mark.parametrize("check", conformance.checks(gateway_dialect_ollama), ids=str)
def test_it_keeps_its_contracts(check: conformance.Check) -> None:
    check()
