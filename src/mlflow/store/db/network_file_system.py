"""Whether a folder is on a network file system, where SQLite's locks and shared memory may fail."""

from __future__ import annotations

import os
import re
import sys

#: Types of file systems that several machines may have mounted, or a machine and its guests.
_SHARED = """
    9p afpfs afs acfs beegfs ceph cifs coda davfs glusterfs gpfs lustre ncpfs nfs nfs4 orangefs
    prl_fs pvfs2 smb2 smb3 smbfs vboxsf virtiofs vmhgfs webdav
"""
#: Programs behind FUSE whose files are on this machine's disks; all others count as shared.
_LOCAL_FUSE = """
    apfs bindfs cryfs ecryptfs encfs exfat ext2 fuse-overlayfs gocryptfs lxcfs mergerfs ntfs
    ntfs-3g overlayfs portal securefs snapfuse squashfuse unionfs veracrypt zfs
"""


def network_file_system(path: str, mounts: str | None = None) -> str | None:
    """The type of the network file system that `path` is on; None where it is not on one, or
    nothing is known.

    Args:
        path: A file or folder; it need not exist.
        mounts: The text of a Linux kernel's `/proc/PID/mountinfo`; None to ask the system.
    """
    path = os.path.realpath(path)
    if mounts is None and not sys.platform.startswith("linux"):
        return _asked_of_psutil(path)
    if mounts is None:
        try:
            with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
                mounts = file.read()
        except OSError:
            return None
    return _name_if_shared(_deepest(path, _parse(mounts)))


def _parse(mounts: str) -> list[tuple[str, str]]:
    """(mount point, type of file system), in the order they were mounted."""
    found = []
    for line in mounts.splitlines():
        # 36 35 98:0 /root /mount/point options optional… - type source options
        before, separator, after = line.partition(" - ")
        if separator:
            point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), before.split(" ")[4])
            found.append((point, after.split(" ")[0]))
    return found


def _deepest(path: str, mounts: list[tuple[str, str]]) -> str:
    """The type of what is mounted over the longest beginning of `path`, the last of its likes."""
    best, kind = -1, ""
    for point, its_kind in mounts:
        below = point.rstrip("/" + os.sep) + os.sep
        if (path + os.sep).startswith(below) and len(below) >= best:
            best, kind = len(below), its_kind
    return kind


def _name_if_shared(kind: str) -> str | None:
    kind = kind.lower()
    if kind in _SHARED.split():
        return kind
    family, _, program = kind.partition(".")
    return kind if family == "fuse" and program not in _LOCAL_FUSE.split() else None


def _asked_of_psutil(path: str) -> str | None:
    if path.startswith("\\\\"):
        return "a network share"
    import psutil

    partitions = psutil.disk_partitions(all=True)
    for p in partitions:
        if "remote" in p.opts.split(",") and path.lower().startswith(p.mountpoint.lower()):
            return "a network drive"
    return _name_if_shared(_deepest(path, [(p.mountpoint, p.fstype) for p in partitions]))
