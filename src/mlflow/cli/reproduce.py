"""`mlflow runs reproduce`."""

from __future__ import annotations

import logging

import click

_logger = logging.getLogger("mlflow.cli")


@click.command()
@click.argument("run_id")
@click.option(
    "--folder",
    "-d",
    type=click.Path(file_okay=False),
    help="Where the code goes: a new or empty folder. Default: ./reproduce-<beginning of RUN_ID>",
)
@click.option(
    "--env-manager",
    type=click.Choice(["uv", "virtualenv", "local"]),
    help="What makes the environment; local uses this one. Default: uv if it is there",
)
@click.option("--repository", help="A git repository that has the commit, if it has moved.")
@click.option("--experiment-name", help="Where the new run goes; created if there is none.")
@click.option("--run-name", help="Name of the new run; made up when absent.")
@click.option("--only-lay-out", is_flag=True, help="Put the code into the folder, and run nothing.")
def reproduce(
    run_id: str,
    folder: str | None,
    env_manager: str | None,
    repository: str | None,
    experiment_name: str | None,
    run_name: str | None,
    only_lay_out: bool,
) -> None:
    """Run again what a run has run, with its code and environment, into a new run.

    The run must have been started with HEADRACE_REPRODUCIBLE=true. The code of the run is run on
    this machine: reproduce runs of people you trust.

    \b
    HEADRACE_REPRODUCIBLE=true python train.py
    mlflow runs reproduce 5a8e…
    """
    from mlflow.exceptions import ExecutionException
    from mlflow.reproducibility import replay

    try:
        done = replay.reproduce(
            run_id,
            folder,
            env_manager=env_manager,
            repository=repository,
            experiment_name=experiment_name,
            run_name=run_name,
            only_lay_out=only_lay_out,
        )
    except ExecutionException as error:
        _logger.error("=== %s ===", error.message)
        raise click.exceptions.Exit(1) from error
    click.echo(f"folder       {done.folder}")
    if done.run_id:
        click.echo(f"run          {done.run_id} {done.status}")
    click.echo(f"code         {_said(done.code_differs)}")
    if done.run_id:
        click.echo(f"environment  {_said(done.environment_differs)}")


def _said(differing: list[str]) -> str:
    return f"{len(differing)} differences; see above" if differing else "the same"
