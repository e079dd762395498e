"""What of a document models are offered: arguments side by side, schemas that stand alone, and bounds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from action_documents import ADA, api, sends, takes
from gateway_tools_actions.schemas import MOST_NODES

PET = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": {"type": "string", "nullable": True, "example": "Rex", "xml": {"name": "n"}},
        "example": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
        "kind": {"$ref": "#/components/schemas/Kind"},
        "parent": {"$ref": "#/components/schemas/Pet"},
    },
}
COMPONENTS = {"schemas": {"Pet": PET, "Kind": {"type": "string", "enum": ["cat", "dog"], "x-odd": 1}}}


@pytest.fixture
def tool(actions):
    async def made(document: dict[str, Any] | str, *, warned: bool = False) -> Any:
        source = actions({"name": "a", "url": "https://a.example", "document": document})
        assert bool(source.findings()) is warned, source.findings()
        return (await source.listed(ADA))[0]

    return made


async def parameters(found: Any) -> dict[str, Any]:
    return json.loads(bytes((await found).parameters))


async def test_arguments_come_from_all_places_side_by_side(tool):
    said = {
        "summary": "Adds a pet",
        "description": "Longer",
        "parameters": [
            takes("shop", "path", required=True),
            takes("dry", description="Only look"),
            takes("X-Tag", "header"),
        ],
        **sends({"$ref": "#/components/schemas/Pet"}),
    }
    found = await tool(api(("post", "/shops/{shop}/pets", said), components=COMPONENTS))
    assert (found.description, found.read_only, found.original) == ("Adds a pet", False, "it")
    schema = json.loads(bytes(found.parameters))
    assert list(schema["properties"]) == ["shop", "dry", "X-Tag", "name", "example", "kind", "parent"]
    assert schema["required"] == ["shop", "name"]
    assert schema["properties"]["dry"] == {"type": "string", "description": "Only look"}
    assert schema["properties"]["name"] == {"type": ["string", "null"]}
    assert schema["properties"]["example"] == {"type": "number", "exclusiveMinimum": 0}
    assert schema["properties"]["kind"] == {"type": "string", "enum": ["cat", "dog"]}
    assert schema["properties"]["parent"]["properties"]["parent"] == {"description": "The same again."}
    assert "$ref" not in bytes(found.parameters).decode()


async def test_one_name_in_two_places_is_two_arguments(tool):
    said = {"parameters": [takes("id", "path"), takes("id")], **sends({"properties": {"id": {"type": "integer"}}})}
    schema = await parameters(tool(api(("post", "/x/{id}", said))))
    assert list(schema["properties"]) == ["id", "query_id", "body_id"]
    assert schema["required"] == ["id"]


async def test_parameters_of_a_path_count_unless_the_operation_has_its_own(tool):
    document = api(("get", "/x", {"parameters": [takes("a", description="own")]}))
    document["paths"]["/x"]["parameters"] = [takes("a"), {"$ref": "#/components/parameters/B"}]
    document["components"] = {"parameters": {"B": takes("b", required=True)}}
    schema = await parameters(tool(document))
    assert schema["properties"] == {"a": {"type": "string", "description": "own"}, "b": {"type": "string"}}
    assert schema["required"] == ["b"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}},
        {"type": "object"},
        {"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "string"}},
        {"allOf": [{"type": "object", "properties": {"a": {}}}]},
        {"oneOf": [{"type": "string"}, {"type": "number"}]},
    ],
    ids=["array", "free", "more", "all", "one"],
)
async def test_a_body_that_is_no_plain_object_is_one_argument(tool, schema):
    found = await parameters(tool(api(("post", "/x", sends(schema, required=True)))))
    assert found["properties"] == {"body": schema}
    assert found["required"] == ["body"]


@pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete"])
async def test_get_and_head_are_for_reading(tool, method):
    assert (await tool(api((method, "/x", {})))).read_only is (method in ("get", "head"))


async def test_headers_that_are_not_a_models_are_no_arguments(tool):
    names = ["Host", "authorization", "Cookie", "Content-Type", "Accept", "X-Forwarded-For", "Proxy-Authorization"]
    names += ["Connection", "Transfer-Encoding", "User-Agent", "Sec-Fetch-Mode", "bad name", "X-Request-Id"]
    schema = await parameters(tool(api(("get", "/x", {"parameters": [takes(name, "header") for name in names]}))))
    assert list(schema["properties"]) == ["X-Request-Id"]


async def test_schemas_of_which_there_is_no_end_have_one(tool):
    level: dict[str, Any] = {"type": "string"}
    for _ in range(60):
        level = {"type": "object", "properties": {"a": level}}
    wide = {"type": "object", "properties": {f"p{n}": {"type": "boolean"} for n in range(MOST_NODES + 200)}}
    both = {"parameters": [takes("deep") | {"schema": level}, takes("wide") | {"schema": wide}]}
    schema = await parameters(tool(json.dumps(api(("get", "/x", both)))))
    depth, place = 0, schema["properties"]["deep"]
    while place.get("properties"):
        depth, place = depth + 1, place["properties"]["a"]
    assert (depth, place) == (25, {})
    assert set(schema["properties"]["wide"]["properties"]) == set(wide["properties"])
    assert not any(schema["properties"]["wide"]["properties"].values())


async def test_references_that_multiply_have_an_end(tool):
    schemas: dict[str, Any] = {"S0": {"type": "string"}}
    for n in range(1, 30):
        reference = {"$ref": f"#/components/schemas/S{n - 1}"}
        schemas[f"S{n}"] = {"type": "object", "properties": {"a": reference, "b": reference}}
    document = api(("get", "/x", {"parameters": [takes("q") | {"schema": {"$ref": "#/components/schemas/S29"}}]}))
    found = await tool(document | {"components": {"schemas": schemas}})
    assert len(bytes(found.parameters)) < 100_000
    upper = json.loads(bytes(found.parameters))["properties"]["q"]
    assert list(upper["properties"]["b"]["properties"]["b"]["properties"]) == ["a", "b"]


async def test_only_wanted_operations_are_tools_and_a_wrong_one_is_said(actions):
    document = api(
        ("get", "/x", {"operationId": "x"}), ("get", "/y", {"operationId": "y"}), ("get", "/z", {"operationId": ""})
    )
    entry = {"name": "a", "url": "https://a.example", "document": document, "operations": ["y", "get_z", "zz"]}
    source = actions(entry)
    assert [tool.original for tool in await source.listed(ADA)] == ["y", "get_z"]
    [finding] = source.findings()
    assert finding.level == "error"
    assert "no operation 'zz'; name one of x, y, get_z" in str(finding)


def huge() -> dict[str, Any]:
    return sends({"type": "string", "enum": ["x" * 1000 + str(n) for n in range(200)]})


@pytest.mark.parametrize(
    ("path", "said", "what"),
    [
        ("/x/{id}", {}, "no parameter has this name"),
        ("x", {}, "none that can be added to a URL"),
        ("/x?y=1", {}, "none that can be added to a URL"),
        ("/x", sends({}, "multipart/form-data", required=True), "its body is multipart/form-data"),
        ("/x", sends({}, "text/a\r\nx: +json", required=True), "its body is text/a"),
        ("/x", {"parameters": [takes("s", "cookie", required=True)]}, "it needs 's' in a cookie"),
        ("/x", sends({"$ref": "other.yaml#/Pet"}), "leads out of the document"),
        ("/x", sends({"$ref": "http://169.254.169.254/x"}), "leads out of the document"),
        ("/x", sends({"$ref": "#/components/schemas/No"}), "leads nowhere"),
        ("/x", {"parameters": [{"$ref": "#/paths/~1x/post/parameters/0"}]}, "round in a circle"),
        ("/x", huge(), "more than 100000 bytes"),
    ],
    ids=["path", "relative", "query", "multipart", "lines", "cookie", "file", "url", "nowhere", "circle", "huge"],
)
async def test_an_operation_that_cannot_be_a_tool_is_left_out_and_said(actions, path, said, what):
    document = api(("post", path, said), ("get", "/fine", {"operationId": "fine"}))
    source = actions({"name": "a", "url": "https://a.example", "document": document})
    assert [tool.original for tool in await source.listed(ADA)] == ["fine"]
    [finding] = source.findings()
    assert finding.level == "warning"
    assert finding.what.startswith(f"paths {path} post: it is no tool: ")
    assert what in finding.what
    assert finding.todo


async def test_a_body_that_may_be_left_out_and_cannot_be_sent_is_left_out(tool):
    schema = await parameters(tool(api(("post", "/x", sends({}, "multipart/form-data")))))
    assert schema["properties"] == {}
