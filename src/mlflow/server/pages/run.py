"""One run: what it is, what it logged, and where its files are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request

from mlflow.entities import DatasetInput, FileInfo, Metric, Run, ViewType
from mlflow.exceptions import MlflowException
from mlflow.server.artifact_places import Places
from mlflow.server.pages.frame import (
    Page,
    duration,
    link,
    moment,
    number,
    number_cell,
    problem_box,
    sheet,
    size,
)
from mlflow.server.pages.markup import Html, curve, tag
from mlflow.server.pages.runs import is_deleted, runs_table, state
from mlflow.store.artifact.location import steps
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.utils.mlflow_tags import (
    MLFLOW_DATASET_CONTEXT,
    MLFLOW_GIT_COMMIT,
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_RUN_NOTE,
    MLFLOW_SOURCE_NAME,
)

_CHARTS = 24
_CHART_POINTS = 400
_CHART_SIZE = (300, 110)
_CHILDREN = 100


def run_page(request: Request, store: AbstractStore, run_id: str, places: Places) -> Page:
    """All about one run."""
    run = store.get_run(run_id)
    experiment = store.get_experiment(run.info.experiment_id)
    name = run.info.run_name or run_id
    body = [
        tag("h1", name, tag("span", " (deleted)", class_="faint") if is_deleted(run) else None),
        _facts(request, store, run),
        _note(run),
        _charts(request, store, run),
        tag("div", _metrics(run), _params(run), class_="split"),
        _datasets(run),
        _models(run),
        _artifacts(request, places, run),
        _children(request, store, run),
        _tags(run),
    ]
    trail = [("Experiments", "/"), (experiment.name, f"/experiments/{experiment.experiment_id}")]
    return Page(name, body, trail)


def _facts(request: Request, store: AbstractStore, run: Run) -> Html:
    info, tags = run.info, run.data.tags
    facts: list[tuple[str, Any]] = [
        ("State", state(info.status)),
        ("Started", moment(info.start_time)),
        ("Ended", moment(info.end_time)),
        ("Duration", duration(info.start_time, info.end_time)),
        ("User", info.user_id),
        ("Source", tags.get(MLFLOW_SOURCE_NAME)),
        ("Commit", (tags.get(MLFLOW_GIT_COMMIT) or "")[:12]),
    ]
    if parent := tags.get(MLFLOW_PARENT_RUN_ID):
        facts.append(("Part of", tag("a", parent, href=link(request, f"/runs/{parent}"))))
    long = [("Run id", info.run_id), ("Artifacts", info.artifact_uri)]
    return tag(
        "dl",
        [tag("div", tag("dt", k), tag("dd", v)) for k, v in facts if v],
        [tag("div", tag("dt", k), tag("dd", v, class_="mono"), class_="long") for k, v in long],
        class_="sheet facts",
    )


def _note(run: Run) -> Any:
    note = run.data.tags.get(MLFLOW_RUN_NOTE)
    if not note:
        return None
    return [tag("h2", "Note"), tag("div", tag("pre", note), class_="sheet note")]


def _charts(request: Request, store: AbstractStore, run: Run) -> Any:
    """A curve for each metric with several points, as many as can be read quickly."""
    keys = sorted(run.data.metrics, key=lambda key: (key.startswith("system/"), key))
    shown = keys if "all" in request.query_params.getlist("charts") else keys[:_CHARTS]
    charts = [chart for key in shown if (chart := _chart(store, run.info.run_id, key))]
    if not charts:
        return None
    rest = None
    if len(shown) < len(keys):
        every = link(request, f"/runs/{run.info.run_id}", charts="all")
        rest = tag("p", tag("a", f"Show all {len(keys)} metrics", href=every))
    return [tag("h2", "Curves"), tag("div", charts, class_="charts"), rest]


def _chart(store: AbstractStore, run_id: str, key: str) -> Html | None:
    points = store.get_metric_history_bulk_interval([run_id], key, _CHART_POINTS, None, None)
    if len(points) < 2:
        return None
    points = sorted(points, key=lambda p: (p.step, p.timestamp))
    values = [p.value for p in points if p.value == p.value]
    last = points[-1]
    low, high = (min(values), max(values)) if values else (last.value, last.value)
    x = [float(p.step) for p in points]
    axis = f"step {points[0].step} to {last.step}"
    if x[0] == x[-1]:  # logged without steps
        x, axis = [float(p.timestamp) for p in points], "over time"
    label = f"{key}: last {number(last.value)}, from {number(low)} to {number(high)}, {axis}"
    drawn = list(zip(x, (p.value for p in points), strict=True))
    return tag(
        "section",
        tag("h3", key),
        tag("p", tag("span", number(last.value), class_="now", title=repr(last.value))),
        curve(drawn, label, *_CHART_SIZE),
        tag("p", tag("span", axis), tag("span", f"min {number(low)} · max {number(high)}")),
        class_="chart",
    )


def _metrics(run: Run) -> Html:
    latest: Sequence[Metric] = sorted(run.data._metric_objs, key=lambda m: m.key)
    rows = [
        tag(
            "tr",
            tag("td", metric.key, class_="wide"),
            number_cell(metric.value),
            tag("td", metric.step, class_="number"),
        )
        for metric in latest
    ]
    headers = [
        "Metric",
        tag("th", "Last value", class_="number"),
        tag("th", "Step", class_="number"),
    ]
    return tag("section", _heading("Metrics", rows), sheet(headers, rows, "None."))


def _params(run: Run) -> Html:
    rows = [_pair(key, value) for key, value in sorted(run.data.params.items())]
    return tag("section", _heading("Params", rows), sheet(["Param", "Value"], rows, "None."))


def _tags(run: Run) -> Any:
    own = {k: v for k, v in sorted(run.data.tags.items()) if not k.startswith("mlflow.")}
    system = {k: v for k, v in sorted(run.data.tags.items()) if k.startswith("mlflow.")}
    own_rows = [_pair(key, value) for key, value in own.items()]
    system_rows = [_pair(key, value) for key, value in system.items()]
    return [
        _heading("Tags", own_rows),
        sheet(["Tag", "Value"], own_rows, "None."),
        tag(
            "details",
            tag("summary", f"{len(system)} tags that the system set"),
            sheet(["Tag", "Value"], system_rows, "None."),
        ),
    ]


def _datasets(run: Run) -> Any:
    uses = run.inputs.dataset_inputs if run.inputs else []
    if not uses:
        return None
    rows = [_dataset_row(use) for use in uses]
    headers = ["Dataset", "Used for", "Digest", "Size", "Source"]
    return [_heading("Datasets", rows), sheet(headers, rows, "None.")]


def _dataset_row(use: DatasetInput) -> Html:
    dataset = use.dataset
    context = next((t.value for t in use.tags if t.key == MLFLOW_DATASET_CONTEXT), "")
    return tag(
        "tr",
        tag("td", dataset.name),
        tag("td", context),
        tag("td", dataset.digest, class_="mono"),
        tag("td", _parts(dataset.profile), class_="wide"),
        tag("td", _parts(dataset.source) or dataset.source_type, class_="wide"),
    )


def _parts(text: str | None) -> str:
    """What a JSON object says, such as "num_rows 150"; other text as it is."""
    try:
        parts = json.loads(text or "{}")
    except ValueError:
        return text or ""
    if not isinstance(parts, dict):
        return str(parts)
    return ", ".join(f"{key} {value}" for key, value in parts.items())


def _models(run: Run) -> Any:
    outputs = run.outputs.model_outputs if run.outputs else []
    if not outputs:
        return None
    rows = [
        tag("tr", tag("td", o.model_id, class_="mono"), tag("td", o.step, class_="number"))
        for o in outputs
    ]
    headers = ["Model", tag("th", "Step", class_="number")]
    return [_heading("Models", rows), sheet(headers, rows, "None.")]


def _artifacts(request: Request, places: Places, run: Run) -> Any:
    """The files in one folder of the run."""
    path = request.query_params.get("path")
    here = f"/runs/{run.info.run_id}"
    title = tag("h2", "Artifacts", tag("small", f" {path}") if path else None, id="artifacts")
    try:
        below = steps(path)
        place = places.of_uri(run.info.artifact_uri or "")
        if place.repository is not None and path is None:
            # Somewhere else: may be slow, so only when asked for.
            show = tag("a", "Show files", href=link(request, here, path=".") + "#artifacts")
            return [title, tag("p", show)]
        found = place.list(below)
    except MlflowException as error:
        return [title, problem_box(error)]
    rows = [_artifact_row(request, run, info) for info in found]
    if below:
        above = link(request, here, path="/".join(below[:-1]) or ".") + "#artifacts"
        rows.insert(0, tag("tr", tag("td", tag("a", "..", href=above)), tag("td")))
    headers = ["Name", tag("th", "Size", class_="number")]
    return [title, sheet(headers, rows, "None.")]


def _artifact_row(request: Request, run: Run, info: FileInfo) -> Html:
    name = info.path.rpartition("/")[2]
    if info.is_dir:
        target = link(request, f"/runs/{run.info.run_id}", path=info.path) + "#artifacts"
        return tag("tr", tag("td", tag("a", f"{name}/", href=target)), tag("td"))
    target = link(request, "/get-artifact", path=info.path, run_uuid=run.info.run_id)
    return tag(
        "tr",
        tag("td", tag("a", name, href=target)),
        tag("td", size(info.file_size), class_="number", title=info.file_size),
    )


def _children(request: Request, store: AbstractStore, run: Run) -> Any:
    found = store.search_runs(
        [run.info.experiment_id],
        f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{run.info.run_id}'",
        ViewType.ACTIVE_ONLY,
        max_results=_CHILDREN,
    )
    if not found:
        return None
    more = f" (the newest {_CHILDREN})" if found.token else ""
    return [tag("h2", f"Runs that are part of it{more}"), runs_table(request, found, "None.")]


def _heading(title: str, rows: Sequence[Html]) -> Html:
    return tag("h2", f"{title} ", tag("small", len(rows)) if rows else None)


def _pair(key: str, value: str) -> Html:
    return tag("tr", tag("td", key), tag("td", value, class_="wide mono"))
