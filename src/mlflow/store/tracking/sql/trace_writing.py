"""Writing traces: their rows, spans and tags."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mlflow.entities import Span, Trace, TraceInfo, TraceState
from mlflow.entities.trace_info_v2 import TraceInfoV2
from mlflow.entities.trace_status import TraceStatus
from mlflow.store.db.spans import merged, pack_spans
from mlflow.store.tracking.base import trace_rules as rules
from mlflow.store.tracking.base.checks import check_experiment_is_active
from mlflow.store.tracking.base.trace_checks import (
    MAX_KEY,
    check_spans,
    check_times,
    check_trace_info,
    check_trace_tag,
    kept_metadata,
    kept_tags,
    no_trace,
    no_trace_tag,
)
from mlflow.store.tracking.sql.core import experiment_key, marks, no_experiment
from mlflow.store.tracking.sql.trace_rows import SqlTraceRows, TraceRow

#: A trace with more segments gets one of them all.
_MOST_SEGMENTS = 16


class SqlTraceWriting(SqlTraceRows):
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
                for key in self._names_there(tx, row.id, rules.SUMMED):
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
        learnt = rules.learn_all(spans, by_trace)
        names: set[str] = set()
        for trace_id, records in by_trace.items():
            names.update(kept_tags(learnt[trace_id].tags), learnt[trace_id].metadata)
            if learnt[trace_id].has_sums:
                names.update(rules.SUMMED)
            for record in records:
                names.update(kind_of(record)[:2])

        def write(tx: Any, keys: dict[str, int]) -> None:
            if by_trace:
                self._check_experiment(tx, experiment)
            for trace_id in sorted(by_trace):  # in one order everywhere
                self._add_spans(
                    tx, keys, experiment, trace_id, by_trace[trace_id], learnt[trace_id]
                )

        return names, write

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

    # -- in a transaction ------------------------------------------------------------------------

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
        kinds = {kind_of(record) for record in records}
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


def kind_of(record: dict[str, Any]) -> tuple[str, str, int]:
    """Name, type and status of a span, as searches know them."""
    status = ("STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR")
    name, kind = str(record.get("name") or "")[:MAX_KEY], rules.type_of(record)[:MAX_KEY]
    return name, kind, status.index(record["status"]["code"])
