"""A run of a project that has been started: waiting for it, asking for its state, stopping it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from abc import ABCMeta, abstractmethod

from mlflow.entities import RunStatus

#: After Ctrl-C or a request to stop: how long a command may take to end by itself.
SECONDS_TO_STOP = 10


class SubmittedRun(metaclass=ABCMeta):
    """What a backend returns for a run that it has started. Any thread may use it."""

    @abstractmethod
    def wait(self) -> bool:
        """Wait until it has ended; whether it succeeded."""

    @abstractmethod
    def get_status(self) -> str:
        """Its state, as a name of `RunStatus`."""

    @abstractmethod
    def cancel(self) -> None:
        """Stop it and wait until it has ended; nothing happens if it has already."""

    @property
    @abstractmethod
    def run_id(self) -> str:
        """Id of the run that it logs to."""


class LocalSubmittedRun(SubmittedRun):
    """A run whose command is a process of this machine.

    Args:
        command_proc: The process; it and all that it starts are stopped by `cancel`.
    """

    def __init__(self, run_id: str, command_proc: subprocess.Popen):
        super().__init__()
        self._run_id = run_id
        self.command_proc = command_proc
        self._cancelled = False
        self._lock = threading.Lock()

    @property
    def run_id(self) -> str:
        return self._run_id

    def wait(self) -> bool:
        return self.command_proc.wait() == 0 and not self._cancelled

    def cancel(self) -> None:
        with self._lock:
            if self.command_proc.poll() is not None:
                return
            self._cancelled = True
            stop(self.command_proc)
        end_run(self._run_id, RunStatus.KILLED)

    def get_status(self) -> str:
        code = self.command_proc.poll()
        if code is None:
            status = RunStatus.RUNNING
        elif self._cancelled:
            status = RunStatus.KILLED
        else:
            status = RunStatus.FINISHED if code == 0 else RunStatus.FAILED
        return RunStatus.to_string(status)


def stop(process: subprocess.Popen) -> None:
    """End a process and all that it has started: first kindly, then not."""
    import psutil

    try:
        started = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        started = []
    kindly = signal.SIGTERM if os.name == "nt" else signal.SIGINT
    for number in (kindly, signal.SIGTERM, None):
        for each in (process, *started):
            with contextlib.suppress(psutil.Error, OSError):
                each.kill() if number is None else each.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_TO_STOP / 2)
        # Not the process itself, whose status it would take away.
        _, started = psutil.wait_procs(started, timeout=SECONDS_TO_STOP / 2)
        if process.returncode is not None and not started:
            return
    process.wait()


def end_run(run_id: str, status: int) -> None:
    """Put a run into its last state, unless it has ended in another way than well."""
    from mlflow.tracking.client import MlflowClient

    client = MlflowClient()
    now = RunStatus.from_string(client.get_run(run_id).info.status)
    if not RunStatus.is_terminated(now) or (
        now == RunStatus.FINISHED and status != RunStatus.FINISHED
    ):
        client.set_terminated(run_id, RunStatus.to_string(status))
