"""What a program sees of an upstream's faults with one of the official SDKs: run by test_faults.py, prints JSON.

python faults_tour.py SDK < {NAME: {"base": URL, "key": KEY, "calls": [[MODEL, STREAMED], …]}, …}

For each call: what came, as `["clean", TEXT]` or `[CLASS, STATUS, RETRY_AFTER]`, and whether it came in time.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

PATIENCE = 15.0
"""Seconds that a client waits for anything; what takes as long would hang."""
HELLO: Any = [{"role": "user", "content": "Hi"}]
Ask = Callable[[str, bool], str]


class ErrorEvent(Exception):
    """The SDK gives it as an event like others."""


def chat(base: str, key: str) -> Ask:
    import openai

    client = openai.OpenAI(base_url=base + "/v1", api_key=key, max_retries=0, timeout=PATIENCE)

    def ask(model: str, streamed: bool) -> str:
        if not streamed:
            return client.chat.completions.create(model=model, messages=HELLO).choices[0].message.content or ""
        chunks = client.chat.completions.create(model=model, messages=HELLO, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)

    return ask


def responses(base: str, key: str) -> Ask:
    import openai

    client = openai.OpenAI(base_url=base + "/v1", api_key=key, max_retries=0, timeout=PATIENCE)

    def ask(model: str, streamed: bool) -> str:
        if not streamed:
            return client.responses.create(model=model, input="Hi").output_text
        said = []
        for event in client.responses.create(model=model, input="Hi", stream=True):
            if event.type in ("error", "response.failed"):
                raise ErrorEvent
            if event.type == "response.output_text.delta":
                said.append(event.delta)
        return "".join(said)

    return ask


def messages(base: str, key: str) -> Ask:
    import anthropic

    client = anthropic.Anthropic(base_url=base, api_key=key, max_retries=0, timeout=PATIENCE)

    def ask(model: str, streamed: bool) -> str:
        if not streamed:
            said = client.messages.create(model=model, max_tokens=9, messages=HELLO)
            return "".join(block.text for block in said.content if block.type == "text")
        events = client.messages.create(model=model, max_tokens=9, messages=HELLO, stream=True)
        deltas = (event.delta for event in events if event.type == "content_block_delta")
        return "".join(delta.text for delta in deltas if delta.type == "text_delta")

    return ask


def gemini(base: str, key: str) -> Ask:
    from google import genai
    from google.genai import types

    options = types.HttpOptions(base_url=base, timeout=int(PATIENCE * 1000))
    client = genai.Client(api_key=key, vertexai=False, http_options=options)

    def text(reply: Any) -> str:
        parts = [part for one in reply.candidates or () for part in (one.content and one.content.parts) or ()]
        return "".join(part.text for part in parts if part.text and not part.thought)

    def ask(model: str, streamed: bool) -> str:
        if not streamed:
            return text(client.models.generate_content(model=model, contents="Hi"))
        return "".join(map(text, client.models.generate_content_stream(model=model, contents="Hi")))

    return ask


SDKS: dict[str, Callable[[str, str], Ask]] = {
    "chat": chat,
    "responses": responses,
    "messages": messages,
    "gemini": gemini,
}


def came(ask: Ask, model: str, streamed: bool) -> tuple[list[object], bool]:
    begun = time.monotonic()
    try:
        seen: list[object] = ["clean", ask(model, streamed)]
    except Exception as error:
        seen = [type(error).__name__, status_of(error), retry_after(error)]
    return seen, time.monotonic() - begun < PATIENCE - 1


def status_of(error: Exception) -> int | None:
    """Google's is in `code`, which is OpenAI's word for something else."""
    for name in ("status_code", "code"):
        if isinstance(found := getattr(error, name, None), int):
            return found
    return None


def retry_after(error: Exception) -> str | None:
    headers = getattr(getattr(error, "response", None), "headers", None)
    return headers.get("retry-after") if headers is not None else None


def main() -> None:
    sdk = SDKS[sys.argv[1]]
    with ThreadPoolExecutor(8) as pool:
        begun = {}
        for name, group in json.load(sys.stdin).items():
            ask = sdk(group["base"], group["key"])
            begun[name] = [pool.submit(came, ask, *one) for one in group["calls"]]
    print(json.dumps({name: [one.result() for one in calls] for name, calls in begun.items()}))


main()
