"""Markup that cannot forget to escape, and curves as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

_EMPTY_ELEMENTS = frozenset({"meta", "link", "input"})
#: Infinite values are stored as the largest double; a curve leaves them out like NaN.
_TOO_LARGE = 1e300


class Html(str):
    """Text that is markup. All other text is escaped when it becomes part of markup."""


def tag(name: str, /, *content: Any, **attributes: Any) -> Html:
    """One element.

    Args:
        content: Parts, lists of parts, or None for nothing.
        attributes: `class_` and `for_` end in an underscore, other underscores become dashes. None
            and False leave the attribute out, True leaves out its value.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _EMPTY_ELEMENTS:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(content)}</{name}>")


def join(parts: Any) -> Html:
    """All parts, one after the other."""
    if parts is None:
        return Html()
    if isinstance(parts, Html):
        return parts
    if isinstance(parts, (list, tuple)):
        return Html("".join(join(part) for part in parts))
    return Html(escape(str(parts)))


def _attribute(key: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def curve(points: Sequence[tuple[float, float]], label: str, width: int, height: int) -> Html:
    """A line through points that are sorted by x; broken where y is NaN or infinite."""
    drawn = [(x, y) for x, y in points if _is_drawn(y)]
    if not drawn:
        return tag("p", "No finite value.", class_="faint")
    margin = 4
    xs, ys = [x for x, _ in drawn], [y for _, y in drawn]
    left, low = min(xs), min(ys)
    # Halved before they are subtracted: the difference of two large doubles may be infinite.
    across, up = (max(xs) / 2 - left / 2) or 1, (max(ys) / 2 - low / 2) or 1

    def place(x: float, y: float) -> str:
        right = margin + (x / 2 - left / 2) / across * (width - 2 * margin)
        down = height - margin - (y / 2 - low / 2) / up * (height - 2 * margin)
        return f"{right:.1f} {down:.1f}"

    steps, pen_down = [], False
    for x, y in points:
        if not _is_drawn(y):
            pen_down = False
            continue
        steps.append(f"{'L' if pen_down else 'M'}{place(x, y)}")
        pen_down = True
    last_x, last_y = place(*drawn[-1]).split()
    return tag(
        "svg",
        tag("path", d="".join(steps)),
        tag("circle", cx=last_x, cy=last_y, r="2.5"),
        class_="curve",
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=label,
    )


def _is_drawn(value: float) -> bool:
    return math.isfinite(value) and abs(value) < _TOO_LARGE
