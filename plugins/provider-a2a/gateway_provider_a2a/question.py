"""A call to the parts of a message, and what has no place in one.

A2A has no system text, no history and no parameters: an agent keeps its own. So the system's words stand first, and
what was said before is told as text, unless the agent has it in the context that the call goes on with.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from gateway import Audio, Block, Call, File, Image, Message, Refusal, Text, ToolCall, ToolResult
from gateway.wire.losses import Loss

from .conversation import NAMED
from .eras import Attached

Piece = str | Attached
BEFORE = "What was said before:"
NOW = "What is said now:"


class Question(Struct, frozen=True):
    pieces: list[Piece]
    loss: list[str]


def question(call: Call, continued: bool) -> Question:
    """continued: the agent knows what was said up to its own last words."""
    loss = Loss()
    start = _answered(call.messages) if continued else 0
    last = _last_turn(call.messages)
    pieces: list[Piece] = [text.text for text in call.system if text.text]
    earlier = _transcript(call.messages[start:last], start, loss) if last > start else []
    if earlier:
        pieces.append("\n\n".join([BEFORE, *earlier, NOW]))
    for at in range(max(last, start), len(call.messages)):
        pieces += _pieces(call.messages[at], f"messages[{at}]", loss)
    _ignored(call, loss)
    return Question(pieces or [""], loss.paths)


def _answered(messages: Sequence[Message]) -> int:
    """Where what the agent has not seen begins."""
    said = [at for at, message in enumerate(messages) if message.role == "assistant"]
    return said[-1] + 1 if said else 0


def _last_turn(messages: Sequence[Message]) -> int:
    """Where the client's last words begin; what stands between them is theirs, too."""
    at = len(messages)
    while at and messages[at - 1].role in ("user", "tool"):
        at -= 1
    return at if at < len(messages) else max(len(messages) - 1, 0)


def _transcript(messages: Sequence[Message], start: int, loss: Loss) -> list[str]:
    """Text alone: what else was said then is lost."""
    lines = []
    for at, message in enumerate(messages, start):
        texts = [piece for piece in _pieces(message, f"messages[{at}]", loss, files=False) if isinstance(piece, str)]
        if texts:
            lines.append(f"{message.role}: " + "\n".join(texts))
    return lines


def _pieces(message: Message, path: str, loss: Loss, files: bool = True) -> list[Piece]:
    loss.unsaid({f"{path}.name": message.name})
    found: list[Piece] = []
    for at, block in enumerate(message.blocks):
        place = f"{path}.content[{at}]"
        piece = _piece(block, files)
        if piece is None:
            loss.add(place)
        elif piece != "":
            found.append(piece)
    return found


def _piece(block: Block, files: bool) -> Piece | None:
    match block:
        case Text(text=text) | Refusal(text=text):
            return text
        case ToolCall() if block.executor == "client":
            return f"{block.name}({block.arguments})"
        case ToolResult() if all(isinstance(inner, Text) for inner in block.blocks):
            return "\n".join(inner.text for inner in block.blocks if isinstance(inner, Text))
        case Image() | File() if files and (block.data or block.url):
            kind = block.media_type or ("image/png" if isinstance(block, Image) else "application/pdf")
            name = block.filename if isinstance(block, File) else None
            return Attached(block.data, block.url if not block.data else None, kind, name)
        case Audio(data=str(data)) if files:
            return Attached(data, None, f"audio/{block.format or 'wav'}")
    return None


def _ignored(call: Call, loss: Loss) -> None:
    """Agents have tools and parameters of their own."""
    sampling, reasoning = call.sampling, call.reasoning
    loss.lose(call.extra, known=(NAMED,))
    loss.unsaid(
        {
            "tools": call.tools,
            "tool_choice": call.tools and call.tool_choice is not None,
            "temperature": sampling.temperature is not None,
            "top_p": sampling.top_p is not None,
            "top_k": sampling.top_k is not None,
            "frequency_penalty": sampling.frequency_penalty is not None,
            "presence_penalty": sampling.presence_penalty is not None,
            "seed": sampling.seed is not None,
            "stop": sampling.stop,
            "logit_bias": sampling.logit_bias is not None,
            "n": (sampling.choices or 1) > 1,
            "logprobs": sampling.logprobs or sampling.top_logprobs is not None,
            "max_output_tokens": call.limits.max_output is not None,
            "max_tool_calls": call.limits.max_tool_calls is not None,
            "response_format": call.output_format is not None and call.output_format.kind != "text",
            "reasoning": reasoning.effort or reasoning.budget is not None,
            "verbosity": call.verbosity,
            "background": call.state.background,
            "metadata": call.metadata,
        }
    )
