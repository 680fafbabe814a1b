"""`kill -9` of a copy at random moments: made again, it ends as if nothing had happened."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.conftest import needs_reference
from tests.dump import differences, dump
from tests.sync.filling import Filler

from mlflow.store.tracking.resolve import tracking_store

ROOT = Path(__file__).parents[2]
#: By hand, for long: HEADRACE_CRASHES=1000 pytest tests/sync/test_crash.py
CRASHES = int(os.environ.get("HEADRACE_CRASHES", "4"))


class Copier:
    """Copies in a process of its own."""

    def __init__(self, source: str, destination: str, root: Path, *flags: str):
        self.arguments = [source, destination, str(root), *flags]
        self.kills: list[bool] = []
        """For each whether it came while there was something to kill."""

    def _start(self) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.sync.copier", *self.arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout.readline() == "ready\n"
        return process

    def copy(self) -> float:
        """To the end; how many seconds it took."""
        process = self._start()
        start = time.monotonic()
        said = process.communicate()[0]
        assert process.returncode == 0 and said.endswith("done 0\n"), said
        return time.monotonic() - start

    def copy_and_die(self, seconds: float) -> None:
        process = self._start()
        time.sleep(seconds)
        process.kill()
        process.communicate()
        self.kills.append(process.returncode < 0)


def check(source: str, destination: str, copier: Copier, crashes: int) -> None:
    store, there = tracking_store(source), tracking_store(destination)
    ids = "foreign" not in copier.arguments and there.can_adopt
    filler = Filler(store, source, seed=5)
    filler.work(150)
    rng = random.Random(3)
    duration = 0.5

    def compare() -> None:
        mine, theirs = dump(store, source, ids=ids), dump(there, destination, ids=ids)
        assert differences(mine, theirs) == []

    for _ in range(crashes):
        copier.copy_and_die(rng.uniform(0, duration))
        if rng.random() < 0.3:  # it may happen twice
            copier.copy_and_die(rng.uniform(0, duration))
        took = copier.copy()
        duration = max(0.1, 0.7 * duration + 0.3 * took)
        compare()
        filler.work(60)
    copier.copy()
    compare()
    print(f"{sum(copier.kills)} of {len(copier.kills)} kills came while it was copying")


@pytest.mark.parametrize("kind", ["sqlite", "server"])
def test_killed_copy(place, tmp_path, kind):
    source, destination = place("sqlite"), place(kind)
    root = tmp_path / "files"
    tracking_store(source, str(tmp_path / "files of the source"))
    check(source, destination, Copier(source, destination, root), CRASHES)


def test_killed_copy_to_a_store_that_gives_its_own_ids(place, tmp_path):
    source, destination = place("sqlite"), place("server")
    tracking_store(source, str(tmp_path / "files of the source"))
    check(source, destination, Copier(source, destination, tmp_path, "foreign"), CRASHES)


@needs_reference
def test_killed_copy_to_the_reference(make_reference_server, place, tmp_path):
    source, destination = place("sqlite"), make_reference_server()
    tracking_store(source, str(tmp_path / "files of the source"))
    check(source, destination, Copier(source, destination, tmp_path), CRASHES)
