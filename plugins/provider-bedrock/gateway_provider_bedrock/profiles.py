"""Keys and a region from the files of the AWS command line, read once at startup.

Source: AWS, "Configuration and credential file settings". Only keys that stand in the files are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from configparser import Error, RawConfigParser
from pathlib import Path

from gateway import Secret, Settings
from gateway.endpoint import Unusable

from .sigv4 import Keys

_ELSEWHERE = {
    "credential_process": "runs a program for its keys (credential_process)",
    "sso_session": "signs in by AWS SSO",
    "sso_start_url": "signs in by AWS SSO",
    "role_arn": "assumes a role",
    "web_identity_token_file": "assumes a role with a web identity",
    "credential_source": "takes its keys from the machine it runs on",
}
"""Ways to keys that are not gone here."""


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
        return self._values.get("region", "").strip()

    def keys(self) -> Keys:
        """Raises Unusable where the files do not hold them."""
        key_id, secret = self._values.get("aws_access_key_id", ""), self._values.get("aws_secret_access_key", "")
        if key_id and secret:
            token = self._values.get("aws_session_token", "")
            return Keys(key_id, Secret(secret), Secret(token) if token else None)
        for name, what in _ELSEWHERE.items():
            if name in self._values:
                raise Unusable(
                    "AWS_PROFILE",
                    f'the profile "{self.name}" {what}, which is not supported: give it aws_access_key_id and '
                    "aws_secret_access_key, or set BEDROCK_AWS_BEARER_TOKEN",
                )
        raise Unusable("AWS_PROFILE", f'the profile "{self.name}" has no keys in ~/.aws/credentials or ~/.aws/config')


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
