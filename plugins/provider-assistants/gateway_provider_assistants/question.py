"""A call to what the Assistants API is asked: a thread that runs, one that runs on, or the outputs of tools.

An assistant has its own tools, which a run's would replace, so a client's are not sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from gateway import Block, Call, Image, Message, Principal, Refusal, Text, ToolCall, ToolResult
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from .tickets import Tickets, Waiting, looks_waiting


class Question(Struct, frozen=True):
    """path: of the POST. thread, run: where they are known before."""

    path: str
    body: Members
    thread: str | None = None
    run: str | None = None


def question(call: Call, assistant: str, tickets: Tickets, principal: Principal) -> Question:
    """Raises NotFound for a conversation that is none of this caller's."""
    outputs = _outputs(call, tickets, principal)
    if outputs:
        first = outputs[0][0]
        path = f"/threads/{first.thread}/runs/{first.run}/submit_tool_outputs"
        told = [{"tool_call_id": waiting.call, "output": text} for waiting, text in outputs if waiting.run == first.run]
        return Question(path, {"tool_outputs": told, "stream": True}, first.thread, first.run)
    body = _run(call, assistant)
    if previous := call.state.previous_response_id:
        thread = tickets.thread(previous, principal)
        body["additional_messages"] = _messages(call, Loss(), _unseen(call.messages))
        return Question(f"/threads/{thread}/runs", body, thread)
    body["thread"] = {"messages": _messages(call, Loss(), 0)}
    return Question("/threads/runs", body)


def lost(call: Call) -> list[str]:
    """What of the call has no place. Outputs of tools are not among it, where a run waits for them."""
    loss = Loss()
    _ignored(call, loss)
    _messages(call, loss, _unseen(call.messages) if call.state.previous_response_id else 0)
    return loss.paths


def _run(call: Call, assistant: str) -> Members:
    words = [text.text for text in call.system]
    words += [_text(one) for one in call.messages if one.role in ("system", "developer")]
    return jsontext.given(
        {
            "assistant_id": assistant,
            "stream": True,
            "additional_instructions": "\n\n".join(words) or None,
            "temperature": call.sampling.temperature,
            "top_p": call.sampling.top_p,
            "max_completion_tokens": call.limits.max_output,
            "parallel_tool_calls": call.parallel_tool_calls,
        }
    )


def _outputs(call: Call, tickets: Tickets, principal: Principal) -> list[tuple[Waiting, str]]:
    """Of the last turn, where a run waits for them."""
    found = []
    for message in reversed(call.messages):
        results = [block for block in message.blocks if isinstance(block, ToolResult)]
        if not results:
            break
        for result in reversed(results):
            if waiting := tickets.waiting(result.call_id, principal):
                found.append((waiting, "".join(part.text for part in result.blocks if isinstance(part, Text))))
    return found[::-1]


def _unseen(messages: Sequence[Message]) -> int:
    """Where what the thread does not hold begins."""
    said = [at for at, message in enumerate(messages) if message.role == "assistant"]
    return said[-1] + 1 if said else 0


def _messages(call: Call, loss: Loss, start: int) -> list[Members]:
    out: list[Members] = []
    for at, message in enumerate(call.messages[start:], start):
        if message.role in ("system", "developer"):
            continue
        content: list[Members] = []
        for number, block in enumerate(message.blocks):
            if isinstance(block, Text | Refusal):
                content += [{"type": "text", "text": block.text}] if block.text else []
            elif isinstance(block, Image) and block.url and message.role != "assistant":
                content.append({"type": "image_url", "image_url": {"url": block.url, "detail": block.detail or "auto"}})
            elif not _of_run(block):
                loss.add(f"messages[{at}].content[{number}]")
        if content:
            out.append({"role": "assistant" if message.role == "assistant" else "user", "content": content})
    return out


def _of_run(block: Block) -> bool:
    """A call that a run waited for, and what came of it: the run has them."""
    name = block.id if isinstance(block, ToolCall) else block.call_id if isinstance(block, ToolResult) else ""
    return name != "" and looks_waiting(name)


def _text(message: Message) -> str:
    return "".join(block.text for block in message.blocks if isinstance(block, Text))


def _ignored(call: Call, loss: Loss) -> None:
    sampling = call.sampling
    loss.lose(call.extra)
    loss.unsaid(
        {
            "tools": call.tools,
            "tool_choice": call.tools and call.tool_choice is not None,
            "top_k": sampling.top_k is not None,
            "frequency_penalty": sampling.frequency_penalty is not None,
            "presence_penalty": sampling.presence_penalty is not None,
            "seed": sampling.seed is not None,
            "stop": sampling.stop,
            "n": (sampling.choices or 1) > 1,
            "logprobs": sampling.logprobs or sampling.top_logprobs is not None,
            "max_tool_calls": call.limits.max_tool_calls is not None,
            "response_format": call.output_format is not None and call.output_format.kind != "text",
            "reasoning": call.reasoning.effort or call.reasoning.budget is not None,
            "verbosity": call.verbosity,
            "conversation": call.state.conversation,
            "background": call.state.background,
            "metadata": call.metadata,
            "user": call.user,
        }
    )
