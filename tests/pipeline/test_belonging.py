"""Opaque state on a route of several makers: whose it is, and who gets to see it."""

from __future__ import annotations

import pytest
from msgspec import Raw

from gateway import (
    Audio,
    Call,
    Conflict,
    File,
    Image,
    Message,
    NotFound,
    Opaque,
    Provider,
    Reasoning,
    State,
    Target,
    Text,
    ToolCall,
    ToolResult,
)
from gateway.carrier import tag_id
from gateway.pipeline.belonging import NOBODY, Belongings, belongings, bind, places_of

NEAR = Target(Provider(), "near", "m", state_domain="near")
FAR = Target(Provider(), "far", "m", state_domain="far")
FAR_TOO = Target(Provider(), "far", "n", state_domain="far")


def proof(domain: str = "") -> Opaque:
    return Opaque("toy", "thinking", Raw(b'"sig"'), domain)


def said(*domains: str) -> Call:
    return Call("smart", [Message("assistant", [Reasoning("Hm.", proof=proof(domain))]) for domain in domains])


def test_the_last_proof_says_where_a_conversation_goes_on() -> None:
    assert belongings(said("near", "far", "")).latest == "far"
    assert belongings(said("")) == Belongings()
    call = Call(
        "smart", [Message("assistant", [Text("a", proof=proof("near")), ToolCall("1", "f", proof=proof("far"))])]
    )
    assert belongings(call).latest == "far"


def test_ids_are_found_wherever_they_stand() -> None:
    result = ToolResult("1", [Image(file_id="in-result")])
    blocks = [Text("x"), File(file_id="file"), Image(url="https://x"), Audio(id="audio"), result]
    call = Call("smart", [Message("user", list(blocks))], state=State(previous_response_id="r", conversation="c"))
    assert belongings(call).ids == ("r", "c", "file", "audio", "in-result")


def test_a_tagged_id_holds_a_call_to_the_targets_of_its_domain() -> None:
    targets = (NEAR, FAR, FAR_TOO)
    assert places_of((), targets) is None
    assert places_of((tag_id("r", "far"),), targets) == {1, 2}
    assert places_of((tag_id("r", "near"), tag_id("f", "near")), targets) == {0}


def test_an_id_of_which_nothing_says_whose_it_is_is_the_first_targets() -> None:
    assert places_of(("r",), (FAR, NEAR, FAR_TOO)) == {0, 2}


def test_ids_of_nobody_and_of_several_are_refused() -> None:
    with pytest.raises(NotFound, match="'r' was made by an upstream"):
        places_of((tag_id("r", "gone"),), (NEAR, FAR))
    with pytest.raises(Conflict):
        places_of((tag_id("r", "near"), tag_id("f", "far")), (NEAR, FAR))


def test_a_target_gets_its_ids_as_it_made_them() -> None:
    call = Call(
        "smart",
        [Message("user", [File(file_id=tag_id("f", "far")), Audio(id=tag_id("a", "far")), Image(file_id="own")])],
        state=State(previous_response_id=tag_id("r", "far")),
    )
    bound = bind(call, FAR, several=True)
    assert belongings(bound).ids == ("r", "f", "a", "own")


def test_nobody_gets_anothers_id() -> None:
    with pytest.raises(NotFound):
        bind(Call("smart", state=State(previous_response_id=tag_id("r", "far"))), NEAR, several=False)


def test_a_proof_of_which_nothing_says_whose_it_is_goes_to_nobody() -> None:
    call = said("", "near")
    call.messages.append(Message("assistant", [Text("t", proof=proof()), ToolCall("1", "f", proof=proof()), proof()]))
    call.messages.append(Message("user", [proof(), ToolResult("1", [proof()])]))
    bind(call, NEAR, several=True)
    domains = [block.proof.domain for message in call.messages[:2] for block in message.blocks]  # type: ignore[union-attr]
    assert domains == [NOBODY, "near"]
    text, tool, block = call.messages[2].blocks
    assert [text.proof.domain, tool.proof.domain, block.domain] == [NOBODY] * 3  # type: ignore[union-attr]
    assert call.messages[3].blocks[0].domain == "", "what a user says is the client's own"  # type: ignore[union-attr]


def test_where_there_is_one_maker_proofs_stay_as_they_are() -> None:
    assert bind(said(""), NEAR, several=False) == said("")
