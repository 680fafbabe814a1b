"""The journal: its format, its files, and what becomes of it when things go wrong."""

from __future__ import annotations

import errno
import json
import logging
import math
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflow.entities import Metric, Param, RunTag
from mlflow.store.tracking.resolve import tracking_store
from mlflow.utils.async_logging import folder, journal, segment
from mlflow.utils.async_logging.async_logging_queue import AsyncLoggingQueue, queue_for
from mlflow.utils.async_logging.journal import Journal, NoRoom
from mlflow.utils.async_logging.orphan import Orphan, ship_journals
from mlflow.utils.async_logging.segment import FIRST, Reader, Segment

RUN = "a" * 32


@pytest.fixture(autouse=True)
def journals(tmp_path, monkeypatch) -> Path:
    """Where this test's journals are."""
    place = tmp_path / "journals"
    monkeypatch.setenv("HEADRACE_JOURNAL_DIR", str(place))
    return place


@pytest.fixture
def log(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("mlflow"), "propagate", True)
    return caplog


@pytest.fixture
def run_id(client):
    return client.create_run("0").info.run_id


def contents(calls):
    """What calls hold, to be compared; NaN as a text."""
    return [
        (
            c.run_id,
            [
                (m.key, str(m.value) if m.value != m.value else m.value, m.timestamp, m.step)
                for m in c.metrics
            ],
            [(p.key, p.value) for p in c.params],
            [(t.key, t.value) for t in c.tags],
            c.ending,
        )
        for c in calls
    ]


def read_all(found: Segment) -> tuple[list, Reader]:
    reader = Reader(found)
    calls = []
    while reader.position < found.size:
        calls += reader.read(found.size, 1 << 20)
    return calls, reader


def in_memory(content: bytes) -> Segment:
    return Segment(bytearray(content), "w", 0)


# The format


INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(codec=None), max_size=20)
METRIC = st.builds(
    Metric,
    TEXT,
    st.floats(),
    INT64,
    INT64,
    st.none() | TEXT,
)
CALL = st.tuples(
    st.sampled_from([RUN, "b" * 32, "run"]),
    st.lists(METRIC, max_size=4),
    st.lists(st.builds(Param, TEXT, TEXT), max_size=2),
    st.lists(st.builds(RunTag, TEXT, TEXT), max_size=2),
    st.none() | st.tuples(st.integers(1, 5), INT64),
)


@settings(max_examples=200)
@given(st.lists(CALL, max_size=30), st.integers(300, 2000))
def test_what_is_added_is_read(calls, size):
    before = journal._SMALLEST, journal._LARGEST
    journal._SMALLEST = journal._LARGEST = size
    try:
        written = Journal(None)
        ends = [written.add(*c) for c in calls]
    finally:
        journal._SMALLEST, journal._LARGEST = before
    read = []
    for found in written.segments:
        reader = Reader(found)
        while reader.position < written.written(found):
            read += reader.read(written.written(found), 100)
        assert not reader.damaged
    expected = [segment.Call(0, 0, r, m, p, t, e) for r, m, p, t, e in calls]
    assert contents(read) == contents(expected)
    assert [c.end for c in read] == ends
    assert all(a.end <= b.start for a, b in zip(read, read[1:], strict=False))
    assert written.calls == len(calls)


def small_segment() -> tuple[bytes, list[segment.Call]]:
    """A segment with some of everything, and its calls."""
    written = Journal(None)
    written.add_point(RUN, "loss", 0.5, 1, 2)
    written.add(RUN, [Metric("loss", math.nan, 3, 4), Metric("größe", 1e300, -5, -6)])
    written.add_point("b" * 32, "größe", -1.5, 7, 8)
    written.add(RUN, params=[Param("p", "v" * 40)], tags=[RunTag("t", "\ud800")])
    written.add_point(RUN, "acc", 0.25, 9, 10)
    written.add("b" * 32, ending=(3, 1_700_000_000_000))
    (found,) = written.segments
    end = written.written(found)
    calls = Reader(found).read(end, end)
    assert len(calls) == 6
    return bytes(found.memory[: end + 64]), calls


def test_truncation_anywhere_loses_only_what_is_behind_it():
    content, calls = small_segment()
    for length in range(FIRST, len(content)):
        whole = [c for c in calls if c.end <= length]
        for cut in (content[:length], content[:length].ljust(len(content), b"\0")):
            read, reader = read_all(in_memory(cut))
            # Zeros at the end of a record may be the ones that were cut off
            assert contents(read)[: len(whole)] == contents(whole)
            assert contents(read) == contents(calls[: len(read)])
            assert reader.damaged <= len(content)


def test_any_wrong_bit_loses_only_what_is_behind_it():
    content, calls = small_segment()
    for place in range(len(content) * 8):
        wrong = bytearray(content)
        wrong[place // 8] ^= 1 << place % 8
        found = in_memory(bytes(wrong))
        read, reader = read_all(found)
        assert contents(read) == contents(calls[: len(read)])
        if place // 8 < FIRST:
            assert len(read) == len(calls)
        else:
            whole = [c for c in calls if c.end <= place // 8]
            assert len(read) >= len(whole)
            assert reader.damaged > 0
        # Nothing is taken for stored that is not
        assert found.stored == 0


@settings(max_examples=300)
@given(st.binary(max_size=400))
def test_any_bytes_can_be_read(content):
    read_all(in_memory(bytes(FIRST) + content))


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 15), st.binary(max_size=60)), max_size=10))
def test_records_that_hold_anything_can_be_read(records):
    content = b"".join(segment.record(kind, body) for kind, body in records)
    read_all(in_memory(bytes(FIRST) + content))


def test_mark_of_what_is_stored_is_known_to_be_right_or_is_not_used():
    content, _ = small_segment()
    marked = in_memory(content)
    for mark in (FIRST, 12345, 2**40 + 1):
        marked.stored = mark
        assert marked.stored == mark
        for place in range(24 * 8, FIRST * 8):
            wrong = in_memory(bytes(marked.memory))
            wrong.memory[place // 8] ^= 1 << place % 8
            assert wrong.stored == 0


# Its files


def test_files_are_for_the_user_alone_and_name_their_owner(uri, journals):
    made = Journal("postgresql://ann:secret@db.example.com/x?sslpassword=hush")
    made.add_point(RUN, "loss", 1.0, 1, 1)
    assert made.held.path.startswith(str(journals))
    for path in Path(made.held.path).parent.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0
        assert b"secret" not in path.name.encode()
        if path.is_file():
            assert b"secret" not in path.read_bytes()
            assert b"hush" not in path.read_bytes()
    assert Path(made.held.path).parent.stat().st_mode & 0o077 == 0
    owner = folder.owner_of(made.held.path)
    assert owner["destination"] == "postgresql://ann@db.example.com/x"
    assert owner["pid"] == os.getpid()
    assert made.clear(made.end)
    assert list(journals.iterdir()) == []


@pytest.mark.parametrize(
    ("uri", "plain"),
    [
        ("http://ann:secret@h:5000/p", "http://h:5000/p"),
        ("https://token@h", "https://h"),
        ("http://h:5000", "http://h:5000"),
        ("sqlite:////a b/x.db?synchronous=NORMAL", "sqlite:////a b/x.db?synchronous=NORMAL"),
        ("mysql+pymysql://u:p@h/d?ssl_password=x&charset=a", "mysql+pymysql://u@h/d?charset=a"),
        ("postgresql://:p@h/d", "postgresql://h/d"),
        ("http://[broken", "http://[broken"),
    ],
)
def test_credentials_stay_out_of_files(uri, plain):
    assert folder.without_credentials(uri) == plain


def test_destinations_have_folders_of_their_own():
    uris = [f"http://{host}:{port}/{path}" for host in "ab" for port in (1, 2) for path in "xy"]
    assert len({folder.of_destination(u) for u in uris}) == len(uris)
    assert folder.of_destination("http://a/") == folder.of_destination("http://u:p@a")


def test_segments_that_are_stored_go_away(client, run_id, monkeypatch, journals, uri):
    monkeypatch.setattr(journal, "_SMALLEST", 4000)
    monkeypatch.setattr(journal, "_LARGEST", 4000)
    queue = queue_for(client._store)
    for step in range(1000):
        queue.submit(run_id, metrics=[Metric("m", 1.0, 1, step)])
        if step % 300 == 299:
            queue.flush()
            assert len(list(journals.rglob("*.v1"))) == 1
    queue.flush()
    assert len(client.get_metric_history(run_id, "m")) == 1000
    queue.shutdown()
    assert list(journals.iterdir()) == []


def test_call_that_is_larger_than_a_segment(client, run_id, monkeypatch):
    monkeypatch.setattr(journal, "_SMALLEST", 300)
    monkeypatch.setattr(journal, "_LARGEST", 300)
    queue = queue_for(client._store)
    queue.submit(run_id, metrics=[Metric(f"m{i}", 1.0, 1, 1) for i in range(500)])
    queue.submit(run_id, tags=[RunTag("t", "v" * 5000)])
    queue.flush()
    data = client.get_run(run_id).data
    assert len(data.metrics) == 500
    assert data.tags["t"] == "v" * 5000
    queue.shutdown()


def test_long_outage_takes_few_files(monkeypatch, uri):
    monkeypatch.setattr(journal, "_SMALLEST", 1000)
    monkeypatch.setattr(journal, "_LARGEST", 64_000)
    waiting = Journal(uri)
    for step in range(20_000):
        waiting.add_point(RUN, "m", 1.0, step, 1)
    sizes = [s.size for s in waiting.segments]
    assert sizes[:8] == [1000, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000]
    assert set(sizes[8:]) == {64_000}


def test_live_journal_is_left_alone(uri):
    mine = folder.claim(uri)
    assert list(folder.orphans(folder.of_destination(uri))) == []
    mine.let_go()
    (orphan,) = folder.orphans(folder.of_destination(uri))
    assert list(folder.orphans(folder.of_destination(uri))) == []
    orphan.release()
    assert not os.path.exists(orphan.path)


def test_journal_of_another_machine_is_left_alone_until_its_owner_stays_away(uri, monkeypatch):
    theirs = folder.claim(uri)
    path = Path(theirs.path, folder.OWNER)
    path.write_text(json.dumps({**json.loads(path.read_text()), "host": "elsewhere"}))
    theirs.let_go()
    assert list(folder.orphans(folder.of_destination(uri))) == []
    past = time.time() - folder.FOREIGN_SECONDS - 1
    os.utime(path, (past, past))
    (orphan,) = folder.orphans(folder.of_destination(uri))
    orphan.release()


def test_folder_that_others_may_write_to_is_not_believed(uri):
    left = folder.claim(uri)
    left.let_go()
    above = os.path.dirname(left.path)
    os.chmod(above, 0o777)
    assert list(folder.orphans(above)) == []
    with pytest.raises(PermissionError, match="others may write"):
        folder.claim(uri)


def leave_behind(uri: str, run_id: str, count: int) -> Path:
    """A journal with so many points, as a dead process leaves it; its segment."""
    left = Journal(uri)
    for step in range(count):
        left.add_point(run_id, "m", float(step), step, step)
    left.held.let_go()
    (found,) = left.segments
    found.close()
    return Path(found.path)


def rows(store) -> int:
    """Points in the database, however they are kept."""
    with store.db.read() as tx:
        (in_tail,) = tx.execute("select count(*) from tail").fetchone()
        (in_chunks,) = tx.execute("select coalesce(sum(points), 0) from chunk").fetchone()
        (in_series,) = tx.execute("select coalesce(sum(points), 0) from series").fetchone()
    assert in_tail + in_chunks == in_series
    return in_series


def test_next_process_sends_what_is_left(client, run_id, uri, journals):
    for _ in range(3):
        leave_behind(uri, run_id, 100)
    queue = AsyncLoggingQueue(client._store)
    queue.submit(run_id, tags=[RunTag("t", "1")]).wait()
    queue.shutdown()
    # Equal points of three writers: what is logged twice is kept twice, and shown once
    assert rows(client._store) == 300
    assert len(client.get_metric_history(run_id, "m")) == 100
    assert list(journals.iterdir()) == []


def test_process_that_logs_in_the_foreground_sends_what_is_left(script, run_id, uri, client):
    left = leave_behind(uri, run_id, 100)
    done = script(
        f"""
import os, time
import mlflow

with mlflow.start_run():
    deadline = time.monotonic() + 30
    while os.path.exists({str(left)!r}) and time.monotonic() < deadline:
        time.sleep(0.01)
"""
    )
    assert done.returncode == 0, done.stderr
    assert not left.exists()
    assert len(client.get_metric_history(run_id, "m")) == 100


def test_process_with_nothing_left_to_send_starts_no_thread(script):
    done = script(
        """
import sys, threading
import mlflow

with mlflow.start_run():
    assert "mlflow.utils.async_logging.async_logging_queue" not in sys.modules
    assert threading.active_count() == 1
"""
    )
    assert done.returncode == 0, done.stderr


def test_idle_process_finds_what_its_children_left(client, run_id, uri, journals, monkeypatch):
    monkeypatch.setattr("mlflow.utils.async_logging.async_logging_queue._IDLE_SECONDS", 0.05)
    queue = AsyncLoggingQueue(client._store)
    queue.submit(run_id, tags=[RunTag("t", "1")]).wait()
    left = leave_behind(uri, run_id, 10)
    deadline = time.monotonic() + 30
    while left.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left.exists()
    assert len(client.get_metric_history(run_id, "m")) == 10
    queue.shutdown()


def test_what_was_stored_before_the_crash_is_not_stored_again(client, run_id, uri):
    store = client._store
    path = leave_behind(uri, run_id, 5500)
    content = path.read_bytes()
    crashes = 0

    class Dying:
        """Stores some batches; of the last one, nobody learns that it was."""

        def __init__(self, batches):
            self.batches = batches

        def log_batch_once(self, *args, **place):
            stored = store.log_batch_once(*args, **place)
            self.batches -= 1
            if self.batches < 0:
                raise KeyboardInterrupt
            return stored

    while path.exists():
        (held,) = folder.orphans(folder.of_destination(uri))
        try:
            Orphan(held, Dying(crashes), lambda calls: None).send()
        except KeyboardInterrupt:
            crashes += 1
            held.let_go()
            if crashes % 2:  # not even what was noted in the journal is left
                path.write_bytes(content)
    assert crashes > 3
    assert rows(store) == 5500


def test_batches_that_were_cut_otherwise_before_the_crash_are_stored_once(client, run_id, uri):
    store = client._store
    leave_behind(uri, run_id, 2000)
    (held,) = folder.orphans(folder.of_destination(uri))
    (found,) = held.open_segments()
    calls, _ = read_all(found)
    some = calls[:1234]
    for part in (some[:700], some[700:]):
        points = [m for c in part for m in c.metrics]
        place = {"after": part[0].start, "sequence": part[-1].end}
        assert store.log_batch_once(run_id, points, [], [], writer=held.name, **place) == (
            part[-1].end
        )
    held.let_go()
    ship_journals(tracking_store)
    assert rows(store) == 2000


def test_damaged_segment_is_named_and_kept(client, run_id, uri, log, journals):
    path = leave_behind(uri, run_id, 100)
    content = bytearray(path.read_bytes())
    content[FIRST + 50 * 40] ^= 1
    path.write_bytes(content)
    (found,) = ship_journals(tracking_store)
    assert 40 < found.calls < 60
    (damaged,) = found.damaged
    assert damaged in log.text
    assert "cannot be read" in log.text
    assert Path(damaged).stat().st_size == len(content)
    assert len(client.get_metric_history(run_id, "m")) == found.calls
    (again,) = ship_journals(tracking_store)
    assert (again.calls, again.damaged) == (0, [damaged])


@pytest.mark.parametrize("damage", [b"", b"\0" * 5000, b"nonsense"])
def test_files_that_are_no_journals_do_no_harm(client, run_id, uri, damage, log):
    path = leave_behind(uri, run_id, 10)
    path.write_bytes(damage)
    Path(path.parent, folder.OWNER).write_bytes(b"{")
    (path.parent.parent / "notes.txt").write_text("mine")
    left = leave_behind(uri, run_id, 7)
    queue = AsyncLoggingQueue(client._store)
    queue.submit(run_id, tags=[RunTag("t", "1")]).wait()
    assert not left.exists()
    assert len(client.get_metric_history(run_id, "m")) == 7
    queue.shutdown()


def test_journal_of_a_later_version_is_left_for_it(client, run_id, uri):
    path = leave_behind(uri, run_id, 10)
    later = path.with_suffix(".v2")
    later.write_bytes(b"who knows")
    ship_journals(tracking_store)
    assert not path.exists()
    assert later.read_bytes() == b"who knows"


# Trouble with the disk


def test_read_only_folder_means_memory_and_one_warning(client, run_id, monkeypatch, log, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("HEADRACE_JOURNAL_DIR", str(tmp_path / "file" / "journals"))
    monkeypatch.setattr(journal, "_SMALLEST", 1000)
    queue = AsyncLoggingQueue(client._store)
    for step in range(100):
        queue.submit(run_id, metrics=[Metric("m", 1.0, 1, step)])
    assert queue.flush()
    assert len(client.get_metric_history(run_id, "m")) == 100
    assert log.text.count("kept in memory only") == 1
    assert "HEADRACE_JOURNAL_DIR" in log.text
    queue.shutdown()


def test_user_without_a_home(client, run_id, monkeypatch, log):
    monkeypatch.delenv("HEADRACE_JOURNAL_DIR")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    queue = AsyncLoggingQueue(client._store)
    queue.submit(run_id, metrics=[Metric("m", 1.0, 1, 1)]).wait()
    assert "there is no home folder" in log.text
    queue.shutdown()


def test_limit_on_the_disk(run_id, monkeypatch, log, uri):
    monkeypatch.setattr(journal, "_SMALLEST", 1000)
    monkeypatch.setattr(journal, "_LARGEST", 1000)
    monkeypatch.setattr(journal, "_MOST_IN_MEMORY", 3000)
    monkeypatch.setenv("HEADRACE_JOURNAL_MAX_BYTES", "5000")
    kept = Journal(uri)
    with pytest.raises(NoRoom):
        for step in range(1000):
            kept.add_point(run_id, "m", 1.0, step, 1)
    assert 100 < kept.calls < 200
    assert 4000 < folder.bytes_taken(os.path.dirname(kept.held.path)) <= 5000
    assert log.text.count("HEADRACE_JOURNAL_MAX_BYTES") == 1
    assert [s.path is None for s in kept.segments] == [False] * 4 + [True] * 3


IN_SMALL_SPACE = """
import os, sys
import mlflow
from mlflow.utils.async_logging import journal

journal._SMALLEST = journal._LARGEST = 200_000
{limit}
with mlflow.start_run() as run:
    for step in range(30_000):
        mlflow.log_metric("m", 1.0, step=step, synchronous=False)
    mlflow.flush_async_logging()
    print(run.info.run_id)
"""


def test_limit_on_file_sizes_never_stops_training(script, shared_server):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, -1))"
    done = script(IN_SMALL_SPACE.format(limit=limit), MLFLOW_TRACKING_URI=shared_server.uri)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("kept in memory only") == 1
    assert os.strerror(errno.EFBIG) in done.stderr
    store = tracking_store(shared_server.uri)
    assert len(store.get_metric_history(done.stdout.split()[0], "m")) == 30_000


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 400 kB."""
    place = tmp_path / "tiny"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(place)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no right to mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_full_disk_never_stops_training(script, client, tiny_disk):
    done = script(IN_SMALL_SPACE.format(limit=""), HEADRACE_JOURNAL_DIR=str(tiny_disk))
    assert done.returncode == 0, done.stderr
    assert os.strerror(errno.ENOSPC) in done.stderr
    assert done.stderr.count("kept in memory only") == 1
    assert len(client.get_metric_history(done.stdout.split()[0], "m")) == 30_000


# Processes, threads, signals


def test_forked_child_has_a_journal_of_its_own(script, client, journals):
    done = script(
        """
import os
import mlflow

with mlflow.start_run() as run:
    run_id = run.info.run_id
    operation = mlflow.log_metric("parent", 1.0, synchronous=False)
    store = mlflow.MlflowClient()._store
    mine = store._queue._journal.held.path
    child = os.fork()
    if child == 0:
        client = mlflow.MlflowClient()
        for step in range(100):
            client.log_metric(run_id, "child", 1.0, step=step, synchronous=False)
        theirs = client._store._queue._journal.held.path
        assert theirs != mine
        try:
            operation.wait()
        except mlflow.exceptions.MlflowException as error:
            assert "Logged by the parent process" in error.message
        else:
            os._exit(2)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    for step in range(100):
        mlflow.log_metric("parent", 1.0, step=step + 1, synchronous=False)
    operation.wait()
print(run_id)
"""
    )
    assert done.returncode == 0, done.stderr
    run_id = done.stdout.strip()
    assert len(client.get_metric_history(run_id, "parent")) == 101
    assert [d.calls for d in ship_journals(tracking_store)] in ([], [100])
    assert len(client.get_metric_history(run_id, "child")) == 100
    assert rows(client._store) == 201


def test_child_that_outlives_its_parent_does_not_keep_its_journal(script, client, journals):
    done = script(
        """
import os, sys, time
import mlflow

os.environ["MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS"] = "3600"
run = mlflow.start_run()
for step in range(10):
    mlflow.log_metric("m", 1.0, step=step, synchronous=False)
child = os.fork()
if child == 0:
    os.close(1)
    os.close(2)
    time.sleep(60)
    os._exit(0)
print(run.info.run_id, child, flush=True)
os._exit(0)
"""
    )
    run_id, child = done.stdout.split()
    try:
        assert [d.calls for d in ship_journals(tracking_store)] == [10]
        assert len(client.get_metric_history(run_id, "m")) == 10
    finally:
        os.kill(int(child), signal.SIGKILL)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_process_of_multiprocessing_sends_before_it_ends(script, client, journals, method):
    done = script(
        f"""
import multiprocessing
import mlflow

def work(run_id):
    client = mlflow.MlflowClient()
    for step in range(100):
        client.log_metric(run_id, "m", 1.0, step=step, synchronous=False)

if __name__ == "__main__":
    with mlflow.start_run() as run:
        context = multiprocessing.get_context("{method}")
        child = context.Process(target=work, args=(run.info.run_id,))
        child.start()
        child.join()
        assert child.exitcode == 0
        print(run.info.run_id)
"""
    )
    assert done.returncode == 0, done.stderr
    assert len(client.get_metric_history(done.stdout.strip(), "m")) == 100
    assert not journals.exists() or list(journals.iterdir()) == []


def test_nothing_is_left_after_an_ordinary_end(script, client, journals):
    done = script(
        """
import mlflow

run = mlflow.start_run()
for step in range(5000):
    mlflow.log_metric("m", 1.0, step=step, synchronous=False)
print(run.info.run_id)
"""
    )
    assert done.returncode == 0, done.stderr
    run = client.get_run(done.stdout.strip())
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"m": 1.0}
    assert rows(client._store) == 5000
    assert list(journals.iterdir()) == []


def test_call_after_the_last_flush_of_a_process_is_kept(script, client, journals):
    done = script(
        """
import atexit
import mlflow

def late():
    mlflow.log_metric("late", 1.0, run_id=run_id, synchronous=False)

atexit.register(late)  # called after those that are registered later
with mlflow.start_run() as run:
    run_id = run.info.run_id
    mlflow.log_metric("m", 1.0, synchronous=False)
print(run_id)
"""
    )
    assert done.returncode == 0, done.stderr
    ship_journals(tracking_store)
    assert client.get_run(done.stdout.strip()).data.metrics == {"m": 1.0, "late": 1.0}
    assert list(journals.iterdir()) == []


def test_where_no_thread_can_start_whoever_waits_sends(client, run_id, monkeypatch, uri):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    queue = AsyncLoggingQueue(client._store)
    for step in range(10):
        operation = queue.submit(run_id, metrics=[Metric("m", 1.0, 1, step)])
    operation.wait()
    assert len(client.get_metric_history(run_id, "m")) == 10
    assert queue.shutdown()


def test_signal_handler_may_log_at_any_moment(script, client):
    done = script(
        """
import signal, sys
import mlflow
from mlflow.utils.async_logging import journal

journal._SMALLEST = journal._LARGEST = 3000
seen = 0

def handle(number, frame):
    global seen
    seen += 1
    mlflow.log_metric("signal" + str(seen % 50), float(seen), step=seen, synchronous=False)
    if seen < 500:
        signal.setitimer(signal.ITIMER_REAL, 0.0002)

with mlflow.start_run() as run:
    mlflow.log_metric("m0", -1.0, step=-1, synchronous=False)  # an import must not be interrupted
    signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.0002)
    step = 0
    while seen < 500:
        mlflow.log_metric("m" + str(step % 20), float(step), step=step, synchronous=False)
        step += 1
    print(run.info.run_id, step, seen)
"""
    )
    assert done.returncode == 0, done.stderr
    run_id, steps, seen = done.stdout.split()
    points = {
        key: client.get_metric_history(run_id, key) for key in client.get_run(run_id).data.metrics
    }
    logged = [p for k, ps in points.items() if k[0] == "m" for p in ps]
    assert sorted(p.step for p in logged) == list(range(-1, int(steps)))
    assert all(p.value == p.step and p.key == f"m{max(p.step, 0) % 20}" for p in logged)
    handled = [p for k, ps in points.items() if k[0] == "s" for p in ps]
    assert sorted(p.step for p in handled) == list(range(1, int(seen) + 1))


def test_clock_that_jumps_changes_nothing(client, run_id, monkeypatch):
    queue = AsyncLoggingQueue(client._store)
    moments = iter([2e9, 0.0, 1e9, 5.0] * 1000)
    monkeypatch.setattr(time, "time", lambda: next(moments))
    for value in range(50):
        queue.submit(run_id, tags=[RunTag("t", str(value))])
        client.log_metric(run_id, "m", float(value), step=value, synchronous=False)
    assert queue.flush()
    queue_for(client._store).flush()
    monkeypatch.undo()
    assert client.get_run(run_id).data.tags["t"] == "49"
    assert len(client.get_metric_history(run_id, "m")) == 50
    queue.shutdown()
