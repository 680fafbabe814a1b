"""`mlflow runs`."""

from __future__ import annotations

import json

import click

from mlflow.cli.group import Commands
from mlflow.cli.output import table, utc
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking.client import MlflowClient
from mlflow.tracking.context.registry import resolve_tags
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NOTE

_RUN_ID = click.option("--run-id", required=True, help="Id of the run.")


#: Commands that are loaded when they are called.
_COMMANDS = {
    "export": ("mlflow.cli.export:export", "Write runs to files for other programs."),
    "reproduce": ("mlflow.cli.reproduce:reproduce", "Run again what a run has run."),
}


@click.group("runs", cls=Commands, table=_COMMANDS, later=["link-traces"])
def runs() -> None:
    """Create, list, show, export, delete and restore runs.

    Where they are kept is said by MLFLOW_TRACKING_URI; without it, in ./mlflow.db.
    """


@runs.command()
@click.option(
    "--experiment-id", envvar="MLFLOW_EXPERIMENT_ID", help="Id of the experiment to put it in."
)
@click.option(
    "--experiment-name",
    envvar="MLFLOW_EXPERIMENT_NAME",
    help="Its name, instead; created if there is none.",
)
@click.option("--run-name", help="Name of the run; made up when absent.")
@click.option("--description", help="Note that the run's page shows.")
@click.option("--tags", "-t", multiple=True, help="A tag, as key=value; may be repeated.")
@click.option(
    "--status",
    type=click.Choice(["FINISHED", "FAILED", "KILLED"], case_sensitive=False),
    default="FINISHED",
    help="How it ended; FINISHED by default.",
)
@click.option("--parent-run-id", help="Id of the run that it is part of.")
def create(
    experiment_id: str | None,
    experiment_name: str | None,
    run_name: str | None,
    description: str | None,
    tags: tuple[str, ...],
    status: str,
    parent_run_id: str | None,
) -> None:
    """Create a run that has ended already, and print what it is as JSON."""
    if bool(experiment_id) == bool(experiment_name):
        raise click.UsageError("Must specify exactly one of --experiment-id or --experiment-name.")
    given = dict(_key_and_value(tag) for tag in tags)
    if description:
        given[MLFLOW_RUN_NOTE] = description
    client = MlflowClient()
    try:
        if parent_run_id:
            given[MLFLOW_PARENT_RUN_ID] = client.get_run(parent_run_id).info.run_id
        experiment_id = experiment_id or _experiment_named(client, experiment_name)
        run = client.create_run(experiment_id, tags=resolve_tags(given), run_name=run_name)
        client.set_terminated(run.info.run_id, status.upper())
    except MlflowException as error:
        raise click.ClickException(f"Failed to create run: {error.message}") from error
    made = {
        "run_id": run.info.run_id,
        "experiment_id": experiment_id,
        "status": status.upper(),
        "run_name": run.info.run_name,
    }
    click.echo(json.dumps(made, indent=2))


@runs.command("list")
@click.option(
    "--experiment-id",
    envvar="MLFLOW_EXPERIMENT_ID",
    required=True,
    help="Id of the experiment.",
)
@click.option(
    "--view",
    "-v",
    default="active_only",
    help="Which ones: active_only (default), deleted_only or all.",
)
def list_runs(experiment_id: str, view: str) -> None:
    """List the runs of an experiment, newest first."""
    client, token, rows = MlflowClient(), None, []
    while True:
        page = client.search_runs(
            [experiment_id], run_view_type=ViewType.from_string(view), page_token=token
        )
        for run in page:
            started = f"{utc(run.info.start_time):%Y-%m-%d %H:%M:%S} UTC"
            rows.append((started, run.info.run_name or "", run.info.run_id))
        token = page.token
        if not token:
            break
    click.echo(table(["Date", "Name", "ID"], rows))


@runs.command()
@_RUN_ID
def describe(run_id: str) -> None:
    """Print all about a run as JSON."""
    run = MlflowClient().get_run(run_id)
    click.echo(json.dumps(run.to_dictionary(), indent=4))


@runs.command()
@_RUN_ID
def delete(run_id: str) -> None:
    """Delete a run; `restore` brings it back until `mlflow gc` ran."""
    MlflowClient().delete_run(run_id)
    click.echo(f"Run with ID {run_id} has been deleted.")


@runs.command()
@_RUN_ID
def restore(run_id: str) -> None:
    """Bring a deleted run back."""
    MlflowClient().restore_run(run_id)
    click.echo(f"Run with id {run_id} has been restored.")


def _key_and_value(tag: str) -> tuple[str, str]:
    key, separator, value = tag.partition("=")
    if not separator:
        raise click.UsageError(f"Invalid tag format: '{tag}'. Tags must be in key=value format.")
    return key, value


def _experiment_named(client: MlflowClient, name: str) -> str:
    experiment = client.get_experiment_by_name(name)
    return experiment.experiment_id if experiment else client.create_experiment(name)
