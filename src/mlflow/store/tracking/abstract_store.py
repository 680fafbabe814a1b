"""The contract that every tracking store keeps, plug-ins included; its topics are in
`store/tracking/base/`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlflow.entities import Metric, Param, RunTag
from mlflow.store.tracking.base.changes import Watching
from mlflow.store.tracking.base.experiments import Experiments
from mlflow.store.tracking.base.inputs import Inputs
from mlflow.store.tracking.base.logged_models import LoggedModels
from mlflow.store.tracking.base.metrics import Metrics
from mlflow.store.tracking.base.overview import Overview
from mlflow.store.tracking.base.runs import Runs
from mlflow.store.tracking.base.trace_overview import TraceOverview
from mlflow.store.tracking.base.traces import Traces
from mlflow.store.tracking.base.transfer import Transfer


class AbstractStore(
    Experiments,
    Runs,
    Metrics,
    Inputs,
    LoggedModels,
    Traces,
    Transfer,
    Overview,
    TraceOverview,
    Watching,
):
    """A tracking store. The `*_async` methods return at once, with the call in a journal that
    survives the end of the process; it is stored in the background, in order."""

    #: The URI by which another process opens this store; None if none can.
    _uri: str | None = None
    #: Where the `*_async` methods put calls, once one was used; None in a store with methods of its
    #: own.
    _queue: Any = None

    def __init__(self) -> None:
        super().__init__()

    @property
    def supports_workspaces(self) -> bool:
        """Whether experiments can be kept apart in workspaces."""
        return False

    def log_metric_async(self, run_id: str, metric: Metric) -> Any:
        return self.log_batch_async(run_id, metrics=[metric], params=[], tags=[])

    def log_param_async(self, run_id: str, param: Param) -> Any:
        return self.log_batch_async(run_id, metrics=[], params=[param], tags=[])

    def set_tag_async(self, run_id: str, tag: RunTag) -> Any:
        return self.log_batch_async(run_id, metrics=[], params=[], tags=[tag])

    def log_batch_async(
        self,
        run_id: str,
        metrics: Sequence[Metric],
        params: Sequence[Param],
        tags: Sequence[RunTag],
    ) -> Any:
        """A RunOperations whose `.wait()` returns once the batch is stored, or raises why not."""
        return self._async_queue().submit(run_id, metrics, params, tags)

    def flush_async_logging(self) -> None:
        """Wait until what was logged asynchronously is stored."""
        self._async_queue().flush()

    def end_async_logging(self) -> None:
        """Wait until it is stored; later asynchronous calls start anew."""
        self._async_queue().flush()

    def shut_down_async_logging(self) -> None:
        """Wait until it is stored, and stop the background thread."""
        self._async_queue().shutdown()

    def _async_queue(self) -> Any:
        if self._queue is not None:
            return self._queue
        from mlflow.utils.async_logging.async_logging_queue import queue_for

        queue = queue_for(self)
        methods = ("log_metric_async", "log_batch_async")
        if all(getattr(type(self), m) is getattr(AbstractStore, m) for m in methods):
            self._queue = queue
        return queue
