"""`mlflow run`."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

import click

from mlflow.cli.models import _env_manager

_logger = logging.getLogger("mlflow.cli")


def pairs(given: Sequence[str], option: str, *, alone: bool = False) -> dict[str, Any]:
    """`name=value` of an option that may be repeated, by name.

    Args:
        alone: Whether a name without a value is accepted, and stands for True.
    """
    found: dict[str, Any] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not name or not (equals or alone):
            raise click.UsageError(
                f"Invalid format for {option} parameter: '{each}'. Use {option} name=value."
            )
        if name in found:
            raise click.UsageError(f"Repeated parameter: '{name}'")
        found[name] = value if equals else True
    return found


def _configuration(text: str | None) -> dict[str, Any] | None:
    from mlflow.projects.backend.local import configuration

    if text is None:
        return None
    try:
        return configuration(text)
    except OSError as error:
        raise click.UsageError(f"Backend config '{text}' cannot be read: {error}") from error
    except ValueError as error:
        what = "Parse error: " if isinstance(error, json.JSONDecodeError) else ""
        raise click.UsageError(f"Invalid backend config JSON. {what}{error}") from error


@click.command()
@click.argument("uri")
@click.option(
    "--entry-point",
    "-e",
    metavar="NAME",
    default="main",
    help="Which of the project's entry points; or a .py file, run by python, or a .sh file, run by "
    "$SHELL. Default: main",
)
@click.option(
    "--version", "-v", metavar="VERSION", help="Branch, tag or commit, if URI is a git repository."
)
@click.option(
    "--param-list",
    "-P",
    metavar="NAME=VALUE",
    multiple=True,
    help="A parameter. Those that the entry point does not declare become options of its command: "
    "--name value. May be repeated.",
)
@click.option(
    "--docker-args",
    "-A",
    metavar="NAME=VALUE",
    multiple=True,
    help="An option of `docker run`, such as gpus=all, or t. May be repeated.",
)
@click.option(
    "--experiment-name",
    envvar="MLFLOW_EXPERIMENT_NAME",
    help="Experiment for the run; created if there is none.",
)
@click.option("--experiment-id", envvar="MLFLOW_EXPERIMENT_ID", help="Its id, instead.")
@click.option(
    "--backend",
    "-b",
    metavar="BACKEND",
    default="local",
    help="Where it runs: local, kubernetes, or a plug-in. Default: local",
)
@click.option(
    "--backend-config",
    "-c",
    metavar="FILE",
    help="Configuration of the backend: JSON, or the path of a file that ends in .json.",
)
@click.option(
    "--env-manager",
    callback=_env_manager,
    help="What makes its environment: local (none: it runs in this one), virtualenv, uv or conda. "
    "By default what the project has a file for.",
)
@click.option(
    "--storage-dir",
    envvar="MLFLOW_TMP_DIR",
    help="Folder for files that parameters of type path name in remote stores.",
)
@click.option("--run-id", metavar="RUN_ID", help="A run to log to, instead of a new one.")
@click.option("--run-name", metavar="RUN_NAME", help="Name of the run; made up when absent.")
@click.option(
    "--build-image",
    is_flag=True,
    default=False,
    help="Put the project's files into a new Docker image on top of the one that it names.",
)
def run(
    uri: str,
    entry_point: str,
    version: str | None,
    param_list: tuple[str, ...],
    docker_args: tuple[str, ...],
    experiment_name: str | None,
    experiment_id: str | None,
    backend: str,
    backend_config: str | None,
    env_manager: str | None,
    storage_dir: str | None,
    run_id: str | None,
    run_name: str | None,
    build_image: bool,
) -> None:
    """Run the project in a folder, a git repository or a zip archive.

    \b
    mlflow run . -P learning_rate=0.001
    mlflow run https://example.org/repo.git#train -v main -e evaluate
    """
    from mlflow import projects
    from mlflow.exceptions import ExecutionException

    if experiment_name is not None and experiment_id is not None:
        raise click.UsageError("Specify only one of 'experiment-name' or 'experiment-id' options.")
    parameters = pairs(param_list, "-P")
    options = pairs(docker_args, "-A", alone=True)
    config = _configuration(backend_config)
    if backend == "kubernetes" and config is None:
        raise click.UsageError("Specify 'backend_config' when using kubernetes mode.")
    try:
        projects.run(
            uri,
            entry_point,
            version,
            experiment_name=experiment_name,
            experiment_id=experiment_id,
            parameters=parameters,
            docker_args=options,
            backend=backend,
            backend_config=config,
            env_manager=env_manager,
            storage_dir=storage_dir,
            synchronous=backend == "local",
            run_id=run_id,
            run_name=run_name,
            build_image=build_image,
        )
    except ExecutionException as error:
        _logger.error("=== %s ===", error.message)
        raise click.exceptions.Exit(1) from error
