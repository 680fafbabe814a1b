"""`mlflow models`: serve a model, ask it, and prepare where it runs."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import click

from mlflow.cli.group import Commands
from mlflow.environment_variables import MLFLOW_DISABLE_ENV_MANAGER_CONDA_WARNING
from mlflow.utils import env_manager as managers


class KeyValueType(click.ParamType):
    """`name=value`, as a pair."""

    name = "key=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, equals, text = value.partition("=")
        if not equals or not name:
            self.fail(f"'{value}' is not a valid key value pair, expecting `key=value`", param, ctx)
        return name, text


def _env_manager(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    managers.validate(value)
    if value == managers.CONDA and not MLFLOW_DISABLE_ENV_MANAGER_CONDA_WARNING.get():
        warnings.warn(
            "conda's default channels are not free for all: see that your use of them complies "
            "with Anaconda's terms of service. virtualenv and uv need no conda. Set "
            f"{MLFLOW_DISABLE_ENV_MANAGER_CONDA_WARNING.name} to true to leave this out.",
            stacklevel=2,
        )
    return value


_MANAGERS = (
    "Where the model runs: local (this environment), or an environment of its own, made once by "
    "virtualenv (venv and pip), uv or conda."
)


def _model_uri(required: bool = True) -> Any:
    return click.option(
        "--model-uri",
        "-m",
        metavar="URI",
        required=required,
        help="The model: a folder, runs:/<run id>/<path>, models:/<name>/<version or stage>, "
        "models:/<name>@<alias>, or a place in a remote store such as s3://.",
    )


def _manager(default: str | None = managers.VIRTUALENV) -> Any:
    ending = f" {default} by default." if default else " By default what fits the model."
    return click.option(
        "--env-manager", default=default, callback=_env_manager, help=_MANAGERS + ending
    )


_install_mlflow = click.option(
    "--install-mlflow",
    is_flag=True,
    default=False,
    help="Accepted; Headrace is installed into environments in any case.",
)
_mlflow_home = click.option(
    "--mlflow-home",
    metavar="PATH",
    help="A checkout of Headrace to install into the image, in place of what runs here.",
)
_install_java = click.option(
    "--install-java",
    type=bool,
    help="Whether Java is installed into the image; by default if its base is Ubuntu.",
)


@click.group("models", cls=Commands)
def commands() -> None:
    """Serve models, ask them, and prepare where they run."""


@commands.command("serve")
@_model_uri()
@click.option(
    "--port",
    "-p",
    type=int,
    default=5000,
    envvar="MLFLOW_PORT",
    help="Port to listen on. Default: 5000",
)
@click.option(
    "--host",
    "-h",
    default="127.0.0.1",
    envvar="MLFLOW_HOST",
    metavar="HOST",
    help="Address to listen on; 0.0.0.0 for all of this machine. Whoever can reach it can ask the "
    "model. Default: 127.0.0.1",
)
@click.option(
    "--timeout",
    "-t",
    type=int,
    default=60,
    envvar="MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT",
    help="Seconds that a request may take. Default: 60",
)
@click.option(
    "--workers",
    "-w",
    envvar="MLFLOW_MODELS_WORKERS",
    help="Number of processes, each with the model. Default: 1",
)
@_manager()
@click.option("--no-conda", is_flag=True, help="The same as --env-manager local.")
@_install_mlflow
@click.option(
    "--watch",
    is_flag=True,
    default=False,
    envvar="HEADRACE_SERVING_WATCH",
    help="Look now and then whether the stage, alias or latest version in the URI points to "
    "another version, and change over to it without losing a request.",
)
@click.option(
    "--watch-interval",
    type=click.FloatRange(min=0.1),
    default=5.0,
    envvar="HEADRACE_SERVING_WATCH_INTERVAL",
    help="Seconds between two looks of --watch. Default: 5",
)
@click.option(
    "--batch-rows",
    type=click.IntRange(min=0),
    default=0,
    envvar="HEADRACE_SERVING_BATCH_ROWS",
    help="Answer requests that wait together, with up to this many rows in one prediction. For "
    "models that look at each row by itself. Default: 0, each request alone",
)
def serve(
    model_uri: str,
    port: int,
    host: str,
    timeout: int,
    workers: str | None,
    env_manager: str,
    no_conda: bool,
    install_mlflow: bool,
    watch: bool,
    watch_interval: float,
    batch_rows: int,
) -> None:
    """Answer requests at /invocations with a model.

    \b
    mlflow models serve -m models:/iris@champion --env-manager local --watch
    curl localhost:5000/invocations -H 'Content-Type: application/json' \\
      -d '{"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}}'
    """
    from mlflow.models.flavor_backend_registry import get_flavor_backend

    backend = get_flavor_backend(
        model_uri,
        env_manager=managers.LOCAL if no_conda else env_manager,
        workers=workers,
        install_mlflow=install_mlflow,
        watch=watch_interval if watch else 0,
        batch_rows=batch_rows,
    )
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how it is meant to end
        backend.serve(model_uri=model_uri, port=port, host=host, timeout=timeout)


@commands.command("predict")
@_model_uri()
@click.option(
    "--input-path", "-i", help="File with what the model is asked; standard input by default."
)
@click.option("--output-path", "-o", help="File for the answer; standard output by default.")
@click.option(
    "--content-type",
    "-t",
    default="json",
    help="What the input is: json, as for /invocations, or csv. Default: json",
)
@_manager()
@_install_mlflow
@click.option(
    "--pip-requirements-override",
    "-r",
    help="Requirements in place of the model's of the same names: x==y,z==a",
)
@click.option(
    "--env",
    type=KeyValueType(),
    multiple=True,
    metavar="KEY=VALUE",
    help="A variable of the model's process. May be repeated.",
)
def predict(
    model_uri: str,
    input_path: str | None,
    output_path: str | None,
    content_type: str,
    env_manager: str,
    install_mlflow: bool,
    pip_requirements_override: str | None,
    env: tuple[tuple[str, str], ...],
) -> None:
    """Ask a model what a file has, and write its answer as JSON."""
    from mlflow.models import python_api

    override = pip_requirements_override
    python_api.predict(
        model_uri=model_uri,
        input_path=input_path,
        content_type=content_type,
        output_path=output_path,
        env_manager=env_manager,
        install_mlflow=install_mlflow,
        pip_requirements_override=override.split(",") if override else None,
        extra_envs=dict(env),
    )


@commands.command("prepare-env")
@_model_uri()
@_manager()
@_install_mlflow
def prepare_env(model_uri: str, env_manager: str, install_mlflow: bool) -> None:
    """Make the environment that a model wants, so that predict and serve begin at once."""
    from mlflow.models.flavor_backend_registry import get_flavor_backend

    backend = get_flavor_backend(model_uri, env_manager=env_manager, install_mlflow=install_mlflow)
    backend.prepare_env(model_uri=model_uri)


@commands.command("generate-dockerfile")
@_model_uri(required=False)
@click.option(
    "--output-directory",
    "-d",
    default="mlflow-dockerfile",
    help="Folder for the Dockerfile and what it copies. Default: mlflow-dockerfile",
)
@_manager(default=None)
@_mlflow_home
@_install_java
@_install_mlflow
def generate_dockerfile(
    model_uri: str | None,
    output_directory: str,
    env_manager: str | None,
    mlflow_home: str | None,
    install_java: bool | None,
    install_mlflow: bool,
) -> None:
    """Write a folder from which Docker builds an image that serves a model at port 8080.

    Without a model the image serves what is mounted at /opt/ml/model.
    """
    from mlflow.models.flavor_backend_registry import get_flavor_backend

    get_flavor_backend(model_uri, env_manager=env_manager).generate_dockerfile(
        model_uri,
        output_directory,
        mlflow_home=mlflow_home,
        install_java=install_java,
        install_mlflow=install_mlflow,
    )
    click.echo(f"Generated Dockerfile in directory {output_directory}", err=True)


@commands.command("build-docker")
@_model_uri(required=False)
@click.option(
    "--name",
    "-n",
    default="mlflow-pyfunc-servable",
    help="Name of the image. Default: mlflow-pyfunc-servable",
)
@_manager()
@_mlflow_home
@_install_java
@_install_mlflow
def build_docker(**options: Any) -> None:
    """Build a Docker image that serves a model at port 8080.

    \b
    mlflow models build-docker -m runs:/<run id>/model -n my-image
    docker run -p 5001:8080 my-image
    """
    from mlflow.models import python_api

    python_api.build_docker(**options)


@commands.command("update-pip-requirements")
@_model_uri()
@click.argument("operation", type=click.Choice(["add", "remove"]))
@click.argument("requirement_strings", nargs=-1)
def update_pip_requirements(
    model_uri: str, operation: str, requirement_strings: tuple[str, ...]
) -> None:
    """Add requirements to a model, or remove some, where it is stored.

    What is added takes the place of requirements of the same names. Models in the registry cannot
    be changed.

    \b
    mlflow models update-pip-requirements -m runs:/<run id>/model add pandas==2.2.3
    mlflow models update-pip-requirements -m ./model remove torchvision
    """
    from mlflow.models import update_model_requirements

    update_model_requirements(model_uri, operation, list(requirement_strings))
    click.echo(f"Successfully updated the requirements for the model at {model_uri}!", err=True)
