"""`rum` in /api/config: where LibreChat's client reports how it fares, from the `RUM_*` variables.

Source: LibreChat `api/server/services/Config/rum.js`.
"""

from __future__ import annotations

import math
from urllib.parse import SplitResult, urlsplit

from gateway import Settings
from gateway.endpoint import listed

from .answers import Members

HYPERDX, PUBLIC_TOKEN = "hyperdx", "publicToken"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def monitoring(settings: Settings) -> Members | None:
    """None where it is off, or where something is set that LibreChat switches it off for."""
    url, token = _split(settings.env("RUM_URL") or ""), settings.env("RUM_PUBLIC_TOKEN")
    known = (settings.env("RUM_PROVIDER") or HYPERDX, settings.env("RUM_AUTH_MODE") or PUBLIC_TOKEN)
    if not (enabled(settings, "RUM_ENABLED") and known == (HYPERDX, PUBLIC_TOKEN) and url and _safe(url) and token):
        return None
    members: Members = {
        "provider": HYPERDX,
        "enabled": True,
        "url": url.geturl().rstrip("/"),
        "serviceName": settings.env("RUM_SERVICE_NAME") or "librechat-web",
        "authMode": PUBLIC_TOKEN,
        "publicToken": token,
        "consoleCapture": enabled(settings, "RUM_CONSOLE_CAPTURE"),
        "disableReplay": settings.env("RUM_DISABLE_REPLAY") is None or enabled(settings, "RUM_DISABLE_REPLAY"),
        "advancedNetworkCapture": enabled(settings, "RUM_ADVANCED_NETWORK_CAPTURE"),
    }
    optional = {
        "tracePropagationTargets": [
            one for one in listed(settings.env("RUM_TRACE_PROPAGATION_TARGETS")) if _https(one)
        ],
        "sampleRate": _share(settings.env("RUM_SAMPLE_RATE")),
        "environment": settings.env("RUM_ENVIRONMENT"),
    }
    return members | {name: value for name, value in optional.items() if value not in (None, [])}


def enabled(settings: Settings, variable: str) -> bool:
    """By LibreChat's rule: only `true` is."""
    return (settings.env(variable) or "").strip().lower() == "true"


def _split(text: str) -> SplitResult | None:
    try:
        return urlsplit(text)
    except ValueError:
        return None


def _safe(url: SplitResult) -> bool:
    if url.username or url.password or not url.hostname:
        return False
    return url.scheme == "https" or (url.scheme == "http" and url.hostname in LOOPBACK)


def _https(target: str) -> bool:
    url = _split(target)
    return "*" not in target and url is not None and url.scheme == "https" and bool(url.hostname)


def _share(text: str | None) -> float | None:
    try:
        share = float(text or "nan")
    except ValueError:
        return None
    return share if math.isfinite(share) and 0 <= share <= 1 else None
