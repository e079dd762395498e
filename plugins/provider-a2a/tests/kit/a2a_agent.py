"""An agent on the official SDK's own server, in a process of its own: `python a2a_agent.py PORT`.

What it is told is how it behaves: the words of a message in capitals, else it answers in three pieces. `--plain` has a
card that does not stream, `--old` one of 0.3 alone; `--key NAME` asks for a key in that header, `--bearer` for a token.
"""

import argparse
import asyncio
import sys

import uvicorn
from a2a.helpers.proto_helpers import new_task_from_user_message, new_text_message
from a2a.server.agent_execution import AgentExecutor
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes, create_rest_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types.a2a_pb2 import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentSkill,
    APIKeySecurityScheme,
    HTTPAuthSecurityScheme,
    Part,
    SecurityRequirement,
    SecurityScheme,
    StringList,
)
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Value
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

KEY = "the-agents-key"
PIXEL = bytes.fromhex("89504e470d0a1a0a")


class Agent(AgentExecutor):
    def __init__(self):
        self.canceled, self.heard = [], []

    async def execute(self, ctx, queue):
        said = ctx.get_user_input()
        self.heard.append((said, [part.WhichOneof("content") for part in ctx.message.parts], ctx.context_id))
        if "DIRECT" in said:
            await queue.enqueue_event(new_text_message("A direct reply", context_id=ctx.context_id))
            return
        task = ctx.current_task
        if not task:
            task = new_task_from_user_message(ctx.message)
            await queue.enqueue_event(task)
        updater = TaskUpdater(queue, task.id, task.context_id)
        if "REJECT" in said:
            await updater.reject(updater.new_agent_message([Part(text="Not my job")]))
            return
        await updater.start_work()
        await self.work(said, ctx, updater)

    async def work(self, said, ctx, updater):
        if "FAIL" in said:
            await updater.failed(updater.new_agent_message([Part(text="It broke")]))
        elif "QUOTE" in said:
            await updater.failed(updater.new_agent_message([Part(text=f"I was called with {KEY}")]))
        elif "ASK" in said:
            await updater.requires_input(updater.new_agent_message([Part(text="Which one?")]))
        elif "LOGIN" in said:
            await updater.requires_auth(updater.new_agent_message([Part(text="Go to https://login.example")]))
        elif "FOREVER" in said:
            await updater.add_artifact([Part(text="On and on")], artifact_id="a1")
            await asyncio.Event().wait()
        elif "LAST" in said:
            await updater.complete(updater.new_agent_message([Part(text="All is in here")]))
        elif "THINK" in said:
            await updater.start_work(updater.new_agent_message([Part(text="Let me see.")]))
            await self.answer(updater, ["Seen."])
        elif "PARTS" in said:
            data = ParseDict({"degrees": 21}, Value())
            link = Part(url="https://files.example/a.pdf", media_type="application/pdf", filename="a.pdf")
            image = Part(raw=PIXEL, media_type="image/png", filename="a.png")
            binary = Part(raw=b"zip", media_type="application/zip", filename="a.zip")
            parts = [Part(text="Look: "), Part(data=data), link, image, binary]
            await updater.add_artifact(parts, artifact_id="a1", last_chunk=True)
            await updater.complete()
        elif "HEARD" in said:
            await self.answer(updater, ["; ".join(f"{text!r} {kinds}" for text, kinds, _ in self.heard[-1:])])
        elif "CONTEXT" in said:
            before = sum(context == ctx.context_id for _, _, context in self.heard)
            await self.answer(updater, [f"{before} in {ctx.context_id}"])
        else:
            await self.answer(updater, ["Hello", " from", " agent"])

    async def answer(self, updater, words):
        for at, word in enumerate(words):
            last = at == len(words) - 1
            await updater.add_artifact([Part(text=word)], artifact_id="a1", append=at > 0, last_chunk=last)
        await updater.complete()

    async def cancel(self, ctx, queue):
        self.canceled.append(ctx.task_id)
        await TaskUpdater(queue, ctx.task_id, ctx.context_id).cancel()


def card_of(url, given):
    both = [("JSONRPC", "1.0"), ("JSONRPC", "0.3"), ("HTTP+JSON", "1.0")]
    card = AgentCard(
        name="demo",
        description="An agent for tests",
        version="1.0.0",
        capabilities=AgentCapabilities(streaming=not given.plain),
        supported_interfaces=[
            AgentInterface(url=url, protocol_binding=binding, protocol_version=version)
            for binding, version in (both[1:2] if given.old else both)
        ],
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="s", name="s", description="s", tags=["t"])],
    )
    scheme = None
    if given.key:
        scheme = SecurityScheme(api_key_security_scheme=APIKeySecurityScheme(location="header", name=given.key))
    if given.bearer:
        scheme = SecurityScheme(http_auth_security_scheme=HTTPAuthSecurityScheme(scheme="Bearer"))
    if scheme is not None:
        card.security_schemes["door"].CopyFrom(scheme)
        card.security_requirements.append(SecurityRequirement(schemes={"door": StringList()}))
    return card


def guarded(app, given):
    """The SDK leaves it to its host to look at credentials."""

    async def served(scope, receive, send):
        headers = {name.decode(): value.decode() for name, value in scope.get("headers", ())}
        wanted = {given.key.lower(): KEY} if given.key else {"authorization": f"Bearer {KEY}"} if given.bearer else {}
        posts = scope["type"] == "http" and scope["method"] == "POST"
        if posts and any(headers.get(name) != value for name, value in wanted.items()):
            await PlainTextResponse("Who are you?", 401)(scope, receive, send)
            return
        await app(scope, receive, send)

    return served


def main(arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    for flag in ("--plain", "--old", "--bearer"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--key", default="")
    given = parser.parse_args(arguments)
    url = f"http://127.0.0.1:{given.port}/"
    agent = Agent()
    card = card_of(url, given)
    handler = DefaultRequestHandler(agent_executor=agent, task_store=InMemoryTaskStore(), agent_card=card)

    async def seen(request):
        return JSONResponse({"canceled": agent.canceled, "heard": [one[:2] for one in agent.heard]})

    routes = create_agent_card_routes(card) + create_jsonrpc_routes(handler, "/", enable_v0_3_compat=True)
    routes += [*create_rest_routes(handler, path_prefix="/rest"), Route("/seen", seen)]
    app = guarded(Starlette(routes=routes), given)
    uvicorn.run(app, host="127.0.0.1", port=given.port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main(sys.argv[1:])
