"""OpenAPI 3.1 of what is mounted: paths, methods, who may call, and the dialect that says what the bodies are."""

from __future__ import annotations

import re
from importlib.metadata import version

from .router import Match, Router
from .routes import Access

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
    for method, path, match in router.paths:
        readable = _GROUP.sub(r"{\1}", path).replace("\\", "")
        paths.setdefault(readable, {})[method.lower()] = _operation(readable, match)
    return {
        "openapi": "3.1.0",
        "info": {"title": "librechat-gateway", "version": version("librechat-gateway")},
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            }
        },
    }


def _operation(path: str, match: Match) -> Json:
    names = re.findall(r"\{(\w+)\}", path)
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    operation: Json = {"responses": {"200": {"description": "success"}, "default": {"description": "an error"}}}
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
