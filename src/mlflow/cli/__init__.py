"""The command `mlflow`, also installed as `headrace`."""

from __future__ import annotations

import click

from mlflow.cli.group import Commands
from mlflow.version import HEADRACE_VERSION, VERSION

#: Name of each command: where it is, and what `mlflow --help` says of it.
COMMANDS = {
    "artifacts": ("mlflow.cli.artifacts:artifacts", "List, fetch and store the files of a run."),
    "db": ("mlflow.cli.db:db", "Look after a database that keeps runs."),
    "demo": ("mlflow.cli.demo:demo", "Serve a few real example runs and open them in a browser."),
    "doctor": ("mlflow.cli.doctor:doctor", "Show versions and settings, and check that they work."),
    "experiments": ("mlflow.cli.experiments:experiments", "Create, find and change experiments."),
    "gc": ("mlflow.cli.gc:gc", "Remove deleted runs and experiments for good."),
    "migrate-filestore": (
        "mlflow.cli.sync:migrate_filestore",
        "Bring a folder of runs over to an SQLite database.",
    ),
    "models": (
        "mlflow.cli.models:commands",
        "Serve models, ask them, and prepare where they run.",
    ),
    "registry": (
        "mlflow.cli.registry:registry",
        "Move versions of models between stages, and see who did.",
    ),
    "run": ("mlflow.cli.run:run", "Run the project in a folder or a git repository."),
    "runs": ("mlflow.cli.runs:runs", "Create, list, show, export, delete and restore runs."),
    "server": ("mlflow.cli.server:server", "Serve runs and their pages over HTTP."),
    "sync": ("mlflow.cli.sync:sync", "Copy runs, models and traces from one store to another."),
    "traces": ("mlflow.cli.traces:traces", "Search, show, assess, tag and delete traces."),
    "ui": ("mlflow.cli.server:server", "The same as `server`."),
}

#: Commands of the reference that are still to come.
LATER = (
    "agent",
    "ai-commands",
    "assistant",
    "autolog",
    "crypto",
    "datasets",
    "deployments",
    "gateway",
    "mcp",
    "sagemaker",
    "scorers",
    "skills",
)


def _load_env_file(ctx: click.Context, param: click.Parameter, path: str | None) -> None:
    if path is None:
        return
    from mlflow.cli.env_file import load

    try:
        load(path)
    except FileNotFoundError:
        raise click.BadParameter(f"Environment file '{path}' does not exist.") from None
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"Environment file '{path}': {error}") from None
    click.echo(f"Loaded environment variables from: {path}", err=True)


@click.group("mlflow", cls=Commands, table=COMMANDS, later=LATER)
@click.version_option(VERSION, message=f"mlflow, version {VERSION} (headrace {HEADRACE_VERSION})")
@click.option(
    "--env-file",
    type=click.Path(),
    expose_value=False,
    is_eager=True,
    callback=_load_env_file,
    help="Read environment variables from this file; those already set stay as they are.",
)
def cli() -> None:
    """Keep track of experiments: runs, their parameters, metrics and files."""
