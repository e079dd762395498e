"""Checks of a plugin as such: its hooks, and the types of what they register."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import partial
from types import ModuleType

import msgspec

from ... import hookspecs
from ...dialect import ClientDialect, ServerDialect
from ...lifespan import Lifespan
from ...pipeline.authenticate import Authenticator
from ...pipeline.permit import Permission
from ...pipeline.resolve import Directory
from ...pipeline.settle import Meter
from ...provider import Provider
from ...routes import RouteSpec
from ...settings import Section
from ...settings.structschema import struct_schema
from ...store import Store
from ...tools import ToolSource
from .. import installed
from .check import Check

REGISTERED: dict[str, tuple[type, ...]] = {
    "register_sections": (Section,),
    "register_stores": (Store,),
    "register_dialects": (ServerDialect, ClientDialect),
    "register_authenticators": (Authenticator,),
    "register_directories": (Directory,),
    "register_permissions": (Permission,),
    "register_providers": (Provider,),
    "register_tools": (ToolSource,),
    "register_meters": (Meter,),
    "register_routes": (RouteSpec,),
    "register_lifespans": (Lifespan,),
    "register_commands": (object,),
}


def checks(plugin: ModuleType) -> list[Check]:
    found: list[Callable[[ModuleType], None]] = [
        its_hooks_exist_and_are_plain_functions,
        its_hooks_register_what_they_say,
        its_sections_are_documented_structs,
    ]
    return [Check(plugin.__name__, partial(check, plugin)) for check in found]


def its_hooks_exist_and_are_plain_functions(plugin: ModuleType) -> None:
    hooks = installed.hooks(plugin)
    assert hooks, "it implements no hook; mark its functions with gateway.hookimpl"
    for name, hook in hooks.items():
        spec = getattr(hookspecs, name, None)
        assert spec is not None, f"there is no hook {name}"
        assert not inspect.iscoroutinefunction(hook), f"{name} is async; hooks are plain functions"
        unknown = set(inspect.signature(hook).parameters) - set(inspect.signature(spec).parameters)
        assert not unknown, f"{name} has no argument {unknown}"
    forgotten = [name for name in vars(plugin) if name.startswith("register_") and name not in hooks]
    assert not forgotten, f"not marked with hookimpl: {forgotten}"


def its_hooks_register_what_they_say(plugin: ModuleType) -> None:
    for name in installed.hooks(plugin):
        for registered in installed.registered(plugin, name, installed.bare_settings()):
            assert isinstance(registered, REGISTERED[name]), f"{name} gives {registered!r}"
            if isinstance(registered, RouteSpec):
                assert registered.path.startswith("/"), registered
                assert inspect.iscoroutinefunction(registered.handler) or callable(registered.handler), registered
            if isinstance(registered, Permission):
                assert registered.scope in ("exchange", "attempt"), registered.scope
            if isinstance(registered, Lifespan):
                assert registered.scope in ("worker", "machine"), registered.scope


def its_sections_are_documented_structs(plugin: ModuleType) -> None:
    for section in installed.registered(plugin, "register_sections", installed.bare_settings()):
        assert isinstance(section, Section)
        assert re.fullmatch(r"([\w-]+(\.[\w-]+)*(\[\])?)?", section.path), section.path
        assert issubclass(section.model, msgspec.Struct), section.path
        assert section.model.__struct_config__.frozen, f"{section.path}: settings are frozen"
        assert section.model.__doc__, f"{section.path}: its struct has no docstring"
        if not section.path.endswith("[]"):
            section.model()
        struct_schema(section.model)
