import os
from pathlib import Path

import pytest

from mlflow.entities import FileInfo
from mlflow.utils import file_utils as f

POSIX = pytest.mark.skipif(os.sep != "/", reason="paths as on POSIX systems")


@POSIX
@pytest.mark.parametrize(
    ("path", "in_uri"),
    [
        ("/a/b", "/a/b"),
        ("/a b", "/a%20b"),
        ("/a#b", "/a%23b"),
        ("/a?b", "/a%3Fb"),
        ("/é", "/%C3%A9"),
    ],
)
def test_path_and_uri_go_both_ways(path, in_uri):
    assert f.path_to_local_file_uri(path) == f"file://{in_uri}"
    assert f.local_file_uri_to_path(f"file://{in_uri}") == path
    assert f.path_to_local_sqlite_uri(path) == f"sqlite:///{in_uri}"


@POSIX
def test_relative_path_becomes_an_absolute_uri(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert f.path_to_local_file_uri("x") == f"file://{tmp_path}/x"
    assert f.path_to_local_file_uri(Path("x")) == f"file://{tmp_path}/x"


@pytest.mark.parametrize(
    ("uri", "path"), [("file:a", "a"), ("a", "a"), ("s3://b/c", "s3://b/c"), ("/a#b", "/a#b")]
)
def test_other_uris_stay(uri, path):
    assert f.local_file_uri_to_path(uri) == path


def test_path_of_another_place_is_none():
    assert f.get_local_path_or_none("file://h/a") is None
    assert f.get_local_path_or_none("s3://b/c") is None
    assert f.get_local_path_or_none("a") == "a"


def test_listing(tmp_path):
    root = str(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "file").write_text("abc")
    assert f.list_subdirs(root) == ["sub"]
    assert f.list_files(root, full_path=True) == [str(tmp_path / "file")]
    assert f.find(root, "sub", True) == [str(tmp_path / "sub")]
    assert f.find(root, "nope") == []
    assert f.get_file_info(str(tmp_path / "file"), "rel/file") == FileInfo("rel/file", False, 3)
    assert f.get_file_info(root, "rel") == FileInfo("rel", True, None)
    with pytest.raises(Exception, match="Invalid parent directory"):
        f.list_all(str(tmp_path / "nope"))


def test_contents(tmp_path):
    path = str(tmp_path / "x")
    f.write_to(path, "aé\n")
    f.append_to(path, "b")
    assert f.read_file(str(tmp_path), "x") == "aé\nb"
    assert f.read_file_lines(str(tmp_path), "x") == ["aé\n", "b"]
    assert f.read_chunk(path, 2, 1) == "é".encode()


def test_copy_file_or_tree(tmp_path):
    source = tmp_path / "source"
    (source / "__pycache__").mkdir(parents=True)
    (source / "__pycache__" / "a.pyc").touch()
    (source / "b").write_text("b")
    target = tmp_path / "target"
    assert f._copy_file_or_tree(str(source), str(target)) == "source"
    assert os.listdir(target / "source") == ["b"]
    copy = f._copy_file_or_tree(str(source / "b"), str(target), "sub/dir")
    assert copy == os.path.join("sub/dir", "b")
    assert (target / "sub" / "dir" / "b").read_text() == "b"


def test_making_and_moving(tmp_path):
    made = f.mkdir(str(tmp_path), "a/b")
    assert f.mkdir(str(tmp_path), "a/b") == made
    f.make_containing_dirs(str(tmp_path / "c" / "d"))
    f.mv(made, str(tmp_path / "c"))
    assert os.listdir(tmp_path / "c") == ["b"]
    assert f.get_parent_dir(made) == str(tmp_path / "a")


def test_temporary_directory_goes_after_its_block():
    with f.TempDir() as tmp:
        path = tmp.path()
        assert os.path.isdir(path)
        assert tmp.path("a", "b") == os.path.join(path, "a", "b")
    assert not os.path.exists(path)


def test_temporary_directory_may_be_the_current_one_and_stay():
    before = os.getcwd()
    with f.TempDir(chdr=True, remove_on_exit=False) as tmp:
        inside = os.getcwd()
        assert tmp.path("a") == "./a"
    assert os.getcwd() == before
    assert os.path.isdir(inside)
    os.rmdir(inside)
