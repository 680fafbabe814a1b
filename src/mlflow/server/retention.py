"""Traces that are too old go, by themselves."""

from __future__ import annotations

import logging
import threading
import time
import uuid

from mlflow.entities import Experiment, ViewType
from mlflow.exceptions import MlflowException
from mlflow.server.artifact_places import Places
from mlflow.server.config import NEVER
from mlflow.store.artifact.location import steps
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.utils.age import parse_age
from mlflow.utils.uri import append_to_uri_path

#: Tag of an experiment: how long its traces are kept, or `never`.
RETENTION_TAG = "headrace.trace_retention"

_LEASE = "trace retention"
#: Seconds. If whoever has the lease dies, others wait for so long.
_LEASE_SECONDS = 60.0
#: Seconds between two looks, at most; less for traces that are kept for minutes only.
_PAUSE = 600.0
#: Traces that are looked for at once.
_FOUND = 500
#: Traces in one transaction: some milliseconds, in which others cannot write to SQLite. After each
#: the others have as long.
_BATCH = 20

_logger = logging.getLogger("mlflow.server")


class TraceRetention:
    """Deletes old traces of active experiments, with their files, in a thread of its own.

    Of several processes on one store, one at a time does it. A plug-in's store that has no leases
    is taken to be served by one process only.

    Args:
        keep: How long traces are kept, such as "30d", where no tag of the experiment says
            otherwise; or "never".
        places: Where files are.
    """

    def __init__(self, store: AbstractStore, keep: str, places: Places):
        self._store, self._keep, self._places = store, keep, places
        self._holder = uuid.uuid4().hex
        self._pause = _PAUSE
        if keep != NEVER:
            self._pause = min(_PAUSE, max(1.0, parse_age(keep) / 10_000))
        self._complained: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trace retention", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the transaction that is under way."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                if self._is_mine(_LEASE_SECONDS):
                    self._look()
                    # Nobody needs to look again before the time has come.
                    self._is_mine(self._pause * 0.9)
            except Exception as e:  # the database may be back the next time
                _logger.warning("Old traces could not be deleted: %s", e)
            if self._stop.wait(self._pause):
                break
        try:
            self._is_mine(0)  # another server may go on at once
        except Exception as e:
            _logger.warning("The lease of the trace retention was not given back: %s", e)

    def _is_mine(self, seconds: float) -> bool:
        take = getattr(self._store, "take_lease", None)
        return take is None or take(_LEASE, self._holder, seconds)

    def _look(self) -> None:
        token = None
        while not self._stop.is_set():
            page = self._store.search_experiments(
                ViewType.ACTIVE_ONLY, max_results=1000, page_token=token
            )
            for experiment in page:
                self._clear(experiment)
            token = page.token
            if not token:
                break

    def _clear(self, experiment: Experiment) -> None:
        """Delete the traces of an experiment that are too old."""
        keep = experiment.tags.get(RETENTION_TAG, self._keep)
        if keep == NEVER:
            return
        try:
            until = int(time.time() * 1000) - parse_age(keep)
        except MlflowException as e:
            self._complain(
                f"Tag '{RETENTION_TAG}' of experiment '{experiment.name}' says no age, so its "
                f"traces are kept: {e.message}, or '{NEVER}'"
            )
            return
        old: list[str] = []
        deleted, renewed = 0, time.monotonic()
        while not self._stop.is_set():
            if time.monotonic() - renewed > _LEASE_SECONDS / 3:
                if not self._is_mine(_LEASE_SECONDS):
                    break
                renewed = time.monotonic()
            if not old:
                old = self._store.oldest_traces(experiment.experiment_id, until, _FOUND)
            if not old:
                break
            part, old = old[:_BATCH], old[_BATCH:]
            for trace_id in part:
                self._remove_files(experiment, trace_id)
            began = time.monotonic()
            deleted += self._store.delete_traces(experiment.experiment_id, trace_ids=part)
            self._stop.wait(min(1.0, time.monotonic() - began))
        if deleted:
            _logger.warning(
                "Trace retention: deleted %s traces of experiment '%s' (%s) that were older than "
                "%s.",
                f"{deleted:,}",
                experiment.name,
                experiment.experiment_id,
                keep,
            )

    def _remove_files(self, experiment: Experiment, trace_id: str) -> None:
        """Remove attachments. The experiment says where they are, and never a tag: clients write
        those."""
        if not _is_name(trace_id):
            return
        root = experiment.artifact_location
        try:
            where = append_to_uri_path(root, "traces", trace_id)
            self._places.of_uri(where).delete(("artifacts",))
        except (MlflowException, OSError) as e:
            self._complain(
                f"Files of old traces below '{root}' could not be removed, and stay where they "
                f"are: {getattr(e, 'message', e)}"
            )

    def _complain(self, line: str) -> None:
        """Once each."""
        if line not in self._complained:
            self._complained.add(line)
            _logger.warning("%s", line)


def _is_name(trace_id: str) -> bool:
    """Whether a folder can have this name: or else the trace has no files."""
    try:
        return len(steps(trace_id)) == 1
    except MlflowException:
        return False
