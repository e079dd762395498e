"""Steps: tools that the Assistants API ran itself within a run, as calls and what they came to.

Source: OpenAI, "Assistants: run steps"; a step is told once it is over, with all that it did.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from gateway import Text, ToolCall, ToolResult
from gateway.wire import jsontext
from gateway.wire.losses import Loss
from gateway.wire.shapes import Shape

OVER = ("thread.run.step.completed", "thread.run.step.failed")


class Output(Struct):
    type: str = ""
    logs: str | None = None


class Interpreted(Struct):
    input: str = ""
    outputs: list[Output] = []


class Found(Struct):
    file_name: str = ""
    score: float | None = None


class Searched(Struct):
    results: list[Found] | None = None


class Ran(Struct):
    id: str = ""
    type: str = ""
    code_interpreter: Interpreted | None = None
    file_search: Searched | None = None


class Details(Struct):
    tool_calls: list[Ran] | None = None


class Step(Struct):
    status: str = ""
    step_details: Details | None = None


STEP = Shape(Step, "a step of a run")


def ran(payload: bytes, server: str, loss: Loss) -> Iterator[tuple[ToolCall, ToolResult]]:
    """Without functions, which are the client's to run. server: the label that they have for clients."""
    step = STEP.read(payload)
    for one in (step.step_details.tool_calls if step.step_details else None) or ():
        if one.type == "function" or not one.id:
            continue
        arguments, came = _told(one, loss)
        call = ToolCall(one.id, one.type, arguments, executor="upstream", server=server)
        yield call, ToolResult(one.id, [Text(came)], step.status == "failed")


def _told(one: Ran, loss: Loss) -> tuple[str, str]:
    """Arguments as JSON, and what the tool said. Files that it made are named as loss."""
    if one.code_interpreter is not None:
        outputs = one.code_interpreter.outputs
        if any(output.logs is None for output in outputs):
            loss.add("run.step.code_interpreter.outputs")
        said = "\n".join(output.logs for output in outputs if output.logs is not None)
        return jsontext.encode({"input": one.code_interpreter.input}).decode("utf-8", "replace"), said
    results = one.file_search.results if one.file_search is not None else None
    return "{}", "\n".join(found.file_name for found in results or ())
