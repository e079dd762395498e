"""Calls: where arguments arrive at a real server, and what models are told of its answers."""

from __future__ import annotations

import asyncio
import base64
import json
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from action_documents import ADA, api, sends, takes, text

from gateway import Asker, Image, Principal
from gateway.testing.fake_upstream import CUT, HANG, endless, stream
from gateway.testing.fake_upstream import json as answer

LIST = {"type": "array", "items": {"type": "string"}}


async def test_arguments_arrive_where_the_document_has_them(call, server):
    said = {
        "parameters": [takes("id", "path"), takes("dry"), takes("X-Tag", "header")],
        **sends({"properties": {"n": {}, "l": {}}}),
    }
    server.answer("/v1/pets/a b/ö", answer({"ok": True}))
    arguments = {"id": "a b", "dry": "yes & no", "X-Tag": "t-1", "n": None, "l": [1, {"a": "ü"}]}
    outcome = await call(api(("post", "/pets/{id}/ö", said)), arguments, url=f"{server.url}/v1/")
    assert (text(outcome), outcome.is_error, bytes(outcome.structured)) == ('{"ok":true}', False, b'{"ok":true}')
    [arrived] = server.arrived
    assert (arrived.method, arrived.target) == ("POST", "/v1/pets/a%20b/%C3%B6?dry=yes%20%26%20no")
    assert arrived.headers["x-tag"] == "t-1"
    assert arrived.headers["content-type"] == "application/json"
    assert json.loads(arrived.body) == {"n": None, "l": [1, {"a": "ü"}]}


async def test_arguments_of_one_name_go_to_their_own_places(call, server):
    said = {"parameters": [takes("id", "path"), takes("id")], **sends({"properties": {"id": {}}})}
    server.answer("/x/1", answer({}))
    await call(api(("put", "/x/{id}", said)), {"id": "1", "query_id": "2", "body_id": "3"})
    [arrived] = server.arrived
    assert (arrived.method, arrived.target, json.loads(arrived.body)) == ("PUT", "/x/1?id=2", {"id": "3"})


@pytest.mark.parametrize(
    ("parameter", "value", "query"),
    [
        ({}, ["a", "b,c"], [("q", "a"), ("q", "b,c")]),
        ({"explode": False}, ["a", "b"], [("q", "a,b")]),
        ({"style": "pipeDelimited", "explode": False}, ["a", "b"], [("q", "a|b")]),
        ({"style": "spaceDelimited", "explode": False}, ["a", "b"], [("q", "a b")]),
        ({"style": "deepObject", "explode": True}, {"a": 1, "b": "x"}, [("q[a]", "1"), ("q[b]", "x")]),
        ({}, {"a": 1, "b": True}, [("a", "1"), ("b", "true")]),
        ({"explode": False}, {"a": 1}, [("q", "a,1")]),
        ({"content": {"application/json": {"schema": {}}}}, {"a": [1]}, [("q", '{"a":[1]}')]),
        ({}, True, [("q", "true")]),
        ({}, 1.5, [("q", "1.5")]),
        ({}, None, []),
        ({}, "", [("q", "")]),
    ],
    ids=str,
)
async def test_values_in_a_query_have_the_style_that_the_document_says(call, server, parameter, value, query):
    server.answer("/x", answer({}))
    await call(api(("get", "/x", {"parameters": [takes("q") | parameter]})), {"q": value})
    assert parse_qsl(urlsplit(server.arrived[0].target).query, keep_blank_values=True) == query


async def test_lists_in_a_path_are_one_part_of_it(call, server):
    server.answer("/x/1,2/y", answer({}))
    outcome = await call(api(("get", "/x/{ids}/y", {"parameters": [takes("ids", "path")]})), {"ids": [1, 2]})
    assert not outcome.is_error


async def test_a_form_arrives_as_one(call, server):
    server.answer("/x", answer({}))
    schema = {"properties": {"a": {}, "b": LIST, "c": {}}}
    document = api(("post", "/x", sends(schema, "application/x-www-form-urlencoded")))
    await call(document, {"a": "1 & 2", "b": ["x", "y"], "c": {"d": 1}})
    [arrived] = server.arrived
    assert arrived.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(arrived.body.decode()) == {"a": ["1 & 2"], "b": ["x", "y"], "c": ['{"d":1}']}


@pytest.mark.parametrize(
    ("schema", "kind", "value", "body"),
    [
        (LIST, "application/json", ["a"], b'["a"]'),
        (LIST, "application/vnd.api+json; charset=utf-8", ["a"], b'["a"]'),
        ({"type": "string"}, "text/plain", "line", b"line"),
        ({"type": "object"}, "application/x-www-form-urlencoded", {"a": 1}, b"a=1"),
    ],
    ids=["json", "json api", "text", "form"],
)
async def test_a_body_that_is_one_argument_arrives_whole(call, server, schema, kind, value, body):
    server.answer("/x", answer({}))
    await call(api(("post", "/x", sends(schema, kind))), {"body": value})
    assert server.arrived[0].body == body
    assert server.arrived[0].headers["content-type"] == kind.partition(";")[0]


async def test_nothing_is_sent_where_a_body_may_be_left_out(call, server):
    server.answer("/x", answer({}))
    await call(api(("post", "/x", sends({"properties": {"a": {}}}))), {})
    assert (server.arrived[0].body, server.arrived[0].headers.get("content-type")) == (b"", None)


async def test_json_is_better_than_a_form_where_both_are_taken(call, server):
    server.answer("/x", answer({}))
    schema = {"schema": {"properties": {"a": {}}}}
    content = {"application/x-www-form-urlencoded": schema, "application/json": schema}
    await call(api(("post", "/x", {"requestBody": {"content": content}})), {"a": 1})
    assert server.arrived[0].body == b'{"a":1}'


@pytest.mark.parametrize("method", ["get", "head", "delete", "patch"])
async def test_every_method_is_sent_as_it_is(call, server, method):
    server.answer("/x", stream(b"fine" if method != "head" else b"", content_type="text/plain"))
    outcome = await call(api((method, "/x", {})), {})
    assert server.arrived[0].method == method.upper()
    assert text(outcome) == ("fine" if method != "head" else "The API answered with status 200 (OK), and no content.")


async def test_a_picture_is_shown_as_one(call, server):
    server.answer("/x", stream(b"\x89PNG", content_type="image/png"))
    [block] = (await call(api(("get", "/x", {})), {})).blocks
    assert block == Image(data=base64.b64encode(b"\x89PNG").decode(), media_type="image/png")


async def test_a_picture_that_is_too_large_is_named(call, server):
    server.answer("/x", endless(b"p" * 10_000, "image/png"))
    outcome = await call(api(("get", "/x", {})), {}, largest_image=50_000)
    assert text(outcome) == "[A picture of type image/png, which is not shown: it has more than 50000 bytes.]"


async def test_other_files_are_named(call, server):
    server.answer("/x", answer(b"%PDF-1.7", headers={"content-type": "application/pdf"}))
    outcome = await call(api(("get", "/x", {})), {})
    said = "The API answered with status 200 (OK) and a file of type application/pdf of 8 bytes, which is not shown."
    assert (text(outcome), outcome.is_error) == (f"[{said}]", False)


async def test_what_is_too_long_is_cut_with_a_word_about_its_size(call, server):
    server.answer("/x", answer(b'"' + b"x" * 4998 + b'"'))
    outcome = await call(api(("get", "/x", {})), {}, largest_result=1000)
    assert (
        text(outcome)
        == '"' + "x" * 999 + "\n[The rest was left out: it has 5000 bytes, of which 1000 are shown at most.]"
    )
    assert (outcome.structured, outcome.is_error) == (None, False)


async def test_what_has_no_end_is_not_read_to_it(call, server):
    server.answer("/x", endless(b"y" * 1000, "text/plain"))
    outcome = await call(api(("get", "/x", {})), {}, largest_result=5000)
    assert text(outcome) == "y" * 5000 + "\n[The rest was left out: it has more than 5000 bytes.]"
    await asyncio.wait_for(server.arrived[0].gone.wait(), 30)


@pytest.mark.parametrize(
    ("content_type", "body", "said"),
    [
        ("text/plain; charset=ISO-8859-1", "für".encode("latin-1"), "für"),
        ("text/plain; charset=idna", b"f\xff", "f\ufffd"),
        ("application/problem+json", b"{}", "{}"),
        ("application/json", b"{not json", "{not json"),
    ],
    ids=["latin", "odd", "problem", "broken"],
)
async def test_text_is_read_as_what_it_says_it_is(call, server, content_type, body, said):
    server.answer("/x", answer(body, headers={"content-type": content_type}))
    outcome = await call(api(("get", "/x", {})), {})
    assert text(outcome) == said
    assert (outcome.structured is not None) is (said == "{}")


@pytest.mark.parametrize("status", [400, 401, 404, 422, 429, 500, 503])
async def test_an_error_of_the_api_is_told_with_what_it_said(call, server, status):
    server.answer("/x", answer({"error": "no such pet"}, status=status))
    outcome = await call(api(("get", "/x", {})), {})
    assert outcome.is_error
    assert text(outcome).startswith(f"The API answered with status {status} (")
    assert text(outcome).endswith('): {"error":"no such pet"}')


async def test_a_long_error_is_cut(call, server):
    server.answer("/x", answer(b"e" * 100_000, status=500))
    outcome = await call(api(("get", "/x", {})), {})
    assert outcome.is_error
    assert text(outcome).count("e" * 8192) == 1
    assert "it has 100000 bytes, of which 8192 are shown at most" in text(outcome)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(call, server, status):
    server.answer("/x", answer({}, status=status, headers={"location": "/elsewhere"}))
    outcome = await call(api(("get", "/x", {})), {})
    assert outcome.is_error
    assert "redirects are not followed" in text(outcome)
    assert [arrived.path for arrived in server.arrived] == ["/x"]


async def test_no_content_is_said(call, server):
    server.answer("/x", stream(status=204, content_type="text/plain"))
    outcome = await call(api(("delete", "/x", {})), {})
    assert (text(outcome), outcome.is_error) == (
        "The API answered with status 204 (No Content), and no content.",
        False,
    )


@pytest.mark.parametrize(("method", "known"), [("get", True), ("post", False)])
async def test_an_api_that_does_not_answer_is_given_up(call, server, method, known):
    server.answer("/x", stream(HANG, silent=True))
    outcome = await call(api((method, "/x", {})), {}, timeout=0.05)
    assert outcome.is_error
    assert text(outcome).startswith("The API did not ") or "0.05 s" in text(outcome)
    assert ("Whether it did what was asked is not known." in text(outcome)) is not known


async def test_an_api_that_stops_in_the_middle_is_given_up(call, server):
    server.answer("/x", stream(b"half", HANG, content_type="text/plain"))
    outcome = await call(api(("get", "/x", {})), {}, timeout=0.2)
    assert outcome.is_error
    assert "half" not in text(outcome)


async def test_a_reply_that_is_cut_is_an_error(call, server):
    server.answer("/x", stream(b"half", CUT, content_type="text/plain"))
    outcome = await call(api(("post", "/x", {})), {})
    assert outcome.is_error
    assert text(outcome).endswith("Whether it did what was asked is not known.")


async def test_an_api_that_is_not_there_is_said(call, server):
    outcome = await call(api(("post", "/x", {})), {}, url="http://127.0.0.1:1")
    assert outcome.is_error
    assert "not known" not in text(outcome)


async def test_a_call_that_is_cancelled_ends_at_the_api(actions, server):
    server.answer("/x", stream(HANG))
    source = actions({"name": "a", "url": server.url, "document": api(("get", "/x", {}))})
    [tool] = await source.listed(ADA)
    task = asyncio.create_task(source.call(tool, {}, ADA))
    arrived = await server.arrival()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(arrived.gone.wait(), 30)


@pytest.mark.parametrize(("method", "sent"), [("post", 1), ("patch", 1), ("get", 2), ("put", 2)])
async def test_what_may_have_been_done_is_not_done_twice(actions, server, method, sent):
    """The connection of the first call has gone stale when the second takes it."""
    server.drop_reused = True
    server.answer("/x", answer({}))
    source = actions({"name": "a", "url": server.url, "document": api((method, "/x", {}))})
    [tool] = await source.listed(ADA)
    assert not (await source.call(tool, {}, ADA)).is_error
    outcome = await source.call(tool, {}, ADA)
    assert len(server.arrived) == 1 + sent
    assert outcome.is_error is (sent == 1)


async def test_a_tool_that_has_gone_is_said(actions):
    source = actions({"name": "a", "url": "https://a.example", "document": api(("get", "/x", {}))})
    [tool] = await source.listed(ADA)
    other = actions({"name": "b", "url": "https://b.example", "document": api(("get", "/x", {}))})
    outcome = await other.call(tool, {}, Asker(Principal(user_id="u2")))
    assert outcome.is_error
    assert "is not there any more" in text(outcome)
