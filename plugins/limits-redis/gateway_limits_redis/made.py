"""What the settings come to: counters in the Redis that they name, or none."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from gateway import Counters, Secret, Settings, SettingsError, UnsetVariable

from .settings import RedisSettings

SCHEMES = ("redis", "rediss", "unix")


def counters(settings: Settings) -> Sequence[Counters]:
    """Nothing is connected to before something is limited. Raises SettingsError for a URL that is none.

    Redis's client takes long to import, and most do without.
    """
    own = settings.one(RedisSettings)
    found = _url(settings, own)
    if found is None:
        return []
    url, where = found
    _refuse(url, where)
    from .link import Link
    from .sliced import SlicedCounters
    from .strict import RedisCounters

    kind = SlicedCounters if own.mode == "lease" else RedisCounters
    return [kind(Link(url, own.timeout), own)]


def _url(settings: Settings, own: RedisSettings) -> tuple[Secret, str] | None:
    """Where Redis is, and where that is said."""
    if own.url is not None:
        try:
            return settings.secret(own.url), "gateway.limits-redis.url"
        except UnsetVariable as error:
            raise SettingsError(
                f"gateway.limits-redis.url: {error} has no value; set it in the environment or .env"
            ) from error
    uri = settings.env("REDIS_URI")
    if uri is not None and (settings.env("USE_REDIS") or "").strip().lower() == "true":
        return Secret(uri), "REDIS_URI"
    return None


def _refuse(url: Secret, where: str) -> None:
    """A URL that cannot be one; its text may hold a password, so it is not quoted."""
    try:
        parts = urlsplit(url.reveal())
        fits = parts.scheme in SCHEMES and bool(parts.hostname or parts.path) and (parts.port is None or parts.port > 0)
    except ValueError:
        fits = False
    if not fits:
        raise SettingsError(f"{where}: this is no URL of a Redis; write it as redis://:password@host:6379/0")
