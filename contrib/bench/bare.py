"""The measure of a plain proxy: aiohttp's `web.Application` and `ClientSession` on uvloop, bytes through, nothing else.

python bare.py UPSTREAM_PORT        prints its port, serves until its standard input is closed
"""

from __future__ import annotations

import asyncio
import sys

import aiohttp
import uvloop
from aiohttp import web

SENT = ("Authorization", "Content-Type")


async def main(upstream: str) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=120)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def handle(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            headers = {name: request.headers[name] for name in SENT}
            headers["Accept-Encoding"] = "identity"
            async with session.post(upstream + request.path, data=body, headers=headers) as reply:
                kind = {"Content-Type": reply.headers["Content-Type"]}
                if not kind["Content-Type"].startswith("text/event-stream"):
                    return web.Response(body=await reply.read(), status=reply.status, headers=kind)
                response = web.StreamResponse(status=reply.status, headers=kind)
                await response.prepare(request)
                async for piece in reply.content.iter_any():
                    await response.write(piece)
                await response.write_eof()
                return response

        app = web.Application(client_max_size=2**25)
        app.router.add_post("/v1/chat/completions", handle)
        await serve(app)


async def serve(app: web.Application) -> None:
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    print(runner.addresses[0][1], flush=True)
    closed = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, lambda: None if sys.stdin.read(1) else closed.set())
    await closed.wait()
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(main(f"http://127.0.0.1:{sys.argv[1]}"))
