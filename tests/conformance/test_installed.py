"""Every installed plugin keeps its contracts."""

import pytest

from gateway.testing import conformance, installed

ENVIRON = {"OPENAI_API_KEY": "sk-canary-0123456789abcdef"}


def pytest_generate_tests(metafunc):
    checks = [
        pytest.param(check, id=f"{name}: {check}")
        for name, point in installed.plugins().items()
        for check in conformance.checks(point.load(), ENVIRON)
    ]
    metafunc.parametrize("check", checks)


def test_it_holds(check):
    check()
