"""A stand-in for LibreChat's Agents API, since a real LibreChat (MongoDB, Node) cannot run in tests.

It answers as LibreChat v0.8.8-rc1 does by its source: `api/server/controllers/agents/{openai,responses}.js`,
`packages/api/src/agents/{openai,responses}/*.ts`, `packages/api/src/apiKeys/middleware.ts`; its defects are the point.
What a call's last words name is how the run goes: `fail`, `tools`, `think`, `attach`, `slow`; others are echoed.
"""

import asyncio
import json

from aiohttp import web

ADA, BOB = "sk-" + "a" * 64, "sk-" + "b" * 64
BARRED = "sk-" + "c" * 64
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEiLCJpc3MiOiJ4In0.c2lnbmF0dXJlLW9mLWl0"
AGENTS = {
    "agent_poet": {"name": "Poet", "users": {ADA, BOB, TOKEN}, "created": 1755800000},
    "agent_private": {"name": "Private", "users": {ADA, TOKEN}, "created": 1755800001},
    "agent_whole": {"name": "Whole", "users": {ADA}, "created": 1755800002},
}
"""`agent_whole` has `disableStreaming`."""
CONVERSATION = "0b8f1a52-6a5b-4d0e-9b59-2f3a1c9d7e01"
ROLES = ("system", "user", "assistant", "tool")


class Refuse(Exception):
    def __init__(self, status, body):
        self.status, self.body = status, body


def bad(message, kind="invalid_request_error", status=400, **more):
    return Refuse(status, {"error": {"message": message, "type": kind, **more}})


def content_of(message):
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


class StandIn:
    """asked: (key, path, body) of what came. refused: keys of what was not let in. revoked: keys that are no more.
    down: it answers 502, as its proxy does. charged: tokens by key. gone: set when a client has left a slow run.
    """

    def __init__(self):
        self.asked, self.refused, self.revoked, self.charged = [], [], set(), {}
        self.down = False
        self.gone = asyncio.Event()
        base = "/api/agents/v1"
        routes = {
            ("GET", f"{base}/models"): self.models,
            ("POST", f"{base}/chat/completions"): self.chat,
            ("POST", f"{base}/responses"): self.responses,
        }
        server = web.Server(lambda request: self.handle(routes, request), handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)

    async def __aenter__(self):
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()

    async def handle(self, routes, request):
        handler = routes.get((request.method, request.path))
        try:
            if self.down:
                return web.Response(status=502, text="Bad gateway")
            if handler is None:
                raise Refuse(404, {"message": "Endpoint not found"})
            key = self.authenticate(request)
            body = await request.read()
            self.asked.append((key, request.path, body))
            return await handler(request, key, body)
        except Refuse as refused:
            return web.json_response(refused.body, status=refused.status)

    def authenticate(self, request):
        given = request.headers.get("Authorization", "")
        if not given.startswith("Bearer "):
            words = "Missing or invalid Authorization header. Expected: Bearer <api_key>"
            raise bad(words, status=401, code="missing_api_key")
        key = given[7:]
        if key in self.revoked or key not in (ADA, BOB, BARRED, TOKEN):
            self.refused.append(key)
            raise bad("Invalid API key", status=401, code="invalid_api_key")
        if key == BARRED:
            raise Refuse(403, {"message": "Forbidden: Insufficient permissions"})
        return key

    async def models(self, request, key, body):
        data = [
            {
                "id": name,
                "object": "model",
                "created": agent["created"],
                "owned_by": "librechat",
                "permission": [],
                "root": name,
                "parent": None,
                "name": agent["name"],
                "description": "",
                "provider": "openAI",
            }
            for name, agent in AGENTS.items()
            if key in agent["users"]
        ]
        return web.json_response({"object": "list", "data": data})

    def agent(self, key, body):
        try:
            call = json.loads(body)
        except ValueError:
            words = "The request body contains malformed JSON"
            raise Refuse(400, {"error": "Invalid JSON format", "message": words}) from None
        name = call.get("model")
        if not name:
            raise bad("Model (agent ID) is required", code="missing_model")
        if name not in AGENTS:
            raise bad(f"Agent not found: {name}", status=404, code="model_not_found")
        if key not in AGENTS[name]["users"]:
            raise bad(f"No remote access to agent: {name}", "permission_error", 403, code="access_denied")
        return call

    def charge(self, key, words):
        self.charged[key] = self.charged.get(key, 0) + 7 + words

    # Chat completions

    async def chat(self, request, key, body):
        call = self.agent(key, body)
        messages = call.get("messages")
        if not isinstance(messages, list) or not messages:
            raise bad("messages array is required", param=None, code=None)
        for at, message in enumerate(messages):
            if message.get("role") not in ROLES:
                words = f"messages[{at}].role must be one of: system, user, assistant, tool"
                raise bad(words, param=None, code=None)
        if "conversation_id" in call and not isinstance(call["conversation_id"], str):
            raise bad("conversation_id must be a string", param=None, code=None)
        said = content_of(messages[-1])
        streams = call.get("stream") is True and call["model"] != "agent_whole"
        if not streams:
            return await self.chat_whole(call, key, said)
        reply = await self.begin(request)
        try:
            return await self.chat_stream(reply, call, key, said)
        except (ConnectionError, asyncio.CancelledError):
            self.gone.set()
            raise

    async def begin(self, request):
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        reply = web.StreamResponse(headers=headers)
        await reply.prepare(request)
        return reply

    async def chat_whole(self, call, key, said):
        if said == "fail":
            raise bad("Rate limit reached for gpt", status=429, code="rate_limit_exceeded")
        if said == "no key":
            raise bad('{"type":"no_user_key"}', "server_error", 500)
        message = {"role": "assistant", "content": f"You said: {said}"}
        reason = "stop"
        if said == "think":
            message["reasoning"] = "Let me see."
        if said in ("tools", "only tools"):
            message["tool_calls"] = [
                {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"q":"x"}'}}
            ]
        if said == "only tools":
            message["content"], reason = None, "tool_calls"
        words = len(said.split()) + 2
        self.charge(key, words)
        return web.json_response(
            {
                "id": "chatcmpl-abcdefghijklmnopqrstu",
                "object": "chat.completion",
                "created": 1755800100,
                "model": call["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": reason}],
                "usage": {"prompt_tokens": 7, "completion_tokens": words, "total_tokens": 7 + words},
            }
        )

    async def chat_stream(self, reply, call, key, said):
        async def chunk(delta, reason=None, **more):
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            frame = {
                "id": "chatcmpl-abcdefghijklmnopqrstu",
                "object": "chat.completion.chunk",
                "created": 1755800100,
                "model": call["model"],
                "choices": [choice],
                **more,
            }
            await reply.write(b"data: " + json.dumps(frame).encode() + b"\n\n")

        async def named(name, payload):
            await reply.write(f"event: {name}\ndata: {json.dumps(payload)}\n\n".encode())

        await chunk({"role": "assistant"})
        if said in ("fail", "late fail"):
            if said == "late fail":
                await chunk({"content": "It was a"})
            await chunk({"content": "\n\nError: 429 Rate limit reached for gpt"}, "stop")
            await reply.write(b"data: [DONE]\n\n")
            return reply
        if said == "think":
            await chunk({"reasoning": "Let me "})
            await chunk({"reasoning": "see."})
        if said == "tools":
            await self.tools(chunk)
        if said == "attach":
            await named("on_summarize_start", {"agentId": "a", "provider": "openAI"})
            await named("attachment", {"file_id": "f", "filename": "a.png", "messageId": "m"})
        if said == "slow":
            while True:
                await chunk({"content": "word "})
                await asyncio.sleep(0.01)
        for word in ("You said:", f" {said}"):
            await chunk({"content": word})
        words = len(said.split()) + 2
        self.charge(key, words)
        usage = {"prompt_tokens": 7, "completion_tokens": words, "total_tokens": 7 + words}
        await chunk({}, "stop", usage=usage)
        await reply.write(b"data: [DONE]\n\n")
        return reply

    async def tools(self, chunk):
        """Step indexes 1 and 3; the arguments have the provider's, 0 each time."""
        for step, name in ((1, "look"), (3, "read")):
            function = {"name": name, "arguments": ""}
            start = {"index": step, "id": f"call_{name}", "type": "function", "function": function}
            await chunk({"tool_calls": [start]})
            for piece in ('{"of":', f'"{name}"}}'):
                await chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})

    # Responses

    async def responses(self, request, key, body):
        call = self.agent(key, body)

        def wrong(message, kind="invalid_request", status=400):
            return Refuse(status, {"error": {"type": kind, "message": message, "code": None, "param": None}})

        if "input" not in call:
            raise wrong("input is required")
        for name, kind in (("stream", bool), ("previous_response_id", str)):
            if name in call and not isinstance(call[name], kind):
                raise wrong(f"{name} must be a {'boolean' if kind is bool else 'string'}")
        previous = call.get("previous_response_id")
        if previous is not None and previous != CONVERSATION:
            raise wrong("Conversation not found", "not_found", 404)
        given = call["input"]
        items = [{"type": "message", "role": "user", "content": given}] if isinstance(given, str) else given
        said = [content_of(item) for item in items if item.get("type") == "message"]
        words = said[-1] if said else ""
        texts = len(said) + (2 if previous else 0)
        if call.get("stream"):
            return await self.responses_stream(request, call, key, words, texts)
        if words == "fail":
            raise wrong("Rate limit reached for gpt", status=429)
        self.charge(key, 3)
        output = [self.message(f"You said: {words} ({texts})", "completed")]
        return web.json_response(self.response(call, "completed", output))

    def message(self, text, status):
        parts = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
        return {"type": "message", "id": "msg_1", "status": status, "role": "assistant", "content": parts}

    def response(self, call, status, output):
        usage = {
            "input_tokens": 9,
            "output_tokens": 3,
            "total_tokens": 12,
            "input_tokens_details": {"cached_tokens": 4},
            "output_tokens_details": {"reasoning_tokens": 0},
        }
        return {
            "id": "resp_lx1abcdef",
            "object": "response",
            "created_at": 1755800100,
            "completed_at": None,
            "status": status,
            "incomplete_details": None,
            "model": call["model"],
            "previous_response_id": call.get("previous_response_id"),
            "instructions": call.get("instructions"),
            "output": output,
            "error": None,
            "tools": [],
            "tool_choice": "auto",
            "truncation": "disabled",
            "parallel_tool_calls": True,
            "text": {"format": {"type": "text"}},
            "temperature": 1,
            "top_p": 1,
            "store": False,
            "usage": usage if status == "completed" else None,
            "metadata": {},
        }

    async def responses_stream(self, request, call, key, words, texts):
        reply = await self.begin(request)
        number = -1

        async def event(kind, **more):
            nonlocal number
            number += 1
            frame = json.dumps({"type": kind, "sequence_number": number, **more})
            await reply.write(f"event: {kind}\ndata: {frame}\n\n".encode())

        await event("response.created", response=self.response(call, "in_progress", []))
        await event("response.in_progress", response=self.response(call, "in_progress", []))
        if words == "fail":
            await reply.write(b"data: [DONE]\n\n")
            return reply
        if words == "think":
            item = {"type": "reasoning", "id": "reason_1", "status": "in_progress", "content": [], "summary": []}
            await event("response.output_item.added", output_index=0, item=item)
            await event(
                "response.reasoning.delta", item_id="reason_1", output_index=0, content_index=0, delta="Let me."
            )
            await event("response.reasoning.done", item_id="reason_1", output_index=0, content_index=0, text="Let me.")
        if words == "tools":
            item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": ""}
            await event("response.output_item.added", output_index=0, item={**item, "status": "in_progress"})
            more = {"item_id": "fc_1", "output_index": 0, "call_id": "call_1", "delta": '{"q":"x"}'}
            await event("response.function_call_arguments.delta", **more)
        text = f"You said: {words} ({texts})"
        where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        item = {"type": "message", "id": "msg_1", "status": "in_progress", "role": "assistant", "content": []}
        await event("response.output_item.added", output_index=0, item=item)
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        await event("response.content_part.added", **where, part=part)
        for piece in (text[:8], text[8:]):
            await event("response.output_text.delta", **where, delta=piece, logprobs=[])
        await event("response.output_text.done", **where, text=text, logprobs=[])
        await event("response.output_item.done", output_index=0, item=self.message(text, "completed"))
        self.charge(key, 3)
        done = self.response(call, "completed", [self.message(text, "completed")])
        await event("response.completed", response=done)
        await reply.write(b"data: [DONE]\n\n")
        return reply
