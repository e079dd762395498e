"""endpoints.assistants, endpoints.azureAssistants: assistants of upstreams that still serve OpenAI's Assistants API.

section.py              the keys; kinds.py: what LibreChat's variables and the keys come to
endpoint.py             the endpoint, and how a call runs; api.py: requests and streams
question.py             a call to a thread, a run or the outputs of tools; tickets.py: whose run a call goes on with
told.py, answer.py      what a run tells, as events
server.py, passed.py    runs of clients of the API itself, passed through; routes.py: what else they ask for
librechat.py            the routes of LibreChat's own client
owners.py, directory.py whose assistants and threads are, and who may name them; access.py: and who may have them
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway import (
    ClientDialect,
    Directory,
    Lifespan,
    Provider,
    RouteSpec,
    Section,
    ServerDialect,
    Services,
    Settings,
    hookimpl,
)

from .asking import kinds_of
from .section import Assistants, AzureAssistants


@hookimpl
def register_sections() -> Sequence[Section]:
    return (Section("endpoints.assistants", Assistants), Section("endpoints.azureAssistants", AzureAssistants))


@hookimpl
def register_dialects(settings: Settings) -> Sequence[ServerDialect | ClientDialect]:
    if not kinds_of(settings):
        return ()
    from .server import AssistantsServer

    return (AssistantsServer(),)


@hookimpl
def register_directories(settings: Settings, services: Services) -> Sequence[Directory]:
    if not kinds_of(settings):
        return ()
    from .directory import AssistantsDirectory

    return (AssistantsDirectory(services),)


@hookimpl
def register_providers(settings: Settings, services: Services) -> Sequence[Provider]:
    kinds = kinds_of(settings)
    if not kinds:
        return ()
    from .endpoint import endpoint

    return [endpoint(kind, settings, services) for kind in kinds]


@hookimpl
def register_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    if not kinds_of(settings):
        return ()
    from .librechat import librechat_routes
    from .routes import routes

    return (*routes(settings, services), *librechat_routes(settings, services))


@hookimpl
def register_lifespans(settings: Settings, services: Services) -> Sequence[Lifespan]:
    if not kinds_of(settings):
        return ()
    from .owners import follower

    return follower(services)
