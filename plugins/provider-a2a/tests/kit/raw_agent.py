"""An agent of raw sockets, which keeps no protocol: what it answers is bytes."""

import asyncio
import json

CARD = "/.well-known/agent-card.json"


def http(body, status="200 OK", kind="application/json", length=None, **headers):
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {size}\r\n{more}\r\n".encode() + body


def rpc(**members):
    return json.dumps({"jsonrpc": "2.0", "id": 1, **members}).encode()


def result(**members):
    return rpc(result=members)


def status(state, words="", **more):
    message = {"message": {"role": "ROLE_AGENT", "parts": [{"text": words}]}} if words else {}
    return {"statusUpdate": {"taskId": "t1", "contextId": "c1", "status": {"state": state, **message}, **more}}


def artifact(text, append=True, name="a1"):
    piece = {"artifactId": name, "parts": [{"text": text}]}
    return {"artifactUpdate": {"taskId": "t1", "contextId": "c1", "artifact": piece, "append": append}}


def task(state, *artifacts, **more):
    return {"task": {"id": "t1", "contextId": "c1", "status": {"state": state}, "artifacts": list(artifacts), **more}}


STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


def stream(*frames):
    return STREAM + b"".join(b"data: " + (one if isinstance(one, bytes) else result(**one)) + b"\n\n" for one in frames)


class RawAgent:
    """answers: by method, in their order; the last one also to all that follow. An answer is bytes, or bytes of which
    the last are sent again and again, in a pair, or None for silence. asked: headers and body of every request. gone:
    set once a client has left.
    """

    def __init__(self, card=None, streaming=True):
        self.given = card
        self.streaming = streaming
        self.answers, self.asked = {}, []
        self.gone = asyncio.Event()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task_ in list(getattr(self, "_tasks", ())):
            task_.cancel()
        await asyncio.sleep(0)

    def card(self):
        if isinstance(self.given, bytes):
            return self.given
        interface = {"url": self.url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
        card = {"name": "raw", "supportedInterfaces": [interface], "capabilities": {"streaming": self.streaming}}
        return http(json.dumps({**card, **(self.given or {})}).replace("PORT", str(self.port)).encode())

    def methods(self):
        return [json.loads(body)["method"] for _, body in self.asked if body]

    async def _serve(self, reader, writer):
        self._tasks = {*getattr(self, "_tasks", ()), asyncio.current_task()}
        try:
            while await self._request(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            self.gone.set()
        finally:
            writer.close()

    async def _request(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length:")), 0)
        body = await reader.readexactly(length)
        self.asked.append((head, body))
        answer = self._answer(head, body)
        if answer is None:
            await reader.read()
            self.gone.set()
            return False
        if isinstance(answer, tuple):
            writer.write(answer[0])
            while True:
                writer.write(answer[1])
                await writer.drain()
        writer.write(answer)
        await writer.drain()
        return bool(answer) and b"connection: close" not in answer and not answer.startswith(b"!")

    def _answer(self, head, body):
        if not body:
            return self.card() if CARD in head else http(b"{}", "404 Not Found")
        left = self.answers.get(json.loads(body)["method"], [http(rpc(error={"code": -32601, "message": "none"}))])
        return left.pop(0) if len(left) > 1 else left[0]
