"""Warnings that are seen."""

from __future__ import annotations

import sys
import warnings

ANSI_BASE = "\033["
RESET = f"{ANSI_BASE}0m"
COLORS = {
    "default_bold": f"{ANSI_BASE}1m",
    "red": f"{ANSI_BASE}31m",
    "red_bold": f"{ANSI_BASE}1;31m",
    "yellow": f"{ANSI_BASE}33m",
    "yellow_bold": f"{ANSI_BASE}1;33m",
    "blue": f"{ANSI_BASE}34m",
    "blue_bold": f"{ANSI_BASE}1;34m",
}


def color_warning(
    message: str, stacklevel: int, color: str, category: type[Warning] = UserWarning
) -> None:
    """Warn in color.

    Args:
        stacklevel: As for `warnings.warn`, seen from here.
        color: A key of `COLORS`; any other for none.
    """
    if color in COLORS:
        message = f"{COLORS[color]}{message}{RESET}"
    warnings.warn(message, category, stacklevel=stacklevel + 1)


def level_of_caller() -> int:
    """The `stacklevel` with which a warning of the one who calls this shows where the user called
    into mlflow."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("mlflow."):
        level, frame = level + 1, frame.f_back
    return level
