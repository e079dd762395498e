"""Names of tools: `<operationId>_action_<domain>` as in LibreChat, and as models can have them.

Source: LibreChat `api/server/services/ActionService.js` (`domainParser`), `packages/data-provider/src/actions.ts`.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode

DELIMITER = "_action_"
SEPARATOR = "---"
ENCODED_LENGTH = 10
LONGEST = 64
ALL = "sys__all__sys"
"""As an operation: all that the action has; our own, after LibreChat's word for all tools of an MCP server."""
_MCP = "_mcp_"
_ODD = re.compile(r"[^A-Za-z0-9_-]")


def encoded_domain(host: str) -> str:
    """host: with its port. Short ones stay legible; of longer ones LibreChat takes the beginning of their base64."""
    if len(host) <= ENCODED_LENGTH:
        return _ODD.sub("_", host.replace(".", SEPARATOR))
    return _ODD.sub("_", b64encode(host.encode()).decode()[:ENCODED_LENGTH])


def default_operation_id(method: str, path: str) -> str:
    """Of an operation that has none."""
    return _ODD.sub("", f"{method}_{path}")


def tool_name(operation: str, domain: str) -> str:
    plain = _ODD.sub("_", operation)
    if len(plain) + len(DELIMITER) + len(domain) > LONGEST:
        return marked(operation, operation, domain)
    return plain + DELIMITER + domain


def marked(operation: str, whole: str, domain: str) -> str:
    """With a part of the hash of `whole`, which tells it from others of its name."""
    mark = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    room = LONGEST - len(DELIMITER) - len(domain) - len(mark) - 1
    return f"{_ODD.sub('_', operation)[:room]}_{mark}{DELIMITER}{domain}"


def is_action(wanted: str) -> bool:
    """An MCP server's tool may have our delimiter in its name, an operation theirs: the last one counts."""
    place = wanted.rfind(DELIMITER)
    return place > 0 and place > wanted.rfind(_MCP)
