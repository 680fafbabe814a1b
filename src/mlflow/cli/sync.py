"""`mlflow sync` and `mlflow migrate-filestore`."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

import click

from mlflow.sync import ArtifactMode, Report, Selection
from mlflow.sync import sync as copy
from mlflow.sync.report import many

_AGAIN = "Interrupted. What was copied stays; the same command goes on from there."


@click.command("sync")
@click.argument("source", required=False)
@click.argument("destination", metavar="[DEST]", required=False)
@click.option(
    "--experiment-id",
    "-x",
    "experiment_ids",
    multiple=True,
    help="Only this experiment of SOURCE; may be repeated.",
)
@click.option(
    "--experiment-name",
    "-n",
    "experiment_names",
    multiple=True,
    help="Only the experiment with this name; may be repeated.",
)
@click.option(
    "--run-id",
    "run_ids",
    multiple=True,
    help="Only this run, with the experiment that it is in; may be repeated.",
)
@click.option("--no-artifacts", is_flag=True, help="Leave the files of runs out.")
@click.option(
    "--artifact-root",
    metavar="URI",
    help="Where the files of new experiments go, if DEST is a database. By default the folder "
    "`mlruns` beside an SQLite file, and else in the working directory.",
)
@click.option(
    "--keep-tags",
    is_flag=True,
    help="Leave tags alone that a run has in DEST only. Without it they are removed.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
def sync(
    source: str | None,
    destination: str | None,
    experiment_ids: tuple[str, ...],
    experiment_names: tuple[str, ...],
    run_ids: tuple[str, ...],
    no_artifacts: bool,
    artifact_root: str | None,
    keep_tags: bool,
    dry_run: bool,
) -> None:
    """Copy runs, models and traces from SOURCE to DEST: databases, folders or servers.

    SOURCE is only read. What DEST has already is not sent again, so the command can be repeated, to
    bring what is new, and goes on where it was interrupted. Runs keep their ids, unless DEST gives
    ids of its own; params that differ stay as they are in DEST and are reported. The exit status is
    1 if anything could not be copied.

    \b
    mlflow sync sqlite:///mlflow.db http://tracking.example.com:5000

    Without SOURCE and DEST: send what programs on this machine logged in the background
    (`synchronous=False`) and could not send before they ended, and show what was refused.
    """
    narrowed = experiment_ids or experiment_names or run_ids
    if source is None and not (narrowed or no_artifacts or artifact_root or keep_tags):
        from mlflow.cli.journals import send_journals

        return send_journals(dry_run=dry_run)
    if source is None or destination is None:
        raise click.UsageError("SOURCE and DEST are needed.")
    report = Report(click.echo if dry_run else None, _complain)
    with _interruptible():
        copy(
            source,
            destination,
            selection=Selection(experiment_ids, experiment_names, run_ids),
            artifacts=ArtifactMode.NONE if no_artifacts else ArtifactMode.COPY,
            artifact_root=artifact_root,
            keep_tags=keep_tags,
            dry_run=dry_run,
            report=report,
        )
    click.echo(("Would be done: " if dry_run else "") + report.summary())
    _end(report)


def _complain(line: str) -> None:
    click.echo(f"Warning: {line}", err=True)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"\n{_AGAIN}", err=True)
        sys.exit(130)


def _end(report: Report) -> None:
    if report.problem_count:
        warnings = many(report.problem_count, "warning")
        raise click.ClickException(f"Not everything is as in the source: see {warnings} above.")


@click.command("migrate-filestore")
@click.option(
    "--source",
    required=True,
    type=click.Path(exists=True, file_okay=False),
    help="Folder with experiments and runs, or the folder in which that one is called `mlruns`.",
)
@click.option(
    "--target",
    required=True,
    callback=lambda context, parameter, value: _sqlite_path(value),
    help="SQLite database to make, as in sqlite:///mlflow.db.",
)
@click.option(
    "--progress/--no-progress", default=True, help="Tell of each experiment; on by default."
)
def migrate_filestore(source: str, target: str, progress: bool) -> None:
    """Bring a folder of runs (`mlruns`) over to a new SQLite database.

    Everything keeps its id, and the files of runs stay where they are. The folder is only read.
    """
    from mlflow.sync.filestore import migrate

    if os.path.exists(target):
        click.echo(f"Database file already exists: {os.path.abspath(target)}")
        click.confirm("Overwrite?", abort=True)
    report = Report(click.echo if progress else None, _complain, each_run=False)
    with _interruptible():
        migrate(source, target, report)
    click.echo(f"{report.summary()}\nDatabase: sqlite:///{os.path.abspath(target)}")
    _end(report)


def _sqlite_path(uri: str) -> str:
    prefix, _, path = uri.partition(":///")
    if prefix != "sqlite" or not path:
        raise click.BadParameter("Must be a SQLite URI starting with 'sqlite:///'")
    return path
