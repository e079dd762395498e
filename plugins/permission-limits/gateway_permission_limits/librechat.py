"""LibreChat's own limits, where they are about what this API does: speech, and, if the operator says so, messages.

Its other `rateLimits` are about uploads and imports that only LibreChat has. Its limits of messages hold for its web
client alone: it limits nothing on its Agents API. Source: LibreChat `packages/api/src/app/limits.ts`,
`api/server/middleware/limiters`, `packages/api/src/middleware/concurrency.ts`; `.env.example` for the defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from msgspec import Meta, Struct

from gateway import Settings

from .settings import Limit, LimitSettings, Subject

MINUTE = 60.0
SPEECH = ("/audio/speech",)
TRANSCRIPTION = ("/audio/transcriptions", "/audio/translations")
Positive = Annotated[float, Meta(gt=0)]


class SpeechLimits(Struct, frozen=True):
    """How often an address and a user may ask; LibreChat's defaults for what is left out."""

    ipMax: Positive | None = None
    ipWindowInMinutes: Positive | None = None
    userMax: Positive | None = None
    userWindowInMinutes: Positive | None = None


class Tts(SpeechLimits, frozen=True):
    """`audio/speech`, also by TTS_IP_MAX, TTS_IP_WINDOW, TTS_USER_MAX and TTS_USER_WINDOW."""


class Stt(SpeechLimits, frozen=True):
    """`audio/transcriptions` and `audio/translations`, also by STT_IP_MAX and so on."""


def librechat_limits(settings: Settings) -> Sequence[Limit]:
    """What of it is configured. Raises SettingsError for a variable that is no number."""
    found = [*_speech(settings, "TTS", Tts, SPEECH), *_speech(settings, "STT", Stt, TRANSCRIPTION)]
    if settings.one(LimitSettings).librechat_messages:
        found += _messages(settings)
    return found


def _speech(settings: Settings, prefix: str, kind: type[SpeechLimits], paths: tuple[str, ...]) -> Iterator[Limit]:
    """The file counts more than a variable; with neither there is no limit."""
    variables = [f"{prefix}_{name}" for name in ("IP_MAX", "IP_WINDOW", "USER_MAX", "USER_WINDOW")]
    if not settings.given(f"rateLimits.{prefix.lower()}") and not any(map(settings.env, variables)):
        return
    given = settings.one(kind)
    ip = given.ipMax or settings.number(variables[0], 100)
    ip_window = given.ipWindowInMinutes or settings.number(variables[1], 1)
    user = given.userMax or settings.number(variables[2], 50)
    user_window = given.userWindowInMinutes or settings.number(variables[3], 1)
    yield _limit(f"librechat {prefix} ip", "ip", ip, ip_window, paths)
    yield _limit(f"librechat {prefix} user", "user", user, user_window, paths)


def _messages(settings: Settings) -> Iterator[Limit]:
    if _is_on(settings, "LIMIT_CONCURRENT_MESSAGES"):
        most = settings.number("CONCURRENT_MESSAGE_MAX", 2)
        yield Limit(concurrency=max(1, int(most)), per="user", name="librechat concurrent messages")
    whom: tuple[tuple[str, Subject], ...] = (("IP", "ip"), ("USER", "user"))
    for word, subject in whom:
        if _is_on(settings, f"LIMIT_MESSAGE_{word}"):
            most = settings.number(f"MESSAGE_{word}_MAX", 40)
            window = settings.number(f"MESSAGE_{word}_WINDOW", 1)
            yield _limit(f"librechat messages {subject}", subject, most, window, ())


def _limit(name: str, per: Subject, most: float, minutes: float, paths: tuple[str, ...]) -> Limit:
    only: dict[Subject, tuple[str, ...]] = {"operation": paths} if paths else {}
    return Limit(requests=max(1, int(most)), window=minutes * MINUTE, per=per, only=only, name=name)


def _is_on(settings: Settings, name: str) -> bool:
    return (settings.env(name) or "").strip().lower() == "true"
