"""How this process uses Spark."""

from __future__ import annotations


def is_spark_connect_mode() -> bool:
    """Whether sessions of pyspark ask a Spark that runs elsewhere; False without pyspark."""
    try:
        from pyspark.sql.utils import is_remote
    except ImportError:
        return False
    return is_remote()
