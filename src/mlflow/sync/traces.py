"""Traces: how each should be in the destination, and making it so. They keep their ids everywhere,
so one is never there twice; and to store what is there again changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from copy import copy
from itertools import islice
from types import SimpleNamespace
from typing import Any

from mlflow.entities import Assessment, LifecycleStage, Trace, TraceData, TraceInfo, TraceLocation
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.store.tracking.base import trace_rules as rules
from mlflow.store.tracking.base.trace_checks import kept_metadata, kept_tags
from mlflow.store.tracking.base.traces import TraceLinks
from mlflow.sync.artifacts import ArtifactMode, copy_artifacts
from mlflow.sync.identity import pages_of_runs
from mlflow.sync.job import Job, Pair, is_refusal

_PAGE = 500
#: Traces that are in memory at once with their spans.
_BATCH = 20
_OWN_TAGS = (rules.ARTIFACT_LOCATION, rules.SPANS_LOCATION)
_COMPARED = (
    "request_time",
    "execution_duration",
    "state",
    "client_request_id",
    "request_preview",
    "response_preview",
)
_ATTACHMENT = "mlflow-attachment://"
_NOT_THERE = ("NOT_IMPLEMENTED", "ENDPOINT_NOT_FOUND")


def copy_traces(job: Job, pair: Pair) -> None:
    """Copy the traces of an experiment, those of the selected runs if runs are selected."""
    only = job.selection.runs_of(pair.source)
    links = _Links(job, pair)
    traces = _traces_of(job.source.store, pair.source.experiment_id)
    while batch := list(islice(traces, _BATCH)):
        of_batch = links.of([info.trace_id for info in batch])
        if only is not None:
            runs = {info.trace_id: _runs(info, of_batch.get(info.trace_id)) for info in batch}
            batch = [info for info in batch if not runs[info.trace_id].isdisjoint(only)]
        _copy_batch(job, pair, batch, of_batch)


def _traces_of(store: AbstractStore, experiment_id: str) -> Iterator[TraceInfo]:
    """Oldest first, so that those that come meanwhile come last."""
    token = None
    while True:
        try:
            infos, token = store.search_traces(
                [experiment_id],
                max_results=_PAGE,
                order_by=["timestamp_ms ASC"],
                page_token=token,
            )
        except MlflowException as e:
            if e.error_code in _NOT_THERE:
                return  # a store, or an old server, without traces
            raise
        yield from infos
        if not token:
            return


def _runs(info: TraceInfo, links: TraceLinks | None) -> set[str]:
    own = info.trace_metadata.get(rules.SOURCE_RUN)
    return {*(links.runs if links else ()), *([own] if own else ())}


class _Links:
    """What traces of the source are linked to. A server of the reference is asked for the traces
    of each run; it does not tell of prompts but in a tag."""

    def __init__(self, job: Job, pair: Pair):
        self._job, self._pair = job, pair
        self._of_reference: dict[str, TraceLinks] | None = None

    def of(self, trace_ids: Sequence[str]) -> dict[str, TraceLinks]:
        """By trace id, of those that have some."""
        if self._of_reference is None:
            try:
                return self._job.source.store.trace_links(trace_ids)
            except MlflowException as e:
                if e.error_code not in _NOT_THERE:
                    raise
            self._of_reference = self._by_run()
        found = {i: self._of_reference.get(i) for i in trace_ids}
        return {trace_id: links for trace_id, links in found.items() if links}

    def _by_run(self) -> dict[str, TraceLinks]:
        store, found = self._job.source.store, {}
        where = [self._pair.source.experiment_id]
        for run in pages_of_runs(store, where):
            token, run_id = None, run.info.run_id
            while True:
                infos, token = store.search_traces(
                    where, f"run_id = '{run_id}'", _PAGE, page_token=token
                )
                for info in infos:
                    if info.trace_metadata.get(rules.SOURCE_RUN) != run_id:
                        found.setdefault(info.trace_id, TraceLinks([], [])).runs.append(run_id)
                if not token:
                    break
        return found


def _copy_batch(
    job: Job, pair: Pair, batch: Sequence[TraceInfo], links: dict[str, TraceLinks]
) -> None:
    if not batch:
        return
    if pair.destination.lifecycle_stage == LifecycleStage.DELETED:
        name = pair.source.name
        job.report.problem_once(
            f"traces of {name}",
            f"Experiment '{name}': its traces are left out, since it is deleted. Restore it and "
            "copy again.",
        )
        return
    ids = [info.trace_id for info in batch]
    there = {info.trace_id: info for info in job.destination.store.batch_get_trace_infos(ids)}
    spans = _spans(job.source.store, batch)
    theirs = _spans(job.destination.store, list(there.values()))
    todo: list[Trace] = []
    for info in batch:
        wanted, found = _wanted(job, pair, info), there.get(info.trace_id)
        records = spans.get(info.trace_id, [])
        if found is None or _differs(wanted, found, job) or _lacks(theirs, info.trace_id, records):
            todo.append(Trace(wanted, TraceData(records)))
    _write(job, todo, there)
    _link(job, ids, links)
    if job.artifacts is ArtifactMode.COPY:
        _copy_files(job, batch, spans)


def _wanted(job: Job, pair: Pair, info: TraceInfo) -> TraceInfo:
    """The trace with the ids that its experiment and runs have in the destination."""

    def there(run_id: str) -> str:
        return job.identities.in_destination(job.identities.identity(run_id))

    metadata = kept_metadata(info.trace_metadata)
    if rules.SOURCE_RUN in metadata:
        metadata[rules.SOURCE_RUN] = there(metadata[rules.SOURCE_RUN])
    metadata.pop(rules.INFO_FINALIZED, None)
    tags = {k: v for k, v in kept_tags(info.tags).items() if k not in _OWN_TAGS}
    assessments = [copy(assessment) for assessment in info.assessments]
    for assessment in assessments:
        if assessment.run_id:
            assessment.run_id = there(assessment.run_id)
    return TraceInfo(
        info.trace_id,
        TraceLocation.from_experiment_id(pair.destination.experiment_id),
        info.request_time,
        info.state,
        info.request_preview,
        info.response_preview,
        info.client_request_id,
        info.execution_duration,
        metadata,
        tags,
        assessments,
    )


def _spans(store: AbstractStore, infos: Sequence[TraceInfo]) -> dict[str, list[Any]]:
    """The spans of those traces that have them in the store."""
    ids = [info.trace_id for info in infos if rules.SPANS_LOCATION in info.tags]
    if not ids:
        return {}
    return {trace.info.trace_id: trace.data.spans for trace in store.batch_get_traces(ids)}


def _text(span: Any) -> str:
    """A text that is the same for spans that say the same: attributes are JSON, which a server may
    write in a way of its own."""
    record = dict(span.to_dict())
    record["attributes"] = {k: _said(v) for k, v in (record.get("attributes") or {}).items()}
    return json.dumps(record, sort_keys=True, ensure_ascii=False, default=str)


def _said(value: Any) -> Any:
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value


def _lacks(theirs: dict[str, list[Any]], trace_id: str, spans: Sequence[Any]) -> bool:
    """Whether the destination has not all of these spans as they are."""
    there = {_text(span) for span in theirs.get(trace_id, ())}
    return any(_text(span) not in there for span in spans)


def _differs(wanted: TraceInfo, there: TraceInfo, job: Job) -> bool:
    """Whether the destination's trace is not as it should be. Metadata and assessments that only it
    has stay, as do previews that nothing is known of."""
    for part in _COMPARED:
        mine = getattr(wanted, part)
        if mine is not None and mine != getattr(there, part):
            return True
    # What spans used is worked out from them.
    metadata = {k: v for k, v in wanted.trace_metadata.items() if k not in rules.SUMS.values()}
    if not metadata.items() <= there.trace_metadata.items():
        return True
    if not wanted.tags.items() <= there.tags.items() or _surplus(wanted, there, job):
        return True
    return bool(_other_assessments(wanted, there, job))


def _surplus(wanted: TraceInfo, there: TraceInfo, job: Job) -> list[str]:
    """Tags to remove."""
    if job.keep_tags:
        return []
    return [key for key in there.tags if key not in wanted.tags and key not in _OWN_TAGS]


def _other_assessments(wanted: TraceInfo, there: TraceInfo, job: Job) -> list[Assessment]:
    """Those that are otherwise in the destination, or not there at all."""
    theirs = {a.assessment_id: _parts(a, job) for a in there.assessments}
    return [a for a in wanted.assessments if theirs.get(a.assessment_id) != _parts(a, job)]


def _parts(assessment: Assessment, job: Job) -> dict[str, Any]:
    parts = assessment.to_dictionary()
    # A server of the reference takes all that come with a trace for valid.
    parts["valid"] = assessment.valid is not False or not job.destination.store.can_adopt
    return parts


def _write(job: Job, todo: Sequence[Trace], there: dict[str, TraceInfo]) -> None:
    if not todo:
        return
    written = todo if job.dry_run else _sent(job, todo, there)
    for trace in written:
        word = "created" if trace.info.trace_id not in there else "changed"
        job.report.run(f"Trace {trace.info.trace_id}: {word}")
        job.report.add(**{f"traces_{word}": 1})


def _sent(job: Job, todo: Sequence[Trace], there: dict[str, TraceInfo]) -> list[Trace]:
    """Those that were stored: all together if the store takes them, or else one by one."""
    store = job.destination.store
    for trace in todo:
        if (found := there.get(trace.info.trace_id)) is not None:
            _make_way(job, trace.info, found)
    try:
        store.log_traces(todo)
        written = list(todo)
    except MlflowException as e:
        if not is_refusal(e):
            raise
        written = []
        for trace in todo:
            with job.refusals(f"Trace {trace.info.trace_id}"):
                store.log_traces([trace])
                written.append(trace)
    # Spans may have made a trace longer than it was said to be: what was said counts.
    ids = [trace.info.trace_id for trace in written]
    after = {info.trace_id: info for info in store.batch_get_trace_infos(ids)}
    for trace in written:
        found = after.get(trace.info.trace_id)
        with job.refusals(f"Trace {trace.info.trace_id}"):
            if found is None or _differs(trace.info, found, job):
                store.start_trace(trace.info)
    return written


def _make_way(job: Job, wanted: TraceInfo, there: TraceInfo) -> None:
    """Remove what to store the trace again would leave as it is."""
    store, trace_id = job.destination.store, wanted.trace_id
    for key in _surplus(wanted, there, job):
        store.delete_trace_tag(trace_id, key)
    if _other_assessments(wanted, there, job):
        mine = {a.assessment_id for a in wanted.assessments}
        for assessment in there.assessments:
            if assessment.assessment_id in mine:
                store.delete_assessment(trace_id, assessment.assessment_id)


def _link(job: Job, trace_ids: Sequence[str], links: dict[str, TraceLinks]) -> None:
    """Link traces to what they are linked to in the source; other links stay."""
    if not links:
        return
    store = job.destination.store
    try:
        there = store.trace_links(list(links))
    except MlflowException as e:
        if e.error_code not in _NOT_THERE:
            raise
        there = None
    made = 0
    of_runs: dict[str, list[str]] = {}
    for trace_id, wanted in links.items():
        known = (there or {}).get(trace_id, TraceLinks([], []))
        for run_id in wanted.runs:
            run = job.identities.in_destination(job.identities.identity(run_id))
            if run not in known.runs:
                of_runs.setdefault(run, []).append(trace_id)
        prompts = [prompt.rpartition("/") for prompt in set(wanted.prompts) - set(known.prompts)]
        made += len(prompts)
        if prompts and not job.dry_run:
            with job.refusals(f"Trace {trace_id}"):
                store.link_prompts_to_trace(
                    trace_id, [SimpleNamespace(name=n, version=v) for n, _, v in sorted(prompts)]
                )
    for run, ids in of_runs.items():
        made += len(ids)
        if not job.dry_run:
            with job.refusals(f"Run {run}"):
                store.link_traces_to_run(ids, run)
    if made and there is not None:
        job.report.add(trace_links=made)


def _copy_files(job: Job, batch: Sequence[TraceInfo], spans: dict[str, list[Any]]) -> None:
    """Copy the attachments of traces, and the files that old clients put spans into."""
    having = [
        info.trace_id
        for info in batch
        if info.trace_id not in spans
        or any(_ATTACHMENT in _text(span) for span in spans[info.trace_id])
    ]
    if not having:
        return
    here = {info.trace_id: info.tags.get(rules.ARTIFACT_LOCATION) for info in batch}
    for info in job.destination.store.batch_get_trace_infos(having):
        there = info.tags.get(rules.ARTIFACT_LOCATION)
        owner = f"Trace {info.trace_id}"
        copy_artifacts(job, owner, here[info.trace_id], there, is_new=False)
