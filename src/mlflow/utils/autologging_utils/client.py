"""A client that collects what is to be logged to several runs and sends it in few requests."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from mlflow.entities import Metric, Param, RunTag
from mlflow.entities.dataset_input import DatasetInput
from mlflow.exceptions import MlflowException
from mlflow.utils import chunk_list
from mlflow.utils.time import get_current_time_millis
from mlflow.utils.validation import (
    MAX_DATASETS_PER_BATCH,
    MAX_ENTITIES_PER_BATCH,
    MAX_ENTITY_KEY_LENGTH,
    MAX_METRICS_PER_BATCH,
    MAX_PARAM_VAL_LENGTH,
    MAX_PARAMS_TAGS_PER_BATCH,
    MAX_TAG_VAL_LENGTH,
)

if TYPE_CHECKING:
    from mlflow.data.dataset import Dataset

_logger = logging.getLogger(__name__)


class PendingRunId:
    """Stands for a run that `flush` is yet to make."""


class RunOperations:
    """What `flush` sent, or is sending."""

    def __init__(self, operation_futures: list[Future[Any]]):
        self._futures = operation_futures

    def await_completion(self) -> None:
        """Wait until all is stored.

        Raises:
            MlflowException: Something was not stored; the message says what, and why.
        """
        failures = [error for future in self._futures if (error := future.exception())]
        if failures:
            raise MlflowException(
                "The following failures occurred while performing one or more logging "
                f"operations: {failures}"
            )


class _Pending:
    """What is to be done with one run, in the order of the fields."""

    def __init__(self) -> None:
        self.create: dict[str, Any] | None = None
        self.params: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.metrics: list[Metric] = []
        self.datasets: list[DatasetInput] = []
        self.terminate: dict[str, Any] | None = None


_threads: ThreadPoolExecutor | None = None


def _pool() -> ThreadPoolExecutor:
    global _threads
    if _threads is None:
        _threads = ThreadPoolExecutor(
            max_workers=2 * (os.cpu_count() or 1), thread_name_prefix="autologging"
        )
    return _threads


def _forget_pool() -> None:
    global _threads
    _threads = None


if hasattr(os, "register_at_fork"):  # the threads of a pool do not come along
    os.register_at_fork(after_in_child=_forget_pool)


class MlflowAutologgingQueueingClient:
    """Nothing is sent before `flush()`, which leaving its `with` block without an error does.

    Args:
        tracking_uri: None for the current one.
    """

    def __init__(self, tracking_uri: str | None = None):
        from mlflow.tracking.client import MlflowClient

        self._client = MlflowClient(tracking_uri)
        self._pending: dict[str | PendingRunId, _Pending] = {}

    def __enter__(self) -> MlflowAutologgingQueueingClient:
        return self

    def __exit__(self, exc_type: Any, exc: Any, traceback: Any) -> None:
        if exc is None:
            self.flush(synchronous=True)

    def _of(self, run_id: str | PendingRunId) -> _Pending:
        return self._pending.setdefault(run_id, _Pending())

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: dict[str, Any] | None = None,
        run_name: str | None = None,
    ) -> PendingRunId:
        """What stands for the new run in the other methods.

        Args:
            start_time: Milliseconds since the Unix epoch; None for now.
        """
        run_id = PendingRunId()
        self._of(run_id).create = {
            "experiment_id": experiment_id,
            "start_time": start_time or get_current_time_millis(),
            "tags": fitting(tags or {}, MAX_TAG_VAL_LENGTH),
            "run_name": run_name,
        }
        return run_id

    def set_terminated(
        self, run_id: str | PendingRunId, status: str | None = None, end_time: int | None = None
    ) -> None:
        """End a run, after all else is stored.

        Args:
            status: "FINISHED", "FAILED" or "KILLED"; None for "FINISHED".
            end_time: Milliseconds since the Unix epoch; None for now.
        """
        end_time = end_time or get_current_time_millis()
        self._of(run_id).terminate = {"status": status, "end_time": end_time}

    def log_params(self, run_id: str | PendingRunId, params: dict[str, Any]) -> None:
        """Add params; what is too long is cut, with a warning."""
        self._of(run_id).params |= fitting(params, MAX_PARAM_VAL_LENGTH)

    def log_inputs(self, run_id: str | PendingRunId, datasets: list[DatasetInput] | None) -> None:
        """Add datasets that the run read."""
        self._of(run_id).datasets += datasets or []

    def log_metrics(
        self,
        run_id: str | PendingRunId,
        metrics: dict[str, float],
        step: int | None = None,
        dataset: Dataset | None = None,
        model_id: str | None = None,
    ) -> None:
        """Add one value each.

        Args:
            step: None for 0.
            dataset: What was measured on.
            model_id: The logged model that was measured.
        """
        moment = get_current_time_millis()
        name = dataset.name if dataset is not None else None
        digest = dataset.digest if dataset is not None else None
        self._of(run_id).metrics += [
            Metric(key[:MAX_ENTITY_KEY_LENGTH], value, moment, step or 0, model_id, name, digest)
            for key, value in metrics.items()
        ]

    def set_tags(self, run_id: str | PendingRunId, tags: dict[str, Any]) -> None:
        """Add tags; what is too long is cut, with a warning."""
        self._of(run_id).tags |= fitting(tags, MAX_TAG_VAL_LENGTH)

    def flush(self, synchronous: bool = True) -> RunOperations:
        """Send all.

        Args:
            synchronous: Wait until it is stored; else what is returned can be waited for.

        Raises:
            MlflowException: Something was not stored, and we waited.
        """
        pending, self._pending = self._pending, {}
        futures: list[Future[Any]] = []
        for run_id, operations in pending.items():
            if synchronous:
                futures.append(_done(self._send, run_id, operations))
            else:
                futures.append(_pool().submit(self._send, run_id, operations))
        sent = RunOperations(futures)
        if synchronous:
            sent.await_completion()
        return sent

    def _send(self, run_id: str | PendingRunId, pending: _Pending) -> None:
        failures: list[Exception] = []
        if isinstance(run_id, PendingRunId):
            if pending.create is None:  # it was made by a flush before, which this does not know
                raise MlflowException("A run that was to be made has been sent already.")
            run_id = self._client.create_run(**pending.create).info.run_id
        for batch in _batches(pending):
            _attempt(failures, self._client.log_batch, run_id, *batch, synchronous=True)
        for datasets in chunk_list(pending.datasets, MAX_DATASETS_PER_BATCH):
            _attempt(failures, self._client.log_inputs, run_id, datasets)
        if pending.terminate:
            _attempt(failures, self._client.set_terminated, run_id, **pending.terminate)
        if failures:
            raise MlflowException(
                f"Failed to perform one or more operations on the run with ID {run_id}. "
                f"Failed operations: {failures}"
            )


def _done(function: Callable[..., Any], *args: Any) -> Future[Any]:
    future: Future[Any] = Future()
    try:
        future.set_result(function(*args))
    except Exception as error:
        future.set_exception(error)
    return future


def _attempt(
    failures: list[Exception], function: Callable[..., Any], *args: Any, **kwargs: Any
) -> None:
    try:
        function(*args, **kwargs)
    except Exception as error:
        failures.append(error)


def _batches(pending: _Pending) -> list[tuple[list[Metric], list[Param], list[RunTag]]]:
    """As few batches as the limits of one allow."""
    metrics = list(pending.metrics)
    params = [Param(key, value) for key, value in pending.params.items()]
    tags = [RunTag(key, value) for key, value in pending.tags.items()]
    batches = []
    while metrics or params or tags:
        some_params, params = _split(params, MAX_PARAMS_TAGS_PER_BATCH)
        some_tags, tags = _split(tags, MAX_PARAMS_TAGS_PER_BATCH)
        room = MAX_ENTITIES_PER_BATCH - len(some_params) - len(some_tags)
        some_metrics, metrics = _split(metrics, min(room, MAX_METRICS_PER_BATCH))
        batches.append((some_metrics, some_params, some_tags))
    return batches


def _split(items: list[Any], size: int) -> tuple[list[Any], list[Any]]:
    return items[:size], items[size:]


def fitting(values: dict[str, Any], longest: int, *, warn: bool = True) -> dict[str, str]:
    """As text, with keys and values cut to what may be stored.

    Args:
        longest: Characters of a value.
    """
    warning = _logger.warning if warn else _logger.debug
    fitting = {}
    for key, value in values.items():
        key, text = str(key), str(value)
        if len(key) > MAX_ENTITY_KEY_LENGTH:
            key = key[: MAX_ENTITY_KEY_LENGTH - 3] + "..."
            warning("Truncated the key `%s`", key)
        if len(text) > longest:
            warning(
                "Truncated the value of the key `%s`. It has %d characters; %d can be stored.",
                key,
                len(text),
                longest,
            )
            text = text[: longest - 3] + "..."
        fitting[key] = text
    return fitting
