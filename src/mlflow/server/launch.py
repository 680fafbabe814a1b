"""Starting a server, and stopping it."""

from __future__ import annotations

import json
import logging
import os
import shlex
import signal
import sys
import threading
import time
from dataclasses import asdict
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.server.config import ServerConfig
from mlflow.server.metrics import share_between_processes

_logger = logging.getLogger("mlflow.server")

_CONFIG = "_HEADRACE_SERVER_CONFIG"
_PARENT = "_HEADRACE_SERVER_PARENT"

_LAST_SECONDS = 10.0
"""For closing what is open, when all requests are answered or have had their time."""

_DEFAULTS: dict[str, Any] = {
    "log_level": "warning",
    "server_header": False,
    "date_header": False,
    "lifespan": "on",
    # Seconds that requests have to end when the server is asked to.
    "timeout_graceful_shutdown": 30,
    # Seconds that an idle connection is kept: a training loop logs now and then, and a new one
    # costs it several round trips.
    "timeout_keep_alive": 75,
}

#: Options of `--uvicorn-opts` that are taken, and how their values are read.
_UVICORN_OPTIONS: dict[str, Any] = {
    "--log-level": str,
    "--timeout-keep-alive": int,
    "--timeout-graceful-shutdown": int,
    "--limit-concurrency": int,
    "--backlog": int,
    "--ssl-keyfile": str,
    "--ssl-certfile": str,
    "--ssl-keyfile-password": str,
    "--ssl-ca-certs": str,
    "--ssl-cert-reqs": int,
    "--forwarded-allow-ips": str,
    "--root-path": str,
}


def serve(config: ServerConfig) -> None:
    """Serve until SIGINT or SIGTERM; what was accepted by then is finished.

    Raises:
        MlflowException: If the store cannot be opened, or an option is not valid.
    """
    import uvicorn

    from mlflow.server import ui

    options = {**_DEFAULTS, **uvicorn_options(config.uvicorn_opts)}
    level = options["log_level"]
    options["access_log"] = level in ("info", "debug", "trace")
    _log_to_stderr(level)
    if not config.artifacts_only and not ui.is_built():
        _logger.warning(ui.NOT_BUILT)
    if config.workers > 1 and not config.backend_store_uri.startswith("sqlite"):
        _serve_many(config, options)
        return
    from mlflow.server.app import create_app

    app = create_app(config, on_end=_end_in_time)
    settings = uvicorn.Config(app, host=config.host, port=config.port, **options)
    _Server(settings, config).run()


def _serve_many(config: ServerConfig, options: dict[str, Any]) -> None:
    """Several processes, each with an app of its own; only a database server can take that. One
    that dies is replaced."""
    import inspect

    import uvicorn

    from mlflow.store.tracking.resolve import tracking_store

    if not config.artifacts_only:  # what is wrong with the store is said here, and once
        store = tracking_store(config.backend_store_uri, config.artifact_root)
        if hasattr(store, "dispose"):
            store.dispose()
    share_between_processes(config.expose_prometheus)
    os.environ[_CONFIG] = json.dumps(asdict(config))
    os.environ[_PARENT] = str(os.getpid())
    if "timeout_worker_healthcheck" in inspect.signature(uvicorn.run).parameters:
        # seconds; on a machine with too much to do a process that does not answer is not dead
        options["timeout_worker_healthcheck"] = 60
    print(f"Headrace is up: {url_of(config)} ({config.workers} processes)", file=sys.stderr)
    uvicorn.run(
        "mlflow.server.launch:app_from_environment",
        factory=True,
        host=config.host,
        port=config.port,
        workers=config.workers,
        **options,
    )


def app_from_environment() -> Any:
    """The app of one of several processes, made from what the first one left in the environment."""
    from mlflow.server.app import create_app

    _end_with(int(os.environ[_PARENT]))
    saved = json.loads(os.environ[_CONFIG])
    lists = {k: tuple(v) for k, v in saved.items() if isinstance(v, list)}
    return create_app(ServerConfig(**{**saved, **lists}), on_end=_end_in_time)


def _end_with(parent: int) -> None:
    """End this process, as on SIGTERM, when its parent is gone: nobody would replace it, and its
    port could not be served anew."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        _logger.warning("The process that started this one is gone; ending, too.")
        signal.raise_signal(signal.SIGTERM)

    if os.name == "posix":
        threading.Thread(target=watch, name="parent", daemon=True).start()


def _end_in_time() -> None:
    """End this process soon, also when a thread of it hangs. Everything that was answered is
    stored by now, and requests had their time."""

    def end() -> None:
        _logger.error("Something did not end; ending without it.")
        os._exit(1)

    timer = threading.Timer(_LAST_SECONDS, end)
    timer.daemon = True
    timer.start()


def uvicorn_options(text: str | None) -> dict[str, Any]:
    """The options in a `--uvicorn-opts` string, as keywords of uvicorn.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE naming an option that is not taken.
    """
    words = shlex.split(text or "")
    options: dict[str, Any] = {}
    while words:
        name, has_value, value = words.pop(0).partition("=")
        if name == "--reload":
            continue
        if name not in _UVICORN_OPTIONS:
            raise MlflowException.invalid_parameter_value(
                f"'{name}' in --uvicorn-opts is not supported; "
                f"these are: {', '.join(sorted(_UVICORN_OPTIONS))}."
            )
        if not has_value:
            if not words:
                raise MlflowException.invalid_parameter_value(f"'{name}' needs a value.")
            value = words.pop(0)
        try:
            options[name[2:].replace("-", "_")] = _UVICORN_OPTIONS[name](value)
        except ValueError:
            raise MlflowException.invalid_parameter_value(
                f"'{name}' has value '{value}'; a number is needed."
            ) from None
    return options


def _log_to_stderr(level: str) -> None:
    logger = logging.getLogger("mlflow.server")
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)
        logger.propagate = False
    logger.setLevel(logging.INFO if level in ("info", "debug", "trace") else logging.WARNING)


def _Server(settings: Any, config: ServerConfig) -> Any:
    """A uvicorn server that says where it is, once it listens."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            if self.started:
                print(f"Headrace is up: {url_of(config)}", file=sys.stderr, flush=True)

    return Server(settings)


def url_of(config: ServerConfig) -> str:
    """The link to open in a browser on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(config.host, config.host)
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"http://{host}:{config.port}{config.static_prefix}"
