"""Large files in little memory, on both sides."""

from __future__ import annotations

import filecmp
import os
import threading
import uuid
from pathlib import Path

import psutil
import pytest

from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

SIZE = 256 << 20
ALLOWED = 30 << 20


class Peak:
    """The most memory that processes had more than at the start, while the block ran."""

    def __init__(self, *processes: int):
        self._processes = [psutil.Process(pid) for pid in processes]
        self._before = self._now()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.growth = [0] * len(processes)

    def _now(self) -> list[int]:
        return [process.memory_info().rss for process in self._processes]

    def _watch(self) -> None:
        while not self._stop.wait(0.01):
            grown = [now - before for now, before in zip(self._now(), self._before)]
            self.growth = [max(pair) for pair in zip(self.growth, grown)]

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()


@pytest.mark.slow
def test_large_file_goes_there_and_back_in_little_memory(shared_server, tmp_path):
    path = tmp_path / "large.bin"
    piece = os.urandom(1 << 20)
    with open(path, "wb") as file:
        for _ in range(SIZE >> 20):
            file.write(piece)
    uri = f"mlflow-artifacts:/t/{uuid.uuid4().hex}"
    repository = get_artifact_repository(uri, shared_server.uri)
    repository.log_artifact(__file__)  # what is imported at the first use does not count
    (tmp_path / "out").mkdir()
    with Peak(os.getpid(), shared_server.process.pid) as peak:
        repository.log_artifact(str(path))
        copy = repository.download_artifacts("large.bin", tmp_path / "out")
    assert filecmp.cmp(path, copy, shallow=False)
    assert Path(copy).stat().st_size == SIZE
    assert max(peak.growth) < ALLOWED
    repository.delete_artifacts()
