"""`gateway plugins`: what is installed and what it does."""

from __future__ import annotations

import click
import msgspec

from ..plugins import Loaded
from .context import Context
from .output import emit_json, table


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def plugins(context: Context, as_json: bool) -> None:
    """List the installed plugins.

    Distribution, version, hooks, settings and failures of each.
    """
    context.registry.sections()
    loaded = context.registry.plugins
    if as_json:
        emit_json([msgspec.to_builtins(plugin) for plugin in loaded])
        return
    if not loaded:
        click.echo("No plugin is installed; install some, as `pip install ./plugins/*/`.")
        return
    columns = ("plugin", "distribution", "version", "hooks", "settings", "state")
    table("Plugins", columns, [_row(plugin) for plugin in loaded])


def _row(plugin: Loaded) -> tuple[str, ...]:
    return (
        plugin.name + (" (third party)" if plugin.third_party else ""),
        plugin.distribution,
        plugin.version,
        "\n".join(hook.removeprefix("register_") for hook in plugin.hooks),
        "\n".join(plugin.sections),
        _state(plugin),
    )


def _state(plugin: Loaded) -> str:
    if plugin.error:
        return f"failed: {plugin.error}"
    return f"disabled: {plugin.disabled}" if plugin.disabled else "serves"
