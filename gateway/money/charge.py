"""Charge: what an attempt came to, for the account that pays and at the vendor."""

from __future__ import annotations

from typing import Literal

import msgspec

Rule = Literal["reported", "estimated", "free", "unknown"]
"""How an attempt was settled: by what the upstream reported, by what went and came, with nothing to be paid, or, since
its process ended before it, with all that was held.
"""


class Charge(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """price: nano-USD to be paid, rounded up once from `exact`, a decimal of the same unit. cost: the same for what
    the vendor asks; None where no price of his is known. source, version: of each one's rates.
    """

    rule: Rule
    price: int = 0
    exact: str = "0"
    source: str = ""
    version: str = ""
    cost: int | None = None
    cost_exact: str = ""
    cost_source: str = ""
    cost_version: str = ""
