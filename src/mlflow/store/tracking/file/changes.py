"""What has changed in some experiments, from the times and sizes of files."""

from __future__ import annotations

import os
from collections.abc import Sequence

from mlflow.store.tracking.base.changes import MOST_WATCHED, SeenRun, Survey, Watching, is_live
from mlflow.store.tracking.base.checks import experiment_key
from mlflow.store.tracking.file import disk
from mlflow.store.tracking.file.core import FileCore, Place


class FileWatching(FileCore, Watching):
    def _survey(self, experiment_ids: Sequence[str]) -> Survey:
        runs: dict[str, SeenRun] = {}
        live: list[tuple[int, Place]] = []
        for experiment_id in sorted({str(experiment_key(e)) for e in experiment_ids}):
            experiment = self._find_experiment_folder(experiment_id)
            if experiment is None:
                continue
            for place, parts in self._runs_in(experiment):
                stage = "removed" if experiment.is_deleted else parts.lifecycle_stage
                run = SeenRun(parts.start_time, parts.status, parts.run_name, stage)
                runs[place.id] = run
                if is_live(run):
                    live.append((run.start_time, place))
        newest = sorted(live, key=lambda one: (-one[0], one[1].id))[:MOST_WATCHED]
        points = {}
        for _, place in newest:
            content = [_changed(place.folder(name)) for name in ("params", "tags")]
            runs[place.id] = runs[place.id]._replace(content=content)
            points[place.id] = _points(place)
        return Survey(runs, points, len(live))


def _changed(folder: str) -> int:
    """When something came into a folder or was replaced, in nanoseconds; 0 without a folder."""
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0


def _points(place: Place) -> tuple[int, int, int]:
    """Changes when a point is appended: number, size and last change of the metrics' files."""
    files, size, changed = 0, 0, 0
    for _, path in disk.keys_in(place.folder("metrics")):
        try:
            found = os.stat(path)
        except OSError:
            continue
        files, size, changed = files + 1, size + found.st_size, max(changed, found.st_mtime_ns)
    return files, size, changed
