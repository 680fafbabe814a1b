"""`mlflow experiments`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

import click

from mlflow.cli.group import Commands, not_yet
from mlflow.cli.output import table, utc
from mlflow.entities import Experiment, Run, ViewType
from mlflow.tracking.client import MlflowClient

_PAGE = 1000

_EXPERIMENT_ID = click.option("--experiment-id", "-x", required=True, help="Id of the experiment.")


@click.group("experiments", cls=Commands)
def experiments() -> None:
    """Create, find and change experiments.

    Where they are kept is said by MLFLOW_TRACKING_URI; without it, in ./mlflow.db.
    """


@experiments.command()
@click.option("--experiment-name", "-n", required=True, help="Name; no other may have it.")
@click.option("--artifact-location", "-l", help="URI or folder for the files of its runs.")
@click.option("--trace-archival-retention", help="Not supported yet.")
@click.pass_context
def create(
    ctx: click.Context,
    experiment_name: str,
    artifact_location: str | None,
    trace_archival_retention: str | None,
) -> None:
    """Create an experiment."""
    if trace_archival_retention:
        not_yet(ctx, "--trace-archival-retention")
    experiment_id = MlflowClient().create_experiment(experiment_name, artifact_location)
    click.echo(f"Created experiment '{experiment_name}' with id {experiment_id}")


@experiments.command()
@click.option(
    "--view",
    "-v",
    default="active_only",
    help="Which ones: active_only (default), deleted_only or all.",
)
@click.option("--max-results", type=int, help="At most so many, the newest; all by default.")
def search(view: str, max_results: int | None) -> None:
    """List experiments."""
    found = list(_search_experiments(ViewType.from_string(view), max_results))
    found.sort(key=lambda e: (len(e.experiment_id), e.experiment_id))  # ids are numbers
    rows = [(e.experiment_id, e.name, e.artifact_location) for e in found]
    click.echo(table(["Experiment Id", "Name", "Artifact Location"], rows))


@experiments.command()
@click.option("--experiment-id", "-x", help="Id of the experiment.")
@click.option("--experiment-name", "-n", help="Its name, instead.")
@click.option(
    "--output",
    type=click.Choice(["json", "table"]),
    default="table",
    help="How to print it; table by default.",
)
def get(experiment_id: str | None, experiment_name: str | None, output: str) -> None:
    """Show one experiment."""
    if bool(experiment_id) == bool(experiment_name):
        raise click.UsageError("Must specify exactly one of --experiment-id or --experiment-name.")
    client = MlflowClient()
    if experiment_id:
        experiment = client.get_experiment(experiment_id)
    else:
        experiment = client.get_experiment_by_name(experiment_name)
        if experiment is None:
            raise click.ClickException(f"Experiment with name '{experiment_name}' does not exist.")
    if output == "json":
        click.echo(json.dumps(dict(experiment), indent=2, default=dict))
        return
    tags = ", ".join(f"{key}={value}" for key, value in experiment.tags.items())
    lines = {
        "Experiment ID": experiment.experiment_id,
        "Name": experiment.name,
        "Artifact Location": experiment.artifact_location,
        "Lifecycle Stage": experiment.lifecycle_stage,
        "Creation Time": experiment.creation_time,
        "Last Update Time": experiment.last_update_time,
        "Tags": tags,
    }
    for label, value in lines.items():
        click.echo(f"{label:<19}: {value}")


@experiments.command("csv")
@_EXPERIMENT_ID
@click.option("--filename", "-o", help="File to write; printed when absent.")
def export_csv(experiment_id: str, filename: str | None) -> None:
    """Write the runs of an experiment as CSV."""
    text = io.StringIO()
    _write_csv(list(_search_runs(experiment_id)), text)
    if filename is None:
        click.echo(text.getvalue())
        return
    with open(filename, "w", encoding="utf-8", newline="") as file:
        file.write(text.getvalue())
    click.echo(
        f"Experiment with ID {experiment_id} has been exported as a CSV to file: {filename}."
    )


@experiments.command()
@_EXPERIMENT_ID
def delete(experiment_id: str) -> None:
    """Delete an experiment and its runs; `restore` brings them back until `mlflow gc` ran."""
    MlflowClient().delete_experiment(experiment_id)
    click.echo(f"Experiment with ID {experiment_id} has been deleted.")


@experiments.command()
@_EXPERIMENT_ID
def restore(experiment_id: str) -> None:
    """Bring a deleted experiment and its runs back."""
    MlflowClient().restore_experiment(experiment_id)
    click.echo(f"Experiment with id {experiment_id} has been restored.")


@experiments.command()
@_EXPERIMENT_ID
@click.option("--new-name", required=True, help="Name to give it; no other may have it.")
def rename(experiment_id: str, new_name: str) -> None:
    """Give an experiment another name."""
    MlflowClient().rename_experiment(experiment_id, new_name)
    click.echo(f"Experiment with id {experiment_id} has been renamed to '{new_name}'.")


@experiments.command()
@_EXPERIMENT_ID
@click.option("--trace-archival-retention", help="Not supported yet.")
@click.option("--clear-trace-archival-retention", is_flag=True, help="Not supported yet.")
@click.option("--trace-archive-now", is_flag=True, help="Not supported yet.")
@click.option("--trace-archive-now-older-than", help="Not supported yet.")
@click.option("--clear-trace-archive-now", is_flag=True, help="Not supported yet.")
@click.pass_context
def update(ctx: click.Context, experiment_id: str, **options: str | bool | None) -> None:
    """Change settings of an experiment; those that exist are about traces and still to come."""
    given = [name for name, value in options.items() if value]
    if not given:
        raise click.UsageError("Must specify at least one update option.")
    not_yet(ctx, "--" + given[0].replace("_", "-"))


def _search_experiments(view: int, max_results: int | None) -> Iterator[Experiment]:
    client, token, left = MlflowClient(), None, max_results
    while True:
        size = _PAGE if left is None else min(left, _PAGE)
        page = client.search_experiments(view_type=view, max_results=size, page_token=token)
        yield from page
        token = page.token
        if left is not None:
            left -= len(page)
        if not token or left == 0:
            return


def _search_runs(experiment_id: str) -> Iterator[Run]:
    client, token = MlflowClient(), None
    while True:
        page = client.search_runs([experiment_id], max_results=_PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _write_csv(runs: list[Run], file: io.StringIO) -> None:
    """A row a run: what it is, then each metric, param and tag that any of them has."""
    keys = {
        part: sorted({key for run in runs for key in getattr(run.data, part)})
        for part in ("metrics", "params", "tags")
    }
    attributes = ["run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time"]
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(attributes + [f"{part}.{key}" for part in keys for key in keys[part]])
    for run in runs:
        info = run.info
        row = [info.run_id, info.experiment_id, info.status, info.artifact_uri]
        row += [_csv_time(info.start_time), _csv_time(info.end_time)]
        for part, names in keys.items():
            row += [getattr(run.data, part).get(name, "") for name in names]
        writer.writerow(row)


def _csv_time(milliseconds: int | None) -> str:
    return "" if milliseconds is None else utc(milliseconds).isoformat(" ", "milliseconds")
