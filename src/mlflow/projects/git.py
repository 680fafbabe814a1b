"""Fetching a project from a git repository, by the program `git`.

What somebody else has written, an address or a version, never becomes an option or a program:
addresses have one of a few forms, versions are names of branches, tags or commits, and git is told
which protocols it may speak. No hook runs.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence

from mlflow.exceptions import ExecutionException
from mlflow.utils.git_utils import _without_credentials as without_credentials

_logger = logging.getLogger(__name__)

_PROTOCOLS = ("https", "http", "ssh", "git", "file")
_ADDRESS = re.compile(rf"(?:{'|'.join(_PROTOCOLS)})://[^-/][^\s\x00-\x1f]*|file:///[^\x00-\x1f]+")
_SCP = re.compile(r"(?:[\w.][\w.+-]*@)?[\w.][\w.-]*:(?!:|//)[^-\s\x00-\x1f][^\s\x00-\x1f]*")
_VERSION = re.compile(r"(?![-/.])(?!.*\.\.)(?!.*@\{)[^\x00-\x20\x7f~^:?*\[\\]+")
_MOST_NAMED = 10
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT_COMMIT = re.compile(r"[0-9a-f]{4,64}")


def is_repository(folder: str) -> bool:
    """Whether a folder is a repository, bare or checked out."""
    bare = all(os.path.exists(os.path.join(folder, n)) for n in ("HEAD", "objects", "refs"))
    return bare or os.path.exists(os.path.join(folder, ".git"))


def is_bare(folder: str) -> bool:
    """Whether a folder is a repository without checked-out files."""
    return is_repository(folder) and not os.path.exists(os.path.join(folder, ".git"))


def is_address(uri: str) -> bool:
    """Whether a text is an address that git may be given."""
    return bool(_ADDRESS.fullmatch(uri) or _SCP.fullmatch(uri))


def fetch(address: str, version: str | None, folder: str) -> None:
    """Check a version out into an empty folder, with as little history as it needs.

    Args:
        address: Of the repository; or the path of a local one.
        version: A branch, a tag, or a commit, which may be shortened; None for the default branch.

    Raises:
        ExecutionException: There is no git, no such repository or no such version.
    """
    if version is not None and not _VERSION.fullmatch(version):
        raise _no_version(address, version, "That is no name of a branch, tag or commit.")
    _git(folder, "init", "--quiet")
    _git(folder, "remote", "add", "--", "origin", address)
    refs = _refs(folder, address)
    if version is None:
        _fetch_default(folder, refs, address)
    elif f"refs/heads/{version}" in refs:
        _fetch_branch(folder, version)
    else:
        try:
            _git(folder, "checkout", "--quiet", "--detach", _fetched(folder, version, refs))
        except ExecutionException as error:
            raise _no_version(address, version, error.message) from error
    if os.path.exists(os.path.join(folder, ".gitmodules")):
        _logger.info("Fetching the submodules.")
        remote = [name for name in _PROTOCOLS if name != "file"]
        _git(folder, "submodule", "update", "--init", "--recursive", "--depth=1", protocols=remote)


def _no_version(address: str, version: str, why: str) -> ExecutionException:
    return ExecutionException(
        f"Unable to checkout version '{version}' of git repo {without_credentials(address)}"
        f"- please ensure that the version exists in the repo. Error: {why}"
    )


def _refs(folder: str, address: str) -> dict[str, str]:
    """Commit of each branch and tag there; of HEAD, the name of its branch where it is told."""
    refs = {}
    for line in _git(folder, "ls-remote", "--symref", "--", "origin").splitlines():
        what, _, name = line.partition("\t")
        if what.startswith("ref: "):
            refs["HEAD"] = what[5:]
        else:
            refs.setdefault(name, what)
    if not refs:
        raise ExecutionException(f"The git repo {without_credentials(address)} is empty.")
    return refs


def _fetch_default(folder: str, refs: dict[str, str], address: str) -> None:
    head = refs.get("HEAD", "")
    if head.startswith("refs/heads/") and head in refs:
        branch = head.removeprefix("refs/heads/")
        _fetch_branch(folder, branch)
        _logger.info("Fetched '%s' branch", branch)
    elif "HEAD" in refs:
        _git(folder, "fetch", "--depth=1", "--", "origin", "HEAD")
        _git(folder, "checkout", "--quiet", "--detach", "FETCH_HEAD")
    else:
        raise ExecutionException(
            f"The git repo {without_credentials(address)} has no default branch; name a version."
        )


def _fetch_branch(folder: str, branch: str) -> None:
    remote = f"refs/remotes/origin/{branch}"
    _git(folder, "fetch", "--depth=1", "--", "origin", f"+refs/heads/{branch}:{remote}")
    _git(folder, "checkout", "--quiet", "-B", branch, remote, "--")


def _fetched(folder: str, version: str, refs: dict[str, str]) -> str:
    """What to check out for a version that is no branch; it is fetched."""
    if f"refs/tags/{version}" in refs:
        _git(
            folder,
            "fetch",
            "--depth=1",
            "--",
            "origin",
            f"+refs/tags/{version}:refs/tags/{version}",
        )
        return f"refs/tags/{version}"
    if version in refs:  # in full, such as refs/heads/main
        _git(folder, "fetch", "--depth=1", "--", "origin", version)
        return "FETCH_HEAD"
    if not _SHORT_COMMIT.fullmatch(version):
        raise ExecutionException(f"There is no '{version}'; there is {_names(refs)}.")
    if _COMMIT.fullmatch(version):
        try:
            _git(folder, "fetch", "--depth=1", "--", "origin", version)
            return version
        except ExecutionException:  # not every server gives commits that no branch points to
            pass
    _git(folder, "fetch", "--tags", "--", "origin", "+refs/heads/*:refs/remotes/origin/*")
    found = _git(
        folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{version}^{{commit}}"
    )
    return found.strip()


def _names(refs: dict[str, str]) -> str:
    """Some branches and tags, for those who look for one."""
    names = [
        name.split("/", 2)[2] for name in refs if name.startswith(("refs/heads/", "refs/tags/"))
    ]
    names = [name for name in names if not name.endswith("^{}")]
    return ", ".join(names[:_MOST_NAMED]) + ("" if len(names) <= _MOST_NAMED else ", …")


def _git(folder: str, *arguments: str, protocols: Sequence[str] = _PROTOCOLS) -> str:
    """Output of git.

    Raises:
        ExecutionException: It failed, or is not installed.
    """
    program = shutil.which("git")
    if program is None:
        raise ExecutionException("git is needed to fetch a project, but it is not in the PATH.")
    environment = {k: v for k, v in os.environ.items() if k not in _LOCAL}
    environment["GIT_ALLOW_PROTOCOL"] = ":".join(protocols)
    if not (sys.stdin and sys.stdin.isatty()):
        environment["GIT_TERMINAL_PROMPT"] = "0"  # nobody would answer
    # Hooks and a monitor of files would be programs of whoever configured them.
    settings = ["-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false"]
    done = subprocess.run(
        [program, *settings, "-C", folder, *arguments],
        env=environment,
        stdin=None if sys.stdin and sys.stdin.isatty() else subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode != 0:
        said = re.sub(r"://[^/\s@]+@", "://", done.stderr.strip() or f"status {done.returncode}")
        raise ExecutionException(f"git {arguments[0]} failed: {said}")
    return done.stdout


#: Variables that would point git to another repository.
_LOCAL = {
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
}
