"""OpenAPI 3.1 of what is mounted: paths, methods, who may call, and the dialect that says what the bodies are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import msgspec

from .router import Match, Router
from .routes import Access, Shape

Json = dict[str, object]
_KEY: list[Json] = [{"bearer": []}, {"header": []}]
_SECURITY: dict[Access, list[Json]] = {
    "public": [],
    "optional": [{}, *_KEY],
    "loopback": _KEY,
    "authenticated": _KEY,
    "admin": _KEY,
}
_GROUP = re.compile(r"\(\?P<(\w+)>[^)]*\)")


def document(router: Router) -> Json:
    """The body of /openapi.json."""
    paths: dict[str, dict[str, Json]] = {}
    schemas = Schemas(match.route.shape for _, _, match in router.paths if match.route and match.route.shape)
    for method, path, match in router.paths:
        readable = _GROUP.sub(r"{\1}", path).replace("\\", "")
        paths.setdefault(readable, {})[method.lower()] = _operation(readable, match, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "librechat-gateway", "version": version("librechat-gateway")},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.named.items())),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            },
        },
    }


class Schemas:
    """JSON Schemas of what routes take and tell. named: those that the others refer to."""

    def __init__(self, shapes: Iterable[Shape]) -> None:
        kinds: dict[Any, None] = {}
        for shape in shapes:
            parts: tuple[Any, ...] = (shape.query, shape.body, shape.reply)
            kinds |= dict.fromkeys(part for part in parts if part not in (None, bytes))
        found, self.named = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
        self._of = dict(zip(kinds, found, strict=True))

    def add(self, operation: Json, shape: Shape, parameters: list[Json]) -> None:
        """To an operation; the fields of a query become parameters."""
        parameters += self._fields(shape)
        for name in shape.headers:
            parameters.append({"name": name, "in": "header", "required": True, "schema": {"type": "string"}})
        if shape.body is not None:
            content = self._content(shape.body)
            operation["requestBody"] = {"required": True, "content": content}
        done: Json = {"description": "success"}
        if shape.reply is not None:
            done["content"] = self._content(shape.reply)
        operation["responses"] = {str(shape.status): done, "default": {"description": "an error"}}

    def _content(self, kind: Any) -> Json:
        if kind is bytes:
            return {"application/octet-stream": {}}
        return {"application/json": {"schema": self._of[kind]}}

    def _fields(self, shape: Shape) -> list[Json]:
        if shape.query is None:
            return []
        struct = self.named[str(self._of[shape.query]["$ref"]).rpartition("/")[2]]
        required = struct.get("required", [])
        return [
            {"name": name, "in": "query", "required": name in required, "schema": schema}
            for name, schema in struct.get("properties", {}).items()
        ]


def _operation(path: str, match: Match, schemas: Schemas) -> Json:
    names = re.findall(r"\{(\w+)\}", path)
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
    ]
    operation: Json = {"responses": {"200": {"description": "success"}, "default": {"description": "an error"}}}
    if match.route is not None and match.route.shape is not None:
        schemas.add(operation, match.route.shape, parameters)
    if parameters:
        operation["parameters"] = parameters
    if match.route is not None:
        operation["summary"] = match.route.summary
        operation["x-gateway-access"] = match.route.access
        operation["security"] = _SECURITY[match.route.access]
        return operation
    first = match.served[0]
    operation["summary"] = first.operation.summary or f"{first.operation.kind} ({first.dialect.name})"
    operation["x-gateway-dialects"] = [served.dialect.name for served in match.served]
    operation["security"] = [{"bearer": []}, {"header": []}]
    if first.operation.method == "POST":
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
    return operation
