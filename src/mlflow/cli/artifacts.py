"""`mlflow artifacts`."""

from __future__ import annotations

import json
import os

import click

from mlflow.cli.group import Commands
from mlflow.tracking.client import MlflowClient

_RUN_ID = click.option("--run-id", "-r", required=True, help="Id of the run.")


@click.group("artifacts", cls=Commands)
def artifacts() -> None:
    """List, fetch and store the files of a run."""


@artifacts.command("log-artifact")
@click.option("--local-file", "-l", required=True, help="File to store.")
@_RUN_ID
@click.option("--artifact-path", "-a", help="Folder among the run's artifacts to put it in.")
def log_artifact(local_file: str, run_id: str, artifact_path: str | None) -> None:
    """Store one file."""
    if not os.path.exists(local_file):
        raise click.ClickException(f"No such file or directory: '{local_file}'")
    MlflowClient().log_artifact(run_id, local_file, artifact_path)


@artifacts.command("log-artifacts")
@click.option("--local-dir", "-l", required=True, help="Folder whose content to store.")
@_RUN_ID
@click.option("--artifact-path", "-a", help="Folder among the run's artifacts to put it in.")
def log_artifacts(local_dir: str, run_id: str, artifact_path: str | None) -> None:
    """Store all files in a folder, with its sub-folders."""
    if not os.path.isdir(local_dir):
        raise click.ClickException(f"No such directory: '{local_dir}'")
    MlflowClient().log_artifacts(run_id, local_dir, artifact_path)


@artifacts.command("list")
@_RUN_ID
@click.option("--artifact-path", "-a", help="Folder to look into; the top by default.")
def list_artifacts(run_id: str, artifact_path: str | None) -> None:
    """Print what a folder holds as JSON."""
    found = MlflowClient().list_artifacts(run_id, artifact_path)
    click.echo("[" + ", ".join(json.dumps(_described(info), indent=2) for info in found) + "]")


@artifacts.command()
@click.option("--run-id", "-r", help="Id of the run.")
@click.option("--artifact-path", "-a", help="File or folder of the run; everything by default.")
@click.option("--artifact-uri", "-u", help="URI to fetch, instead of a run's file.")
@click.option("--dst-path", "-d", help="Folder to put it in; a new temporary one by default.")
def download(
    run_id: str | None,
    artifact_path: str | None,
    artifact_uri: str | None,
    dst_path: str | None,
) -> None:
    """Fetch a file or a folder, and print where it is."""
    from mlflow.artifacts import download_artifacts

    if bool(run_id) == bool(artifact_uri):
        raise click.ClickException("Exactly one of `run_id` or `artifact_uri` must be specified")
    if artifact_uri and artifact_path:
        raise click.ClickException("`artifact_path` goes with `run_id`, not with `artifact_uri`.")
    path = download_artifacts(
        artifact_uri=artifact_uri,
        run_id=run_id,
        artifact_path=(artifact_path or "") if run_id else None,
        dst_path=dst_path,
    )
    click.echo(f"\n{path}")


def _described(info: object) -> dict[str, object]:
    described = {"path": info.path, "is_dir": info.is_dir}
    return described if info.is_dir else {**described, "file_size": info.file_size}
