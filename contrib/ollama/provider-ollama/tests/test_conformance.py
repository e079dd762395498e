"""The endpoint keeps its contracts."""

from __future__ import annotations

import gateway_provider_ollama
import pytest

from gateway.testing import conformance

ENVIRON = {"OLLAMA_HOST": "127.0.0.1:9", "OLLAMA_API_KEY": "sk-canary-0123456789abcdef"}


@pytest.mark.parametrize("check", conformance.checks(gateway_provider_ollama, ENVIRON, public={"OLLAMA_HOST"}), ids=str)
def test_it_keeps_its_contracts(check: conformance.Check) -> None:
    check()
