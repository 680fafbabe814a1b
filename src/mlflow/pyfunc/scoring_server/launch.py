"""The processes of `mlflow models serve`.

`python -m mlflow.pyfunc.scoring_server.launch` serves what `Serving.environment()` put into the
environment. It works without a shell, and in any environment that has Headrace.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from dataclasses import asdict, dataclass
from typing import Any

from mlflow.environment_variables import MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT
from mlflow.exceptions import MlflowException
from mlflow.utils import logging_utils  # noqa: F401  (loading it sets the loggers up)

_CONFIG = "_HEADRACE_SERVING"

_LEVEL = "warning"


@dataclass(frozen=True)
class Serving:
    """What is served, and how.

    Args:
        path: Folder of the model.
        uri: What the user named it by.
        version: Which version of a registered model is in `path`, if it is one.
        watch: Seconds between two looks at where `uri` points to; 0 for never.
        batch_rows: See `ScoringApp`.
        remove: Folder to remove when the server ends.
    """

    path: str
    uri: str
    host: str = "127.0.0.1"
    port: int = 5000
    workers: int = 1
    timeout: float | None = None
    version: str | None = None
    watch: float = 0.0
    batch_rows: int = 0
    remove: str | None = None
    parent: int | None = None

    def environment(self) -> dict[str, str]:
        """Variables that a process of the server needs besides those of this one."""
        from mlflow.pyfunc.scoring_server import _SERVER_MODEL_PATH
        from mlflow.utils.file_utils import path_to_local_file_uri

        found = {
            _CONFIG: json.dumps(asdict(self)),
            _SERVER_MODEL_PATH: path_to_local_file_uri(self.path),
        }
        if self.timeout is not None:
            found[MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.name] = str(int(self.timeout))
        return found


def app_from_environment() -> Any:
    """The app of a process.

    Raises:
        MlflowException: INVALID_STATE if the environment names no model.
    """
    from mlflow.error_codes import CODES
    from mlflow.pyfunc.scoring_server import _SERVER_MODEL_PATH, load_model_with_mlflow_config
    from mlflow.pyfunc.scoring_server.serving import ScoringApp

    saved = os.environ.get(_CONFIG)
    if saved is None:
        path = os.environ.get(_SERVER_MODEL_PATH)
        if path is None:
            raise MlflowException(
                f"{_SERVER_MODEL_PATH} is not set, so there is nothing to serve. "
                "`mlflow models serve` starts a server.",
                error_code=CODES["INVALID_STATE"],
            )
        return ScoringApp(load_model_with_mlflow_config(path))
    serving = Serving(**json.loads(saved))
    _quiet()
    start = None
    if serving.watch:
        from mlflow.pyfunc.scoring_server.watching import Pointer, Watch

        start = Watch(Pointer.of(serving.uri), serving.version, serving.watch).start
    return ScoringApp(
        load_model_with_mlflow_config(serving.path),
        version=serving.version,
        batch_rows=serving.batch_rows,
        timeout=serving.timeout,
        start=start,
    )


def serve(serving: Serving) -> None:
    """Serve until SIGINT or SIGTERM; what was accepted by then is finished."""
    import uvicorn

    from mlflow.server.launch import _end_with

    os.environ.update(serving.environment())
    # Also while the model is loaded, and again when uvicorn is done: so that `finally` is reached.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    if serving.parent:
        _end_with(serving.parent)
    options: dict[str, Any] = {
        "host": serving.host,
        "port": serving.port,
        "log_level": _LEVEL,
        "access_log": False,
        "server_header": False,
        "lifespan": "on",
        "timeout_graceful_shutdown": 30,
        "timeout_keep_alive": 75,
    }
    try:
        if serving.workers > 1:
            from mlflow.server.metrics import share_between_processes

            share_between_processes(None)
            print(f"{_up(serving)} ({serving.workers} processes)", file=sys.stderr, flush=True)
            app = "mlflow.pyfunc.scoring_server.app:app"
            uvicorn.run(app, workers=serving.workers, **options)
        else:
            _server(uvicorn.Config(app_from_environment(), **options), serving).run()
    finally:
        if serving.remove:
            shutil.rmtree(serving.remove, ignore_errors=True)


def _up(serving: Serving) -> str:
    host = f"[{serving.host}]" if ":" in serving.host else serving.host
    return f"Headrace serves {serving.uri} at http://{host}:{serving.port}/invocations"


def _server(settings: Any, serving: Serving) -> Any:
    """A uvicorn server that says where it is, once it listens."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            if self.started:
                print(_up(serving), file=sys.stderr, flush=True)

    return Server(settings)


def _quiet() -> None:
    """Models of scikit-learn get arrays whose columns are known to be right (`quick_rows.py`); it
    would remark at each that they have no names."""
    import warnings

    warnings.filterwarnings("ignore", message="X does not have valid feature names")


def main() -> None:
    """Serve what the environment says."""
    try:
        serve(Serving(**json.loads(os.environ[_CONFIG])))
    except MlflowException as error:
        sys.exit(f"Error: {error.message}")
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
