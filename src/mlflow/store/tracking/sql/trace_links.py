"""Runs and prompts that traces are linked to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlflow.store.tracking.base.trace_checks import check_links
from mlflow.store.tracking.sql.trace_rows import SqlTraceRows


class SqlTraceLinks(SqlTraceRows):
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
