"""Where projects come from: folders, git repositories, archives."""

from __future__ import annotations

import os
import stat
import tempfile
import zipfile
from pathlib import Path

import pytest

import mlflow
from mlflow.exceptions import ExecutionException, MlflowException
from mlflow.projects import fetch
from mlflow.projects.git import is_address


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where projects are fetched to."""
    folder = tmp_path / "fetched"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_folder_is_used_as_it_is(project, monkeypatch, tmp_path):
    (project / "sub.dir").mkdir()
    monkeypatch.chdir(tmp_path)
    for uri in ("project", str(project), project.as_uri()):
        assert fetch.fetch_project(uri) == str(project)
        assert fetch.fetch_project(f"{uri}#sub.dir") == str(project / "sub.dir")


@pytest.mark.parametrize(
    "sub", ["..", "sub/../..", "./sub", "/etc", "#sub", "absent", "out", "MLproject"]
)
def test_folders_in_it_that_cannot_be(project, sub):
    (project / "out").symlink_to("/etc")
    with pytest.raises(ExecutionException, match=r"not allowed|Could not find subdirectory"):
        fetch.fetch_project(f"{project}#{sub}")


@pytest.mark.parametrize("form", ["{}", "file://{}", "../{.name}"])
def test_versions_of_a_repository(repository, git, form, temporary):
    uri = form.format(repository)
    first = git(repository, "rev-parse", "v1")
    last = git(repository, "rev-parse", "main")
    wanted = {None: last, "main": last, "side": last, "v1": first, first: first, first[:8]: first,
              "refs/heads/side": last}  # fmt: skip
    for version, commit in wanted.items():
        folder = Path(fetch.fetch_project(uri, version))
        assert folder.parent == temporary
        assert git(folder, "rev-parse", "HEAD") == commit
        assert (folder / "two.sh").exists() == (commit == last)
    assert Path(fetch.fetch_project(f"{uri}#sub", "v1")).name == "sub"


@pytest.mark.parametrize(
    "version",
    ["nope", "", "-x", "--upload-pack=touch HIT", "main~1", "a..b", "a b", "a:b", "@{-1}",
     ".a", "/a", "a\nb", "a*", "0" * 40, "deadbeef"],
)  # fmt: skip
def test_versions_that_are_not_there(repository, version, temporary, tmp_path):
    with pytest.raises(ExecutionException, match="Unable to checkout version"):
        fetch.fetch_project(str(repository), version)
    assert list(temporary.iterdir()) == []
    assert not list(tmp_path.rglob("HIT"))


def test_versions_that_are_there_are_named(repository, temporary):
    with pytest.raises(ExecutionException, match="There is no 'nope'; there is .*main"):
        fetch.fetch_project(str(repository), "nope")


@pytest.mark.parametrize(
    "uri",
    ["ext::sh -c touch% HIT", "fd::17", "--upload-pack=touch HIT", "-x", "git@-oProxyCommand=x:y",
     "ssh://-oProxyCommand=touch HIT/x", "ssh://-x/y", "host:-x", "host:a b", "https://-x/", "s3://b/x",
     "absent", "file:///absent", "https://h/a\nb", "a::b", ""],
)  # fmt: skip
def test_what_is_no_project(uri, temporary, tmp_path):
    with pytest.raises(ExecutionException, match="is no project"):
        fetch.fetch_project(uri)
    assert list(temporary.iterdir()) == []
    assert not list(tmp_path.rglob("HIT"))


def test_addresses():
    for uri in (
        "https://h/x.git",
        "ssh://git@h:22/x",
        "git@h:a/b.git",
        "git://h/x",
        "h.org:x",
        "file:///x",
    ):
        assert is_address(uri)


def test_checked_out_files_of_a_local_repository_stay(project, repository, git):
    before = git(project, "rev-parse", "HEAD")
    (project / "two.sh").write_text("changed\n")
    folder = fetch.fetch_project(str(project), "v1")
    assert folder != str(project)
    assert git(project, "rev-parse", "HEAD") == before
    assert (project / "two.sh").read_text() == "changed\n"


def test_programs_of_a_repository_do_not_run(repository, git, project, tmp_path):
    """Hooks come from templates, monitors and filters from settings; submodules from elsewhere."""
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    hook = hooks / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/HIT\n")
    hook.chmod(0o755)
    os.environ["GIT_TEMPLATE_DIR"] = str(tmp_path / "template")
    os.environ["GIT_DIR"] = str(tmp_path / "elsewhere")
    fetch.fetch_project(str(repository))
    assert not (tmp_path / "HIT").exists()
    del os.environ["GIT_DIR"]
    (project / ".gitmodules").write_text(
        f'[submodule "s"]\n path = s\n url = file://{repository}\n'
    )
    commit = git(repository, "rev-parse", "main")
    git(project, "update-index", "--add", "--cacheinfo", f"160000,{commit},s")
    git(project, "add", ".gitmodules")
    git(project, "commit", "-qm", "three")
    with pytest.raises(ExecutionException, match="transport 'file' not allowed"):
        fetch.fetch_project(str(project), "main")


def test_tags_of_a_run_from_a_repository(repository, client, git):
    uri = f"{repository.as_uri()}#sub"
    run = mlflow.run(uri, version="v1", env_manager="local", parameters={"learning_rate": "0.5"})
    found = client.get_run(run.run_id)
    tags = {k.removeprefix("mlflow."): v for k, v in found.data.tags.items()}
    assert tags["source.name"] == uri
    assert tags["source.git.commit"] == git(repository, "rev-parse", "v1")
    assert tags["source.git.repoURL"] == str(repository)
    assert "source.git.branch" not in tags  # v1 is none
    assert found.data.metrics == {"loss": 0.5}
    run = mlflow.run(str(repository), "two.sh", version="side", env_manager="local")
    assert client.get_run(run.run_id).data.tags["mlflow.source.git.branch"] == "side"


def test_source_names(project, repository, git, monkeypatch):
    monkeypatch.chdir(project.parent)
    root = project.resolve()
    assert fetch.source_name("project") == f"file://{root}"
    assert fetch.source_name(f"{project}/sub") == f"file://{root}#sub"
    assert fetch.source_name("project#sub") == "project#sub"
    assert fetch.source_name("https://u:secret@h/x#sub") == "https://h/x#sub"
    (project.parent / "plain").mkdir()
    assert fetch.source_name("plain") == str(project.parent / "plain")


def archive(path: Path, *names: str, mode: int = 0o644, content: bytes = b"x") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            file.writestr(info, content, zipfile.ZIP_DEFLATED)
    return path


def test_archives(tmp_path, temporary, shared_server):
    path = archive(tmp_path / "p.zip", "sub/a.sh", "b.sh", mode=stat.S_IFREG | 0o755)
    folder = Path(fetch.fetch_project(path.as_uri()))
    assert (folder / "sub" / "a.sh").stat().st_mode & 0o777 == 0o755
    assert Path(fetch.fetch_project(f"{path}#sub")).name == "sub"
    with pytest.raises(ExecutionException, match="only supported for Git"):
        fetch.fetch_project(str(path), "v1")
    with pytest.raises(ExecutionException, match="answered 404"):
        fetch.fetch_project(f"{shared_server.uri}/absent.zip")
    with pytest.raises(ExecutionException, match="There is no file"):
        fetch.fetch_project("absent.zip")
    assert len(list(temporary.iterdir())) == 2


@pytest.mark.parametrize("names", [["../a"], ["/a"], ["a\\..\\b"], ["a", "A"], ["a/../../b"]])
def test_hostile_archives(tmp_path, temporary, names):
    path = archive(tmp_path / "p.zip", *names)
    with pytest.raises(MlflowException, match="is not unpacked"):
        fetch.fetch_project(str(path))
    path = archive(tmp_path / "p.zip", "link", mode=stat.S_IFLNK | 0o777, content=b"/etc")
    with pytest.raises(MlflowException, match="neither a file nor a folder"):
        fetch.fetch_project(str(path))
    (tmp_path / "p.zip").write_text("no archive")
    with pytest.raises(MlflowException, match="cannot be unpacked"):
        fetch.fetch_project(str(path))
    assert list(temporary.iterdir()) == []


def test_archive_that_would_fill_the_disk(tmp_path):
    path = archive(tmp_path / "p.zip", "a", content=bytes(80 << 20))
    with pytest.raises(MlflowException, match="would become more than"):
        fetch.fetch_project(str(path))
