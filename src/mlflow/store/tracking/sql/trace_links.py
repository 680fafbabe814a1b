"""Runs and prompts that traces are linked to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlflow.store.tracking.base.trace_checks import check_links
from mlflow.store.tracking.base.traces import TraceLinks
from mlflow.store.tracking.sql.core import marks
from mlflow.store.tracking.sql.trace_rows import BATCH, SqlTraceRows


class SqlTraceLinks(SqlTraceRows):
    def trace_links(self, trace_ids: Sequence[str]) -> dict[str, TraceLinks]:
        with self.db.read() as tx:
            rows = self._rows_by_uuid(tx, trace_ids, None)
            found: dict[str, TraceLinks] = {}
            for i in range(0, len(rows), BATCH):
                found |= self._links_of(tx, {row.uuid: row.id for row in rows[i : i + BATCH]})
        return {trace_id: links for trace_id, links in found.items() if any(links)}

    def _links_of(self, tx: Any, traces: Mapping[str, int]) -> dict[str, TraceLinks]:
        """The links of each trace.

        Args:
            traces: Integer ids by public ids, some hundred.
        """
        found = {uuid: TraceLinks([], []) for uuid in traces}
        if not traces:
            return found
        uuids = {key: uuid for uuid, key in traces.items()}
        for trace, name, version in tx.execute(
            "select trace_id, name, version from trace_prompt "
            f"where trace_id in ({marks(uuids)}) order by name, version",
            list(uuids),
        ).fetchall():
            found[uuids[trace]].prompts.append(f"{name}/{version}")
        for uuid, run in tx.execute(
            "select trace_uuid, run_uuid from trace_run "
            f"where trace_uuid in ({marks(traces)}) order by run_uuid",
            list(traces),
        ).fetchall():
            found[uuid].runs.append(run)
        return found

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
