"""The search box above a table, and what it found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from starlette.requests import Request

from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException
from mlflow.server.pages.frame import link, problem_box
from mlflow.server.pages.markup import Html, tag
from mlflow.store.entities.paged_list import PagedList

_VIEWS = {"active": ViewType.ACTIVE_ONLY, "deleted": ViewType.DELETED_ONLY, "all": ViewType.ALL}


class Search(NamedTuple):
    """What the search box says; it is all in the link."""

    filter: str
    order_by: str
    view: str
    """A key of _VIEWS."""
    page: str | None
    """Token of the page of results."""

    @classmethod
    def of(cls, request: Request) -> Search:
        """The search that a link asks for."""
        query = request.query_params
        view = query.get("view", "")
        return cls(
            query.get("q", ""),
            query.get("order_by", ""),
            view if view in _VIEWS else "active",
            query.get("page") or None,
        )

    @property
    def view_type(self) -> int:
        return _VIEWS[self.view]

    def link(self, request: Request, path: str, **changes: str | None) -> str:
        """The link to this search, from its first page on, or to one that differs from it."""
        parts = {**self._asdict(), "page": None, **changes}
        view = None if parts["view"] == "active" else parts["view"]
        return link(
            request,
            path,
            q=parts["filter"],
            order_by=parts["order_by"],
            view=view,
            page=parts["page"],
        )

    def form(self, example: str, order_example: str) -> Html:
        """The box itself."""
        views = [tag("option", name, value=name, selected=name == self.view) for name in _VIEWS]
        return tag(
            "form",
            _field("Filter", "q", self.filter, example, class_="main"),
            _field("Order by", "order_by", self.order_by, order_example),
            tag("label", "Show", tag("select", views, name="view")),
            tag("button", "Search"),
            method="get",
            role="search",
        )


def _field(label: str, name: str, value: str, example: str, class_: str | None = None) -> Html:
    box = tag(
        "input", name=name, value=value, placeholder=example, autocomplete="off", spellcheck="false"
    )
    return tag("label", label, box, class_=class_)


def results(
    request: Request,
    path: str,
    search: Search,
    find: Callable[[], PagedList],
    table: Callable[[list[Any]], Any],
) -> tuple[list[Any], int]:
    """The table of what `find` gives with links to further pages, or its error; and the status."""
    try:
        found = find()
    except MlflowException as error:
        return [problem_box(error)], error.get_http_status_code()
    links = []
    if search.page:
        links.append(tag("a", "First page", href=search.link(request, path)))
    if found.token:
        more = search.link(request, path, page=found.token)
        links.append(tag("a", "Next page", href=more, rel="next"))
    pages = tag("nav", links, class_="pages") if links else None
    return [table(list(found)), pages], 200
