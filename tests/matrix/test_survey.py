"""The survey says what becomes of every feature, and sees what is dropped without a word."""

from __future__ import annotations

import msgspec
import pytest

from gateway import Call, ClientDialect, Encoded, Encoder, Event, Framing, Inbound, Sampling, ServerDialect, Target
from gateway.events import BlockDelta
from gateway.matrix import Row, survey
from gateway.matrix.markdown import SIGNS, tables
from gateway.testing import installed

SERVERS = list(installed.servers())
CLIENTS = {one.name: one for one in installed.clients()}


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return survey(SERVERS, CLIENTS)


def fate(rows: list[Row], side: str, feature: str, client: str, upstream: str) -> str:
    [row] = [row for row in rows if (row.side, row.feature) == (side, feature)]
    return row.fates[client][upstream]


def test_no_pair_loses_anything_in_silence(rows: list[Row]) -> None:
    silent = [
        (row.side, row.feature, client, upstream)
        for row in rows
        for client, by in row.fates.items()
        for upstream, fate in by.items()
        if fate == "silent"
    ]
    assert silent == []


def test_text_tools_and_usage_are_kept_between_all(rows: list[Row]) -> None:
    for side, feature in (("call", "text"), ("call", "tools"), ("call", "tool results"), ("reply", "text")):
        for client in rows[0].fates:
            for upstream in rows[0].fates[client]:
                assert fate(rows, side, feature, client, upstream) in ("kept", "mapped"), (feature, client, upstream)


def test_reasonings_proof_is_carried_through_every_foreign_dialect(rows: list[Row]) -> None:
    [row] = [row for row in rows if row.feature == "reasoning's proof"]
    fates = {fate for by in row.fates.values() for fate in by.values()}
    assert fates <= {"kept", "mapped", ""}, row.fates


def test_what_a_client_cannot_say_is_no_row_of_its_own(rows: list[Row]) -> None:
    """Written in words that mean something else, it would be their fate that is told."""
    some, budget = "tool choice: some of them", "reasoning budget"
    assert fate(rows, "call", some, "anthropic-messages", "openai-chat") == ""
    assert fate(rows, "call", some, "gemini", "openai-chat") == "kept"
    assert fate(rows, "call", budget, "open-responses", "openai-chat") == ""
    assert fate(rows, "call", budget, "anthropic-messages", "gemini") == "kept"
    assert fate(rows, "call", budget, "anthropic-messages", "open-responses") == "mapped"


class Mute(ServerDialect):
    """A server dialect whose encoder drops citations without naming them."""

    def __init__(self, inner: ServerDialect) -> None:
        self._inner = inner
        self.name = inner.name  # type: ignore[misc]
        self.operations = inner.operations  # type: ignore[misc]

    def encoder(self, call: Call, inbound: Inbound, framing: Framing) -> Encoder:
        encoder = self._inner.encoder(call, inbound, framing)
        inner = encoder.encode

        def encode(event: Event) -> bytes:
            if isinstance(event, BlockDelta):
                event = msgspec.structs.replace(event, citation=None)
            return inner(event)

        encoder.encode = encode  # type: ignore[method-assign]
        return encoder

    def peek(self, inbound):  # type: ignore[no-untyped-def]
        return self._inner.peek(inbound)

    def decode(self, inbound: Inbound) -> Call:
        return self._inner.decode(inbound)

    def encode_error(self, error, inbound):  # type: ignore[no-untyped-def]
        return self._inner.encode_error(error, inbound)

    def encode_models(self, models, inbound):  # type: ignore[no-untyped-def]
        return self._inner.encode_models(models, inbound)


def test_what_an_encoder_drops_in_silence_is_seen() -> None:
    servers = [Mute(one) if one.name == "openai-chat" else one for one in SERVERS]
    rows = survey(servers, CLIENTS)
    assert fate(rows, "reply", "web citations", "openai-chat", "open-responses") == "silent"


def test_what_a_client_half_drops_in_silence_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    responses = CLIENTS["open-responses"]
    encode = type(responses).encode

    def forgetful(self: ClientDialect, call: Call, target: Target) -> Encoded:
        if call.sampling.temperature is not None:
            call = msgspec.structs.replace(call, sampling=Sampling())
        return encode(self, call, target)

    monkeypatch.setattr(type(responses), "encode", forgetful)
    rows = survey(SERVERS, CLIENTS)
    assert fate(rows, "call", "temperature", "openai-chat", "open-responses") == "silent"


def test_the_tables_have_a_row_for_a_feature_and_a_column_for_an_upstream(rows: list[Row]) -> None:
    lines = tables(rows).splitlines()
    assert "| temperature | ●" in "\n".join(lines)
    assert any(line.startswith("| | ") and "open-responses" in line for line in lines)
    assert SIGNS["reported"] in "".join(lines)
