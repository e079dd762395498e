"""Paths to who serves them, sans-IO: dialects' operations under their mounts, and plugins' own routes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from urllib.parse import unquote

import msgspec

from .dialect import ServerDialect
from .errors import NotFound, PluginError, Refused, WrongMethod
from .inbound import MOUNT, Mount, Operation
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
    """Exact paths by one dict look-up; paths with a `{name}` by a regular expression, longest first.

    root_alias: what is under /v1 is served without it, too, where nothing else is. hidden: as `GET /models`, what is
    not, since something else is there.
    """

    def __init__(
        self, dialects: Sequence[ServerDialect], routes: Sequence[RouteSpec], *, root_alias: bool = False
    ) -> None:
        self._dialects = tuple(dialects)
        self._mounted = _by_mount(dialects)
        self._exact: dict[tuple[str, str], Match] = {}
        self._patterns: list[tuple[str, re.Pattern[str], Match]] = []
        self._methods: dict[str, list[str]] = {}
        for (method, path), served in sorted(_by_path(dialects).items(), key=lambda item: -len(item[0][1])):
            self._add(method, path, Match(served=_in_order(path, served)))
        for route in sorted(routes, key=lambda one: -len(one.path)):
            if (route.method, route.path) in self._exact or self._has_pattern(route.method, route.path, route.segment):
                raise PluginError(f"{route.method} {route.path} is registered twice")
            self._add(route.method, route.path, Match(route=route))
        for_all = self.speaker("")
        self._speakers = {route.path: self._owner(route.path) or for_all for route in routes}
        self.hidden = tuple(self._alias()) if root_alias else ()

    def _alias(self) -> Iterator[str]:
        """Last, so that every other path comes before. An exchange is as it would be under /v1."""
        aliases = {
            (method, path.removeprefix(MOUNT.prefix)): served
            for (method, path), served in _by_path(self._dialects).items()
            if all(one.mount == MOUNT for one in served)
        }
        for (method, path), found in sorted(aliases.items(), key=lambda item: -len(item[0][1])):
            if (method, path) in self._exact or self._has_pattern(method, path) or self._is_taken(method, path):
                yield f"{method} {path}"
            else:
                self._add(method, path, Match(served=_in_order(path, found)))

    def _is_taken(self, method: str, path: str) -> bool:
        """By a pattern, before which an exact path would come."""
        return "{" not in path and any(at == method and pattern.fullmatch(path) for at, pattern, _ in self._patterns)

    @property
    def dialects(self) -> Sequence[str]:
        """The names of those that clients speak, sorted."""
        return sorted({dialect.name for dialect in self._dialects})

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
        """The dialect in whose envelope a path that nobody serves is answered: by its last words, else by a mount that
        only one has, else the first that does not ask whose a request is; of those, one that is served under /v1.
        """
        ended = [
            (_literal(operation.path), -place, dialect)
            for place, dialect in enumerate(self._dialects)
            for operation in dialect.operations
            if operation.kind != "models" and _ending(operation.path, path)
        ]
        if ended:
            return max(ended, key=lambda one: one[:2])[2]
        plain = [dialect for dialect in self._dialects if type(dialect).claims is ServerDialect.claims]
        usual = [dialect for dialect in plain if any(MOUNT in operation.mounts for operation in dialect.operations)]
        return self._owner(path) or next(iter((*usual, *plain, *self._dialects)), None)

    def speaker_of(self, route: RouteSpec) -> ServerDialect | None:
        """The dialect in whose words a plugin's own route takes keys and tells errors: that of its mount, where there
        is one alone; else the one for all.
        """
        return self._speakers.get(route.path)

    def _owner(self, path: str) -> ServerDialect | None:
        under = [prefix for prefix in self._mounted if prefix and path.startswith(prefix + "/")]
        owners = self._mounted[max(under, key=len)] if under else {}
        return next(iter(owners.values())) if len(owners) == 1 else None

    def _has_pattern(self, method: str, path: str, segment: bool = False) -> bool:
        wanted = expression(path, segment) if "{" in path else None
        return any(method == at and pattern.pattern == wanted for at, pattern, _ in self._patterns)

    def _add(self, method: str, path: str, match: Match) -> None:
        if "{" not in path:
            self._exact[method, path] = match
            self._methods.setdefault(path, []).append(method)
            return
        segment = match.route is not None and match.route.segment
        self._patterns.append((method, re.compile(expression(path, segment)), match))

    def _miss(self, method: str, path: str) -> Refused:
        if verbs := self._verbs(method, path):
            return NotFound(f"{path} is not served; what stands behind a model's name here is {' or '.join(verbs)}.")
        fitting = [(at, match) for at, pattern, match in self._patterns if pattern.fullmatch(path)]
        allowed = tuple(self._methods.get(path, ())) or tuple(at for at, _ in fitting)
        better = self._nearest(method, path)
        named = path not in self._methods and all(
            match.route is not None and match.route.segment for _, match in fitting
        )
        if allowed and not (named and better is not None):
            return WrongMethod(f"{path} takes {' or '.join(allowed)}, not {method}.", allowed)
        if better is not None:
            return NotFound(
                f"{path} is not served; did you mean {better.path}? Set base_url to <this gateway>{better.base}."
            )
        matches = (*self._exact.values(), *(match for *_, match in self._patterns))
        known = sorted({_written(match) for match in matches if not _of_agents_only(match)})
        close = difflib.get_close_matches(path, known, n=2, cutoff=0.8)
        if close:
            return NotFound(f"{path} is not served; did you mean {' or '.join(close)}?")
        return NotFound(f"{path} is not served. Served are, among others: {', '.join(known)}.")

    def _verbs(self, method: str, path: str) -> list[str]:
        """What may stand behind a colon where a path has another word there."""
        found = []
        for at, _, match in self._patterns:
            head, _, verb = _written(match).rpartition(":")
            if verb and at == method and re.fullmatch(expression(head) + r":\w+", path):
                found.append(":" + verb)
        return sorted(set(found))

    def _nearest(self, method: str, path: str) -> _Better | None:
        """What a base URL with a missing, doubled or foreign prefix was meant to be.

        Of dialects that share a path the last one asks for no header, so it is what most mean.
        """
        known = [match.served[-1] for match in self._exact.values() if match.served]
        known += [match.served[-1] for at, _, match in self._patterns if at == method and match.served]
        meant = [found for served in known if (found := _meant(served, path.rstrip("/"))) is not None]
        return min(meant, key=lambda better: better.rank, default=None)


class _Better(msgspec.Struct, frozen=True):
    """A path that is served, the base URL's path for it, and how near it is: less is nearer."""

    path: str
    base: str
    rank: tuple[int, int, bool, int, str]


def _meant(served: Served, path: str) -> _Better | None:
    """The more words at its end are the same the nearer; then the more of the mount it begins with."""
    prefix, operation = served.mount.prefix, served.operation
    ended = _ending(operation.path, path)
    if ended is None:
        return None
    known = prefix + ended
    base = prefix.rpartition("/")[0] if served.dialect.bare_base else prefix
    rank = (-_literal(operation.path), _begun(served.mount, path), not path.endswith(known), len(known), known)
    return _Better(known, base, rank)


def _ending(operation: str, path: str) -> str | None:
    """What of a path's end is an operation's path."""
    if "{" not in operation:
        return operation if path.rstrip("/").endswith(operation) else None
    found = _at_end(operation).search(path.rstrip("/"))
    return found[0] if found else None


@lru_cache(None)
def _at_end(operation: str) -> re.Pattern[str]:
    return re.compile(expression(operation) + "$")


def _literal(operation: str) -> int:
    return len(re.sub(r"\{\w+\}", "", operation))


def _written(match: Match) -> str:
    """A pattern as it was registered."""
    if match.route is not None:
        return match.route.path
    return match.served[0].mount.prefix + match.served[0].operation.path


def _of_agents_only(match: Match) -> bool:
    """What stands there stands elsewhere, too."""
    return bool(match.served) and match.served[0].mount.agents_only


def _begun(mount: Mount, path: str) -> int:
    """Less, the more of the mount's prefix the path begins with; its last segment aside, which may be missing."""
    parent = mount.prefix.rpartition("/")[0]
    return -len(parent) if path.startswith(parent + "/") else 0


def _by_mount(dialects: Sequence[ServerDialect]) -> dict[str, dict[str, ServerDialect]]:
    """The prefixes of mounts, and who is there, by name."""
    found: dict[str, dict[str, ServerDialect]] = {}
    for dialect in dialects:
        for operation in dialect.operations:
            for mount in operation.mounts:
                found.setdefault(mount.prefix, {})[dialect.name] = dialect
    return found


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


def expression(path: str, segment: bool = False) -> str:
    """`{name}` takes one segment; with no slash behind it everything that is left, for ids that hold slashes, unless
    `segment` says otherwise.
    """
    pieces = re.split(r"(\{\w+\})", path)
    out = []
    for index, piece in enumerate(pieces):
        if piece.startswith("{"):
            last = not segment and "/" not in "".join(pieces[index + 1 :])
            out.append(f"(?P<{piece[1:-1]}>{'.+' if last else '[^/]+'})")
        else:
            out.append(re.escape(piece))
    return "".join(out)
