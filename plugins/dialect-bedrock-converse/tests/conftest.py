"""AWS event streams as an upstream writes them, and requests that AWS's own service model accepts."""

from __future__ import annotations

import json
from binascii import crc32
from collections.abc import Callable
from struct import pack
from typing import Any

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator
from gateway_dialect_bedrock_converse.client import ConverseClient

from gateway import Block, Call, Encoded, Message
from gateway.testing import replay

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
Framer = Callable[..., bytes]


def framed(headers: bytes, payload: bytes) -> bytes:
    prelude = pack("!II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + pack("!I", crc32(prelude)) + headers + payload
    return message + pack("!I", crc32(message))


def text_headers(**values: str) -> bytes:
    """Names are written with underscores for hyphens and the colon before left out."""
    pairs = ((":" + name.replace("_", "-"), value) for name, value in values.items())
    return b"".join(
        pack("!B", len(name)) + name.encode() + b"\x07" + pack("!H", len(value)) + value.encode()
        for name, value in pairs
    )


@pytest.fixture(scope="session")
def frame() -> Framer:
    """`frame(event, payload)`, `frame(name, payload, "exception")`: one message. Bytes stand as they are."""

    def make(name: str, payload: Any, kind: str = "event") -> bytes:
        names = {"event": "event_type", "exception": "exception_type", "error": "error_code"}
        headers = text_headers(**{names[kind]: name, "message_type": kind, "content_type": "application/json"})
        return framed(headers, payload if isinstance(payload, bytes) else json.dumps(payload).encode())

    return make


@pytest.fixture(scope="session")
def raw_frame() -> Callable[[bytes, bytes], bytes]:
    return framed


@pytest.fixture(scope="session")
def encode() -> Callable[..., Encoded]:
    """`encode(call, model)`, for an upstream whose state domain is `here`."""
    client, service = ConverseClient(), get_session().get_service_model("bedrock-runtime")

    def run(call: Call, model: str = CLAUDE) -> Encoded:
        encoded = client.encode(call, replay.target(model, state_domain="here"))
        shape = service.operation_model("ConverseStream" if call.stream else "Converse").input_shape
        report = ParamValidator().validate({"modelId": model, **json.loads(encoded.body)}, shape)
        assert not report.has_errors(), report.generate_report()
        return encoded

    return run


@pytest.fixture(scope="session")
def written(encode: Callable[..., Encoded]) -> Callable[..., Any]:
    """`written(call, model, loss)`: the body; exactly that is lost."""

    def run(call: Call, model: str = CLAUDE, loss: tuple[str, ...] = ()) -> Any:
        encoded = encode(call, model)
        assert encoded.loss == loss
        return json.loads(encoded.body)

    return run


@pytest.fixture(scope="session")
def blocks(written: Callable[..., Any]) -> Callable[..., Any]:
    """`blocks(*content, model, loss)`: what one user message becomes."""

    def run(*content: Block, model: str = CLAUDE, loss: tuple[str, ...] = ()) -> Any:
        return written(Call("m", [Message("user", [*content])]), model, loss)["messages"][0]["content"]

    return run
