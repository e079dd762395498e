"""AssistantsDirectory: who may name which assistant, and which one a run is of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gateway import Directory, Edit, Forbidden, Inbound, Model, Principal, Route, Services, UnknownModel

from .endpoint import AssistantsProvider
from .owners import Owners
from .server import GO_ON, OVERRIDES, AssistantsServer, ident, members_of, submitted, without_files

PATHS = frozenset(operation.path for operation in AssistantsServer.operations)


class AssistantsDirectory(Directory):
    """services.endpoints is filled after this is made."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._owners = Owners.of(services)

    async def find(self, inbound: Inbound, model: str | None, principal: Principal) -> Route | None:
        if model is None:
            return None
        if inbound.operation.path not in PATHS:
            self._check(model, principal)
            return None
        if not principal.user_id:
            raise Forbidden("This credential belongs to no user, so it has no threads.")
        said = members_of(inbound.body)
        without_files(said)
        if (run := submitted(model)) is not None:
            waiting = await self._owners.waiting(run[1], run[0], principal.user_id)
            return self._route(waiting.endpoint, waiting.assistant)
        found = await self._meant(model, principal)
        await self._check_run(inbound, found, said, principal)
        return found

    async def _meant(self, model: str, principal: Principal) -> Route:
        """Raises UnknownModel."""
        endpoint, _, name = model.rpartition("/")
        for provider in self._providers():
            if endpoint in ("", provider.endpoint) and await self._has(provider, name, principal):
                return self._route(provider.endpoint, name)
        raise UnknownModel(f"No assistant found with id '{name}'.", param="assistant_id")

    async def _check_run(
        self, inbound: Inbound, route: Route, said: Mapping[str, object], principal: Principal
    ) -> None:
        """The thread is the caller's. What an assistant is its maker says, and for everybody else the operator. Raises
        NotFound and Forbidden.
        """
        target, user = route.targets[0], principal.user_id
        if inbound.operation.path == GO_ON:
            await self._owners.endpoint_of(ident(inbound, "thread_id"), user, (target.endpoint,))
        if not self._owners.owns(target.endpoint, target.model, user):
            for name in OVERRIDES:
                if said.get(name) is not None:
                    raise Forbidden("Only whoever made an assistant may say otherwise in a run.", param=name)

    async def models(self, inbound: Inbound, principal: Principal) -> Sequence[Model]:
        """The endpoints list them."""
        return ()

    def _check(self, model: str, principal: Principal) -> None:
        """An assistant that a user made is for that user, in whatever dialect. Raises UnknownModel."""
        endpoint, _, name = model.rpartition("/")
        for provider in self._providers() if "asst_" in name else ():
            if endpoint not in ("", provider.endpoint):
                continue
            if not self._owners.allow(provider.endpoint, name, principal.user_id):
                raise UnknownModel(f"The model {model!r} does not exist, or is not yours.", param="model")

    async def _has(self, provider: AssistantsProvider, name: str, principal: Principal) -> bool:
        """Whether this caller may run it; one just made may not be in the list yet."""
        user = principal.user_id
        if self._owners.owns(provider.endpoint, name, user):
            return True
        return self._owners.allow(provider.endpoint, name, user) and name in await provider.models_for(principal)

    def _route(self, endpoint: str, name: str) -> Route:
        provider = self._services.endpoints.get(endpoint)
        if not isinstance(provider, AssistantsProvider):
            raise UnknownModel(f"No assistant found with id '{name}'.", param="assistant_id")
        return Route(f"{endpoint}/{name}", (provider.target(name),), Edit(name))

    def _providers(self) -> Iterator[AssistantsProvider]:
        found = self._services.endpoints.values()
        return (one for one in found if isinstance(one, AssistantsProvider) and not one.unavailable)
