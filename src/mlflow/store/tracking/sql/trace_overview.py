"""What the web UI shows of many traces, from indexes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlflow.entities import TraceState
from mlflow.rpc.ui.runs import RowId
from mlflow.rpc.ui.traces import DURATIONS, FoundTraces, TraceHistogram, TraceRows, TraceSession
from mlflow.store.tracking.base.trace_overview import TraceOverview
from mlflow.store.tracking.sql.conditions import Condition, both
from mlflow.store.tracking.sql.core import marks
from mlflow.store.tracking.sql.trace_conditions import one_of
from mlflow.store.tracking.sql.trace_search import TraceSearch
from mlflow.store.tracking.sql.traces import SqlTraces
from mlflow.store.tracking.trace_rows import SESSION, group_of, histogram, rows_of, step_of

_BATCH = 500
_ERROR = TraceState.ERROR.to_proto()


class SqlTraceOverview(SqlTraces, TraceOverview):
    def find_traces(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None,
        order_by: Sequence[str],
        by_session: bool,
        max_results: int,
    ) -> FoundTraces:
        order = [] if by_session else list(order_by)
        search = TraceSearch(self, list(experiment_ids), filter_string, 1, order)
        with self.db.read() as tx:
            keys = search.keys(tx, max_results)
            total = len(keys) if len(keys) < max_results else search.count(tx)
            sessions = None
            if by_session:
                groups: dict[str, list[int]] = {}
                for key, session in self._sessions(tx, keys):  # newest first
                    groups.setdefault(session, []).append(key)
                groups[""] = groups.pop("", [])
                keys = [key for group in groups.values() for key in reversed(group)]
                sessions = [TraceSession(name, len(g)) for name, g in groups.items() if g]
        rows: list[RowId] = [*keys]
        return FoundTraces(total=total, rows=rows, sessions=sessions)

    def _sessions(self, tx: Any, keys: Sequence[int]) -> Iterator[tuple[int, str]]:
        """Each trace with its session; "" for none."""
        name = self._key_id(tx, SESSION)
        for i in range(0, len(keys), _BATCH):
            part = keys[i : i + _BATCH]
            found = {}
            if name is not None:
                query = (
                    "select trace_id, value from trace_metadata "
                    f"where trace_id in ({marks(part)}) and key_id = ?"
                )
                found = dict(tx.execute(query, (*part, name)).fetchall())
            yield from ((key, found.get(key, "")) for key in part)

    def trace_rows(self, rows: Sequence[RowId]) -> TraceRows:
        keys = [row for row in rows if isinstance(row, int)]
        with self.db.read() as tx:
            found = self._rows_by_id(tx, keys)
            infos = dict(zip((row.id for row in found), self._load_infos(tx, found)))
        return rows_of(infos.get(row) if isinstance(row, int) else None for row in rows)

    def trace_histogram(
        self, experiment_ids: Sequence[str], filter_string: str | None, bars: int
    ) -> TraceHistogram:
        search = TraceSearch(self, list(experiment_ids), filter_string, 1, [])
        cells: dict[tuple[int, int], tuple[int, int]] = {}
        with self.db.read() as tx:
            of_search = search.condition(tx)
            if of_search is None:  # no database decides that
                return self._histogram_of(tx, search.keys(tx, None), bars)
            first, last = self._ends(tx, of_search)
            if first is None:
                return histogram({}, 0, 0, 0)
            start, step, bars = step_of(first, last, bars)
            # Bar by bar: each is a stretch of an index, and sorted by itself.
            for bar in range(bars):
                begin = start + bar * step
                in_bar = Condition(
                    "t.timestamp_ms >= ? and t.timestamp_ms < ?", [begin, begin + step]
                )
                text, params = both([of_search, in_bar])
                for group, traces, errors in tx.execute(
                    f"select duration_group, count(*), sum(failed) from (select {_GROUP} as "
                    f"duration_group, case when t.state = {_ERROR} then 1 else 0 end as failed "
                    f"from trace t where {text}) x group by duration_group",
                    params,
                ).fetchall():
                    cells[bar, int(group)] = int(traces), int(errors)
        return histogram(cells, start, step, bars)

    @staticmethod
    def _ends(tx: Any, condition: Condition) -> tuple[int | None, int]:
        """When the first and the last of some traces began."""
        ends = [
            tx.execute(
                f"select t.timestamp_ms from trace t where {condition.text} "
                f"order by t.timestamp_ms {direction} limit 1",
                condition.params,
            ).fetchone()
            for direction in ("asc", "desc")
        ]
        first, last = ends
        return (None, 0) if first is None or last is None else (first[0], last[0])

    def _histogram_of(self, tx: Any, keys: Sequence[int], bars: int) -> TraceHistogram:
        found: list[tuple[int, int | None, int]] = []
        for i in range(0, len(keys), _BATCH):
            where, params = both([one_of("t.id", keys[i : i + _BATCH])])
            found += tx.execute(
                f"select t.timestamp_ms, t.duration_ms, t.state from trace t where {where}", params
            ).fetchall()
        if not found:
            return histogram({}, 0, 0, 0)
        times = [time for time, *_ in found]
        start, step, bars = step_of(min(times), max(times), bars)
        cells: dict[tuple[int, int], tuple[int, int]] = {}
        for time, duration, state in found:
            place = ((time - start) // step, group_of(duration))
            traces, errors = cells.get(place, (0, 0))
            cells[place] = traces + 1, errors + (state == _ERROR)
        return histogram(cells, start, step, bars)


def _ladder(first: int, last: int) -> str:
    """The group of a duration, found by halving."""
    if first == last:
        return str(first)
    middle = (first + last) // 2
    return (
        f"case when t.duration_ms <= {DURATIONS[middle]} then {_ladder(first, middle)} "
        f"else {_ladder(middle + 1, last)} end"
    )


_GROUP = f"case when t.duration_ms is null then -1 else {_ladder(0, len(DURATIONS))} end"
