"""The first piece of a reply, awaited before anything goes to the client: what fails until then can be tried again."""

from __future__ import annotations

from ..errors import UpstreamBroken
from ..provider import Take
from ..usage import Usage
from .opened import Opened, note


class Begun(Opened):
    """A reply of which the beginning has been read."""

    def __init__(self, opened: Opened, begun: bytes, ended: bool) -> None:
        super().__init__(
            opened.attempt, opened.convert, opened.status, opened.content_type, opened.streamed, opened.headers
        )
        self._opened = opened
        self._begun: bytes | None = begun
        self._ended = ended

    async def piece(self) -> bytes | None:
        if self._begun is not None:
            begun, self._begun = self._begun, None
            return begun
        return None if self._ended else await self._opened.piece()

    async def pour(self, take: Take) -> bool:
        if self._begun is not None or self._ended:
            return await super().pour(take)
        return await self._opened.pour(take)

    async def close(self) -> None:
        await self._opened.close()


async def begun(opened: Opened) -> Opened:
    """The reply once its first piece is there; unstreamed, once all of it is. Raises UpstreamError, the upstream's
    side closed, where it says in-band that it fails, or ends before it has said anything.
    """
    try:
        return await (_streamed(opened) if opened.streamed else _whole(opened))
    except BaseException:
        note(opened.attempt, opened.convert)
        if opened.convert.failed is not None and not opened.convert.output_bytes:
            opened.attempt.usage = opened.convert.usage or Usage()
        await opened.close()
        raise


async def _streamed(opened: Opened) -> Opened:
    piece: bytes | None = b""
    while piece == b"":
        piece = await opened.piece()
        if opened.convert.failed is not None:
            raise opened.convert.failed
    if piece is None:
        raise UpstreamBroken("The upstream ended its reply before it began.")
    return Begun(opened, piece, ended=False)


async def _whole(opened: Opened) -> Opened:
    parts = []
    while (piece := await opened.piece()) is not None:
        parts.append(piece)
        if opened.convert.failed is not None:
            raise opened.convert.failed
    return Begun(opened, b"".join(parts), ended=True)
