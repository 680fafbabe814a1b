"""`mlflow db`."""

from __future__ import annotations

from collections.abc import Callable

import click

from mlflow.cli.group import Commands
from mlflow.store.db.dialects import DatabaseUrl
from mlflow.utils.progress import Progress

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

    An empty database gets them; one that MLflow made is brought over, and what MLflow made stays
    beside it. URL is as for --backend-store-uri, such as sqlite:///mlflow.db.
    """
    from mlflow.store.db.schema import upgrade as upgrade_schema

    with Progress("Copying the database", unit="pages") as bar:
        click.echo(upgrade_schema(url, progress=_moves(bar)))


@db.command()
@click.argument("url")
@click.argument("file", type=click.Path(dir_okay=False))
def backup(url: str, file: str) -> None:
    """Copy the SQLite database at URL to FILE, while it is in use.

    FILE must not exist yet. It holds the database as it was at one moment.
    """
    from mlflow.store.db.backup import backup as back_up
    from mlflow.store.db.schema import opened

    with opened(url) as database, Progress("Copying the database", unit="pages") as bar:
        size = back_up(database, file, progress=_moves(bar))
    click.echo(f"Copied {size:,} bytes to {file}.")


@db.command()
@click.argument("url")
@click.option(
    "--files", is_flag=True, help="Look for folders of runs that the database does not have, too."
)
@click.option(
    "--artifacts-destination",
    metavar="URI",
    envvar="MLFLOW_ARTIFACTS_DESTINATION",
    help="Where a server keeps the files that it serves: the value of its option of this name.",
)
def check(url: str, files: bool, artifacts_destination: str | None) -> None:
    """Look for damage in the database at URL. Changes nothing; ends with status 1 if it finds some.

    Reads every point and compares checksums, and looks for rows that belong to nothing. A server
    may go on meanwhile.
    """
    from mlflow.store.db.check import check as look
    from mlflow.store.db.check import check_files
    from mlflow.store.db.schema import opened

    with opened(url) as database, Progress("Reading metrics", unit="metrics") as bar:
        found = look(database, progress=_moves(bar))
        if files and not found:
            found = check_files(database, artifacts_destination)
    for line in found:
        click.echo(line)
    if found:
        raise click.ClickException(f"{len(found)} findings in {DatabaseUrl.parse(url).safe}.")
    click.echo("All is well.")


@db.command()
@click.argument("url")
@click.option(
    "--vacuum",
    is_flag=True,
    help="Give free space back to the file system, too. Nobody can write meanwhile.",
)
def optimize(url: str, vacuum: bool) -> None:
    """Bring the points of metrics in the database at URL into their best shape.

    Seals tails into compressed chunks, joins small chunks and sorts badly ordered ones. Runs may go
    on meanwhile; Ctrl-C ends it at any moment, and nothing is lost.
    """
    from mlflow.store.db.optimize import Optimized
    from mlflow.store.db.optimize import optimize as improve
    from mlflow.store.db.schema import opened

    done, status = Optimized(), 0
    with opened(url) as database:
        try:
            with Progress("Looking at metrics", unit="metrics") as bar:
                improve(database, done, vacuum=vacuum, progress=_moves(bar))
        except KeyboardInterrupt:
            click.echo("Interrupted. Until then:", err=True)
            status = 130
    for line in done.lines():
        click.echo(line)
    if done.damaged:
        raise click.ClickException(f"{len(done.damaged)} metrics have chunks that are damaged.")
    if status:
        raise SystemExit(status)


def _moves(bar: Progress) -> Callable[[int, int], None]:
    """A function (done, in all) that moves the bar."""

    def move(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.done)

    return move
