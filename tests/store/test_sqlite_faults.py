"""A full disk, a file that may not be written, a damaged page, a disk that fails: named, survived
without a restart, and nothing that was acknowledged is lost."""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.optional import missing

from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.db.database import Database
from mlflow.store.tracking.sql.store import SqlStore


def noise(size: int) -> str:
    return random.Random(size).randbytes(size // 2).hex()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 4 MB."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        missing("a small disk", "only root can mount one, on Linux")
    folder = tempfile.mkdtemp(prefix="headrace-disk-")
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder]
    if subprocess.run(mount, capture_output=True).returncode:
        os.rmdir(folder)
        missing("a small disk", "mount is not allowed here")
    yield Path(folder)
    subprocess.run(["umount", "--lazy", folder], check=True)
    os.rmdir(folder)


def fill(folder: Path) -> Path:
    """Leave no byte."""
    path = folder / "filler"
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass
    return path


@pytest.fixture
def store(tmp_path) -> Iterator[SqlStore]:
    store = SqlStore(f"sqlite:///{tmp_path}/store.db", str(tmp_path))
    yield store
    store.dispose()


def test_full_disk_is_named_and_survived(small_disk):
    store = SqlStore(f"sqlite:///{small_disk}/store.db", "/artifacts")
    run_id = store.create_run("0", "u", 0, [], None).info.run_id
    filler = fill(small_disk)
    logged: dict[str, str] = {}
    refused: list[str] = []
    lock = threading.Lock()

    def log(worker: int) -> None:
        for i in range(60):
            key, value = f"k{worker}-{i}", noise(4000 + worker)
            try:
                store.log_param(run_id, Param(key, value))
                with lock:
                    logged[key] = value
            except MlflowException as e:
                assert e.error_code == "RESOURCE_EXHAUSTED", e
                assert f"{small_disk}/store.db" in e.message
                with lock:
                    refused.append(key)

    threads = [threading.Thread(target=log, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(logged) + len(refused) == 180
    assert refused
    assert store.get_run(run_id).data.params == logged  # it can still be read
    filler.unlink()
    store.log_param(run_id, Param("after", "room"))
    assert store.get_run(run_id).data.params == {**logged, "after": "room"}
    with store.db.read() as tx:
        assert tx.execute("pragma integrity_check").fetchall() == [("ok",)]
    store.dispose()


def test_full_disk_when_a_store_is_made(small_disk):
    filler = fill(small_disk)
    with pytest.raises(MlflowException) as e:
        SqlStore(f"sqlite:///{small_disk}/store.db", "/artifacts")
    assert e.value.error_code == "RESOURCE_EXHAUSTED"
    filler.unlink()
    SqlStore(f"sqlite:///{small_disk}/store.db", "/artifacts").dispose()


@pytest.fixture
def nobody(store, tmp_path) -> Iterator[Path]:
    """The folder of a copy of a store, while this thread touches files as a user without rights."""
    run_id = store.create_run("0", "u", 0, [RunTag("a", "b")], "first").info.run_id
    store.dispose()
    folder = Path(tempfile.mkdtemp(prefix="headrace-nobody-"))
    folder.chmod(0o755)
    shutil.copy(tmp_path / "store.db", folder / "store.db")
    (folder / "store.db").chmod(0o644)
    (folder / "run_id").write_text(run_id)
    if os.geteuid() == 0:
        # of this thread alone, and with it goes root's right to touch everything
        setfsuid = ctypes.CDLL(None).setfsuid
        setfsuid(65534)
        yield folder
        setfsuid(0)
    else:
        (folder / "store.db").chmod(0o444)
        yield folder
        (folder / "store.db").chmod(0o644)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_folder_that_may_not_be_written(nobody):
    if os.geteuid() != 0:
        nobody.chmod(0o555)
    with pytest.raises(MlflowException, match="permission|read-only") as e:
        SqlStore(f"sqlite:///{nobody}/store.db", "/artifacts").create_experiment("x", None, [])
    assert e.value.error_code == "INVALID_STATE"
    assert f"{nobody}/store.db" in e.value.message


def test_file_that_may_not_be_written_can_be_read(nobody, tmp_path):
    setfsuid = ctypes.CDLL(None).setfsuid
    if os.geteuid() == 0:
        setfsuid(0)
        nobody.chmod(0o777)
        setfsuid(65534)
    store = SqlStore(f"sqlite:///{nobody}/store.db", "/artifacts")
    run_id = (nobody / "run_id").read_text()
    assert store.get_run(run_id).data.tags["a"] == "b"
    with pytest.raises(MlflowException, match="cannot be written to") as e:
        store.set_tag(run_id, RunTag("a", "c"))
    assert e.value.error_code == "INVALID_STATE"
    assert store.get_run(run_id).data.tags["a"] == "b"
    store.dispose()


def test_folder_that_cannot_be_made(nobody):
    with pytest.raises(MlflowException, match="cannot be made") as e:
        SqlStore(f"sqlite:///{nobody}/run_id/deep/store.db", "/artifacts")
    assert e.value.error_code == "INVALID_STATE"


def test_file_that_is_no_database_is_named_and_stays(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(noise(10_000).encode())
    before = path.read_bytes()
    with pytest.raises(MlflowException, match="not a SQLite database") as e:
        SqlStore(f"sqlite:///{path}", str(tmp_path))
    assert e.value.error_code == "INVALID_STATE"
    assert str(path) in e.value.message
    assert path.read_bytes() == before


def test_damaged_page_is_named_and_the_rest_can_be_read(store, tmp_path):
    run_id = store.create_run("0", "u", 0, [], None).info.run_id
    other = store.create_run("0", "u", 0, [RunTag("whole", "yes")], None).info.run_id
    for i in range(100):
        store.log_param(run_id, Param(f"p{i}", noise(5000)))
    store.dispose()
    path = tmp_path / "store.db"
    content = bytearray(path.read_bytes())
    with store.db.read() as tx:
        (size,) = tx.execute("pragma page_size").fetchone()
        (root,) = tx.execute("select rootpage from sqlite_master where name = 'param'").fetchone()
    store.dispose()
    content[(root - 1) * size : root * size] = random.Random(1).randbytes(size)
    path.write_bytes(content)
    with pytest.raises(MlflowException, match="is damaged") as e:
        store.get_run(run_id)
    assert e.value.error_code == "DATA_LOSS"
    assert str(path) in e.value.message
    with pytest.raises(MlflowException, match="is damaged"):
        store.log_param(run_id, Param("new", "x"))
    store.log_metric(other, Metric("m", 1.0, 0, 0))
    assert [m.value for m in store.get_metric_history(other, "m")] == [1.0]


def test_after_a_disk_error_the_connection_is_opened_anew(store, tmp_path):
    """A disk that fails is played by a file that may not grow, a limit of this process."""
    run_id = store.create_run("0", "u", 0, [], None).info.run_id
    code = f"""
import resource, signal, sys
from mlflow.entities import Param
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.sql.store import SqlStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = SqlStore({store.db_uri!r}, "/artifacts")
store.log_param({run_id!r}, Param("before", "1"))
first = store.db._write_connection
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
codes = set()
for i in range(400):
    try:
        store.log_param({run_id!r}, Param("p%d" % i, "x" * 5900))
    except MlflowException as e:
        codes.add(e.error_code)
        assert store.db._write_connection.broken
        failed = i
        break
assert codes == {{"IO_ERROR"}}, codes
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.log_param({run_id!r}, Param("after", "1"))
assert store.db._write_connection is not first
print(failed)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    params = store.get_run(run_id).data.params
    assert set(params) == {"before", "after", *(f"p{i}" for i in range(int(done.stdout)))}
    with store.db.read() as tx:
        assert tx.execute("pragma integrity_check").fetchall() == [("ok",)]


def test_neighbours_in_a_group_are_told_why_when_the_disk_undoes_them(small_disk):
    """SQLite ends the whole transaction when a disk is full, not the one savepoint."""
    database = Database(f"sqlite:///{small_disk}/plain.db")
    database.write(lambda tx: tx.execute("create table t (v text)").rowcount)
    filler = fill(small_disk)
    outcomes: list[str] = []
    with database._lock:  # so that all wait, and go together
        threads = [
            threading.Thread(target=_put, args=(database, size, outcomes))
            for size in (10, 3_000_000, 10)
        ]
        for thread in threads:
            thread.start()
        while len(database._waiting) < 3:
            threads[0].join(0.001)
    for thread in threads:
        thread.join()
    assert "INTERNAL_ERROR" not in outcomes
    assert "RESOURCE_EXHAUSTED" in outcomes
    filler.unlink()
    _put(database, 10, outcomes)
    assert outcomes[-1] == "stored"
    with database.read() as tx:
        (count,) = tx.execute("select count(*) from t").fetchone()
    assert count == outcomes.count("stored")
    database.close()


def _put(database: Database, size: int, outcomes: list[str]) -> None:
    try:
        database.write(lambda tx: tx.execute("insert into t values (?)", ("x" * size,)).rowcount)
        outcomes.append("stored")
    except MlflowException as e:
        outcomes.append(e.error_code)
