"""A call to the body of a request, and what is lost on the way."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator
from gateway_dialect_bedrock_converse.client import ConverseClient
from msgspec import Raw

from gateway import (
    Call,
    Encoded,
    Limits,
    Message,
    Refusal,
    Sampling,
    State,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Unsupported,
)
from gateway.testing import replay

SERVICE = get_session().get_service_model("bedrock-runtime")
CLIENT = ConverseClient()
SCHEMA = Raw(b'{"type":"object"}')
HI = Message("user", [Text("Hi")])
CACHED = {"cache_control": Raw(b'{"type":"ephemeral"}')}
POINT = {"cachePoint": {"type": "default"}}
CALLED = [HI, Message("assistant", [ToolCall("c1", "f", "{}")]), Message("tool", [ToolResult("c1", [Text("ok")])])]
OLD, NOVA, LLAMA = "anthropic.claude-3-haiku-20240307-v1:0", "amazon.nova-lite-v1:0", "meta.llama3-8b-instruct-v1:0"
BUDGET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NEW, NEWEST = "us.anthropic.claude-opus-4-6-v1", "eu.anthropic.claude-sonnet-5"


def test_the_path_has_the_model_encoded_and_says_whether_it_streams(encode: Any) -> None:
    arn = "arn:aws:bedrock:us-east-1:1:x/y.z:0"
    path = "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ax%2Fy.z%3A0"
    assert CLIENT.encode(Call("m", [HI]), replay.target(arn)).path == f"{path}/converse"
    assert CLIENT.encode(Call("m", [HI], stream=True), replay.target(arn)).path == f"{path}/converse-stream"
    assert CLIENT.encode(Call("m", [HI]), replay.target("ü/\ud83d")).path == "/model/%C3%BC%2F%3F/converse"


def test_a_plain_call_has_only_what_it_says(written: Any) -> None:
    assert written(Call("m", [HI])) == {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}


def test_system_text_comes_first_and_what_moves_there_is_named(written: Any) -> None:
    messages = [Message("developer", [Text("Be kind.")]), HI, Message("system", [Text("Now rhyme.")])]
    body = written(Call("m", messages, [Text("Be brief.")]), loss=("messages[2].role",))
    assert body["system"] == [{"text": "Be brief."}, {"text": "Be kind."}, {"text": "Now rhyme."}]
    assert len(body["messages"]) == 1


def test_neighbours_of_one_role_are_one_message_with_results_first(encode: Any) -> None:
    calls = Message("assistant", [ToolCall("c1", "f", '{"a": 1.50}'), ToolCall("c2", "f", "")])
    results = [
        Message("tool", [ToolResult("c1", [Text("1")])]),
        Message("user", [Text("And?"), ToolResult("c2", [Text("2")])]),
    ]
    call = Call(
        "m", [HI, Message("assistant", [Text("I look.")]), calls, *results], tools=[Tool("f", parameters=SCHEMA)]
    )
    encoded = encode(call)
    assert b'"input":{"a": 1.50}' in encoded.body
    messages = json.loads(encoded.body)["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert [next(iter(block)) for block in messages[1]["content"]] == ["text", "toolUse", "toolUse"]
    assert [next(iter(block)) for block in messages[2]["content"]] == ["toolResult", "toolResult", "text"]


def test_blank_text_is_left_out_since_bedrock_refuses_it(written: Any) -> None:
    messages = [
        Message("user", [Text("Hi"), Text(" \n")]),
        Message("assistant", [Text("")]),
        Message("user", [Text("?")]),
    ]
    assert written(Call("m", messages))["messages"] == [{"role": "user", "content": [{"text": "Hi"}, {"text": "?"}]}]


def test_cache_control_is_a_cache_point_behind_where_the_family_keeps_a_cache(encode: Any, written: Any) -> None:
    hour = {"cache_control": Raw(b'{"type":"ephemeral","ttl":"1h"}')}
    call = Call(
        "m",
        [Message("user", [Text("Hi", CACHED), Text("there", hour)]), *CALLED[1:]],
        [Text("Be brief.", CACHED)],
        [Tool("f", parameters=SCHEMA, extra=CACHED)],
        extra=CACHED,
    )
    body = written(call, BUDGET)
    long = {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert body["system"] == [{"text": "Be brief."}, POINT]
    assert body["messages"][0]["content"] == [{"text": "Hi"}, POINT, {"text": "there"}, long]
    assert body["messages"][-1]["content"][-1] == POINT
    assert body["toolConfig"]["tools"][-1] == POINT
    nova = written(call, NOVA, loss=("messages[0].content[1].cache_control.ttl", "tools[0].cache_control"))
    assert nova["messages"][0]["content"][-1] == POINT
    lost = encode(call, LLAMA)
    assert b"cachePoint" not in lost.body
    assert "cache_control" in lost.loss
    assert "system[0].cache_control" in lost.loss


def test_sampling_and_limits(written: Any) -> None:
    sampling = Sampling(temperature=0.5, top_p=0.9, top_k=5, stop=("END", ""))
    call = Call("m", [HI], sampling=sampling, limits=Limits(max_output=9))
    body = written(call, OLD)
    assert body["inferenceConfig"] == {"maxTokens": 9, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]}
    assert body["additionalModelRequestFields"] == {"top_k": 5}
    assert body["additionalModelResponseFieldPaths"] == ["/stop_sequence"]
    nova = written(call, NOVA)
    assert nova["additionalModelRequestFields"] == {"inferenceConfig": {"topK": 5}}
    assert "additionalModelResponseFieldPaths" not in nova
    written(call, LLAMA, loss=("top_k",))
    both = written(call, loss=("top_p",))
    assert both["inferenceConfig"] == {"maxTokens": 9, "temperature": 0.5, "stopSequences": ["END"]}
    newest = written(call, NEWEST, loss=("temperature", "top_p", "top_k"))
    assert newest["inferenceConfig"] == {"maxTokens": 9, "stopSequences": ["END"]}
    hot = written(Call("m", [HI], sampling=Sampling(temperature=1.7)), loss=("temperature",))
    assert hot["inferenceConfig"] == {"temperature": 1.0}


def test_metadata_and_tier(written: Any) -> None:
    metadata = {"team": "a b", "bad": "ü", "long": "x" * 257} | {f"k{at}": "v" for at in range(16)}
    body = written(
        Call("m", [HI], metadata=metadata, service_tier="flex"), loss=("metadata.bad", "metadata.long", "metadata.k15")
    )
    assert body["requestMetadata"] == {"team": "a b"} | {f"k{at}": "v" for at in range(15)}
    assert body["serviceTier"] == {"type": "flex"}
    assert "serviceTier" not in written(Call("m", [HI], service_tier="auto"))
    written(Call("m", [HI], service_tier="scale"), loss=("service_tier",))


def test_all_else_that_has_no_place_is_named(encode: Any) -> None:
    call = Call(
        "m",
        [Message("user", [Text("Hi", {"x": SCHEMA})], name="Ann", phase="commentary", extra={"y": SCHEMA})],
        parallel_tool_calls=False,
        sampling=Sampling(
            frequency_penalty=0.0,
            presence_penalty=1.0,
            seed=0,
            logit_bias=SCHEMA,
            choices=2,
            logprobs=True,
            top_logprobs=3,
        ),
        limits=Limits(max_tool_calls=1, truncation="auto"),
        verbosity="low",
        state=State("r", "c", True, True),
        user="u",
        safety_identifier="s",
        prompt_cache_key="k",
        dialect="other",
        extra={"z": SCHEMA},
    )
    assert set(encode(call).loss) == {
        *("messages[0].name", "messages[0].phase", "messages[0].y", "messages[0].content[0].x"),
        *("frequency_penalty", "presence_penalty", "seed", "logit_bias", "n", "logprobs", "top_logprobs"),
        *("parallel_tool_calls", "max_tool_calls", "truncation", "verbosity", "previous_response_id", "conversation"),
        *("store", "background", "user", "safety_identifier", "prompt_cache_key", "z"),
    }
    assert encode(Call("m", [HI], parallel_tool_calls=True, sampling=Sampling(choices=1))).loss == ()


def test_a_refusal_is_what_was_said(written: Any) -> None:
    assert written(Call("m", [HI, Message("assistant", [Refusal("No.")])]))["messages"][1]["content"] == [
        {"text": "No."}
    ]


def test_a_lone_surrogate_is_written_as_json_can(encode: Any) -> None:
    assert json.loads(CLIENT.encode(Call("m", [Message("user", [Text("\ud83d")])]), replay.target("m")).body)


def test_tokens_are_counted_of_the_same_members() -> None:
    call = Call("m", [HI], [Text("Be brief.")], [Tool("f")], limits=Limits(max_output=5))
    encoded = CLIENT.encode_count(call, replay.target(NOVA))
    assert encoded is not None
    assert encoded.path == "/model/amazon.nova-lite-v1%3A0/count-tokens"
    body = json.loads(encoded.body)
    assert set(body["input"]["converse"]) == {"messages", "system", "toolConfig"}
    shape = SERVICE.operation_model("CountTokens").input_shape
    assert not ParamValidator().validate({"modelId": NOVA, **body}, shape).has_errors()
    assert CLIENT.decode_count(b'{"inputTokens":7}') == 7


def test_nothing_passes_through(encode: Any) -> None:
    target = replay.target("m")
    with pytest.raises(Unsupported):
        CLIENT.edit(None, None, target)  # type: ignore[arg-type]
    with pytest.raises(Unsupported):
        CLIENT.tap(target, False, Encoded("/", b""), None)  # type: ignore[arg-type]
    assert msgspec.json.decode(encode(Call("m", [HI])).body)
