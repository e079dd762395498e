"""A Call as either API takes it, and what of it has no place there: agents have models, tools and parameters of their
own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway import Block, Call, Image, Message, Refusal, Text, ToolResult
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

Turn = tuple[int, Message]
"""A message, and where it stands in the call."""
ImagePart = Callable[[Image], Members | None]


def system(call: Call) -> str:
    """All that is not the user's or the agent's own."""
    texts = [text.text for text in call.system]
    texts += [_text(message.blocks) for message in call.messages if message.role in ("system", "developer")]
    return "\n\n".join(text for text in texts if text)


def turns(call: Call) -> list[Turn]:
    """What user and agent said, without the system's words."""
    return [(at, one) for at, one in enumerate(call.messages) if one.role not in ("system", "developer")]


def newest(said: Sequence[Turn]) -> list[Turn]:
    """What the agent does not know yet: all that came after its own last words."""
    last = max((place for place, (_, one) in enumerate(said) if one.role == "assistant"), default=-1)
    return list(said[last + 1 :])


def parts(turn: Turn, text_type: str, image: ImagePart, loss: Loss) -> list[Members]:
    """A user's message; results of a client's tools are told as text."""
    at, message = turn
    found: list[Members] = []
    for index, block in enumerate(_spread(message.blocks)):
        part: Members | None = None
        if isinstance(block, Text | Refusal):
            part = {"type": text_type, "text": block.text} if block.text else {}
        elif isinstance(block, Image):
            part = image(block)
        if part is None:
            loss.add(f"messages[{at}].content[{index}]")
        elif part:
            found.append(part)
    return found


def prose(turn: Turn, loss: Loss) -> str:
    """The same as text alone."""
    at, message = turn
    for index, block in enumerate(_spread(message.blocks)):
        if not isinstance(block, Text | Refusal):
            loss.add(f"messages[{at}].content[{index}]")
    return _text(message.blocks)


def unsaid(call: Call, loss: Loss) -> None:
    """What no agent of Letta can be told."""
    sampling, limits = call.sampling, call.limits
    loss.lose(call.extra)
    loss.unsaid({f"messages[{at}].name": message.name for at, message in enumerate(call.messages)})
    loss.unsaid(
        {
            "tools": call.tools,
            "parallel_tool_calls": call.tools and call.parallel_tool_calls is False,
            "tool_choice": call.tool_choice is not None and call.tool_choice.mode != "auto",
            "temperature": sampling.temperature is not None,
            "top_p": sampling.top_p is not None,
            "top_k": sampling.top_k is not None,
            "frequency_penalty": sampling.frequency_penalty,
            "presence_penalty": sampling.presence_penalty,
            "seed": sampling.seed is not None,
            "stop": sampling.stop,
            "logit_bias": sampling.logit_bias,
            "n": (sampling.choices or 1) > 1,
            "logprobs": sampling.logprobs,
            "max_tokens": limits.max_output is not None,
            "max_tool_calls": limits.max_tool_calls is not None,
            "truncation": limits.truncation not in (None, "disabled"),
            "response_format": call.output_format is not None and call.output_format.kind != "text",
            "reasoning_effort": call.reasoning.effort,
            "reasoning_budget": call.reasoning.budget is not None,
            "verbosity": call.verbosity,
            "previous_response_id": call.state.previous_response_id,
            "metadata": call.metadata,
        }
    )


def _spread(blocks: Sequence[Block]) -> list[Block]:
    found: list[Block] = []
    for block in blocks:
        found += block.blocks if isinstance(block, ToolResult) else [block]
    return found


def _text(blocks: Sequence[Block]) -> str:
    return "".join(block.text for block in _spread(blocks) if isinstance(block, Text | Refusal))
