"""The driver and its verdict, which stand in contrib/torture as plain modules."""

from __future__ import annotations

import sys
from pathlib import Path

TORTURE = Path(__file__).resolve().parents[2] / "contrib" / "torture"
sys.path.append(str(TORTURE))
