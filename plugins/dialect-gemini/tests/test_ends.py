"""What stands around a reply's candidates, whatever another dialect's upstream said."""

from __future__ import annotations

import pytest
from gateway_dialect_gemini.ends import around

from gateway import Started
from gateway.wire.losses import Loss


@pytest.mark.parametrize(
    ("created", "written"), [(0, "1970-01-01T00:00:00Z"), (-1, None), (2**53, None), (-(2**64), None), (None, None)]
)
def test_a_time_that_is_none_is_left_out(created: int | None, written: str | None) -> None:
    assert around(Started("r", "m", created), "m", Loss()).get("createTime") == written
