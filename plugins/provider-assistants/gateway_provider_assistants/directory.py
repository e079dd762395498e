"""AssistantsDirectory: who may name which assistant, and which one a run is of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gateway import Directory, Forbidden, Inbound, Model, Principal, Route, Services, UnknownModel

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
        """Whether the caller may call models by themselves the directory of endpoints says, which is asked next."""
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
            name = f"{waiting.endpoint}/{waiting.assistant}"
            return await self._services.rehearsal.route(inbound, principal, name)
        self._check(model, principal)
        await self._check_run(inbound, model, said, principal)
        return None

    async def _check_run(self, inbound: Inbound, model: str, said: Mapping[str, object], principal: Principal) -> None:
        """The thread is the caller's. What an assistant is its maker says, and for everybody else the operator. Raises
        NotFound and Forbidden.
        """
        endpoint, _, name = model.rpartition("/")
        fitting = [one.endpoint for one in self._providers() if endpoint in ("", one.endpoint)]
        if inbound.operation.path == GO_ON:
            await self._owners.endpoint_of(ident(inbound, "thread_id"), principal.user_id, fitting)
        if not any(self._owners.owns(one, name, principal.user_id) for one in fitting):
            for member in OVERRIDES:
                if said.get(member) is not None:
                    raise Forbidden("Only whoever made an assistant may say otherwise in a run.", param=member)

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

    def _providers(self) -> Iterator[AssistantsProvider]:
        found = self._services.endpoints.values()
        return (one for one in found if isinstance(one, AssistantsProvider) and not one.unavailable)
