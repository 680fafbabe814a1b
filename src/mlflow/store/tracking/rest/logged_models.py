"""Logged models behind a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlflow.entities import LoggedModel, LoggedModelParameter, LoggedModelStatus, LoggedModelTag
from mlflow.rpc import logged_models as rpc
from mlflow.rpc.declare import Rpc
from mlflow.rpc.nouns import Tag
from mlflow.search.logged_models import parse_datasets
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking.base.logged_models import LoggedModels

#: Params that one request brings; a new model takes the others afterwards.
_PARAMS = 100


class RestLoggedModels(LoggedModels):
    def _call(self, request: Rpc) -> Any:
        raise NotImplementedError

    def create_logged_model(
        self,
        experiment_id: str,
        name: str | None = None,
        source_run_id: str | None = None,
        tags: list[LoggedModelTag] | None = None,
        params: list[LoggedModelParameter] | None = None,
        model_type: str | None = None,
    ) -> LoggedModel:
        first, rest = list(params or ())[:_PARAMS], list(params or ())[_PARAMS:]
        request = rpc.CreateLoggedModel(
            experiment_id=str(experiment_id),
            name=name,
            model_type=model_type,
            source_run_id=source_run_id,
            params=_pairs(first),
            tags=_pairs(tags),
        )
        made = self._call(request).model.entity()
        if not rest:
            return made
        self.log_logged_model_params(made.model_id, rest)
        return self.get_logged_model(made.model_id)

    def get_logged_model(self, model_id: str, allow_deleted: bool = False) -> LoggedModel:
        request = rpc.GetLoggedModel(model_id=model_id, allow_deleted=allow_deleted or None)
        return self._call(request).model.entity()

    def search_logged_models(
        self,
        experiment_ids: list[str],
        filter_string: str | None = None,
        datasets: list[dict[str, Any]] | None = None,
        max_results: int | None = None,
        order_by: list[dict[str, Any]] | None = None,
        page_token: str | None = None,
    ) -> PagedList[LoggedModel]:
        request = rpc.SearchLoggedModels(
            experiment_ids=[str(x) for x in experiment_ids],
            filter=filter_string,
            datasets=[
                rpc.ModelDataset(dataset_name=d.name, dataset_digest=d.digest)
                for d in parse_datasets(datasets)
            ],
            max_results=max_results,
            order_by=[_order(order) for order in order_by or ()],
            page_token=page_token,
        )
        page = self._call(request)
        return PagedList([m.entity() for m in page.models], page.next_page_token)

    def finalize_logged_model(self, model_id: str, status: LoggedModelStatus) -> LoggedModel:
        request = rpc.FinalizeLoggedModel(model_id=model_id, status=rpc.STATUS_NAMES[status])
        return self._call(request).model.entity()

    def set_logged_model_tags(self, model_id: str, tags: list[LoggedModelTag]) -> None:
        self._call(rpc.SetLoggedModelTags(model_id=model_id, tags=_pairs(tags)))

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        self._call(rpc.DeleteLoggedModelTag(model_id=model_id, tag_key=key))

    def log_logged_model_params(self, model_id: str, params: list[LoggedModelParameter]) -> None:
        for i in range(0, len(params), _PARAMS) or (0,):
            part = params[i : i + _PARAMS]
            self._call(rpc.LogLoggedModelParams(model_id=model_id, params=_pairs(part)))

    def delete_logged_model(self, model_id: str) -> None:
        self._call(rpc.DeleteLoggedModel(model_id=model_id))


def _order(order: Mapping[str, Any]) -> rpc.ModelOrderBy:
    """An item of an order, as it was given: the server knows what is right."""
    if not isinstance(order, Mapping):
        return rpc.ModelOrderBy()
    return rpc.ModelOrderBy(
        field_name=order.get("field_name"),
        ascending=order.get("ascending"),
        dataset_name=order.get("dataset_name"),
        dataset_digest=order.get("dataset_digest"),
    )


def _pairs(pairs: Sequence[Any] | None) -> list[Tag]:
    return [Tag(key=p.key, value=p.value) for p in pairs or ()]
