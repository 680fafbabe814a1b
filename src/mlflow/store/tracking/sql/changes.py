"""What has changed in some experiments, from a few rows at the ends of indexes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mlflow.entities import LifecycleStage, RunStatus, TraceState
from mlflow.store.tracking.base.changes import MOST_NAMED, MOST_WATCHED, Changes, Sight, Watching
from mlflow.store.tracking.sql.core import SqlCore, experiment_key, marks

#: Databases with several writers give ids before the commit, so that one may appear behind those
#: that were seen. Ids that are looked at again for that reason.
_LATE = 200
_MOST_ROWS = 1000
_IN_PROGRESS = TraceState.IN_PROGRESS.to_proto()
_MOST_IN_CURSOR = 10_000


class _Live(NamedTuple):
    """A running run."""

    uuid: str
    name: str | None
    entries: int
    """Params and tags."""
    points: int


@dataclass(frozen=True)
class _Seen:
    last_run: int
    """The greatest id of all runs."""
    last_audit: int
    live: Mapping[int, _Live | None]
    """By id, the newest first; None where no more is known than that it was running."""
    points: int
    """Of all of these together."""
    entries: int
    """The same of params and tags."""
    late_runs: frozenset[int] | None = None
    """Ids, of the last _LATE ones; None if it is not known which were seen."""
    late_audits: frozenset[int] | None = None
    last_trace: int = 0
    """The greatest id of all traces."""
    going: int = 0
    """How many traces of these experiments are in progress."""

    @property
    def oldest(self) -> int:
        """Runs with a lower id that are running may not be in `live`."""
        return min(self.live) if len(self.live) >= MOST_WATCHED else 0

    def cursor(self) -> str:
        """Ids as differences: some hundred bytes for 200 runs."""
        steps, above = [], self.last_run
        for key in self.live:
            steps.append(str(above - key))
            above = key
        numbers = (self.last_run, self.last_audit, self.points, self.entries)
        traces = (self.last_trace, self.going)
        return ".".join(["4", *map(str, numbers + traces), "-".join(steps)])

    @classmethod
    def of_cursor(cls, text: str) -> _Seen | None:
        """None if it is no cursor of this kind."""
        try:
            version, *numbers, steps = text[:_MOST_IN_CURSOR].split(".")
            last_run, last_audit, points, entries, last_trace, going = map(int, numbers)
            live: dict[int, None] = {}
            key = last_run
            for step in steps.split("-") if steps else ():
                key -= abs(int(step))
                live[key] = None
        except ValueError:
            return None
        fits = version == "4" and len(live) <= MOST_WATCHED
        least = min(*map(int, numbers), min(live, default=1) - 1)
        if not fits or least < 0:
            return None
        return cls(last_run, last_audit, live, points, entries, last_trace=last_trace, going=going)


class SqlWatching(SqlCore, Watching):
    def changes(
        self, experiment_ids: Sequence[str], since: Sequence[Sight | str] = ()
    ) -> tuple[Sight, list[Changes]]:
        keys = sorted({experiment_key(e) for e in experiment_ids})
        earlier = [s.memory if isinstance(s, Sight) else _Seen.of_cursor(s) for s in since]
        if not keys:
            nothing = _Seen(0, 0, {}, 0, 0)
            return Sight(nothing.cursor(), 0, nothing), [Changes() for _ in earlier]
        with self.db.read() as tx:
            look = _Look(self, tx, keys)
            found = [look.since(seen).bounded() for seen in earlier]
        return Sight(look.now.cursor(), look.running, look.now), found


class _Look:
    """One look, inside a transaction."""

    def __init__(self, store: SqlCore, tx: Any, keys: Sequence[int]):
        self._tx = tx
        self._keys = keys
        self._here = f"experiment_id in ({marks(keys)})"
        self._late = 0 if store.db.dialect.single_writer else _LATE
        (last_run,) = tx.execute("select max(id) from run").fetchone()
        (last_audit,) = tx.execute("select max(id) from audit").fetchone()
        (last_trace,) = tx.execute("select max(id) from trace").fetchone()
        live = self._live()
        self.running = len(live)
        if len(live) >= MOST_WATCHED:
            counted = tx.execute(f"select count(*) {self._running}", self._of_running)
            (self.running,) = counted.fetchone()
        late_runs = late_audits = None
        if self._late:
            late_runs = frozenset(self._runs_behind((last_run or 0) - self._late))
            late_audits = frozenset(i for i, *_ in self._audits_behind((last_audit or 0) - _LATE))
        points = sum(one.points for one in live.values())
        entries = sum(one.entries for one in live.values())
        (going,) = tx.execute(
            f"select count(*) from trace where {self._here} and state = {_IN_PROGRESS}", keys
        ).fetchone()
        self.now = _Seen(
            last_run or 0,
            last_audit or 0,
            live,
            points,
            entries,
            late_runs,
            late_audits,
            last_trace or 0,
            going,
        )

    # -- what is there ----------------------------------------------------------------------

    @property
    def _running(self) -> str:
        # Not by the index over experiments: an experiment has more runs than there are running
        # ones, hence the addition, which no index fits.
        return (
            "from run where status = ? and lifecycle_stage = ? "
            f"and experiment_id + 0 in ({marks(self._keys)})"
        )

    @property
    def _of_running(self) -> tuple[Any, ...]:
        return (RunStatus.RUNNING, LifecycleStage.ACTIVE, *self._keys)

    def _live(self) -> dict[int, _Live]:
        rows = self._tx.execute(
            f"select id, uuid, name {self._running} order by id desc limit {MOST_WATCHED}",
            self._of_running,
        ).fetchall()
        if not rows:
            return {}
        ids = [row[0] for row in rows]
        points = self._per_run("sum(points)", "series", ids)
        entries = self._entries(ids)
        return {i: _Live(uuid, name, entries[i], points.get(i, 0)) for i, uuid, name in rows}

    def _entries(self, ids: Sequence[int]) -> dict[int, int]:
        params = self._per_run("count(*)", "param", ids)
        tags = self._per_run("count(*)", "tag", ids)
        return {i: params.get(i, 0) + tags.get(i, 0) for i in ids}

    def _per_run(self, what: str, table: str, ids: Sequence[int]) -> dict[int, int]:
        rows = self._tx.execute(
            f"select run_id, {what} from {table} where run_id in ({marks(ids)}) group by run_id",
            ids,
        ).fetchall()
        return {run: int(number) for run, number in rows}

    def _runs_behind(self, last: int) -> list[int]:
        """Ids of runs of these experiments, at most one more than _MOST_ROWS."""
        rows = self._tx.execute(
            f"select id from run where id > ? and {self._here} limit {_MOST_ROWS + 1}",
            (last, *self._keys),
        ).fetchall()
        return [row[0] for row in rows]

    def _audits_behind(self, last: int) -> list[tuple[int, str, str]]:
        """(id, entity, its id) of what was done to runs and experiments, so many at most."""
        return self._tx.execute(
            "select id, entity, entity_id from audit where id > ? "
            f"and entity in ('run', 'experiment') limit {_MOST_ROWS + 1}",
            (last,),
        ).fetchall()

    # -- what is different ------------------------------------------------------------------

    def since(self, seen: _Seen | None) -> Changes:
        now = self.now
        if (
            seen is None
            or seen.last_run > now.last_run
            or seen.last_audit > now.last_audit
            or seen.last_trace > now.last_trace  # the newest ones were deleted, perhaps
        ):
            return Changes(running=self.running, reload=True)  # of another database
        moved = self._moved(seen)
        if moved is None:
            return Changes(running=self.running, reload=True)
        new, fresh = self._new(seen)
        both = now.live.keys() & seen.live.keys()
        left = {i for i in seen.live.keys() - both if i >= now.oldest}
        entered = {i for i in now.live.keys() - both - fresh if seen.oldest <= i <= seen.last_run}
        renamed, longer = self._differences(seen, both)
        if any(seen.live[i] is None for i in both):
            longer = both if now.points != seen.points else longer
            entries = sum(one.entries for i in both if (one := now.live[i]))
            if gone := sorted(seen.live.keys() - both):
                entries += sum(self._entries(gone).values())
            renamed = both if entries != seen.entries else renamed
        runs = moved | self._uuids(seen, left | entered | renamed)
        points = self._uuids(seen, longer | left)
        return Changes(new, runs, points, self.running, traces=self._new_traces(seen))

    def _new_traces(self, seen: _Seen) -> int:
        """How many traces were made, as far as their ids tell: where several write at once, one
        that comes late is told with the next. Else how many have ended."""
        if seen.last_trace == self.now.last_trace:
            return abs(self.now.going - seen.going)
        (count,) = self._tx.execute(
            f"select count(*) from trace where id > ? and {self._here}",
            (seen.last_trace, *self._keys),
        ).fetchone()
        return int(count) or abs(self.now.going - seen.going)

    def _differences(self, seen: _Seen, both: set[int]) -> tuple[set[int], set[int]]:
        """Running runs that are named otherwise or have more entries, and those with points."""
        renamed, longer = set(), set()
        for i in both:
            before, now = seen.live[i], self.now.live[i]
            if before is None or now is None:
                continue
            if (before.name, before.entries) != (now.name, now.entries):
                renamed.add(i)
            if before.points != now.points:
                longer.add(i)
        return renamed, longer

    def _new(self, seen: _Seen) -> tuple[int, set[int]]:
        """How many runs were made, and those of their ids that may be lower than one seen."""
        if seen.last_run == self.now.last_run and not self._late:
            return 0, set()
        late = 0 if seen.late_runs is None else self._late
        found = set(self._runs_behind(seen.last_run - late))
        if len(found) <= _MOST_ROWS:
            fresh = found - (seen.late_runs or set())
            return len(fresh), fresh
        (count,) = self._tx.execute(
            f"select count(*) from run where id > ? and {self._here}", (seen.last_run, *self._keys)
        ).fetchone()
        return count, set()

    def _moved(self, seen: _Seen) -> frozenset[str] | None:
        """Ids of runs that were deleted, restored or renamed; None if one would have to read all
        anew."""
        if seen.last_audit == self.now.last_audit and not self._late:
            return frozenset()
        late = 0 if seen.late_audits is None else self._late
        rows = self._audits_behind(seen.last_audit - late)
        if len(rows) > _MOST_ROWS:
            return None
        rows = [row for row in rows if row[0] not in (seen.late_audits or ())]
        whole = {str(key) for key in self._keys}
        if any(entity == "experiment" and one in whole for _, entity, one in rows):
            return None
        named = sorted({one for _, entity, one in rows if entity == "run"})
        if len(named) > MOST_NAMED:
            return None
        if not named:
            return frozenset()
        found = self._tx.execute(
            f"select uuid from run where uuid in ({marks(named)}) and {self._here}",
            (*named, *self._keys),
        ).fetchall()
        return frozenset(row[0] for row in found)

    def _uuids(self, seen: _Seen, ids: set[int]) -> frozenset[str]:
        known = {i: self.now.live.get(i) or seen.live.get(i) for i in ids}
        found = {one.uuid for one in known.values() if one is not None}
        unknown = [i for i, one in known.items() if one is None]
        if unknown:
            rows = self._tx.execute(
                f"select uuid from run where id in ({marks(unknown)})", unknown
            ).fetchall()
            found.update(row[0] for row in rows)
        return frozenset(found)
