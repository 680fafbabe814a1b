"""What differs between the databases: how to connect, types, and what a driver's errors mean.

Statements elsewhere are written once, with `?` for parameters, in the SQL that all of them share;
`base.py` says what that is.
"""

from __future__ import annotations

from importlib import import_module

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.db.dialects.base import LOCK_TIMEOUT_SECONDS, Dialect
from mlflow.store.db.dialects.url import DatabaseUrl

__all__ = ["LOCK_TIMEOUT_SECONDS", "DatabaseUrl", "Dialect", "dialect_of"]

#: The class of each dialect, loaded when a URL asks for it.
_DIALECTS = {"mysql": "MySQL", "postgresql": "PostgreSQL", "sqlite": "SQLite"}


def dialect_of(url: DatabaseUrl) -> Dialect:
    """The dialect of `url`; MlflowException if it is not among those that work."""
    try:
        name = _DIALECTS[url.dialect]
    except KeyError:
        raise MlflowException(
            f"A store in '{url.dialect}' is not available in Headrace; "
            f"these are: {', '.join(sorted(_DIALECTS))}.",
            error_code=CODES["NOT_IMPLEMENTED"],
        ) from None
    return getattr(import_module(f"{__name__}.{url.dialect}"), name)()
