"""Models made for a test, and servers of them."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import mlflow.pyfunc
from tests.conftest import free_port


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Nothing of a test reaches the developer's store."""
    uri = f"sqlite:///{tmp_path}/store.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.chdir(tmp_path)
    return uri


@pytest.fixture
def save_model(tmp_path: Path) -> Callable[..., str]:
    """A function that saves a model whose `predict` has the given lines, and gives its folder."""

    def save(lines: str, name: str = "model", more: str = "", **options: Any) -> str:
        source = tmp_path / f"{name}.py"
        source.write_text(
            "import os, time\n"
            "import numpy as np\n"
            "import pandas as pd\n"
            "from mlflow.models import set_model\n"
            "from mlflow.pyfunc import PythonModel\n\n"
            "class Model(PythonModel):\n"
            "    def predict(self, context, model_input, params=None):\n"
            + textwrap.indent(textwrap.dedent(lines).strip(), " " * 8)
            + "\n\n"
            + textwrap.indent(textwrap.dedent(more).strip(), " " * 4)
            + "\n\nset_model(Model())\n"
        )
        path = tmp_path / name
        options.setdefault("pip_requirements", ["numpy"])
        mlflow.pyfunc.save_model(path, python_model=str(source), **options)
        return str(path)

    return save


@pytest.fixture
def load(save_model: Callable[..., str]) -> Callable[..., mlflow.pyfunc.PyFuncModel]:
    """The same, loaded."""
    return lambda *given, **options: mlflow.pyfunc.load_model(save_model(*given, **options))


class ModelServer:
    """A process of `mlflow models serve`."""

    def __init__(self, folder: Path, *arguments: str, **environment: str):
        import os

        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"models-{self.port}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "models", "serve", "--port", str(self.port)]
                + ["--env-manager", "local", *arguments],
                cwd=folder,
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.uri}/ping", timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise RuntimeError(self.log.read_text()) from None
                time.sleep(0.05)

    def ask(self, body: str, timeout: float = 30) -> tuple[int, str, dict[str, str]]:
        """Status, body and headers of the answer."""
        request = urllib.request.Request(
            f"{self.uri}/invocations", body.encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.read().decode(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), dict(error.headers)

    def stop(self) -> int:
        """Stop it as a service manager would; its exit status."""
        self.process.terminate()
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., ModelServer]]:
    """A function that serves a model; servers are stopped afterwards."""
    servers: list[ModelServer] = []

    def start(*arguments: str, **environment: str) -> ModelServer:
        servers.append(ModelServer(tmp_path, *arguments, **environment))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
