"""Which file systems count as shared, and what a database does on one."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading

import pytest

from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.store.db.dialects import sqlite
from mlflow.store.db.network_file_system import _asked_of_psutil, network_file_system
from mlflow.store.tracking.sql.store import SqlStore

MOUNTS = r"""
22 28 0:21 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
28 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw,errors=remount-ro
35 28 0:31 / /run rw,nosuid,nodev shared:12 master:3 - tmpfs tmpfs rw,size=3269776k
61 28 259:1 / /home rw,relatime - xfs /dev/nvme0n1p1 rw,attr2
71 61 0:52 / /home/ann/team\040share rw,relatime shared:41 - nfs4 10.0.0.2:/export rw,vers=4.2
72 61 0:53 / /home/ann/old rw - nfs filer:/vol rw,vers=3
73 28 0:54 / /mnt/win rw - cifs //server/share rw,vers=3.1.1
74 28 0:55 / /mnt/c rw,noatime - 9p C:\134 rw,aname=drvfs;path=C:\134
75 28 0:56 / /mnt/far rw,nosuid,nodev - fuse.sshfs ann@far:/ rw,user_id=1000
76 28 0:57 / /mnt/bucket rw - fuse mountpoint-s3 rw
77 28 0:58 / /mnt/usb rw - fuseblk /dev/sda1 rw
78 28 0:59 / /mnt/pool rw - fuse.mergerfs a:b rw
79 28 0:60 / /auto rw - autofs systemd-1 rw,fd=40
80 79 0:61 / /auto rw - nfs4 filer:/auto rw
81 28 0:62 / /mnt/win/inside rw - ext4 /dev/loop0 rw
82 28 0:63 / /work rw - overlay overlay rw,lowerdir=/var/lib
83 28 0:64 / /mnt/lustre rw - lustre mgs@tcp:/fs rw

a line that is not one of a mount
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", None),
        ("/home/ann/project", None),
        ("/home/ann/team share", "nfs4"),
        ("/home/ann/team share/a/b", "nfs4"),
        ("/home/ann/team shared/a", None),
        ("/home/ann/old/x", "nfs"),
        ("/home/ann/older", None),
        ("/mnt/win/x", "cifs"),
        ("/mnt/win/inside/x", None),
        ("/mnt/c/Users/ann", "9p"),
        ("/mnt/far/x", "fuse.sshfs"),
        ("/mnt/bucket/x", "fuse"),
        ("/mnt/usb/x", None),
        ("/mnt/pool/x", None),
        ("/auto/x", "nfs4"),
        ("/work/x", None),
        ("/mnt/lustre/x", "lustre"),
        ("/run/x", None),
    ],
)
def test_kind_is_that_of_the_deepest_mount(path, kind):
    assert network_file_system(path, MOUNTS) == kind


def test_links_are_followed(tmp_path):
    (tmp_path / "link").symlink_to("/mnt/far")
    assert network_file_system(str(tmp_path / "link" / "x"), MOUNTS) == "fuse.sshfs"
    assert network_file_system(str(tmp_path / "x"), MOUNTS) is None


def test_nothing_is_known_where_nothing_is_mounted():
    assert network_file_system("/x", "") is None


def test_this_machine_answers(tmp_path):
    real = network_file_system(str(tmp_path))
    assert real is None or real in network_file_system.__globals__["_SHARED"] or "fuse" in real
    assert _asked_of_psutil(str(tmp_path)) == real


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """A folder that the mounts say is on NFS."""
    folder = tmp_path / "nfs"
    folder.mkdir()
    mounts = f"{MOUNTS}\n90 28 0:70 / {folder} rw - nfs4 filer:/x rw\n"
    monkeypatch.setattr(
        sqlite, "network_file_system", lambda path: network_file_system(path, mounts)
    )
    return folder


def journal(path) -> str:
    with sqlite3.connect(path) as connection:
        (mode,) = connection.execute("pragma journal_mode").fetchone()
    connection.close()
    return mode


def test_database_on_one_goes_without_shared_memory_and_says_so(shared, caplog):
    with caplog.at_level(logging.WARNING):
        store = SqlStore(f"sqlite:///{shared}/store.db", str(shared))
        run_id = store.create_run("0", "u", 0, [], None).info.run_id
        failures: list[Exception] = []

        def log(worker: int) -> None:
            try:
                for i in range(20):
                    store.log_metric(run_id, Metric("m", 1.0, i, worker * 100 + i))
                    store.get_run(run_id)
            except Exception as e:
                failures.append(e)

        threads = [threading.Thread(target=log, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert len(store.get_metric_history(run_id, "m")) == 80
    (said,) = [r.getMessage() for r in caplog.records]
    assert "network file system (nfs4)" in said and "\n" not in said
    assert not [name for name in os.listdir(shared) if name.endswith(("-wal", "-shm"))]
    assert journal(shared / "store.db") != "wal"
    store.dispose()


def test_database_elsewhere_has_a_log_and_says_nothing(tmp_path, shared, caplog):
    store = SqlStore(f"sqlite:///{tmp_path}/store.db", str(tmp_path))
    assert journal(tmp_path / "store.db") == "wal"
    assert caplog.records == []
    store.dispose()


def test_the_log_may_be_asked_for(shared, caplog):
    SqlStore(f"sqlite:///{shared}/store.db?journal_mode=wal", str(shared)).dispose()
    assert journal(shared / "store.db") == "wal"
    assert caplog.records == []
    with pytest.raises(MlflowException, match="wal, truncate or delete"):
        SqlStore(f"sqlite:///{shared}/store.db?journal_mode=off", str(shared))


def test_database_that_had_a_log_leaves_it_unless_others_use_it(shared, caplog):
    other = SqlStore(f"sqlite:///{shared}/store.db?journal_mode=wal", str(shared))
    store = SqlStore(f"sqlite:///{shared}/store.db", str(shared))
    run_id = store.create_run("0", "u", 0, [], None).info.run_id
    assert "another process has it open" in caplog.text
    assert other.get_run(run_id).info.run_id == run_id
    other.dispose()
    store.dispose()
    store = SqlStore(f"sqlite:///{shared}/store.db", str(shared))
    assert store.get_run(run_id).info.run_id == run_id
    with store.db.read() as tx:
        assert tx.execute("pragma journal_mode").fetchone() == ("truncate",)
    store.dispose()
