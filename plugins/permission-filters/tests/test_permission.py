"""What of a call is looked at, and what its caller is told."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import gateway_permission_filters
import msgspec
import pytest

from gateway import (
    MOUNT,
    BadCall,
    Call,
    Exchange,
    File,
    Image,
    Inbound,
    Message,
    Opaque,
    Operation,
    OutputFormat,
    Permission,
    Reasoning,
    Sampling,
    Services,
    SettingsError,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from gateway.testing import endpoints
from gateway.testing.toy import ToyServer

BADGE = {"id": "badge", "label": "badge number", "regex": "BADGE-[0-9]{6}"}
MINE = {"starterPatterns": [], "customPatterns": [BADGE]}
SECRET = "my BADGE-123456 here"
OLDER = {"messageFilter": {"pii": MINE}}


def newer(source: str, **pii: Any) -> dict[str, Any]:
    return {"filters": {source: {"pii": {**MINE, **pii}}}}


class Speaks(ToyServer):
    """A dialect whose call is given."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def decode(self, inbound: Inbound) -> Call:
        return self.call


@pytest.fixture
def made(gateway_services: Services) -> Callable[[Any], list[Permission]]:
    def go(given: Any) -> list[Permission]:
        settings = endpoints.settings(gateway_permission_filters, given)
        return list(gateway_permission_filters.register_permissions(settings, gateway_services))

    return go


def exchanged(call: Call, kind: str = "generate", body: bytes = b"") -> Exchange:
    async def receive() -> bytes:
        return body

    inbound = Inbound(Operation(kind, "POST", "/toy"), MOUNT, {}, {}, {}, "", receive, body)  # type: ignore[arg-type]
    return Exchange(inbound, Speaks(call))


async def told(made: Any, given: Any, call: Call, kind: str = "generate", body: bytes = b"") -> tuple[str, str] | None:
    """Code and text of the refusal; None where it passes."""
    [permission] = made(given)
    try:
        assert await permission.check(exchanged(call, kind, body), None) is None
    except BadCall as error:
        refused = error
    else:
        return None
    assert refused.status == 400
    assert "123456" not in refused.public
    return str(refused.code), refused.public


def said(*blocks: Any, role: Any = "user", **fields: Any) -> Call:
    return Call("m", [Message(role, list(blocks), **fields)])


SCHEMA = msgspec.Raw(json.dumps({"type": "object", "properties": {"x": {"description": SECRET}}}).encode())
NESTED = msgspec.Raw(json.dumps({"type": "odd", "inner": [{"words": SECRET}]}).encode())
PLACES: list[tuple[Call, set[str]]] = [
    (said(Text(SECRET)), {"older", "messages:text", "messages:content_part"}),
    (
        said(Text("a"), Text(SECRET), role="assistant"),
        {"older", "messages:text", "messages:content_part", "messages:assembled_context"},
    ),
    (said(Text(SECRET), role="developer"), {"older", "messages:text", "agentInstructions:instructions"}),
    (Call("m", system=[Text(SECRET)]), {"older", "messages:text", "agentInstructions:instructions"}),
    (said(Text("BADGE-123"), Text("456")), {"messages:assembled_context"}),
    (said(Text("a"), name=SECRET), {"messages:name"}),
    (said(ToolResult("c", [Text(SECRET)]), role="tool"), {"older", "messages:text", "toolArguments:output"}),
    (said(ToolCall("c", "f", SECRET), role="assistant"), {"toolArguments:arguments"}),
    (said(ToolCall("c", SECRET), role="assistant"), {"toolArguments:name"}),
    (said(Reasoning(SECRET), role="assistant"), {"messages:content_part"}),
    (said(Image(url=f"https://x.example/{SECRET}")), {"messages:attachment_reference", "files:uri"}),
    (said(File(data="eA==", filename=SECRET)), {"messages:attachment_reference", "files:name"}),
    (said(File(file_id=SECRET)), {"messages:attachment_reference"}),
    (said(Opaque("toy", "odd", NESTED)), {"older", "messages:content_part"}),
    (said(Opaque("toy", "odd", NESTED), role="assistant"), set()),
    (Call("m", tools=[Tool(SECRET)]), {"agentInstructions:name"}),
    (Call("m", tools=[Tool("t", SECRET)]), {"agentInstructions:description"}),
    (Call("m", tools=[Tool("t", parameters=SCHEMA)]), {"toolArguments:arguments"}),
    (Call("m", sampling=Sampling(stop=("a", SECRET))), {"modelParameters:stop"}),
    (Call("m", metadata={"a": SECRET}), {"modelParameters:metadata"}),
    (Call("m", metadata={SECRET: "a"}), {"modelParameters:metadata"}),
    (Call("m", output_format=OutputFormat("schema", schema=SCHEMA)), {"modelParameters:response_format"}),
    (Call("m", user=SECRET), {"modelParameters:request_fields"}),
    (Call("m", extra={"odd": NESTED}), {"modelParameters:request_fields"}),
]
FIELDS = sorted({place for _, places in PLACES for place in places} - {"older"})


@pytest.mark.parametrize(("call", "places"), PLACES, ids=[str(number) for number in range(len(PLACES))])
async def test_each_place_is_looked_at_by_the_policies_for_it_and_by_no_other(
    made: Any, call: Call, places: set[str]
) -> None:
    assert (await told(made, OLDER, call) is not None) is ("older" in places)
    for place in FIELDS:
        source, field = place.split(":")
        found = await told(made, newer(source, fields=[field]), call) is not None
        text = {"messages:text", "messages:content_part"}
        assert found is (place in places or (place in text and bool(text & places))), place
    for source in {place.split(":")[0] for place in FIELDS}:
        expected = any(place.startswith(source) for place in places)
        assert (await told(made, newer(source), call) is not None) is expected, source


async def test_the_refusals_are_librechats(made: Any) -> None:
    call = said(Text(SECRET))
    older = ("message_filter_pii_block", "Message contains a badge number. Remove it and try again.")
    block = ("content_filter_block", "Submitted content contains a badge number. Remove it and try again.")
    assert await told(made, OLDER, call) == older
    assert await told(made, newer("messages"), call) == block
    assert await told(made, {**OLDER, **newer("messages")}, call) == older


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("use sk-abc_123-X", "sk- prefix token"),
        ("Authorization: bearer xyz", "Bearer token"),
        ("API-KEY: 1234", "api-key header"),
        ("api-key 1234", "api-key header"),
        ("a task-force and risk-free", None),
        ("the bearer of this", "Bearer token"),
        ("an api-key", None),
    ],
)
async def test_librechats_own_patterns_are_there_by_default(made: Any, text: str, label: str | None) -> None:
    found = await told(made, {"messageFilter": {"pii": {}}}, said(Text(text)))
    assert (found and found[1]) == (label and f"Message contains a {label}. Remove it and try again.")


async def test_starters_can_be_chosen(made: Any) -> None:
    given = {"messageFilter": {"pii": {"starterPatterns": ["bearer_header", "unknown"]}}}
    assert await told(made, given, said(Text("sk-abc"))) is None
    assert await told(made, given, said(Text("Bearer abc"))) is not None


async def test_what_is_audited_passes_and_is_told_in_the_log_once_without_its_text(
    made: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    call = Call("m", [Message("user", [Text(f"{SECRET} {number}")]) for number in range(50)])
    assert await told(made, newer("messages", action="audit"), call) is None
    [record] = caplog.records
    line = record.getMessage()
    assert "badge number (badge) in text, 50 times; only audited" in line
    assert "123456" not in line


@pytest.mark.parametrize("block", [Image(data="eA=="), File(file_id="f"), File(url="https://x.example/f.pdf")])
@pytest.mark.parametrize("inside", [False, True])
async def test_files_are_refused_where_the_operator_wants_none_unseen(made: Any, block: Any, inside: bool) -> None:
    call = said(ToolResult("c", [block]), role="tool") if inside else said(block)
    refused = ("content_filter_uninspectable", "Submitted file content could not be inspected before processing.")
    assert await told(made, newer("files", uninspectable="block"), call) == refused
    assert await told(made, newer("files", uninspectable="block"), said(Text("a"))) is None
    assert await told(made, newer("files", uninspectable="block", fields=["name"]), call) is None
    assert await told(made, newer("files", uninspectable="allow"), call) is None


async def test_counting_tokens_is_filtered_too(made: Any) -> None:
    assert await told(made, OLDER, said(Text(SECRET)), "count") is not None


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"prompt": SECRET}, True),
        ({"input": ["a", SECRET]}, True),
        ({"input": [[1, 2]], "image": f"data:image/png;base64,{SECRET}"}, False),
        ({"prompt": "fine"}, False),
    ],
)
async def test_bodies_without_messages_are_looked_through(made: Any, body: Any, refused: bool) -> None:
    found = await told(made, OLDER, Call("m"), "media", msgspec.json.encode(body))
    assert (found is not None) is refused


async def test_forms_and_lists_of_models_pass(made: Any) -> None:
    assert await told(made, OLDER, Call("m"), "media", f"--b\r\n\r\n{SECRET}".encode()) is None
    assert await told(made, OLDER, said(Text(SECRET)), "models") is None


async def test_text_that_is_no_unicode_is_looked_at_all_the_same(made: Any) -> None:
    assert await told(made, OLDER, said(Text("\ud800 BADGE-123456"))) is not None


async def test_an_expression_made_to_take_for_ever_takes_no_time(made: Any) -> None:
    slow = {"id": "slow", "label": "x", "regex": "(a+)+$"}
    given = {"messageFilter": {"pii": {"starterPatterns": [], "customPatterns": [slow]}}}
    assert await told(made, given, said(Text("a" * 200_000 + "b"))) is None


@pytest.mark.parametrize(
    "given",
    [
        "version: 1.3.5",
        {"messageFilter": {}},
        {"filters": {}},
        {"filters": {"prompts": {"pii": {}}, "messages": {}}},
        {"messageFilter": {"pii": {"starterPatterns": []}}},
        {"filters": {"messages": {"pii": {"starterPatterns": []}}}},
    ],
)
def test_where_nothing_is_filtered_nothing_is_added_to_a_request(made: Any, given: Any) -> None:
    assert made(given) == []


@pytest.mark.parametrize(
    ("custom", "told"),
    [
        ({"regex": "(?=x)y"}, r"messageFilter\.pii\.customPatterns\[0\]\.regex: .*RE2"),
        ({"regex": "["}, r"\.regex: "),
        ({"regex": ""}, r"\.regex: write a text"),
        ({"label": ""}, r"\.label: write a text of 1 to 512"),
        ({"id": "x" * 257}, r"\.id: write a text of 1 to 256"),
    ],
)
def test_a_pattern_that_cannot_be_kept_stops_the_start(made: Any, custom: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        made({"messageFilter": {"pii": {"customPatterns": [{**BADGE, **custom}]}}})
    with pytest.raises(SettingsError, match=told.replace("messageFilter", "filters.toolArguments")):
        made({"filters": {"toolArguments": {"pii": {"customPatterns": [{**BADGE, **custom}]}}}})


def test_all_that_is_wrong_is_told_at_once(made: Any) -> None:
    wrong = [{**BADGE, "regex": "("}, {**BADGE, "label": ""}, *[BADGE] * 256]
    with pytest.raises(SettingsError) as caught:
        made({"messageFilter": {"pii": {"customPatterns": wrong}}})
    assert len(str(caught.value).splitlines()) == 3


def test_a_word_for_files_that_is_none_stops_the_start(made: Any) -> None:
    with pytest.raises(SettingsError, match="neither `allow` nor `block`"):
        made(newer("files", uninspectable="maybe"))
