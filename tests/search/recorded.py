"""Searches recorded from the reference (MLflow 3.17.2), and the things that they searched."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from mlflow.entities import (
    Dataset,
    DatasetInput,
    Experiment,
    ExperimentTag,
    InputTag,
    Metric,
    Param,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunTag,
)

DATA = json.loads((Path(__file__).parents[1] / "data/filters-runs-experiments.json").read_text())

# Sorting by run_id was recorded too: these sort as the ids did then.
RUN_IDS = {name: f"{'ecbad'.index(name):032x}" for name in "abcde"}


def probes(endpoint: str, field: str, accepted: bool | None = None) -> list[dict]:
    """The recorded requests, those with a `filter` or those with an `order_by`."""
    return [
        probe
        for probe in DATA["probes"]
        if probe["endpoint"] == endpoint
        and field in probe
        and accepted in (None, probe["accepted"])
    ]


def request(probe: dict, field: str):
    """The filter or order of a probe, with the ids of the runs put in."""
    text = json.dumps(probe[field])
    for name, run_id in RUN_IDS.items():
        text = text.replace("{{run_" + name + "}}", run_id)
    return json.loads(text)


@cache
def runs() -> dict[str, Run]:
    """The recorded runs, by name."""
    parts: dict[str, dict] = {}
    for step in DATA["setup"]:
        body = step["body"]
        if step["path"].endswith("/runs/create"):
            parts[body["run_name"]] = {
                "info": {"status": "RUNNING", "end_time": None, "user_id": "", **body},
                "metrics": [],
                "params": [],
                "tags": [{"key": "mlflow.runName", "value": body["run_name"]}, *body["tags"]],
                "datasets": [],
            }
        elif "run_id" in body:
            run = parts[body["run_id"].removeprefix("{{run_").removesuffix("}}")]
            run["info"].update({k: v for k, v in body.items() if k in ("status", "end_time")})
            for what in ("metrics", "params", "datasets"):
                run[what].extend(body.get(what, ()))
    return {name: _run(name, run) for name, run in parts.items()}


def _run(name: str, parts: dict) -> Run:
    info = parts["info"]
    run_id = RUN_IDS[name]
    return Run(
        RunInfo(
            run_id=run_id,
            experiment_id="1",
            user_id=info["user_id"],
            status=info["status"],
            start_time=info["start_time"],
            end_time=info["end_time"],
            lifecycle_stage="active",
            artifact_uri=f"mlflow-artifacts:/1/{run_id}/artifacts",
            run_name=name,
        ),
        RunData(
            [
                Metric(m["key"], float(m["value"]), m["timestamp"], m["step"])
                for m in parts["metrics"]
            ],
            [Param(p["key"], p["value"]) for p in parts["params"]],
            [RunTag(t["key"], t["value"]) for t in parts["tags"]],
        ),
        RunInputs([_dataset_input(one) for one in parts["datasets"]]),
    )


def _dataset_input(one: dict) -> DatasetInput:
    dataset = one["dataset"]
    return DatasetInput(
        Dataset(dataset["name"], dataset["digest"], dataset["source_type"], dataset["source"]),
        [InputTag(tag["key"], tag["value"]) for tag in one["tags"]],
    )


@cache
def experiments() -> dict[str, Experiment]:
    """The recorded experiments, by name; each is a second younger than the one before."""
    made = [{"name": "Default"}] + [
        step["body"] for step in DATA["setup"] if step["path"].endswith("/experiments/create")
    ]
    return {
        body["name"]: Experiment(
            experiment_id=str(number),
            name=body["name"],
            artifact_location="mlflow-artifacts:/",
            lifecycle_stage="active",
            tags=[ExperimentTag(tag["key"], tag["value"]) for tag in body.get("tags", ())],
            creation_time=1_700_000_000_000 + number * 1000,
            last_update_time=1_700_000_000_000 + number * 1000,
        )
        for number, body in enumerate(made)
    }
