"""What the values hold, and how they compare, iterate and print."""

import copy
import pickle
import subprocess
import sys

import pytest

from mlflow import entities
from mlflow.entities import (
    Dataset,
    DatasetInput,
    Experiment,
    ExperimentTag,
    FileInfo,
    InputTag,
    LifecycleStage,
    LoggedModel,
    LoggedModelInput,
    LoggedModelOutput,
    LoggedModelParameter,
    LoggedModelStatus,
    LoggedModelTag,
    Metric,
    Param,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
    RunStatus,
    RunTag,
    SourceType,
    ViewType,
    _DatasetSummary,
)
from mlflow.entities.metric import MetricWithRunId
from mlflow.entities.model_registry import (
    ModelVersion,
    ModelVersionSearch,
    ModelVersionTag,
    RegisteredModel,
    RegisteredModelAlias,
    RegisteredModelTag,
)
from mlflow.entities.model_registry.model_version_stages import get_canonical_stage
from mlflow.entities.multipart_upload import CreateMultipartUploadResponse, MultipartUploadPart
from mlflow.entities.presigned_download import PresignedDownloadUrlResponse
from mlflow.entities.run_info import check_run_is_active
from mlflow.exceptions import MlflowException
from mlflow.store.entities import PagedList


def run_info(**changes):
    parts = {
        "run_id": "rid",
        "experiment_id": "e1",
        "user_id": "u",
        "status": "RUNNING",
        "start_time": 1,
        "end_time": None,
        "lifecycle_stage": "active",
        "artifact_uri": "art",
        "run_name": "nm",
    }
    return RunInfo(**{**parts, **changes})


def dataset():
    return Dataset("n", "dg", "st", "src", "sch", "prof")


# The texts were printed by the reference.
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            Metric("a", 1.5, 10, 2),
            "<Metric: dataset_digest=None, dataset_name=None, key='a', model_id=None, "
            "run_id=None, step=2, timestamp=10, value=1.5>",
        ),
        (Param("k", "v"), "<Param: key='k', value='v'>"),
        (RunTag("k", "v"), "<RunTag: key='k', value='v'>"),
        (
            run_info(),
            "<RunInfo: artifact_uri='art', end_time=None, experiment_id='e1', "
            "lifecycle_stage='active', run_id='rid', run_name='nm', start_time=1, "
            "status='RUNNING', user_id='u'>",
        ),
        (
            RunData([Metric("b", 2, 1, 1)], [Param("z", "1"), Param("k", "v")]),
            "<RunData: metrics={'b': 2}, params={'k': 'v', 'z': '1'}, tags={}>",
        ),
        (FileInfo("p", True, None), "<FileInfo: file_size=None, is_dir=True, path='p'>"),
        (
            DatasetInput(dataset(), [InputTag("a", "b")]),
            "<DatasetInput: dataset=<Dataset: digest='dg', name='n', profile='prof', "
            "schema='sch', source='src', source_type='st'>, "
            "tags=[<InputTag: key='a', value='b'>]>",
        ),
        (
            Experiment("1", "n", "a", "active", [ExperimentTag("x", "y")], 1, 2),
            "<Experiment: artifact_location='a', creation_time=1, "
            "effective_trace_archival_retention=None, experiment_id='1', last_update_time=2, "
            "lifecycle_stage='active', name='n', tags={'x': 'y'}, trace_location=None, "
            "workspace='default'>",
        ),
        (
            LoggedModel("1", "m-1", "nm", "loc", 1, 2),
            "LoggedModel(artifact_location='loc', creation_timestamp=1, experiment_id='1', "
            "last_updated_timestamp=2, model_id='m-1', model_type=None, model_uri='models:/m-1', "
            "name='nm', source_run_id=None, status=<LoggedModelStatus.READY: 'READY'>, "
            "status_message=None)",
        ),
        (
            RegisteredModel("n"),
            "<RegisteredModel: aliases={}, creation_timestamp=None, deployment_job_id=None, "
            "deployment_job_state=None, description=None, last_updated_timestamp=None, "
            "latest_versions=None, name='n', tags={}, workspace='default'>",
        ),
    ],
)
def test_value_prints_its_parts_in_order(value, text):
    assert repr(value) == text
    assert str(value) == text


def test_value_gives_its_parts_by_name():
    assert dict(Metric("a", 1.5, 10, 2, "m", "dn", "dd", "r")) == {
        "key": "a",
        "value": 1.5,
        "timestamp": 10,
        "step": 2,
        "model_id": "m",
        "dataset_name": "dn",
        "dataset_digest": "dd",
        "run_id": "r",
    }
    assert list(dict(run_info())) == [
        "artifact_uri",
        "end_time",
        "experiment_id",
        "lifecycle_stage",
        "run_id",
        "run_name",
        "start_time",
        "status",
        "user_id",
    ]


def test_parts_cannot_be_set_unless_public():
    with pytest.raises(AttributeError, match="'key'"):
        Metric("a", 1, 1, 1).key = "b"
    experiment = Experiment("1", "n", "a", "active")
    experiment.effective_trace_archival_retention = "30d"
    assert dict(experiment)["effective_trace_archival_retention"] == "30d"
    model = LoggedModel("1", "m-1", "nm", "loc", 1, 2)
    model.model_id = "m-2"
    assert model.model_uri == "models:/m-2"


def test_metric_equals_one_with_the_same_parts_only():
    metric = Metric("a", 1.5, 10, 2)
    assert metric == Metric("a", 1.5, 10, 2)
    assert hash(metric) == hash(Metric("a", 1.5, 10, 2))
    assert metric != Metric("a", 1.5, 10, 2, run_id="r")
    assert metric != MetricWithRunId(metric, None)
    assert metric != dict(metric)


@pytest.mark.parametrize("cls", [Param, LoggedModelParameter])
def test_params_are_equal_by_key(cls):
    assert cls("k", "v") == cls("k", "w")
    assert cls("k", "v") != cls("l", "v")
    assert len({cls("k", "v"), cls("k", "w")}) == 1


@pytest.mark.parametrize(
    "cls",
    [RunTag, ExperimentTag, InputTag, LoggedModelTag, ModelVersionTag, RegisteredModelTag]
    + [RegisteredModelAlias],
)
def test_tags_are_equal_by_key_and_value(cls):
    assert cls("k", "v") == cls("k", "v")
    assert cls("k", "v") != cls("k", "w")
    assert RunTag("k", "v") != ExperimentTag("k", "v")
    with pytest.raises(TypeError, match="unhashable"):
        hash(cls("k", "v"))


def test_runs_are_equal_by_identity_and_infos_by_parts():
    info, data = run_info(), RunData()
    assert Run(info, data) != Run(info, data)
    assert data != RunData()
    assert info == run_info()
    assert info != run_info(run_name="other")


@pytest.mark.parametrize(
    "value",
    [
        Metric("a", 1.5, 10, 2),
        Param("k", "v"),
        run_info(),
        DatasetInput(dataset(), [InputTag("a", "b")]),
        RunOutputs([LoggedModelOutput("m", 3)]),
        ModelVersion("n", "1", 5, tags=[ModelVersionTag("a", "b")]),
    ],
)
def test_value_survives_pickle_and_copy(value):
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301
    assert copy.deepcopy(value) == value


def test_value_from_dictionary_passes_over_what_it_does_not_know():
    assert RunInfo.from_dictionary({**dict(run_info()), "more": 1}) == run_info()
    with pytest.raises(TypeError, match="value"):
        Param.from_dictionary({"key": "k"})


def test_metric_from_dictionary_names_what_is_missing():
    metric = Metric("a", 1.5, 10, 2, run_id="r")
    assert Metric.from_dictionary(metric.to_dictionary()) == metric
    with pytest.raises(MlflowException) as refusal:
        Metric.from_dictionary({"key": "a"})
    assert refusal.value.message == (
        "Missing required keys ['value', 'timestamp', 'step'] in metric dictionary"
    )
    assert refusal.value.error_code == "INVALID_PARAMETER_VALUE"


def test_metric_with_run_id_keeps_key_value_time_and_step():
    metric = MetricWithRunId(Metric("a", 1, 2, 3, model_id="m"), "r")
    assert metric.to_dict() == {"key": "a", "value": 1, "timestamp": 2, "step": 3, "run_id": "r"}
    assert metric.model_id is None


def test_run_data_keeps_the_last_metric_of_a_key():
    metrics = [Metric("a", 1, 1, 1), Metric("a", 2, 1, 1)]
    data = RunData(metrics, [Param("p", "1")], [RunTag("t", "x")])
    assert data.to_dictionary() == {"metrics": {"a": 2}, "params": {"p": "1"}, "tags": {"t": "x"}}
    assert data._metric_objs == metrics


def test_run_to_dictionary_leaves_out_what_is_absent():
    inputs = RunInputs([DatasetInput(dataset(), [InputTag("a", "b")])], [LoggedModelInput("m")])
    outputs = RunOutputs([LoggedModelOutput("m", 3)])
    assert Run(run_info(), None).to_dictionary() == {"info": dict(run_info())}
    assert Run(run_info(), RunData(), inputs, outputs).to_dictionary() == {
        "info": dict(run_info()),
        "data": {"metrics": {}, "params": {}, "tags": {}},
        "inputs": {
            "model_inputs": [LoggedModelInput("m")],
            "dataset_inputs": [{"dataset": dataset().to_dictionary(), "tags": {"a": "b"}}],
        },
        "outputs": {"model_outputs": [{"model_id": "m", "step": 3}]},
    }


def test_run_without_info_is_refused():
    with pytest.raises(MlflowException, match="run_info cannot be None"):
        Run(None, RunData())


@pytest.mark.parametrize("part", ["experiment_id", "user_id", "status", "start_time"])
def test_run_info_without_a_needed_part_is_refused(part):
    with pytest.raises(MlflowException, match=f"{part} cannot be None"):
        run_info(**{part: None})


def test_run_info_copy_changes_what_is_given():
    copied = run_info()._copy_with_overrides(status="FINISHED", end_time=4)
    assert copied == run_info(status="FINISHED", end_time=4)


def test_run_info_says_what_searches_may_name():
    names = ["artifact_uri", "end_time", "run_id", "run_name", "start_time", "status", "user_id"]
    assert RunInfo.get_searchable_attributes() == names
    assert RunInfo.get_orderable_attributes() == names


def test_deleted_run_is_refused_as_active():
    check_run_is_active(run_info())
    with pytest.raises(MlflowException) as refusal:
        check_run_is_active(run_info(lifecycle_stage="deleted"))
    assert refusal.value.message == "The run rid must be in 'active' lifecycle_stage."
    assert refusal.value.error_code == "INVALID_PARAMETER_VALUE"


def test_run_status_has_names_and_ends():
    assert [RunStatus.to_string(s) for s in RunStatus.all_status()] == [
        "RUNNING",
        "SCHEDULED",
        "FINISHED",
        "FAILED",
        "KILLED",
    ]
    assert [s for s in RunStatus.all_status() if RunStatus.is_terminated(s)] == [3, 4, 5]
    with pytest.raises(MlflowException) as refusal:
        RunStatus.to_string(99)
    assert refusal.value.message == (
        "Could not get string corresponding to run status 99. Valid run statuses: [1, 2, 3, 4, 5]"
    )
    with pytest.raises(MlflowException) as refusal:
        RunStatus.from_string("nope")
    assert refusal.value.message == (
        "Could not get run status corresponding to string nope. Valid run status strings: "
        "['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']"
    )


@pytest.mark.parametrize(
    ("cls", "name", "number"), [(ViewType, "deleted_only", 2), (SourceType, "LOCAL", 4)]
)
def test_named_numbers_go_both_ways(cls, name, number):
    assert cls.from_string(name) == number
    assert cls.to_string(number) == name
    with pytest.raises(MlflowException, match="strings"):
        cls.from_string("nope")


def test_view_types_see_lifecycle_stages():
    seen = {
        view: [
            stage
            for stage in ("active", "deleted")
            if LifecycleStage.matches_view_type(view, stage)
        ]
        for view in (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL)
    }
    assert seen == {1: ["active"], 2: ["deleted"], 3: ["active", "deleted"]}
    assert LifecycleStage.view_type_to_stages() == ["active", "deleted"]
    with pytest.raises(MlflowException, match="Invalid lifecycle stage 'x'"):
        LifecycleStage.matches_view_type(1, "x")
    with pytest.raises(MlflowException, match="Invalid view type '9'"):
        LifecycleStage.matches_view_type(9, "active")


def test_logged_model_takes_tags_as_lists_and_dictionaries():
    model = LoggedModel(
        "1", "m-1", "nm", "loc", 1, 2, status=1, tags=[LoggedModelTag("a", "b")], params={"c": "d"}
    )
    assert (model.tags, model.params) == ({"a": "b"}, {"c": "d"})
    assert model.status is LoggedModelStatus.PENDING
    dictionary = model.to_dictionary()
    assert dictionary["status"] == 1
    assert "model_uri" not in dictionary


def test_logged_model_status_has_numbers():
    assert [status.to_int() for status in LoggedModelStatus] == [0, 1, 2, 3]
    assert LoggedModelStatus.from_int(3) is LoggedModelStatus.FAILED
    assert f"{LoggedModelStatus.READY}" == "READY"
    assert [s.value for s in LoggedModelStatus if LoggedModelStatus.is_finalized(s)] == [
        "READY",
        "FAILED",
    ]
    with pytest.raises(MlflowException, match="Unknown model status: 9"):
        LoggedModelStatus.from_int(9)


def test_registered_model_keeps_tags_and_aliases_by_key():
    model = RegisteredModel(
        "n", tags=[RegisteredModelTag("a", "b")], aliases=[RegisteredModelAlias("x", "3")]
    )
    assert (model.tags, model.aliases) == ({"a": "b"}, {"x": "3"})


def test_searched_model_version_does_not_know_its_tags():
    version = ModelVersionSearch("n", "1", 5, tags=[ModelVersionTag("a", "b")])
    assert "tags" not in dict(version)
    with pytest.raises(MlflowException, match="do not have tags. Please use get_model_version"):
        version.tags()


def test_stage_is_found_in_any_case():
    assert get_canonical_stage("PRODUCTION") == "Production"
    with pytest.raises(MlflowException) as refusal:
        get_canonical_stage("Bogus")
    assert refusal.value.message == (
        "Invalid Model Version stage: Bogus. "
        "Value must be one of None, Staging, Production, Archived."
    )


def test_uploads_and_downloads_have_json_forms():
    upload = CreateMultipartUploadResponse.from_dict(
        {"credentials": [{"url": "u", "part_number": 1}]}
    )
    assert (upload.upload_id, upload.credentials[0].headers) == (None, {})
    assert MultipartUploadPart(1, "e").to_dict() == {"part_number": 1, "etag": "e", "url": None}
    download = {"url": "u", "headers": {"a": "b"}}
    assert PresignedDownloadUrlResponse.from_dict(download).to_dict() == download


def test_dataset_summary_compares_and_gives_its_parts():
    summary = _DatasetSummary("1", "n", "d", "c")
    assert summary == _DatasetSummary("1", "n", "d", "c")
    assert summary.to_dict() == {"experiment_id": "1", "name": "n", "digest": "d", "context": "c"}


def test_paged_list_is_a_list_with_a_token():
    page = PagedList([1, 2], "t")
    assert page == [1, 2]
    assert page.token == "t"
    assert type(page.to_list()) is list


def test_every_public_name_is_found():
    for name in entities.__all__:
        assert getattr(entities, name).__name__ == name
    assert entities.model_registry.ModelVersion is ModelVersion


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'mlflow.entities' has no attribute 'Nope'"):
        _ = entities.Nope


def test_values_load_nothing_heavy():
    # Those of traces are public as dataclasses, which load `inspect`.
    traces = ("trace", "span", "assessment", "link")
    names = [name for name, home in entities._HOME.items() if not home.startswith(traces)]
    program = (
        f"import sys; from mlflow.entities import {', '.join(names)}; "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    third_party = set(loaded) - set(sys.stdlib_module_names) - {"mlflow", "__main__"}
    # What a .pth file of the environment loads at start is not ours.
    bare = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert third_party <= {name.partition(".")[0] for name in bare}
    assert not {"inspect", "sqlite3", "asyncio", "email"} & set(loaded)
