"""`mlflow db`."""

from __future__ import annotations

import click

from mlflow.cli.group import Commands

_LATER = [
    "delete-trace-rollups",
    "migrate-to-default-workspace",
    "move-resources",
    "prepopulate-trace-analytics",
]


@click.group("db", cls=Commands, later=_LATER)
def db() -> None:
    """Look after a database that keeps runs."""


@db.command()
@click.argument("url")
def upgrade(url: str) -> None:
    """Bring the tables of the database at URL up to date.

    An empty database gets them. URL is as for --backend-store-uri, such as sqlite:///mlflow.db.
    """
    from mlflow.store.db import upgrade as upgrade_schema

    click.echo(upgrade_schema(url))
