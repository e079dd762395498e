"""The dialect `example`, spoken by clients at POST /v1/example and to upstreams."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import ClientDialect, ServerDialect, Settings, hookimpl

from .dialect import ExampleClient, ExampleServer


@hookimpl
def register_dialects(settings: Settings) -> Sequence[ServerDialect | ClientDialect]:
    return (ExampleServer(), ExampleClient())
