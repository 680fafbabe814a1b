"""Each fact is compared with what `git` itself says."""

import os
import shutil
import subprocess

import pytest
from tests.optional import missing

from mlflow.utils import git_utils
from mlflow.utils.git_utils import get_git_branch, get_git_commit, get_git_repo_url


@pytest.fixture(autouse=True)
def _own_git_configuration(monkeypatch, tmp_path):
    if not shutil.which("git"):
        missing("git", "repositories are made with it")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / "config"))
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "a")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@example.com")


def git(folder, *arguments):
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def write(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    write(folder / "train.py")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


@pytest.fixture
def no_git_program(monkeypatch):
    def refuse(*arguments):
        raise AssertionError(f"git was asked {arguments}")

    monkeypatch.setattr(git_utils, "_ask_git", refuse)


def test_branch_and_commit_of_a_script(repository, no_git_program):
    script = str(repository / "train.py")
    assert get_git_commit(script) == git(repository, "rev-parse", "HEAD")
    assert get_git_branch(script) == "main"
    assert get_git_repo_url(script) is None


def test_folder_below_and_branch_with_slash(repository):
    git(repository, "checkout", "-q", "-b", "feature/a-b")
    script = write(repository / "deep" / "er" / "x.py")
    assert get_git_commit(script) == git(repository, "rev-parse", "HEAD")
    assert get_git_branch(script) == "feature/a-b"
    assert get_git_branch(str(repository / "deep")) == "feature/a-b"


def test_packed_refs(repository, no_git_program):
    git(repository, "tag", "-a", "v1", "-m", "v1")
    git(repository, "pack-refs", "--all")
    assert not (repository / ".git" / "refs" / "heads" / "main").exists()
    assert get_git_commit(str(repository)) == git(repository, "rev-parse", "HEAD")


def test_detached_head_has_no_branch(repository):
    git(repository, "checkout", "-q", "--detach")
    assert get_git_commit(str(repository)) == git(repository, "rev-parse", "HEAD")
    assert get_git_branch(str(repository)) is None


def test_before_the_first_commit(tmp_path):
    git(tmp_path, "init", "-q", "-b", "main")
    assert get_git_commit(str(tmp_path)) is None
    assert get_git_branch(str(tmp_path)) == "main"


def test_worktree(repository, tmp_path):
    git(repository, "remote", "add", "origin", "https://example.com/a")
    tree = tmp_path / "tree"
    git(repository, "worktree", "add", "-q", str(tree), "-b", "side")
    write(tree / "new.py")
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "second")
    script = str(tree / "new.py")
    assert get_git_commit(script) == git(tree, "rev-parse", "HEAD")
    assert get_git_commit(script) != get_git_commit(str(repository))
    assert get_git_branch(script) == "side"
    assert get_git_repo_url(script) == "https://example.com/a"


def test_submodule_is_a_repository_of_its_own(repository, tmp_path):
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q", "-b", "main")
    git(
        outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repository), "part"
    )
    script = str(outer / "part" / "train.py")
    assert get_git_commit(script) == git(repository, "rev-parse", "HEAD")
    assert get_git_repo_url(script) == str(repository)


def test_link_leads_to_the_repository(repository, tmp_path):
    link = tmp_path / "link.py"
    link.symlink_to(repository / "train.py")
    assert get_git_commit(str(link)) == git(repository, "rev-parse", "HEAD")


def test_outside_and_absent(tmp_path):
    outside = write(tmp_path / "x.py")
    for path in (outside, str(tmp_path / "absent.py"), "-c"):
        assert (get_git_commit(path), get_git_branch(path), get_git_repo_url(path)) == (None,) * 3


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://user:pw@example.com/a/b.git", "https://example.com/a/b.git"),
        ("https://token@example.com:8443/x?q=1@2", "https://example.com:8443/x?q=1@2"),
        ("https://u:p@[::1]:3/x", "https://[::1]:3/x"),
        ("https://example.com/x/u:p@y", "https://example.com/x/u:p@y"),
        ("ssh://git@example.com/x.git", "ssh://example.com/x.git"),
        ("git@example.com:a/b.git", "git@example.com:a/b.git"),
        ("/local/path", "/local/path"),
    ],
)
def test_url_comes_without_credentials(repository, url, told):
    git(repository, "remote", "add", "origin", url)
    assert get_git_repo_url(str(repository)) == told


def test_url_is_of_the_first_remote_and_its_last_address(repository):
    git(repository, "remote", "add", "zed", "https://example.com/z")
    git(repository, "remote", "add", "origin", "https://example.com/o")
    assert get_git_repo_url(str(repository)) == "https://example.com/z"
    git(repository, "remote", "set-url", "--add", "zed", "https://example.com/z2")
    assert get_git_repo_url(str(repository)) == "https://example.com/z2"


@pytest.mark.parametrize(
    "text",
    [
        '[remote "origin"]\n\turl = "https://e/\\"x" ; comment\n',
        '[remote "a\\"b"] url = https://e/\\"x # comment\n',
        '[REMOTE "origin"]\n; [remote "no"]\n URL=https://e/\\\n\\"x\n',
    ],
)
def test_spellings_of_the_configuration(repository, text):
    config = repository / ".git" / "config"
    config.write_text(config.read_text() + text)
    names = git(repository, "config", "--get-regexp", r"remote\..*\.url").split(" ", 1)
    assert names[1] == get_git_repo_url(str(repository)) == 'https://e/"x'


@pytest.mark.parametrize("where", [".gitignore", "out/.gitignore", ".git/info/exclude", "global"])
def test_ignored_file_has_no_commit(repository, where):
    script = write(repository / "out" / "x.py")
    pattern = "x.py\n" if where == "out/.gitignore" else "out/\n"
    if where == "global":
        excludes = write(repository.parent / "home" / "excludes", pattern)
        git(repository, "config", "--global", "core.excludesFile", excludes)
    else:
        write(repository / where, pattern)
    assert get_git_commit(script) is None
    assert get_git_commit(str(repository / "train.py")) is not None


def test_tracked_file_has_a_commit_even_if_a_pattern_fits(repository):
    write(repository / ".gitignore", "*.py\n")
    assert get_git_commit(str(repository / "train.py")) == git(repository, "rev-parse", "HEAD")
    write(repository / ".gitignore", "*.py\n!new.py\n")
    assert get_git_commit(write(repository / "new.py")) is not None


def test_usual_patterns_start_no_program(repository, no_git_program):
    write(repository / ".gitignore", "# python\n__pycache__/\n*.py[cod]\n/build/\n*.so\n.venv\n\n")
    assert get_git_commit(str(repository / "train.py")) is not None


def test_git_variables_of_the_surrounding_do_not_mislead(repository, tmp_path, monkeypatch):
    write(repository / ".gitignore", "*.py\n")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert get_git_commit(str(repository / "train.py")) is not None
    assert get_git_commit(write(repository / "new.py")) is None


def test_works_without_the_git_program(repository, monkeypatch):
    commit = git(repository, "rev-parse", "HEAD")
    write(repository / ".gitignore", "*.py\n")
    monkeypatch.setenv("PATH", os.devnull)
    assert get_git_commit(str(repository / "train.py")) == commit


def test_format_that_only_git_knows_is_asked_of_git(repository, tmp_path, monkeypatch):
    (repository / ".git" / "HEAD").write_text("ref: refs/heads/.invalid\n")
    program = tmp_path / "bin" / "git"
    write(
        program, '#!/bin/sh\ncase "$*" in *rev-parse*) echo abc;; *symbolic-ref*) echo b;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    assert get_git_commit(str(repository)) == "abc"
    assert get_git_branch(str(repository)) == "b"
