"""Headers with which documents that somebody has stored can be shown in a frame of the web UI.

The document gets an origin that is nobody's, so it reads nothing of ours: no cookie, no storage, no
answer of the API. It loads nothing and sends nothing, opens no window, submits no form and cannot
leave its frame; what it may use is what it has in itself. Its scripts run only if the reader asks.
No header keeps such a script from WebRTC, whose packets tell an address that somebody looks.
That a frame goes nowhere but to this server is for the policy of the page around it (`frame-src`).

A PDF file is shown in Chromium if the frame itself has no `sandbox` attribute; all else should have
one, for what the frame may be led to.
"""

from __future__ import annotations

from mlflow.store.artifact.media_type import attachment

#: Media types by the ending of a name. Others are not shown: XML may be turned into HTML by what it
#: names, and MHTML is several documents.
KINDS = {
    "html": "text/html; charset=utf-8",
    "htm": "text/html; charset=utf-8",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
}
_PDF = KINDS["pdf"]

_OWN = (
    "default-src 'none'; img-src data: blob:; media-src data: blob:; font-src data:; "
    "style-src 'unsafe-inline' data:; base-uri 'none'; form-action 'none'; "
)
#: Plots in 3D compile their shaders' callers.
_SCRIPTS = "script-src 'unsafe-inline' 'unsafe-eval' blob: data:; worker-src blob:; "
_FRAMES = frozenset(("iframe", "frame", "object", "embed"))


def headers_for_frame(
    path: str, kind: str, scripts: bool, where: str | None, framed_by: str
) -> dict[str, str]:
    """The headers of a document.

    Args:
        path: Of the artifact.
        kind: One of `KINDS`.
        scripts: Let it run its own scripts.
        where: What the browser says it will show it in (`Sec-Fetch-Dest`); None if it says nothing.
            In a window of its own it could lead the reader elsewhere, so it is a download there.
        framed_by: Who may show the UI in a frame, as a Content-Security-Policy says it.
    """
    if where is not None and where not in _FRAMES:
        return {"Vary": "Sec-Fetch-Dest"}
    # Even if nobody may show the UI in a frame: the UI itself has to.
    ancestors = "'self'" if framed_by == "'none'" else framed_by
    name = path.rpartition("/")[2]
    return {
        "Content-Type": kind,
        "Content-Disposition": attachment(name, "inline"),
        "Content-Security-Policy": _policy(kind, scripts) + f"frame-ancestors {ancestors}",
        "Referrer-Policy": "no-referrer",
        "X-DNS-Prefetch-Control": "off",
        "Vary": "Sec-Fetch-Dest",
    }


def _policy(kind: str, scripts: bool) -> str:
    if kind == _PDF:
        return f"sandbox; {_OWN}"
    return f"sandbox allow-scripts; {_OWN}{_SCRIPTS}" if scripts else f"sandbox; {_OWN}"
