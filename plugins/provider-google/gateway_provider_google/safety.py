"""LibreChat's `GOOGLE_SAFETY_*` variables as the member `safetySettings` of every request."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw, json

from gateway import Settings
from gateway.endpoint import Unusable
from gateway.endpoint.reading import CORRECT_IT

MEMBER = "safetySettings"
CATEGORIES = ("SEXUALLY_EXPLICIT", "HATE_SPEECH", "HARASSMENT", "DANGEROUS_CONTENT", "CIVIC_INTEGRITY")
THRESHOLDS = (
    "OFF",
    "BLOCK_NONE",
    "BLOCK_ONLY_HIGH",
    "BLOCK_MEDIUM_AND_ABOVE",
    "BLOCK_LOW_AND_ABOVE",
    "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
)


def safety(settings: Settings) -> Mapping[str, Raw]:
    """Members to set; none where no variable is set, or GOOGLE_EXCLUDE_SAFETY_SETTINGS is. Raises Unusable."""
    if (settings.env("GOOGLE_EXCLUDE_SAFETY_SETTINGS") or "").strip().lower() == "true":
        return {}
    found = []
    for category in CATEGORIES:
        variable = f"GOOGLE_SAFETY_{category}"
        threshold = (settings.env(variable) or "").strip()
        if threshold and threshold not in THRESHOLDS:
            raise Unusable(variable, f"it is none of {', '.join(THRESHOLDS)}", CORRECT_IT)
        if threshold:
            found.append({"category": f"HARM_CATEGORY_{category}", "threshold": threshold})
    return {MEMBER: Raw(json.encode(found))} if found else {}
