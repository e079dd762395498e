"""What was kept is shown, paged and deleted, and goes when its time or its room is up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from gateway_dialect_open_responses.state.sweeping import sweep
from stately import BOB, KEEPING, NATIVE, Stately, reply_of, stately

from gateway import (
    BadCall,
    GatewayError,
    HttpProvider,
    NotFound,
    Outgoing,
    Provider,
    Reply,
    Target,
    Upstream,
)

Json = dict[str, Any]


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Stately]:
    async with stately(tmp_path) as made:
        yield made


async def chained(kept: Stately, *inputs: Any) -> list[str]:
    """Ids of replies, each of which continues the one before."""
    names: list[str] = []
    for number, given in enumerate(inputs):
        body: Json = {"model": "m", "input": given} | ({"previous_response_id": names[-1]} if names else {})
        names.append((await kept.said(body, reply_of(name=f"resp_up{number}")))["id"])
    return names


async def refused(kept: Stately, method: str, path: str, **query: str) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await kept.asked(method, path, **query)
    return caught.value


async def test_input_items_are_paged_both_ways_with_what_came_before(kept: Stately) -> None:
    picture = {"type": "input_image", "image_url": "data:image/png;base64,AA=="}
    _, last = await chained(kept, "one", [{"role": "user", "content": [picture]}, {"role": "user", "content": "two"}])
    path = f"/responses/{last}/input_items"
    everything = await kept.asked("GET", path, order="asc")
    names = [item["id"] for item in everything["data"]]
    assert [item["role"] for item in everything["data"]] == ["user", "assistant", "user", "user"]
    assert (everything["first_id"], everything["last_id"], everything["has_more"]) == (names[0], names[-1], False)
    newest = await kept.asked("GET", path, limit="3")
    assert ([item["id"] for item in newest["data"]], newest["has_more"]) == (names[:0:-1], True)
    rest = await kept.asked("GET", path, limit="3", after=newest["last_id"])
    assert ([item["id"] for item in rest["data"]], rest["has_more"]) == (names[:1], False)
    onwards = await kept.asked("GET", path, order="asc", after=names[1])
    assert [item["id"] for item in onwards["data"]] == names[2:]
    end = await kept.asked("GET", path, order="asc", after=names[-1])
    assert (end["data"], end["first_id"], end["last_id"], end["has_more"]) == ([], None, None, False)
    shown = await kept.asked("GET", path, include="message.input_image.image_url")
    assert shown["data"][1]["content"] == [picture]


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"order": "up"}, {"after": "msg_none"}],
    ids=["none", "many", "no-number", "order", "unknown"],
)
async def test_a_page_that_cannot_be_meant_is_refused(kept: Stately, query: dict[str, str]) -> None:
    [name] = await chained(kept, "one")
    error = await refused(kept, "GET", f"/responses/{name}/input_items", **query)
    assert (type(error), error.param) == (BadCall, next(iter(query)))


async def test_a_deleted_response_is_gone_with_what_continues_it(kept: Stately) -> None:
    first, second = await chained(kept, "one", "two")
    told = await kept.asked("DELETE", f"/responses/{first}")
    assert told == {"id": first, "object": "response", "deleted": True}
    assert (await refused(kept, "GET", f"/responses/{first}")).code == "response_not_found"
    assert (await refused(kept, "DELETE", f"/responses/{first}")).status == 404
    for name in (first, second):
        with pytest.raises(BadCall) as caught:
            await kept.sent({"model": "m", "input": "x", "previous_response_id": name})
        assert caught.value.code == "previous_response_not_found"
    assert (await kept.asked("GET", f"/responses/{second}"))["id"] == second


class Deployment(HttpProvider):
    endpoint = "elsewhere"
    dialects = ("open-responses",)

    def url(self, outgoing: Outgoing) -> str:
        return "http://deployment" + outgoing.encoded.path

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        return {"authorization": "theirs"}


class Deployments(Provider):
    """Whose targets are others'."""

    endpoint = "elsewhere"
    dialects = ("open-responses",)

    def target(self, model: str) -> Target:
        return Target(Deployment(), "elsewhere", model)


class Answer(Reply):
    headers: Mapping[str, str] = {}

    def __init__(self, status: int) -> None:
        self.status = status

    async def read(self, limit: int = 0) -> bytes:
        return b""

    async def chunk(self) -> bytes:
        return b""

    def close(self) -> None: ...


class Asked(Upstream):
    def __init__(self, status: int) -> None:
        self.asked: list[tuple[str, str, Mapping[str, str]]] = []
        self._status = status

    async def send(self, method: str, url: str, headers: Mapping[str, str], *rest: Any, **more: Any) -> Reply:
        self.asked.append((method, url, headers))
        return Answer(self._status)


@pytest.mark.parametrize(("status", "gone"), [(200, True), (404, True), (405, True), (500, False)])
async def test_who_may_keep_it_too_deletes_it_first(tmp_path: Path, status: int, gone: bool) -> None:
    upstream = Asked(status)
    async with stately(tmp_path, upstream, {"elsewhere": Deployments()}) as made:
        for route in (KEEPING, NATIVE):
            name = (await made.said({"model": "m", "input": "one"}, route=route))["id"]
            if gone:
                await made.asked("DELETE", f"/responses/{name}")
            else:
                assert (await refused(made, "DELETE", f"/responses/{name}")).status == 500
            assert (await made.stored(name) is None) is gone
        name = (await made.said({"model": "m", "input": "one"}))["id"]
        await made.asked("DELETE", f"/responses/{name}")
    assert upstream.asked == [("DELETE", "http://deployment/responses/resp_up1", {"authorization": "theirs"})] * 2


async def test_a_deleted_conversation_takes_its_items_and_responses_along(kept: Stately) -> None:
    message = {"type": "message", "role": "user", "content": "one"}
    made = await kept.asked("POST", "/conversations", body={"items": [message]})
    told = await kept.said({"model": "m", "input": "two", "conversation": made["id"]})
    [name] = [item["id"] for item in (await kept.asked("GET", f"/conversations/{made['id']}/items", limit="1"))["data"]]
    await kept.asked("DELETE", f"/conversations/{made['id']}")
    for path in (f"/conversations/{made['id']}", f"/conversations/{made['id']}/items"):
        assert isinstance(await refused(kept, "GET", path), NotFound)
    assert isinstance(await refused(kept, "GET", f"/conversations/{made['id']}/items/{name}"), NotFound)
    assert isinstance(await refused(kept, "GET", f"/responses/{told['id']}"), NotFound)


async def test_only_runs_are_followed_and_cancelled(kept: Stately) -> None:
    [name] = await chained(kept, "one")
    for method, path, query in (
        ("GET", f"/responses/{name}", {"stream": "true"}),
        ("POST", f"/responses/{name}/cancel", {}),
    ):
        assert (await refused(kept, method, path, **query)).status == 400
    assert (await refused(kept, "GET", "/responses/resp_none", stream="true")).status == 404


async def test_another_user_sees_nothing(kept: Stately) -> None:
    [name] = await chained(kept, "one")
    with pytest.raises(NotFound):
        await kept.asked("GET", f"/responses/{name}", user=BOB)


async def test_what_is_not_continued_is_gone_after_its_time(tmp_path: Path) -> None:
    async with stately(tmp_path, ttl=100) as made:
        first, second = await chained(made, "one", "two")
        [alone] = await chained(made, "three")
        await made.kept.behind.stop()
        made.now += 60
        await made.said({"model": "m", "input": "x", "previous_response_id": second})
        await made.kept.behind.stop()
        made.now += 60
        await sweep(made.kept, made.resumer)
        assert (await refused(made, "GET", f"/responses/{alone}")).status == 404
        for name in (first, second):
            assert (await made.asked("GET", f"/responses/{name}"))["id"] == name


@pytest.mark.parametrize("limit", [{"user_responses": 2}, {"user_bytes": 1600}], ids=["many", "large"])
async def test_of_one_user_the_oldest_go_where_there_are_too_many(tmp_path: Path, limit: dict[str, Any]) -> None:
    async with stately(tmp_path, **limit) as made:
        names = []
        for text in ("one", "two", "three"):
            made.now += 1
            names += await chained(made, text + "!" * 200)
        bobs = await made.said({"model": "m", "input": "x"}, user=BOB)
        await made.kept.behind.stop()
        await sweep(made.kept, made.resumer)
        assert (await refused(made, "GET", f"/responses/{names[0]}")).status == 404
        for name in names[1:]:
            assert (await made.asked("GET", f"/responses/{name}"))["id"] == name
        assert await made.stored(bobs["id"], BOB) is not None
