"""The state of a folder with code: its commit, what differs from it, and a hash of all.

In a git repository the files are those that git knows, and those that it neither knows nor ignores.
Elsewhere they are all small ones. What may be secret is left out, and named with the reason.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import re
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mlflow.reproducibility import secrets
from mlflow.utils import git_utils

_logger = logging.getLogger(__name__)

LARGEST_FILE = 1 << 20
"""Bytes of a file that no commit has."""
LARGEST_ALL = 20 << 20
"""Bytes of all such files together, and of all files of a commit that no remote has."""
_MOST_FILES = 5000
_MOST_LOOKED_AT = 50_000
_SECONDS = 60
#: Folders that are never code.
_NEVER = {"mlruns", "mlartifacts", "__pycache__", "node_modules", "site-packages", "venv", "env"}
_NO_CODE = re.compile(r".*\.(?:py[cod]|so|db|db-wal|db-shm|db-journal|log|lock)|mlflow\.db.*")


@dataclass
class Code:
    """The state of a folder."""

    root: Path
    files: dict[str, str]
    """Path with slashes to a hash of the content and whether it can be run; of a link, where to."""
    commit: str | None = None
    branch: str | None = None
    repository: str | None = None
    """Address of the first remote."""
    pushed: bool = False
    """Whether a remote had the commit when it was last looked at."""
    patch: bytes = b""
    """What differs from the commit, as `git diff --binary` says it."""
    extra: list[str] = field(default_factory=list)
    """Files that no commit has."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Path to why it is not here."""

    @property
    def hash(self) -> str:
        """Of all files; the same wherever they are."""
        digest = hashlib.sha256()
        for path, content in sorted(self.files.items()):
            digest.update(f"{path}\0{content}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()


def root_of(folder: str | os.PathLike[str]) -> Path:
    """The repository around a folder; else the folder."""
    found = git_utils._find(os.fspath(folder))
    return Path(found.root if found is not None else os.path.realpath(folder))


def state_of(root: Path) -> Code:
    """The state of a folder, which is a repository's or has none around it."""
    commit = git_utils.get_git_commit(str(root))
    if commit is None or not (root / ".git").exists():
        code = Code(root, {})
        _add_extra(code, _walk(root))
        return code
    code = Code(root, {}, commit)
    code.branch = git_utils.get_git_branch(str(root))
    code.repository = git_utils.get_git_repo_url(str(root))
    code.pushed = bool(_git(root, "branch", "--remotes", "--contains", commit).strip())
    known = _names(_git(root, "ls-files", "-z"))
    gone = _add_patch(code)
    for name in known:
        if name in code.left_out or name in gone:
            continue
        if not code.pushed and _is_secret(root / name, name):
            code.left_out[name] = "may be secret"
            continue
        _add(code, name)
    others = _names(_git(root, "ls-files", "-z", "--others", "--exclude-standard"))
    _add_extra(code, [name for name in others if not _is_no_code(name)])
    return code


def _add_patch(code: Code) -> set[str]:
    """Say what differs; names of files that are no longer there."""
    pieces, gone = [], set()
    for name in _names(
        _git(code.root, "diff", "--name-only", "--no-renames", "--ignore-submodules", "-z", "HEAD")
    ):
        piece = _git_bytes(
            code.root, "diff", "--binary", "--no-renames", "--no-ext-diff", "--no-textconv",
            "--no-color", "--ignore-submodules", "--src-prefix=a/", "--dst-prefix=b/", "HEAD", "--",
            f":(top,literal){name}",
        )  # fmt: skip
        if secrets.by_name(name) or secrets.in_text(piece, name):
            code.left_out[name] = "what was changed may be secret"
        elif len(piece) > LARGEST_ALL:
            code.left_out[name] = f"what was changed is larger than {LARGEST_ALL} bytes"
        else:
            pieces.append(piece)
            if not os.path.lexists(code.root / name):
                gone.add(name)
    code.patch = b"".join(pieces)
    return gone


def _add_extra(code: Code, names: list[str]) -> None:
    size = 0
    for name in sorted(names):
        path = code.root / name
        try:
            facts = path.lstat()
        except OSError:
            continue
        if not (stat.S_ISREG(facts.st_mode) or stat.S_ISLNK(facts.st_mode)):
            continue
        if facts.st_size > LARGEST_FILE:
            code.left_out[name] = f"is larger than {LARGEST_FILE} bytes"
        elif size + facts.st_size > LARGEST_ALL or len(code.extra) >= _MOST_FILES:
            code.left_out[name] = "there are too many files that no commit has"
        elif _is_secret(path, name):
            code.left_out[name] = "may be secret"
        else:
            size += facts.st_size
            code.extra.append(name)
            _add(code, name)


def _is_secret(path: Path, name: str) -> bool:
    if secrets.by_name(name):
        return True
    try:
        return not path.is_symlink() and path.is_file() and secrets.in_text(_start(path), name)
    except OSError:
        return True  # what cannot be read is not taken


def _start(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(LARGEST_FILE)


def _add(code: Code, name: str) -> None:
    path = code.root / name
    try:
        facts = path.lstat()
        if stat.S_ISLNK(facts.st_mode):
            code.files[name] = f"link {os.readlink(path)}"
        elif stat.S_ISREG(facts.st_mode):
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256") if _FAST else _digest(file)
            code.files[name] = f"{'x' if facts.st_mode & 0o100 else '-'} {digest.hexdigest()}"
    except OSError as error:
        code.left_out[name] = f"cannot be read: {error.strerror}"


_FAST = hasattr(hashlib, "file_digest")  # since Python 3.11


def _digest(file):  # type: ignore[no-untyped-def]
    digest = hashlib.sha256()
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest


def _walk(root: Path) -> list[str]:
    """Files below a folder that may be code. Of a home or the top folder, those right in it."""
    deep = root != Path.home() and root != Path(root.anchor)
    found, looked = [], 0
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = [n for n in sorted(folders) if deep and not _is_other(here / n, n)]
        looked += len(names)
        if looked > _MOST_LOOKED_AT:
            _logger.warning("'%s' has more than %s files; not all are kept.", root, _MOST_LOOKED_AT)
            break
        relative = [(here / n).relative_to(root).as_posix() for n in names]
        found += [n for n in relative if not _is_no_code(n)]
    return found


def _is_other(path: Path, name: str) -> bool:
    return name in _NEVER or name.startswith(".") or (path / "pyvenv.cfg").exists()


def _is_no_code(name: str) -> bool:
    parts = name.split("/")
    return any(part in _NEVER for part in parts[:-1]) or bool(_NO_CODE.fullmatch(parts[-1]))


def _names(text: str) -> list[str]:
    return [name for name in text.split("\0") if name]


def packed(root: Path, names: list[str]) -> bytes:
    """Files as a tar.gz whose bytes depend on them alone."""
    import gzip

    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name in sorted(names):
            facts = tar.gettarinfo(str(root / name), name)
            facts.uid = facts.gid = facts.mtime = 0
            facts.uname = facts.gname = ""
            facts.mode = 0o755 if facts.mode & 0o100 else 0o644
            if facts.isreg():
                with open(root / name, "rb") as file:
                    tar.addfile(facts, file)
            elif facts.issym():
                tar.addfile(facts)
    return buffer.getvalue()


def committed(code: Code) -> bytes | None:
    """The files of a commit that no remote has, as a tar; None if they are too large. What may be
    secret is not in it."""
    without = [f":(top,exclude,literal){name}" for name in code.left_out]
    content = _git_bytes(
        code.root, "archive", "--format=tar", code.commit or "", "--", ".", *without
    )
    return content if len(content) <= LARGEST_ALL else None


def _git(root: Path, *arguments: str) -> str:
    return _git_bytes(root, *arguments).decode("utf-8", "surrogateescape")


def _git_bytes(root: Path, *arguments: str) -> bytes:
    """Output of git.

    Raises:
        OSError, subprocess.SubprocessError: It is not there, or failed.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    # Asking for a state must neither run programs nor change anything.
    settings = ["-c", "core.fsmonitor=false", "-c", "core.quotePath=false"]
    return subprocess.run(
        ["git", *settings, "-C", str(root), *arguments],
        env={**environment, "GIT_OPTIONAL_LOCKS": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=_SECONDS,
        check=True,
    ).stdout


def lines_of(code: Code) -> Iterator[str]:
    """What is left out, for people."""
    for name, why in sorted(code.left_out.items()):
        yield f"'{name}' ({why})"
