"""What limits leave to a caller, in the headers of the vendor's API.

Source: https://docs.anthropic.com/en/api/rate-limits, "Response headers".
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping

from gateway import Allowance


def headers(allowances: Iterable[Allowance]) -> Mapping[str, str]:
    named = {}
    for one in allowances:
        named[f"anthropic-ratelimit-{one.of}-limit"] = str(one.limit)
        named[f"anthropic-ratelimit-{one.of}-remaining"] = str(one.remaining)
        named[f"anthropic-ratelimit-{one.of}-reset"] = moment(one.at + one.reset)
    return named


def moment(at: float) -> str:
    """RFC 3339, in whole seconds, never too early."""
    return datetime.datetime.fromtimestamp(math.ceil(at), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
