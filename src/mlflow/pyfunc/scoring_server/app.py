"""`app`, for ASGI servers: `uvicorn mlflow.pyfunc.scoring_server.app:app`.

The environment says which model: `__pyfunc_model_path__` (see `get_cmd`), or what
`mlflow models serve` left for its processes.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mlflow.pyfunc.scoring_server.launch import app_from_environment

    globals()["app"] = app = app_from_environment()
    return app
