"""An upstream that answers with what it was told: chat completions below /chat, Responses below /native and /keeping.

Whoever ends with "wait" is made to wait until `go_on` is set, in the middle of a streamed reply. What /keeping has
answered it keeps, as OpenAI does, and continues by id.
"""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

from aiohttp import web

Json = dict[str, Any]
PAUSE = 7
"""The event before which a stream of Responses waits: the second half of its text."""


def chat_text(message: Json) -> str:
    content = message.get("content")
    said = content if isinstance(content, str) else "".join(part.get("text", "") for part in content or [])
    calls = "".join(f"call({one['function']['name']})" for one in message.get("tool_calls") or [])
    return f"{message['role']}:{said}{calls}"


def item_text(item: Json) -> str:
    kind = item.get("type", "message")
    if kind == "message":
        content = item["content"]
        said = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
        return f"{item['role']}:{said}"
    if kind == "function_call":
        return f"assistant:call({item['name']})"
    if kind == "function_call_output":
        return f"tool:{item['output']}"
    return f"{kind}:{item.get('encrypted_content', '')}"


class Recalling:
    """asked: bodies of requests, as they came, with `path`. kept: what /keeping has, by id."""

    def __init__(self) -> None:
        self.asked: list[Json] = []
        self.kept: dict[str, Json] = {}
        self.url = ""
        self.left = 0
        self._count = 0
        self._go_on = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve)
        self._up = threading.Event()

    def __enter__(self) -> Recalling:
        self._thread.start()
        self._up.wait()
        return self

    def __exit__(self, *error: object) -> None:
        self._go_on.set()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def go_on(self) -> None:
        self._go_on.set()

    def hold(self) -> None:
        self._go_on.clear()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._up.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._runner.cleanup())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _start(self) -> None:
        server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await self._answer(request)
        except (asyncio.CancelledError, ConnectionResetError):
            self.left += 1
            raise

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "DELETE":
            known = self.kept.pop(request.path.rpartition("/")[2], None)
            return web.json_response({}, status=200 if known else 404)
        body = json.loads(await request.read())
        self.asked.append(body | {"path": request.path})
        if request.path.startswith("/chat"):
            return await self._chat(request, body)
        return await self._responses(request, body)

    async def _chat(self, request: web.BaseRequest, body: Json) -> web.StreamResponse:
        text = " | ".join(map(chat_text, body["messages"]))
        last = body["messages"][-1]
        if last["content"] == "fail":
            return web.json_response({"error": {"message": "I was told to fail."}}, status=400)
        usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        calls = [{"index": 0, "id": "call_7", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]
        message: Json = {"role": "assistant", "content": text}
        end = "stop"
        if body.get("tools") and last["role"] == "user":
            message, end = {"role": "assistant", "content": None, "tool_calls": calls}, "tool_calls"
        base = {"id": "chatcmpl-same", "created": 1, "model": body["model"]}
        if not body.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": end}
            whole = {**base, "object": "chat.completion", "choices": [choice], "usage": usage}
            return web.json_response(whole)
        response = await self._begin(request)
        first, second = text[:4], text[4:]
        deltas: list[Json] = [{"role": "assistant", "content": first}, {"content": second}]
        if end == "tool_calls":
            deltas = [{"role": "assistant", "tool_calls": calls}]
        for n, delta in enumerate(deltas):
            if n:
                await self._pause(text)
            chunk = {**base, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]}
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
        last_chunk = {"choices": [{"index": 0, "delta": {}, "finish_reason": end}], "usage": usage}
        await response.write(f"data: {json.dumps(base | last_chunk)}\n\ndata: [DONE]\n\n".encode())
        return response

    async def _responses(self, request: web.BaseRequest, body: Json) -> web.StreamResponse:
        given = body.get("input") or []
        items = [{"role": "user", "content": given}] if isinstance(given, str) else given
        keeps = request.path.startswith("/keeping")
        past = self.kept.get(body.get("previous_response_id") or "", {}).get("items", [])
        if keeps and body.get("previous_response_id") and not past:
            error = {"message": "gone", "type": "invalid_request_error", "code": "previous_response_not_found"}
            return web.json_response({"error": error}, status=400)
        text = " | ".join(map(item_text, [*past, *items]))
        self._count += 1
        name = f"resp_up{self._count}"
        thought = {"id": f"rs_up{self._count}", "type": "reasoning", "summary": [], "encrypted_content": "SECRET"}
        part = {"type": "output_text", "text": text, "annotations": []}
        message = {"id": f"msg_up{self._count}", "type": "message", "role": "assistant", "status": "completed"}
        output = [thought, message | {"content": [part]}]
        usage = {
            "input_tokens": 7,
            "output_tokens": 3,
            "total_tokens": 10,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        }
        whole: Json = {
            "id": name,
            "object": "response",
            "created_at": 1,
            "status": "completed",
            "model": body["model"],
            "previous_response_id": body.get("previous_response_id"),
            "store": body.get("store", True),
            "output": output,
            "usage": usage,
            "error": None,
        }
        if keeps and body.get("store") is not False:
            self.kept[name] = {"items": [*past, *items, *output]}
        if not body.get("stream"):
            return web.json_response(whole)
        response = await self._begin(request)
        begun = whole | {"status": "in_progress", "output": [], "usage": None}
        where = {"item_id": message["id"], "output_index": 1, "content_index": 0}
        delta = {"type": "response.output_text.delta", **where}
        events: list[Json] = [
            {"type": "response.created", "response": begun},
            {"type": "response.in_progress", "response": begun},
            {"type": "response.output_item.added", "output_index": 0, "item": thought},
            {"type": "response.output_item.done", "output_index": 0, "item": thought},
            {"type": "response.output_item.added", "output_index": 1, "item": message | {"content": []}},
            {"type": "response.content_part.added", **where, "part": part | {"text": ""}},
            delta | {"delta": text[:4], "logprobs": []},
            delta | {"delta": text[4:], "logprobs": []},
            {"type": "response.output_text.done", **where, "text": text, "logprobs": []},
            {"type": "response.content_part.done", **where, "part": part},
            {"type": "response.output_item.done", "output_index": 1, "item": output[1]},
            {"type": "response.completed", "response": whole},
        ]
        for n, event in enumerate(events):
            if n == PAUSE:
                await self._pause(text)
            event["sequence_number"] = n
            await response.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        return response

    async def _begin(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        return response

    async def _pause(self, text: str) -> None:
        if text.endswith("wait"):
            await asyncio.to_thread(self._go_on.wait)
