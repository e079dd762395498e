"""Golden exchanges: one case, one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.testing import golden


@pytest.mark.parametrize("path", golden.files(__file__), ids=lambda path: path.stem)
def test_golden_exchange(path: Path) -> None:
    golden.check(path)
