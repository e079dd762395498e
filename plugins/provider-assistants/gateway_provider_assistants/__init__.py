"""endpoints.assistants, endpoints.azureAssistants: assistants of upstreams that still serve OpenAI's Assistants API.

section.py              the keys; kinds.py: what LibreChat's variables and the keys come to
endpoint.py             the endpoint, and how a call runs; api.py: requests and streams
question.py             a call to a thread, a run or the outputs of tools; tickets.py: whose run a call goes on with
told.py, answer.py      what a run tells, as events
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Provider, Section, Services, Settings, hookimpl

from .section import Assistants, AzureAssistants


@hookimpl
def register_sections() -> Sequence[Section]:
    return (Section("endpoints.assistants", Assistants), Section("endpoints.azureAssistants", AzureAssistants))


@hookimpl
def register_providers(settings: Settings, services: Services) -> Sequence[Provider]:
    from .kinds import AZURE, OPENAI, asked_for

    kinds = [kind for kind in (OPENAI, AZURE) if asked_for(kind, settings)]
    if not kinds:
        return ()
    from .endpoint import endpoint

    return [endpoint(kind, settings, services) for kind in kinds]
