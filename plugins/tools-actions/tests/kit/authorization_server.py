"""An API that users log in to, with its authorization server: strict about clients, codes, PKCE and refresh tokens.

Everybody who comes to /authorize is let in at once. The official MCP package's authorization server is what tools-mcp
tests the same code with.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
from typing import Any, Self
from urllib.parse import urlencode

from aiohttp import web

CLIENT, SECRET = "client of the gateway", "secret+of&the gateway"


class AuthorizationServer:
    """asked: forms that came to /token. good, refreshes: tokens that count. tokens: all that were ever given."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.good: set[str] = set()
        self.refreshes: set[str] = set()
        self.tokens: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._numbers = itertools.count(1)
        app = web.Application()
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_get("/me", self._me)
        self._runner = web.AppRunner(app, access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{next(self._numbers)}"
        self._codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"], "iss": self.url})
        raise web.HTTPFound(f"{asked['redirect_uri']}?{back}")

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return web.json_response({"error": "invalid_client"}, status=401)
        if form["grant_type"] == "refresh_token":
            is_good = form["refresh_token"] in self.refreshes
            self.refreshes.discard(form["refresh_token"])
        else:
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            asked = self._codes.pop(form["code"], {})
            expected = (base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), form["redirect_uri"])
            is_good = expected == (asked.get("code_challenge"), asked.get("redirect_uri"))
        if not is_good:
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response(self._granted())

    def _granted(self) -> dict[str, Any]:
        number = next(self._numbers)
        access, refresh = f"access-token-{number}", f"refresh-token-{number}"
        self.good.add(access)
        self.refreshes.add(refresh)
        self.tokens += [access, refresh]
        return {"access_token": access, "refresh_token": refresh, "expires_in": "3600", "token_type": "bearer"}

    async def _me(self, request: web.Request) -> web.Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.good:
            return web.json_response({"error": "invalid_token"}, status=401)
        return web.json_response({"account": token.removeprefix("access-token-"), "you": "are in"})
