"""Letta agents as models.

section.py         the settings of one server
endpoint.py        LettaProvider: a call to one of its agents, whichever API the server has
roster.py          which agents it has, asked for when needed and kept
conversations.py   which conversation a call belongs to
server.py          what both APIs have in common: requests, streams, errors
app_server.py      the App Server of Letta Code: answers.py reads what it says
rest.py            the REST API of Letta V1 and Letta Cloud: messages.py reads what it says
writing.py         a Call as either API takes it, and what of it has no place
blocks.py          pieces of a reply to events
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Provider, Section, Services, Settings, hookimpl

from .endpoint import endpoints
from .section import Options


@hookimpl
def register_sections() -> Sequence[Section]:
    return (Section("gateway.provider-letta[]", Options),)


@hookimpl
def register_providers(settings: Settings, services: Services) -> Sequence[Provider]:
    return endpoints(settings, services)
