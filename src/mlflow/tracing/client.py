"""Operations on the traces of one tracking store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from mlflow.entities.trace import Trace
from mlflow.entities.trace_data import TraceData
from mlflow.exceptions import (
    MlflowException,
    MlflowNotImplementedException,
    MlflowTraceDataNotFound,
)
from mlflow.store.entities.paged_list import PagedList
from mlflow.tracing import files
from mlflow.tracing.constant import TraceMetadataKey
from mlflow.tracing.trace_manager import InMemoryTraceManager

if TYPE_CHECKING:
    from mlflow.entities.assessment import Assessment
    from mlflow.entities.experiment import Experiment
    from mlflow.entities.model_registry.prompt_version import PromptVersion
    from mlflow.entities.span import Span
    from mlflow.entities.trace_info import TraceInfo
    from mlflow.store.tracking.abstract_store import AbstractStore

_logger = logging.getLogger(__name__)

_BATCH = 100
_DOWNLOADS = 10
"""Files at once."""


class TracingClient:
    """The part of a client that is about traces.

    Args:
        tracking_uri: As for `set_tracking_uri`; None for the current one.
    """

    def __init__(self, tracking_uri: str | None = None):
        from mlflow.tracking._tracking_service.utils import _get_store, _resolve_tracking_uri

        self.tracking_uri = _resolve_tracking_uri(tracking_uri)
        self._store = _get_store(self.tracking_uri)

    @property
    def store(self) -> AbstractStore:
        """The store that keeps them."""
        return self._store

    def start_trace(self, trace_info: TraceInfo) -> TraceInfo:
        """Keep what is known of a trace beside its spans."""
        return self._store.start_trace(trace_info)

    def log_spans(self, location: str, spans: list[Span]) -> list[Span]:
        """Keep spans.

        Args:
            location: The id of an experiment.
        """
        return self._store.log_spans(location, spans)

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
            MlflowException: INVALID_PARAMETER_VALUE if not exactly one of the two is given, or
                `max_traces` with `trace_ids` or less than 1.
        """
        return self._store.delete_traces(
            experiment_id=experiment_id,
            max_timestamp_millis=max_timestamp_millis,
            max_traces=max_traces,
            trace_ids=trace_ids,
        )

    def get_trace_info(self, trace_id: str) -> TraceInfo:
        """A trace without its spans; MlflowException RESOURCE_DOES_NOT_EXIST if there is none."""
        return self._when_stored(lambda: self._store.get_trace_info(trace_id))

    def get_trace(self, trace_id: str) -> Trace:
        """A trace with its spans. One that this process logged and that is still on its way is
        waited for.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if there is none; another code if some of its
                spans are missing.
        """
        try:
            return self._read_trace(trace_id)
        except MlflowException:
            if not self.flush():
                raise
        return self._read_trace(trace_id)

    def _read_trace(self, trace_id: str) -> Trace:
        try:
            return self._store.get_trace(trace_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                raise
            info = self._store.get_trace_info(trace_id)
            if files.are_in_store(info):
                raise
        experiment = self._store.get_experiment(str(info.experiment_id))
        return Trace(info, files.read_spans(self._store, experiment, info))

    def flush(self) -> bool:
        """Wait until the traces that this process logged to the store are stored; whether there
        were any."""
        import sys

        module = sys.modules.get("mlflow.utils.async_logging.async_logging_queue")
        queue = module and module._trace_queues.get(self._store)
        if not queue or not queue.waiting():
            return False
        queue.flush()
        return True

    def get_online_trace_details(
        self, trace_id: str, source_inference_table: str, source_databricks_request_id: str
    ) -> str:
        """Not available: inference tables belong to Databricks."""
        raise MlflowNotImplementedException(
            "Inference tables belong to Databricks, which Headrace does not talk to."
        )

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
    ) -> PagedList[Trace]:
        """One page of the traces that match.

        Args:
            experiment_ids: The old name of `locations`: ids of experiments.
            filter_string: Such as `status = 'ERROR' AND tags.env = 'test'`.
            max_results: 1 to 500.
            order_by: Such as `["timestamp_ms DESC"]`, which is the default.
            run_id: Only traces of this run.
            include_spans: Without them it is quicker.
            model_id: Only traces of this logged model.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE for a filter, order, number or token that is
                not valid; RESOURCE_DOES_NOT_EXIST if there is no such run.
        """
        where = _locations(locations, experiment_ids)
        conditions = [filter_string] if filter_string else []
        if run_id is not None:
            self._store.get_run(run_id)
            conditions.append(f"attribute.run_id = '{run_id}'")
        if model_id is not None:  # as a condition, so that any server understands it
            conditions.append(f"request_metadata.`{TraceMetadataKey.MODEL_ID}` = '{model_id}'")
        infos, token = self._store.search_traces(
            experiment_ids=None,
            filter_string=" AND ".join(conditions) or None,
            max_results=max_results,
            order_by=order_by,
            page_token=page_token,
            locations=where,
        )
        if not include_spans:
            return PagedList([Trace(info, TraceData(spans=[])) for info in infos], token)
        return PagedList(self._with_spans(infos), token)

    def _with_spans(self, infos: Sequence[TraceInfo]) -> list[Trace]:
        """Those that are still there. Where no spans can be had, there are none."""
        ids = [info.trace_id for info in infos if files.are_in_store(info)]
        found: dict[str, Trace] = {}
        for n in range(0, len(ids), _BATCH):
            for trace in self._store.batch_get_traces(ids[n : n + _BATCH]):
                found[trace.info.trace_id] = trace
        others = [info for info in infos if not files.are_in_store(info)]
        if others:
            experiment = cache(self._store.get_experiment)  # that of all is mostly the same
            with ThreadPoolExecutor(_DOWNLOADS, thread_name_prefix="mlflow-spans") as pool:
                for info, data in zip(others, pool.map(partial(self._in_file, experiment), others)):
                    found[info.trace_id] = Trace(info, data)
        return [found[info.trace_id] for info in infos if info.trace_id in found]

    def _in_file(self, experiment: Callable[[str], Experiment], info: TraceInfo) -> TraceData:
        if files.may_be_in_file(info):
            try:
                return files.read_spans(self._store, experiment(str(info.experiment_id)), info)
            except Exception as error:  # whatever a client of an object store raises
                if not isinstance(error.__cause__, MlflowTraceDataNotFound):
                    _logger.warning("Spans of trace %s cannot be read: %s", info.trace_id, error)
        return TraceData(spans=[])

    def batch_get_traces(self, trace_ids: list[str], location: str | None = None) -> list[Trace]:
        """Traces with their spans; those that are not there are left out."""
        return self._store.batch_get_traces(trace_ids, location)

    def calculate_trace_filter_correlation(
        self,
        experiment_ids: list[str],
        filter_string1: str,
        filter_string2: str,
        base_filter: str | None = None,
    ) -> Any:
        """How two filters go together: a TraceFilterCorrelationResult."""
        return self._store.calculate_trace_filter_correlation(
            experiment_ids=experiment_ids,
            filter_string1=filter_string1,
            filter_string2=filter_string2,
            base_filter=base_filter,
        )

    def set_trace_tags(self, trace_id: str, tags: dict[str, str]) -> None:
        """Set several, one after the other."""
        for key, value in tags.items():
            self.set_trace_tag(trace_id, key, value)

    def set_trace_tag(self, trace_id: str, key: str, value: str) -> None:
        """Set a tag of a trace, also of one that has not ended."""
        trace = InMemoryTraceManager.get_instance().named(trace_id)
        if trace is not None:
            trace.info.tags[key] = str(value)
            return
        self._when_stored(lambda: self._store.set_trace_tag(trace_id, str(key), str(value)))

    def delete_trace_tag(self, trace_id: str, key: str) -> None:
        """Remove a tag; MlflowException RESOURCE_DOES_NOT_EXIST if it is not set."""
        trace = InMemoryTraceManager.get_instance().named(trace_id)
        if trace is not None:
            if key not in trace.info.tags:
                raise MlflowException(
                    f"No tag with name: {key} in trace with ID {trace_id}",
                    error_code="RESOURCE_DOES_NOT_EXIST",
                )
            del trace.info.tags[key]
            return
        self._when_stored(lambda: self._store.delete_trace_tag(trace_id, key))

    def _when_stored(self, call: Any) -> Any:
        """Call this; once more if that failed, and the trace may have been on its way."""
        try:
            return call()
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST" or not self.flush():
                raise
        return call()

    # Assessments

    def get_assessment(self, trace_id: str, assessment_id: str) -> Assessment:
        """An assessment; MlflowException RESOURCE_DOES_NOT_EXIST if there is none."""
        return self._store.get_assessment(trace_id, assessment_id)

    def log_assessment(self, trace_id: str, assessment: Assessment) -> Assessment:
        """Add an assessment to a trace; as it is then, with its id."""
        assessment.trace_id = trace_id
        return self._when_stored(lambda: self._store.create_assessment(assessment))

    def update_assessment(
        self, trace_id: str, assessment_id: str, assessment: Assessment
    ) -> Assessment:
        """Change name, value, rationale and metadata to those of `assessment`; what is None there
        stays."""
        return self._store.update_assessment(
            trace_id=trace_id,
            assessment_id=assessment_id,
            name=assessment.name,
            expectation=assessment.expectation,
            feedback=assessment.feedback,
            rationale=assessment.rationale,
            metadata=assessment.metadata,
        )

    def delete_assessment(self, trace_id: str, assessment_id: str) -> None:
        """Delete an assessment; what it replaced is valid again."""
        self._store.delete_assessment(trace_id, assessment_id)

    # Links

    def link_prompt_versions_to_trace(
        self, trace_id: str, prompts: Sequence[PromptVersion]
    ) -> None:
        """Note that a trace used these versions of prompts."""
        self._when_stored(lambda: self._store.link_prompts_to_trace(trace_id, prompts))


def _locations(locations: Any, experiment_ids: Any) -> list[str]:
    """Where to look; both are names of the same."""
    if locations is not None and experiment_ids is not None:
        raise MlflowException.invalid_parameter_value(
            "`experiment_ids` is the old name of `locations`: only one of them can be given."
        )
    where = locations if locations is not None else experiment_ids
    if where is not None and not isinstance(where, (list, tuple)):
        raise MlflowException.invalid_parameter_value(
            f"locations must be a list, got {type(where).__name__}. Did you mean to use "
            f"locations=[{where!r}]?"
        )
    for place in where or ():
        if not str(place).isdigit():
            raise MlflowException.invalid_parameter_value(
                f"Location '{place}' is no id of an experiment. Catalogs and schemas belong to "
                "Databricks."
            )
    return [str(place) for place in where or ()]
