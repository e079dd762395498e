"""The fuzzer's targets and mutations, which stand in contrib/fuzz as plain modules."""

from __future__ import annotations

import sys
from pathlib import Path

FUZZ = Path(__file__).resolve().parents[2] / "contrib" / "fuzz"
sys.path.append(str(FUZZ))
