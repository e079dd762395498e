"""Actions: the operations of all actions as tools of agents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from gateway import (
    Address,
    Asker,
    Finding,
    Offer,
    ServerTool,
    Services,
    Settings,
    ToolOutcome,
    ToolSource,
    UnsetVariable,
)
from gateway.endpoint.unusable import SET_IT, unset
from gateway.oauth import Trust

from .action import Action
from .auth import Unprovable, proof_of
from .document import Document, Unreadable, document_of
from .domains import trust_of
from .doors import Doors, Owner, domain_of, logins_of
from .names import ALL, DELIMITER, encoded_domain, is_action, marked, tool_name
from .operations import Operation, operations_of
from .results import failure
from .section import PATH, ActionFields, ActionsSettings

Trusting = Callable[[str, ActionsSettings], Literal["operator", "user"] | None]


class _Tool(NamedTuple):
    offered: ServerTool
    action: Action
    operation: Operation


class Actions(ToolSource):
    """actions: by name. problems: what the operator should know. unusable: by name, why some cannot be used."""

    name = "tools-actions"

    def __init__(self, actions: Sequence[Action], problems: Sequence[Finding], unusable: Mapping[str, str]) -> None:
        self._problems = list(problems)
        self._unusable = unusable
        self._by_name: dict[str, _Tool] = {}
        self._meant: dict[str, Sequence[_Tool]] = {}
        self.actions = {action.name: action for action in actions}
        for action in actions:
            self._add(action)

    @classmethod
    def of(cls, settings: Settings, services: Services) -> Actions:
        actions: dict[str, Action] = {}
        problems: list[Finding] = []
        unusable: dict[str, str] = {}
        where = settings.one(ActionsSettings)
        for number, fields in enumerate(settings.many(ActionFields)):
            path = f"{PATH}[{number}]"
            if not fields.name.strip():
                problems.append(Finding(f"{path}.name", "the action has no name", "give it one"))
                continue
            if fields.name in actions or fields.name in unusable:
                problems.append(Finding(f"{path}.name", f"another action is named {fields.name!r}", "rename one"))
                continue
            try:
                action, found = action_of(fields, path, settings, services, where, domain_of(settings))
            except Unusable as error:
                problems += error.findings
                unusable[fields.name] = error.findings[-1].what
            else:
                actions[fields.name] = action
                problems += found
        return cls(tuple(actions.values()), problems, unusable)

    def findings(self) -> Sequence[Finding]:
        return self._problems

    def owns(self, wanted: str) -> bool:
        return wanted in self._by_name or is_action(wanted)

    async def offer(self, wanted: Sequence[str], asker: Asker) -> Offer:
        tools: dict[str, ServerTool] = {}
        missing: dict[str, str] = {}
        for name in wanted:
            if name in self._by_name:
                tools[name] = self._by_name[name].offered
            elif name in self._meant:
                tools.update((tool.offered.name, tool.offered) for tool in self._meant[name])
            else:
                missing[name] = self._why(name)
        return Offer(tuple(tools.values()), missing)

    async def call(self, tool: ServerTool, arguments: Mapping[str, Any], asker: Asker) -> ToolOutcome:
        found = self._by_name.get(tool.name)
        if found is None:
            return failure(f"The tool {tool.name} is not there any more.")
        return await found.action.call(found.operation, arguments, asker)

    async def listed(self, asker: Asker) -> Sequence[ServerTool]:
        return [tool.offered for tool in self._by_name.values()]

    def has(self, name: str) -> bool:
        return name in self._by_name

    def _add(self, action: Action) -> None:
        """Under the names that LibreChat has, and for those who write agents by hand under the action's own."""
        domain = encoded_domain(action.host)
        added = [self._tool(action, operation, domain) for operation in action.operations]
        self._by_name.update((tool.offered.name, tool) for tool in added)
        for tool in added:
            self._meant.setdefault(f"{tool.operation.id}{DELIMITER}{action.name}", (tool,))
            self._meant.setdefault(f"{tool.operation.id}{DELIMITER}{domain}", (tool,))
        self._meant.setdefault(f"{ALL}{DELIMITER}{action.name}", added)

    def _tool(self, action: Action, operation: Operation, domain: str) -> _Tool:
        name = tool_name(operation.id, domain)
        if name in self._by_name:
            whole = f"{action.name} {operation.method} {operation.template}"
            other, name = name, marked(operation.id, whole, domain)
            what = f"two operations would be {other}; {operation.id} of {action.name} is {name}"
            self._problems.append(Finding(PATH, what, "give agents this name, or the action's", "warning"))
        offered = ServerTool(
            name=name,
            description=operation.description,
            parameters=operation.parameters,
            label=action.name,
            original=operation.id,
            read_only=operation.read_only,
        )
        found = _Tool(offered, action, operation)
        self._by_name[name] = found
        return found

    def _why(self, wanted: str) -> str:
        name = wanted.rpartition(DELIMITER)[2]
        if name in self._unusable:
            return f"the action {name} cannot be used: {self._unusable[name]}"
        return f"no action of {PATH} has an operation of this name"


class Unusable(Exception):
    """The action's tools are missing. findings: why, the last one in short."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__()
        self.findings = findings


def action_of(
    fields: ActionFields,
    path: str,
    settings: Settings,
    services: Services,
    where: ActionsSettings,
    domain: str,
    owner: Owner = "config",
    trust_at: Trusting = trust_of,
) -> tuple[Action, Sequence[Finding]]:
    """domain: how browsers reach this gateway, or "". Raises Unusable."""
    try:
        document = document_of(fields, path)
        address = _address(fields, path, settings, document)
        trusting = _trusting(owner, where, trust_at)
        doors = Doors(logins_of(services), domain, owner, fields.name, address.origin.lower(), trusting)
        proof = proof_of(fields.auth, settings, services, f"{PATH}: {fields.name}", doors)
    except Unreadable as error:
        raise Unusable(error.finding) from error
    except Unprovable as error:
        raise Unusable(Finding(f"{path}.auth.{error.where}", error.what, error.todo)) from error
    except UnsetVariable as error:
        raise Unusable(Finding(path, unset(error), SET_IT, "warning")) from error
    trust = trust_at(address.verbatim, where)
    if trust is None:
        what = f"{address.origin} is not among actions.allowedDomains"
        raise Unusable(Finding(path, what, "add its domain there, or leave the action out", "warning"))
    found = operations_of(document, fields.operations, proof.parameter or proof.header)
    findings = list(found.findings)
    if proof.door is not None and not domain:
        what = "nobody can log in to it, since nobody says how browsers reach this gateway"
        findings.append(Finding(f"{path}.auth.authorization_url", what, "set DOMAIN_SERVER", "warning"))
    if not found.operations:
        findings.append(document.finding((), "it has no operation that could be a tool", "look at the document"))
    return Action(fields, address, trust, proof, found.operations, services.upstream), findings


def _trusting(owner: Owner, where: ActionsSettings, trust_at: Trusting) -> Callable[[str], Trust | None]:
    """Where the authorization server of an action may be: the operator's own anywhere, since he wrote it."""
    return lambda url: "operator" if owner == "config" else trust_at(url, where)


def _address(fields: ActionFields, path: str, settings: Settings, document: Document) -> Address:
    """Raises Unusable, and UnsetVariable."""
    url = settings.resolve(fields.url) if fields.url else _server(document)
    try:
        if not urlsplit(url).hostname:
            raise ValueError("it does not say at which host")
        if "{" in url:
            raise ValueError("it has a variable in it that has no default")
        return Address(url)
    except ValueError as error:
        what = f"the API's URL {(fields.url or url)[:200]!r} cannot be used: {error}"
        place = Finding(f"{path}.url", what, "give `url`, as https://api.example.com/v1")
        raise Unusable(place) from error


def _server(document: Document) -> str:
    """The first one, its variables with their defaults; "" where there is none."""
    servers = document.data.get("servers")
    first = next(_mappings(servers), {})
    url = first.get("url")
    variables = first.get("variables")
    if not isinstance(url, str):
        return ""
    for name, variable in variables.items() if isinstance(variables, Mapping) else ():
        if isinstance(variable, Mapping) and isinstance(variable.get("default"), str):
            url = url.replace(f"{{{name}}}", variable["default"])
    return url


def _mappings(found: Any) -> Iterator[Mapping[str, Any]]:
    yield from (one for one in (found if isinstance(found, list) else ()) if isinstance(one, Mapping))
