"""Commit, branch and address of the git repository that a file lies in.

The few files that tell it are read directly, in well under a millisecond. The `git` program is
started only where they don't tell it: when a file may be ignored, and for the `reftable` format.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

_GIT_TIMEOUT_SECONDS = 5
_MAX_SYMBOLIC_REFS = 5


class _Repository(NamedTuple):
    root: str
    """Folder of the checked-out files."""
    git_dir: str
    """Where HEAD is; for a worktree or submodule not below `root`."""
    common_dir: str
    """Where the refs and the configuration are."""


def get_git_commit(path: str) -> str | None:
    """Hexadecimal id of the commit that is checked out where `path` lies.

    Args:
        path: A file or folder.

    Returns:
        None outside a repository, before the first commit, and for a file that git ignores
        (no commit describes it).
    """
    repository = _find(path)
    if repository is None or _is_ignored(repository, path):
        return None
    head = _read(repository.git_dir, "HEAD")
    if _is_reftable(head):
        return _ask_git(repository.root, "rev-parse", "--verify", "-q", "HEAD")
    for _ in range(_MAX_SYMBOLIC_REFS):
        if not head.startswith("ref: "):
            return head or None
        head = _resolve(repository, head[5:].strip())
    return None


def get_git_branch(path: str) -> str | None:
    """Name of the branch that is checked out where `path` lies; None when HEAD is detached."""
    repository = _find(path)
    if repository is None:
        return None
    head = _read(repository.git_dir, "HEAD")
    if _is_reftable(head):
        return _ask_git(repository.root, "symbolic-ref", "-q", "--short", "HEAD")
    prefix = "ref: refs/heads/"
    return head[len(prefix) :] if head.startswith(prefix) else None


def get_git_repo_url(path: str) -> str | None:
    """Address of the first configured remote, without user name and password; None without one."""
    repository = _find(path)
    if repository is None:
        return None
    urls: dict[str, str] = {}
    for section, key, value in _settings(_read(repository.common_dir, "config")):
        if section.startswith("remote.") and key == "url":
            urls[section] = value
    return _without_credentials(next(iter(urls.values()))) if urls else None


def _find(path: str) -> _Repository | None:
    """The innermost repository around an existing `path`."""
    folder = os.path.realpath(path)
    if not os.path.exists(folder):
        return None
    while True:
        git_dir = os.path.join(folder, ".git")
        if os.path.isfile(git_dir):  # worktree or submodule: the file names the folder
            git_dir = os.path.join(folder, _read(git_dir).removeprefix("gitdir: "))
        if os.path.isfile(os.path.join(git_dir, "HEAD")):
            common = _read(git_dir, "commondir")
            return _Repository(folder, git_dir, os.path.join(git_dir, common))
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _read(*parts: str) -> str:
    """Text of a file, stripped; empty when it cannot be read."""
    try:
        with open(os.path.join(*parts), "rb") as stream:
            return stream.read().decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _resolve(repository: _Repository, ref: str) -> str:
    """What a ref points at: an id, `ref: …` or nothing."""
    for folder in (repository.git_dir, repository.common_dir):
        if loose := _read(folder, ref):
            return loose
    for line in _read(repository.common_dir, "packed-refs").splitlines():
        commit, _, name = line.partition(" ")
        if name == ref:
            return commit
    return ""


def _is_reftable(head: str) -> bool:
    return head == "ref: refs/heads/.invalid"  # written there to stop programs such as this one


def _settings(text: str) -> Iterator[tuple[str, str, str]]:
    """(section, key, value) of each line of a git configuration; `remote.origin`, `url`, …"""
    section = ""
    for line in re.sub(r"\\\r?\n", "", text).splitlines():
        line = line.strip()
        if header := re.match(r'\[\s*([\w.-]+)\s*(?:"((?:[^"\\]|\\.)*)")?\s*\]', line):
            section = header[1].lower()
            if header[2] is not None:
                section += "." + re.sub(r"\\(.)", r"\1", header[2])
            line = line[header.end() :].strip()
        if setting := re.match(r"([A-Za-z][\w-]*)\s*=\s*(.*)", line):
            yield section, setting[1].lower(), _value(setting[2])


def _value(text: str) -> str:
    """A configured value without quotes, escapes and comment."""
    out, quoted, escaped = [], False, False
    for char in text:
        if escaped:
            out.append({"n": "\n", "t": "\t"}.get(char, char))
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char in "#;" and not quoted:
            break
        else:
            out.append(char)
    return "".join(out).strip()


def _without_credentials(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url  # a path, or user@host:path where the user is part of the address
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    return f"{scheme}://{host.rpartition('@')[2]}{rest[len(host) :]}"


def _is_ignored(repository: _Repository, path: str) -> bool:
    path = os.path.realpath(path)
    relative = os.path.relpath(path, repository.root)
    if os.path.isdir(path) or not _may_be_ignored(repository, relative):
        return False
    return _ask_git(repository.root, "check-ignore", "--", relative) is not None


def _may_be_ignored(repository: _Repository, relative: str) -> bool:
    """False when surely no ignore pattern fits: whatever a pattern matches, its last part matches
    one part of the path."""
    parts = relative.lower().split(os.sep)  # on some file systems letter case does not count
    for file in _ignore_files(repository, relative.split(os.sep)):
        for line in _read(file).splitlines():
            last = line.strip().rstrip("/").rpartition("/")[2].lstrip("!").lower()
            if not last or last.startswith("#"):
                continue
            odd = "\\" in last or "[^" in last or "[:" in last  # spelled otherwise in fnmatch
            if odd or any(fnmatchcase(part, last) for part in parts):
                return True
    return False


def _ignore_files(repository: _Repository, parts: list[str]) -> list[str]:
    """Every file that may hold an ignore pattern for the path that `parts` make."""
    folders = [os.path.join(repository.root, *parts[:depth]) for depth in range(len(parts))]
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    files = [os.path.join(folder, ".gitignore") for folder in folders]
    files.append(os.path.join(repository.common_dir, "info", "exclude"))
    files.append(os.path.join(home, "git", "ignore"))
    for config in (
        "/etc/gitconfig",
        os.path.join(home, "git", "config"),
        os.path.expanduser("~/.gitconfig"),
        os.path.join(repository.common_dir, "config"),
    ):
        for section, key, value in _settings(_read(config)):
            if (section, key) == ("core", "excludesfile"):
                files.append(os.path.expanduser(value))
    return files


def _ask_git(root: str, *arguments: str) -> str | None:
    """Output of a `git` command; None when it fails, hangs, or there is no such program."""
    import subprocess

    environment = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    # A repository may name programs to run; here none shall
    command = ["git", "-C", root, "-c", "core.fsmonitor=false", *arguments]
    try:
        answer = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.decode("utf-8", "replace").strip() if answer.returncode == 0 else None
