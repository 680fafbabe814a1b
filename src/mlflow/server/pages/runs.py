"""The runs of one experiment as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request

from mlflow.entities import LifecycleStage, Run
from mlflow.server.pages.frame import Page, duration, link, moment, number_cell, sheet
from mlflow.server.pages.markup import Html, tag
from mlflow.server.pages.search import Search, results
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NOTE

_A_PAGE = 100
_COLUMNS = 8
"""Params, and as many metrics, that the table shows."""


def runs_page(request: Request, store: AbstractStore, experiment_id: str) -> Page:
    """Runs that match the search, with the metrics and params in which they differ."""
    experiment = store.get_experiment(experiment_id)
    search = Search.of(request)
    path = f"/experiments/{experiment_id}"
    found, status = results(
        request,
        path,
        search,
        lambda: store.search_runs(
            [experiment_id],
            search.filter,
            search.view_type,
            max_results=_A_PAGE,
            order_by=[search.order_by] if search.order_by else None,
            page_token=search.page,
        ),
        lambda runs: runs_table(
            request,
            runs,
            "No run fits." if search.filter else _how_to_log(request),
            lambda column: _sorting_link(request, path, search, column),
        ),
    )
    note = experiment.tags.get(MLFLOW_RUN_NOTE)
    body = [
        tag("h1", experiment.name),
        tag("details", tag("summary", "Note"), tag("pre", note, class_="note")) if note else None,
        search.form("metrics.accuracy > 0.9 and params.depth = '4'", "metrics.accuracy DESC"),
        found,
    ]
    return Page(experiment.name, body, [("Experiments", "/")], status)


def _how_to_log(request: Request) -> Html:
    here = str(request.base_url).rstrip("/")
    return tag(
        "p",
        "There are no runs. To log some here, set ",
        tag("code", f"MLFLOW_TRACKING_URI={here}"),
        " for the program that trains.",
    )


def runs_table(
    request: Request,
    runs: Sequence[Run],
    empty: Any,
    order_link: Callable[[str], str] | None = None,
) -> list[Any]:
    """A row a run.

    Args:
        order_link: Makes the link at the head of a column, from its name in an order_by.
    """
    metrics = _columns([run.data.metrics for run in runs])
    params = _columns([run.data.params for run in runs])
    headers: list[Any] = [
        _header("Name", "run_name", order_link),
        _header("State", "status", order_link),
        _header("Created", "start_time", order_link),
        tag("th", "Duration", class_="number"),
    ]
    headers += [_header(k, f"metrics.{_quoted(k)}", order_link, "metric") for k in metrics[0]]
    headers += [_header(k, f"params.{_quoted(k)}", order_link, "param") for k in params[0]]
    rows = [_row(request, run, metrics[0], params[0]) for run in runs]
    more = [f"{n} more {what}" for n, what in ((metrics[1], "metrics"), (params[1], "params")) if n]
    remark = f"{' and '.join(more)} on the pages of the runs." if more else None
    return [sheet(headers, rows, empty), tag("p", remark, class_="faint") if remark else None]


def _columns(values: Sequence[dict[str, Any]]) -> tuple[list[str], int]:
    """Keys to show, and how many are left out: those in which the runs differ come first."""
    keys = {key for one in values for key in one}

    def rank(key: str) -> tuple[bool, int, str]:
        seen = [one[key] for one in values if key in one]
        same = len(set(seen)) == 1 and len(seen) == len(values)
        return same, -len(seen), key

    shown = sorted(keys, key=rank)[:_COLUMNS]
    return shown, len(keys) - len(shown)


def _quoted(key: str) -> str:
    return f'"{key}"' if "`" in key else f"`{key}`"


def _header(
    name: str, column: str, order_link: Callable[[str], str] | None, kind: str | None = None
) -> Html:
    text = tag("a", name, href=order_link(column), rel="nofollow") if order_link else name
    return tag(
        "th",
        tag("span", kind, class_="kind") if kind else None,
        text,
        class_="number" if kind == "metric" else None,
    )


def _sorting_link(request: Request, path: str, search: Search, column: str) -> str:
    """The same search by this column: largest first, or smallest first when it is so already."""
    direction = "ASC" if search.order_by == f"{column} DESC" else "DESC"
    return search.link(request, path, order_by=f"{column} {direction}")


def _row(request: Request, run: Run, metrics: Sequence[str], params: Sequence[str]) -> Html:
    info = run.info
    return tag(
        "tr",
        tag(
            "td",
            tag("span", "↳ ", class_="faint") if MLFLOW_PARENT_RUN_ID in run.data.tags else None,
            tag("a", info.run_name or info.run_id, href=link(request, f"/runs/{info.run_id}")),
            tag("span", " (deleted)", class_="faint") if is_deleted(run) else None,
        ),
        tag("td", state(info.status)),
        tag("td", moment(info.start_time)),
        tag("td", duration(info.start_time, info.end_time), class_="number"),
        [number_cell(run.data.metrics.get(key)) for key in metrics],
        [_param_cell(run.data.params.get(key)) for key in params],
    )


def _param_cell(value: str | None) -> Html:
    return tag("td", value, class_="cut", title=value)


def is_deleted(run: Run) -> bool:
    """Whether it was deleted, and can still be restored."""
    return run.info.lifecycle_stage == LifecycleStage.DELETED


def state(status: str) -> Html:
    """A run's state, with a dot in its colour."""
    return tag("span", status.capitalize(), class_=f"state {status}")
