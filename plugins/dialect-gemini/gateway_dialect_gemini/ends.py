"""What a candidate says at its end, and a reply around its candidates."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway import Finished, Started, Usage
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from . import grounds, logprobs, reasons, usages
from .decoders import FEEDBACK
from .fields import nested
from .parts import Choice

_UNREAD = "MALFORMED_FUNCTION_CALL"
_YEAR_10000 = 253_402_300_800
"""What comes after all that a timestamp can say."""


def ending(choice: Choice, loss: Loss) -> Members:
    """`finishReason` and what goes with it; the upstream's own members where it speaks this dialect too."""
    finished = choice.finished or Finished()
    out: Members = {"finishReason": reasons.written(finished, loss.own)}
    if choice.refused and finished.reason == "stop":
        out = {"finishReason": "SAFETY"}
    if choice.unread is not None and finished.reason not in ("length", "context_length"):
        out = {"finishReason": _UNREAD, "finishMessage": f"Malformed function call: {choice.unread}"}
    elif finished.reason == "stop_sequence" and finished.detail:
        loss.add("stop_sequence")
    own = nested({name: value for name, value in loss.keep(finished.extra, "").items() if name != FEEDBACK})
    if choice.cited and grounds.GROUNDING not in own and grounds.CITED not in own:
        out[grounds.GROUNDING] = grounds.written([(citation, opened.text) for citation, opened in choice.cited])
    if choice.tokens:
        out["avgLogprobs"] = logprobs.average(choice.tokens)
        out["logprobsResult"] = logprobs.write(choice.tokens)
    return out | own


def blocked(choice: Choice, loss: Loss) -> Members | None:
    """`promptFeedback`, where the prompt was refused and so there is no candidate."""
    finished = choice.finished
    if finished is None or not loss.own or FEEDBACK not in finished.extra:
        return None
    return {FEEDBACK: finished.extra[FEEDBACK]}


def around(started: Started, model: str, loss: Loss) -> Members:
    """What all chunks of a reply share. model: as the client named it."""
    out: Members = {"modelVersion": model, "responseId": started.id or ""}
    if started.created is not None and 0 <= started.created < _YEAR_10000:
        moment = datetime.fromtimestamp(started.created, UTC)
        out["createTime"] = moment.isoformat().replace("+00:00", "Z")
    own = nested({name: value for name, value in loss.keep(started.extra, "").items() if not _of_usage(name)})
    return own | out


def counted(usage: Usage | None, started: Started, loss: Loss) -> Members:
    """`usageMetadata`, with what the upstream says there beside counts."""
    own = {name: value for name, value in started.extra.items() if _of_usage(name)} if loss.own else {}
    if usage is None:
        return nested(own)
    more = {name: jsontext.raw(value) for name, value in nested(own).items()}
    return jsontext.merged({usages.MEMBER: usages.write(usage)}, more)


def _of_usage(name: str) -> bool:
    return name.startswith(usages.MEMBER + ".")
