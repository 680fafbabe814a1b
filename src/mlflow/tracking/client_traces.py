"""The client's methods for traces."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlflow.exceptions import MlflowException

if TYPE_CHECKING:
    from mlflow.entities.link import Link
    from mlflow.entities.span import Span
    from mlflow.entities.span_status import SpanStatus
    from mlflow.entities.trace import Trace
    from mlflow.store.entities.paged_list import PagedList
    from mlflow.tracing.client import TracingClient


class TracesClient:
    """Base of `MlflowClient`."""

    _store: Any
    _tracking_uri: str

    @cached_property
    def _tracing_client(self) -> TracingClient:
        from mlflow.tracing.client import TracingClient

        return TracingClient(self._tracking_uri)

    def start_trace(
        self,
        name: str,
        span_type: str = "UNKNOWN",
        inputs: Any | None = None,
        attributes: dict[str, str] | None = None,
        tags: dict[str, str] | None = None,
        experiment_id: str | None = None,
        start_time_ns: int | None = None,
        run_id: str | None = None,
        links: list[Link] | None = None,
    ) -> Span:
        """The root span of a new trace, which `end_trace` ends; `mlflow.start_span_no_context` does
        the same with fewer ids.

        Args:
            tags: Of the trace.
            run_id: The run that it belongs to; None for the active one.

        Raises:
            MlflowException: BAD_REQUEST inside of a span that is current.
        """
        from mlflow.tracing import fluent
        from mlflow.tracing.spans import begin, keep

        current = fluent.get_active_trace_id()
        if current is not None:
            raise MlflowException(
                f"Another trace is already set in the global context with ID {current}. Spans "
                "that are started inside of `mlflow.trace` or `mlflow.start_span` belong to it: "
                "use `mlflow.start_span` here.",
                error_code="BAD_REQUEST",
            )
        span = begin(
            name,
            span_type,
            attributes,
            parent=None,
            experiment_id=experiment_id,
            start_time_ns=start_time_ns,
            links=links,
            tags=tags,
            run_id=run_id,
        )
        if inputs is not None:
            keep(span.set_inputs, inputs)
        return span

    def end_trace(
        self,
        trace_id: str,
        outputs: Any | None = None,
        attributes: dict[str, Any] | None = None,
        status: SpanStatus | str = "OK",
        end_time_ns: int | None = None,
    ) -> None:
        """End the root span of a trace, and so the trace.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if there is no such trace that runs.
        """
        manager = _manager()
        root_id = manager.get_root_span_id(trace_id)
        if root_id is None:
            if trace_id == _no_op_id():
                return
            self._tracing_client.get_trace_info(trace_id)  # raises if there is none at all
            raise MlflowException(
                f"Trace with ID {trace_id} already finished.", error_code="INVALID_PARAMETER_VALUE"
            )
        self.end_span(trace_id, root_id, outputs, attributes, status, end_time_ns)

    def start_span(
        self,
        name: str,
        trace_id: str,
        parent_id: str,
        span_type: str = "UNKNOWN",
        inputs: Any | None = None,
        attributes: dict[str, Any] | None = None,
        start_time_ns: int | None = None,
        links: list[Link] | None = None,
    ) -> Span:
        """A new span of a trace that runs, which `end_span` ends.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE without `parent_id`; RESOURCE_DOES_NOT_EXIST
                if there is no such parent.
        """
        from mlflow.entities.span import NoOpSpan
        from mlflow.tracing.spans import begin, keep

        if trace_id == _no_op_id():
            return NoOpSpan()
        if not parent_id:
            raise MlflowException.invalid_parameter_value(
                "start_span() must be called with an explicit parent_id. `start_trace` starts a "
                "trace and its root span."
            )
        parent = _manager().get_span_from_id(trace_id, parent_id)
        if parent is None:
            raise MlflowException(
                f"Parent span with ID '{parent_id}' not found.",
                error_code="RESOURCE_DOES_NOT_EXIST",
            )
        span = begin(
            name,
            span_type,
            attributes,
            parent=parent._span,
            start_time_ns=start_time_ns,
            links=links,
        )
        if inputs is not None:
            keep(span.set_inputs, inputs)
        return span

    def end_span(
        self,
        trace_id: str,
        span_id: str,
        outputs: Any | None = None,
        attributes: dict[str, Any] | None = None,
        status: SpanStatus | str = "OK",
        end_time_ns: int | None = None,
    ) -> None:
        """End a span of a trace that runs; nothing if there is none."""
        span = _manager().get_span_from_id(trace_id, span_id)
        if span is not None:
            span.end(outputs=outputs, attributes=attributes, status=status, end_time_ns=end_time_ns)

    def get_trace(self, trace_id: str, display: bool = True, flush: bool = False) -> Trace:
        """A trace with its spans.

        Args:
            display: Show it in a notebook, below the cell that runs.
            flush: First wait until everything that this process logged is stored.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if there is none.
        """
        if flush:
            self._tracing_client.flush()
        trace = self._tracing_client.get_trace(trace_id)
        if display:
            from mlflow.tracing.display import note, watch_cells

            watch_cells()
            note(trace.info)
        return trace

    def search_traces(
        self,
        experiment_ids: list[str] | None = None,
        filter_string: str | None = None,
        max_results: int = 100,
        order_by: list[str] | None = None,
        page_token: str | None = None,
        run_id: str | None = None,
        include_spans: bool = True,
        model_id: str | None = None,
        locations: list[str] | None = None,
        flush: bool = False,
    ) -> PagedList[Trace]:
        """One page of the traces that match.

        Args:
            experiment_ids: The old name of `locations`: ids of experiments.
            filter_string: Such as `trace.status = 'ERROR' AND tags.env = 'test'`.
            max_results: 1 to 500.
            order_by: Such as `["timestamp_ms DESC"]`, which is the default.
            run_id: Only traces of this run.
            include_spans: Without them it is quicker.
            model_id: Only traces of this logged model.
            flush: First wait until everything that this process logged is stored.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE for a filter, order, number or token that is
                not valid; RESOURCE_DOES_NOT_EXIST if there is no such run.
        """
        if flush:
            self._tracing_client.flush()
        return self._tracing_client.search_traces(
            experiment_ids=experiment_ids,
            filter_string=filter_string,
            max_results=max_results,
            order_by=order_by,
            page_token=page_token,
            run_id=run_id,
            include_spans=include_spans,
            model_id=model_id,
            locations=locations,
        )

    def delete_traces(
        self,
        experiment_id: str,
        max_timestamp_millis: int | None = None,
        max_traces: int | None = None,
        trace_ids: list[str] | None = None,
    ) -> int:
        """Delete traces; how many.

        Args:
            max_timestamp_millis: Those that began until then, oldest first; or else
            trace_ids: these.
            max_traces: How many at most; only with `max_timestamp_millis`.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if not exactly one of the two is given.
        """
        return self._tracing_client.delete_traces(
            experiment_id=experiment_id,
            max_timestamp_millis=max_timestamp_millis,
            max_traces=max_traces,
            trace_ids=trace_ids,
        )

    def set_trace_tag(self, trace_id: str, key: str, value: str) -> None:
        """Set a tag of a trace, also of one that has not ended."""
        self._tracing_client.set_trace_tag(trace_id, key, value)

    def delete_trace_tag(self, trace_id: str, key: str) -> None:
        """Remove a tag; MlflowException RESOURCE_DOES_NOT_EXIST if it is not set."""
        self._tracing_client.delete_trace_tag(trace_id, key)

    def link_traces_to_run(self, trace_ids: list[str], run_id: str) -> None:
        """Let traces belong to a run, too.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE for more than 100 traces or an empty run id.
        """
        _check_links(trace_ids, run_id)
        if trace_ids:
            self._tracing_client.flush()
            self._store.link_traces_to_run(trace_ids, run_id)

    def unlink_traces_from_run(self, trace_ids: list[str], run_id: str) -> None:
        """Take that back.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE for more than 100 traces or an empty run id.
        """
        _check_links(trace_ids, run_id)
        if trace_ids:
            self._store.unlink_traces_from_run(trace_ids, run_id)

    def link_prompt_versions_to_trace(self, prompt_versions: list[Any], trace_id: str) -> None:
        """Note that a trace used these versions of prompts.

        Args:
            prompt_versions: Values with a `name` and a `version`.
        """
        self._tracing_client.link_prompt_versions_to_trace(trace_id, prompt_versions)


_MOST_LINKED = 100


def _check_links(trace_ids: list[str], run_id: str) -> None:
    if not run_id:
        raise MlflowException.invalid_parameter_value("run_id cannot be empty")
    if len(trace_ids) > _MOST_LINKED:
        raise MlflowException.invalid_parameter_value(
            f"Cannot link more than {_MOST_LINKED} traces to a run in a single request. Provided "
            f"{len(trace_ids)} traces."
        )


def _manager() -> Any:
    from mlflow.tracing.trace_manager import InMemoryTraceManager

    return InMemoryTraceManager.get_instance()


def _no_op_id() -> str:
    from mlflow.entities.span import NO_OP_SPAN_TRACE_ID

    return NO_OP_SPAN_TRACE_ID
