"""A conversation is written down for a model, its summary is sealed for one user, and what stays is told as it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from gateway_dialect_open_responses.server import OpenResponsesServer
from gateway_dialect_open_responses.state.compacting import Compacting, question, staying
from gateway_dialect_open_responses.state.sealing import MARK, Seals, is_ours
from gateway_dialect_open_responses.state.transcript import transcript
from msgspec import Raw

from gateway import MOUNT, BadCall, Exchange, Inbound, Owner, Sink, Unavailable, UpstreamBroken, vault_of
from gateway.wire.jsontext import raw
from gateway.wire.members import Members

ANN, LIMITED = Owner("ann"), Owner("ann", "key_1")
SEALS = Seals(vault_of("0" * 64))


def sealed(summary: str = "Quinces.", owner: Owner = ANN) -> Raw:
    return raw({"type": "compaction", "id": "cmp_1", "encrypted_content": SEALS.sealed(summary, owner)})


def text_of(kind: str, **part: str) -> list[dict[str, str]]:
    return [{"type": kind, **part}]


WRITTEN: dict[str, tuple[dict[str, Any], str]] = {
    "plain": ({"role": "user", "content": "Hi"}, "[user]\nHi"),
    "message": ({"type": "message", "role": "system", "content": text_of("input_text", text="x")}, "[system]\nx"),
    "picture": ({"role": "user", "content": text_of("input_image", image_url="data:x")}, "[user]\n(image)"),
    "file": ({"role": "user", "content": text_of("input_file", filename="a.pdf")}, "[user]\n(file a.pdf)"),
    "refusal": ({"role": "assistant", "content": text_of("refusal", refusal="No.")}, "[assistant]\nNo."),
    "call": (
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        "[assistant calls f (c)]\n{}",
    ),
    "custom": ({"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "x"}, "[assistant calls f (c)]\nx"),
    "mcp": (
        {"type": "mcp_call", "name": "f", "arguments": "{}", "output": "42"},
        "[assistant calls f (here)]\n{}\n[result]\n42",
    ),
    "result": (
        {"type": "function_call_output", "call_id": "c", "output": text_of("input_text", text="ok")},
        "[result of c]\nok",
    ),
    "thoughts": (
        {"type": "reasoning", "summary": text_of("summary_text", text="Hm."), "encrypted_content": "S"},
        "[assistant, thinking]\nHm.",
    ),
    "hidden": ({"type": "reasoning", "summary": [], "encrypted_content": "S"}, ""),
    "other": (
        {"type": "web_search_call", "id": "w", "status": "completed", "action": {"query": "q"}},
        '[web_search_call]\n{"action":{"query":"q"}}',
    ),
    "sealed": ({"type": "compaction", "encrypted_content": "S"}, ""),
    "wrong": ({"role": 7}, '{"role":7}'),
}


@pytest.mark.parametrize(("item", "text"), WRITTEN.values(), ids=WRITTEN)
def test_each_sort_of_item_is_written_down(item: dict[str, Any], text: str) -> None:
    assert transcript([raw(item)]) == text


def test_a_summary_is_read_by_its_owner_alone() -> None:
    [message] = SEALS.opened([sealed()], ANN)
    assert json.loads(bytes(message))["content"][0]["text"].endswith(":\n\nQuinces.")
    other = raw({"type": "compaction", "encrypted_content": "S"})
    assert SEALS.opened([other], ANN) == [other]
    for broken, owner in ((sealed(), LIMITED), (Raw(bytes(sealed()).replace(b'"}', b'A"}')), ANN)):
        with pytest.raises(BadCall) as caught:
            SEALS.opened([broken], owner)
        assert caught.value.code == "invalid_encrypted_content"
    with pytest.raises(Unavailable, match="CREDS_KEY"):
        Seals(None).check()


def test_what_merely_speaks_of_a_summary_is_none() -> None:
    assert is_ours(sealed())
    assert not is_ours(raw({"type": "message", "role": "user", "content": MARK}))
    assert not is_ours(raw({"type": "compaction", "encrypted_content": "x" + MARK}))
    assert not is_ours(Raw(b'"gwCompact1"'))


def test_the_users_messages_and_what_others_sealed_stay() -> None:
    user, theirs = raw({"role": "user", "content": "Hi"}), raw({"type": "compaction", "encrypted_content": "S"})
    said = [raw({"role": "system", "content": "x"}), theirs, user, raw({"role": "assistant", "content": "y"}), sealed()]
    assert staying(said) == [theirs, user]


@pytest.mark.parametrize("runs", [False, True])
def test_tools_are_not_run_for_a_summary(runs: bool) -> None:
    asked = json.loads(question(Members({"model": raw("m"), "tools": raw([])}), [], runs))
    assert ("tools" in asked, asked.get("tool_choice"), asked["store"]) == (False, "none" if runs else None, False)


class Heard(Sink):
    def __init__(self) -> None:
        self.body: Any = None

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.body = json.loads(body)

    async def begin(self, status: int, headers: Mapping[str, str]) -> None: ...

    def put(self, data: bytes) -> bool:
        return True

    async def end(self) -> None: ...

    def abort(self) -> None: ...


def compacting() -> Compacting:
    async def receive() -> bytes:
        return b""

    dialect = OpenResponsesServer()
    inbound = Inbound(dialect.operations[0], MOUNT, {}, {}, {}, "", receive)
    return Compacting(Exchange(inbound, dialect, id="ex_7"), ANN, SEALS, [raw({"role": "user", "content": "Hi"})])


def reply(status: str = "completed", text: str = "Notes.") -> bytes:
    part = {"type": "output_text", "text": text}
    output = [{"type": "reasoning", "summary": []}, {"type": "message", "content": [part]}]
    return json.dumps({"status": status, "output": output, "usage": None}).encode()


async def test_a_summary_is_told_as_openai_tells_it() -> None:
    heard = Heard()
    sink = compacting().sink(heard)
    await sink.whole(200, {}, reply())
    told = heard.body
    assert (told["id"], told["object"], told["usage"]["total_tokens"]) == ("resp_7", "response.compaction", 0)
    assert [item.get("type", "message") for item in told["output"]] == ["message", "compaction"]
    assert told["output"][1]["id"] == "cmp_7"
    [opened] = SEALS.opened([raw(told["output"][1])], ANN)
    assert b"Notes." in bytes(opened)
    await sink.whole(400, {}, b'{"error": "as it came"}')
    assert heard.body == {"error": "as it came"}


@pytest.mark.parametrize(
    "body", [reply("incomplete"), reply(text=" "), reply("failed")], ids=["cut", "empty", "failed"]
)
async def test_what_did_not_come_to_an_end_is_no_summary(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        await compacting().sink(Heard()).whole(200, {}, body)
