"""Names of tools: `<tool>_mcp_<server>` as in LibreChat, and as models can have them.

Models take 1 to 64 of `A-Za-z0-9_-`; MCP servers name tools with up to 128, dots included, and operators name servers
as they like. What does not fit is cut, and marked with a part of its hash, so that the same name always comes to the
same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

DELIMITER, ACTION = "_mcp_", "_action_"
"""The second stands in LibreChat's names of tools of another kind."""
ALL = "sys__all__sys"
"""As a tool: all that the server has."""
SERVER = "sys__server__sys"
"""As a tool: nothing; LibreChat's client marks by it which servers an agent uses."""
LONGEST = 64
LONGEST_ALIAS = 30
_ODD = re.compile(r"[^A-Za-z0-9_-]")
_ODD_TO_LIBRECHAT = re.compile(r"[^A-Za-z0-9_.-]")


class Wanted(NamedTuple):
    """tool: as the agent has it. server: a name of mcpServers, or "" where none of these is meant."""

    tool: str
    server: str


def fitted(name: str, longest: int) -> str:
    """The same for the same name, and never that of another one that fits."""
    plain = _ODD.sub("_", name)
    if plain == name and len(name) <= longest:
        return name
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[: longest - len(mark) - 1]}_{mark}"


def aliases(servers: Iterable[str]) -> Mapping[str, str]:
    """Each server's name as it stands at the end of its tools' names."""
    return {server: fitted(server, LONGEST_ALIAS) for server in servers}


def tool_name(tool: str, alias: str) -> str:
    """As models see it."""
    return fitted(tool, LONGEST - len(DELIMITER) - len(alias)) + DELIMITER + alias


def normal(server: str) -> str:
    """As LibreChat writes a server's name in those of its tools."""
    return _ODD_TO_LIBRECHAT.sub("_", server).strip("_") if _ODD_TO_LIBRECHAT.search(server) else server


def is_mcp(wanted: str) -> bool:
    """Of two delimiters the last one counts."""
    return wanted.rfind(DELIMITER, 1) > wanted.rfind(ACTION)


class Names:
    """What servers may be called. Of two that LibreChat would call the same the first has it."""

    def __init__(self, servers: Iterable[str]) -> None:
        self.aliases = aliases(servers)
        spoken: dict[str, str] = {}
        for server, alias in self.aliases.items():
            for name in (server, alias, normal(server)):
                spoken.setdefault(name, server)
        spoken.update({server: server for server in self.aliases})
        self._endings = sorted(((DELIMITER + name, server) for name, server in spoken.items()), key=_longest_first)

    def split(self, wanted: str) -> Wanted:
        """Where servers' names could both be meant it is the longer one."""
        for ending, server in self._endings:
            if wanted.endswith(ending) and len(wanted) > len(ending):
                return Wanted(wanted[: -len(ending)], server)
        return Wanted(wanted.partition(DELIMITER)[0], "")


def _longest_first(ending: tuple[str, str]) -> int:
    return -len(ending[0])
