"""Anthropic's library: traces of what it is asked."""

from __future__ import annotations

from mlflow.anthropic.autolog import autolog

FLAVOR_NAME = "anthropic"

__all__ = ["FLAVOR_NAME", "autolog"]
