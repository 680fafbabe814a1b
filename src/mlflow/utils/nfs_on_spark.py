"""Folders that all workers of a Spark cluster see."""

from __future__ import annotations


def get_nfs_cache_root_dir() -> None:
    """None: only clusters of Databricks have such a folder, and we do not speak to them."""
    return None
