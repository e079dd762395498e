"""Answers: what clients say to calls that they were asked about, put to the turns that asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from gateway import ApprovalResponse, BadCall, Call, Conflict, Message, Text, ToolCall, ToolResult

from .history import is_asked, token_in
from .journal import Book

Pair = tuple[ToolCall, ApprovalResponse]
TakeUp = Callable[[Call, Sequence[Message], Book, str], Awaitable[tuple[list[Message], "Answered | None"]]]
"""`taken_up`, or `looked_at`."""
UNANSWERED = "The call was not made: nobody approved of it."


@dataclass(frozen=True, slots=True)
class Answered:
    """A turn's calls that are made or not made now. results: what they came to, where that has happened already."""

    token: str
    calls: Sequence[Pair]
    results: Sequence[ToolResult] | None = None


def answers_in(call: Call) -> set[str]:
    """Tokens of turns that the call answers."""
    return {token_in(answer.call_id) for answer in call.approvals}


async def taken_up(
    call: Call, messages: Sequence[Message], book: Book, user_id: str
) -> tuple[list[Message], Answered | None]:
    """The conversation, where each call of an earlier turn that was asked about has a result; and the calls of the last
    turn, where they are answered. Nobody else takes these up. Raises BadCall, Conflict, Unavailable.
    """
    said = {answer.call_id: answer for answer in call.approvals}
    waiting = _waiting(messages)
    _refuse_strangers(said, waiting)
    token = _last_turn(messages)
    calls = waiting.get(token, [])
    if not calls or (messages[-1].role == "user" and not any(one.id in said for one in calls)):
        return await settled(messages, book, user_id), None
    answered = await _taken(token, _pairs(calls, said), book, user_id)
    return await settled(messages, book, user_id, token), answered


async def looked_at(
    call: Call, messages: Sequence[Message], book: Book, user_id: str
) -> tuple[list[Message], Answered | None]:
    """The conversation of a call that is only counted: what it answers waits for the call that is made."""
    return await settled(messages, book, user_id), None


async def settled(messages: Sequence[Message], book: Book, user_id: str, but: str = "") -> list[Message]:
    """With what calls that were asked about have come to, in turns that are past. but: the token of one that is not."""
    waiting = {token: calls for token, calls in _waiting(messages).items() if token != but}
    if not waiting:
        return list(messages)
    known = await book.results(user_id, list(waiting))
    there = {result.call_id: result for results in known.values() for result in results}
    calls = [call for calls in waiting.values() for call in calls]
    return with_results(
        messages, [there.get(call.id) or ToolResult(call.id, [Text(UNANSWERED)], True) for call in calls]
    )


async def _taken(token: str, calls: Sequence[Pair], book: Book, user_id: str) -> Answered:
    known = (await book.results(user_id, [token])).get(token)
    if known is None and await book.take(user_id, token):
        return Answered(token, calls)
    known = known or (await book.results(user_id, [token])).get(token)
    if not known:
        raise Conflict(
            "These calls are being made, or were when the gateway ended, and none is made again; GET /api/runs tells "
            "of them. Ask again later, or send the conversation up to its last user message: the turn is then made "
            "anew.",
            code="approval_under_way",
            param="input",
        )
    return Answered(token, calls, known)


def with_results(messages: Sequence[Message], results: Sequence[ToolResult]) -> list[Message]:
    """Each with those of its turn, behind the message that has its call."""
    of = {result.call_id: result for result in results}
    out: list[Message] = []
    due: list[ToolResult] = []
    for message in messages:
        if due and message.role == "tool":
            message = msgspec.structs.replace(message, blocks=[*message.blocks, *due])
        elif due:
            out.append(Message("tool", [*due]))
        out.append(message)
        due = [of[block.id] for block in message.blocks if isinstance(block, ToolCall) and block.id in of]
    return [*out, Message("tool", [*due])] if due else out


def _waiting(messages: Sequence[Message]) -> Mapping[str, list[ToolCall]]:
    """Calls that were asked about and have no result, by the token of their turn."""
    blocks = [block for message in messages for block in message.blocks]
    done = {block.call_id for block in blocks if isinstance(block, ToolResult)}
    found: dict[str, list[ToolCall]] = {}
    for block in blocks:
        if isinstance(block, ToolCall) and is_asked(block.id) and block.id not in done:
            found.setdefault(token_in(block.id), []).append(block)
    return found


def _last_turn(messages: Sequence[Message]) -> str:
    """The token of the turn behind which the model has not spoken; "" where that is another's."""
    turn = next((message for message in reversed(messages) if message.role == "assistant"), None)
    blocks = turn.blocks if turn is not None else ()
    return next((token_in(block.id) for block in blocks if isinstance(block, ToolCall) and is_asked(block.id)), "")


def _refuse_strangers(said: Mapping[str, ApprovalResponse], waiting: Mapping[str, Sequence[ToolCall]]) -> None:
    calls = {call.id for calls in waiting.values() for call in calls}
    if strange := sorted(said.keys() - calls):
        raise BadCall(
            f"{strange[0]!r} is no call that waits for approval in this conversation. Send the request along that is "
            "answered, or name the response that has it.",
            code="approval_request_not_found",
            param="input",
        )


def _pairs(calls: Sequence[ToolCall], said: Mapping[str, ApprovalResponse]) -> list[Pair]:
    if missing := [call.id for call in calls if call.id not in said]:
        raise BadCall(
            f"The approval of {', '.join(missing)} is not answered; all that a turn asks for is answered at once.",
            code="approval_missing",
            param="input",
        )
    return [(call, said[call.id]) for call in calls]
