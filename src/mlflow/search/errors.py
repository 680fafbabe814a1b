"""How a filter or order is refused: what is wrong, and a caret below the place."""

from __future__ import annotations

from mlflow.exceptions import MlflowException

_WIDTH = 100
_LONGEST_QUOTE = 300


def refusal(message: str, text: str, position: int, hint: str = "") -> MlflowException:
    """The error to raise.

    Args:
        message: What is wrong; stands on the first line.
        text: The whole filter.
        position: Of the offending token, in characters.
        hint: What would be right; stands below the caret. "" for none.
    """
    lines = [message, *pointer(text, position)]
    if hint:
        lines.append(hint)
    error = MlflowException.invalid_parameter_value("\n".join(lines))
    error.position = position  # type: ignore[attr-defined]
    return error


def position_of(error: MlflowException) -> int | None:
    """Where the offending token begins, in characters; None if the error is no refusal."""
    return getattr(error, "position", None)


def pointer(text: str, position: int) -> tuple[str, str]:
    """The line of `text` around `position`, cut to about 100 characters, and one with a caret."""
    start = max(text.rfind("\n", 0, position), text.rfind("\r", 0, position)) + 1
    ends = [end for end in (text.find("\n", position), text.find("\r", position)) if end >= 0]
    end = min(ends, default=len(text))
    first = start if position - start < _WIDTH - 20 else position - _WIDTH // 2
    last = min(end, first + _WIDTH)
    before = "…" if first > start else ""
    after = "…" if last < end else ""
    shown = "".join(c if c.isprintable() else " " for c in text[first:last])
    return f"  {before}{shown}{after}", " " * (2 + len(before) + position - first) + "^"


def shorten(text: str) -> str:
    """`text` for a message: as it is, or its beginning when it is very long."""
    return text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "…"
