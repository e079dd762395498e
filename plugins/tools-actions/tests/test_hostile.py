"""Arguments that want out of where they belong: other paths, other hosts, other headers, other sizes."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from action_documents import api, sends, takes, text

from gateway.testing.fake_upstream import json as answer

KEY = {"type": "service_http", "api_key": "the-operators-key"}


def whole(method="post"):
    said = {
        "parameters": [takes("id", "path"), takes("q"), takes("X-Tag", "header")],
        **sends({"properties": {"n": {}}}),
    }
    return api((method, "/users/{id}/notes", said))


@pytest.mark.parametrize(
    "value",
    ["..", ".", "", "../admin", "a/../../admin", "..\\admin", "a/..", "/etc", "a//b", "x\\..\\y", [".."], None],
    ids=repr,
)
async def test_a_value_that_leads_out_of_its_part_of_the_path_is_refused(call, server, value):
    outcome = await call(whole(), {"id": value})
    assert outcome.is_error
    assert text(outcome).startswith("The tool was not called: The parameter 'id' cannot be part of a path")
    assert server.arrived == []


@pytest.mark.parametrize(
    "value",
    [
        "a/b",
        "?admin=1",
        "#x",
        "%2e%2e",
        "%2F..%2F",
        "a;b",
        "http://evil.example/",
        "@evil.example",
        "\r\nX: 1",
        "\x00",
        "ü",
        "\ud800",
        "..a",
    ],
    ids=ascii,
)
async def test_any_other_value_stays_in_its_part_of_the_path(call, server, value):
    outcome = await call(whole(), {"id": value, "q": "1"})
    if server.arrived:
        [arrived] = server.arrived
        path, _, query = arrived.target.partition("?")
        assert path.startswith("/users/")
        assert path.endswith("/notes")
        assert path.count("/") == 3
        assert query == "q=1"
        assert "x" not in arrived.headers
    else:
        assert value == "http://evil.example/"  # It has an empty part.
        assert outcome.is_error


@pytest.mark.parametrize(
    "value", ["a\r\nX-Evil: 1", "a\nb", "a\x00b", "a\x7fb", "€", "x" * 9000], ids=lambda value: ascii(value)[:12]
)
async def test_a_value_that_no_header_can_hold_is_refused(call, server, value):
    outcome = await call(whole(), {"id": "1", "X-Tag": value})
    assert outcome.is_error
    assert text(outcome).startswith("The tool was not called: The parameter 'X-Tag' cannot be sent")
    assert server.arrived == []


async def test_headers_that_are_the_gateways_cannot_be_had_by_a_document(call, server):
    names = ["Host", "Authorization", "Cookie", "Content-Length", "Transfer-Encoding", "X-Forwarded-For"]
    document = api(("get", "/x", {"parameters": [takes(name, "header", required=True) for name in names]}))
    server.answer("/x", answer({}))
    for name in names:
        outcome = await call(document, {name: "evil"}, auth=KEY)
        assert text(outcome).startswith(f"The tool was not called: There is no parameter '{name}'")
    assert server.arrived == []
    await call(document, {}, auth=KEY)
    assert server.arrived[0].headers["authorization"] == "Bearer the-operators-key"
    assert server.arrived[0].headers["host"] == server.url.removeprefix("http://")


async def test_the_keys_own_header_and_query_parameter_are_not_a_models(call, server):
    document = api(
        ("get", "/x", {"parameters": [takes("x-api-KEY", "header"), takes("Key"), takes("more") | {"schema": {}}]})
    )
    server.answer("/x", answer({}))
    custom = KEY | {"authorization_type": "custom", "custom_auth_header": "X-API-Key"}
    assert (await call(document, {"x-api-KEY": "evil"}, auth=custom)).is_error
    query = KEY | {"authorization_type": "query", "query_parameter": "key"}
    assert (await call(document, {"Key": "evil"}, auth=query)).is_error
    assert server.arrived == []
    await call(document, {"more": {"key": "evil", "KEY": "evil", "fine": 1}}, auth=query)
    found = parse_qsl(urlsplit(server.arrived[0].target).query)
    assert found == [("fine", "1"), ("key", "the-operators-key")]


@pytest.mark.parametrize("value", ["1&admin=true", "1#x", "1;x=2", "a=b", "\r\nX: 1"], ids=ascii)
async def test_a_value_in_the_query_is_one_value(call, server, value):
    await call(whole(), {"id": "1", "q": value})
    [arrived] = server.arrived
    assert parse_qsl(urlsplit(arrived.target).query, separator="&") == [("q", value)]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"id": "x" * 20_000}, "longer than 16384 characters"),
        ({"id": "1", "q": "x" * 20_000}, "longer than 16384 characters"),
        ({"id": "1", "n": "x" * (5 * 2**20)}, "larger than 4194304 bytes"),
    ],
    ids=["path", "query", "body"],
)
async def test_huge_arguments_are_refused(call, server, arguments, what):
    outcome = await call(whole(), arguments)
    assert outcome.is_error
    assert what in text(outcome)
    assert len(text(outcome)) < 500
    assert server.arrived == []


async def test_arguments_without_a_bottom_are_refused(call, server):
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    for arguments in ({"id": "1", "n": deep}, {"id": "1", "q": deep}, {"id": deep}):
        outcome = await call(whole(), arguments)
        assert outcome.is_error
        assert text(outcome) == "The tool was not called: The arguments cannot be written as JSON."
    assert server.arrived == []


@pytest.mark.parametrize(
    "arguments", [{"id": "1", "admin": True}, {"id": "1", "url": "http://evil.example"}, {"id": "1", "N": 1}], ids=str
)
async def test_arguments_that_the_operation_does_not_have_are_refused(call, server, arguments):
    outcome = await call(whole(), arguments)
    assert text(outcome).endswith("there are: id, q, X-Tag, n.")
    assert server.arrived == []


async def test_what_is_missing_is_said_before_anything_is_sent(call, server):
    outcome = await call(whole(), {"q": "1"})
    assert text(outcome) == "The tool was not called: The parameter 'id' is missing."
    assert server.arrived == []


async def test_odd_text_arrives_as_json(call, server):
    server.answer("/users/1/notes", answer({}))
    await call(whole(), {"id": "1", "n": "a\ud83d \x00 \u2028"})
    assert json.loads(server.arrived[0].body) == {"n": "a\ud83d \x00 \u2028"}


@pytest.mark.parametrize("template", ["/{a}{b}", "/.{a}", "/{a}.", "/x{a}"])
@pytest.mark.parametrize("value", [".", "..", "./..", "a/.."])
async def test_no_template_makes_a_step_up_of_values(call, server, template, value):
    parameters = [takes(name, "path") for name in ("a", "b") if f"{{{name}}}" in template]
    outcome = await call(api(("get", template, {"parameters": parameters})), {one["name"]: value for one in parameters})
    assert outcome.is_error
    assert server.arrived == []


async def test_deep_objects_cannot_write_other_parameters(call, server):
    parameter = takes("q") | {"style": "deepObject", "explode": True, "schema": {}}
    server.answer("/x", answer({}))
    await call(api(("get", "/x", {"parameters": [parameter]})), {"q": {"a]&admin=1&x[": "1"}})
    assert parse_qsl(urlsplit(server.arrived[0].target).query) == [("q[a]&admin=1&x[]", "1")]
