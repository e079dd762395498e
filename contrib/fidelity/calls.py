"""Recorded calls through another dialect: what the upstream would be asked, against what the client said."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from types import ModuleType

import asked_chat
import asked_converse
import asked_gemini
import asked_messages
import asked_responses
from asked import Asked
from recordings import Spoken

from gateway.dialect import ClientDialect, Encoded, ServerDialect
from gateway.errors import GatewayError
from gateway.matrix.survey import request
from gateway.testing import replay

READERS: dict[str, ModuleType] = {
    "openai-chat": asked_chat,
    "open-responses": asked_responses,
    "anthropic-messages": asked_messages,
    "gemini": asked_gemini,
    "bedrock-converse": asked_converse,
}
MODELS = {"bedrock-converse": "anthropic.claude-sonnet-4-5-20250929-v1:0", "gemini": "gemini-3-pro"}
"""Where a dialect writes what the model takes; of a model that nobody knows it expects the least."""
WORDS = {
    "system": "system|instructions|messages|input",
    "user": "messages|input|contents",
    "assistant": "messages|input|contents",
    "calls": "messages|input|contents|tool|function",
    "results": "messages|input|contents|tool",
    "media": "messages|input|contents",
    "tools": "tools|functions",
    "choice": "tool_choice|toolConfig|function_call",
    "schema": "response_format|text|output|response|generationConfig",
    "limit": "max",
    "temperature": "temperature",
    "top_p": "top_p|topP",
    "stop": "stop",
}
"""What the loss report must say for a difference to count as reported."""


@dataclass(frozen=True)
class Outcome:
    """verdict: agreed, lossy (every difference is named), refused (400 or 422), failed."""

    verdict: str
    note: str = ""


def path_of(recording: Spoken) -> str:
    """Where its dialect is served."""
    if recording.dialect == "gemini":
        verb = recording.path.rpartition(":")[2]
        return f"/models/m:{verb}"
    return {"openai-chat": "/chat/completions", "open-responses": "/responses"}.get(recording.dialect, "/messages")


def asked_through(recording: Spoken, server: ServerDialect, upstream: ClientDialect) -> Outcome:
    body = json.dumps(recording.request).encode()
    inbound = request(server, Encoded(path_of(recording), body, recording.query))
    try:
        call = server.decode(inbound)
        call.model = model = MODELS.get(upstream.name, "m")
        encoded = upstream.encode(call, replay.target(model, state_domain="elsewhere"))
    except GatewayError as error:
        return Outcome("refused", f"{recording.name}: {error.status} {error.public}")
    wanted = READERS[server.name].read(recording.request or {})
    got = READERS[upstream.name].read(json.loads(encoded.body))
    differ = [one.name for one in fields(Asked) if not same(one.name, wanted, got)]
    if not differ:
        return Outcome("agreed")
    verdict = "lossy" if all(told(name, encoded.loss) for name in differ) else "failed"
    notes = [f"{name}: {getattr(wanted, name)!r:.200} became {getattr(got, name)!r:.200}" for name in differ]
    return Outcome(verdict, f"{recording.name}: {'; '.join(notes)} {list(encoded.loss)}")


def told(name: str, loss: Sequence[str]) -> bool:
    return any(re.search(WORDS[name], path, re.IGNORECASE) for path in loss)


OURS = re.compile(r"Result of the tool call [\w-]+:|The tool's result is in the next message\.")
"""What is said in place of an image that a tool's result cannot hold, and stands in the next message."""
STAND_IN = "This tool is no longer there."
"""The description of a tool that the client calls no more, which some upstreams want declared all the same."""


def same(name: str, wanted: Asked, got: Asked) -> bool:
    left, right = getattr(wanted, name), getattr(got, name)
    if name == "limit" and left is None:
        return True  # where a dialect demands one, it is made up
    if name in ("temperature", "top_p") and left == 1 and right is None:
        return True  # what it is by default; some models take one of them alone, or none while they think
    if name in ("user", "assistant"):
        return "".join(left) == "".join(right) or _squeezed(left) == _squeezed(right)
    if name == "system":
        return _squeezed([left]) == _squeezed([right])
    if name == "choice":
        return left == right or {left or "auto", right or "auto"} == {"auto"}
    if name == "results":
        return [_loose(one) for one in left] == [_loose(one) for one in right]
    if name == "tools":
        right = [tool for tool in right if tool[1] != STAND_IN]
    if name == "media":
        return [_bytes(one) for one in left] == [_bytes(one) for one in right]
    if name == "schema":  # its description may stand beside it
        left, right = _undescribed(left), _undescribed(right)
    if name in ("schema", "tools"):
        return bool(_lower(left) == _lower(right))
    return bool(left == right)


def _squeezed(texts: Sequence[str]) -> str:
    """Turns are joined and parted by white space."""
    return re.sub(r"\s+", "", OURS.sub("", "".join(texts)))


def _loose(text: str) -> object:
    """JSON of a result, whatever its spacing; text under a customary name is that text."""
    text = OURS.sub("", text)
    try:
        found = json.loads(text)
    except ValueError:
        return text
    if isinstance(found, dict) and len(found) == 1:
        [only] = found.values()
        return _loose(only) if isinstance(only, str) else only
    return found


def _bytes(media: str) -> bytes:
    """What is inline as what it is, whatever the alphabet of its base64; text may stand as text."""
    try:
        return base64.b64decode(media.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        return media.encode()


def _undescribed(schema: object) -> object:
    return {n: v for n, v in schema.items() if n != "description"} if isinstance(schema, dict) else schema


SILENT = ("additionalProperties", "$schema", "title", "strict", "default", "propertyOrdering", "property_ordering")
TYPES = ("", "string", "number", "integer", "boolean", "array", "object", "null")
"""Of schemas, where they are told by number."""


def _lower(value: object) -> object:
    """Schemas, however their types are spelt; members that say nothing are left out, and no schema is an empty one."""
    if isinstance(value, dict):
        members = {name: inner for name, inner in value.items() if name not in SILENT and inner is not None}
        if isinstance(number := members.get("type"), int):
            members["type"] = TYPES[number]
        if members == {"type": "object", "properties": {}}:
            return None
        return {
            name: inner.lower() if name == "type" and isinstance(inner, str) else _lower(inner)
            for name, inner in members.items()
        }
    if isinstance(value, list | tuple):
        return [_lower(one) for one in value]
    return value
