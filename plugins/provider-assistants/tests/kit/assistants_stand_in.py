"""A stand-in for OpenAI's Assistants API, v2, which no server that tests could run serves any more.

A test reads it with OpenAI's own SDK, whose types are those of the API. The last words that it hears say how a run
goes: `fail`, `limited`, `limit`, `slow`, `tool`, `cut`, `broken`; others are echoed.
"""

import asyncio
import itertools
import json

from aiohttp import web

KEY = "sk-assistants"
ASSISTANTS = ("asst_one", "asst_two", "asst_three")


class StandIn:
    """threads: messages by id. said: of assistants, what they were made with. asked: (method, path, headers, body).

    gone: set when a client has left a slow run.
    """

    def __init__(self):
        self.threads, self.asked, self.gone = {}, [], asyncio.Event()
        self.assistants = list(ASSISTANTS)
        self.said = {}
        self._numbers = itertools.count(1)
        app = web.Application()
        app.router.add_get("/v1/assistants", self.list)
        app.router.add_post("/v1/assistants", self.make)
        app.router.add_get("/v1/assistants/{assistant}", self.get)
        app.router.add_post("/v1/assistants/{assistant}", self.change)
        app.router.add_delete("/v1/assistants/{assistant}", self.drop)
        app.router.add_post("/v1/threads", self.thread)
        app.router.add_get("/v1/threads/{thread}", self.thread)
        app.router.add_get("/v1/threads/{thread}/messages", self.messages)
        app.router.add_post("/v1/threads/{thread}/messages", self.say)
        app.router.add_get("/v1/threads/{thread}/runs/{run}", self.run)
        app.router.add_post("/v1/threads/runs", self.start)
        app.router.add_post("/v1/threads/{thread}/runs", self.go_on)
        app.router.add_post("/v1/threads/{thread}/runs/{run}/submit_tool_outputs", self.submit)
        app.router.add_post("/v1/threads/{thread}/runs/{run}/cancel", self.cancel)
        app.router.add_delete("/v1/threads/{thread}", self.delete)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self):
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()

    def calls(self, method, end):
        return [one for one in self.asked if one[0] == method and one[1].endswith(end)]

    async def _noted(self, request):
        body = await request.read()
        call = json.loads(body) if body else {}
        self.asked.append((request.method, request.path, dict(request.headers), call))
        shown = request.headers.get("authorization") or request.headers.get("api-key")
        if shown not in (f"Bearer {KEY}", KEY) or request.headers.get("openai-beta") != "assistants=v2":
            error = {"message": "Incorrect API key", "type": "invalid_request_error", "code": "invalid_api_key"}
            raise web.HTTPUnauthorized(text=json.dumps({"error": error}), content_type="application/json")
        return call

    async def list(self, request):
        await self._noted(request)
        after = request.query.get("after")
        first = self.assistants.index(after) + 1 if after else 0
        end = first + int(request.query.get("limit", 20))
        data = [self._assistant(name) for name in self.assistants[first:end]]
        return web.json_response({"object": "list", "data": data, "has_more": end < len(self.assistants)})

    def _assistant(self, name):
        known = {"object": "assistant", "created_at": 1, "description": None, "model": "gpt-4o"}
        return {
            "id": name,
            "name": name,
            **known,
            "instructions": "Secret.",
            "tools": [],
            "metadata": {},
            **self.said.get(name, {}),
        }

    async def make(self, request):
        call = await self._noted(request)
        self.assistants.append(f"asst_made{next(self._numbers)}")
        self.said[self.assistants[-1]] = call
        return web.json_response(self._assistant(self.assistants[-1]))

    async def change(self, request):
        call = await self._noted(request)
        self.said.setdefault(request.match_info["assistant"], {}).update(call)
        return web.json_response(self._assistant(request.match_info["assistant"]))

    async def get(self, request):
        await self._noted(request)
        return web.json_response(self._assistant(request.match_info["assistant"]))

    async def drop(self, request):
        await self._noted(request)
        name = request.match_info["assistant"]
        self.assistants.remove(name)
        return web.json_response({"id": name, "object": "assistant.deleted", "deleted": True})

    async def thread(self, request):
        await self._noted(request)
        thread = request.match_info.get("thread") or f"thread_{next(self._numbers):024d}"
        self.threads.setdefault(thread, [])
        return web.json_response({"id": thread, "object": "thread", "created_at": 1, "metadata": {}})

    async def messages(self, request):
        await self._noted(request)
        said = self.threads[request.match_info["thread"]]
        data = [self._message(request, n, text) for n, text in enumerate(said)]
        return web.json_response({"object": "list", "data": data, "has_more": False})

    async def say(self, request):
        call = await self._noted(request)
        said = self.threads[request.match_info["thread"]]
        said.append(call["content"])
        return web.json_response(self._message(request, len(said) - 1, call["content"]))

    def _message(self, request, number, text):
        part = {"type": "text", "text": {"value": text, "annotations": []}}
        about = {"object": "thread.message", "created_at": 1, "role": "user", "status": "completed"}
        thread = request.match_info["thread"]
        return {"id": f"msg_{number}", **about, "thread_id": thread, "content": [part], "metadata": {}}

    async def run(self, request):
        await self._noted(request)
        return web.json_response(self._object(request.match_info["run"], request.match_info["thread"], "completed"))

    async def start(self, request):
        call = await self._noted(request)
        thread = f"thread_{next(self._numbers):024d}"
        self.threads[thread] = [_text(one) for one in call["thread"]["messages"]]
        return await self._run(request, call["assistant_id"], thread, created=True)

    async def go_on(self, request):
        call = await self._noted(request)
        thread = request.match_info["thread"]
        if thread not in self.threads:
            error = {"message": f"No thread found with id '{thread}'.", "type": "invalid_request_error", "code": None}
            return web.json_response({"error": error}, status=404)
        self.threads[thread] += [_text(one) for one in call.get("additional_messages") or ()]
        return await self._run(request, call["assistant_id"], thread)

    async def submit(self, request):
        call = await self._noted(request)
        thread, run = request.match_info["thread"], request.match_info["run"]
        said = ", ".join(f"{one['tool_call_id']}={one['output']}" for one in call["tool_outputs"])
        return await self._run(request, "asst_one", thread, run=run, answer=f"Tools said {said}")

    async def cancel(self, request):
        await self._noted(request)
        return web.json_response(self._object(request.match_info["run"], request.match_info["thread"], "cancelling"))

    async def delete(self, request):
        await self._noted(request)
        self.threads.pop(request.match_info["thread"], None)
        gone = {"id": request.match_info["thread"], "object": "thread.deleted", "deleted": True}
        return web.json_response(gone)

    def _object(self, run, thread, status, assistant="asst_one", **more):
        return {
            "id": run,
            "object": "thread.run",
            "created_at": 1,
            "assistant_id": assistant,
            "thread_id": thread,
            "status": status,
            "model": "gpt-4o",
            "instructions": "",
            "tools": [],
            "metadata": {},
            "parallel_tool_calls": True,
            "required_action": None,
            "last_error": None,
            "incomplete_details": None,
            "usage": None,
            **more,
        }

    async def _run(self, request, assistant, thread, *, created=False, run=None, answer=None):
        reply = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await reply.prepare(request)

        async def event(name, data):
            await reply.write(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())

        run = run or f"run_{next(self._numbers):024d}"
        heard = self.threads[thread][-1] if self.threads.get(thread) else ""
        if created:
            await event("thread.created", {"id": thread, "object": "thread", "created_at": 1, "metadata": {}})
        for status in ("queued", "in_progress"):
            name = "created" if status == "queued" else status
            await event(f"thread.run.{name}", self._object(run, thread, status, assistant))
        try:
            await self._speak(event, reply, assistant, thread, run, heard, answer)
        except (ConnectionError, asyncio.CancelledError):
            self.gone.set()
            raise
        return reply

    async def _speak(self, event, reply, assistant, thread, run, heard, answer):
        def state(status, **more):
            return self._object(run, thread, status, assistant, **more)

        if heard in ("fail", "limited") and answer is None:
            code = "server_error" if heard == "fail" else "rate_limit_exceeded"
            await event("thread.run.failed", state("failed", last_error={"code": code, "message": "It went wrong."}))
        elif heard == "tool" and answer is None:
            function = {"name": "look", "arguments": '{"q":"x"}'}
            calls = [{"id": f"call_{n}", "type": "function", "function": function} for n in (1, 2)]
            action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}}
            await event("thread.run.requires_action", state("requires_action", required_action=action))
        elif heard == "broken":
            await event("error", {"error": {"message": "The server broke.", "code": "server_error"}})
        else:
            await self._words(event, thread, answer or f"You said: {heard} ({len(self.threads[thread])})", heard)
            if heard == "cut":
                return
            usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
            if heard == "limit":
                details = {"reason": "max_completion_tokens"}
                await event("thread.run.incomplete", state("incomplete", incomplete_details=details, usage=usage))
            else:
                await event("thread.run.completed", state("completed", usage=usage))
        await reply.write(b"event: done\ndata: [DONE]\n\n")

    async def _words(self, event, thread, answer, heard):
        async def delta(text):
            part = {"index": 0, "type": "text", "text": {"value": text, "annotations": []}}
            await event(
                "thread.message.delta", {"id": "msg_1", "object": "thread.message.delta", "delta": {"content": [part]}}
            )

        for word in answer.partition(" "):
            if word:
                await delta(word)
        while heard == "slow":
            await delta("word ")
            await asyncio.sleep(0.01)


def _text(message):
    content = message["content"]
    return content if isinstance(content, str) else content[0].get("text", "")
