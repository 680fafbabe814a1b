"""Contract: what the web UI shows of many traces at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mlflow.rpc.ui.runs import RowId
from mlflow.rpc.ui.traces import FoundTraces, TraceHistogram, TraceRows, TraceSession
from mlflow.store.tracking.trace_rows import SESSION, histogram_of, rows_of

if TYPE_CHECKING:
    from mlflow.entities import TraceInfo

_PAGE = 500


class TraceOverview:
    """What the web UI asks about traces. The defaults say it in terms of the other methods."""

    search_traces: Callable[..., tuple[list[TraceInfo], str | None]]
    batch_get_trace_infos: Callable[..., list[TraceInfo]]

    def find_traces(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None,
        order_by: Sequence[str],
        by_session: bool,
        max_results: int,
    ) -> FoundTraces:
        """The rows of all traces that match, in order.

        Args:
            by_session: Sessions together, the last active first, each from its beginning.
            max_results: Rows; the total is of all that match.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE for a filter or order that is not valid.
        """
        infos = list(
            self._traces_to_find(experiment_ids, filter_string, [] if by_session else order_by)
        )
        sessions = None
        if by_session:
            groups: dict[str, list[TraceInfo]] = {}
            for info in infos:  # newest first
                groups.setdefault(info.trace_metadata.get(SESSION, ""), []).insert(0, info)
            groups[""] = groups.pop("", [])
            infos = [info for group in groups.values() for info in group]
            sessions = [TraceSession(name, len(g)) for name, g in groups.items() if g]
        rows: list[RowId] = [info.trace_id for info in infos[:max_results]]
        return FoundTraces(total=len(infos), rows=rows, sessions=sessions)

    def trace_rows(self, rows: Sequence[RowId]) -> TraceRows:
        """What some of these rows say, in the same order."""
        ids = [str(row) for row in rows]
        by_id = {info.trace_id: info for info in self.batch_get_trace_infos(ids)}
        return rows_of(by_id.get(trace_id) for trace_id in ids)

    def trace_histogram(
        self, experiment_ids: Sequence[str], filter_string: str | None, bars: int
    ) -> TraceHistogram:
        """The traces that match, counted by when they began and how long they took.

        Args:
            bars: How many shares of the time there may be at most.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE for a filter that is not valid.
        """
        return histogram_of(self._traces_to_find(experiment_ids, filter_string, []), bars)

    def _traces_to_find(
        self, experiment_ids: Sequence[str], filter_string: str | None, order_by: Sequence[str]
    ) -> Iterator[TraceInfo]:
        token: Any = None
        while experiment_ids:
            infos, token = self.search_traces(
                locations=list(experiment_ids),
                filter_string=filter_string,
                max_results=_PAGE,
                order_by=list(order_by),
                page_token=token,
            )
            yield from infos
            if not token:
                return
