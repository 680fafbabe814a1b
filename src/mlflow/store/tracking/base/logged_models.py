"""Contract: logged models."""

from __future__ import annotations

import hashlib
import json
import uuid
from abc import ABC
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlflow.entities import (
    LoggedModel,
    LoggedModelParameter,
    LoggedModelStatus,
    LoggedModelTag,
    Metric,
)
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException, MlflowNotImplementedException
from mlflow.store.db.paging import decode_token, encode_token
from mlflow.utils.mlflow_tags import MLFLOW_MODEL_VERSIONS

if TYPE_CHECKING:
    from mlflow.store.entities.paged_list import PagedList

#: Models on one page when the caller does not say.
DEFAULT_PAGE = 100


class LoggedModels(ABC):  # noqa: B024 - plug-ins need not have them
    """Models that were logged: what they are, where their files are, how they did.

    A deleted one is found by nobody who does not ask for it by its id and says so; it can be
    changed, but nothing brings it back.
    """

    def create_logged_model(
        self,
        experiment_id: str,
        name: str | None = None,
        source_run_id: str | None = None,
        tags: list[LoggedModelTag] | None = None,
        params: list[LoggedModelParameter] | None = None,
        model_type: str | None = None,
    ) -> LoggedModel:
        """A new model in state PENDING.

        Args:
            experiment_id: Of an active experiment.
            name: Need not be unique; None for a random one.
            source_run_id: The run that makes it.
        """
        raise _keeps_none(self)

    def get_logged_model(self, model_id: str, allow_deleted: bool = False) -> LoggedModel:
        """The model; MlflowException RESOURCE_DOES_NOT_EXIST if there is none, or it is deleted
        and that is not allowed."""
        raise _keeps_none(self)

    def search_logged_models(
        self,
        experiment_ids: list[str],
        filter_string: str | None = None,
        datasets: list[dict[str, Any]] | None = None,
        max_results: int | None = None,
        order_by: list[dict[str, Any]] | None = None,
        page_token: str | None = None,
    ) -> PagedList[LoggedModel]:
        """One page of the models that match, newest first unless `order_by` says otherwise.

        Args:
            filter_string: Such as `metrics.loss < 0.3 AND params.depth = '3'`; see
                `search/logged_models.py`. A metric fits if one of its values does.
            datasets: Mappings with `dataset_name` and perhaps `dataset_digest`: only metrics that
                were measured on these count, and only models that have such metrics are found.
            max_results: None and 0 for 100.
            order_by: Mappings with `field_name`, and perhaps `ascending`, `dataset_name` and
                `dataset_digest`. Of a metric the latest value counts.
            page_token: That of the page before, of the same search.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE for a filter, order, dataset or token that is
                not valid.
        """
        raise _keeps_none(self)

    def finalize_logged_model(self, model_id: str, status: LoggedModelStatus) -> LoggedModel:
        """Change a model's status; the model as it is then."""
        raise _keeps_none(self)

    def set_logged_model_tags(self, model_id: str, tags: list[LoggedModelTag]) -> None:
        """Set tags, in place of the values they had."""
        raise _keeps_none(self)

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        """Remove a tag; MlflowException RESOURCE_DOES_NOT_EXIST if it is not set."""
        raise _keeps_none(self)

    def log_logged_model_params(self, model_id: str, params: list[LoggedModelParameter]) -> None:
        """Set params once and for all.

        Raises:
            MlflowException: BAD_REQUEST if one has another value already; then none is set.
        """
        raise _keeps_none(self)

    def delete_logged_model(self, model_id: str) -> None:
        """Delete a model."""
        raise _keeps_none(self)

    def set_model_versions_tags(self, name: str, version: str, model_id: str) -> None:
        """Note at a model that a version of a registered model was made of it."""
        there = self.get_logged_model(model_id, allow_deleted=True).tags
        versions = json.loads(there.get(MLFLOW_MODEL_VERSIONS, "[]"))
        if not any(v["name"] == name and str(v["version"]) == str(version) for v in versions):
            versions.append({"name": name, "version": int(version)})
            tag = LoggedModelTag(MLFLOW_MODEL_VERSIONS, json.dumps(versions))
            self.set_logged_model_tags(model_id, [tag])


def _keeps_none(store: object) -> MlflowException:
    return MlflowNotImplementedException(f"A {type(store).__name__} keeps no logged models.")


# What the stores share.


def new_model_id() -> str:
    """`m-` and 32 random hexadecimal digits."""
    return f"m-{uuid.uuid4().hex}"


def no_model(model_id: str) -> MlflowException:
    return MlflowException(
        f"Logged model with ID '{model_id}' not found.",
        error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
    )


def no_model_tag(model_id: str, key: str) -> MlflowException:
    return MlflowException(
        f"No tag with key '{key}' found for model with ID '{model_id}'.",
        error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
    )


def check_dataset_of_metric(metric: Metric) -> None:
    """Refuse a metric that names half of a dataset."""
    if bool(metric.dataset_name) != bool(metric.dataset_digest):
        raise MlflowException.invalid_parameter_value(
            "Both dataset_name and dataset_digest must be provided if one is provided"
        )


def new_params(
    model_id: str, there: Mapping[str, str], params: Sequence[LoggedModelParameter] | None
) -> dict[str, str]:
    """What is to be added to the params that are there.

    Raises:
        MlflowException: BAD_REQUEST if a param would have two values.
    """
    known, new = dict(there), {}
    for param in params or ():
        value = "" if param.value is None else str(param.value)
        if known.setdefault(param.key, value) != value:
            raise MlflowException(
                f"Param '{param.key}' of logged model '{model_id}' is '{known[param.key][:500]}' "
                f"already, and cannot become '{value[:500]}': params are set once.",
                error_code=CODES["BAD_REQUEST"],
            )
        if param.key not in there:
            new[param.key] = value
    return new


def tag_values(tags: Sequence[LoggedModelTag] | None) -> dict[str, str]:
    """Tags by key; of several with one key the last one counts."""
    return {tag.key: "" if tag.value is None else str(tag.value) for tag in tags or ()}


def page_size(max_results: int | None) -> int:
    """How many models a page has; MlflowException INVALID_PARAMETER_VALUE for less than none."""
    if max_results is None:
        return DEFAULT_PAGE
    if isinstance(max_results, bool) or not isinstance(max_results, int) or max_results < 0:
        raise MlflowException.invalid_parameter_value(
            f"Invalid value {max_results!r} for parameter 'max_results' supplied. It must be a "
            "positive integer."
        )
    return min(max_results or DEFAULT_PAGE, 1 << 31)


class PageTokens:
    """Tokens of one search. A token says where a page begins, and of what search: with another one
    it is refused.

    Args:
        experiment_ids: That are searched.
    """

    def __init__(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None,
        order_by: Sequence[Any] | None,
    ):
        self._parts = {
            "Experiment IDs": _digest(list(experiment_ids)),
            "Filter string": _digest(filter_string or None),
            "Order by": _digest([str(order) for order in order_by or ()]),
        }

    def encode(self, place: str) -> str:
        """The token for a page that begins behind `place`."""
        return encode_token([*self._parts.values(), place])

    def decode(self, token: str) -> str:
        """The place in a token.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if it is none, or one of another search.
        """
        *parts, place = decode_token(token, len(self._parts) + 1)
        for (name, wanted), found in zip(self._parts.items(), parts):
            if found != wanted:
                raise MlflowException.invalid_parameter_value(
                    f"{name} in the page token: another than that of this search. A token belongs "
                    "to the search that it came with."
                )
        return str(place)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]
