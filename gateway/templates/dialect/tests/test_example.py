"""The dialect keeps its contracts; what it does not have yet is expected to fail, until it no longer does."""

import gateway_dialect_example
import pytest

from gateway.testing import conformance

MISSING = {
    "a good request is understood": "it has no tools yet",
    "a reply reads back as it was written": "it has no tool calls yet",
}


def marked(check):
    reason = next((why for what, why in MISSING.items() if what in str(check)), None)
    marks = pytest.mark.xfail(strict=True, reason=reason) if reason else ()
    return pytest.param(check, id=str(check), marks=marks)


@pytest.mark.parametrize("check", [marked(check) for check in conformance.checks(gateway_dialect_example)])
def test_it_keeps_its_contracts(check):
    check()
