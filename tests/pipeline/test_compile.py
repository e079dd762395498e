from __future__ import annotations

import pytest

from gateway.pipeline.compile import contradictions
from gateway.settings import Core
from gateway.settings.core import BodyLimits


@pytest.mark.parametrize(("body", "bodies", "wrong"), [(10, 9, True), (10, 10, False), (10, 500, False)])
def test_a_body_that_could_never_be_taken_is_an_error(body: int, bodies: int, wrong: bool) -> None:
    found = list(contradictions(Core(limits=BodyLimits(body=body, bodies=bodies))))
    assert [finding.path for finding in found] == (["gateway.limits.bodies"] if wrong else [])
