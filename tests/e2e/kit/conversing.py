"""Conversations with a tool, as a program has them with each vendor's SDK, and what it hears of a reply."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import anthropic
import openai
from google import genai
from google.genai import types

QUESTION, ANSWER = "What is the weather in Oslo?", "It rains."
NAME, DESCRIPTION = "weather", "The weather of a city"
PARAMETERS: Any = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
Calls = list[tuple[str, Any]]
_ENDS = ("response.completed", "response.incomplete")
Finish = Literal["stop", "length", "calls", "other"]


@dataclass
class Heard:
    """A reply, whoever's SDK read it. calls: name and arguments, as JSON says them."""

    text: str = ""
    thoughts: str = ""
    calls: Calls = field(default_factory=list)
    finish: Finish = "other"
    wrote: int = 0

    def plain(self) -> Heard:
        """Without white space at the ends of thoughts, which join differently."""
        return Heard(self.text, "".join(self.thoughts.split()), self.calls, self.finish, self.wrote)


class Conversing(ABC):
    """history: what was said so far, in the SDK's own objects."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key

    def ask(self, model: str, history: list[Any], streamed: bool) -> list[Any]:
        """The history with the model's turn. Raises what the SDK raises."""
        return [*history, *self.turn(self.reply(model, history, streamed))]

    @abstractmethod
    def reply(self, model: str, history: list[Any], streamed: bool) -> Any:
        """As the SDK puts it together."""

    @abstractmethod
    def turn(self, reply: Any) -> list[Any]:
        """What of it goes into the history."""

    @abstractmethod
    def heard(self, reply: Any) -> Heard: ...

    @abstractmethod
    def began(self) -> list[Any]:
        """The user's question."""

    @abstractmethod
    def answered(self, history: list[Any]) -> list[Any]:
        """With the results of all calls."""

    @abstractmethod
    def calls(self, history: list[Any]) -> Calls:
        """Names and arguments of the last turn."""

    @abstractmethod
    def close(self) -> None: ...


class Chat(Conversing):
    def __init__(self, url: str, key: str) -> None:
        super().__init__(url, key)
        self.sdk = openai.OpenAI(base_url=url + "/v1", api_key=key, max_retries=0, timeout=20)

    def reply(self, model: str, history: list[Any], streamed: bool) -> Any:
        tool = {"name": NAME, "description": DESCRIPTION, "parameters": PARAMETERS}
        asked: Any = {"model": model, "messages": history, "tools": [{"type": "function", "function": tool}]}
        if not streamed:
            return self.sdk.chat.completions.create(**asked)
        with self.sdk.chat.completions.stream(**asked, stream_options={"include_usage": True}) as stream:
            try:
                return stream.get_final_completion()
            except openai.LengthFinishReasonError as cut:
                return cut.completion

    def turn(self, reply: Any) -> list[Any]:
        return [reply.choices[0].message]

    def heard(self, reply: Any) -> Heard:
        choice = reply.choices[0]
        finishes: dict[str, Finish] = {"stop": "stop", "length": "length", "tool_calls": "calls"}
        extra = choice.message.model_extra or {}
        return Heard(
            choice.message.content or "",
            extra.get("reasoning_content") or extra.get("reasoning") or "",
            self.calls([choice.message]),
            finishes.get(choice.finish_reason, "other"),
            reply.usage.completion_tokens if reply.usage else 0,
        )

    def began(self) -> list[Any]:
        return [{"role": "user", "content": QUESTION}]

    def answered(self, history: list[Any]) -> list[Any]:
        calls = history[-1].tool_calls
        return [*history, *({"role": "tool", "tool_call_id": call.id, "content": ANSWER} for call in calls)]

    def calls(self, history: list[Any]) -> Calls:
        made = (call.function for call in history[-1].tool_calls or ())
        return [(function.name, json.loads(function.arguments)) for function in made]

    def close(self) -> None:
        self.sdk.close()


class Responses(Chat):
    def reply(self, model: str, history: list[Any], streamed: bool) -> Any:
        tool = {"type": "function", "name": NAME, "description": DESCRIPTION, "parameters": PARAMETERS}
        asked: Any = {"model": model, "input": history, "tools": [tool], "store": False}
        asked["include"] = ["reasoning.encrypted_content"]
        if not streamed:
            return self.sdk.responses.create(**asked)
        events: Any = self.sdk.responses.create(**asked, stream=True)
        return [event.response for event in events if event.type in _ENDS][-1]

    def turn(self, reply: Any) -> list[Any]:
        return list(reply.output)

    def heard(self, reply: Any) -> Heard:
        thoughts = [item for item in reply.output if item.type == "reasoning"]
        said = [part.text for item in thoughts for part in (*item.summary, *(item.content or ()))]
        calls = self.calls(reply.output)
        finish: Finish = "length" if reply.status == "incomplete" else "calls" if calls else "stop"
        return Heard(reply.output_text, "".join(said), calls, finish, reply.usage.output_tokens if reply.usage else 0)

    def answered(self, history: list[Any]) -> list[Any]:
        made = self._calls(history)
        outputs = [{"type": "function_call_output", "call_id": call.call_id, "output": ANSWER} for call in made]
        return [*history, *outputs]

    def calls(self, history: list[Any]) -> Calls:
        return [(call.name, json.loads(call.arguments)) for call in self._calls(history)]

    def _calls(self, history: list[Any]) -> list[Any]:
        return [item for item in history if getattr(item, "type", "") == "function_call"]


class Messages(Conversing):
    def __init__(self, url: str, key: str) -> None:
        super().__init__(url, key)
        self.sdk = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0, timeout=20)

    def reply(self, model: str, history: list[Any], streamed: bool) -> Any:
        tool = {"name": NAME, "description": DESCRIPTION, "input_schema": PARAMETERS}
        asked: Any = {"model": model, "max_tokens": 9999, "messages": history, "tools": [tool]}
        asked["thinking"] = {"type": "adaptive"}
        if not streamed:
            return self.sdk.messages.create(**asked)
        with self.sdk.messages.stream(**asked) as stream:
            return stream.get_final_message()

    def turn(self, reply: Any) -> list[Any]:
        return [{"role": "assistant", "content": reply.content}]

    def heard(self, reply: Any) -> Heard:
        finishes: dict[str, Finish] = {
            "end_turn": "stop",
            "stop_sequence": "stop",
            "max_tokens": "length",
            "tool_use": "calls",
        }
        return Heard(
            "".join(block.text for block in reply.content if block.type == "text"),
            "".join(block.thinking for block in reply.content if block.type == "thinking"),
            self.calls([{"content": reply.content}]),
            finishes.get(reply.stop_reason, "other"),
            reply.usage.output_tokens,
        )

    def began(self) -> list[Any]:
        return [{"role": "user", "content": QUESTION}]

    def answered(self, history: list[Any]) -> list[Any]:
        made = self._calls(history)
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": ANSWER} for call in made]
        return [*history, {"role": "user", "content": results}]

    def calls(self, history: list[Any]) -> Calls:
        return [(call.name, call.input) for call in self._calls(history)]

    def _calls(self, history: list[Any]) -> list[Any]:
        return [block for block in history[-1]["content"] if block.type == "tool_use"]

    def close(self) -> None:
        self.sdk.close()


class Gemini(Conversing):
    def __init__(self, url: str, key: str) -> None:
        super().__init__(url, key)
        options = types.HttpOptions(base_url=url, timeout=20_000)
        self.sdk = genai.Client(api_key=key, vertexai=False, http_options=options)

    def reply(self, model: str, history: list[Any], streamed: bool) -> Any:
        """All chunks of a stream, or the one reply."""
        declared = types.FunctionDeclaration(name=NAME, description=DESCRIPTION, parameters_json_schema=PARAMETERS)
        config = types.GenerateContentConfig(
            tools=[types.Tool(function_declarations=[declared])],
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            thinking_config=types.ThinkingConfig(include_thoughts=True),
        )
        asked: Any = {"model": model, "contents": history, "config": config}
        if streamed:
            return list(self.sdk.models.generate_content_stream(**asked))
        return [self.sdk.models.generate_content(**asked)]

    def turn(self, reply: Any) -> list[Any]:
        """Pieces of a stream are kept one by one, as the SDK's own chats keep them."""
        said = [one.candidates[0].content for one in reply if one.candidates and one.candidates[0].content]
        return [content for content in said if content.parts]

    def heard(self, reply: Any) -> Heard:
        contents = self.turn(reply)
        parts = [part for content in contents for part in content.parts]
        reasons = [one.candidates[0].finish_reason for one in reply if one.candidates]
        reason = next((reason.name for reason in reversed(reasons) if reason), "")
        calls = [(name, arguments) for name, arguments in self.calls(contents)]
        finishes: dict[str, Finish] = {"STOP": "calls" if calls else "stop", "MAX_TOKENS": "length"}
        used = [one.usage_metadata for one in reply if one.usage_metadata]
        return Heard(
            "".join(part.text or "" for part in parts if not part.thought),
            "".join(part.text or "" for part in parts if part.thought),
            calls,
            finishes.get(reason, "other"),
            (used[-1].candidates_token_count or 0) + (used[-1].thoughts_token_count or 0) if used else 0,
        )

    def began(self) -> list[Any]:
        return [types.Content(role="user", parts=[types.Part(text=QUESTION)])]

    def answered(self, history: list[Any]) -> list[Any]:
        made = self._calls(history)
        parts = [
            types.Part(function_response=types.FunctionResponse(name=one.name, id=one.id, response={"result": ANSWER}))
            for one in made
        ]
        return [*history, types.Content(role="user", parts=parts)]

    def calls(self, history: list[Any]) -> Calls:
        return [(call.name, call.args) for call in self._calls(history)]

    def _calls(self, history: list[Any]) -> list[Any]:
        return [part.function_call for content in history for part in content.parts if part.function_call]

    def close(self) -> None:
        self.sdk.close()


CLIENTS: Mapping[str, type[Conversing]] = {
    "chat": Chat,
    "responses": Responses,
    "messages": Messages,
    "gemini": Gemini,
}


@contextmanager
def conversing(url: str, key: str) -> Iterator[dict[str, Conversing]]:
    """One of each. They are worth keeping for a module: an SDK that begins reads all the certificates it trusts."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(closing(make(url, key))) for name, make in CLIENTS.items()}
