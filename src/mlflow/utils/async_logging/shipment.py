"""Calls of a journal on their way to the store: in batches, each stored once, and what the store
refuses is set aside."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from mlflow.entities import LifecycleStage
from mlflow.exceptions import MlflowException, RestException
from mlflow.utils.async_logging.segment import Call
from mlflow.utils.logging_utils import suppress_logs_in_thread
from mlflow.utils.validation import (
    MAX_ENTITIES_PER_BATCH,
    MAX_PARAMS_TAGS_PER_BATCH,
)

if TYPE_CHECKING:
    from mlflow.store.tracking.abstract_store import AbstractStore

_logger = logging.getLogger(__name__)

#: Bytes of the journal in one batch of several calls; the reference takes requests up to 1 MB.
_BATCH_BYTES = 300_000
#: Refusals of one call that make a store refuse the whole batch around it.
_CULPRIT_MAY_BE_ONE = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "INTERNAL_ERROR")
#: Errors that say nothing about what was sent: it is sent again for as long as it takes.
_NOT_NOW = (
    "CANCELLED",
    "CUSTOMER_UNAUTHORIZED",
    "DEADLINE_EXCEEDED",
    "ENDPOINT_NOT_FOUND",
    "INTERNAL_ERROR",
    "PERMISSION_DENIED",
    "REQUEST_LIMIT_EXCEEDED",
    "RESOURCE_EXHAUSTED",
    "TEMPORARILY_UNAVAILABLE",
    "UNAUTHENTICATED",
)
#: What answers one batch with these for so many seconds, and other requests as it should, will not
#: take that batch.
_OR_NEVER = ("INTERNAL_ERROR", "PERMISSION_DENIED")
STUBBORN_SECONDS = 600.0
#: The same for a trace, if the store has taken others meanwhile.
STUBBORN_TRACE_SECONDS = 30.0


class NotNow(Exception):
    """The store cannot be reached, or does not work now; the cause says why."""


class _Batch:
    __slots__ = ("writer", "calls", "failing_since", "run_was_looked_at", "failed_in")

    def __init__(self, writer: str, calls: list[Call], parent: _Batch | None = None):
        self.writer = writer
        self.calls = calls
        self.failing_since: float | None = parent.failing_since if parent else None
        self.run_was_looked_at = parent is not None
        self.failed_in = 0  # the round

    @property
    def has_traces(self) -> bool:
        return self.calls[0].trace is not None

    @property
    def run_id(self) -> str:
        return self.calls[0].run_id


class Shipment:
    """Sends calls to a store. One thread at a time may use it.

    Args:
        on_stored: Called with the calls of a batch once they are stored.
        on_refused: Called with calls and the reason when the store will not take them.
    """

    def __init__(
        self,
        store: AbstractStore,
        on_stored: Callable[[list[Call]], None],
        on_refused: Callable[[list[Call], Exception], None],
    ):
        self._store = store
        self._on_stored = on_stored
        self._on_refused = on_refused
        self._batches: deque[_Batch] = deque()
        self._trying_again = False
        self._round = 0  # how often `send` was called
        self._stored_in = 0  # the last round in which something was stored
        self._stored_at = 0.0

    def load(self, writer: str, calls: list[Call]) -> None:
        """Take these calls of one segment along, which follow those taken before."""
        for group in _by_run(calls):
            self._batches.extend(_Batch(writer, part) for part in _packed(group))

    def send(self) -> None:
        """Return once everything is stored, or was refused.

        Raises:
            NotNow: What is left must be sent again later.
        """
        self._round += 1
        while self._batches:
            self._send_first()

    def _send_first(self) -> None:
        batch = self._batches[0]
        # What the store says about a server that does not answer was said the first time
        quiet = suppress_logs_in_thread() if self._trying_again else contextlib.nullcontext()
        try:
            with quiet:
                stored = self._log(batch)
        except Exception as error:
            self._failed(batch, error)
            return
        self._trying_again = False
        self._stored_in, self._stored_at = self._round, time.monotonic()
        self._batches.popleft()
        left = [call for call in batch.calls if call.end > stored]
        if not left:
            self._on_stored(batch.calls)
        elif len(left) < len(batch.calls):
            # Whoever sent the first part of it died before it could note that
            self._batches.appendleft(_Batch(batch.writer, left))
        else:
            self._on_refused(left, MlflowException(f"The store answered with sequence {stored}."))

    def _log(self, batch: _Batch) -> int:
        """Up to where the calls are stored now."""
        calls = batch.calls
        if batch.has_traces:
            from mlflow.tracing.export.store import store_traces

            store_traces(self._store, [call.trace for call in calls])
            return calls[-1].end
        if calls[0].ending:
            status, end_time = calls[0].ending
            self._store.update_run_info(batch.run_id, status, end_time, None)
            return calls[0].end
        return self._store.log_batch_once(
            batch.run_id,
            [m for call in calls for m in call.metrics],
            [p for call in calls for p in call.params],
            [t for call in calls for t in call.tags],
            writer=batch.writer,
            after=calls[0].start,
            sequence=calls[-1].end,
        )

    def _failed(self, batch: _Batch, error: Exception) -> None:
        code = getattr(error, "error_code", "INTERNAL_ERROR")
        if isinstance(error, (NotImplementedError, AttributeError)):
            code = "NOT_IMPLEMENTED"  # a store of another package that keeps no traces
        if code in _NOT_NOW and not self._never(batch, error, code):
            if batch.has_traces and _may_be_of_the_batch(error, code) and self._goes_on(batch):
                return
            self._trying_again = True
            raise NotNow() from error
        self._batches.popleft()
        calls = batch.calls
        if len(calls) > 1 and (
            batch.has_traces or (code in _CULPRIT_MAY_BE_ONE and self._run_takes_more(batch))
        ):
            self._split(batch)
        else:
            self._on_refused(calls, error)

    def _split(self, batch: _Batch) -> None:
        half = len(batch.calls) // 2
        for part in (batch.calls[half:], batch.calls[:half]):
            self._batches.appendleft(_Batch(batch.writer, part, batch))

    def _goes_on(self, batch: _Batch) -> bool:
        """Put off the traces that the store stumbled over, so that they keep no others waiting;
        whether there are others to try now."""
        self._batches.popleft()
        if len(batch.calls) > 1:
            self._split(batch)
            return True
        batch.failed_in = self._round
        self._batches.append(batch)
        failed = sum(b.failed_in == self._round for b in self._batches)
        # That it takes none of the first two says that the trouble is not that of one trace
        return failed < len(self._batches) and (failed < 2 or self._stored_in == self._round)

    def _never(self, batch: _Batch, error: Exception, code: str) -> bool:
        """Whether there is no use in sending it again, though the error does not say so."""
        if not _may_be_of_the_batch(error, code):
            return False
        now = time.monotonic()
        batch.failing_since = batch.failing_since or now
        alone = batch.has_traces and self._stored_at > batch.failing_since
        if now - batch.failing_since < (STUBBORN_TRACE_SECONDS if alone else STUBBORN_SECONDS):
            return False
        try:
            if batch.run_id:
                self._store.get_run(batch.run_id)
            else:  # traces
                self._store.get_experiment("0")
        except Exception:
            return False
        return True

    def _run_takes_more(self, batch: _Batch) -> bool:
        """False if the run is the reason, and not one of the calls."""
        if batch.run_was_looked_at or not batch.run_id:
            return True
        try:
            stage = self._store.get_run(batch.run_id).info.lifecycle_stage
        except Exception as error:
            return getattr(error, "error_code", "") != "RESOURCE_DOES_NOT_EXIST"
        return stage == LifecycleStage.ACTIVE


def _may_be_of_the_batch(error: Exception, code: str) -> bool:
    """Whether an error of `_NOT_NOW` may be about what was sent; false for one of the network, or
    of a database whose disk is full."""
    by_server = isinstance(error, RestException)
    return code in _OR_NEVER and (by_server or not isinstance(error, (MlflowException, OSError)))


def told(error: BaseException) -> str:
    """What an error says."""
    return error.message if isinstance(error, MlflowException) else repr(error)


class Refused:
    """The file of the calls of one journal that the store refused.

    Args:
        path: None where there are no files.
        store: URI of the store, without credentials.
        again: Calls that stand there already may be refused once more.
    """

    def __init__(self, path: str | None, store: str, *, again: bool = False):
        self.path = path
        self._store = store
        there = read_refused(path) if path and again else []
        self._known = {line.get("sequence") for line in there}

    def note(self, calls: list[Call], error: Exception) -> None:
        """Write calls down, and say so in the log."""
        where = "they were not kept"
        if self.path is not None:
            try:
                self._append([c for c in calls if c.end not in self._known], told(error))
                where = f"set aside in '{self.path}'"
            except OSError as failure:
                where = f"they could not be set aside: {failure}"
        _logger.error(
            "%s: %s (%s, %s)",
            f"Run Id {calls[0].run_id}: Failed to log run data"
            if calls[0].trace is None
            else "Failed to log traces",
            told(error).strip(),
            "1 call" if len(calls) == 1 else f"{len(calls)} calls",
            where,
        )

    def _append(self, calls: Iterable[Call], reason: str) -> None:
        about = {"store": self._store, "reason": reason}
        lines = [{**about, "sequence": c.end, **c.as_json()} for c in calls]
        text = "".join(json.dumps(line, default=repr) + "\n" for line in lines)
        with open(str(self.path), "a", encoding="utf-8", opener=_private) as file:
            file.write(text)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def read_refused(path: str) -> list[dict[str, Any]]:
    """The lines of a file of refused calls; empty if there is none."""
    found = []
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    found.append(json.loads(line))
                except ValueError:  # cut off by a crash
                    continue
    except FileNotFoundError:
        pass
    return [line for line in found if isinstance(line, dict)]


def _by_run(calls: Iterable[Call]) -> list[list[Call]]:
    groups: dict[str, list[Call]] = {}
    for call in calls:
        groups.setdefault(call.run_id, []).append(call)
    return list(groups.values())


def _packed(calls: Iterable[Call]) -> list[list[Call]]:
    """The calls of a run in as few batches as the limits allow, in order."""
    batches: list[list[Call]] = []
    metrics = params = tags = size = MAX_ENTITIES_PER_BATCH + 1
    keys: set[str] = set()
    for call in calls:
        metrics += len(call.metrics)
        size += call.end - call.start
        fits = metrics + params + tags <= MAX_ENTITIES_PER_BATCH and size <= _BATCH_BYTES
        if call.params or call.tags or call.ending:
            params += len(call.params)
            tags += len(call.tags)
            fits = (
                fits
                and params <= MAX_PARAMS_TAGS_PER_BATCH
                and tags <= MAX_PARAMS_TAGS_PER_BATCH
                and metrics + params + tags <= MAX_ENTITIES_PER_BATCH
                and not call.ending
                and keys.isdisjoint(p.key for p in call.params)  # a batch names a param once
            )
        if not fits or batches[-1][0].ending:
            batches.append([])
            metrics, params, tags = len(call.metrics), len(call.params), len(call.tags)
            size = call.end - call.start
            keys.clear()
        if call.params:
            keys.update(p.key for p in call.params)
        batches[-1].append(call)
    return batches
