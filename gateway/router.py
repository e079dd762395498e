"""Paths to who serves them, sans-IO: dialects' operations under their mounts, and plugins' own routes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import unquote

import msgspec

from .dialect import ServerDialect
from .errors import NotFound, PluginError, Refused, WrongMethod
from .inbound import Mount, Operation
from .routes import RouteSpec


class Served(msgspec.Struct, frozen=True):
    """One way to serve a path: a dialect's operation under a mount."""

    dialect: ServerDialect
    operation: Operation
    mount: Mount


class Match(msgspec.Struct, frozen=True):
    """served: by dialects that share the path, the ones that tell by headers first; or route: a plugin's own."""

    served: tuple[Served, ...] = ()
    route: RouteSpec | None = None
    params: Mapping[str, str] = {}


_NO_PARAMS: Mapping[str, str] = {}


class Router:
    """Exact paths by one dict look-up; paths with a `{name}` by a regular expression, longest first."""

    def __init__(self, dialects: Sequence[ServerDialect], routes: Sequence[RouteSpec]) -> None:
        self._dialects = tuple(dialects)
        self._exact: dict[tuple[str, str], Match] = {}
        self._patterns: list[tuple[str, re.Pattern[str], Match]] = []
        self._methods: dict[str, list[str]] = {}
        for (method, path), served in sorted(_by_path(dialects).items(), key=lambda item: -len(item[0][1])):
            self._add(method, path, Match(served=_in_order(path, served)))
        for route in routes:
            if (route.method, route.path) in self._exact or self._has_pattern(route.method, route.path):
                raise PluginError(f"{route.method} {route.path} is registered twice")
            self._add(route.method, route.path, Match(route=route))

    @property
    def paths(self) -> Iterable[tuple[str, str, Match]]:
        """method, path, who serves it."""
        yield from ((method, path, match) for (method, path), match in self._exact.items())
        yield from ((method, pattern.pattern, match) for method, pattern, match in self._patterns)

    def match(self, method: str, path: str) -> Match:
        """`path` as on the wire, without its query. Raises NotFound or WrongMethod with what is mounted."""
        found = self._exact.get((method, path))
        if found is not None:
            return found
        for at, pattern, match in self._patterns:
            if at == method and (parts := pattern.fullmatch(path)):
                params = {name: unquote(value) for name, value in parts.groupdict().items()}
                return msgspec.structs.replace(match, params=params)
        raise self._miss(method, path)

    def speaker(self, path: str) -> ServerDialect | None:
        """The dialect in whose envelope a path that nobody serves is answered: by its last words, else the first that
        does not ask whose a request is.
        """
        for dialect in self._dialects:
            for operation in dialect.operations:
                if operation.kind == "generate" and path.rstrip("/").endswith(operation.path):
                    return dialect
        plain = (dialect for dialect in self._dialects if type(dialect).claims is ServerDialect.claims)
        return next(plain, self._dialects[0] if self._dialects else None)

    def _has_pattern(self, method: str, path: str) -> bool:
        wanted = expression(path)
        return any(method == at and pattern.pattern == wanted for at, pattern, _ in self._patterns)

    def _add(self, method: str, path: str, match: Match) -> None:
        if "{" not in path:
            self._exact[method, path] = match
            self._methods.setdefault(path, []).append(method)
            return
        self._patterns.append((method, re.compile(expression(path)), match))

    def _miss(self, method: str, path: str) -> Refused:
        allowed = tuple(self._methods.get(path, ())) or tuple(
            at for at, pattern, _ in self._patterns if pattern.fullmatch(path)
        )
        if allowed:
            return WrongMethod(f"{path} takes {' or '.join(allowed)}, not {method}.", allowed)
        better = self._nearest(path)
        if better is not None:
            prefix = next(m.prefix for m in self._mounts() if better.startswith(m.prefix + "/"))
            return NotFound(f"{path} is not served; did you mean {better}? Set base_url to <this gateway>{prefix}.")
        mounted = ", ".join(sorted({path for _, path in self._exact}))
        return NotFound(f"{path} is not served. Served are: {mounted}.")

    def _nearest(self, path: str) -> str | None:
        """What a base URL with a missing, doubled or foreign prefix was meant to be."""
        ends = [known for method, known in self._exact if self._exact[method, known].served]
        meant = [
            (_begun(mount, path), len(known), known)
            for known in ends
            for mount in self._mounts()
            if known.startswith(mount.prefix + "/") and path.rstrip("/").endswith(known[len(mount.prefix) :])
        ]
        return min(meant)[2] if meant else None

    def _mounts(self) -> list[Mount]:
        found = {m.prefix: m for d in self._dialects for o in d.operations for m in o.mounts}
        return sorted(found.values(), key=lambda mount: -len(mount.prefix))


def _begun(mount: Mount, path: str) -> int:
    """Less, the more of the mount's prefix the path begins with; its last segment aside, which may be missing."""
    parent = mount.prefix.rpartition("/")[0]
    return -len(parent) if path.startswith(parent + "/") else 0


def _by_path(dialects: Sequence[ServerDialect]) -> dict[tuple[str, str], list[Served]]:
    found: dict[tuple[str, str], list[Served]] = {}
    for dialect in dialects:
        for operation in dialect.operations:
            for mount in operation.mounts:
                place = (operation.method, mount.prefix + operation.path)
                found.setdefault(place, []).append(Served(dialect, operation, mount))
    return found


def _in_order(path: str, served: Sequence[Served]) -> tuple[Served, ...]:
    """Dialects that tell their requests apart first; of those that take everything there may be one."""
    picky = [one for one in served if type(one.dialect).claims is not ServerDialect.claims]
    rest = [one for one in served if one not in picky]
    if len(rest) > 1:
        names = " and ".join(one.dialect.name for one in rest)
        raise PluginError(f"{names} both serve {path} and neither says by `claims` which requests are its own")
    return (*picky, *rest)


def expression(path: str) -> str:
    """`{name}` takes one segment; with no slash behind it everything that is left, for ids that hold slashes."""
    pieces = re.split(r"(\{\w+\})", path)
    out = []
    for index, piece in enumerate(pieces):
        if piece.startswith("{"):
            last = "/" not in "".join(pieces[index + 1 :])
            out.append(f"(?P<{piece[1:-1]}>{'.+' if last else '[^/]+'})")
        else:
            out.append(re.escape(piece))
    return "".join(out)
