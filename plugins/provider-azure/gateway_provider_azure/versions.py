"""What each of Azure's api-versions knows, from a file of data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from gateway import PluginError, Quirks
from gateway.endpoint import Known

FILE = Path(__file__).with_name("versions.yaml")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_HABITS = frozenset(("stream_options", "max_completion_tokens", "developer_role"))
"""Names of `Quirks` itself; all others are members that are refused."""


class Versions(Struct, frozen=True, forbid_unknown_fields=True):
    """since: the first version that knows a member. serverless: what is known of serverless models."""

    since: Mapping[str, str]
    serverless: Known
    source: str
    seen: str

    @classmethod
    def read(cls, file: Path = FILE) -> Versions:
        """Raises PluginError."""
        try:
            return msgspec.yaml.decode(file.read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError) as error:
            raise PluginError(f"{file} does not say what versions know: {error}") from error

    def quirks(self, version: str, serverless: bool, undated: bool) -> Quirks:
        """undated: its paths have no dated versions. OpenAI's models keep what they answer, whatever the version: all
        Responses go to the newest.
        """
        if serverless and not undated:
            return self.serverless.quirks(Quirks())
        date = _DATE.match(version)
        if date is None or undated:
            return Quirks(keeps_responses=True)
        missing = {name for name, first in self.since.items() if date[0] < first}
        return Quirks(
            stream_options="stream_options" not in missing,
            max_completion_tokens="max_completion_tokens" not in missing,
            developer_role="developer_role" not in missing,
            refused=frozenset(missing - _HABITS),
            keeps_responses=True,
        )
