"""A folder that MLflow 3.17.2 has written is read as MLflow reads it."""

from __future__ import annotations

import hashlib
import json
import math
import tarfile
from pathlib import Path

import pytest

from mlflow.entities import Metric, Param, RunStatus, RunTag, ViewType
from mlflow.store.tracking.file.store import FileStore

TARBALL = Path(__file__).parents[1] / "data/filestore-golden.tar.gz"
#: Steps of points that were measured on a dataset: the lines have them, MLflow reads 0.
STEPS_ON_DATASETS = {"on-data": 1, "acc": 2}


@pytest.fixture
def golden(tmp_path) -> tuple[Path, dict]:
    """The folder, and what MLflow reads from it, as if it had been written where it is now."""
    with tarfile.open(TARBALL) as tarball:
        tarball.extractall(tmp_path, filter="data")
    here = tmp_path / "filestore"
    for path in here.rglob("*"):
        if path.suffix in (".yaml", ".json"):
            text = path.read_text().replace("/data/filestore", str(here))
            path.write_text(text)
    return here / "mlruns", json.loads((here / "expected.json").read_text())


def in_json(value: float) -> float | str:
    if math.isnan(value):
        return "NaN"
    return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, value)


def found_runs(store: FileStore) -> dict[str, dict]:
    experiments = [x.experiment_id for x in store.search_experiments(ViewType.ALL)]
    runs = {}
    for run in store.search_runs(experiments, "", ViewType.ALL):
        run_id = run.info.run_id
        histories = {k: store.get_metric_history(run_id, k) for k in run.data.metrics}
        runs[run_id] = {
            "info": dict(run.info),
            "params": run.data.params,
            "tags": run.data.tags,
            "latest_metrics": {
                m.key: [in_json(m.value), m.timestamp, m.step] for m in run.data._metric_objs
            },
            "metric_history": {
                k: [[in_json(m.value), m.timestamp, m.step] for m in points]
                for k, points in histories.items()
            },
            "inputs": {
                (use.dataset.name, use.dataset.digest): [
                    use.dataset.to_dictionary(),
                    {tag.key: tag.value for tag in use.tags},
                ]
                for use in run.inputs.dataset_inputs
            },
            "model_inputs": {m.model_id for m in run.inputs.model_inputs},
            "model_outputs": {(m.model_id, m.step) for m in run.outputs.model_outputs},
        }
    return runs


def expected_runs(expected: dict) -> dict[str, dict]:
    runs = {}
    for run in expected["runs"]:
        latest = {m["key"]: [m["value"], m["timestamp"], m["step"]] for m in run["latest_metrics"]}
        histories = {}
        for key, points in run["metric_history"].items():
            # We give each point once, ordered by time and step; MLflow, as the lines are.
            distinct = {tuple(point): point for point in points}.values()
            histories[key] = sorted(distinct, key=lambda p: (p[1], p[2]))
            if key in STEPS_ON_DATASETS:
                for point in (latest[key], *histories[key]):
                    assert point[2] == 0
                    point[2] = STEPS_ON_DATASETS[key]
        runs[run["info"]["run_id"]] = {
            "info": run["info"],
            "params": run["params"],
            "tags": run["tags"],
            "latest_metrics": latest,
            "metric_history": histories,
            "inputs": {
                (use["dataset"]["name"], use["dataset"]["digest"]): [use["dataset"], use["tags"]]
                for use in run["inputs"]
            },
            "model_inputs": {m["model_id"] for m in run["model_inputs"]},
            "model_outputs": {(m["model_id"], m["step"]) for m in run["model_outputs"]},
        }
    return runs


def content(folder: Path) -> dict[str, str]:
    """Every file below a folder, with a hash of what is in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("as_uri", [True, False])
def test_experiments(golden, as_uri):
    folder, expected = golden
    store = FileStore(folder.as_uri() if as_uri else str(folder))
    found = [dict(x) for x in store.search_experiments(ViewType.ALL)]
    wanted = expected["experiments"]
    assert [{key: x[key] for key in wanted[0]} for x in found] == wanted
    for x in wanted:
        assert store.get_experiment_by_name(x["name"]).experiment_id == x["experiment_id"]


def test_runs(golden):
    folder, expected = golden
    store = FileStore(str(folder))
    wanted = expected_runs(expected)
    assert found_runs(store) == wanted
    for run_id, run in wanted.items():
        assert dict(store.get_run(run_id).info) == run["info"]


def test_datasets(golden):
    folder, _ = golden
    store = FileStore(str(folder))
    (experiment,) = [x for x in store.search_experiments() if x.name == "golden-a"]
    summaries = store._search_datasets([experiment.experiment_id])
    assert [(s.name, s.digest, s.context) for s in summaries] == [
        ("np-set", "d81bba40", "eval"),
        ("train-set", "3739283c", "training"),
    ]


def test_reading_changes_nothing(golden):
    folder, _ = golden
    before = content(folder)
    found_runs(FileStore(str(folder)))
    assert content(folder) == before


def test_what_we_have_no_part_for_is_left_alone(golden):
    """Traces, logged models and registered models are there, untouched, after the experiment has
    been changed, deleted and restored."""
    folder, expected = golden
    (experiment,) = [x for x in expected["experiments"] if x["name"] == "golden-a"]
    experiment_id = experiment["experiment_id"]
    (base,) = [r for r in expected["runs"] if r["info"]["run_name"] == "base"]
    run_id = base["info"]["run_id"]

    def others() -> dict[str, str]:
        found = content(folder)
        return {k: v for k, v in found.items() if {"traces", "models"} & set(k.split("/"))}

    before = others()
    assert len(before) > 50
    store = FileStore(str(folder))
    store.log_batch(run_id, [Metric("m", 1.0, 1, 0)], [Param("new", "1")], [RunTag("t", "1")])
    store.update_run_info(run_id, RunStatus.FAILED, 5, "other")
    store.rename_experiment(experiment_id, "renamed")
    store.delete_experiment(experiment_id)
    assert store.get_run(run_id).info.lifecycle_stage == "deleted"
    store.restore_experiment(experiment_id)
    assert others() == before
    run = store.get_run(run_id)
    assert (run.info.run_name, run.info.status, run.info.end_time) == ("other", "FAILED", 5)
    assert run.data.params == {**base["params"], "new": "1"}


def test_logged_models(golden):
    folder, expected = golden
    store = FileStore(str(folder))
    experiments = [x.experiment_id for x in store.search_experiments(ViewType.ALL)]
    found = {m.model_id: m for m in store.search_logged_models(experiments, max_results=100)}
    assert found.keys() == {m["model_id"] for m in expected["logged_models"]}
    for said in expected["logged_models"]:
        model = found[said["model_id"]]
        metrics = [
            {name: getattr(m, name) for name in said["metrics"][0]} for m in model.metrics or ()
        ]
        assert metrics == said["metrics"]
        parts = {**dict(model), "status": str(model.status), "metrics": metrics}
        assert {name: parts[name] for name in said} == said
        assert store.get_logged_model(model.model_id).to_dictionary() == model.to_dictionary()


def test_traces(golden):
    folder, expected = golden
    store = FileStore(str(folder))
    found, _ = store.search_traces(None)
    assert len(found) == len(expected["traces"]) == 2
    for wanted in expected["traces"]:
        trace = store.get_trace(wanted["info"]["trace_id"])
        made = trace.to_dict()
        assert made["data"] == wanted["data"]
        for part in ("request_time", "state", "execution_duration_ms", "trace_metadata"):
            assert made["info"][part] == wanted["info"][part]
        tags = {k: v for k, v in wanted["info"]["tags"].items() if k != "mlflow.artifactLocation"}
        assert tags.items() <= made["info"]["tags"].items()
        assert {a.assessment_id for a in trace.info.assessments} == {
            a["assessment_id"] for a in wanted["info"].get("assessments", ())
        }
