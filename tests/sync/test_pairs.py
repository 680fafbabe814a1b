"""Whatever a store has arrives in every other one; and again after changes; and nothing is sent
twice."""

from __future__ import annotations

import pytest
from tests.dump import differences, dump
from tests.sync.filling import Filler

from mlflow.store.tracking.resolve import tracking_store
from mlflow.sync import sync

PAIRS = [
    ("sqlite", "sqlite"),
    ("sqlite", "postgresql"),
    ("sqlite", "mysql"),
    ("sqlite", "server"),
    ("sqlite", "file"),
    ("postgresql", "server"),
    ("server", "sqlite"),
    ("server", "server"),
    ("file", "sqlite"),
    ("file", "server"),
    ("mysql", "postgresql"),
]


@pytest.mark.parametrize(("here", "there"), PAIRS, ids=lambda kind: kind)
def test_pair(place, tmp_path, here, there):
    source, destination = place(here), place(there)
    root = str(tmp_path / "files of the source")
    odd_keys = "file" not in (here, there)
    filler = Filler(tracking_store(source, root), source, seed=1, odd_keys=odd_keys)
    for _ in range(3):
        filler.work(60)
        report = sync(source, destination, artifact_root=str(tmp_path / "files"))
        assert report.problems == []
        copied(source, destination)
        again = sync(source, destination)
        assert again.problems == [] and not again.counts.any_change(), again.counts


def copied(source: str, destination: str) -> None:
    """Both have the same."""
    here, there = tracking_store(source), tracking_store(destination)
    ids = there.can_adopt
    assert differences(dump(here, source, ids=ids), dump(there, destination, ids=ids)) == []
