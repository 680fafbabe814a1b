"""`mlflow demo`."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.request
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from mlflow.exceptions import MlflowException
from mlflow.utils.optional import require

_FOLDER = "mlflow-demo"
_PATIENCE = 30.0
"""Seconds that the server may take to start."""


@click.command("demo")
@click.option("--port", type=int, help="Port to serve at; a free one by default.")
@click.option("--tracking-uri", help="Log to this server or store instead of starting a server.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@click.option("--debug", is_flag=True, help="Show every request.")
@click.option("--refresh", is_flag=True, help="Log the runs again, in place of the older ones.")
def demo(
    port: int | None, tracking_uri: str | None, no_browser: bool, debug: bool, refresh: bool
) -> None:
    """Serve a few real example runs and open them in a browser, until Ctrl-C.

    Trains small networks with scikit-learn, which takes some seconds. Everything is kept in
    ./mlflow-demo, so that the next time it is there at once.
    """
    require("sklearn", extra="demo", purpose="the demo")  # before anything is started
    if tracking_uri:
        _show(tracking_uri, refresh, no_browser)
        return
    with _serving(_free_port(port or 0), debug) as (uri, server):
        _show(uri, refresh, no_browser)
        click.echo("Press Ctrl-C to stop.")
        server.wait()


def _show(uri: str, refresh: bool, no_browser: bool) -> None:
    """Log the runs and say where they are."""
    from mlflow.demo.iris import log_runs

    click.echo("Training a few small networks...")
    start = time.perf_counter()
    experiment_id = log_runs(uri, refresh)
    click.echo(f"Ready after {time.perf_counter() - start:.1f} s.")
    if not uri.startswith("http"):
        click.echo(f"The runs are in experiment {experiment_id} of {uri}")
        return
    page = f"{uri.rstrip('/')}/#/experiments/{experiment_id}"
    click.echo(f"Look at them here: {page}")
    if not no_browser:
        webbrowser.open(page)


@contextmanager
def _serving(port: int, debug: bool) -> Iterator[tuple[str, subprocess.Popen[Any]]]:
    """A server of our own in another process; it ends with the block."""
    folder = Path(_FOLDER).absolute()
    folder.mkdir(exist_ok=True)
    uri = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{(folder / 'mlflow.db').as_posix()}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    command += ["--uvicorn-opts", "--log-level info"] if debug else []
    server = subprocess.Popen(command, cwd=folder)
    # A plain kill of this process must not leave the server behind.
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        _wait_until_up(uri, server)
        yield uri, server
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
        server.terminate()
        server.wait()


def _wait_until_up(uri: str, server: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise MlflowException(f"The server at {uri} did not start; see its message above.")
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise MlflowException(f"The server at {uri} did not answer within {_PATIENCE:.0f} s.")


def _free_port(port: int) -> int:
    """This port, or any for 0.

    Raises:
        MlflowException: If something listens there; the runs would go to it.
    """
    with socket.socket() as probe:
        if sys.platform != "win32":  # there it would share the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise MlflowException(f"Port {port} cannot be used: {error.strerror}.") from None
        return probe.getsockname()[1]
