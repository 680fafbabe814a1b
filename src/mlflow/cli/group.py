"""Command groups that load a command when it is called, and report errors in one line."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from mlflow.exceptions import MlflowException


class Commands(click.Group):
    """A group of commands.

    Args:
        table: Name of each command that is loaded when it is called, with `module:attribute` and
            what the group's help says of it. `--help` imports none of them.
        later: Names of commands that the reference has and Headrace does not have yet.
    """

    def __init__(
        self,
        *args: Any,
        table: dict[str, tuple[str, str]] | None = None,
        later: Sequence[str] = (),
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self._table = table or {}
        self._later = frozenset(later)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *self._table])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self._table:
            module, _, attribute = self._table[cmd_name][0].partition(":")
            return getattr(import_module(module), attribute)
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in self._later:
            ctx.fail(f"'{args[0]}' is not available in Headrace yet.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, help_) for name, (_, help_) in self._table.items()]
        rows += [(name, command.get_short_help_str()) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(sorted(rows))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MlflowException as error:
            raise click.ClickException(error.message) from error


def not_yet(ctx: click.Context, option: str, instead: str = "") -> None:
    """Stop because of an option whose effect Headrace does not have yet.

    Args:
        instead: A sentence that says what to do, if there is something.
    """
    ctx.fail(f"{option} is not supported by Headrace yet.{' ' if instead else ''}{instead}")
