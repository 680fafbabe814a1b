"""A folder of this machine: what only it does."""

from __future__ import annotations

import asyncio
import io
import os
import stat
from pathlib import Path

import pytest

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from .conftest import files_in, listed


@pytest.fixture
def store(tmp_path) -> LocalArtifactRepository:
    return LocalArtifactRepository(str(tmp_path / "store"))


def test_download_without_destination_is_the_artifact_itself(store, write):
    store.log_artifact(write("a.txt"), "d")
    assert store.download_artifacts("d/a.txt") == os.path.join(store.artifact_dir, "d", "a.txt")
    assert store.download_artifacts("") == store.artifact_dir
    assert store.get_local_path("d") == os.path.join(store.artifact_dir, "d")
    with pytest.raises(MlflowException, match="No such artifact: 'nope'"):
        store.get_local_path("nope")


@pytest.mark.parametrize(
    ("uri", "folder"),
    [("{}/a b%20c", "a b%20c"), ("file://{}/a%20b%2520c", "a b%20c"), ("file:{}/x", "x")],
)
def test_uri_of_a_folder(tmp_path, write, uri, folder):
    store = LocalArtifactRepository(uri.format(tmp_path.as_posix()))
    store.log_artifact(write("a.txt", "a"))
    assert files_in(tmp_path / folder) == {"a.txt": "a"}


def test_relative_folder(tmp_path, write, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for uri in ("here", ""):
        store = LocalArtifactRepository(uri)
        store.log_artifact(write("a.txt", "a"))
        assert (tmp_path / uri / "a.txt").read_text() == "a"
        assert Path(store.download_artifacts("a.txt")) == tmp_path / uri / "a.txt"


def test_permissions_and_time_are_kept_both_ways(store, write, tmp_path):
    path = write("run.sh")
    os.chmod(path, 0o750)
    os.utime(path, (1e9, 1e9))
    store.log_artifact(path)
    copy = store.download_artifacts("run.sh", tmp_path)
    for one in (store.get_local_path("run.sh"), copy):
        assert os.stat(one).st_mtime == 1e9
        if os.name != "nt":
            assert stat.S_IMODE(os.stat(one).st_mode) == 0o750


def test_file_of_the_store_can_be_logged_to_it_again(store, write):
    store.log_artifact(write("a.txt", "a"))
    store.log_artifact(store.get_local_path("a.txt"))
    assert files_in(store.artifact_dir) == {"a.txt": "a"}


@pytest.mark.skipif(os.name == "nt", reason="links need privileges")
def test_links_in_what_is_logged(store, tmp_path):
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    os.symlink("a.txt", folder / "link.txt")
    os.symlink(tmp_path, folder / "loop")
    store.log_artifacts(str(folder))
    assert files_in(store.artifact_dir) == {"a.txt": "a", "link.txt": "a"}
    assert not os.path.islink(store.get_local_path("link.txt"))


def test_empty_folders_are_kept(store, tmp_path):
    (tmp_path / "src" / "empty").mkdir(parents=True)
    store.log_artifacts(str(tmp_path / "src"), "d")
    assert listed(store, "d") == [("d/empty", True, None)]
    (tmp_path / "out").mkdir()
    assert os.path.isdir(store.download_artifacts("d/empty", tmp_path / "out"))


def test_download_into_itself(store, write):
    store.log_artifact(write("a.txt", "a"))
    inside = Path(store.artifact_dir, "copy")
    inside.mkdir()
    store.download_artifacts("", inside)
    assert files_in(inside) == {"a.txt": "a"}


def test_streams(store):
    store.log_artifact_from_stream(io.BytesIO(b"abc"), "s.txt", "d")
    store.log_artifact_from_stream(io.BytesIO(b"abc"), "elsewhere/t.txt")

    async def chunks(fail=False):
        yield b"ab"
        if fail:
            raise ConnectionError
        yield b"cd"

    asyncio.run(store.log_artifact_from_async_stream(chunks(), "u.txt"))
    with pytest.raises(ConnectionError):
        asyncio.run(store.log_artifact_from_async_stream(chunks(fail=True), "v.txt"))
    assert files_in(store.artifact_dir) == {"d/s.txt": "abc", "t.txt": "abc", "u.txt": "abcd"}
    with pytest.raises(MlflowException, match="Invalid artifact path"):
        store.log_artifact_from_stream(io.BytesIO(b"abc"), "s.txt", "../d")


def test_full_disk_is_told_and_leaves_the_old_file(store, write, monkeypatch):
    store.log_artifact(write("a.txt", "old"))

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MlflowException, match="'a.txt' cannot be written: No space left"):
        store.log_artifact(write("a.txt", "new"))
    assert files_in(store.artifact_dir) == {"a.txt": "old"}
