"""Files of runs: which are copied, which are left, and what is out of reach."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from tests.dump import dump
from tests.sync.test_sync import Ends, a_run

from mlflow.entities import FileInfo
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import (
    _artifact_repository_registry,
    get_artifact_repository,
)
from mlflow.sync import ArtifactMode, sync


@pytest.fixture(params=["local", "server"])
def ends(request, tmp_path, make_server):
    return Ends(tmp_path, make_server().uri if request.param == "server" else None)


def write(ends: Ends, run_id: str, name: str, content: bytes, folder: str | None = None) -> Path:
    """Store a file as a run of the source's artifact; where it is."""
    path = ends.folder / "made" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    uri = ends.here.get_run(run_id).info.artifact_uri
    repository = get_artifact_repository(uri)
    repository.log_artifact(str(path), folder)
    return Path(repository.get_local_path(f"{folder}/{name}" if folder else name))


def files(ends: Ends) -> dict[str, bytes]:
    """All files in the destination, by run and path."""
    return {
        f"{run_id}/{path}": content
        for experiment in dump(ends.there, ends.destination).values()
        for run_id, run in experiment["runs"].items()
        for path, content in run["files"].items()
    }


def test_files_are_copied_once(ends):
    run_id = a_run(ends.here)
    write(ends, run_id, "a.txt", b"one")
    large = write(ends, run_id, "b c%.bin", os.urandom(3 << 20), "deep/er")
    os.utime(large, (time.time() - 60,) * 2)
    write(ends, run_id, "empty", b"")
    counts = ends.copied().counts
    assert (counts.files, counts.bytes) == (3, 3 + (3 << 20))
    write(ends, run_id, "late.txt", b"late", "deep")
    assert ends.copied().counts.files == 1


def test_file_that_was_cut_short_is_copied_again(ends):
    run_id = a_run(ends.here)
    write(ends, run_id, "a.txt", b"whole")
    ends.copied()
    info = ends.there.get_run(run_id).info
    short = ends.folder / "a.txt"
    short.write_bytes(b"wh")
    repository = get_artifact_repository(info.artifact_uri, tracking_uri=ends.destination)
    repository.log_artifact(str(short))
    assert ends.copied().counts.files == 1


@pytest.mark.parametrize("seconds", [-3600, 0, 3600])
@pytest.mark.parametrize("size", [5, (1 << 20) + 1])
def test_file_that_changed_but_not_its_size(ends, seconds, size):
    """A checkpoint that is written again and again: before the copy, about when it was made, after
    it."""
    run_id = a_run(ends.here)
    path = write(ends, run_id, "model.pt", b"1" * size)
    os.utime(path, (time.time() - 7200,) * 2)
    ends.copied()
    path.write_bytes(b"2" * size)
    os.utime(path, (time.time() + seconds,) * 2)
    if seconds < 0 and ends.destination.startswith("http"):
        return  # nobody can see that: it says of itself that it was there when the copy was made
    ends.sync()
    assert files(ends) == {f"{run_id}/model.pt": b"2" * size}


def test_files_that_only_the_destination_has_stay(ends):
    run_id = a_run(ends.here)
    path = write(ends, run_id, "a.txt", b"one")
    write(ends, run_id, "b.txt", b"two")
    ends.copied()
    path.unlink()
    assert not ends.sync().counts.any_change()
    assert len(files(ends)) == 2


def test_without_artifacts(ends):
    run_id = a_run(ends.here)
    write(ends, run_id, "a.txt", b"one")
    report = ends.sync(artifacts=ArtifactMode.NONE)
    assert report.problems == [] and report.counts.files == 0
    assert files(ends) == {}
    assert ends.sync().counts.files == 1


def test_link_that_leads_out_is_not_followed(ends):
    run_id, other = a_run(ends.here), a_run(ends.here, name="other")
    secret = ends.folder / "secret"
    secret.write_bytes(b"secret")
    folder = write(ends, run_id, "a.txt", b"one").parent
    write(ends, other, "b.txt", b"two")
    (folder / "link").symlink_to(secret)
    (problem,) = ends.sync().problems
    assert run_id in problem
    found = files(ends)
    assert b"secret" not in found.values() and found[f"{other}/b.txt"] == b"two"


def test_names_that_lead_elsewhere_are_refused(ends, monkeypatch):
    class Hostile(ArtifactRepository):
        def list_artifacts(self, path=None):
            return [FileInfo("../../escaped", False, 4)]

        def _download_file(self, remote_file_path, local_path):
            Path(local_path).write_bytes(b"evil")

    monkeypatch.setitem(_artifact_repository_registry._registry, "hostile", Hostile)
    experiment = ends.here.create_experiment("e", "hostile://x/y", [])
    run_id = a_run(ends.here, experiment)
    (problem,) = ends.sync().problems
    assert run_id in problem and "Invalid path" in problem
    assert not list(ends.folder.rglob("escaped"))


def test_files_that_are_out_of_reach_are_named_once(ends):
    """The database of a server: the server has the files, and only it knows where."""
    experiment = ends.here.create_experiment("e", "mlflow-artifacts:/1", [])
    runs = [a_run(ends.here, experiment, f"r{i}", start=i) for i in range(3)]
    (problem,) = ends.sync().problems
    assert runs[0] in problem and "URL" in problem
    ends.there.get_run(runs[2])
    assert ends.sync(artifacts=ArtifactMode.NONE).problems == []


def test_stores_that_share_a_folder(tmp_path):
    """Two databases beside each other, with the same runs: the files are there already."""
    ends = Ends(tmp_path)
    run_id = a_run(ends.here)
    write(ends, run_id, "a.txt", b"one")
    beside = f"sqlite:///{tmp_path}/here/other.db"
    assert sync(ends.source, beside, artifact_root=f"{tmp_path}/here/files").counts.files == 0
    ends = Ends(tmp_path, beside)
    assert files(ends) == {f"{run_id}/a.txt": b"one"}
