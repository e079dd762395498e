"""Plugins that misbehave while the file in FAILS is there."""

from __future__ import annotations

RAISES = """
import os
from gateway import hookimpl

@hookimpl
def register_lifespans(settings, services):
    if os.path.exists(os.environ["FAILS"]):
        raise RuntimeError("it had a bad day")
    return []
"""
TAKES_THE_KEY = """
import os
from gateway import Lifespan, hookimpl

class Takes(Lifespan):
    scope = "worker"

    async def start(self):
        if os.path.exists(os.environ["FAILS"]):
            os.unlink(os.environ["GATEWAY_LISTEN_TLS_KEY"])

    async def stop(self):
        pass

@hookimpl
def register_lifespans(settings, services):
    return [Takes()]
"""
REFUSES_AND_DOES_NOT_STOP = """
import os
from gateway import Lifespan, hookimpl

class Stays(Lifespan):
    scope = "worker"

    async def start(self):
        pass

    async def stop(self):
        if os.path.exists(os.environ["FAILS"]):
            raise RuntimeError("it does not stop")

@hookimpl
def register_lifespans(settings, services):
    if os.path.exists(os.environ["FAILS"]) and os.environ.get("GATEWAY_WORKER") == "1":
        raise RuntimeError("it had a bad day")
    return [Stays()]
"""
