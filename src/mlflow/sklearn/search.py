"""Searches for the best params, such as `GridSearchCV`: what their runs have besides."""

from __future__ import annotations

import logging
import math
from numbers import Number
from typing import Any

from mlflow.entities.dataset_input import DatasetInput
from mlflow.sklearn.estimators import estimator_tags
from mlflow.utils.autologging_utils import MlflowAutologgingQueueingClient
from mlflow.utils.mlflow_tags import MLFLOW_AUTOLOGGING, MLFLOW_PARENT_RUN_ID
from mlflow.utils.time import get_current_time_millis

_logger = logging.getLogger("mlflow.sklearn.utils")


def best_params(search: Any) -> dict[str, Any]:
    """`best_<name>` for each param of the candidate that won."""
    return {f"best_{name}": value for name, value in getattr(search, "best_params_", {}).items()}


def best_metrics(search: Any) -> dict[str, float]:
    """How well the winner did; nothing if the search has several scores and no winner."""
    return {"best_cv_score": float(search.best_score_)} if hasattr(search, "best_score_") else {}


def results_as_csv(search: Any) -> str:
    """A row for each candidate, with a header."""
    from mlflow.utils.optional import require

    pandas = require("pandas", "models", "the results of a parameter search")
    return pandas.DataFrame.from_dict(search.cv_results_).to_csv(index=False)


class Candidate:
    """One set of params that was tried."""

    def __init__(self, search: Any, index: int):
        self._search = search
        self._index = index

    @property
    def params(self) -> dict[str, Any]:
        """The params of the searched estimator with those that were tried."""
        tried = self._search.cv_results_["params"][self._index]
        return {**self._search.estimator.get_params(deep=True), **tried}

    @property
    def is_best(self) -> bool:
        """Whether it won."""
        return self._index == getattr(self._search, "best_index_", None)

    @property
    def metrics(self) -> dict[str, float]:
        """Means, deviations and ranks, but not those of single folds."""
        found = {}
        for name, column in self._search.cv_results_.items():
            if name.startswith(("split", "param")):
                continue
            value = column[self._index]
            if isinstance(value, Number) and not math.isnan(value):
                found[name] = float(value)
        return found


def candidates(search: Any, most: int | None) -> list[Candidate]:
    """The best candidates, the winner first.

    Args:
        most: How many; None for all.
    """
    results = search.cv_results_
    count = len(results["params"])
    order = list(range(count))
    if most is not None:
        rank = results[_rank_of(search)]
        order.sort(key=lambda index: rank[index])
        _say(min(most, count), max(count - most, 0))
        order = order[:most]
    return [Candidate(search, index) for index in order]


def _rank_of(search: Any) -> str:
    """The name of the column with ranks that decided."""
    if isinstance(search.refit, str):
        named = f"rank_test_{search.refit}"
        if named in search.cv_results_:
            return named
    return next(name for name in search.cv_results_ if name.startswith("rank_test_"))


def _say(logged: int, omitted: int) -> None:
    runs = {0: "no runs", 1: "the best run"}.get(logged, f"the {logged} best runs")
    rest = {0: "no runs", 1: "one run"}.get(omitted, f"{omitted} runs")
    _logger.info("Logging %s, %s will be omitted.", runs, rest)


def log_children(
    client: MlflowAutologgingQueueingClient,
    search: Any,
    parent: Any,
    most: int | None,
    *,
    integration: str,
    inputs: list[DatasetInput],
    dataset: Any,
    best_model_id: str | None,
) -> None:
    """Queue a child run for each of the best candidates.

    Args:
        parent: The search's run.
        most: How many; None for all.
        inputs: What the search was trained on, as inputs of runs, and as `dataset`.
        best_model_id: The logged model of the winner.
    """
    from mlflow.tracking.context.registry import resolve_tags

    tags = {
        **resolve_tags(),
        **estimator_tags(search.estimator),
        MLFLOW_AUTOLOGGING: integration,
        MLFLOW_PARENT_RUN_ID: parent.info.run_id,
    }
    for candidate in candidates(search, most):
        run_id = client.create_run(parent.info.experiment_id, parent.info.start_time, tags)
        client.log_params(run_id, candidate.params)
        model_id = best_model_id if candidate.is_best else None
        client.log_metrics(run_id, candidate.metrics, dataset=dataset, model_id=model_id)
        client.log_inputs(run_id, inputs)
        client.set_terminated(run_id, end_time=get_current_time_millis())
