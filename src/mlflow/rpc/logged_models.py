"""RPCs of logged models."""

from __future__ import annotations

from typing import Any, Literal

from mlflow import entities as e
from mlflow.exceptions import MlflowException
from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.nouns import Metric, Tag
from mlflow.rpc.wire import Int64, Needed, Wire

_PAGE = 50
_UNSPECIFIED = "LOGGED_MODEL_STATUS_UNSPECIFIED"
STATUS_NAMES = {
    e.LoggedModelStatus.UNSPECIFIED: _UNSPECIFIED,
    e.LoggedModelStatus.PENDING: "LOGGED_MODEL_PENDING",
    e.LoggedModelStatus.READY: "LOGGED_MODEL_READY",
    e.LoggedModelStatus.FAILED: "LOGGED_MODEL_UPLOAD_FAILED",
}
StatusName = Literal[
    "LOGGED_MODEL_STATUS_UNSPECIFIED",
    "LOGGED_MODEL_PENDING",
    "LOGGED_MODEL_READY",
    "LOGGED_MODEL_UPLOAD_FAILED",
]
_STATUSES = {name: status for status, name in STATUS_NAMES.items()}


class LoggedModelRegistration(Wire):
    """A version of a registered model that a logged model became."""

    name: str | None = None
    version: str | None = None


class LoggedModelInfo(Wire, kw_only=True):
    """What a logged model is."""

    model_id: str
    experiment_id: str | None = None
    name: str | None = None
    creation_timestamp_ms: Int64 | None = None
    last_updated_timestamp_ms: Int64 | None = None
    artifact_uri: str | None = None
    status: StatusName | None = None
    creator_id: Int64 | None = None
    model_type: str | None = None
    source_run_id: str | None = None
    status_message: str | None = None
    tags: list[Tag] = []
    registrations: list[LoggedModelRegistration] = []


class LoggedModelData(Wire):
    """What was logged about a logged model."""

    params: list[Tag] = []
    metrics: list[Metric] = []


class LoggedModel(Wire):
    """A logged model."""

    info: LoggedModelInfo
    data: LoggedModelData | None = None

    @classmethod
    def of(cls, m: e.LoggedModel) -> LoggedModel:
        return cls(
            info=LoggedModelInfo(
                model_id=m.model_id,
                experiment_id=m.experiment_id,
                name=m.name,
                creation_timestamp_ms=m.creation_timestamp,
                last_updated_timestamp_ms=m.last_updated_timestamp,
                artifact_uri=m.artifact_location,
                status=STATUS_NAMES[m.status],
                model_type=m.model_type,
                source_run_id=m.source_run_id,
                status_message=m.status_message,
                tags=_pairs(m.tags),
            ),
            data=LoggedModelData(
                params=_pairs(m.params),
                metrics=[Metric.of(x, with_run_id=True) for x in m.metrics or ()],
            ),
        )

    def entity(self) -> e.LoggedModel:
        info, data = self.info, self.data or LoggedModelData()
        return e.LoggedModel(
            info.experiment_id or "",
            info.model_id,
            info.name or "",
            info.artifact_uri or "",
            info.creation_timestamp_ms or 0,
            info.last_updated_timestamp_ms or 0,
            info.model_type,
            info.source_run_id,
            _STATUSES.get(info.status or _UNSPECIFIED, e.LoggedModelStatus.UNSPECIFIED),
            info.status_message,
            {t.key or "": t.value or "" for t in info.tags},
            {p.key or "": p.value or "" for p in data.params},
            [x.entity() for x in data.metrics],
        )


class LoggedModelAnswer(Wire):
    model: LoggedModel


class LoggedModelPage(Wire):
    models: list[LoggedModel] = []
    next_page_token: str | None = None
    """Absent on the last page."""


@rpc(
    "POST",
    "/mlflow/logged-models",
    needs=("experiment", "edit"),
    response=LoggedModelAnswer,
)
class CreateLoggedModel(Rpc, kw_only=True):
    """Make a logged model, in state PENDING."""

    experiment_id: Needed
    name: str | None = None
    """Absent or empty for a random one."""
    model_type: str | None = None
    source_run_id: str | None = None
    params: list[Tag] = []
    tags: list[Tag] = []

    def answer(self, store) -> LoggedModelAnswer:
        made = store.create_logged_model(
            self.experiment_id,
            self.name or None,
            self.source_run_id or "",
            [e.LoggedModelTag(t.key or "", t.value or "") for t in self.tags],
            _params(self.params),
            self.model_type or "",
        )
        return LoggedModelAnswer(LoggedModel.of(made))


@rpc(
    "GET",
    "/mlflow/logged-models/{model_id}",
    needs=("logged_model", "read"),
    response=LoggedModelAnswer,
)
class GetLoggedModel(Rpc, kw_only=True):
    """A logged model with all that was logged about it."""

    model_id: str = ""
    allow_deleted: bool | None = None
    """Answer it even if it is deleted."""

    def answer(self, store) -> LoggedModelAnswer:
        found = store.get_logged_model(self.model_id, bool(self.allow_deleted))
        return LoggedModelAnswer(LoggedModel.of(found))


@rpc(
    "PATCH",
    "/mlflow/logged-models/{model_id}",
    needs=("logged_model", "edit"),
    response=LoggedModelAnswer,
    idempotent=True,
)
class FinalizeLoggedModel(Rpc, kw_only=True):
    """Say that a logged model is complete, or that it failed."""

    model_id: str = ""
    status: Needed
    """`LOGGED_MODEL_READY`, `LOGGED_MODEL_UPLOAD_FAILED` or `LOGGED_MODEL_PENDING`; whatever else
    counts as unspecified."""

    def answer(self, store) -> LoggedModelAnswer:
        status = _STATUSES.get(self.status, e.LoggedModelStatus.UNSPECIFIED)
        return LoggedModelAnswer(LoggedModel.of(store.finalize_logged_model(self.model_id, status)))


@rpc(
    "DELETE",
    "/mlflow/logged-models/{model_id}",
    needs=("logged_model", "delete"),
    idempotent=True,
)
class DeleteLoggedModel(Rpc, kw_only=True):
    """Delete a logged model."""

    model_id: str = ""

    def answer(self, store) -> None:
        store.delete_logged_model(self.model_id)


class ModelDataset(Wire):
    """A dataset on which metrics were measured."""

    dataset_name: str | None = None
    dataset_digest: str | None = None
    """Absent for any."""


class ModelOrderBy(Wire):
    """One thing to sort logged models by."""

    field_name: str | None = None
    ascending: bool | None = None
    """Absent for true."""
    dataset_name: str | None = None
    dataset_digest: str | None = None


@rpc(
    "POST",
    "/mlflow/logged-models/search",
    needs=("experiment", "read"),
    response=LoggedModelPage,
    idempotent=True,
)
class SearchLoggedModels(Rpc, kw_only=True):
    """One page of the logged models in these experiments, newest first unless `order_by` says
    otherwise."""

    experiment_ids: list[str] = []
    filter: str | None = None
    datasets: list[ModelDataset] = []
    """Where there are some, only metrics that were measured on them count."""
    max_results: Int64 | None = None
    """Page size; absent for 50."""
    order_by: list[ModelOrderBy] = []
    page_token: str | None = None

    def answer(self, store) -> LoggedModelPage:
        if not self.experiment_ids:
            raise MlflowException.invalid_parameter_value(
                "Missing value for required parameter 'experiment_ids'. "
                "See the API docs for more information about request parameters."
            )
        page = store.search_logged_models(
            self.experiment_ids,
            self.filter or None,
            [_mapping(d, "dataset_name", "dataset_digest") for d in self.datasets],
            self.max_results or _PAGE,
            [
                _mapping(o, "field_name", "ascending", "dataset_name", "dataset_digest")
                for o in self.order_by
            ],
            self.page_token or None,
        )
        return LoggedModelPage([LoggedModel.of(m) for m in page], page.token)


@rpc(
    "PATCH",
    "/mlflow/logged-models/{model_id}/tags",
    needs=("logged_model", "edit"),
    idempotent=True,
)
class SetLoggedModelTags(Rpc, kw_only=True):
    """Set tags of a logged model."""

    model_id: str = ""
    tags: list[Tag] = []

    def answer(self, store) -> None:
        tags = [e.LoggedModelTag(t.key or "", t.value or "") for t in self.tags]
        store.set_logged_model_tags(self.model_id, tags)


@rpc(
    "DELETE",
    "/mlflow/logged-models/{model_id}/tags/{tag_key}",
    needs=("logged_model", "edit"),
)
class DeleteLoggedModelTag(Rpc, kw_only=True):
    """Remove a tag of a logged model."""

    model_id: str = ""
    tag_key: str = ""

    def answer(self, store) -> None:
        store.delete_logged_model_tag(self.model_id, self.tag_key)


@rpc(
    "POST",
    "/mlflow/logged-models/{model_id}/params",
    needs=("logged_model", "edit"),
    idempotent=True,
)
class LogLoggedModelParams(Rpc, kw_only=True):
    """Set params of a logged model, once and for all."""

    model_id: str = ""
    params: list[Tag] = []

    def answer(self, store) -> None:
        store.log_logged_model_params(self.model_id, _params(self.params))


def _pairs(values: dict[str, str]) -> list[Tag]:
    return [Tag(key=key, value=value) for key, value in values.items()]


def _params(params: list[Tag]) -> list[e.LoggedModelParameter]:
    return [e.LoggedModelParameter(p.key or "", p.value or "") for p in params]


def _mapping(message: Wire, *names: str) -> dict[str, Any]:
    return {name: getattr(message, name) for name in names}
