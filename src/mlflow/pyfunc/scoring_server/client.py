"""Asking a model that another process serves: over HTTP, or through its standard input."""

from __future__ import annotations

import json
import tempfile
import time
import uuid
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.pyfunc.scoring_server.predictions_response import PredictionsResponse
from mlflow.utils.proto_json_utils import dump_input_data

if TYPE_CHECKING:
    from subprocess import Popen

#: Seconds between two looks whether the other process has got further.
_PAUSE = 0.05


class BaseScoringServerClient(ABC):
    """Asks a model in another process."""

    @abstractmethod
    def wait_server_ready(
        self, timeout: float = 30, scoring_server_proc: Popen | None = None
    ) -> None:
        """Return when the model can be asked.

        Args:
            timeout: Seconds.
            scoring_server_proc: The process; if it ends there is nothing to wait for.

        Raises:
            RuntimeError: If it cannot be asked in time, or its process ended.
        """

    @abstractmethod
    def invoke(self, data: Any, params: dict[str, Any] | None = None) -> PredictionsResponse:
        """The model's answer.

        Args:
            data: A DataFrame, an array, a list or a dict.
            params: For the model's `predict`.

        Raises:
            Exception: If the model did not answer.
        """


class ScoringServerClient(BaseScoringServerClient):
    """Asks a server that `mlflow models serve` started.

    Args:
        host: Name or address.
        port: Number.
    """

    def __init__(self, host: str, port: int):
        import urllib3

        self.url_prefix = f"http://{host}:{port}"
        self._pool = urllib3.PoolManager(retries=False)

    def ping(self) -> None:
        """Return if the server answers.

        Raises:
            ConnectionError: If there is none.
            MlflowException: If it answers with an error.
        """
        self._ask("GET", "/ping")

    def get_version(self) -> str:
        """Version of MLflow that the server says to be."""
        return self._ask("GET", "/version")

    def wait_server_ready(
        self, timeout: float = 30, scoring_server_proc: Popen | None = None
    ) -> None:
        deadline = time.monotonic() + timeout
        while True:
            _check_alive(scoring_server_proc)
            try:
                return self.ping()
            except (ConnectionError, MlflowException) as error:
                if time.monotonic() >= deadline:
                    raise RuntimeError(
                        f"Scoring server at {self.url_prefix} was not ready after {timeout} s. "
                        f"Last ping error: {error}"
                    ) from error
            time.sleep(_PAUSE)

    def invoke(self, data: Any, params: dict[str, Any] | None = None) -> PredictionsResponse:
        body = dump_input_data(data, params=params)
        return PredictionsResponse.from_json(self._ask("POST", "/invocations", body))

    def _ask(self, method: str, path: str, body: str | None = None) -> str:
        import urllib3

        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            answer = self._pool.request(
                method, self.url_prefix + path, body=body, headers=headers, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise ConnectionError(f"{self.url_prefix}{path}: {error}") from error
        text = answer.data.decode("utf-8", "replace")
        if answer.status != 200:
            raise _failed(answer.status, text)
        return text


class StdinScoringServerClient(BaseScoringServerClient):
    """Asks a process of `mlflow.pyfunc.stdin_server`, which needs no port.

    Args:
        process: Made with `stdin=subprocess.PIPE`.
    """

    def __init__(self, process: Popen):
        self.process = process
        self.tmpdir = Path(tempfile.mkdtemp(prefix="headrace-answers-"))
        self.output_json = self.tmpdir / "output.json"

    def wait_server_ready(
        self, timeout: float = 30, scoring_server_proc: Popen | None = None
    ) -> None:
        try:
            self._ask({}, timeout)
        except TimeoutError as error:
            raise RuntimeError(f"The model was not ready after {timeout} s.") from error

    def invoke(self, data: Any, params: dict[str, Any] | None = None) -> PredictionsResponse:
        return PredictionsResponse.from_json(
            self._ask({"body": dump_input_data(data, params=params)})
        )

    def _ask(self, question: dict[str, Any], timeout: float | None = None) -> str:
        """Send one line; what the process writes into `output_json` then."""
        assert self.process.stdin is not None
        number = uuid.uuid4().hex
        line = json.dumps({"id": number, "output": str(self.output_json), **question}) + "\n"
        stdin: Any = self.process.stdin
        try:
            # a stream of text or of bytes, as whoever made the process chose
            stdin.write(line if hasattr(stdin, "encoding") else line.encode())
            stdin.flush()
        except (OSError, ValueError):  # it has ended, or was told to; the loop says so
            pass
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                answer = json.loads(self.output_json.read_bytes())
            except FileNotFoundError:
                answer = {}
            if answer.get("id") == number:
                break
            _check_alive(self.process)
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(_PAUSE / 10)
        if answer["status"] != 200:
            raise _failed(answer["status"], answer["body"])
        return answer["body"]


def _check_alive(process: Popen | None) -> None:
    if process is not None and process.poll() is not None:
        raise RuntimeError(f"Server process already exit with returncode {process.returncode}")


def _failed(status: int, text: str) -> MlflowException:
    try:
        answer = json.loads(text)
        code, message = answer["error_code"], answer["message"]
    except (ValueError, TypeError, KeyError):
        code, message = "INTERNAL_ERROR", text
    return MlflowException(
        f"Invocation failed (error code {status}, response: {message})",
        error_code=CODES.get(code, CODES["INTERNAL_ERROR"]),
    )
