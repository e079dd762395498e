"""The API version and the betas: what a client says of them, and what an upstream is told.

Source: Anthropic, "API version 2026-10-21": it refuses `temperature`, `top_p` and `top_k`, whatever their values. So
a call with one of them goes out under 2023-06-01, under which models that know them still honour them.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

from gateway import Inbound

VERSION = "anthropic-version"
BETA = "anthropic-beta"
BETA_QUERY = "beta"
"""What the vendor's SDKs put behind the path where they speak its beta; since 2.0 the one for Python does not."""
CONNECTORS = "mcp-client-"
"""The beta that has tools of MCP servers."""
OLD = "2023-06-01"
NEW = "2026-10-21"
SAMPLING = ("temperature", "top_p", "top_k")


def headers(members: Container[str], asked: str | None, betas: str | None) -> Mapping[str, str]:
    """members: of the body that goes out. asked: the client's version; one that is not known counts as none."""
    sampled = any(name in members for name in SAMPLING)
    out = {VERSION: NEW if asked == NEW and not sampled else OLD}
    return out | {BETA: betas} if betas else out


def knows_connectors(inbound: Inbound) -> bool:
    """Whether the client says that it reads blocks of connectors' tools as the vendor streams them."""
    return inbound.query.get(BETA_QUERY) == "true" or CONNECTORS in inbound.headers.get(BETA, "")
