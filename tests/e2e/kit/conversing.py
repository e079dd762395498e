"""Two turns of a conversation with a tool, as a program has them with each vendor's SDK."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import anthropic
import openai
from google import genai
from google.genai import types

QUESTION, ANSWER = "What is the weather in Oslo?", "It rains."
NAME, DESCRIPTION = "weather", "The weather of a city"
PARAMETERS: Any = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
Calls = list[tuple[str, Any]]


class Conversing(ABC):
    """history: what was said so far, in the SDK's own objects."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key

    @abstractmethod
    def ask(self, model: str, history: list[Any], streamed: bool) -> list[Any]:
        """The history with the model's turn. Raises what the SDK raises."""

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

    def ask(self, model: str, history: list[Any], streamed: bool) -> list[Any]:
        tool = {"name": NAME, "description": DESCRIPTION, "parameters": PARAMETERS}
        asked: Any = {"model": model, "messages": history, "tools": [{"type": "function", "function": tool}]}
        if streamed:
            with self.sdk.chat.completions.stream(**asked) as stream:
                completion: Any = stream.get_final_completion()
        else:
            completion = self.sdk.chat.completions.create(**asked)
        return [*history, completion.choices[0].message]

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
    def ask(self, model: str, history: list[Any], streamed: bool) -> list[Any]:
        tool = {"type": "function", "name": NAME, "description": DESCRIPTION, "parameters": PARAMETERS}
        asked: Any = {"model": model, "input": history, "tools": [tool], "store": False}
        asked["include"] = ["reasoning.encrypted_content"]
        if streamed:
            with self.sdk.responses.stream(**asked) as stream:
                response: Any = stream.get_final_response()
        else:
            response = self.sdk.responses.create(**asked)
        return [*history, *response.output]

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

    def ask(self, model: str, history: list[Any], streamed: bool) -> list[Any]:
        tool = {"name": NAME, "description": DESCRIPTION, "input_schema": PARAMETERS}
        asked: Any = {"model": model, "max_tokens": 9999, "messages": history, "tools": [tool]}
        asked["thinking"] = {"type": "adaptive"}
        if streamed:
            with self.sdk.messages.stream(**asked) as stream:
                message: Any = stream.get_final_message()
        else:
            message = self.sdk.messages.create(**asked)
        return [*history, {"role": "assistant", "content": message.content}]

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

    def ask(self, model: str, history: list[Any], streamed: bool) -> list[Any]:
        """Pieces of a stream are kept one by one, as the SDK's own chats keep them."""
        declared = types.FunctionDeclaration(name=NAME, description=DESCRIPTION, parameters_json_schema=PARAMETERS)
        config = types.GenerateContentConfig(
            tools=[types.Tool(function_declarations=[declared])],
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            thinking_config=types.ThinkingConfig(include_thoughts=True),
        )
        asked: Any = {"model": model, "contents": history, "config": config}
        if streamed:
            pieces = list(self.sdk.models.generate_content_stream(**asked))
        else:
            pieces = [self.sdk.models.generate_content(**asked)]
        said = [one.candidates[0].content for one in pieces if one.candidates and one.candidates[0].content]
        return [*history, *(content for content in said if content.parts)]

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
