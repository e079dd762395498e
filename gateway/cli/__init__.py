"""The command `gateway`: what the core offers, and the commands of plugins."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import click

from ..errors import StartupError
from .context import Context

_OWN = {
    "bench": ("bench", "bench"),
    "serve": ("serve", "serve"),
    "status": ("status", "status"),
    "check": ("check", "check"),
    "doctor": ("doctor", "doctor"),
    "matrix": ("matrix", "matrix"),
    "models": ("models", "models"),
    "new": ("new", "new"),
    "plugins": ("plugins", "plugins"),
    "schema": ("schema", "schema"),
}


class Commands(click.Group):
    """The core's commands are imported when called; plugins are loaded for theirs, and for `--help`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*_OWN, *self._plugin_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _OWN:
            from importlib import import_module

            module, name = _OWN[cmd_name]
            command: click.Command = getattr(import_module(f"gateway.cli.{module}"), name)
            return command
        return self._plugin_commands(ctx).get(cmd_name)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except StartupError as error:
            click.secho(str(error), fg="red", err=True)
            raise click.exceptions.Exit(2) from error

    def _plugin_commands(self, ctx: click.Context) -> dict[str, click.Command]:
        context = ctx.obj or Context(config=ctx.params.get("config"))
        commands = context.registry.collect("register_commands")
        return {str(command.name): command for command in commands}


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("librechat-gateway"), prog_name="librechat-gateway")
@click.option(
    "--config",
    "-c",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The configuration file; CONFIG_PATH or ./librechat.yaml by default.",
)
@click.option("--safe-mode", is_flag=True, help="Start without third-party plugins.")
@click.pass_context
def main(ctx: click.Context, config: Path | None, safe_mode: bool) -> None:
    """One door to many model and agent APIs."""
    ctx.obj = Context(config=config, safe_mode=safe_mode)
