"""--yes, of commands that take something away."""

import click

yes = click.option("--yes", is_flag=True, help="Without asking.")
