"""How a run ends that is still open when its process or thread does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

import mlflow

posix = pytest.mark.skipif(os.name != "posix", reason="signals work otherwise on this system")


def statuses() -> dict[str, str]:
    runs = mlflow.search_runs(output_format="list")
    assert all((r.info.end_time is None) == (r.info.status == "RUNNING") for r in runs)
    return {r.info.run_name: r.info.status for r in runs}


START = "import mlflow, os, signal, sys, threading, time\nmlflow.start_run(run_name='r')\n"


@pytest.mark.parametrize(
    ("rest", "status", "exit_code"),
    [
        ("", "FINISHED", 0),
        ("sys.exit(0)", "FINISHED", 0),
        ("raise ValueError", "FAILED", 1),
        ("sys.excepthook = lambda *a: None; raise ValueError", "FAILED", 1),
        ("os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", "FAILED", -signal.SIGINT),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)", "KILLED", -signal.SIGTERM),
    ],
)
@posix
def test_process_ends(script, rest, status, exit_code):
    done = script(START + rest)
    assert (statuses(), done.returncode) == ({"r": status}, exit_code), done.stderr


def test_all_open_runs_end_with_the_process(script):
    script(
        START + "mlflow.start_run(run_name='inner', nested=True)\n"
        "t = threading.Thread(target=lambda: mlflow.start_run(run_name='thread'))\n"
        "t.start(); t.join()"
    )
    assert statuses() == dict.fromkeys(("r", "inner", "thread"), "FINISHED")


def test_thread_that_dies_takes_its_run_along(script):
    done = script(
        START + "def work():\n    mlflow.start_run(run_name='thread')\n    raise ValueError\n"
        "t = threading.Thread(target=work); t.start(); t.join()"
    )
    assert statuses() == {"r": "FINISHED", "thread": "FAILED"}
    assert "ValueError" in done.stderr


def test_runs_ended_elsewhere_keep_their_status(script):
    script(START + "mlflow.end_run('KILLED')\nraise ValueError")
    assert statuses() == {"r": "KILLED"}


def test_what_is_in_the_queue_is_stored_before_the_process_ends(script):
    script(
        START + "for i in range(500): mlflow.log_metric('m', i, step=i, synchronous=False)\n"
        "mlflow.MlflowClient().log_metric(mlflow.active_run().info.run_id, 'n', 1, "
        "synchronous=False)"
    )
    (run,) = mlflow.search_runs(output_format="list")
    assert run.data.metrics == {"m": 499.0, "n": 1.0}


@posix
def test_term_while_the_program_logs(script):
    done = script(
        START + "threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()\n"
        "for i in range(10**9): mlflow.log_metric('m', i, step=i)"
    )
    assert (statuses(), done.returncode) == ({"r": "KILLED"}, -signal.SIGTERM)


@posix
def test_term_is_not_held_up_for_ever(script):
    done = script(
        START + "from mlflow.tracking import _process_end, fluent\n"
        "_process_end.SECONDS_TO_DIE = 0.1\n"
        "mlflow.active_run()._client._store.update_run_info = lambda *a, **k: time.sleep(60)\n"
        "os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)"
    )
    assert done.returncode == -signal.SIGTERM


@posix
def test_handler_of_the_program_is_left_alone(script):
    done = script(
        "import mlflow, os, signal, time\n"
        "signal.signal(signal.SIGTERM, lambda *a: print('mine'))\n"
        "with mlflow.start_run(): os.kill(os.getpid(), signal.SIGTERM); time.sleep(0.01)"
    )
    assert (done.stdout, done.returncode) == ("mine\n", 0)


@posix
def test_default_action_is_back_when_no_run_is_open():
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    with mlflow.start_run():
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        with mlflow.start_run(nested=True):
            pass
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


CHILDREN = """
import multiprocessing, sys
import mlflow

def good():
    mlflow.start_run(run_name="good")

def bad():
    mlflow.start_run(run_name="bad")
    raise ValueError

if __name__ == "__main__":
    mlflow.start_run(run_name="parent")
    context = multiprocessing.get_context(sys.argv[1] if sys.argv[1:] else METHOD)
    children = [context.Process(target=f) for f in (good, bad)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [c.exitcode for c in children] == [0, 1]
"""


@posix
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_of_multiprocessing_end_their_runs(script, method):
    done = script(CHILDREN.replace("METHOD", repr(method)))
    assert done.returncode == 0, done.stderr
    assert statuses() == {"parent": "FINISHED", "good": "FINISHED", "bad": "FAILED"}


TERMINATE = """
import multiprocessing, time
import mlflow

if __name__ == "__main__":
    mlflow.start_run(run_name="parent")
    for _ in range(20):
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(30,))
        child.start()
        child.terminate()
        child.join()
        assert child.exitcode == -15, child.exitcode
    assert mlflow.last_active_run().info.status == "RUNNING"
"""


@posix
def test_terminated_children_die_at_once_and_leave_the_run_alone(script):
    done = script(TERMINATE)
    assert done.returncode == 0, done.stderr
    assert statuses() == {"parent": "FINISHED"}


def test_failed_command_at_a_prompt_is_no_crash(tmp_path):
    subprocess.run(
        [sys.executable, "-i", "-c", "import mlflow; mlflow.start_run(run_name='r')"],
        input="1 / 0\n",
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert statuses() == {"r": "FINISHED"}
