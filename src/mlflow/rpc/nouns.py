"""Entities as the wire spells them, and the way from and to the classes in `mlflow.entities`."""

from __future__ import annotations

from typing import Literal

from mlflow import entities as e
from mlflow.rpc.wire import Double, Int64, Needed, Wire, double

RunStatusName = Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]
ViewTypeName = Literal["ACTIVE_ONLY", "DELETED_ONLY", "ALL"]


class Tag(Wire):
    """A tag or a param."""

    key: str | None = None
    value: str | None = None


class Metric(Wire, kw_only=True, gc=False):
    """One value of one metric at one step."""

    key: str | None = None
    value: Double
    timestamp: Int64
    """Milliseconds since the Unix epoch."""
    step: Int64 | None = None
    """x-coordinate; absent counts as 0."""
    dataset_name: str | None = None
    dataset_digest: str | None = None
    model_id: str | None = None
    run_id: str | None = None

    @classmethod
    def of(cls, m: e.Metric, *, with_run_id: bool = False) -> Metric:
        return cls(
            key=m.key,
            value=double(m.value),
            timestamp=m.timestamp,
            step=m.step,
            dataset_name=m.dataset_name,
            dataset_digest=m.dataset_digest,
            model_id=m.model_id,
            run_id=m.run_id if with_run_id else None,
        )

    def entity(self) -> e.Metric:
        return e.Metric(
            self.key,
            float(self.value),
            self.timestamp,
            self.step or 0,
            self.model_id,
            self.dataset_name,
            self.dataset_digest,
            self.run_id,
        )


class Experiment(Wire, kw_only=True):
    """A named place for runs."""

    experiment_id: str
    name: str | None = None
    artifact_location: str | None = None
    lifecycle_stage: str | None = None
    last_update_time: Int64 | None = None
    creation_time: Int64 | None = None
    tags: list[Tag] = []
    effective_trace_archival_retention: str | None = None
    workspace: str | None = None

    @classmethod
    def of(cls, x: e.Experiment) -> Experiment:
        return cls(
            experiment_id=x.experiment_id,
            name=x.name,
            artifact_location=x.artifact_location,
            lifecycle_stage=x.lifecycle_stage,
            last_update_time=x.last_update_time,
            creation_time=x.creation_time,
            tags=[Tag(key=k, value=v) for k, v in x.tags.items()],
            workspace=x.workspace,
        )

    def entity(self) -> e.Experiment:
        return e.Experiment(
            experiment_id=self.experiment_id,
            name=self.name or "",
            artifact_location=self.artifact_location,
            lifecycle_stage=self.lifecycle_stage or "active",
            tags=[e.ExperimentTag(t.key, t.value) for t in self.tags],
            creation_time=self.creation_time,
            last_update_time=self.last_update_time,
            workspace=self.workspace,
        )


class RunInfo(Wire, kw_only=True):
    """What a run is, without what it logged."""

    run_uuid: str | None = None
    """The run's id under its old name."""
    experiment_id: str
    run_name: str | None = None
    user_id: str | None = None
    status: RunStatusName | None = None
    start_time: Int64 | None = None
    end_time: Int64 | None = None
    artifact_uri: str | None = None
    lifecycle_stage: str | None = None
    run_id: str | None = None

    @classmethod
    def of(cls, i: e.RunInfo) -> RunInfo:
        return cls(
            run_uuid=i.run_id,
            experiment_id=i.experiment_id,
            run_name=i.run_name,
            user_id=i.user_id,
            status=i.status,
            start_time=i.start_time,
            end_time=i.end_time,
            artifact_uri=i.artifact_uri,
            lifecycle_stage=i.lifecycle_stage,
            run_id=i.run_id,
        )

    def entity(self) -> e.RunInfo:
        return e.RunInfo(
            run_id=self.run_id or self.run_uuid,
            experiment_id=self.experiment_id,
            user_id=self.user_id or "",
            status=self.status or "RUNNING",
            start_time=self.start_time or 0,
            end_time=self.end_time,
            lifecycle_stage=self.lifecycle_stage or "active",
            artifact_uri=self.artifact_uri,
            run_name=self.run_name or "",
        )


class RunData(Wire):
    """What a run logged, with the last value of each metric."""

    metrics: list[Metric] = []
    params: list[Tag] = []
    tags: list[Tag] = []


class Dataset(Wire):
    """A dataset."""

    name: Needed
    digest: Needed
    source_type: Needed
    source: Needed
    schema: str | None = None
    profile: str | None = None


class DatasetInput(Wire, kw_only=True):
    """One use of a dataset by a run."""

    tags: list[Tag] = []
    dataset: Dataset

    @classmethod
    def of(cls, x: e.DatasetInput) -> DatasetInput:
        d = x.dataset
        return cls(
            tags=[Tag(key=t.key, value=t.value) for t in x.tags],
            dataset=Dataset(
                name=d.name,
                digest=d.digest,
                source_type=d.source_type,
                source=d.source,
                schema=d.schema,
                profile=d.profile,
            ),
        )

    def entity(self) -> e.DatasetInput:
        d = self.dataset
        return e.DatasetInput(
            e.Dataset(d.name, d.digest, d.source_type, d.source, d.schema, d.profile),
            [e.InputTag(t.key, t.value) for t in self.tags],
        )


class ModelInput(Wire):
    """A logged model that a run used."""

    model_id: Needed


class ModelOutput(Wire):
    """A logged model that a run made."""

    model_id: Needed
    step: Int64


class RunInputs(Wire):
    """What a run read."""

    dataset_inputs: list[DatasetInput] = []
    model_inputs: list[ModelInput] = []

    @classmethod
    def of(cls, x: e.RunInputs) -> RunInputs:
        return cls(
            dataset_inputs=[DatasetInput.of(d) for d in x.dataset_inputs],
            model_inputs=[ModelInput(model_id=m.model_id) for m in x.model_inputs],
        )


class RunOutputs(Wire):
    """What a run made."""

    model_outputs: list[ModelOutput] = []

    @classmethod
    def of(cls, x: e.RunOutputs) -> RunOutputs:
        return cls([ModelOutput(model_id=m.model_id, step=m.step) for m in x.model_outputs])


class Run(Wire):
    """A run with all it logged."""

    info: RunInfo
    data: RunData | None = None
    inputs: RunInputs | None = None
    outputs: RunOutputs | None = None

    @classmethod
    def of(cls, run: e.Run) -> Run:
        data = run.data
        return cls(
            info=RunInfo.of(run.info),
            data=RunData(
                metrics=[Metric.of(m) for m in data._metric_objs],
                params=[Tag(key=k, value=v) for k, v in data.params.items()],
                tags=[Tag(key=k, value=v) for k, v in data.tags.items()],
            ),
            inputs=RunInputs.of(run.inputs),
            outputs=RunOutputs.of(run.outputs),
        )

    def entity(self) -> e.Run:
        data = self.data or RunData()
        inputs = self.inputs or RunInputs()
        outputs = self.outputs or RunOutputs()
        return e.Run(
            self.info.entity(),
            e.RunData._of(
                [m.entity() for m in data.metrics],
                {p.key: p.value for p in data.params},
                {t.key: t.value for t in data.tags},
            ),
            e.RunInputs(
                [d.entity() for d in inputs.dataset_inputs],
                [e.LoggedModelInput(m.model_id) for m in inputs.model_inputs],
            ),
            e.RunOutputs([e.LoggedModelOutput(m.model_id, m.step) for m in outputs.model_outputs]),
        )
