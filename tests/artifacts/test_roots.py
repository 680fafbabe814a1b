"""The way from a root folder to a file below it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.resolver import HAS_OPENAT, DescriptorRoot, PathRoot, is_part

ROOTS = [PathRoot, DescriptorRoot] if HAS_OPENAT else [PathRoot]
needs_openat = pytest.mark.skipif(not HAS_OPENAT, reason="the system has no openat")
needs_links = pytest.mark.skipif(os.name == "nt", reason="links need privileges")


@pytest.fixture(params=ROOTS, ids=lambda cls: cls.__name__)
def root(request, tmp_path):
    return request.param(str(tmp_path / "root"))


def put(root, *below: str, content: bytes = b"x") -> None:
    with root.write(below) as stream:
        stream.write(content)


def get(root, *below: str) -> bytes:
    with root.open(below) as stream:
        return stream.read()


def scanned(root, *below: str):
    entries = root.scan(below)
    return entries and [(one.name, one.is_dir, one.size) for one in entries]


def test_what_was_written_is_read_and_listed(root):
    put(root, "b", "c.txt", content=b"123")
    put(root, "a", content=b"")
    assert get(root, "b", "c.txt") == b"123"
    assert scanned(root) == [("a", False, 0), ("b", True, 0)]
    assert scanned(root, "b") == [("c.txt", False, 3)]


def test_base_is_part_of_the_way(tmp_path):
    for cls in ROOTS:
        root = cls(str(tmp_path), ("x", cls.__name__))
        put(root, "f")
        assert (tmp_path / "x" / cls.__name__ / "f").read_bytes() == b"x"
        assert scanned(root) == [("f", False, 1)]


def test_absent_things(root):
    assert root.scan(()) is None
    assert root.scan(("a", "b")) is None
    root.remove(("a",))
    with pytest.raises(MlflowException, match="No such artifact: 'a/b'") as e:
        root.open(("a", "b"))
    assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_file_and_folder_are_not_confused(root):
    put(root, "d", "f")
    assert root.scan(("d", "f")) is None
    for attempt in (
        lambda: root.open(("d",)),
        lambda: put(root, "d"),
        lambda: put(root, "d", "f", "g"),
        lambda: put(root),
    ):
        with pytest.raises(MlflowException) as e:
            attempt()
        assert e.value.error_code == "INVALID_PARAMETER_VALUE"
    assert get(root, "d", "f") == b"x"


def test_overlong_name_is_refused(root):
    with pytest.raises(MlflowException) as e:
        put(root, "n" * 300)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


def test_half_written_file_is_never_seen(root):
    put(root, "f", content=b"old")
    with root.write(("f",)) as stream:
        stream.write(b"new")
        assert get(root, "f") == b"old"
        assert scanned(root) == [("f", False, 3)]
    assert get(root, "f") == b"new"
    with suppress(ZeroDivisionError), root.write(("f",)) as stream:
        stream.write(b"broken")
        raise ZeroDivisionError
    assert get(root, "f") == b"new"
    assert os.listdir(root.path) == ["f"]


def test_remove_file_folder_and_nothing_else(root):
    for name in ("a", "ab", "d/e/f", "d/g"):
        put(root, *name.split("/"))
    root.remove(("a",))
    root.remove(("d",))
    assert scanned(root) == [("ab", False, 1)]


@needs_links
def test_fifo_is_neither_read_nor_waited_for(root):
    put(root, "a")
    os.mkfifo(os.path.join(root.path, "pipe"))
    with pytest.raises(MlflowException, match="not a regular file"):
        root.open(("pipe",))


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text("secret")
    return folder


@needs_links
def test_links_that_leave_are_refused_everywhere(root, outside):
    put(root, "a")
    os.symlink(outside, os.path.join(root.path, "folder"))
    os.symlink(outside / "secret", os.path.join(root.path, "file"))
    for attempt in (
        lambda: root.open(("file",)),
        lambda: root.open(("folder", "secret")),
        lambda: root.scan(("folder",)),
        lambda: put(root, "folder", "new"),
        lambda: put(root, "folder", "secret"),
        lambda: root.remove(("folder", "secret")),
    ):
        with pytest.raises(MlflowException, match="Invalid path") as e:
            attempt()
        assert e.value.error_code == "INVALID_PARAMETER_VALUE"
    assert [p.name for p in outside.iterdir()] == ["secret"]


@needs_links
def test_remove_takes_the_link_and_leaves_its_target(root, outside):
    put(root, "d", "a")
    os.symlink(outside, os.path.join(root.path, "d", "folder"))
    os.symlink(outside, os.path.join(root.path, "link"))
    root.remove(("link",))
    root.remove(("d",))
    assert scanned(root) == []
    assert (outside / "secret").read_text() == "secret"


@needs_links
def test_writing_over_a_link_replaces_it(root, outside):
    put(root, "a")
    if isinstance(root, PathRoot):
        os.symlink("a", os.path.join(root.path, "link"))
    else:
        os.symlink(outside / "secret", os.path.join(root.path, "link"))
    put(root, "link", content=b"new")
    assert get(root, "link") == b"new"
    assert (outside / "secret").read_text() == "secret"


@needs_links
def test_own_links_inside_are_followed_by_path_only(tmp_path):
    root = PathRoot(str(tmp_path))
    put(root, "a")
    os.symlink("a", tmp_path / "link")
    assert get(root, "link") == b"x"
    if HAS_OPENAT:
        strict = DescriptorRoot(str(tmp_path))
        assert scanned(strict) == [("a", False, 1)]
        with pytest.raises(MlflowException, match="Invalid path"):
            strict.open(("link",))


@needs_openat
def test_folder_swapped_for_a_link_meanwhile_never_leads_out(tmp_path, outside):
    root = DescriptorRoot(str(tmp_path / "root"))
    put(root, "d", "secret", content=b"own")
    folder, aside = tmp_path / "root" / "d", tmp_path / "root" / "aside"
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            os.rename(folder, aside)
            with suppress(FileExistsError):  # a writer has made a folder there
                os.symlink(outside, folder)
                os.unlink(folder)
            while aside.exists():
                shutil.rmtree(folder, ignore_errors=True)
                with suppress(OSError):
                    os.rename(aside, folder)

    thread = threading.Thread(target=swap)
    thread.start()
    seen = set()
    try:
        deadline = time.monotonic() + 0.5
        while time.monotonic() < deadline:
            with suppress(MlflowException):
                seen.add(get(root, "d", "secret"))
            with suppress(MlflowException):
                put(root, "d", "new", content=b"own")
            with suppress(MlflowException, OSError):
                root.remove(("d", "new"))
    finally:
        stop.set()
        thread.join()
    assert seen <= {b"own"}
    assert [p.name for p in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_text() == "secret"


KILLED = """
import sys
from mlflow.store.artifact.resolver import {cls}
root = {cls}(sys.argv[1])
while True:
    with root.write(("d", "f")) as stream:
        for _ in range(64):
            stream.write(b"x" * 65536)
        print("written", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_killed_writer_leaves_nothing_half_written(root):
    code = KILLED.format(cls=type(root).__name__)
    process = subprocess.Popen(
        [sys.executable, "-c", code, root.path], stdout=subprocess.PIPE, env=os.environ
    )
    for _ in range(3):
        process.stdout.readline()
    time.sleep(0.003)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert scanned(root, "d") in ([], [("f", False, 64 * 65536)])
    left = [name for name in os.listdir(os.path.join(root.path, "d")) if name != "f"]
    assert all(is_part(name) for name in left)
