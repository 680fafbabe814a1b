"""Filters and orders of searches: text -> small tree.

`parse_filter` and `parse_order_by` check everything against a grammar (`RUNS`, `EXPERIMENTS`, …);
stores translate the tree, or ask `mlflow.search.evaluate` to do the work in memory.
"""

from __future__ import annotations

from mlflow.search.filter import parse_filter
from mlflow.search.grammar import (
    EXPERIMENTS,
    MODEL_VERSIONS,
    REGISTERED_MODELS,
    RUNS,
    Grammar,
)
from mlflow.search.order import full_order, parse_order_by
from mlflow.search.tree import And, Comparison, Node, Not, Or, OrderBy

__all__ = [
    "EXPERIMENTS",
    "MODEL_VERSIONS",
    "REGISTERED_MODELS",
    "RUNS",
    "And",
    "Comparison",
    "Grammar",
    "Node",
    "Not",
    "Or",
    "OrderBy",
    "full_order",
    "parse_filter",
    "parse_order_by",
]
