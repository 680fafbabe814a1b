"""`mlflow sync` and `mlflow migrate-filestore`."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlflow.cli import cli
from mlflow.entities import Metric, Param
from mlflow.store.tracking.resolve import tracking_store


@pytest.fixture
def run_id(store) -> str:
    run_id = store.create_run("0", "ann", 5, [], "first").info.run_id
    store.log_batch(run_id, [Metric("m", 1.0, i, i) for i in range(7)], [Param("p", "1")], [])
    return run_id


@pytest.fixture
def there(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/there/store.db"


def test_copy_and_again(run, uri, there, run_id):
    assert run("sync", uri, there).stdout == ("1 new run (of 1 run): 7 points, 1 param, 1 tag.\n")
    assert tracking_store(there).get_run(run_id).data.params == {"p": "1"}
    result = run("sync", uri, there)
    assert result.stdout == "Nothing new in 1 run.\n" and result.stderr == ""


def test_dry_run_lists_what_it_would_do(run, uri, there, run_id, tmp_path):
    assert run("sync", "--dry-run", uri, there).stdout == (
        f"Run {run_id} (first): new, 7 points, 1 param, 1 tag\n"
        "Would be done: 1 new run (of 1 run): 7 points, 1 param, 1 tag.\n"
    )
    assert not (tmp_path / "there").exists()


def test_selection(run, uri, there, store, run_id):
    for name in ("one", "two"):
        store.create_experiment(name, None, [])
    run("sync", uri, there, "-n", "one", "-x", "0", "--run-id", run_id)
    names = {e.name for e in tracking_store(there).search_experiments()}
    assert names == {"Default", "one"}


def test_conflict_is_reported_and_gives_status_1(run, uri, there, run_id, store):
    run("sync", uri, there)
    tracking_store(there).log_param(run_id, Param("q", "theirs"))
    store.log_param(run_id, Param("q", "mine"))
    result = run("sync", uri, there, status=1)
    assert result.stdout == "Nothing new in 1 run.\n"
    warning, error = result.stderr.splitlines()
    assert warning.startswith(f"Warning: Run {run_id}: param 'q' is 'mine' in the source")
    assert error == "Error: Not everything is as in the source: see 1 warning above."


def test_server_that_is_not_there(run, uri, run_id):
    result = run("sync", uri, "http://127.0.0.1:9", status=1)
    error = result.stderr.splitlines()[-1]
    assert error.startswith("Error: ") and "127.0.0.1:9" in error


def test_one_argument_is_too_few(run, uri):
    for words in ([uri], ["--run-id", "f" * 32], ["--no-artifacts"]):
        assert "SOURCE and DEST are needed" in run("sync", *words, status=2).stderr


def test_interruption_says_how_to_go_on(uri, there, store, tmp_path):
    """Ctrl-C ends it cleanly, and the next one completes it."""
    for i in range(300):
        run_id = store.create_run("0", "ann", i, [], "r").info.run_id
        store.log_batch(run_id, [Metric("m", float(j), j, j) for j in range(200)], [], [])
    store.dispose()
    command = [sys.executable, "-m", "mlflow", "sync", uri, there]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "there" / "store.db").exists():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    said = process.communicate()[1]
    assert process.returncode == 130, said
    assert (
        said.strip() == "Interrupted. What was copied stays; the same command goes on from there."
    )
    subprocess.run(command, check=True, capture_output=True)
    assert len(tracking_store(there).search_runs(["0"], None, 1)) == 300


# -- migrate-filestore --------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of runs."""
    store = tracking_store((tmp_path / "old" / "mlruns").as_uri())
    experiment = store.create_experiment("e", None, [])
    run_id = store.create_run(experiment, "ann", 5, [], "kept").info.run_id
    store.log_batch(run_id, [Metric("m", float(i), i, i) for i in range(3)], [], [])
    store.delete_run(store.create_run(experiment, "ann", 6, [], "deleted").info.run_id)
    return tmp_path / "old"


def test_folder_becomes_a_database(run, folder, tmp_path):
    from tests.dump import dump

    for source in (folder, folder / "mlruns"):
        target = f"sqlite:///{tmp_path}/{source.name}.db"
        said = run("migrate-filestore", "--source", str(source), "--target", target).stdout
        assert "Experiment 'e': new" in said and "2 new runs" in said and target in said
        old = tracking_store((folder / "mlruns").as_uri())
        new = tracking_store(target)
        assert dump(new) == dump(old)
        for x in old.search_experiments(3):  # the Default one, too
            assert dict(new.get_experiment(x.experiment_id)) == dict(x)
            for r in old.search_runs([x.experiment_id], None, 3):
                uri = new.get_run(r.info.run_id).info.artifact_uri
                assert uri == r.info.artifact_uri  # files stay where they are
    assert not list(tmp_path.glob("*.migrating*"))


def test_progress_can_be_left_out(run, folder, tmp_path):
    target = f"sqlite:///{tmp_path}/x.db"
    said = run(
        "migrate-filestore", "--no-progress", "--source", str(folder), "--target", target
    ).stdout
    assert "Experiment" not in said and "2 new runs" in said


def test_database_that_is_there_is_replaced_only_when_asked(folder, tmp_path):
    path = tmp_path / "x.db"
    words = ["migrate-filestore", "--source", str(folder), "--target", f"sqlite:///{path}"]
    path.write_bytes(b"precious")
    refused = CliRunner().invoke(cli, words, input="n\n")
    assert refused.exit_code == 1 and "Overwrite?" in refused.stdout
    assert path.read_bytes() == b"precious"
    done = CliRunner().invoke(cli, words, input="y\n")
    assert done.exit_code == 0, done.output
    with sqlite3.connect(path) as db:
        assert db.execute("select count(*) from run").fetchone() == (2,)


def test_folder_without_runs(run, tmp_path):
    target = f"sqlite:///{tmp_path}/x.db"
    (tmp_path / "empty").mkdir()
    words = ("migrate-filestore", "--source", str(tmp_path / "empty"), "--target", target)
    assert "Cannot find mlruns directory" in run(*words, status=1).stderr
    assert not (tmp_path / "x.db").exists()


def test_target_must_be_sqlite(run, folder):
    words = ("migrate-filestore", "--source", str(folder), "--target", "postgresql://h/d")
    assert "sqlite:///" in run(*words, status=2).stderr
