"""What each vendor's SDK hears of a recorded reply of another vendor is what that vendor's own SDK hears of it."""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from conversing import CLIENTS, Calls, Conversing, Finish, Heard, conversing

from gateway.testing.running import RunningGateway

Json = dict[str, Any]
OWN = {
    "openai.chat": "chat",
    "openai.responses": "responses",
    "anthropic.messages": "messages",
    "gemini.generateContent": "gemini",
}
"""Whose SDK reads the replies of an API."""
BEDROCK = "bedrock.converse"
KINDS = ("text", "calls", "thoughts")
EACH = 2
"""Recordings of each kind."""
FINISHES: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "calls",
}


def kind_of(row: Json) -> str:
    if row["thinking"]:
        return "thoughts"
    return "calls" if row["tools"] else "text"


def is_kind(kind: str, heard: Heard) -> bool:
    return bool({"text": heard.text, "calls": heard.calls, "thoughts": heard.thoughts}[kind])


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[Json]:
    """Of replies that say something, whole or in events."""
    found = map(json.loads, (shared / "corpus" / "index.jsonl").read_text().splitlines())
    return [row for row in found if row["status"] == 200 and row["has_request"] and not row["error"]]


@pytest.fixture(scope="module")
def bedrock(replay: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    environ = {
        "BEDROCK_AWS_BEARER_TOKEN": "k",
        "BEDROCK_AWS_DEFAULT_REGION": "us-east-1",
        "BEDROCK_REVERSE_PROXY": replay,
    }
    with RunningGateway(tmp_path_factory.mktemp("bedrock"), None, environ=environ) as running:
        yield running


@pytest.fixture(scope="module")
def clients(replaying: RunningGateway) -> Iterator[dict[str, Conversing]]:
    with conversing(replaying.url, replaying.key) as made:
        yield made


@pytest.fixture(scope="module")
def bedrock_clients(bedrock: RunningGateway) -> Iterator[dict[str, Conversing]]:
    with conversing(bedrock.url, bedrock.key) as made:
        yield made


def taken(rows: list[Json], api: str, kind: str, streamed: bool) -> list[Json]:
    bodies = ("sse", "aws-eventstream") if streamed else ("json",)
    found = [row for row in rows if row["api"] == api and row["body_kind"] in bodies]
    return [row for row in found if not kind or kind_of(row) == kind]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("api", OWN)
def test_every_sdk_hears_the_same(
    clients: dict[str, Conversing], rows: list[Json], recordings: list[Json], api: str, kind: str, streamed: bool
) -> None:
    asked = {one["id"]: one["asked"] for one in recordings}
    found = 0
    for row in taken(rows, api, kind, streamed):
        model = f"r{row['id']}/{asked[row['id']]}"
        expected = hear(clients[OWN[api]], model, streamed)
        if expected is None or not is_kind(kind, expected):
            continue
        compare(clients, model, streamed, expected, f"{row['id']} ({row['provider']})")
        found += 1
        if found == EACH:
            break
    assert found, "no recording is of this kind"


def hear(client: Conversing, model: str, streamed: bool) -> Heard | None:
    """None where the upstream's own SDK cannot read it, as with what others have made of its API."""
    try:
        return client.heard(client.reply(model, client.began(), streamed)).plain()
    except (TypeError, ValueError, AttributeError):
        return None


def compare(clients: dict[str, Conversing], model: str, streamed: bool, expected: Heard, name: str) -> None:
    for client in clients.values():
        heard = client.heard(client.reply(model, client.began(), streamed)).plain()
        assert heard == expected, f"{name}: {type(client).__name__}"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("client", CLIENTS)
def test_every_sdk_hears_what_bedrock_says(
    bedrock_clients: dict[str, Conversing],
    shared: Path,
    rows: list[Json],
    replay: str,
    client: str,
    kind: str,
    streamed: bool,
) -> None:
    one, found = bedrock_clients[client], 0
    for row in taken(rows, BEDROCK, "", streamed):
        expected = of_bedrock(json.loads((shared / "corpus" / row["file"]).read_text())["response"]).plain()
        if not is_kind(kind, expected):
            continue
        arm = json.dumps({"id": row["id"]}).encode()
        urllib.request.urlopen(replay + "/__replay/arm", arm).close()
        reply = one.reply(f"bedrock/{row['model'] or 'm'}", one.began(), streamed)
        assert one.heard(reply).plain() == expected, row["id"]
        found += 1
        if found == EACH:
            break
    assert found or (kind, streamed) == ("thoughts", True), "of all but this there are recordings"


def of_bedrock(response: Json) -> Heard:
    """By AWS's own reader of event streams."""
    if response["body_kind"] == "json":
        body = response["body"]
        wrote = body.get("usage", {}).get("outputTokens", 0)
        return of_content(body["output"]["message"]["content"], body["stopReason"], wrote)
    buffer = EventStreamBuffer()
    buffer.add_data(base64.b64decode(response["body"]))
    blocks: dict[int, Json] = {}
    stop, wrote = "", 0
    for message in buffer:
        kind, event = message.headers[":event-type"], json.loads(message.payload)
        if kind == "contentBlockStart":
            blocks[event["contentBlockIndex"]] = {"toolUse": {**event["start"]["toolUse"], "input": ""}}
        elif kind == "contentBlockDelta":
            add(blocks.setdefault(event["contentBlockIndex"], {}), event["delta"])
        elif kind == "messageStop":
            stop = event["stopReason"]
        elif kind == "metadata":
            wrote = event["usage"]["outputTokens"]
    return of_content([blocks[index] for index in sorted(blocks)], stop, wrote)


def add(block: Json, delta: Json) -> None:
    if "text" in delta:
        block["text"] = block.get("text", "") + delta["text"]
    if "toolUse" in delta:
        block["toolUse"]["input"] += delta["toolUse"]["input"]
    if "text" in delta.get("reasoningContent", {}):
        inner = block.setdefault("reasoningContent", {"reasoningText": {"text": ""}})["reasoningText"]
        inner["text"] += delta["reasoningContent"]["text"]


def of_content(content: list[Json], stop: str, wrote: int) -> Heard:
    calls: Calls = []
    for use in (block["toolUse"] for block in content if "toolUse" in block):
        given = use["input"]
        calls.append((use["name"], json.loads(given or "{}") if isinstance(given, str) else given))
    thoughts = [block["reasoningContent"].get("reasoningText", {}) for block in content if "reasoningContent" in block]
    return Heard(
        "".join(block.get("text", "") for block in content),
        "".join(thought.get("text", "") for thought in thoughts),
        calls,
        FINISHES.get(stop, "other"),
        wrote,
    )
