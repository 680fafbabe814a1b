"""The web UI over HTTP: the files of its build, read once when the server starts.

So what is served is one build, even when another one takes its place on the disk, and nothing is
served that was not there. `ui/` has the sources; `ui/hatch_build.py` builds them on an install.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mlflow.server.config import ServerConfig
from mlflow.server.packed_answers import is_known, takes_gzip
from mlflow.server.security import FRAMED_BY_ALL, frame_ancestors

STATIC = Path(__file__).parent / "static"
"""Where the build is; git does not have it."""

NOT_BUILT = (
    "The web UI is not built; everything else works. To have it, install Headrace again with "
    "Node 20.19 or later (or a package index that has it) and a registry of npm packages in reach."
)

#: Kinds of files that a build has. Others are not served.
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
#: A name that changes with the content.
_HASHED = re.compile(r"static/.+-[\w-]{8}\.\w+")

#: What the pages may do. They load nothing from elsewhere, and nothing of what is stored is markup.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src {style}; connect-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; frame-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors {framed_by}"
)
_PAGE_HEADERS = {
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), "
    "payment=(), usb=()",
}


class _File(NamedTuple):
    """A file as it is sent."""

    body: bytes
    packed: bytes | None
    """The same, compressed by gzip; None if that is not worth it."""
    tag: str
    headers: dict[str, str]


def is_built() -> bool:
    """Whether there is a UI to serve."""
    return (STATIC / "index.html").is_file()


def routes(config: ServerConfig) -> list[Route]:
    """The routes of the UI; they may be mounted below a prefix. Without a build, a page that says
    so."""
    built = is_built()
    files = dict(_files(STATIC)) if built else {"index.html": _file(_not_built())}
    index = files.pop("index.html")
    style = "'self'" if built else f"'sha256-{_STYLE_HASH}'"
    own = {
        **_page_headers(style, frame_ancestors(config)),
        # A page that it opens, or that opened it, cannot reach into it.
        "cross-origin-opener-policy": "same-origin",
    }
    # Paths in the page are relative, and this one is not where the page lies.
    climb = b'="' + b"../" * (FRAMED_BY_ALL.count("/") - 1)
    framed = _file(index.body.replace(b'="./', climb))
    made = [
        _route("/", index, own),
        _route(FRAMED_BY_ALL, framed, _page_headers(style, "*")),
    ]
    for path, file in files.items():
        headers = own if file.headers["content-type"].startswith("image/svg") else {}
        made.append(_route(f"/{path}", file, headers))
        if path == "icon.svg" and "favicon.ico" not in files:
            made.append(_route("/favicon.ico", file, headers))
    return made


def to_folder(prefix: str) -> Route:
    """The route that leads from a prefix without a slash to the one with it, to which the paths in
    the page are relative."""

    async def answer(request: Request) -> Response:
        # Relative as well: what a proxy put in front of it is kept.
        there = f"./{prefix.rpartition('/')[2]}/"
        query = request.url.query
        return Response(
            status_code=307, headers={"location": f"{there}?{query}" if query else there}
        )

    return Route(prefix, answer)


def _route(path: str, file: _File, headers: dict[str, str]) -> Route:
    return Route(path, _answering(file, {**file.headers, **headers, "etag": file.tag}))


def _answering(file: _File, headers: dict[str, str]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if is_known(file.tag.encode(), request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        if file.packed is not None and takes_gzip(request.headers.get("accept-encoding", "")):
            return Response(file.packed, headers={**headers, "content-encoding": "gzip"})
        return Response(file.body, headers=headers)

    return answer


def _files(folder: Path) -> Iterator[tuple[str, _File]]:
    """The files of a build by their paths."""
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder).as_posix()
        if file.suffix in _KINDS and file.is_file() and not file.is_symlink():
            twin = file.with_name(f"{file.name}.gz")
            packed = twin.read_bytes() if twin.is_file() else None
            yield path, _file(file.read_bytes(), packed, path)


def _file(body: bytes, packed: bytes | None = None, path: str = "index.html") -> _File:
    # Weak: the same one for both forms
    tag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    cache = "public, max-age=31536000, immutable" if _HASHED.fullmatch(path) else "no-cache"
    headers = {
        "content-type": _KINDS[Path(path).suffix],
        "cache-control": cache,
        "vary": "Accept-Encoding",
    }
    return _File(body, packed, tag, headers)


def _page_headers(style: str, framed_by: str) -> dict[str, str]:
    policy = _POLICY.format(style=style, framed_by=framed_by)
    return {**_PAGE_HEADERS, "content-security-policy": policy}


# -- without a build ----------------------------------------------------------------------------

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{max-width:44rem;margin:12vh auto 0;padding:0 1.5rem;font:1rem/1.6 system-ui,sans-serif}"
    "h1{font-size:1.3rem}code{font:.9em ui-monospace,monospace}"
    "pre{padding:.8rem 1rem;border:1px solid color-mix(in srgb,currentColor 25%,transparent);"
    "border-radius:6px;overflow-x:auto}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def _not_built() -> bytes:
    title = "The API works; the web UI is not built"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body>
<h1>{html.escape(title)}</h1>
<p>Clients can log, search and load: <a href="./openapi.json">the API</a> is complete. The pages
are built when Headrace is installed from its sources. That needs a registry of npm packages in
reach, and Node 20.19 or later, or a package index to get it from. Here one of them was missing, or
<code>HEADRACE_UI=0</code> said to leave the pages out.</p>
<p>To have them, install Headrace again, in the folder of its sources:</p>
<pre>HEADRACE_UI=required pip install .</pre>
<p>That fails if they cannot be built, and says why. Then start the server anew.</p>
</body>
</html>
""".encode()
