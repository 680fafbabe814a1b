"""Many files at once, and the bar that shows it."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.artifact import transfer
from mlflow.store.artifact.transfer import MAX_WORKERS, run_all
from mlflow.utils import progress as progress_module
from mlflow.utils.progress import Progress


def test_all_jobs_are_done_by_few_threads():
    lock, running, most, done = threading.Lock(), [0], [0], []

    def work(number):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.005)
        with lock:
            running[0] -= 1
            done.append(number)

    run_all([(str(n), lambda n=n: work(n)) for n in range(40)], "uploading", "root")
    assert sorted(done) == list(range(40))
    assert 1 < most[0] <= MAX_WORKERS


def fail(code=None):
    raise MlflowException("why", CODES[code]) if code else OSError("why")


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        (["PERMISSION_DENIED", "PERMISSION_DENIED"], "PERMISSION_DENIED"),
        (["PERMISSION_DENIED", "RESOURCE_DOES_NOT_EXIST"], "INTERNAL_ERROR"),
        (["PERMISSION_DENIED", None], "INTERNAL_ERROR"),
        ([None], "INTERNAL_ERROR"),
    ],
)
def test_failures_are_joined_and_keep_the_code_they_share(codes, code):
    done = []
    jobs = [(f"f{n}", lambda c=c: fail(c)) for n, c in enumerate(codes)]
    with pytest.raises(MlflowException, match="##### File f0 #####\nwhy") as e:
        run_all([*jobs, ("good", lambda: done.append(1))], "uploading", "root")
    assert e.value.error_code == code
    assert str(e.value).startswith(
        "The following failures occurred while uploading one or more artifacts to root:"
    )
    assert done == [1]


INTERRUPTED = """
import sys, time
from mlflow.store.artifact.transfer import check_interrupted, run_all
def work(n):
    print("started", flush=True)
    for _ in range(2000):
        time.sleep(0.01)
        check_interrupted()
try:
    run_all([(str(n), lambda n=n: work(n)) for n in range(100)], "uploading", "root")
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGINT")
def test_interrupt_ends_it_soon():
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.readline()
    time.sleep(0.05)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - start < 15, "each of them takes 20 seconds"
    assert out.splitlines()[-1] == b"interrupted"
    assert (process.returncode, err) == (0, b"")


def test_interrupted_download_leaves_no_part(tmp_path, monkeypatch):
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

    store = LocalArtifactRepository(str(tmp_path / "store"))
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"x" * (3 << 20))
        store.log_artifact(str(tmp_path / name))
    out = tmp_path / "out"
    out.mkdir()
    calls = []

    def interrupt(original=transfer.check_interrupted):
        calls.append(1)
        if len(calls) > 2:
            raise transfer.Interrupted
        original()

    monkeypatch.setattr(transfer, "check_interrupted", interrupt)
    with pytest.raises(MlflowException):
        store.download_artifacts("", out)
    assert list(out.iterdir()) == []


class Terminal(io.StringIO):
    def isatty(self):
        return True


def on_terminal(monkeypatch) -> Terminal:
    """From here to the end of the test, stderr is a terminal."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def test_quick_work_shows_no_bar(monkeypatch):
    terminal = on_terminal(monkeypatch)
    with Progress("Uploading", 3) as bar:
        for _ in range(3):
            bar.update()
    assert terminal.getvalue() == ""


def test_slow_work_shows_one_bar(monkeypatch):
    terminal = on_terminal(monkeypatch)
    monkeypatch.setattr(progress_module, "_PATIENCE", 0)
    with Progress("Uploading artifacts", 4) as outer, Progress("one file", 1000, "B") as inner:
        outer.update()
        inner.update(500)
        time.sleep(progress_module._PAUSE)
        outer.update(3)
    text = terminal.getvalue()
    assert "one file" not in text
    assert text.startswith(
        "\rUploading artifacts:  25% |######                  | 1 files of 4 files"
    )
    assert "100% |########################| 4 files of 4 files" in text
    assert text.endswith("\n")


@pytest.mark.parametrize("why", ["not a terminal", "switched off", "no stderr"])
def test_no_bar_where_none_is_wanted(why, monkeypatch):
    terminal = on_terminal(monkeypatch)
    monkeypatch.setattr(progress_module, "_PATIENCE", 0)
    if why == "not a terminal":
        monkeypatch.setattr(sys, "stderr", io.StringIO())
    elif why == "switched off":
        monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    else:
        monkeypatch.setattr(sys, "stderr", None)
    with Progress("Uploading", 1) as bar:
        bar.update()
    assert terminal.getvalue() == ""
    assert why == "no stderr" or sys.stderr.getvalue() == ""


def test_bar_of_bytes_and_of_an_unknown_total():
    bar = Progress("Downloading", 3_000_000, "B")
    bar.done = 1_500_000
    assert bar.line(2) == ("Downloading:  50% |############            | 1.5 MB of 3 MB (750 KB/s)")
    bar.total = None
    assert bar.line(2) == "Downloading: 1.5 MB (750 KB/s)"
