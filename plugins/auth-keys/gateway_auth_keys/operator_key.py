"""`GATEWAY_API_KEY`: one key from the environment, kept in memory only."""

from __future__ import annotations

from gateway import Principal, Secret, Settings, SettingsError

VARIABLE = "GATEWAY_API_KEY"
SHORTEST = 16
OPERATOR = Principal(user_id="operator", role="ADMIN", name="operator", key_id="environment", key_label=VARIABLE)


def operator_key(settings: Settings) -> Secret | None:
    """Raises SettingsError for one that could be guessed, or that no client could send in a header."""
    text = settings.env(VARIABLE)
    if text is None:
        return None
    if len(text) < SHORTEST:
        raise SettingsError(
            f"{VARIABLE}: this has {len(text)} characters, which can be guessed; write at least {SHORTEST}, "
            "for example the output of `openssl rand -hex 32`"
        )
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise SettingsError(
            f"{VARIABLE}: this has spaces or characters that no HTTP header can carry; write letters, digits and - _ . "
            "only"
        )
    return Secret(text)
