"""Bringing over MLflow's traces, a part of `from_mlflow.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from mlflow.entities import TraceState
from mlflow.entities._span_records import checked
from mlflow.exceptions import MlflowException
from mlflow.store.db.spans import merged, pack_spans
from mlflow.store.tracking.base.trace_rules import (
    COST,
    INFO_FINALIZED,
    SESSION,
    SPANS_LOCATION,
    TOKEN_USAGE,
    TRACE_NAME,
)
from mlflow.store.tracking.sql.trace_writing import kind_of

#: MLflow's tables of traces; versions before 2.14 have none, and before 3.4 not all.
TABLES = (
    "trace_info",
    "trace_tags",
    "trace_request_metadata",
    "assessments",
    "spans",
    "entity_associations",
)
#: Sums that MLflow keeps of what the others have, or plans of work on them: not needed here.
DERIVED = (
    "trace_metrics",
    "span_metrics",
    "sql_trace_metric_daily_rollups",
    "sql_span_cost_daily_rollups",
    "sql_assessment_daily_rollups",
    "sql_trace_rollup_rebuild_queue",
)
#: Tables with names that need an id: (table, column).
KEYS = (("trace_tags", "key"), ("trace_request_metadata", "key"))
_KINDS = ("expectation", "feedback", "issue")
_WRITTEN_AT_ONCE = 500
#: (our table, key, their columns): one column is a text, several are the parts of a JSON object.
_IN_COLUMNS = (
    ("trace_tag", TRACE_NAME, ("trace_name",)),
    ("trace_metadata", SESSION, ("session_id",)),
    (
        "trace_metadata",
        TOKEN_USAGE,
        (
            "input_tokens",
            "output_tokens",
            "total_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
            "cache_creation_input_tokens_above_1hr",
        ),
    ),
    ("trace_metadata", COST, ("input_cost", "output_cost", "total_cost")),
)


class TraceMove:
    """Traces with their tags, metadata and links, from table to table; spans and assessments one
    by one, since they are kept otherwise here."""

    def __init__(self, move: Any):
        self.move = move
        self.tx = move.tx
        self.broken_spans = 0

    def run(self) -> None:
        if not self.move._has("trace_info"):
            return
        self._traces()
        # Where the spans are, and that the info is whole, follows from other columns here.
        self._texts("trace_tag", "trace_tags", SPANS_LOCATION)
        self._texts("trace_metadata", "trace_request_metadata", INFO_FINALIZED)
        traces = dict(self.tx.execute("select uuid, id from trace").fetchall())
        self._columns_of_newer(traces)
        if traces and self.move._has("spans"):
            self._spans(traces)
        if traces and self.move._has("assessments"):
            self._assessments(traces)
        if self.move._has("entity_associations"):
            self._links()

    def _traces(self) -> None:
        def of(name: str) -> str:
            return self.move._column("trace_info", name)

        states = " ".join(
            f"when '{state.value}' then {state.to_proto()}"
            for state in TraceState
            if state is not TraceState.STATE_UNSPECIFIED
        )
        key = self.move._exact("m.key")
        self.tx.execute(
            "insert into trace (uuid, experiment_id, timestamp_ms, duration_ms, state, finalized, "
            "span_count, client_request_id, request_preview, response_preview) "
            "select t.request_id, x.id, t.timestamp_ms, t.execution_time_ms, "
            f"case t.status {states} else 0 end, case when exists (select 1 from "
            f"trace_request_metadata m where m.request_id = t.request_id and {key} = "
            f"'{INFO_FINALIZED}') then 1 else 0 end, 0, {of('client_request_id')}, "
            f"{of('request_preview')}, {of('response_preview')} from trace_info t "
            "join experiment x on x.id = t.experiment_id order by t.timestamp_ms, t.request_id"
        )

    def _texts(self, ours: str, theirs: str, but: str) -> None:
        if not self.move._has(theirs):
            return
        self.tx.execute(
            f"insert into {ours} (trace_id, key_id, value) "
            f"select r.id, k.id, coalesce(t.value, '') from {theirs} t "
            f"join trace r on r.uuid = {self.move._exact('t.request_id')} "
            f"join key_name k on k.name = {self.move._exact('t.key')} where k.name <> '{but}'"
        )

    def _columns_of_newer(self, traces: dict[str, int]) -> None:
        """Newer versions have a tag and some metadata in columns of `trace_info`."""
        names = dict(self.tx.execute("select name, id from key_name").fetchall())
        for table, key, columns in _IN_COLUMNS:
            there = [c for c in columns if self.move._has("trace_info", c)]
            if not there:
                continue
            key_id = self._name(names, key)
            known = {
                trace
                for (trace,) in self.tx.execute(
                    f"select trace_id from {table} where key_id = ?", (key_id,)
                ).fetchall()
            }
            rows = []
            for uuid, *values in self.tx.execute(
                f"select request_id, {', '.join(there)} from trace_info"
            ).fetchall():
                given = {c: v for c, v in zip(there, values) if v is not None}
                trace = traces.get(uuid)
                if trace is not None and trace not in known and given:
                    text = next(iter(given.values())) if len(columns) == 1 else json.dumps(given)
                    rows.append((trace, key_id, text))
            if rows:
                self.tx.executemany(
                    f"insert into {table} (trace_id, key_id, value) values (?, ?, ?)", rows
                )

    # -- spans ------------------------------------------------------------------------------

    def _spans(self, traces: dict[str, int]) -> None:
        names = dict(self.tx.execute("select name, id from key_name").fetchall())
        contents: list[tuple] = []
        kinds: list[tuple] = []
        for trace_id, rows in groupby(self._contents(), key=lambda row: row[0]):
            trace = traces.get(trace_id)
            records = merged([list(self._records(content for _, content in rows))])
            if trace is None or not records:
                continue
            contents.append((trace, 0, len(records), pack_spans(records)))
            for name, kind, status in {kind_of(record) for record in records}:
                ids = (self._name(names, name), self._name(names, kind))
                kinds.append((trace, *ids, status))
            if len(contents) >= _WRITTEN_AT_ONCE:
                self._write(contents, kinds)
        self._write(contents, kinds)

    def _contents(self) -> Iterator[tuple[str, str]]:
        for rows in self.move.dialect.stream(
            self.move.reader, "select s.trace_id, s.content from spans s order by s.trace_id"
        ):
            yield from rows

    def _records(self, contents: Iterator[str]) -> Iterator[dict[str, Any]]:
        for content in contents:
            try:
                yield checked(json.loads(content))
            except (ValueError, MlflowException):
                self.broken_spans += 1

    def _name(self, names: dict[str, int], name: str) -> int:
        if name not in names:
            self.tx.execute("insert into key_name (name) values (?)", (name,))
            found = self.tx.execute("select id from key_name where name = ?", (name,))
            (names[name],) = found.fetchone()
        return names[name]

    def _write(self, contents: list[tuple], kinds: list[tuple]) -> None:
        if not contents:
            return
        self.tx.executemany(
            "insert into trace_segment (trace_id, seq, spans, content) values (?, ?, ?, ?)",
            contents,
        )
        self.tx.executemany(
            "insert into trace_span (trace_id, name_id, type_id, status) values (?, ?, ?, ?)",
            kinds,
        )
        for trace, _, spans, _ in contents:
            self.tx.execute("update trace set span_count = ? where id = ?", (spans, trace))
        contents.clear()
        kinds.clear()

    # -- assessments ------------------------------------------------------------------------

    def _assessments(self, traces: dict[str, int]) -> None:
        rows = self.tx.execute(
            "select assessment_id, trace_id, name, assessment_type, value, error, "
            "created_timestamp, last_updated_timestamp, source_type, source_id, run_id, span_id, "
            "rationale, overrides, valid, assessment_metadata from assessments "
            "order by created_timestamp, assessment_id"
        ).fetchall()
        made = []
        for (
            uuid, trace_id, name, kind, value, error, created, updated, source_type, source_id,
            run_id, span_id, rationale, overrides, valid, metadata,
        ) in rows:  # fmt: skip
            if trace_id not in traces or kind not in _KINDS:
                continue
            said = json.loads(value)
            if kind == "issue" and isinstance(said, dict):
                said = said.get("issue_name")
            rest = {
                "source": {"source_type": source_type, "source_id": source_id or "default"},
                "run_id": run_id,
                "rationale": rationale,
                "metadata": json.loads(metadata) if metadata else None,
                "span_id": span_id,
                "overrides": overrides,
                "error": json.loads(error) if error else None,
            }
            content = json.dumps({k: v for k, v in rest.items() if v is not None})
            number = said if isinstance(said, (int, float)) and not isinstance(said, bool) else None
            made.append(
                (
                    uuid,
                    traces[trace_id],
                    name,
                    _KINDS.index(kind),
                    json.dumps(said),
                    number,
                    1 if valid else 0,
                    created,
                    updated,
                    content,
                )
            )
        if made:
            self.tx.executemany(
                "insert into assessment (uuid, trace_id, name, kind, value, number, valid, "
                "create_time, last_update_time, content) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                made,
            )

    def _links(self) -> None:
        source = "e.source_type = 'trace' and e.destination_type"
        self.tx.execute(
            "insert into trace_run (run_uuid, trace_uuid) select e.destination_id, e.source_id "
            f"from entity_associations e where {source} = 'run'"
        )
        rows = self.tx.execute(
            "select t.id, e.destination_id from entity_associations e join trace t on t.uuid = "
            f"{self.move._exact('e.source_id')} where {source} = 'prompt_version'"
        ).fetchall()
        prompts = [
            (trace, *prompt.rsplit("/", 1)) for trace, prompt in rows if "/" in prompt.strip("/")
        ]
        if prompts:
            self.tx.executemany(
                "insert into trace_prompt (trace_id, name, version) values (?, ?, ?)", prompts
            )

    # -- afterwards -------------------------------------------------------------------------

    def lost(self, there: dict[str, int], counts: dict[str, int]) -> dict[str, int]:
        """How many rows of each table were not brought over, but for what is not needed."""
        left = {
            "trace_info": there.get("trace_info", 0) - counts["trace"],
            "trace_tags": there.get("trace_tags", 0) - counts["trace_tag"],
            "trace_request_metadata": (
                there.get("trace_request_metadata", 0) - counts["trace_metadata"]
            ),
            "assessments": there.get("assessments", 0) - counts["assessment"],
            "entity_associations": (
                there.get("entity_associations", 0) - counts["trace_run"] - counts["trace_prompt"]
            ),
        }
        for table, key in (
            ("trace_tags", SPANS_LOCATION),
            ("trace_request_metadata", INFO_FINALIZED),
        ):
            if left[table] > 0:
                left[table] -= self.tx.execute(
                    f"select count(*) from {table} t where {self.move._exact('t.key')} = '{key}'"
                ).fetchone()[0]
        if left["entity_associations"] > 0:  # links of other things are no loss of traces
            left["entity_associations"] -= self.tx.execute(
                "select count(*) from entity_associations e where e.source_type <> 'trace' "
                "or e.destination_type not in ('run', 'prompt_version')"
            ).fetchone()[0]
        if there.get("spans"):
            kept = self.tx.execute("select coalesce(sum(span_count), 0) from trace").fetchone()[0]
            left["spans"] = there["spans"] - int(kept)
        return left
