"""A Converse body to a call, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_dialect_bedrock_converse import calls
from gateway_dialect_bedrock_converse.client import ConverseClient

from gateway import BadCall, File, Image, Opaque, Reasoning, Text, ToolCall, ToolResult
from gateway.testing import replay

CLIENT = ConverseClient()
POINT = {"cachePoint": {"type": "default", "ttl": "1h"}}
GUARD = {"guardContent": {"text": {"text": "x", "qualifiers": ["query"]}}}
STORED = {"uri": "s3://b/c", "bucketOwner": "123456789012"}
ANSWERED = [{"json": {"a": 1}}, {"text": "t"}]
EVERYTHING: dict[str, Any] = {
    "system": [{"text": "Be brief."}, POINT, GUARD],
    "messages": [
        {
            "role": "user",
            "content": [
                {"text": "Hi"},
                {"text": ""},
                {"image": {"format": "png", "source": {"bytes": "AA=="}}},
                {
                    "image": {
                        "format": "png",
                        "source": {"s3Location": {"uri": "s3://b/c", "bucketOwner": "123456789012"}},
                    }
                },
                {"document": {"format": "pdf", "name": "my.paper [1]", "source": {"bytes": "AA=="}, "context": "c"}},
                {"document": {"name": "n", "source": {"text": "t"}}},
                {"video": {"format": "mp4", "source": {"bytes": "AA=="}}},
                GUARD,
                POINT,
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "s"}}},
                {"reasoningContent": {"reasoningText": {"text": "Hm"}}},
                {"reasoningContent": {"redactedContent": "AA=="}},
                {"citationsContent": {"content": [{"text": "a"}], "citations": [{"title": "t"}]}},
                {"toolUse": {"toolUseId": "a.b:c", "name": "f", "input": {"a": [1, 2.5]}}},
                {"toolUse": {"toolUseId": "t2", "name": "nova", "input": {}, "type": "server_tool_use"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"text": "before"},
                {
                    "toolResult": {
                        "toolUseId": "a.b:c",
                        "content": [{"json": {"a": 1}}, {"text": "t"}],
                        "status": "success",
                    }
                },
                {"toolResult": {"toolUseId": "t2", "content": [], "status": "error"}},
            ],
        },
        {"role": "user", "content": [{"text": "again"}]},
        {"role": "system", "content": [{"text": "from now on"}]},
    ],
    "inferenceConfig": {"maxTokens": 5, "temperature": 0.5, "topP": 0.9, "stopSequences": ["a"]},
    "toolConfig": {
        "tools": [
            {
                "toolSpec": {
                    "name": "f",
                    "description": "d",
                    "inputSchema": {"json": {"type": "object"}},
                    "strict": False,
                }
            },
            {"systemTool": {"name": "nova_grounding"}},
            POINT,
        ],
        "toolChoice": {"tool": {"name": "f"}},
    },
    "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"},
    "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}, "top_k": 4},
    "additionalModelResponseFieldPaths": ["/stop_sequence"],
    "requestMetadata": {"a": "ü"},
    "performanceConfig": {"latency": "optimized"},
    "promptVariables": {"v": {"text": "t"}},
    "serviceTier": {"type": "priority"},
    "outputConfig": {
        "textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": '{"a": 1}', "name": "n"}}},
        "effort": "low",
    },
}


def decode(body: Any) -> Any:
    return calls.decode(body if isinstance(body, bytes) else json.dumps(body).encode(), "m", False)


def test_a_body_with_everything_is_written_again_as_it_was() -> None:
    encoded = CLIENT.encode(decode(EVERYTHING), replay.target("m", state_domain="here"))
    assert encoded.loss == ()
    assert json.loads(encoded.body) == EVERYTHING


def test_blocks_are_canonical_where_there_is_such_a_form() -> None:
    first, second, third = decode(EVERYTHING).messages[:3]
    assert [type(block) for block in first.blocks[:6]] == [Text, Text, Image, Opaque, File, Opaque]
    assert [type(block) for block in second.blocks[:5]] == [Reasoning, Reasoning, Reasoning, Opaque, ToolCall]
    assert second.blocks[5].executor == "upstream"
    assert [type(block) for block in third.blocks] == [Text, ToolResult, ToolResult]
    assert [block.is_error for block in third.blocks[1:]] == [False, True]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        (b"[]", None),
        (b"\xff", None),
        ({"messages": 1}, "messages"),
        ({"messages": [1]}, "messages[0]"),
        ({"messages": [{"content": []}]}, "messages[0].role"),
        ({"messages": [{"role": "robot"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"text": 1}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"toolUse": {}}]}]}, "messages[0].content[0].toolUse.toolUseId"),
        ({"inferenceConfig": {"topP": "x"}}, "inferenceConfig.topP"),
        ({"toolConfig": {"tools": [{"toolSpec": {}}]}}, "toolConfig.tools[0].toolSpec.inputSchema"),
        ({"system": "x"}, "system"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(body: Any, param: str | None) -> None:
    with pytest.raises(BadCall) as raised:
        decode(body)
    assert raised.value.param == param
