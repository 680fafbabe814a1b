"""What every repository does, be it a folder, a server or a bucket."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repo import verify_artifact_path

from .conftest import TREE, files_in, listed


def test_nothing_is_there_at_first(repository):
    assert repository.list_artifacts() == []
    assert repository.list_artifacts("nope") == []
    repository.delete_artifacts("nope")


def test_log_artifact(repository, write):
    repository.log_artifact(write("a.txt", "aaa"))
    repository.log_artifact(Path(write("b.txt", "b")), "x/y")
    repository.log_artifact(write("empty", ""), "")
    assert listed(repository) == [("a.txt", False, 3), ("empty", False, 0), ("x", True, None)]
    assert listed(repository, "x") == [("x/y", True, None)]
    assert listed(repository, "x/y") == listed(repository, "x/y/") == [("x/y/b.txt", False, 1)]
    assert listed(repository, "a.txt") == []


def test_log_artifact_again_replaces_it(repository, write, tmp_path):
    repository.log_artifact(write("a.txt", "old and long"))
    repository.log_artifact(write("a.txt", "new"))
    assert listed(repository) == [("a.txt", False, 3)]
    assert Path(repository.download_artifacts("a.txt", tmp_path)).read_text() == "new"


def test_log_artifact_that_is_not_there(repository, tmp_path):
    with pytest.raises(FileNotFoundError):
        repository.log_artifact(str(tmp_path / "nope"))
    with pytest.raises(OSError):
        repository.log_artifact(str(tmp_path))


def test_folder_goes_there_and_back_with_all_names(repository, tree, tmp_path):
    repository.log_artifacts(str(tree), "dir")
    assert listed(repository) == [("dir", True, None)]
    assert [one[0] for one in listed(repository, "dir")] == ["dir/a.txt", "dir/empty", "dir/sub"]
    out = tmp_path / "out"
    out.mkdir()
    assert repository.download_artifacts("dir", str(out)) == str(out / "dir")
    assert files_in(out / "dir") == TREE
    for name, content in TREE.items():
        path = repository.download_artifacts(f"dir/{name}", tmp_path / "out")
        assert Path(path) == out / "dir" / name
        assert Path(path).read_text(encoding="utf-8") == content


def test_folder_at_the_root(repository, tree, tmp_path):
    repository.log_artifacts(str(tree))
    out = tmp_path / "out"
    out.mkdir()
    for everything in ("", None, "."):
        repository.download_artifacts(everything, out)
        assert files_in(out) == TREE


def test_download_to_a_new_folder(repository, write):
    repository.log_artifact(write("a.txt", "aaa"), "d")
    path = Path(repository.download_artifacts("d/a.txt"))
    assert path.is_absolute()
    assert path.read_text() == "aaa"
    assert path.parts[-2:] == ("d", "a.txt")


def test_download_of_what_is_not_there(repository, tmp_path):
    with pytest.raises(MlflowException, match="No such artifact: '.*nope'") as e:
        repository.download_artifacts("nope", tmp_path)
    assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    assert list(tmp_path.glob("**/nope*")) == []


def test_download_to_where_no_folder_is(repository, write, tmp_path):
    repository.log_artifact(write("a.txt"))
    with pytest.raises(MlflowException, match="does not exist") as e:
        repository.download_artifacts("a.txt", tmp_path / "nope")
    assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    with pytest.raises(MlflowException, match="must be a directory") as e:
        repository.download_artifacts("a.txt", write("file"))
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


def test_delete_takes_a_file_or_a_folder_but_no_sibling(repository, write):
    for place in ("d", "d/e", "dd"):
        repository.log_artifact(write("a.txt"), place)
    repository.log_artifact(write("d.txt"))
    repository.delete_artifacts("d/a.txt")
    assert listed(repository, "d") == [("d/e", True, None)]
    repository.delete_artifacts("d")
    assert [one[0] for one in listed(repository)] == ["d.txt", "dd"]
    repository.delete_artifacts()
    assert repository.list_artifacts() == []


@pytest.mark.parametrize("path", ["..", "../x", "a/../b", "/x", "/etc", "%2e%2e/x", "a\nb"])
def test_paths_that_lead_elsewhere_are_refused(repository, write, tmp_path, path):
    for attempt in (
        lambda: repository.list_artifacts(path),
        lambda: repository.download_artifacts(path),
        lambda: repository.download_artifacts(path, tmp_path),
        lambda: repository.delete_artifacts(path),
        lambda: repository.log_artifact(write("a.txt"), path),
        lambda: repository.log_artifacts(os.path.dirname(write("a.txt")), path),
    ):
        with pytest.raises(MlflowException, match="[Ii]nvalid (artifact )?path"):
            attempt()


def test_failures_of_several_files_are_told_together(repository, tree, tmp_path):
    repository.log_artifacts(str(tree))
    out = tmp_path / "out"
    (out / "a.txt").mkdir(parents=True)
    with pytest.raises(MlflowException) as e:
        repository.download_artifacts("", out)
    assert str(e.value).startswith(
        "The following failures occurred while downloading one or more artifacts from "
        f"{repository.artifact_uri}:\n##### File a.txt #####\n"
    )
    assert {k: v for k, v in TREE.items() if k != "a.txt"} == files_in(out)


def test_large_file(repository, write, tmp_path):
    content = os.urandom(1 << 10) * 3000 + b"end"
    repository.log_artifact(write("big.bin", content), "d")
    assert listed(repository, "d") == [("d/big.bin", False, len(content))]
    path = repository.download_artifacts("d/big.bin", tmp_path)
    assert Path(path).read_bytes() == content


def test_repr_names_everything(repository):
    kind = type(repository).__name__
    assert repr(repository) == (
        f"{kind}(artifact_uri={repository.artifact_uri!r}, "
        f"tracking_uri={repository.tracking_uri!r}, registry_uri=None)"
    )


def test_trace_data(repository):
    with pytest.raises(MlflowException, match="not found"):
        repository.download_trace_data()
    repository.upload_trace_data('{"spans": []}')
    assert repository.download_trace_data() == {"spans": []}
    repository.upload_trace_data('{"spans"')
    with pytest.raises(MlflowException, match="corrupted"):
        repository.download_trace_data()


@pytest.mark.parametrize("path", [None, "", "a", "a/b", "a b", "a..b", "a/..b", "~", "é", "a:b"])
def test_verify_artifact_path_accepts(path):
    verify_artifact_path(path)


@pytest.mark.parametrize("path", ["a//b", "a/", "/a", "../a", "a/../b", ".", "..", "./a", "a/./b"])
def test_verify_artifact_path_refuses(path):
    with pytest.raises(MlflowException, match="must not resolve to other names"):
        verify_artifact_path(path)


def test_time_of_a_file(repository, write):
    """About right, by the clock of this machine; a copy in a folder keeps the time of the file."""
    path = write("a.txt")
    os.utime(path, (1_700_000_000,) * 2)
    repository.log_artifact(path, "x")
    now = time.time()
    expected = 1_700_000_000 if repository.get_local_path("x/a.txt") else now
    assert abs(repository.modified_time("x/a.txt") - expected) < 10
