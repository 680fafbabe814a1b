"""`mlflow gc`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import click

from mlflow.cli.group import not_yet
from mlflow.entities import LifecycleStage, Run, ViewType
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.location import Location
from mlflow.tracking._tracking_service.utils import (
    _get_default_tracking_uri,
    _get_store,
    get_tracking_uri,
    is_tracking_uri_set,
)
from mlflow.utils.age import parse_age
from mlflow.utils.progress import Progress

_PAGE = 1000


@click.command("gc")
@click.option(
    "--older-than",
    help="Only what was deleted longer ago than this: days, hours, minutes and seconds, such as "
    "30d or 1d2h3m4.5s.",
)
@click.option(
    "--backend-store-uri",
    metavar="PATH",
    help="Database with the runs; ./mlflow.db by default.",
)
@click.option(
    "--artifacts-destination",
    metavar="URI",
    envvar="MLFLOW_ARTIFACTS_DESTINATION",
    help="Where a server keeps the files that it serves: the value of its option of this name.",
)
@click.option(
    "--run-ids",
    help="Only these deleted runs, separated by commas. Does not narrow what happens to deleted "
    "experiments.",
)
@click.option(
    "--experiment-ids",
    help="Only these deleted experiments, with their runs, separated by commas. Does not narrow "
    "what happens to deleted runs elsewhere.",
)
@click.option(
    "--logged-model-ids",
    help="Only these deleted logged models, separated by commas. Does not narrow what happens to "
    "deleted experiments.",
)
@click.option("--jobs", is_flag=True, help="Accepted; there are no jobs yet.")
@click.option("--job-ids", help="Not supported yet.")
@click.option("--tracking-uri", help="Server through which files kept by it are removed.")
@click.option("--workspace", envvar="MLFLOW_WORKSPACE", help="Not supported yet.")
@click.option("--all-workspaces", is_flag=True, help="Not supported yet.")
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing.")
@click.pass_context
def gc(
    ctx: click.Context,
    older_than: str | None,
    backend_store_uri: str | None,
    artifacts_destination: str | None,
    run_ids: str | None,
    experiment_ids: str | None,
    logged_model_ids: str | None,
    jobs: bool,
    job_ids: str | None,
    tracking_uri: str | None,
    workspace: str | None,
    all_workspaces: bool,
    dry_run: bool,
) -> None:
    """Remove deleted runs, experiments and logged models for good, with their files.

    Without --run-ids, --experiment-ids and --logged-model-ids: all that are deleted. What is active
    is never touched.
    """
    if job_ids:
        not_yet(ctx, "--job-ids")
    if all_workspaces or workspace not in (None, "", "default"):
        not_yet(ctx, "--all-workspaces" if all_workspaces else "--workspace")
    age = parse_age(older_than) if older_than else 0
    store = _get_store(backend_store_uri or _get_default_tracking_uri())
    if not hasattr(store, "_hard_delete_run"):
        raise MlflowException.invalid_parameter_value(
            "This cli can only be used with a backend that allows hard-deleting runs"
        )
    # All that was named is looked at before anything is removed.
    runs = _deleted_runs(store, _ids(run_ids), age, older_than)
    experiments = _deleted_experiments(store, _ids(experiment_ids), age, older_than)
    models = _deleted_models(store, _ids(logged_model_ids), age, older_than)
    for experiment_id in experiments:
        runs.update(_runs_in(store, experiment_id))
        models.update(_models_in(store, experiment_id))
    owners = [*map(_of_run, runs.values()), *models.values()]
    files = _Files(artifacts_destination, tracking_uri)
    files.check(owners)
    if dry_run:
        _show(store, owners, experiments, files)
        return
    failed = []
    with Progress("Removing", total=len(owners), unit="runs and models") as progress:
        for owner in owners:
            if not _remove(store, owner, files):
                failed.append(owner)
            progress.update()
    for experiment_id in experiments:
        if any(owner.experiment_id == experiment_id for owner in failed):
            continue
        store._hard_delete_experiment(experiment_id)
        click.echo(f"Experiment with ID {experiment_id} has been permanently deleted.")
    if failed:
        raise click.ClickException(
            f"The files of {len(failed)} of {_counted(owners)} could not be removed. These and "
            "their experiments stay; run the command again to try once more."
        )


class _Owner(NamedTuple):
    """A run or logged model that goes, with its files."""

    kind: str
    """"run" or "logged model"."""
    id: str
    name: str
    experiment_id: str
    artifact_uri: str
    is_deleted: bool
    """By itself; else only its experiment is."""


def _of_run(run: Run) -> _Owner:
    info = run.info
    return _Owner(
        "run",
        info.run_id,
        info.run_name,
        info.experiment_id,
        info.artifact_uri or "",
        info.lifecycle_stage == LifecycleStage.DELETED,
    )


def _of_model(store: Any, model_id: str) -> _Owner:
    model = store.get_logged_model(model_id, allow_deleted=True)
    return _Owner(
        "logged model",
        model_id,
        model.name,
        model.experiment_id,
        model.artifact_location,
        store._is_deleted_logged_model(model_id),
    )


def _counted(owners: Sequence[_Owner]) -> str:
    """Such as "3 runs and 1 logged models"; of models only where there are some."""
    models = sum(owner.kind != "run" for owner in owners)
    runs = f"{len(owners) - models} runs"
    return f"{runs} and {models} logged models" if models else runs


def _ids(text: str | None) -> list[str] | None:
    return None if not text else [part.strip() for part in text.split(",") if part.strip()]


def _deleted_runs(
    store: Any, run_ids: list[str] | None, age: int, older_than: str | None
) -> dict[str, Run]:
    old = store._get_deleted_runs(older_than=age)
    if run_ids is None:
        return {run_id: store.get_run(run_id) for run_id in old}
    runs = {run_id: store.get_run(run_id) for run_id in run_ids}
    for run_id, run in runs.items():
        if run.info.lifecycle_stage != LifecycleStage.DELETED:
            raise MlflowException.invalid_parameter_value(
                f"Run {run_id} is not in `deleted` lifecycle stage. Only runs in `deleted` "
                "lifecycle stage can be deleted."
            )
        if older_than and run_id not in old:
            raise MlflowException.invalid_parameter_value(
                f"Run {run_id} is not older than the required age. Only runs older than "
                f"{older_than} can be deleted."
            )
    return runs


def _deleted_experiments(
    store: Any, experiment_ids: list[str] | None, age: int, older_than: str | None
) -> list[str]:
    old = store._get_deleted_experiments(older_than=age)
    if experiment_ids is None:
        return old
    stages = {e: store.get_experiment(e).lifecycle_stage for e in experiment_ids}
    active = [e for e, stage in stages.items() if stage != LifecycleStage.DELETED]
    if active:
        raise MlflowException.invalid_parameter_value(
            f"Experiments {active} are not in the deleted lifecycle stage. Only experiments in "
            "the deleted lifecycle stage can be hard-deleted."
        )
    young = [e for e in experiment_ids if e not in old] if older_than else []
    if young:
        raise MlflowException.invalid_parameter_value(
            f"Experiments {young} are not older than the required age. Only experiments older "
            f"than {older_than} can be deleted."
        )
    return experiment_ids


def _deleted_models(
    store: Any, model_ids: list[str] | None, age: int, older_than: str | None
) -> dict[str, _Owner]:
    old = store._get_deleted_logged_models(older_than=age)
    if model_ids is None:
        return {model_id: _of_model(store, model_id) for model_id in old}
    models = {model_id: _of_model(store, model_id) for model_id in model_ids}
    for model_id, model in models.items():
        if not model.is_deleted:
            raise MlflowException.invalid_parameter_value(
                f"Logged model {model_id} is not in the `deleted` lifecycle stage. Only deleted "
                "ones can be removed."
            )
        if older_than and model_id not in old:
            raise MlflowException.invalid_parameter_value(
                f"Logged model {model_id} is not older than the required age. Only ones older than "
                f"{older_than} can be removed."
            )
    return models


def _models_in(store: Any, experiment_id: str) -> Iterator[tuple[str, _Owner]]:
    for model_id in store._logged_models_in(experiment_id):
        yield model_id, _of_model(store, model_id)


def _runs_in(store: Any, experiment_id: str) -> Iterator[tuple[str, Run]]:
    token = None
    while True:
        page = store.search_runs([experiment_id], "", ViewType.ALL, _PAGE, page_token=token)
        yield from ((run.info.run_id, run) for run in page)
        token = page.token
        if not token:
            return


class _Files:
    """Where the files of runs and models are, and how to remove them.

    Args:
        destination: Where a server keeps what is stored through it; None to ask the server itself.
        tracking_uri: That server; None for the one in the environment.
    """

    def __init__(self, destination: str | None, tracking_uri: str | None):
        self._destination = Location.parse(destination) if destination else None
        self._tracking_uri = tracking_uri
        if tracking_uri is None and is_tracking_uri_set():
            self._tracking_uri = get_tracking_uri()

    def check(self, owners: Iterable[_Owner]) -> None:
        """Refuse to begin when files are at a server, and it is not known which.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE.
        """
        if self._destination or self._tracking_uri:
            return
        for owner in owners:
            if _is_proxied(owner):
                raise MlflowException.invalid_parameter_value(
                    "Tracking URL is not set. Please set MLFLOW_TRACKING_URI environment variable "
                    f"or provide --tracking-uri cli option: the files of {owner.kind} {owner.id} "
                    f"are kept by a server ({owner.artifact_uri}). Where the server's folder can "
                    "be reached, --artifacts-destination will do, too."
                )

    def remove(self, owner: _Owner) -> None:
        """Remove all files; nothing happens when there are none."""
        self._repository(owner).delete_artifacts()

    def size(self, owner: _Owner) -> int:
        """Bytes in all files."""
        found = self._repository(owner)._iter_artifacts_recursive("")
        return sum(info.file_size or 0 for info in found)

    def _repository(self, owner: _Owner) -> Any:
        uri = owner.artifact_uri
        if self._destination and _is_proxied(owner):
            uri = str(self._destination.child(Location.parse(uri).steps))
        return get_artifact_repository(uri, tracking_uri=self._tracking_uri)


def _is_proxied(owner: _Owner) -> bool:
    return Location.parse(owner.artifact_uri).scheme == "mlflow-artifacts"


def _remove(store: Any, owner: _Owner, files: _Files) -> bool:
    """Remove the files, then the run or model; False, with a message, if the files stay."""
    kind = owner.kind.capitalize()
    try:
        files.remove(owner)
    except Exception as error:  # of whatever library reaches the files; the others go on
        click.echo(f"{kind} {owner.id}: {owner.artifact_uri}: {error}", err=True)
        return False
    if owner.is_deleted and owner.kind == "run":
        store._hard_delete_run(owner.id)
    elif owner.is_deleted:
        store._hard_delete_logged_model(owner.id)
    click.echo(f"{kind} with ID {owner.id} has been permanently deleted.")
    return True


def _show(store: Any, owners: Sequence[_Owner], experiments: Sequence[str], files: _Files) -> None:
    total, unknown = 0, 0
    with Progress("Looking at files", total=len(owners), unit="runs and models") as progress:
        for owner in owners:
            line = f"Would remove {owner.kind} {owner.id} ({owner.name}), {owner.artifact_uri}"
            try:
                size = files.size(owner)
                total += size
                click.echo(f"{line}: {size:,} bytes")
            except Exception as error:  # of whatever library reaches the files
                unknown += 1
                click.echo(f"{line}: {error}")
            progress.update()
    for experiment_id in experiments:
        name = store.get_experiment(experiment_id).name
        click.echo(f"Would remove experiment {experiment_id} ({name})")
    runs = [owner.id for owner in owners if owner.kind == "run"]
    in_store = store._bytes_of_runs(runs) if hasattr(store, "_bytes_of_runs") else 0
    click.echo(
        f"{_counted(owners)} and {len(experiments)} experiments; nothing was removed. It would "
        f"free {total:,} bytes of files"
        + (f" (those of {unknown} could not be looked at)" if unknown else "")
        + (f" and about {in_store:,} bytes in the database." if in_store else ".")
    )
