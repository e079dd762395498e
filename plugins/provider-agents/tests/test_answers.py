"""What clients say to calls that they were asked about: for whom, until when, and once."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest
from gateway_provider_agents.answers import UNANSWERED, Answered, taken_up, with_results
from gateway_provider_agents.history import marked, put_back
from gateway_provider_agents.journal import Book

from gateway import ApprovalResponse, BadCall, Call, Conflict, Message, Text, ToolCall, ToolResult
from gateway.runs import MemoryRuns

TOKEN = "0123456789abcdef01234567"
FIRST, SECOND, OWN = marked(TOKEN, 0, True), marked(TOKEN, 1, True), marked(TOKEN, 0)
HI, BYE = Message("user", [Text("Hi")]), Message("user", [Text("Bye")])
TURN = [Message("assistant", [ToolCall(FIRST, "note"), ToolCall(SECOND, "note"), ToolCall(OWN, "own")])]
SHOWN = Message("assistant", [ToolCall(name, "note", executor="gateway", approval="asked") for name in (FIRST, SECOND)])
BOTH = [ApprovalResponse(FIRST, True), ApprovalResponse(SECOND, False, "No.")]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(clock: Clock) -> Book:
    return Book(MemoryRuns(), clock, 30.0, 60.0, logging.getLogger("test"))


def came(*names: str) -> list[ToolResult]:
    return [ToolResult(name, [Text(name)]) for name in names]


async def taken(
    book: Book, *messages: Message, said: Sequence[ApprovalResponse] = BOTH, user: str = "ada"
) -> tuple[list[Message], Answered | None]:
    turns = await book.turns(user, messages)
    whole = put_back(messages, turns, [TOKEN] if said else ())
    return await taken_up(Call("m", approvals=list(said)), whole, book, user)


async def test_the_answered_calls_are_for_whoever_takes_them_first(book: Book) -> None:
    await book.keep("ada", TOKEN, TURN)
    messages, answered = await taken(book, HI, SHOWN)
    assert messages == [HI, *TURN]
    assert answered is not None
    assert ([call.id for call, _ in answered.calls], answered.results) == ([FIRST, SECOND], None)
    assert [said for _, said in answered.calls] == BOTH
    with pytest.raises(Conflict) as under_way:
        await taken(book, HI, SHOWN)
    assert under_way.value.code == "approval_under_way"
    await book.came("ada", TOKEN, came(FIRST, SECOND))
    _, answered = await taken(book, HI, SHOWN)
    assert answered is not None
    assert answered.results == came(FIRST, SECOND)


async def test_after_its_time_and_for_anybody_else_there_is_nothing_to_answer(book: Book, clock: Clock) -> None:
    await book.keep("ada", TOKEN, TURN)
    for messages in ([HI, SHOWN], [HI, SHOWN, BYE]):
        with pytest.raises(Conflict) as conflict:
            await taken(book, *messages, user="eve")
        assert conflict.value.code == "turn_expired"
    clock.now += 59
    assert (await taken(book, HI, SHOWN))[1] is not None
    clock.now += 2
    with pytest.raises(Conflict):
        await taken(book, HI, SHOWN)


async def test_a_turn_that_is_past_is_no_calls_where_it_is_not_kept(book: Book) -> None:
    done = Message("assistant", [Text("Done.")])
    assert await taken(book, HI, SHOWN, done, BYE, said=()) == ([HI, done, BYE], None)


async def test_who_says_something_else_has_approved_of_nothing(book: Book) -> None:
    await book.keep("ada", TOKEN, TURN)
    messages, answered = await taken(book, HI, SHOWN, BYE, said=())
    assert answered is None
    refused = [ToolResult(name, [Text(UNANSWERED)], True) for name in (FIRST, SECOND)]
    assert messages == [HI, *TURN, Message("tool", [*refused]), BYE]


async def test_an_answer_may_have_words_behind_it(book: Book) -> None:
    await book.keep("ada", TOKEN, TURN)
    messages, answered = await taken(book, HI, SHOWN, BYE)
    assert (messages, answered is not None) == ([HI, *TURN, BYE], True)


@pytest.mark.parametrize("said", [BOTH[:1], ()], ids=["some", "none"])
async def test_all_of_a_turn_is_answered_at_once(book: Book, said: Sequence[ApprovalResponse]) -> None:
    await book.keep("ada", TOKEN, TURN)
    with pytest.raises(BadCall) as missing:
        await taken(book, HI, SHOWN, said=said)
    assert missing.value.code == "approval_missing"
    assert (await taken(book, HI, SHOWN))[1] is not None, "and nothing was taken"


async def test_what_came_of_a_turn_that_is_past_is_put_to_it(book: Book) -> None:
    """Though its client was shown nothing of it, or all."""
    await book.keep("ada", TOKEN, TURN)
    await book.take("ada", TOKEN)
    await book.came("ada", TOKEN, came(FIRST, SECOND))
    own, done = Message("tool", [*came(OWN)]), Message("assistant", [Text("Done.")])
    whole = [HI, *TURN, Message("tool", [*came(OWN, FIRST, SECOND)]), done, BYE]
    assert await taken(book, HI, SHOWN, own, done, BYE, said=()) == (whole, None)
    made = [ToolCall(name, "note", executor="gateway", approval="answered") for name in (FIRST, SECOND)]
    shown = [Message("assistant", [*made]), Message("tool", [*came(FIRST, SECOND)])]
    assert await taken(book, HI, SHOWN, own, *shown, done, BYE, said=()) == (whole, None)


async def test_an_answer_to_nothing_is_refused(book: Book) -> None:
    with pytest.raises(BadCall) as stray:
        await taken(book, HI)
    assert stray.value.code == "approval_request_not_found"


def test_results_stand_behind_their_turn_whatever_follows() -> None:
    other = Message("tool", [*came(OWN)])
    assert with_results([HI, *TURN, other, BYE], came(FIRST)) == [HI, *TURN, Message("tool", [*came(OWN, FIRST)]), BYE]
    assert with_results([HI, *TURN, BYE], came(FIRST)) == [HI, *TURN, Message("tool", [*came(FIRST)]), BYE]
    assert with_results([HI, *TURN], came(FIRST)) == [HI, *TURN, Message("tool", [*came(FIRST)])]
    assert with_results([HI, *TURN], []) == [HI, *TURN]
