"""Logged models are copied as they are, and as often as one likes."""

from __future__ import annotations

import itertools

import pytest

from mlflow.entities import (
    LoggedModelOutput,
    LoggedModelParameter,
    LoggedModelStatus,
    LoggedModelTag,
    Metric,
)
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.tracking.resolve import tracking_store
from mlflow.sync import ArtifactMode, sync


@pytest.fixture
def places(tmp_path, make_server, monkeypatch):
    """A function that gives the URI of a new store of a kind."""
    monkeypatch.chdir(tmp_path)
    numbers = itertools.count()

    def make(kind: str) -> str:
        if kind == "server":
            return make_server().uri
        path = tmp_path / str(next(numbers))
        return path.as_uri() if kind == "file" else f"sqlite:///{path}.db"

    return make


def fill(uri: str, root) -> str:
    """A store with a model; the model's id."""
    store = tracking_store(uri, str(root / "source"))
    experiment = store.create_experiment("models", None, [])
    run_id = store.create_run(experiment, "ann", 1, [], "r").info.run_id
    model = store.create_logged_model(
        experiment,
        "net",
        run_id,
        [LoggedModelTag("team", "x")],
        [LoggedModelParameter("depth", "3")],
        "tree",
    )
    store.log_outputs(run_id, [LoggedModelOutput(model.model_id, 1)])
    store.log_batch(
        run_id,
        [
            Metric("loss", 0.5, 1, 1, model.model_id),
            Metric("loss", 0.4, 2, 2, model.model_id, "eval", "d1"),
            Metric("bad", float("nan"), 2, 2, model.model_id),
        ],
        [],
        [],
    )
    store.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    (root / "MLmodel").write_text("flavors: {}")
    repository = get_artifact_repository(model.artifact_location, tracking_uri=uri)
    repository.log_artifact(str(root / "MLmodel"))
    return model.model_id


def content(uri: str, model_id: str) -> dict:
    model = tracking_store(uri).get_logged_model(model_id)
    parts = dict(model)
    for name in ("artifact_location", "experiment_id", "metrics"):
        del parts[name]
    parts["metrics"] = sorted(
        (m.key, str(m.value), m.timestamp, m.step, m.dataset_name, m.dataset_digest, m.run_id)
        for m in model.metrics
    )
    found = get_artifact_repository(model.artifact_location, tracking_uri=uri).list_artifacts()
    parts["files"] = [(info.path, info.file_size) for info in found]
    return parts


@pytest.mark.parametrize(
    ("source", "destination"),
    [("sqlite", "file"), ("file", "sqlite"), ("sqlite", "server"), ("server", "sqlite")],
)
def test_model_is_copied(places, tmp_path, source, destination):
    here, there = places(source), places(destination)
    model_id = fill(here, tmp_path)
    report = sync(here, there, artifact_root=str(tmp_path / "copies"))
    assert report.problems == []
    assert report.counts.models_created == 1
    assert content(there, model_id) == content(here, model_id)
    assert not sync(here, there).counts.any_change()

    store = tracking_store(here)
    store.set_logged_model_tags(model_id, [LoggedModelTag("team", "y"), LoggedModelTag("n", "1")])
    store.log_logged_model_params(model_id, [LoggedModelParameter("late", "1")])
    run_id = store.get_logged_model(model_id).source_run_id
    store.log_metric(run_id, Metric("loss", 0.3, 3, 3, model_id))
    assert sync(here, there, dry_run=True).counts.models_changed == 1
    report = sync(here, there)
    assert (report.counts.models_changed, report.counts.models_created) == (1, 0)
    assert content(there, model_id) == content(here, model_id)
    assert not sync(here, there).counts.any_change()


def test_files_in_place(places, tmp_path):
    here, there = places("file"), places("sqlite")
    model_id = fill(here, tmp_path)
    sync(here, there, artifacts=ArtifactMode.IN_PLACE)
    mine, theirs = (tracking_store(u).get_logged_model(model_id) for u in (here, there))
    assert theirs.artifact_location == mine.artifact_location


def test_models_of_selected_runs_only(places, tmp_path):
    from mlflow.sync import Selection

    here, there = places("sqlite"), places("sqlite")
    model_id = fill(here, tmp_path)
    store = tracking_store(here)
    other = store.create_logged_model(store.get_logged_model(model_id).experiment_id, "other")
    run_id = store.get_logged_model(model_id).source_run_id
    report = sync(here, there, selection=Selection(run_ids=(run_id,)))
    assert report.counts.models_created == 1
    names = [
        m.name
        for m in tracking_store(there).search_logged_models(
            [x.experiment_id for x in tracking_store(there).search_experiments()]
        )
    ]
    assert names == ["net"] and other.name not in names
