"""What is the file store's own: its layout, and what may be wrong with files."""

from __future__ import annotations

import hashlib
import logging
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlflow.entities import (
    Dataset,
    DatasetInput,
    ExperimentTag,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    RunStatus,
    RunTag,
    ViewType,
)
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.file import disk, meta
from mlflow.store.tracking.file.store import FileStore
from mlflow.store.tracking.resolve import tracking_store

#: By hand, for long: HEADRACE_CRASHES=1000 pytest tests/store/test_file_store.py -k killed
CRASHES = int(os.environ.get("HEADRACE_CRASHES", "6"))


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "mlruns"


@pytest.fixture
def store(folder) -> FileStore:
    return FileStore(str(folder))


@pytest.fixture
def run_id(store) -> str:
    return store.create_run("0", "ann", 5, [], "first").info.run_id


@pytest.fixture
def run(folder, run_id) -> Path:
    """The run's folder."""
    return folder / "0" / run_id


@pytest.fixture
def warnings():
    """What was warned of."""
    found: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("mlflow.store.tracking.file")
    logger.addHandler(handler)
    yield found
    logger.removeHandler(handler)


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def found(store: FileStore, where: str = "") -> set[str]:
    return {r.info.run_id for r in store.search_runs(["0"], where, ViewType.ALL)}


# -- layout -------------------------------------------------------------------------------------


def test_files_are_those_of_the_original(folder):
    store = FileStore(folder.as_uri())
    e = store.create_experiment("ünï: code", None, [ExperimentTag("a/b", "x\ny")])
    x = store.get_experiment(e)
    run_id = store.create_run(e, "ann", 5, [RunTag("k", "v")], "2024-01-01").info.run_id
    store.log_batch(
        run_id,
        [Metric("m/n", 0.1, 7, 3), Metric("m/n", float("nan"), 8, 4), Metric("i", 3, 9, -1)],
        [Param("p/q", "é\n"), Param("none", "")],
        [],
    )
    store.log_metric(run_id, Metric("d", 1e300, 7, 3, dataset_name="set", dataset_digest="dg"))
    store.log_metric(run_id, Metric("o", 2.0, 7, 3, model_id="m-1"))
    store.log_inputs(run_id, [DatasetInput(Dataset("set", "dg", "local", "{}"), [])])
    store.log_inputs(run_id, models=[LoggedModelInput("m-0")])
    store.log_outputs(run_id, [LoggedModelOutput("m-1", 3)])
    store.update_run_info(run_id, RunStatus.FINISHED, 9, None)
    store.delete_run(run_id)
    deleted = store._run_parts(store._run_place(run_id)).deleted_time
    here = (folder / e).as_uri()
    files = {k.replace(run_id, "RUN"): v.decode() for k, v in tree(folder / e).items()}
    dataset = md5("setdg")
    assert files == {
        "meta.yaml": f"""\
artifact_location: {here}
creation_time: {x.creation_time}
effective_trace_archival_retention: null
experiment_id: '{e}'
last_update_time: {x.last_update_time}
lifecycle_stage: active
name: 'ünï: code'
trace_location: null
workspace: default
""",
        "tags/a/b": "x\ny",
        "RUN/meta.yaml": f"""\
artifact_uri: {here}/{run_id}/artifacts
deleted_time: {deleted}
end_time: 9
entry_point_name: ''
experiment_id: '{e}'
lifecycle_stage: deleted
run_id: {run_id}
run_name: '2024-01-01'
source_name: ''
source_type: 4
source_version: ''
start_time: 5
status: 3
tags: []
user_id: ann
""",
        "RUN/tags/k": "v",
        "RUN/tags/mlflow.runName": "2024-01-01",
        "RUN/params/p/q": "é\n",
        "RUN/params/none": "",
        "RUN/metrics/m/n": "7 0.1 3\n8 nan 4\n",
        "RUN/metrics/i": "9 3.0 -1\n",
        "RUN/metrics/d": "7 1e+300 3 set dg\n",
        "RUN/metrics/o": "7 2.0 3\n",
        "models/m-1/metrics/o": f"7 2.0 3 {run_id}\n",
        # These names are hashes: of name and digest, and of what was read and by which run.
        f"datasets/{dataset}/meta.yaml": (
            "digest: dg\nname: set\nprofile: null\nschema: null\nsource: '{}'\nsource_type: local\n"
        ),
        f"RUN/inputs/{md5(dataset + run_id)}/meta.yaml": f"""\
destination_id: {dataset}
destination_type: RUN
source_id: {dataset}
source_type: DATASET
tags: {{}}
""",
        f"RUN/inputs/{md5('m-0' + run_id)}/meta.yaml": """\
destination_id: m-0
destination_type: RUN
source_id: m-0
source_type: MODEL
tags: {}
""",
        "RUN/outputs/m-1/meta.yaml": """\
destination_id: m-1
destination_type: MODEL_OUTPUT
source_id: m-1
source_type: RUN_OUTPUT
step: 3
tags: {}
""",
    }
    folders = {path.name for path in (folder / e / run_id).iterdir() if path.is_dir()}
    assert folders == {"artifacts", "inputs", "metrics", "outputs", "params", "tags"}


def test_new_folder_gets_the_default_experiment(folder):
    for path in (folder, folder):  # not there, and there
        FileStore(str(path))
        assert sorted(os.listdir(path)) == [".trash", "0"]
    empty = folder.with_name("empty")
    empty.mkdir()
    assert FileStore(str(empty)).get_experiment("0").name == "Default"


def test_store_that_has_experiments_gets_none(folder):
    store = FileStore(str(folder))
    kept = store.create_experiment("mine", None, [])
    (folder / "0" / "meta.yaml").unlink()
    (folder / "0").rmdir()
    assert [x.experiment_id for x in FileStore(str(folder)).search_experiments()] == [kept]


def test_ids_are_18_digits(store):
    ids = [store.create_experiment(f"e{i}", None, []) for i in range(20)]
    assert all(len(i) == 18 and i.isdecimal() and i[0] != "0" for i in ids)
    assert len(set(ids)) == 20


@pytest.mark.parametrize(
    ("uri", "location"),
    [
        ("file://{here}/a", "file://{here}/a/0"),
        ("file://{here}/with%20space", "file://{here}/with%20space/0"),
        ("{here}/b", "{here}/b/0"),
        ("./c", "{here}/c/0"),
        ("d", "{here}/d/0"),
        ("file:e", "file://{here}/e/0"),
        ("", "{here}/mlruns/0"),
    ],
)
def test_uris(uri, location, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = tracking_store(uri.format(here=tmp_path))
    monkeypatch.chdir("/")
    assert isinstance(store, FileStore)
    assert store.get_experiment("0").artifact_location == location.format(here=tmp_path)
    run = store.create_run("0", "u", 0, [], None)
    expected = f"{location.format(here=tmp_path)}/{run.info.run_id}/artifacts"
    assert run.info.artifact_uri == expected
    assert Path(store.root).parent == tmp_path


def test_without_a_folder_it_is_the_one_in_the_environment(tmp_path, monkeypatch):
    from mlflow.store.tracking.file_store import FileStore as public

    monkeypatch.setenv("MLFLOW_TRACKING_DIR", str(tmp_path / "there"))
    assert public().get_experiment("0").artifact_location == f"file://{tmp_path}/there/0"


def test_artifact_root_can_be_elsewhere(folder):
    store = FileStore(str(folder), "s3://bucket/root/")
    assert store.get_experiment("0").artifact_location == "s3://bucket/root/0"


def test_file_in_place_of_the_folder_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MlflowException, match="File exists") as e:
        FileStore(str(tmp_path / "file"))
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


def test_default_experiment_cannot_be_deleted(store):
    with pytest.raises(MlflowException, match="Cannot delete the default experiment") as e:
        store.delete_experiment("0")
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


def test_what_others_have_written_into_meta_yaml_stays(store, folder, run, run_id):
    for path in (folder / "0" / "meta.yaml", run / "meta.yaml"):
        path.write_text(path.read_text() + "of_others: [1, 2]\n")
    store.rename_experiment("0", "renamed")
    store.update_run_info(run_id, RunStatus.FAILED, None, None)
    for path in (folder / "0" / "meta.yaml", run / "meta.yaml"):
        assert yaml.safe_load(path.read_text())["of_others"] == [1, 2]


def test_files_of_old_versions(store, folder, run, run_id):
    text = (run / "meta.yaml").read_text()
    text = text.replace("run_id:", "run_uuid:").replace("run_name: first\n", "")
    text = text.replace("experiment_id: '0'", "experiment_id: 0").replace("tags: []\n", "")
    (run / "meta.yaml").write_text(text.replace("lifecycle_stage: active\n", ""))
    (run / "metrics" / "old").write_text("5 1.5\n6 2.5\n")
    (run / "artifacts").rmdir()
    (run / "params").rmdir()
    found = store.get_run(run_id)
    assert (found.info.run_name, found.info.lifecycle_stage) == ("first", "active")
    assert found.data.metrics == {"old": 2.5}
    assert [(m.timestamp, m.step) for m in store.get_metric_history(run_id, "old")] == [
        (5, 0),
        (6, 0),
    ]
    store.log_param(run_id, Param("p", "1"))
    assert store.get_run(run_id).data.params == {"p": "1"}


# -- lines --------------------------------------------------------------------------------------


@pytest.mark.parametrize("torn", ["2", "2 2.0", "2 2.0 1", "2 2.0 1 set", "2 " + "1" * 9000])
def test_torn_last_line_is_passed_over_and_then_removed(store, run, run_id, torn):
    path = run / "metrics" / "m"
    path.write_text("1 1.0 0\n" + torn)
    assert store.get_run(run_id).data.metrics == {"m": 1.0}
    assert len(store.get_metric_history(run_id, "m")) == 1
    store.log_metric(run_id, Metric("m", 3.0, 3, 3))
    assert path.read_text() == "1 1.0 0\n3 3.0 3\n"


def test_file_of_nothing_but_a_torn_line(store, run, run_id):
    (run / "metrics" / "m").write_text("1 1")
    (run / "metrics" / "empty").write_text("")
    assert store.get_run(run_id).data.metrics == {}
    store.log_metric(run_id, Metric("m", 3.0, 3, 3))
    assert (run / "metrics" / "m").read_text() == "3 3.0 3\n"


@pytest.mark.parametrize(
    "line", ["x", "1 2 3 4", "1 y 0", "1 2.0 3 a b c", "\0\0\0", "99999999999999999999 1.0 0"]
)
def test_line_that_says_nothing_is_reported(store, run, run_id, line, warnings):
    (run / "metrics" / "m").write_text(f"1 1.0 0\n{line}\n\n2 2.0 1\r\n")
    for _ in range(2):
        assert store.get_run(run_id).data.metrics == {"m": 2.0}
    assert [m.step for m in store.get_metric_history(run_id, "m")] == [0, 1]
    (warning,) = warnings
    assert f"{run_id}/metrics/m', line 2" in warning


def test_point_on_a_dataset_keeps_its_step(store, run_id):
    store.log_metric(run_id, Metric("m", 1.0, 5, 3, dataset_name="d", dataset_digest="e"))
    (point,) = store.get_metric_history(run_id, "m")
    assert (point.step, point.dataset_name, point.dataset_digest) == (3, "d", "e")


def test_dataset_that_a_line_cannot_name(store, run, run_id, warnings):
    store.log_metric(run_id, Metric("m", 1.0, 5, 3, dataset_name="a b", dataset_digest="e"))
    assert (run / "metrics" / "m").read_text() == "5 1.0 3\n"
    assert "words without spaces" in warnings[0]
    with pytest.raises(MlflowException, match="Both dataset_name and dataset_digest"):
        store.log_metric(run_id, Metric("m", 1.0, 5, 3, dataset_name="a"))


@given(st.text().filter(lambda t: t.strip() and len(t) <= 100))
def test_any_text_survives_yaml(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert meta.load(meta.dump({"name": text}), "") == {"name": text}


# -- broken files -------------------------------------------------------------------------------

BROKEN = {
    "empty": "",
    "blank": "  \n",
    "text": "hello",
    "list": "[1, 2]",
    "not YAML": "a: [",
    "object": "!!python/object/apply:os.getcwd []",
    "NUL": "\0\0\0\0",
    "other run": lambda text: text.replace("run_id: ", "run_id: x"),
    "other experiment": lambda text: text.replace("'0'", "'1'"),
    "status": lambda text: text.replace("status: 1", "status: running"),
    "stage": lambda text: text.replace("active", "lost"),
    "time": lambda text: text.replace("start_time: 5", "start_time: noon"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_run_is_reported_and_the_others_are_found(store, run, run_id, fault, warnings):
    other = store.create_run("0", "u", 0, [], None).info.run_id
    path = run / "meta.yaml"
    good = path.read_text()
    bad = BROKEN[fault]
    path.write_text(bad if isinstance(bad, str) else bad(good))
    for _ in range(2):
        assert found(store) == {other}
    (warning,) = warnings
    assert warning.startswith(f"Run {run_id} is left out: '0/{run_id}/meta.yaml'")
    for call in (store.get_run, store.delete_run, lambda i: store.set_tag(i, RunTag("a", "b"))):
        with pytest.raises(MlflowException, match=f"'0/{run_id}/meta.yaml'") as e:
            call(run_id)
        assert e.value.error_code == "INVALID_STATE"
    assert store._get_deleted_runs() == []
    path.write_text(good)
    assert found(store) == {other, run_id}


def test_run_cut_anywhere_is_broken_or_whole(store, run, run_id):
    """Whatever is left of a file, it is not taken for another run."""
    path = run / "meta.yaml"
    whole = path.read_text()
    info = dict(store.get_run(run_id).info)
    for end in range(len(whole)):
        path.write_text(whole[:end])
        try:
            seen = dict(store.get_run(run_id).info)
        except MlflowException as e:
            assert e.error_code == "INVALID_STATE"
        else:  # only the last value may be shorter, and nobody can see that
            assert info["user_id"].startswith(seen["user_id"])
            assert {**seen, "user_id": "ann"} == info


def test_broken_experiment_is_reported_and_its_runs_are_found(store, folder, warnings):
    e = store.create_experiment("mine", None, [])
    run_id = store.create_run(e, "u", 0, [], None).info.run_id
    (folder / e / "meta.yaml").write_text("name: [")
    assert [x.name for x in store.search_experiments()] == ["Default"]
    assert store.get_experiment_by_name("mine") is None
    assert warnings[0].startswith(f"Experiment {e} is left out: '{e}/meta.yaml' is not YAML")
    with pytest.raises(MlflowException, match="is not YAML") as error:
        store.get_experiment(e)
    assert error.value.error_code == "INVALID_STATE"
    assert store.get_run(run_id).info.experiment_id == e
    assert len(store.search_runs([e], "", ViewType.ALL)) == 1


def test_folders_that_are_no_experiments_and_no_runs_are_passed_over(
    store, folder, run_id, warnings
):
    for name in ("77", "abc", "models", ".hidden", "0/traces", "0/models", "0/" + "f" * 32):
        (folder / name).mkdir()
    (folder / "abc" / "meta.yaml").write_text("x: 1")
    (folder / "0" / "traces" / "meta.yaml").write_text("x: 1")
    assert [x.name for x in store.search_experiments(ViewType.ALL)] == ["Default"]
    assert found(store) == {run_id}
    assert warnings == []
    with pytest.raises(MlflowException, match="not found"):
        store.get_run("traces")


def test_dataset_that_is_gone_is_reported(store, folder, run_id, warnings):
    store.log_inputs(run_id, [DatasetInput(Dataset("d", "1", "t", "s"), [])])
    (path,) = (folder / "0" / "datasets").glob("*/meta.yaml")
    path.unlink()
    assert store.get_run(run_id).inputs.dataset_inputs == []
    assert "read a dataset that is not in the store any more" in warnings[0]


def test_datasets_whose_name_and_digest_run_together_are_two(store, run_id):
    uses = [DatasetInput(Dataset(n, d, "t", f"{n}-{d}"), []) for n, d in (("ab", "c"), ("a", "bc"))]
    for _ in range(2):
        store.log_inputs(run_id, uses)
    inputs = store.get_run(run_id).inputs.dataset_inputs
    assert [use.dataset.source for use in inputs] == ["a-bc", "ab-c"]


# -- ways out -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["../up", "a/../../up", "/abs", "a//b", "a/", ".", "a\0b", "é" * 200]
)
def test_key_that_is_no_way_down_is_refused(store, folder, run_id, key):
    before = tree(folder.parent)
    for call in (
        lambda: store.log_param(run_id, Param(key, "1")),
        lambda: store.set_tag(run_id, RunTag(key, "1")),
        lambda: store.log_metric(run_id, Metric(key, 1.0, 1, 1)),
        lambda: store.log_batch(
            run_id, [Metric("m", 1.0, 1, 1)], [Param("p", "1")], [RunTag(key, "")]
        ),
        lambda: store.set_experiment_tag("0", ExperimentTag(key, "1")),
        lambda: store.create_run("0", "u", 0, [RunTag(key, "1")], None),
        lambda: store.create_experiment("new", None, [ExperimentTag(key, "1")]),
        lambda: disk.key_steps(key),
    ):
        with pytest.raises(MlflowException) as e:
            call()
        assert e.value.error_code == "INVALID_PARAMETER_VALUE"
    for call in (store.delete_tag, lambda i, k: store.delete_experiment_tag("0", k)):
        with pytest.raises(MlflowException, match="No tag with name"):
            call(run_id, key)
    assert store.get_metric_history(run_id, key) == []
    assert tree(folder.parent) == before


def test_filter_cannot_look_outside(store, folder, run_id):
    (folder.parent / "secret").write_text("x")
    for kind in ("params", "tags"):
        assert found(store, f"{kind}.`../../../secret` = 'x'") == set()
        assert found(store, f"{kind}.`../../../secret` IS NULL") == {run_id}
    assert found(store, "metrics.`../../../secret` > 0") == set()
    assert store.search_experiments(filter_string="tags.`../../../secret` = 'x'") == []


@pytest.mark.parametrize("model_id", ["../../../evil", "a/b", "..", ".x", "a b", "m\n"])
def test_model_id_that_is_no_name_is_refused(store, folder, run_id, model_id):
    before = tree(folder.parent)
    with pytest.raises(MlflowException, match="model id") as e:
        store.log_batch(
            run_id, [Metric("a", 1.0, 1, 1), Metric("m", 1.0, 1, 1, model_id=model_id)], [], []
        )
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"
    assert tree(folder.parent) == before


@pytest.mark.parametrize("run_id_", ["..", "../0", ".", "", "a/b", "tags", "x" * 300])
def test_run_id_that_is_no_name_of_a_run(store, run_id_):
    for call in (store.get_run, store.delete_run, lambda i: store.log_batch(i, [], [], [])):
        with pytest.raises(MlflowException) as e:
            call(run_id_)
        assert e.value.error_code in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")


def test_links_are_not_followed(store, folder, run, run_id):
    outside = folder.parent / "outside"
    (outside / "run").mkdir(parents=True)
    (outside / "value").write_text("secret")
    text = (run / "meta.yaml").read_text()
    (outside / "run" / "meta.yaml").write_text(text.replace(run_id, "b" * 32))
    (run / "params" / "file").symlink_to(outside / "value")
    (run / "params" / "folder").symlink_to(outside)
    (run / "tags" / "file").symlink_to(outside / "value")
    (run / "metrics" / "deep").symlink_to(outside)
    (folder / "0" / ("b" * 32)).symlink_to(outside / "run")
    (folder / "5").symlink_to(outside)
    data = store.get_run(run_id).data
    assert (data.params, data.tags) == ({}, {"mlflow.runName": "first"})
    assert found(store) == {run_id}
    assert found(store, "params.file = 'secret' OR params.`folder/value` = 'secret'") == set()
    with pytest.raises(MlflowException, match="not found"):
        store.get_run("b" * 32)
    for call in (
        lambda: store.log_param(run_id, Param("file", "1")),
        lambda: store.log_param(run_id, Param("folder/new", "1")),
        lambda: store.set_tag(run_id, RunTag("file", "1")),
        lambda: store.log_metric(run_id, Metric("deep/value", 1.0, 1, 1)),
    ):
        with pytest.raises(MlflowException) as e:
            call()
        assert e.value.error_code == "INVALID_PARAMETER_VALUE"
    assert sorted(os.listdir(outside)) == ["run", "value"]
    assert (outside / "value").read_text() == "secret"
    store.delete_run(run_id)
    store._hard_delete_run(run_id)
    assert (outside / "value").read_text() == "secret"


def test_folders_of_keys_that_are_links_are_not_followed(store, folder, run, run_id):
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "p").write_text("secret")
    for kind in ("params", "tags"):
        for path in (run / kind).iterdir():
            path.unlink()
        (run / kind).rmdir()
        (run / kind).symlink_to(outside)
    data = store.get_run(run_id).data
    assert (data.params, data.tags) == ({}, {})
    assert found(store, "params.p = 'secret'") == set()
    with pytest.raises(MlflowException):
        store.log_param(run_id, Param("new", "1"))
    with pytest.raises(MlflowException):
        store.set_tag(run_id, RunTag("new", "1"))
    assert os.listdir(outside) == ["p"]


def test_root_may_be_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    store = FileStore(str(tmp_path / "link"))
    run_id = store.create_run("0", "u", 0, [], None).info.run_id
    assert (tmp_path / "real" / "0" / run_id / "meta.yaml").is_file()
    assert store.get_experiment("0").artifact_location == f"{tmp_path}/link/0"


def test_dataset_id_that_leads_elsewhere_is_not_followed(store, folder, run, run_id):
    (folder.parent / "secret").mkdir()
    (folder.parent / "secret" / "meta.yaml").write_text("name: n\ndigest: d\n")
    (run / "inputs" / "x").mkdir(parents=True)
    (run / "inputs" / "x" / "meta.yaml").write_text(
        "source_type: DATASET\nsource_id: ../../../secret\n"
    )
    assert store.get_run(run_id).inputs.dataset_inputs == []


# -- keys that would be files and folders -------------------------------------------------------


@pytest.mark.parametrize(("first", "second"), [("a", "a/b"), ("a/b", "a"), ("a/b/c", "a/b")])
def test_key_below_another_one_is_refused(store, run_id, first, second):
    for log in (
        lambda key: store.log_param(run_id, Param(key, "1")),
        lambda key: store.set_tag(run_id, RunTag(key, "1")),
        lambda key: store.log_metric(run_id, Metric(key, 1.0, 1, 1)),
        lambda key: store.log_metric(run_id, Metric(f"m/{key}", 1.0, 1, 1, model_id="m-1")),
        lambda key: store.set_experiment_tag("0", ExperimentTag(key, "1")),
    ):
        log(first)
        with pytest.raises(MlflowException, match="a file and a folder at once") as e:
            log(second)
        assert e.value.error_code == "INVALID_PARAMETER_VALUE"
    with pytest.raises(MlflowException, match="a file and a folder at once"):
        store.log_batch(
            run_id, [Metric("new", 1.0, 1, 1)], [Param(f"p/{k}", "1") for k in (first, second)], []
        )
    data = store.get_run(run_id).data
    assert set(data.params) == {first}
    assert set(data.metrics) == {first, f"m/{first}"}


def test_deleted_tag_makes_room(store, run, run_id):
    store.set_tag(run_id, RunTag("a/b/c", "1"))
    store.delete_tag(run_id, "a/b/c")
    assert os.listdir(run / "tags") == ["mlflow.runName"]
    (run / "tags" / "a").mkdir()  # as the original leaves it
    store.set_tag(run_id, RunTag("a", "1"))
    assert store.get_run(run_id).data.tags["a"] == "1"


# -- what may happen at once --------------------------------------------------------------------


def test_changes_of_others_are_seen_at_once(store, run, run_id):
    """Even those that leave size and, on a slow clock, time as they were."""
    path = run / "meta.yaml"
    text = path.read_text()
    for i in range(200):
        name = f"n{i:04}"
        changed = text.replace("first", name)
        if i % 2:
            path.write_text(changed)
        else:
            (run / "next").write_text(changed)
            os.replace(run / "next", path)
        assert store.get_run(run_id).info.run_name == name
        (run / "metrics" / "m").write_text(f"1 {i:04}.0 0\n")
        assert store.get_run(run_id).data.metrics == {"m": i}


def test_what_was_read_long_ago_is_read_again_when_it_changes(store, run, run_id):
    path = run / "meta.yaml"
    os.utime(path, (1, 1))
    assert store.get_run(run_id).info.run_name == "first"
    assert store.get_run(run_id).info.run_name == "first"
    path.write_text(path.read_text().replace("first", "other"))
    assert store.get_run(run_id).info.run_name == "other"
    store.get_run(run_id).info._set_run_name("not the store's")
    assert store.get_run(run_id).info.run_name == "other"


@pytest.mark.parametrize("killed", ["deleting", "restoring"])
@pytest.mark.parametrize("wanted", ["deleted", "active"])
def test_interrupted_move_can_be_finished_either_way(store, folder, killed, wanted):
    e = store.create_experiment("mine", None, [])
    run_id = store.create_run(e, "u", 0, [], None).info.run_id
    store.delete_experiment(e)
    path = folder / ".trash" / e
    if killed == "deleting":  # when the folder was moved, and nothing else
        path.joinpath("meta.yaml").write_text(
            path.joinpath("meta.yaml").read_text().replace("stage: deleted", "stage: active")
        )
    else:
        path.rename(folder / e)
    assert store.get_experiment(e).lifecycle_stage == "deleted"
    assert [x.experiment_id for x in store.search_experiments()] == ["0"]
    if wanted == "active":
        store.restore_experiment(e)
    elif killed == "restoring":
        store.delete_experiment(e)
    found = store.get_experiment(e)
    assert (found.lifecycle_stage, found.name) == (wanted, "mine")
    assert store.get_run(run_id).info.lifecycle_stage == wanted
    assert (folder / e).exists() == (wanted == "active")
    assert (folder / ".trash" / e).exists() == (wanted == "deleted")


def test_logging_while_the_experiment_comes_and_goes(store, folder):
    e = store.create_experiment("mine", None, [])
    run_id = store.create_run(e, "u", 0, [], None).info.run_id
    logged: list[list[int]] = [[] for _ in range(4)]
    other: list[str] = []
    stop = threading.Event()

    def log(worker: int) -> None:
        step = worker * 1_000_000
        while not stop.is_set():
            try:
                store.log_metric(run_id, Metric("m", 1.0, 1, step))
                logged[worker].append(step)
                step += 1
            except MlflowException as error:
                if "must be in the 'active' state" not in error.message:
                    other.append(error.message)

    threads = [threading.Thread(target=log, args=(w,)) for w in range(4)]
    for t in threads:
        t.start()
    for _ in range(10):
        store.delete_experiment(e)
        store.restore_experiment(e)
        deadline = time.monotonic() + 0.02
        while time.monotonic() < deadline:
            store.get_run(run_id)
    stop.set()
    for t in threads:
        t.join()
    # Its folder may be moved twice while it is looked for.
    assert [message for message in other if "not found" not in message] == []
    steps = [m.step for m in store.get_metric_history(run_id, "m")]
    assert len(steps) == len(set(steps))
    assert {s for worker in logged for s in worker} <= set(steps)
    assert not (folder / ".trash" / e).exists()


def test_without_locks_of_the_system_threads_still_exclude_each_other(store, run_id, monkeypatch):
    monkeypatch.setattr(disk, "fcntl", None)  # as on Windows

    def log(worker: int) -> None:
        for i in range(20):
            store.log_batch(
                run_id, [Metric("m", 1.0, 1, worker * 100 + i)], [], [RunTag(f"t{worker}", str(i))]
            )

    threads = [threading.Thread(target=log, args=(w,)) for w in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(store.get_metric_history(run_id, "m")) == 80
    assert [store.get_run(run_id).data.tags[f"t{w}"] for w in range(4)] == ["19"] * 4


def test_without_the_quick_yaml_library(store, run_id, monkeypatch):
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    monkeypatch.delattr(yaml, "CSafeDumper", raising=False)
    store.update_run_info(run_id, RunStatus.FINISHED, 7, "ünï: code")
    info = store.get_run(run_id).info
    assert (info.run_name, info.status, info.end_time) == ("ünï: code", "FINISHED", 7)


def test_name_stays_taken_while_its_experiment_comes_and_goes(store):
    e = store.create_experiment("mine", None, [])
    stop = threading.Event()
    missed: list[str] = []

    def create() -> None:
        while not stop.is_set():
            try:
                missed.append(store.create_experiment("mine", None, []))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    missed.append(error.message)

    threads = [threading.Thread(target=create) for _ in range(2)]
    for t in threads:
        t.start()
    for _ in range(15):
        store.delete_experiment(e)
        store.restore_experiment(e)
    stop.set()
    for t in threads:
        t.join()
    assert missed == []


CREATE = """
import sys
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.file.store import FileStore
store = FileStore(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
try:
    store.create_experiment("wanted", None, [])
    print("won")
except MlflowException as e:
    print(e.error_code)
"""


def test_name_is_won_by_one_process(folder):
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CREATE, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("\n")
        child.stdin.flush()
    outcomes = sorted(child.communicate(timeout=60)[0].strip() for child in children)
    assert outcomes == ["RESOURCE_ALREADY_EXISTS"] * 3 + ["won"]


# -- crashes and full disks ---------------------------------------------------------------------

WRITE = """
import sys
from mlflow.entities import Metric, Param, RunTag
from mlflow.store.tracking.file.store import FileStore
root, run_id, crash = sys.argv[1:]
store = FileStore(root)
i = 0
while True:
    first = int(crash) * 10**9 + i * 100
    points = [Metric(k, float(i), i, first + j) for k in "ab" for j in range(100)]
    params = [Param(f"p/{crash}-{i}", "v" * 50)]
    store.log_batch(run_id, points, params, [RunTag("last", f"{crash}-{i}")])
    store.update_run_info(run_id, 1, None, f"{crash}-{i}")
    print(i, flush=True)
    i += 1
"""


def test_killed_writer_loses_nothing_acknowledged(store, folder, run, run_id):
    rng = random.Random(3)
    steps: set[int] = set()
    params: set[str] = set()
    for crash in range(CRASHES):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITE, str(folder), run_id, str(crash)],
            stdout=subprocess.PIPE,
            text=True,
        )
        lines = [writer.stdout.readline()]
        time.sleep(rng.uniform(0, 0.2))
        writer.kill()
        lines += writer.communicate()[0].splitlines(keepends=True)
        for i in [int(line) for line in lines if line.endswith("\n")]:
            steps |= {crash * 10**9 + i * 100 + j for j in range(100)}
            params.add(f"p/{crash}-{i}")
        data = store.get_run(run_id).data
        assert params <= set(data.params)
        assert set(data.params.values()) == {"v" * 50}
        assert data.tags["last"].startswith(f"{crash}-")
        for key in "ab":
            points = [m.step for m in store.get_metric_history(run_id, key)]
            assert steps <= set(points)
            assert len(points) == len(set(points))
    store.update_run_info(run_id, RunStatus.FINISHED, 1, None)
    assert [name for name in os.listdir(run) if name.startswith(".headrace")] == []


FILL = """
import resource, signal, sys
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.file.store import FileStore
root, run_id = sys.argv[1:]
store = FileStore(root)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
done = 0
try:
    while True:
        store.log_batch(run_id, [Metric("m", 0.1, done, done * 10 + j) for j in range(10)], [], [])
        done += 1
except MlflowException as e:
    print(done, e.error_code, e.message)
try:
    store.log_param(run_id, Param("large", "x" * 5000))
except MlflowException as e:
    print(e.error_code)
"""


def test_file_that_cannot_grow_is_a_clear_error_and_stays_whole(store, folder, run, run_id):
    """As on a full disk."""
    shown = subprocess.run(
        [sys.executable, "-c", FILL, str(folder), run_id],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    done, code, message = shown[0].split(" ", 2)
    assert (code, shown[1]) == ("INTERNAL_ERROR", "INTERNAL_ERROR")
    assert message.startswith(f"The file store cannot change run {run_id}: File too large")
    text = (run / "metrics" / "m").read_text()
    assert text.endswith("\n")
    assert len(text.splitlines()) == int(done) * 10 > 50
    assert store.get_run(run_id).data.params == {}
    assert os.listdir(run / "params") == []
    assert [name for name in os.listdir(run) if name.startswith(".headrace")] == []


# -- removal ------------------------------------------------------------------------------------


def test_counting(store, run_id):
    store.create_run("0", "u", 0, [RunTag("a", "b")], None)
    assert store.count_runs(["0", "0", "77"], "", ViewType.ALL) == 2
    assert store.count_runs(["0"], "tags.a = 'b'", ViewType.ACTIVE_ONLY) == 1


def test_removed_run_and_experiment_leave_nothing(store, folder):
    e = store.create_experiment("mine", None, [ExperimentTag("a", "b")])
    first, second = (store.create_run(e, "u", 0, [], None).info.run_id for _ in range(2))
    for call, wanted in (
        (lambda: store._hard_delete_run(first), "is active"),
        (lambda: store._hard_delete_experiment(e), "is active"),
    ):
        with pytest.raises(MlflowException, match=wanted) as error:
            call()
        assert error.value.error_code == "INVALID_PARAMETER_VALUE"
    store.delete_run(first)
    assert store._get_deleted_runs() == [first]
    assert store._get_deleted_runs(older_than=10**9) == []
    store._hard_delete_run(first)
    assert not (folder / e / first).exists()
    store.delete_experiment(e)
    assert store._get_deleted_runs() == [second]
    assert store._get_deleted_experiments() == [e]
    assert store._get_deleted_experiments(older_than=10**9) == []
    store._hard_delete_experiment(e)
    assert os.listdir(folder / ".trash") == []
    with pytest.raises(MlflowException, match="not found"):
        store.get_run(second)
    assert store.create_experiment("mine", None, []) != e
