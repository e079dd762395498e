"""/api/agents/{id}/avatar: an agent's picture, kept within its document, so that it has to be a small one.

Source: LibreChat `api/server/controllers/agents/v1.js` (`uploadAgentAvatarHandler`).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from email.parser import BytesParser
from email.policy import HTTP

from gateway import Answer, Inbound, Principal, RouteSpec, Services, Settings
from gateway.identity import EDIT

from .routes import AgentRoutes, answered, edited, spec
from .sharing import Said

LARGEST = 64 * 2**10
"""Bytes of a picture: the documents of all agents are kept in memory, and lists tell it."""
_KINDS = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"))


class AvatarRoutes:
    def __init__(self, settings: Settings, services: Services) -> None:
        self._agents = AgentRoutes(settings, services)

    async def put(self, inbound: Inbound, principal: Principal) -> Answer:
        """Takes LibreChat's form, with the picture as `file`, or the picture alone."""
        store, one = await self._agents.one(inbound, principal, EDIT, create=True)
        picture = _picture(inbound.headers.get("content-type", ""), await inbound.receive())
        if len(picture) > LARGEST:
            raise Said(413, message=f"The picture has {len(picture)} bytes; {LARGEST} are the most.")
        kind = kind_of(picture)
        if kind is None:
            raise Said(400, message="The picture is none of PNG, JPEG, GIF and WebP.")
        avatar = {"filepath": f"data:image/{kind};base64,{b64encode(picture).decode()}", "source": "local"}
        agent = await self._agents.library(store).edit(one.agent.id, lambda _: {"avatar": avatar}, principal.user_id)
        return answered(edited(agent, principal), 201)


def avatar_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    routes, path = AvatarRoutes(settings, services), "/api/agents/{id}/avatar"
    return [spec("POST", path, routes.put, "Give it a small picture")]


def kind_of(picture: bytes) -> str | None:
    """By its first bytes, whatever it is said to be: browsers run what is none."""
    if picture[:4] == b"RIFF" and picture[8:12] == b"WEBP":
        return "webp"
    return next((kind for start, kind in _KINDS if picture.startswith(start)), None)


def _picture(content_type: str, body: bytes) -> bytes:
    """Raises Said."""
    if not content_type.lower().startswith("multipart/form-data"):
        return body
    head = b"content-type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n"
    form = BytesParser(policy=HTTP).parsebytes(head + body)
    for part in form.iter_parts():
        if part.get_param("name", header="content-disposition") == "file":
            found = part.get_payload(decode=True)
            return found if isinstance(found, bytes) else b""
    raise Said(400, message="The form has no `file`.")
