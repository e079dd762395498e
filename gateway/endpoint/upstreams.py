"""Known upstreams: rows of data that say how each departs from its dialect, and which row is an endpoint's.

The rows are a YAML file of the plugin that uses them, read at startup only. A column that is empty is not known: the
default holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from ..errors import PluginError
from ..provider import Quirks


class Known(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of one upstream.

    names: endpoints of these names are it, too, `*` for any text. hosts: so are those at these hosts and below them.
    base_url: where it is. key: the variable that holds its key. dialects: what it speaks, best first. listing:
    `tags` where it lists its models as Ollama does.

    stream_options: it knows that member. max_completion_tokens: it knows the newer name of the limit. developer_role:
    it knows that role. refused: members that it refuses. reasoning_format: how it is told the effort. reasoning_key:
    the member in which it wants earlier thoughts back. keeps_responses: it keeps replies of Open Responses unless told
    not to, and takes their ids for what was said before.

    thoughts: members in which its thoughts come. comments: its streams hold comments. usage: when its streams tell
    their usage. note: what else is to be known. source: where all this is from. seen: when that was read.
    """

    names: tuple[str, ...] | None = None
    hosts: tuple[str, ...] | None = None
    base_url: str | None = None
    key: str | None = None
    dialects: tuple[str, ...] | None = None
    listing: Literal["tags"] | None = None
    stream_options: bool | None = None
    max_completion_tokens: bool | None = None
    developer_role: bool | None = None
    refused: tuple[str, ...] | None = None
    reasoning_format: Literal["effort", "object", "none"] | None = None
    reasoning_key: str | None = None
    keeps_responses: bool | None = None
    thoughts: tuple[str, ...] | None = None
    comments: bool | None = None
    usage: Literal["asked", "always", "never"] | None = None
    note: str | None = None
    source: str | None = None
    seen: str | None = None

    def over(self, other: Known) -> Known:
        """This row, and the other's columns where this one is empty."""
        mine = {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not None}
        return msgspec.structs.replace(other, **mine)

    def quirks(self, default: Quirks) -> Quirks:
        return Quirks(
            stream_options=_first(self.stream_options, default.stream_options),
            max_completion_tokens=_first(self.max_completion_tokens, default.max_completion_tokens),
            developer_role=_first(self.developer_role, default.developer_role),
            refused=default.refused if self.refused is None else frozenset(self.refused),
            reasoning_format=self.reasoning_format or default.reasoning_format,
            reasoning_key=self.reasoning_key or default.reasoning_key,
            keeps_responses=_first(self.keeps_responses, default.keeps_responses),
        )


UNKNOWN = Known()


class KnownUpstreams(Struct, frozen=True):
    """rows: by name, in lower case."""

    rows: Mapping[str, Known]

    @classmethod
    def read(cls, file: Path, own: Mapping[str, Known] | None = None) -> KnownUpstreams:
        """The file's rows, and the operator's own over them. Raises PluginError where the file is not such rows."""
        try:
            rows = msgspec.yaml.decode(file.read_bytes(), type=dict[str, Known])
        except (OSError, msgspec.MsgspecError) as error:
            raise PluginError(f"{file} has no rows of known upstreams: {error}") from error
        for name, row in (own or {}).items():
            rows[name.lower()] = row.over(rows.get(name.lower(), UNKNOWN))
        return cls(rows)

    def find(self, name: str, host: str = "") -> Known:
        """The row whose host is the nearest to this one; else the one of the endpoint's name; else an empty one."""
        found = [(len(own), row) for row in self.rows.values() for own in row.hosts or () if _below(host, own)]
        if found:
            return max(found, key=lambda pair: pair[0])[1]
        name = name.lower()
        return self.rows.get(name) or next((row for row in self.rows.values() if _named(name, row)), UNKNOWN)


def _first(value: bool | None, default: bool) -> bool:
    return default if value is None else value


def _below(host: str, parent: str) -> bool:
    host = host.lower()
    return host == parent or host.endswith("." + parent)


def _named(name: str, row: Known) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in row.names or ())
