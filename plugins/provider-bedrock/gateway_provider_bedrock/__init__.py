"""Amazon Bedrock, with bearer keys or signed requests, in one region or several.

section.py      endpoints.bedrock
endpoint.py     the endpoint: where a call goes and what it carries
regions.py      which region serves a model; facts in regions.json
credentials.py  keys of the environment, of a profile or of the caller; profiles.py reads ~/.aws
chain.py        keys that are elsewhere: program.py, container.py, instance.py, roles.py; temporary.py keeps them
sigv4.py        AWS Signature Version 4
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway import AllEndpoints, Provider, Section, Services, Settings, hookimpl

from .endpoint import endpoint
from .section import BedrockFields


@hookimpl
def register_sections() -> Sequence[Section]:
    return (Section("endpoints.bedrock", BedrockFields), Section("endpoints.all", AllEndpoints))


@hookimpl
def register_providers(settings: Settings, services: Services) -> Sequence[Provider]:
    provider = endpoint(settings, services)
    return () if provider is None else (provider,)
