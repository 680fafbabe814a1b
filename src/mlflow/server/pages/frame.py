"""What all pages share: the frame around them, links, and how values are written."""

from __future__ import annotations

import datetime
import hashlib
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mlflow.exceptions import MlflowException
from mlflow.server.pages.markup import Html, join, tag
from mlflow.version import HEADRACE_VERSION

CSS_PATH = "/static-files/pages.css"
CSS = (Path(__file__).parent / "pages.css").read_bytes()
_CSS_VERSION = hashlib.sha256(CSS).hexdigest()[:12]
LINKS_PATH = "/static-files/links.js"
LINKS = (Path(__file__).parent / "links.js").read_bytes()
_LINKS_VERSION = hashlib.sha256(LINKS).hexdigest()[:12]

_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src data:; form-action 'self'; base-uri 'none'",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath d='M2 12c3 0 3-8 6-8s3 8 6 8' fill='none' stroke='%230b6bcb' stroke-width='2.4'/%3E"
    "%3C/svg%3E"
)


class Page(NamedTuple):
    """What a page shows inside the frame."""

    title: str
    body: Sequence[Any]
    trail: Sequence[tuple[str, str]] = ()
    """Names and paths of the pages above it."""
    status: int = 200


def respond(request: Request, page: Page) -> Response:
    """The page in its frame."""
    root = link(request, "/")
    trail = [
        [tag("span", "›"), tag("a", name, href=link(request, path))] for name, path in page.trail
    ]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{page.title} · Headrace"),
        tag("link", rel="icon", href=_ICON),
        tag("link", rel="stylesheet", href=link(request, CSS_PATH, v=_CSS_VERSION)),
        tag("script", "", src=link(request, LINKS_PATH, v=_LINKS_VERSION)),
    )
    body = tag(
        "body",
        tag("header", tag("a", "Headrace", href=root, class_="home"), trail),
        tag("main", page.body),
        tag("footer", f"Headrace {HEADRACE_VERSION}. All times are UTC."),
    )
    content = "<!doctype html>" + tag("html", head, body, lang="en")
    return HTMLResponse(content, page.status, headers=_HEADERS)


def problem(error: MlflowException) -> Page:
    """The page for what cannot be shown."""
    status = error.get_http_status_code()
    title = "Not found" if status == 404 else "This cannot be shown"
    return Page(title, [tag("h1", title), problem_box(error)], status=status)


def problem_box(error: MlflowException) -> Html:
    """The message of an error, in the lines and columns it was written in."""
    return tag("div", tag("pre", error.message), class_="problem", role="alert")


def link(request: Request, path: str, /, **query: str | None) -> str:
    """A link to a path of this server; parts of the query that are None or empty are left out."""
    given = {key: value for key, value in query.items() if value}
    root = request.scope.get("root_path", "")
    return quote(root + path) + (f"?{urlencode(given)}" if given else "")


def number(value: float) -> str:
    """A number in five significant digits; large whole ones in full."""
    if abs(value) == sys.float_info.max:  # how stores keep the infinite ones
        return "∞" if value > 0 else "-∞"
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.5g}"


def number_cell(value: float | None) -> Html:
    """A table cell with a number, which shows all its digits when pointed at."""
    if value is None:
        return tag("td", class_="number")
    return tag("td", number(value), class_="number", title=repr(value))


def moment(milliseconds: int | None) -> Html:
    """A time since the Unix epoch, as date and time of day."""
    if milliseconds is None:
        return Html()
    try:
        when = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc)
    except (ValueError, OverflowError, OSError):  # clients may send any number
        return tag("span", milliseconds)
    shown = when.strftime("%Y-%m-%d %H:%M")
    return tag("time", shown, datetime=when.isoformat(), title=when.isoformat(" ", "milliseconds"))


def duration(start: int | None, end: int | None) -> str:
    """How long something took, or takes until now when it has not ended."""
    if not start:
        return ""
    seconds = max(((end or time.time() * 1000) - start) / 1000, 0)
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s"


def size(n: int | None) -> str:
    """Bytes, in a unit that leaves a short number."""
    if n is None:
        return ""
    value = float(n)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} GB"


def sheet(headers: Sequence[Any], rows: Sequence[Html], empty: Any) -> Html:
    """A table in a frame of its own that scrolls sideways; `empty` when there are no rows."""
    if not rows:
        return tag("div", empty, class_="sheet empty")
    cells = [header if isinstance(header, Html) else tag("th", header) for header in headers]
    head = tag("thead", tag("tr", cells))
    return tag("div", tag("table", head, tag("tbody", join(rows))), class_="sheet")
