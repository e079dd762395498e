"""Every installed plugin keeps its contracts."""

import pytest

from gateway.testing import conformance, installed

ENVIRON = {"OPENAI_API_KEY": "sk-canary-0123456789abcdef"}


def checks_of(point):
    """A plugin that does not load has one check, which fails and says why."""
    try:
        return conformance.checks(point.load(), ENVIRON)
    except Exception as error:
        return [conformance.Check(point.name, lambda error=error: pytest.fail(f"it does not load: {error!r}"))]


def pytest_generate_tests(metafunc):
    plugins = installed.plugins().items()
    checks = [pytest.param(check, id=f"{name}: {check}") for name, point in plugins for check in checks_of(point)]
    metafunc.parametrize("check", checks)


def test_it_holds(check):
    check()
