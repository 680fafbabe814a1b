"""Traces and their spans in a SQL database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mlflow.entities import Span, Trace, TraceData, TraceInfo, TraceLocation, TraceState
from mlflow.entities.span import LazySpan
from mlflow.entities.trace_info_v2 import TraceInfoV2
from mlflow.entities.trace_status import TraceStatus
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.db.spans import merged, pack_spans, spans_may_have, unpack_spans
from mlflow.store.db.trace_tables import TABLES_OF_A_TRACE
from mlflow.store.tracking.base import trace_rules as rules
from mlflow.store.tracking.base.checks import check_experiment_is_active
from mlflow.store.tracking.base.correlation import TraceFilterCorrelationResult, correlation
from mlflow.store.tracking.base.trace_checks import (
    MAX_KEY,
    check_links,
    check_spans,
    check_times,
    check_trace_info,
    check_trace_tag,
    experiments_to_search,
    kept_metadata,
    kept_tags,
    no_spans,
    no_trace,
    no_trace_tag,
)
from mlflow.store.tracking.base.traces import SEARCH_TRACES_DEFAULT_MAX_RESULTS, Traces
from mlflow.store.tracking.sql.assessments import SqlAssessments
from mlflow.store.tracking.sql.core import SqlCore, experiment_key, marks, no_experiment
from mlflow.store.tracking.sql.trace_metrics import SqlTraceMetrics
from mlflow.store.tracking.sql.trace_search import TraceSearch
from mlflow.utils.uri import append_to_uri_path

#: Traces in one statement.
BATCH = 500
#: A trace with more segments gets one of them all.
_MOST_SEGMENTS = 16
_STATES = list(TraceState)


class TraceRow(NamedTuple):
    """The row of a trace."""

    id: int
    uuid: str
    experiment_id: int
    timestamp_ms: int
    duration_ms: int | None
    state: int
    finalized: int
    span_count: int
    client_request_id: str | None
    request_preview: str | None
    response_preview: str | None


COLUMNS = ", ".join(f"t.{name}" for name in TraceRow._fields)


class SqlTraces(SqlAssessments, SqlTraceMetrics, SqlCore, Traces):
    def start_trace(self, trace_info: TraceInfo) -> TraceInfo:
        names, start = self._starting(trace_info)

        def write(tx: Any, keys: dict[str, int]) -> TraceInfo:
            return self._load_infos(tx, [start(tx, keys)])[0]

        return self._write_with_keys(names, write)

    def log_traces(self, traces: Sequence[Trace]) -> None:
        """See the contract. In one transaction: all of them, or none."""
        names: set[str] = set()
        writes = []
        # In one order everywhere, or two writers wait for each other
        for trace in sorted(traces, key=lambda trace: trace.info.trace_id):
            for new, write in (
                self._starting(trace.info),
                self._adding(experiment_key(str(trace.info.experiment_id)), trace.data.spans),
            ):
                names.update(new)
                writes.append(write)

        def write_all(tx: Any, keys: dict[str, int]) -> None:
            for write in writes:
                write(tx, keys)

        self._write_with_keys(names, write_all)

    def _starting(
        self, trace_info: TraceInfo
    ) -> tuple[list[str], Callable[[Any, dict[str, int]], TraceRow]]:
        """The names that `start_trace` needs, and what it does in its transaction."""
        experiment = experiment_key(check_trace_info(trace_info))
        tags, metadata = kept_tags(trace_info.tags), kept_metadata(trace_info.trace_metadata)
        given = TraceRow(
            0,
            trace_info.trace_id,
            experiment,
            trace_info.request_time,
            trace_info.execution_duration,
            TraceState(trace_info.state).to_proto(),
            1,
            0,
            trace_info.client_request_id,
            trace_info.request_preview,
            trace_info.response_preview,
        )

        def start(tx: Any, keys: dict[str, int]) -> TraceRow:
            self._check_experiment(tx, experiment)
            there = self._trace_to_write(tx, given)
            row = given._replace(id=there.id, span_count=there.span_count)
            if row.request_preview is None:
                row = row._replace(request_preview=there.request_preview)
            if row.response_preview is None:
                row = row._replace(response_preview=there.response_preview)
            new = dict(metadata)
            if there.span_count:
                for key in self._names_there(tx, row.id, rules.SUMS.values()):
                    new.pop(key, None)  # the spans know better
            self._update(tx, there, row)
            self._set_pairs(tx, "trace_tag", row.id, tags, keys)
            self._set_pairs(tx, "trace_metadata", row.id, new, keys)
            self._add_new_assessments(tx, row.id, trace_info.assessments)
            return row

        return [*tags, *metadata], start

    def log_spans(
        self, location: str, spans: list[Span], tracking_uri: str | None = None
    ) -> list[Span]:
        names, write = self._adding(experiment_key(location), spans)
        if spans:
            self._write_with_keys(names, write)
        return spans

    def _adding(
        self, experiment: int, spans: list[Span]
    ) -> tuple[set[str], Callable[[Any, dict[str, int]], None]]:
        """The names that `log_spans` needs, and what it does in its transaction."""
        by_trace = check_spans(spans)
        learnt = {trace_id: rules.learn(records) for trace_id, records in by_trace.items()}
        names: set[str] = set()
        for trace_id, records in by_trace.items():
            names.update(kept_tags(learnt[trace_id].tags), learnt[trace_id].metadata)
            if learnt[trace_id].has_sums:
                names.update(rules.SUMS.values())
            for record in records:
                names.update(_kind_of(record)[:2])

        def write(tx: Any, keys: dict[str, int]) -> None:
            if by_trace:
                self._check_experiment(tx, experiment)
            for trace_id in sorted(by_trace):  # in one order everywhere
                self._add_spans(
                    tx, keys, experiment, trace_id, by_trace[trace_id], learnt[trace_id]
                )

        return names, write

    def get_trace_info(self, trace_id: str) -> TraceInfo:
        with self.db.read() as tx:
            row = self._trace_row(tx, trace_id)
            if row is None:
                raise no_trace(trace_id)
            return self._load_infos(tx, [row])[0]

    def get_trace(self, trace_id: str, *, allow_partial: bool = False) -> Trace:
        with self.db.read() as tx:
            row = self._trace_row(tx, trace_id)
            if row is None:
                raise MlflowException(
                    f"Trace with ID {trace_id} is not found.",
                    error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
                )
            if not row.span_count:
                raise no_spans(trace_id)
            return self._load_traces(tx, [row])[0]

    def batch_get_traces(
        self,
        trace_ids: list[str],
        location: str | None = None,
        experiment_ids: list[str] | None = None,
    ) -> list[Trace]:
        with self.db.read() as tx:
            return self._load_traces(tx, self._rows_by_uuid(tx, trace_ids, experiment_ids))

    def batch_get_trace_infos(
        self,
        trace_ids: list[str],
        location: str | None = None,
        experiment_ids: list[str] | None = None,
    ) -> list[TraceInfo]:
        with self.db.read() as tx:
            return self._load_infos(tx, self._rows_by_uuid(tx, trace_ids, experiment_ids))

    def search_traces(
        self,
        experiment_ids: list[str] | None = None,
        filter_string: str | None = None,
        max_results: int = SEARCH_TRACES_DEFAULT_MAX_RESULTS,
        order_by: list[str] | None = None,
        page_token: str | None = None,
        model_id: str | None = None,
        locations: list[str] | None = None,
    ) -> tuple[list[TraceInfo], str | None]:
        experiments = experiments_to_search(experiment_ids, locations)
        search = TraceSearch(self, experiments, filter_string, max_results, order_by, model_id)
        with self.db.read() as tx:
            keys, token = search.page(tx, page_token)
            return self._load_infos(tx, self._rows_by_id(tx, keys)), token

    def calculate_trace_filter_correlation(
        self,
        experiment_ids: list[str],
        filter_string1: str,
        filter_string2: str,
        base_filter: str | None = None,
    ) -> TraceFilterCorrelationResult:
        filters = (filter_string1, filter_string2)
        wanted = [[f] for f in filters] + [list(filters), []]
        searches = []
        for own in wanted:
            every = [f"({f})" for f in (base_filter, *own) if f]
            searches.append(TraceSearch(self, experiment_ids, " AND ".join(every), 1, None))
        with self.db.read() as tx:
            return correlation(*(search.count(tx) for search in searches))

    def set_trace_tag(self, trace_id: str, key: str, value: str) -> None:
        kept = check_trace_tag(key, value)

        def write(tx: Any, keys: dict[str, int]) -> None:
            trace = self._existing_to_write(tx, trace_id)
            self._set_pairs(tx, "trace_tag", trace, {key: kept}, keys)

        self._write_with_keys([key], write)

    def delete_trace_tag(self, trace_id: str, key: str) -> None:
        def write(tx: Any) -> None:
            row = self._trace_row(tx, trace_id, self.db.dialect.share_lock)
            name = self._key_id(tx, key)
            if row is None or name is None:
                raise no_trace_tag(trace_id, key)
            gone = tx.execute(
                "delete from trace_tag where trace_id = ? and key_id = ?", (row.id, name)
            )
            if gone.rowcount == 0:
                raise no_trace_tag(trace_id, key)

        self.db.write(write)

    def _delete_traces(
        self,
        experiment_id: str,
        max_timestamp_millis: int | None = None,
        max_traces: int | None = None,
        trace_ids: list[str] | None = None,
    ) -> int:
        experiment = experiment_key(experiment_id)
        left = max_traces
        deleted = 0
        wanted = list(dict.fromkeys(trace_ids or ()))
        # In parts, so that others can write in between.
        while left is None or left > 0:
            part, wanted = wanted[:BATCH], wanted[BATCH:]
            if trace_ids and not part:
                break
            size = BATCH if left is None else min(BATCH, left)
            gone = self.db.write(
                lambda tx: self._delete_part(tx, experiment, max_timestamp_millis, size, part)  # noqa: B023 - called at once
            )
            deleted += gone
            left = None if left is None else left - gone
            if not trace_ids and gone < size:
                break
        return deleted

    def link_traces_to_run(self, trace_ids: list[str], run_id: str) -> None:
        check_links(trace_ids)
        rows = [(run_id, trace_id) for trace_id in sorted(set(trace_ids))]

        def write(tx: Any) -> None:
            for row in rows:
                tx.execute(
                    "insert into trace_run (run_uuid, trace_uuid) values (?, ?) "
                    "on conflict (run_uuid, trace_uuid) do nothing",
                    row,
                )

        self.db.write(write)

    def unlink_traces_from_run(self, trace_ids: list[str], run_id: str) -> None:
        def write(tx: Any) -> None:
            for trace_id in sorted(set(trace_ids)):
                tx.execute(
                    "delete from trace_run where run_uuid = ? and trace_uuid = ?",
                    (run_id, trace_id),
                )

        self.db.write(write)

    def link_prompts_to_trace(self, trace_id: str, prompt_versions: Sequence[Any]) -> None:
        rows = sorted({(str(p.name), str(p.version)) for p in prompt_versions})

        def write(tx: Any) -> None:
            trace = self._existing_to_write(tx, trace_id)
            for name, version in rows:
                tx.execute(
                    "insert into trace_prompt (trace_id, name, version) values (?, ?, ?) "
                    "on conflict (trace_id, name, version) do nothing",
                    (trace, name, version),
                )

        self.db.write(write)

    def deprecated_start_trace_v2(
        self,
        experiment_id: str,
        timestamp_ms: int,
        request_metadata: dict[str, str],
        tags: dict[str, str],
    ) -> TraceInfoV2:
        info = rules.begun_in_version_2(experiment_id, timestamp_ms, request_metadata, tags)
        return rules.in_version_2(self.start_trace(info))

    def deprecated_end_trace_v2(
        self,
        request_id: str,
        timestamp_ms: int,
        status: TraceStatus,
        request_metadata: dict[str, str],
        tags: dict[str, str],
    ) -> TraceInfoV2:
        new_tags, new_metadata = kept_tags(tags), kept_metadata(request_metadata)

        def write(tx: Any, keys: dict[str, int]) -> TraceInfoV2:
            row = self._trace_row(tx, request_id, self.db.dialect.update_lock)
            if row is None:
                raise no_trace(request_id)
            duration = timestamp_ms - row.timestamp_ms
            check_times(request_id, row.timestamp_ms, duration)
            ended = row._replace(duration_ms=duration, state=status.to_state().to_proto())
            self._update(tx, row, ended)
            self._set_pairs(tx, "trace_tag", row.id, new_tags, keys)
            self._set_pairs(tx, "trace_metadata", row.id, new_metadata, keys)
            return rules.in_version_2(self._load_infos(tx, [ended])[0])

        return self._write_with_keys([*new_tags, *new_metadata], write)

    # -- writing ----------------------------------------------------------------------------

    def _check_experiment(self, tx: Any, experiment: int) -> None:
        row = tx.execute(
            "select lifecycle_stage from experiment where id = ?" + self.db.dialect.share_lock,
            (experiment,),
        ).fetchone()
        if row is None:
            raise no_experiment(experiment)
        check_experiment_is_active(experiment, row[0])

    def _trace_to_write(self, tx: Any, new: TraceRow) -> TraceRow:
        """The row of the trace, locked; a new one if there is none."""
        there = self._trace_row(tx, new.uuid, self.db.dialect.update_lock)
        if there is None:
            # Two may do so at the same moment.
            tx.execute(
                f"insert into trace ({', '.join(TraceRow._fields[1:])}) values ({marks(new[1:])}) "
                "on conflict (uuid) do nothing",
                new[1:],
            )
            there = self._trace_row(tx, new.uuid, self.db.dialect.update_lock)
            assert there is not None
        return there

    def _existing_to_write(self, tx: Any, trace_id: str) -> int:
        """The integer id of a trace that this transaction will write to."""
        row = self._trace_row(tx, trace_id, self.db.dialect.share_lock)
        if row is None:
            raise no_trace(trace_id)
        return row.id

    def _update(self, tx: Any, there: TraceRow, row: TraceRow) -> None:
        if there == row:
            return
        settings = ", ".join(f"{name} = ?" for name in TraceRow._fields[2:])
        tx.execute(f"update trace set {settings} where id = ?", (*row[2:], row.id))

    def _add_spans(
        self,
        tx: Any,
        keys: dict[str, int],
        experiment: int,
        trace_id: str,
        records: list[dict[str, Any]],
        learnt: rules.Learnt,
    ) -> None:
        """Add spans to a trace, and to its row what they say about it."""
        duration = None if learnt.end_ms is None else learnt.end_ms - learnt.start_ms
        state = learnt.state or TraceState.IN_PROGRESS
        new = TraceRow(
            0,
            trace_id,
            experiment,
            learnt.start_ms,
            duration,
            state.to_proto(),
            0,
            0,
            None,
            learnt.request_preview,
            learnt.response_preview,
        )
        there = self._trace_to_write(tx, new)
        # The other segments are read only where they matter.
        segments = tx.execute(
            "select seq, spans from trace_segment where trace_id = ? order by seq", (there.id,)
        ).fetchall()
        seq = segments[-1][0] + 1 if segments else 0
        whole = records
        if segments and (learnt.has_sums or len(segments) >= _MOST_SEGMENTS):
            whole = merged([self._records(tx, [there.id]).get(there.id, []), records])
        if len(segments) >= _MOST_SEGMENTS:
            tx.execute("delete from trace_segment where trace_id = ?", (there.id,))
            self._insert_segment(tx, there.id, seq, whole)
            count = len(whole)
        else:
            records = merged([records])
            self._insert_segment(tx, there.id, seq, records)
            count = sum(spans for _, spans in segments) + len(records)
        self._update(tx, there, _with_spans(there, learnt, count))
        kinds = {_kind_of(record) for record in records}
        for name, kind, status in sorted(kinds):
            tx.execute(
                "insert into trace_span (trace_id, name_id, type_id, status) values (?, ?, ?, ?) "
                "on conflict (trace_id, name_id, type_id, status) do nothing",
                (there.id, keys[name], keys[kind], status),
            )
        self._set_pairs(tx, "trace_tag", there.id, kept_tags(learnt.tags), keys)
        missing = set(learnt.metadata) - self._names_there(tx, there.id, learnt.metadata)
        metadata = kept_metadata({key: learnt.metadata[key] for key in missing})
        if learnt.has_sums:
            metadata.update(rules.sums(whole))
        self._set_pairs(tx, "trace_metadata", there.id, metadata, keys)

    def _insert_segment(
        self, tx: Any, trace: int, seq: int, records: Sequence[dict[str, Any]]
    ) -> None:
        tx.execute(
            "insert into trace_segment (trace_id, seq, spans, content) values (?, ?, ?, ?)",
            (trace, seq, len(records), pack_spans(records)),
        )

    def _set_pairs(
        self, tx: Any, table: str, trace: int, pairs: Mapping[str, str], keys: Mapping[str, int]
    ) -> None:
        for key in sorted(pairs):  # in one order everywhere, or two writers wait for each other
            tx.execute(
                f"insert into {table} (trace_id, key_id, value) values (?, ?, ?) "
                "on conflict (trace_id, key_id) do update set value = excluded.value",
                (trace, keys[key], pairs[key]),
            )

    def _names_there(self, tx: Any, trace: int, names: Iterable[str]) -> set[str]:
        """Which of these metadata a trace has."""
        ids = {self._key_id(tx, name): name for name in names}
        ids.pop(None, None)
        if not ids:
            return set()
        rows = tx.execute(
            f"select key_id from trace_metadata where trace_id = ? and key_id in ({marks(ids)})",
            (trace, *ids),
        ).fetchall()
        return {ids[key] for (key,) in rows}

    def _delete_part(
        self, tx: Any, experiment: int, until: int | None, size: int, trace_ids: Sequence[str]
    ) -> int:
        """Delete some traces; how many they were."""
        if trace_ids:
            where, params = f"uuid in ({marks(trace_ids)})", [*trace_ids]
        else:
            where, params = "timestamp_ms <= ? order by timestamp_ms, uuid limit ?", [until, size]
        rows = tx.execute(
            f"select id, uuid from trace where experiment_id = ? and {where}",
            (experiment, *params),
        ).fetchall()
        remove_traces(tx, rows)
        return len(rows)

    # -- reading ----------------------------------------------------------------------------

    def _trace_row(self, tx: Any, trace_id: str, lock: str = "") -> TraceRow | None:
        row = tx.execute(
            f"select {COLUMNS} from trace t where t.uuid = ?{lock}", (trace_id,)
        ).fetchone()
        return TraceRow(*row) if row else None

    def _rows_by_uuid(
        self, tx: Any, trace_ids: Sequence[str], experiment_ids: Sequence[str] | None
    ) -> list[TraceRow]:
        """The rows of those that are there, each once, in the order of the ids."""
        wanted = list(dict.fromkeys(trace_ids))
        found: dict[str, TraceRow] = {}
        for i in range(0, len(wanted), BATCH):
            part = wanted[i : i + BATCH]
            rows = tx.execute(
                f"select {COLUMNS} from trace t where t.uuid in ({marks(part)})", part
            )
            found.update((row[1], TraceRow(*row)) for row in rows.fetchall())
        rows = [found[trace_id] for trace_id in wanted if trace_id in found]
        if experiment_ids:
            allowed = {experiment_key(e) for e in experiment_ids}
            rows = [row for row in rows if row.experiment_id in allowed]
        return rows

    def _rows_by_id(self, tx: Any, keys: Sequence[int]) -> list[TraceRow]:
        """The rows with these integer ids, in this order."""
        found: dict[int, TraceRow] = {}
        for i in range(0, len(keys), BATCH):
            part = keys[i : i + BATCH]
            rows = tx.execute(f"select {COLUMNS} from trace t where t.id in ({marks(part)})", part)
            found.update((row[0], TraceRow(*row)) for row in rows.fetchall())
        return [found[key] for key in keys if key in found]

    def _load_infos(self, tx: Any, rows: Sequence[TraceRow]) -> list[TraceInfo]:
        ids = [row.id for row in rows]
        tags, metadata = (self._pairs(tx, t, ids) for t in ("trace_tag", "trace_metadata"))
        assessments = self._assessments_of(tx, {row.id: row.uuid for row in rows})
        places = self._artifact_roots(tx, {row.experiment_id for row in rows})
        return [
            _entity(row, tags[row.id], metadata[row.id], assessments.get(row.id, []), places)
            for row in rows
        ]

    def _load_traces(self, tx: Any, rows: Sequence[TraceRow]) -> list[Trace]:
        records = self._records(tx, [row.id for row in rows])
        return [
            Trace(info, TraceData([LazySpan(record) for record in records.get(row.id, [])]))
            for row, info in zip(rows, self._load_infos(tx, rows))
        ]

    def _records(
        self, tx: Any, traces: Sequence[int], having: tuple[str, bool] | None = None
    ) -> dict[int, list[dict[str, Any]]]:
        """The records of the spans of each trace, in the order in which they began.

        Args:
            having: Only of traces whose spans may have this text in them, with capitals or, if
                that is True, without regard to them.
        """
        segments: dict[int, list[bytes]] = {}
        for i in range(0, len(traces), BATCH):
            part = traces[i : i + BATCH]
            rows = tx.execute(
                "select trace_id, content from trace_segment "
                f"where trace_id in ({marks(part)}) order by trace_id, seq",
                part,
            )
            for trace, content in rows.fetchall():
                segments.setdefault(trace, []).append(content)
        return {
            trace: merged(map(unpack_spans, found))
            for trace, found in segments.items()
            if having is None or any(spans_may_have(content, *having) for content in found)
        }

    def _pairs(self, tx: Any, table: str, traces: Sequence[int]) -> dict[int, dict[str, str]]:
        """The tags or metadata of each trace."""
        found: dict[int, list[tuple[int, str]]] = {trace: [] for trace in traces}
        keys: set[int] = set()
        for i in range(0, len(traces), BATCH):
            part = traces[i : i + BATCH]
            rows = tx.execute(
                f"select trace_id, key_id, value from {table} where trace_id in ({marks(part)})",
                part,
            )
            for trace, key, value in rows.fetchall():
                found[trace].append((key, value))
                keys.add(key)
        names = self._names_of(tx, keys)
        return {
            trace: {names[key]: value for key, value in pairs} for trace, pairs in found.items()
        }

    def _artifact_roots(self, tx: Any, experiments: set[int]) -> dict[int, str]:
        if not experiments:
            return {}
        rows = tx.execute(
            f"select id, artifact_location from experiment where id in ({marks(experiments)})",
            list(experiments),
        )
        return dict(rows.fetchall())


def _with_spans(there: TraceRow, learnt: rules.Learnt, count: int) -> TraceRow:
    """The row of a trace with what its new spans say: it grows to include them, and what is known
    stays."""
    start = min(there.timestamp_ms, learnt.start_ms)
    ends = [] if learnt.end_ms is None else [learnt.end_ms]
    if there.duration_ms is not None:
        ends.append(there.timestamp_ms + there.duration_ms)
    row = there._replace(
        timestamp_ms=start, duration_ms=max(ends) - start if ends else None, span_count=count
    )
    if row.state == TraceState.IN_PROGRESS.to_proto() and learnt.state is not None:
        row = row._replace(state=learnt.state.to_proto())
    if row.request_preview is None:
        row = row._replace(request_preview=learnt.request_preview)
    if row.response_preview is None:
        row = row._replace(response_preview=learnt.response_preview)
    return row


def _kind_of(record: dict[str, Any]) -> tuple[str, str, int]:
    """Name, type and status of a span, as searches know them."""
    status = ("STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR")
    name, kind = str(record.get("name") or "")[:MAX_KEY], rules.type_of(record)[:MAX_KEY]
    return name, kind, status.index(record["status"]["code"])


def _entity(
    row: TraceRow,
    tags: dict[str, str],
    metadata: dict[str, str],
    assessments: list[Any],
    places: Mapping[int, str],
) -> TraceInfo:
    if rules.ARTIFACT_LOCATION not in tags:
        root = places.get(row.experiment_id) or ""
        tags[rules.ARTIFACT_LOCATION] = append_to_uri_path(root, "traces", row.uuid, "artifacts")
    if row.span_count:
        tags[rules.SPANS_LOCATION] = rules.IN_TRACKING_STORE
    if row.finalized:
        metadata[rules.INFO_FINALIZED] = "true"
    return TraceInfo(
        trace_id=row.uuid,
        trace_location=TraceLocation.from_experiment_id(str(row.experiment_id)),
        request_time=row.timestamp_ms,
        state=_STATES[row.state],
        request_preview=row.request_preview,
        response_preview=row.response_preview,
        client_request_id=row.client_request_id,
        execution_duration=row.duration_ms,
        trace_metadata=metadata,
        tags=tags,
        assessments=assessments,
    )


def remove_traces(tx: Any, traces: Sequence[tuple[int, str]]) -> None:
    """Remove traces, given by integer and public id, with all that belongs to them."""
    for i in range(0, len(traces), BATCH):
        part = traces[i : i + BATCH]
        ids, uuids = [trace for trace, _ in part], [uuid for _, uuid in part]
        for table in TABLES_OF_A_TRACE:
            tx.execute(f"delete from {table} where trace_id in ({marks(ids)})", ids)
        tx.execute(f"delete from trace_run where trace_uuid in ({marks(uuids)})", uuids)
        tx.execute(f"delete from trace where id in ({marks(ids)})", ids)
