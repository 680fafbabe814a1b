"""All that a tracking store has, as plain values that can be compared with another store's."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from mlflow.entities import Experiment, Run, ViewType
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.store.tracking.base.transfer import canonical
from mlflow.sync.identity import RUN_ORIGIN
from mlflow.sync.points import history

PARENT = "mlflow.parentRunId"


def dump(
    store: AbstractStore, uri: str = "", *, ids: bool = True, artifacts: bool = True
) -> dict[str, Any]:
    """Experiments by name, each with its runs by id; histories have each distinct point once.

    Args:
        store: What to read.
        uri: Its tracking URI, for artifacts that a server keeps.
        ids: With the ids of experiments, and times that only a store with these ids can have.
            Without them, runs go by the ids that they had where they come from.
        artifacts: With the content of files.
    """
    found = {}
    for experiment in _pages(store.search_experiments, ViewType.ALL):
        runs = store.whole_runs(
            list(_pages(store.search_runs, [experiment.experiment_id], None, ViewType.ALL))
        )
        identity = {run.info.run_id: run.data.tags.get(RUN_ORIGIN, run.info.run_id) for run in runs}
        found[experiment.name] = {
            **_described(experiment, ids),
            "runs": {
                identity[run.info.run_id]: {
                    **_dump_run(store, run, {} if ids else identity),
                    "files": _files(run, uri) if artifacts else {},
                }
                for run in runs
            },
        }
        if ids:
            assert identity == {i: i for i in identity}
    return found


def differences(mine: Any, other: Any, path: str = "") -> list[str]:
    """Where two dumps differ, and how: for messages that can be read."""
    if isinstance(mine, dict) and isinstance(other, dict):
        found = []
        for key in sorted(mine.keys() | other.keys()):
            here, there = mine.get(key, "nothing"), other.get(key, "nothing")
            found += differences(here, there, f"{path}/{key}")
        return found
    return [] if mine == other else [f"{path}: {mine!r} and {other!r}"[:2000]]


def _described(experiment: Experiment, ids: bool) -> dict[str, Any]:
    described = {"stage": experiment.lifecycle_stage, "tags": _tags(experiment.tags)}
    # every store has a Default of its own
    if ids and experiment.experiment_id != "0":
        described["id"] = experiment.experiment_id
        described["times"] = (experiment.creation_time, experiment.last_update_time)
    return described


def _dump_run(store: AbstractStore, run: Run, identity: dict[str, str]) -> dict[str, Any]:
    info, data = run.info, run.data
    tags = _tags(data.tags)
    if PARENT in tags:
        tags[PARENT] = identity.get(tags[PARENT], tags[PARENT])
    return {
        "info": {
            part: getattr(info, part)
            for part in (
                *("run_name", "user_id", "status", "start_time", "end_time"),
                "lifecycle_stage",
            )
        },
        "params": data.params,
        "tags": tags,
        "latest": {m.key: (m.timestamp, m.step, canonical(m.value)) for m in data._metric_objs},
        "history": {
            key: sorted(
                {
                    (timestamp, step, str(canonical(value)))
                    for timestamp, step, value in history(store, info.run_id, key)
                }
            )
            for key in data.metrics
        },
        "datasets": sorted(
            (
                *(use.dataset.name, use.dataset.digest, use.dataset.source_type),
                *(use.dataset.source, str(use.dataset.schema), str(use.dataset.profile)),
                tuple(sorted((tag.key, tag.value) for tag in use.tags)),
            )
            for use in run.inputs.dataset_inputs
        ),
        "models read": sorted(m.model_id for m in run.inputs.model_inputs),
        "models made": sorted((m.model_id, m.step) for m in run.outputs.model_outputs),
    }


def _tags(tags: dict[str, str]) -> dict[str, str]:
    return {k: v for k, v in tags.items() if not k.startswith("headrace.sync.")}


def _files(run: Run, uri: str) -> dict[str, bytes]:
    repository = get_artifact_repository(run.info.artifact_uri, tracking_uri=uri or None)
    with tempfile.TemporaryDirectory() as folder:
        repository.download_artifacts("", folder)
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(Path(folder).rglob("*"))
            if path.is_file()
        }


def _pages(search: Any, *arguments: Any) -> Any:
    token = None
    while True:
        page = search(*arguments, max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return
