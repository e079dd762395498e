"""The dialect as clients speak it to us."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from gateway import (
    AGENTS_MOUNT,
    MOUNT,
    Call,
    Credential,
    Encoder,
    Envelope,
    Framing,
    GatewayError,
    Inbound,
    Model,
    Mount,
    Operation,
    Secret,
    ServerDialect,
    bearer_or_header,
)

from . import calls, counts, listing, outline, refusals
from .encoders import StreamEncoder, WholeEncoder
from .names import COUNT, GENERATE, NAME, STREAM, plain, verb

BETA = Mount("/v1beta")
BETAS = (Mount("/api/agents/v1beta", agents_only=True), BETA)
MOUNTS = (BETAS[0], AGENTS_MOUNT, MOUNT, BETA)
"""Google's SDKs call `/v1` from 3.0 on, `/v1beta` before."""
KEY, QUERY_KEY = "x-goog-api-key", "key"
_MODEL = "/models/{id}"


_ELSEWHERE = (
    Operation("generate", "POST", f"/{{model}}:{GENERATE}", BETAS, "The same for `tunedModels/ID` and the like"),
    Operation("generate", "POST", f"/{{model}}:{STREAM}", BETAS, "The same for `tunedModels/ID` and the like"),
    Operation("count", "POST", f"/{{model}}:{COUNT}", BETAS, "The same for `tunedModels/ID` and the like"),
)
"""Names that do not begin with `models/`: some clients put it only before names without a slash, as the AI SDK does.

Under `/v1` a base URL with a version too many would look the same.
"""


class GeminiServer(ServerDialect):
    name: ClassVar[str] = NAME
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation("generate", "POST", f"/models/{{model}}:{GENERATE}", MOUNTS, "Answer a conversation"),
        Operation("generate", "POST", f"/models/{{model}}:{STREAM}", MOUNTS, "Answer it piece by piece"),
        Operation("count", "POST", f"/models/{{model}}:{COUNT}", MOUNTS, "Count a conversation's tokens"),
        *_ELSEWHERE,
        Operation("models", "GET", "/models", MOUNTS, "List the models and agents that the caller may name"),
        Operation("models", "GET", _MODEL, MOUNTS, "Describe one of them"),
    )
    reply_headers: ClassVar[frozenset[str]] = frozenset(("server-timing", "x-gemini-service-tier"))
    bare_base: ClassVar[bool] = True

    def claims(self, inbound: Inbound) -> bool:
        """Other dialects list models on the same paths; how Google's clients show their key is theirs alone."""
        if inbound.operation.method != "GET" or inbound.mount.prefix.endswith(BETA.prefix):
            return True
        return KEY in inbound.headers or QUERY_KEY in inbound.query

    def credential(self, inbound: Inbound) -> Credential | None:
        shown = inbound.headers.get(KEY, "").strip()
        if shown:
            return Credential("header", Secret(shown))
        if (found := bearer_or_header(inbound, KEY)) is not None:
            return found
        shown = inbound.query.get(QUERY_KEY, "").strip()
        return Credential("query", Secret(shown)) if shown else None

    def wanted(self, inbound: Inbound) -> str | None:
        name = inbound.params.get("id")
        return None if name is None else plain(name)

    def peek(self, inbound: Inbound) -> Envelope:
        return outline.peek(inbound)

    def decode(self, inbound: Inbound) -> Call:
        envelope = outline.peek(inbound)
        return calls.decode(inbound.body, envelope.model or "", envelope.stream, verb(inbound.operation.path))

    def encoder(self, call: Call, inbound: Inbound, framing: Framing) -> Encoder:
        return StreamEncoder(call, framing == "array") if framing in ("sse", "array") else WholeEncoder(call)

    def encode_error(self, error: GatewayError, inbound: Inbound) -> bytes:
        return refusals.encode(error)

    def encode_models(self, models: Sequence[Model], inbound: Inbound) -> bytes:
        if inbound.operation.path == _MODEL and models:
            return listing.one(models[0])
        return listing.page(models, inbound)

    def encode_count(self, tokens: int, inbound: Inbound) -> bytes:
        return counts.reply(tokens)
