"""What tables and histograms of traces say, from what stores know of them."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mlflow.rpc.ui.traces import DURATIONS, TraceAssessment, TraceHistogram, TraceRows

if TYPE_CHECKING:
    from mlflow.entities import Assessment, TraceInfo

SESSION = "mlflow.trace.session"
_PREVIEW = 1000
_VALUE = 100
_MINUTE = 60_000
_DAY = 24 * 60 * _MINUTE
#: How much time a bar may have, in milliseconds.
_STEPS = (
    *(1000 * n for n in (1, 2, 5, 10, 15, 30)),
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)),
    *(_DAY * n for n in (1, 2, 7, 14, 30, 90, 365)),
)


def rows_of(infos: Iterable[TraceInfo | None]) -> TraceRows:
    """The rows of a table; None for one that is not there."""
    columns: dict[str, list[Any]] = {name: [] for name in TraceRows.__struct_fields__}
    for info in infos:
        row = {} if info is None else _row(info)
        for name, column in columns.items():
            column.append(row.get(name, _NOTHING.get(name)))
    return TraceRows(**columns)


_NOTHING: Mapping[str, Any] = {"tags": {}, "assessments": []}


def _row(info: TraceInfo) -> dict[str, Any]:
    metadata, tags = info.trace_metadata, info.tags
    return {
        "trace_id": info.trace_id,
        "experiment_id": info.experiment_id,
        "name": tags.get("mlflow.traceName"),
        "state": str(getattr(info.state, "value", info.state)),
        "time": info.request_time,
        "duration": info.execution_duration,
        "tokens": _number(metadata.get("mlflow.trace.tokenUsage"), "total_tokens", int),
        "cost": _number(metadata.get("mlflow.trace.cost"), "total_cost", float),
        "session": metadata.get(SESSION),
        "user": metadata.get("mlflow.trace.user"),
        "run_id": metadata.get("mlflow.sourceRun"),
        "request": (info.request_preview or "")[:_PREVIEW],
        "response": (info.response_preview or "")[:_PREVIEW],
        "tags": {key: value for key, value in tags.items() if not key.startswith("mlflow.")},
        "assessments": [_assessment(a) for a in info.assessments or [] if a.valid is not False],
    }


def _number(text: str | None, key: str, kind: type) -> Any:
    """A number in the JSON that clients write as metadata; None for anything else."""
    try:
        return kind(json.loads(text or "")[key])
    except (ValueError, TypeError, KeyError, OverflowError):
        return None


def _assessment(assessment: Assessment) -> TraceAssessment:
    kind = "feedback"
    if assessment.expectation is not None:
        kind = "expectation"
    elif getattr(assessment, "issue", None) is not None:
        kind = "issue"
    held = getattr(assessment, kind, None)
    value = getattr(held, "issue_name", None) if kind == "issue" else getattr(held, "value", None)
    failed = getattr(held, "error", None) is not None
    source = assessment.source
    return TraceAssessment(
        name=assessment.name,
        kind=kind,
        value="" if failed else json.dumps(value, ensure_ascii=False, default=str)[:_VALUE],
        source=str(getattr(source, "source_type", "") or ""),
    )


def step_of(first: int, last: int, bars: int) -> tuple[int, int, int]:
    """Where the first bar begins, how much time each has, and how many there are, in
    milliseconds."""
    for step in _STEPS:
        start = first // step * step
        if (last - start) // step < bars:
            return start, step, (last - start) // step + 1
    step = -(-(last - first + 1) // bars)
    return first, step, bars


def group_of(duration: int | None) -> int:
    """Which group of durations one is in; -1 for none."""
    return -1 if duration is None else bisect_left(DURATIONS, duration)


def histogram(
    cells: Mapping[tuple[int, int], tuple[int, int]], start: int, step: int, bars: int
) -> TraceHistogram:
    """The answer, from (traces, errors) by bar and group of durations."""
    return TraceHistogram(
        total=sum(traces for traces, _ in cells.values()),
        start=start,
        step=step,
        bars=bars,
        durations=list(DURATIONS),
        cells=[[*place, *counted] for place, counted in sorted(cells.items())],
    )


def histogram_of(infos: Iterable[TraceInfo], bars: int) -> TraceHistogram:
    """The answer, from the traces themselves."""
    found = [
        (
            info.request_time or 0,
            group_of(info.execution_duration),
            str(info.state).endswith("ERROR"),
        )
        for info in infos
    ]
    if not found:
        return histogram({}, 0, 0, 0)
    start, step, bars = step_of(min(found)[0], max(found)[0], bars)
    traces: Counter[tuple[int, int]] = Counter()
    errors: Counter[tuple[int, int]] = Counter()
    for time, group, error in found:
        place = ((time - start) // step, group)
        traces[place] += 1
        errors[place] += error
    return histogram({p: (traces[p], errors[p]) for p in traces}, start, step, bars)
