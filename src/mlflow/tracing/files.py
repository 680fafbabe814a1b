"""Files of traces: attachments of spans; and the spans themselves, where clients of old put them
instead of into the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlflow.entities.trace_data import TraceData
from mlflow.entities.trace_state import TraceState
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException, MlflowTraceDataNotFound
from mlflow.tracing.constant import TraceTagKey
from mlflow.utils.uri import append_to_uri_path

if TYPE_CHECKING:
    from mlflow.entities.experiment import Experiment
    from mlflow.entities.trace_info import TraceInfo
    from mlflow.store.artifact.artifact_repo import ArtifactRepository
    from mlflow.store.tracking.abstract_store import AbstractStore


def repository_of(
    store: AbstractStore, experiment: Experiment, trace_id: str
) -> ArtifactRepository:
    """Where the files of a trace are. The experiment says so, and never a tag: anybody may write
    those."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    creds = getattr(store, "get_host_creds", None)
    uri = append_to_uri_path(experiment.artifact_location, "traces", trace_id, "artifacts")
    return get_artifact_repository(uri, tracking_uri=creds().host if creds else None)


def are_in_store(info: TraceInfo) -> bool:
    """Whether the store has the spans of a trace."""
    return TraceTagKey.SPANS_LOCATION in info.tags


def may_be_in_file(info: TraceInfo) -> bool:
    """Whether the spans of a trace may be in a file, which is written when it has ended."""
    return not are_in_store(info) and info.state is not TraceState.IN_PROGRESS


def read_spans(store: AbstractStore, experiment: Experiment, info: TraceInfo) -> TraceData:
    """The spans of a trace of this experiment whose file has them.

    Raises:
        MlflowException: BAD_REQUEST if there is no such file, or it cannot be read.
    """
    repository = repository_of(store, experiment, info.trace_id)
    try:
        return TraceData.from_dict(repository.download_trace_data())
    except MlflowTraceDataNotFound as error:
        raise _unreadable(info, "the store has no spans of it, nor a file with some") from error
    except (MlflowException, TypeError) as error:
        raise _unreadable(info, "the file with its spans is damaged") from error


def _unreadable(info: TraceInfo, why: str) -> MlflowException:
    return MlflowException(
        f"Trace with ID {info.trace_id} cannot be loaded: {why}.",
        error_code=CODES["BAD_REQUEST"],
    )
