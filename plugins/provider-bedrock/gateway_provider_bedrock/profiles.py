"""Profiles: what the files of the AWS command line say, read once at startup.

Source: AWS, "Configuration and credential file settings".
"""

from __future__ import annotations

from collections.abc import Mapping
from configparser import Error, RawConfigParser
from pathlib import Path

from gateway import Secret, Settings
from gateway.endpoint import Unusable

from .sigv4 import Keys

_SIGN_IN = ("sso_session", "sso_start_url", "login_session")
"""Ways to keys that somebody has to go, in a browser."""


class Profile:
    """One profile of both files; of a key in both, that of the credentials file counts."""

    def __init__(self, name: str, values: Mapping[str, str]) -> None:
        self.name = name
        self._values = values

    @property
    def given(self) -> bool:
        return bool(self._values)

    @property
    def region(self) -> str:
        return self.get("region")

    @property
    def assumes(self) -> bool:
        """Whether it has its keys by assuming a role with the keys of another."""
        return bool(self.get("role_arn") and (self.get("source_profile") or self.get("credential_source")))

    def get(self, name: str) -> str:
        return self._values.get(name, "").strip()

    def keys(self) -> Keys | None:
        """Those that stand in the files."""
        key_id, secret, token = map(self.get, ("aws_access_key_id", "aws_secret_access_key", "aws_session_token"))
        return Keys(key_id, Secret(secret), Secret(token) if token else None) if key_id and secret else None

    def refuse_sign_in(self) -> None:
        """Raises Unusable where its keys are had by a sign-in."""
        if any(self.get(name) for name in _SIGN_IN):
            raise self.wrong("signs in by AWS SSO or a browser")

    def wrong(self, what: str) -> Unusable:
        return Unusable(
            "AWS_PROFILE",
            f'the profile "{self.name}" {what}, which is not supported',
            "give it aws_access_key_id and aws_secret_access_key or a credential_process, or set "
            "BEDROCK_AWS_BEARER_TOKEN",
        )


def load(name: str, settings: Settings) -> Profile:
    """Raises Unusable where a file cannot be read. A profile that is in neither has nothing in it."""
    home = settings.env("HOME") or settings.env("USERPROFILE")
    values: dict[str, str] = {}
    for variable, file, section in (
        ("AWS_CONFIG_FILE", "config", name if name == "default" else f"profile {name}"),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials", name),
    ):
        path = settings.env(variable) or (f"{home}/.aws/{file}" if home else "")
        if path:
            values |= _section(Path(path).expanduser(), section, variable)
    return Profile(name, values)


def _section(path: Path, section: str, variable: str) -> dict[str, str]:
    parser = RawConfigParser(strict=False, default_section="")
    try:
        parser.read_string(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError, Error) as error:
        raise Unusable(variable, f"{path} cannot be read: {type(error).__name__}") from error
    return dict(parser.items(section)) if parser.has_section(section) else {}
