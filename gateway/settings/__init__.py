"""Settings: librechat.yaml (and gateway.yaml), `.env` and the environment, validated and frozen.

`reading.read` finds and reads them, `compose.compose` makes Settings of them; a plugin sees only Section, Settings and
Finding.
"""

from __future__ import annotations

from .contract import Finding, Section, Settings, UnsetVariable
from .core import Core

__all__ = ["Core", "Finding", "Section", "Settings", "UnsetVariable"]
