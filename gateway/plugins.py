"""Plugins: found by entry points, loaded in order, each one's failure kept to itself."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterable, Sequence
from importlib.metadata import Distribution, EntryPoint, entry_points
from types import ModuleType
from typing import Any

import msgspec
import pluggy
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from . import hookspecs
from .errors import StartupError
from .settings.addresses import SECTION
from .settings.contract import Section
from .settings.core import Plugins

GROUP = "gateway"
CORE = "librechat-gateway"
log = logging.getLogger("gateway.plugins")


class Loaded(msgspec.Struct):
    """One entry point. error: why it does not serve, None when it does. disabled: by settings or safe mode, and why."""

    name: str
    distribution: str
    version: str
    third_party: bool = False
    disabled: str | None = None
    error: str | None = None
    hooks: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()


class Facts(msgspec.Struct, frozen=True):
    """What a distribution's metadata says, which is read and parsed anew each time that it is asked for."""

    name: str
    version: str
    author: str | None
    requires: tuple[str, ...]


class Registry:
    """The loaded plugins; `collect` calls one hook of all of them. missing: of the default set, not installed."""

    def __init__(self, plugins: Sequence[Loaded], manager: pluggy.PluginManager, missing: Sequence[str] = ()) -> None:
        self.plugins = tuple(plugins)
        self.missing = tuple(missing)
        self._by_name = {plugin.name: plugin for plugin in plugins}
        self._manager = manager

    def collect(self, hook: str, **arguments: object) -> list[Any]:
        """What all plugins return from `hook`, flat and in order.

        A plugin that raises is marked with its error and left out; a StartupError is the operator's to read and stops.
        """
        found: list[Any] = []
        for impl in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            plugin = self._by_name[impl.plugin_name]
            try:
                found.extend(impl.function(*(arguments[name] for name in impl.argnames)))
            except StartupError:
                raise
            except Exception as error:
                plugin.error = f"{hook} failed: {type(error).__name__}: {error}"
                log.exception("plugin %s (%s %s): %s failed", plugin.name, plugin.distribution, plugin.version, hook)
        return found

    def sections(self) -> list[Section]:
        """The core's one outside of `gateway:`, and every plugin's; each plugin's own are noted on it."""
        found = [SECTION]
        for impl in reversed(self._manager.hook.register_sections.get_hookimpls()):
            plugin = self._by_name[impl.plugin_name]
            try:
                own: list[Section] = list(impl.function())  # type: ignore[call-overload]
            except Exception as error:
                plugin.error = f"register_sections failed: {type(error).__name__}: {error}"
                log.exception("plugin %s (%s): register_sections failed", plugin.name, plugin.distribution)
                continue
            plugin.sections = tuple(section.path for section in own)
            found.extend(own)
        return found


def load(wanted: Plugins, safe_mode: bool = False) -> Registry:
    """Import every enabled plugin and check it; what fails is listed with its error and takes no part."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    plugins: list[Loaded] = []
    seen: dict[str, str] = {}
    usable: list[tuple[Loaded, EntryPoint]] = []
    core = _facts(Distribution.from_name(CORE))
    installed = [core.name]
    for entry in in_order(entry_points(group=GROUP), wanted.order):
        facts = Facts("unknown", "", None, ()) if entry.dist is None else _facts(entry.dist)
        installed.append(facts.name)
        plugin = Loaded(entry.name, facts.name, facts.version, third_party=facts.author != core.author)
        plugins.append(plugin)
        plugin.disabled = _why_disabled(plugin, wanted, safe_mode)
        if entry.name in seen:
            plugin.error = f"the name is taken by {seen[entry.name]}; uninstall one of the two"
        else:
            seen[entry.name] = plugin.distribution
            plugin.error = _unfit(facts.requires, core.version)
        if not plugin.disabled and not plugin.error:
            usable.append((plugin, entry))
    for plugin, entry in reversed(usable):
        _register(manager, plugin, entry)
    return Registry(plugins, manager, missing(core.requires, installed))


def missing(required: Iterable[str], installed: Iterable[str]) -> list[str]:
    """Plugins of the core's default set (its extra `default`) that are not installed, by entry-point name.

    required: as the core's metadata has it. installed: names of distributions.
    """
    wanted = [Requirement(text) for text in required if CORE in text]
    names = [one.name for one in wanted if one.marker and one.marker.evaluate({"extra": "default"})]
    there = {canonicalize_name(name) for name in installed}
    return [
        name.removeprefix(CORE + "-")
        for name in names
        if name.startswith(CORE + "-") and canonicalize_name(name) not in there
    ]


def in_order(entries: Iterable[EntryPoint], first: Sequence[str]) -> list[EntryPoint]:
    """Those named in `first` in its order, then the rest by name."""
    rank = {name: number for number, name in enumerate(first)}
    return sorted(entries, key=lambda entry: (rank.get(entry.name, len(rank)), entry.name))


def _facts(distribution: Distribution) -> Facts:
    found = distribution.metadata
    author = next(iter(found.get_all("Author") or ()), None)
    required = found.get_all("Requires-Dist") or distribution.requires or ()  # setuptools' old form has them elsewhere
    return Facts(found["Name"], found["Version"], author, tuple(required))


def _why_disabled(plugin: Loaded, wanted: Plugins, safe_mode: bool) -> str | None:
    if plugin.name in wanted.disable:
        return "gateway.plugins.disable names it"
    if wanted.enable is not None and plugin.name not in wanted.enable:
        return "gateway.plugins.enable does not name it"
    if safe_mode and plugin.third_party:
        return "safe mode starts without third-party plugins"
    return None


def _unfit(required: Iterable[str], core: str) -> str | None:
    """Why the plugin was not made for this core, from the range that its distribution asks for."""
    for text in required:
        if CORE not in canonicalize_name(text):
            continue
        requirement = Requirement(text)
        if canonicalize_name(requirement.name) == CORE and not requirement.specifier.contains(core, prereleases=True):
            return f"it needs {CORE}{requirement.specifier}, and {core} is installed; install a version made for it"
    return None


def _register(manager: pluggy.PluginManager, plugin: Loaded, entry: EntryPoint) -> None:
    try:
        module: ModuleType = entry.load()
        manager.register(module, name=plugin.name)
        manager.check_pending()
    except Exception as error:
        plugin.error = f"{type(error).__name__}: {error}"
        manager.unregister(name=plugin.name) if manager.has_plugin(plugin.name) else None
        log.warning("plugin %s (%s %s) does not load: %s", plugin.name, plugin.distribution, plugin.version, error)
        return
    callers = manager.get_hookcallers(module) or []
    plugin.hooks = tuple(caller.name for caller in callers)
    for caller in callers:
        if inspect.iscoroutinefunction(getattr(module, caller.name)):
            plugin.error = f"{caller.name} is an `async def`; hooks are called synchronously, at startup"
            manager.unregister(name=plugin.name)
            return
