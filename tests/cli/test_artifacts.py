"""`mlflow artifacts`; the outputs were compared with the reference's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture
def run_id(client) -> str:
    return client.create_run("0").info.run_id


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "d" / "sub").mkdir(parents=True)
    (tmp_path / "d" / "g.txt").write_text("yo\n")
    (tmp_path / "d" / "sub" / "f.txt").write_text("hi\n")
    return tmp_path / "d"


def test_log_list_and_download(run, run_id, folder, tmp_path):
    run("artifacts", "log-artifact", "-l", str(folder / "g.txt"), "-r", run_id)
    run("artifacts", "log-artifact", "-l", str(folder / "g.txt"), "-r", run_id, "-a", "p/q")
    run("artifacts", "log-artifacts", "-l", str(folder), "-r", run_id, "-a", "tree")
    assert run("artifacts", "list", "-r", run_id).stdout == (
        '[{\n  "path": "g.txt",\n  "is_dir": false,\n  "file_size": 3\n}, '
        '{\n  "path": "p",\n  "is_dir": true\n}, {\n  "path": "tree",\n  "is_dir": true\n}]\n'
    )
    listed = json.loads(run("artifacts", "list", "-r", run_id, "-a", "tree").stdout)
    assert [info["path"] for info in listed] == ["tree/g.txt", "tree/sub"]

    printed = run("artifacts", "download", "-r", run_id, "-a", "tree", "-d", "out").stdout
    assert printed == f"\n{tmp_path / 'out' / 'tree'}\n"
    assert (tmp_path / "out" / "tree" / "sub" / "f.txt").read_text() == "hi\n"
    everything = run("artifacts", "download", "-r", run_id).stdout.strip()
    assert (Path(everything) / "p" / "q" / "g.txt").read_text() == "yo\n"
    by_uri = run("artifacts", "download", "-u", f"runs:/{run_id}/g.txt", "-d", "out2").stdout
    assert by_uri == f"\n{tmp_path / 'out2' / 'g.txt'}\n"


def test_empty_list(run, run_id):
    assert run("artifacts", "list", "-r", run_id).stdout == "[]\n"


def test_what_is_not_there(run, run_id):
    for words, wanted in (
        (["log-artifact", "-l", "nope", "-r", run_id], "No such file or directory: 'nope'"),
        (["log-artifacts", "-l", "nope", "-r", run_id], "No such directory: 'nope'"),
        (["list", "-r", "nope"], "Run with id=nope not found"),
        (["download", "-r", run_id, "-a", "missing", "-d", "out"], "missing"),
    ):
        result = run("artifacts", *words, status=1)
        assert wanted in result.stderr
        assert "Traceback" not in result.stderr


def test_download_takes_one_of_run_and_uri(run, run_id):
    wanted = "Exactly one of `run_id` or `artifact_uri` must be specified"
    for words in ([], ["-a", "x"], ["-r", run_id, "-u", f"runs:/{run_id}/x"]):
        assert wanted in run("artifacts", "download", *words, status=1).stderr
