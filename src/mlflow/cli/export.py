"""`mlflow runs export`."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import IO, Any

import click

from mlflow.entities import ViewType
from mlflow.store.tracking.export import find_runs, history_table, run_table
from mlflow.tracking._tracking_service.utils import _get_store
from mlflow.utils.progress import Progress
from mlflow.utils.tabular import FORMATS, Format, Table, encoded

_STDOUT = "-"


@click.command()
@click.option(
    "--experiment-id",
    "experiment_ids",
    multiple=True,
    envvar="MLFLOW_EXPERIMENT_ID",
    help="Export runs of this experiment; may be repeated.",
)
@click.option(
    "--experiment-name",
    "experiment_names",
    multiple=True,
    help="The same, by its name.",
)
@click.option("--run-id", "run_ids", multiple=True, help="Export this run; may be repeated.")
@click.option("--filter", "filter_string", help="Only runs that match, as in mlflow.search_runs.")
@click.option(
    "--view",
    "-v",
    default="active_only",
    help="Which runs: active_only (default), deleted_only or all.",
)
@click.option("--output", "-o", metavar="FILE", help="Write runs there; - for standard output.")
@click.option(
    "--history", metavar="FILE", help="Write every point of their metrics there; - as above."
)
@click.option(
    "--metric", "metric_keys", multiple=True, help="Only points of this metric; may be repeated."
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(sorted(FORMATS)),
    help="By default what the file's name ends with, or else csv.",
)
@click.option(
    "--verbatim",
    is_flag=True,
    help="In CSV, leave texts as they are that a spreadsheet would take for formulas. "
    "Else they get an apostrophe in front.",
)
def export(
    experiment_ids: tuple[str, ...],
    experiment_names: tuple[str, ...],
    run_ids: tuple[str, ...],
    filter_string: str | None,
    view: str,
    output: str | None,
    history: str | None,
    metric_keys: tuple[str, ...],
    kind: Format | None,
    verbatim: bool,
) -> None:
    """Write runs, and the points of their metrics, to files that other programs read.

    Runs come as a row each, with columns metrics.*, params.* and tags.*; points with run_id, key,
    step, timestamp and value. Times are milliseconds since 1970. Without an experiment or a run,
    those of all experiments. Any number of them will do: memory stays small.
    """
    if output is None and history is None:
        raise click.UsageError("Nothing to write: --output or --history is needed.")
    if output == history == _STDOUT:
        raise click.UsageError("--output and --history cannot both go to standard output.")
    store = _get_store()
    ids = [*experiment_ids, *(_experiment_named(store, name) for name in experiment_names)]
    runs = ids or None, filter_string, ViewType.from_string(view), run_ids
    if output is not None:
        with Progress("Exporting runs", unit="runs") as bar, _open(output) as file:
            table = run_table(_counted(find_runs(store, *runs), bar))
            _write(table, file, kind or _kind_of(output), verbatim)
    if history is not None:
        with Progress("Exporting points", unit="points") as bar, _open(history) as file:
            found = (run.info.run_id for run in find_runs(store, *runs))
            table = history_table(store, found, metric_keys or None)
            batches = _counted(iter(table.batches), bar, lambda batch: len(batch[-1]))
            _write(Table(table.columns, batches), file, kind or _kind_of(history), verbatim)


def _experiment_named(store: Any, name: str) -> str:
    experiment = store.get_experiment_by_name(name)
    if experiment is None:
        raise click.ClickException(f"There is no experiment named '{name}'.")
    return experiment.experiment_id


def _counted(items: Iterator[Any], bar: Progress, size: Any = lambda item: 1) -> Iterator[Any]:
    for item in items:
        yield item
        bar.update(size(item))


@contextlib.contextmanager
def _open(path: str) -> Iterator[IO[bytes]]:
    """A file to write to, which appears under its name when it is complete."""
    if path == _STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    unfinished = f"{path}.{os.getpid()}.unfinished"
    try:
        with open(unfinished, "wb") as file:
            yield file
        os.replace(unfinished, path)
    except OSError as e:
        raise click.ClickException(f"'{path}' cannot be written: {e.strerror}.") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(unfinished)


def _write(table: Table, file: IO[bytes], kind: Format, verbatim: bool) -> None:
    for piece in encoded(table, kind, verbatim=verbatim):
        file.write(piece)


def _kind_of(path: str) -> Format:
    ending = os.path.splitext(path)[1][1:].lower()
    return ending if ending in FORMATS else "csv"  # type: ignore[return-value]
