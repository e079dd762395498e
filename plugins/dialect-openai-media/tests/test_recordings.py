"""Recorded traffic passes byte for byte, and its usage is read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from gateway_dialect_openai_media.client import MediaClient
from gateway_dialect_openai_media.server import MediaServer
from msgspec import Raw
from msgspec import json as msgjson

from gateway import Edit, Inbound, Usage
from gateway.testing import replay

CORPUS = Path(os.environ.get("GATEWAY_SHARED") or Path(__file__).parents[4] / "shared") / "corpus"
APIS = ("openai.embeddings", "openai.completions", "openai.images", "openai.audio", "rerank", "cohere.embed")
ENDLESS = "writer/589985ef73.json"
"""A stream of another dialect, `{"value": …}`, that does not say when it ends."""
SERVER, CLIENT = MediaServer(), MediaClient()
PATHS = [operation.path for operation in SERVER.operations]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    paths = sorted(path for api in APIS for path in CORPUS.glob(f"{api}/*/*.json"))
    absent = [pytest.param(None, marks=pytest.mark.skip(reason=f"no recordings at {CORPUS}"))]
    named = [pytest.param(path, id="-".join(path.parts[-3:])) for path in paths]
    if "recording" in metafunc.fixturenames:
        metafunc.parametrize("recording", named or absent)


def loaded(recording: Path) -> tuple[Inbound, dict[str, Any], bytes]:
    """A request to us for what was recorded, the recorded reply, and its bytes."""
    record = json.loads(recording.read_bytes())
    asked = record["request"]["body"]
    body = asked if isinstance(asked, dict) else {"model": "m"}
    path = next(path for path in PATHS if record["request"]["path"].endswith(path))
    request = replay.inbound(SERVER, json.dumps(body | {"model": body.get("model", "m")}).encode(), "/v1" + path)
    said = record["response"]["body"]
    return request, record["response"], said.encode() if isinstance(said, str) else json.dumps(said).encode()


def test_a_request_keeps_its_members(recording: Path) -> None:
    request, _, _ = loaded(recording)
    encoded = CLIENT.edit(request, Edit("served", usage=False), replay.target("served"))
    before, after = (msgjson.decode(body, type=dict[str, Raw]) for body in (request.body, encoded.body))
    assert list(after) == list(before)
    assert {name for name in before if bytes(before[name]) != bytes(after[name])} <= {"model"}
    assert encoded.loss == ()


@pytest.mark.parametrize("size", [0, 1, 13])
def test_a_reply_passes_byte_for_byte(recording: Path, size: int) -> None:
    request, response, said = loaded(recording)
    stream = response["body_kind"] == "sse"
    size = max(size, len(said) // 2000) if size else 0
    if response["status"] >= 400:
        error = CLIENT.decode_error(response["status"], {"content-type": "application/json"}, said)
        assert error.public
        return
    encoded = CLIENT.edit(request, Edit("served", usage=False), replay.target("served"))
    tap = CLIENT.tap(replay.target("served"), stream, encoded, request)
    passed = b"".join([tap.feed(piece) for piece in replay.pieces(said, size)]) + tap.finish()
    assert passed == said
    assert (tap.complete, tap.failed) == (not recording.match(ENDLESS), None)
    assert tap.usage == told(said)


def told(said: bytes) -> Usage | None:
    """By another way than the tap's."""
    lines = [line[5:] for line in said.splitlines() if line.startswith(b"data: {")]
    for body in reversed([json.loads(body) for body in lines or [said]]):
        usage = body.get("usage") or body.get("meta", {}).get("billed_units", {})
        read = [usage[name] for name in ("prompt_tokens", "input_tokens", "total_tokens") if name in usage]
        counts = (read[0] if read else None, usage.get("completion_tokens"))
        if counts != (None, None):
            return Usage(input=counts[0], output=counts[1])
    return None
