"""Contract: what has changed in some experiments since somebody looked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mlflow.entities import LifecycleStage, Run, RunStatus, ViewType

#: Most running runs whose points are watched: the newest ones. Training scripts that died leave
#: runs that run forever, at the cost of everybody who looks.
MOST_WATCHED = 200
#: Most runs that are named one by one in `Changes`.
MOST_NAMED = 500


@dataclass(frozen=True)
class Changes:
    """What has changed between two looks."""

    new: int = 0
    """Runs made."""
    runs: frozenset[str] = frozenset()
    """Ids of runs whose state or name changed, or that were deleted or restored; of running ones
    also those with more params or tags."""
    points: frozenset[str] = frozenset()
    """Ids of runs with new points of metrics."""
    running: int = 0
    """How many runs are running now."""
    reload: bool = False
    """It is more than can be named, or nobody knows what it is: all must be read again."""
    traces: int = 0
    """Traces made, or else ended; only SQL stores count them."""

    def __bool__(self) -> bool:
        return bool(self.new or self.runs or self.points or self.reload or self.traces)

    def then(self, later: Changes) -> Changes:
        """These changes and those that came next, as one."""
        return Changes(
            self.new + later.new,
            self.runs | later.runs,
            self.points | later.points,
            later.running,
            self.reload or later.reload,
            self.traces + later.traces,
        ).bounded()

    def bounded(self) -> Changes:
        """The same in bounded size."""
        if self.reload or len(self.runs) > MOST_NAMED or len(self.points) > MOST_NAMED:
            return Changes(self.new, running=self.running, reload=True, traces=self.traces)
        return self


@dataclass(frozen=True)
class Sight:
    """What somebody saw who looked."""

    cursor: str
    """The same as text, from which also another process can go on; printable ASCII."""
    running: int
    """How many runs are running."""
    memory: Any = field(repr=False)
    """What the store that made it compares the next look with."""


class Watching:
    """Looking at experiments again and again."""

    def changes(
        self, experiment_ids: Sequence[str], since: Sequence[Sight | str] = ()
    ) -> tuple[Sight, list[Changes]]:
        """What is there now, and what has changed since each of some earlier looks.

        Finished runs are not watched for points; more running runs than MOST_WATCHED are watched
        for points and states in the order of their age, the newest first.

        Args:
            experiment_ids: What to look at. Experiments that are not there have no runs.
            since: What `changes` returned before for the same experiments, or the cursors of that.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if an id can be none.
        """
        now = self._survey(experiment_ids)
        earlier = [sight.memory if isinstance(sight, Sight) else sight for sight in since]
        same = next((s for s in since if isinstance(s, Sight) and s.memory == now), None)
        cursor = same.cursor if same else now.digest()
        return Sight(cursor, now.running, now), [_between(one, now, cursor) for one in earlier]

    def _survey(self, experiment_ids: Sequence[str]) -> Survey:
        """The runs of these experiments, from what every store can do."""
        search: Any = self.search_runs  # type: ignore[attr-defined]
        newest = search(experiment_ids, None, ViewType.ALL, MOST_WATCHED)
        running = search(
            experiment_ids, "attributes.status = 'RUNNING'", ViewType.ACTIVE_ONLY, MOST_WATCHED
        )
        found = {run.info.run_id: _seen(run) for run in [*newest, *running]}
        points = {run.info.run_id: _last_points(run) for run in running}
        oldest = None
        if len(newest) >= MOST_WATCHED:
            oldest = min(run.info.start_time or 0 for run in newest)
        return Survey(found, points, len(running), oldest)


class SeenRun(NamedTuple):
    """What is known of one run."""

    start_time: int
    status: str
    name: str | None
    stage: str
    content: Any = None
    """Changes with its params and tags; None unless it is watched."""

    def differs_from(self, other: SeenRun) -> bool:
        if None in (self.content, other.content):
            return self[1:4] != other[1:4]
        return self[1:] != other[1:]


@dataclass(frozen=True)
class Survey:
    """The runs of some experiments."""

    runs: Mapping[str, SeenRun]
    points: Mapping[str, Any]
    """Of those that are running: something that changes with the points of their metrics."""
    running: int
    oldest: int | None = None
    """If these are not all runs: there may be others that began at this time or earlier."""

    def digest(self) -> str:
        """Equal for equal ones, in every process."""
        parts = sorted(self.runs.items()), sorted(self.points.items())
        return hashlib.blake2b(repr(parts).encode("utf-8", "replace"), digest_size=16).hexdigest()


def is_live(run: SeenRun) -> bool:
    """Whether it is one of the running runs."""
    return run.status == _RUNNING and run.stage == LifecycleStage.ACTIVE


_RUNNING = RunStatus.to_string(RunStatus.RUNNING)


def _seen(run: Run) -> SeenRun:
    info, data = run.info, run.data
    found = SeenRun(info.start_time or 0, info.status, info.run_name, info.lifecycle_stage)
    if not is_live(found):
        return found
    return found._replace(content=(sorted(data.params.items()), sorted(data.tags.items())))


def _last_points(run: Run) -> str:
    points = [(m.key, m.step, m.timestamp, m.value) for m in run.data._metric_objs]
    return repr(sorted(points, key=lambda point: point[0]))


def _between(before: Any, now: Survey, cursor: str) -> Changes:
    if not isinstance(before, Survey):  # a cursor, which says no more than whether it is the same
        return Changes(running=now.running, reload=before != cursor)
    new, changed = 0, set()
    for run_id, run in now.runs.items():
        earlier = before.runs.get(run_id)
        if earlier is not None:
            if run.differs_from(earlier):
                changed.add(run_id)
        elif before.oldest is None or run.start_time >= before.oldest:
            new += 1
        elif run_id in now.points:  # an old one that runs again
            changed.add(run_id)
    if now.oldest is None:
        changed |= before.runs.keys() - now.runs.keys()
    left = {
        run_id
        for run_id in before.points.keys() - now.points.keys()
        if run_id not in now.runs or not is_live(now.runs[run_id])  # else newer ones took its place
    }
    longer = {
        run_id
        for run_id, points in now.points.items()
        if before.points.get(run_id, points) != points
    }
    return Changes(new, frozenset(changed | left), frozenset(longer | left), now.running).bounded()
