"""The first page: all experiments."""

from __future__ import annotations

from starlette.requests import Request

from mlflow.entities import Experiment, LifecycleStage
from mlflow.server.pages.frame import Page, link, moment, sheet
from mlflow.server.pages.markup import Html, tag
from mlflow.server.pages.search import Search, results
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

_A_PAGE = 200


def experiments_page(request: Request, store: AbstractStore) -> Page:
    """Experiments, the last changed first."""
    search = Search.of(request)

    def table(experiments: list[Experiment]) -> Html:
        rows = [_row(request, experiment) for experiment in experiments]
        headers = ["Name", "Id", "Note", "Last change", "Created"]
        return sheet(headers, rows, "No experiment fits.")

    found, status = results(
        request,
        "/",
        search,
        lambda: store.search_experiments(
            view_type=search.view_type,
            max_results=_A_PAGE,
            filter_string=search.filter or None,
            order_by=[search.order_by or "last_update_time DESC"],
            page_token=search.page,
        ),
        table,
    )
    form = search.form("name LIKE 'forecast%'", "last_update_time DESC")
    return Page("Experiments", [tag("h1", "Experiments"), form, found], status=status)


def _row(request: Request, experiment: Experiment) -> Html:
    path = f"/experiments/{experiment.experiment_id}"
    deleted = experiment.lifecycle_stage == LifecycleStage.DELETED
    note = experiment.tags.get(MLFLOW_RUN_NOTE, "").strip().partition("\n")[0]
    return tag(
        "tr",
        tag(
            "td",
            tag("a", experiment.name, href=link(request, path)),
            tag("span", " (deleted)", class_="faint") if deleted else None,
            class_="wide",
        ),
        tag("td", experiment.experiment_id, class_="mono"),
        tag("td", note, class_="cut", title=note or None),
        tag("td", moment(experiment.last_update_time)),
        tag("td", moment(experiment.creation_time)),
    )
