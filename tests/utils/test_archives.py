"""Archives that would get out of their folder, or fill the disk, are refused before anything is
written."""

from __future__ import annotations

import io
import tarfile

import pytest

from mlflow.exceptions import MlflowException
from mlflow.pyfunc import archive_directory, extract_archive_to_dir
from mlflow.utils import archives


def member(name, kind=tarfile.REGTYPE, link="", content=b""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(content)
    return info, content


def tar(path, *members):
    with tarfile.open(path, "w:gz") as file:
        for info, content in members:
            file.addfile(info, io.BytesIO(content))
    return str(path)


def test_what_was_archived_comes_back(tmp_path):
    (tmp_path / "in/sub").mkdir(parents=True)
    (tmp_path / "in/empty").mkdir()
    (tmp_path / "in/a").write_text("A")
    (tmp_path / "in/sub/b").write_bytes(b"\0" * 10_000_000)  # packs well, and is taken yet
    (tmp_path / "in/link").symlink_to("sub/b")
    archive = archive_directory(str(tmp_path / "in"), str(tmp_path / "x.tar.gz"))
    out = tmp_path / "out"
    assert extract_archive_to_dir(archive, str(out)) == str(out)
    assert sorted(p.name for p in out.iterdir()) == ["a", "empty", "link", "sub"]
    assert (out / "a").read_text() == "A"
    assert (out / "link").stat().st_size == 10_000_000
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out", "x.tar.gz"]


def test_no_archive_is_left_of_what_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        archive_directory(str(tmp_path / "nothing"), str(tmp_path / "x.tar.gz"))
    assert list(tmp_path.iterdir()) == []


SYM, HARD, FOLDER = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
HOSTILE = {
    "above": [member("../x")],
    "above, in the middle": [member("a/../../x")],
    "absolute": [member("/tmp/x")],
    "backslashes": [member("..\\x")],
    "device": [member("x", tarfile.CHRTYPE)],
    "pipe": [member("x", tarfile.FIFOTYPE)],
    "link above": [member("l", SYM, "../x")],
    "link to the root": [member("l", SYM, "/etc/passwd")],
    "link from a folder": [member("d/l", SYM, "../../x")],
    "link over a link": [member("d/up", SYM, ".."), member("d/l", SYM, "up/../x")],
    "hard link above": [member("l", HARD, "../x")],
    "hard link from a folder": [member("d/l", HARD, "../x")],
    "written through a link": [member("l", SYM, "d"), member("l/x")],
    "twice": [member("x"), member("x")],
    "twice, by case": [member("x"), member("X")],
    "file and folder": [member("x"), member("x", FOLDER)],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_hostile_members_are_refused(tmp_path, members):
    archive = tar(tmp_path / "x.tar.gz", member("good", content=b"1"), *members)
    with pytest.raises(MlflowException) as e:
        archives.extract_tar(archive, str(tmp_path / "out"))
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"
    assert [p.name for p in tmp_path.iterdir()] == ["x.tar.gz"]


def test_links_within_are_kept(tmp_path):
    archive = tar(
        tmp_path / "x.tar.gz",
        member("./", FOLDER),
        member("d", FOLDER),
        member("x", content=b"1"),
        member("d/l", SYM, "../x"),
        member("h", HARD, "x"),
    )
    archives.extract_tar(archive, str(tmp_path / "out"))
    assert (tmp_path / "out/d/l").read_bytes() == (tmp_path / "out/h").read_bytes() == b"1"


def test_files_give_no_rights(tmp_path):
    info, content = member("x", content=b"1")
    info.mode, info.uid = 0o6777, 12345
    archives.extract_tar(tar(tmp_path / "x.tar.gz", (info, content)), str(tmp_path / "out"))
    there = (tmp_path / "out/x").stat()
    assert there.st_mode & 0o7777 == 0o755
    assert there.st_uid == tmp_path.stat().st_uid


def test_too_many_and_too_large(tmp_path, monkeypatch):
    archive = tar(tmp_path / "x.tar.gz", *[member(str(n), content=b"0" * 100) for n in range(20)])
    monkeypatch.setattr(archives, "MOST_MEMBERS", 19)
    with pytest.raises(MlflowException, match="more than 19 members"):
        archives.extract_tar(archive, str(tmp_path / "out"))
    monkeypatch.undo()
    monkeypatch.setattr(archives, "SMALL", 10)
    monkeypatch.setattr(archives, "MOST_RATIO", 1)
    with pytest.raises(MlflowException, match="more than [0-9]+ bytes"):
        archives.extract_tar(archive, str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x1f\x8b\x08\x00"])
def test_what_is_no_archive(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(MlflowException, match="cannot be unpacked"):
        archives.extract_tar(str(tmp_path / "x"), str(tmp_path / "out"))


def test_the_cache_for_databricks_says_that_it_is_none():
    from mlflow.pyfunc import DBConnectArtifactCache

    with pytest.raises(MlflowException, match="Databricks Connect"):
        DBConnectArtifactCache.get_or_create(object())
