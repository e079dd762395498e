"""Errors: JSON-RPC's, HTTP's, and tasks that end otherwise than well.

Source: A2A 1.0, section 5.4 "Error code mappings".
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway import UpstreamBroken, UpstreamError, UpstreamRefused
from gateway.wire import jsontext, refusals

_STATUSES = {
    -32700: 400,
    -32600: 400,
    -32602: 400,
    -32001: 404,
    -32002: 400,
    -32004: 400,
    -32005: 415,
    -32008: 400,
}
"""Of what the call, and not the agent, is to blame for."""


def of_rpc(error: object) -> UpstreamError:
    """-32603, -32601 and -32009 are between the gateway and the agent: nothing that a caller can mend."""
    members = error if isinstance(error, dict) else {}
    code = members.get("code")
    words = refusals.said(error).message or "The agent refused the call."
    status = _STATUSES.get(code) if isinstance(code, int) else None
    name = f"a2a_{code}" if isinstance(code, int) else "a2a_error"
    return UpstreamBroken(words, code=name) if status is None else UpstreamRefused(words, status, code=name)


def of_http(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    if status < 400:
        return UpstreamBroken(f"The agent answered {status}, which is not followed.")
    return refusals.refused(refusals.said(jsontext.anything(body)), status, headers, b"")


def of_task(state: str, words: str) -> UpstreamError:
    """A task that was not done."""
    if state == "rejected":
        return UpstreamRefused(words or "The agent rejected the task.", 422, code="task_rejected")
    said = {"failed": "The agent's task failed.", "canceled": "The agent's task was canceled."}
    return UpstreamBroken(words or said.get(state, f"The agent's task ended as {state}."), code=f"task_{state}")
