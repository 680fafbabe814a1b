"""Traces in notebooks."""

from __future__ import annotations

_wanted = True


def enable_notebook_display() -> None:
    """Let notebooks show traces. Headrace shows none yet; what is chosen is remembered."""
    global _wanted
    _wanted = True


def disable_notebook_display() -> None:
    """Let notebooks show no traces."""
    global _wanted
    _wanted = False


def is_notebook_display_wanted() -> bool:
    """What was chosen last."""
    return _wanted
