"""RPCs of stages: history, rolling back, and approval."""

from __future__ import annotations

import json
from typing import Any

from mlflow.entities.model_registry import registry_change as change
from mlflow.entities.model_registry import stage_approval as approval
from mlflow.entities.model_registry.model_version_stages import STAGE_PRODUCTION
from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.registry import ModelVersion, ModelVersionAnswer, ModelVersionList
from mlflow.rpc.wire import Int64, Needed, Wire

_USUAL_CHANGES = 1000


class Change(Wire, kw_only=True):
    """One change of a registered model or of one of its versions."""

    id: Int64
    timestamp: Int64
    """Milliseconds since the Unix epoch."""
    user: str | None = None
    action: str
    version: str | None = None
    """Absent if it is about the model itself."""
    before: str | None = None
    """What was there and is no more: a JSON object."""
    after: str | None = None
    """What has been there since: a JSON object."""
    comment: str | None = None

    @classmethod
    def of(cls, c: change.RegistryChange) -> Change:
        return cls(
            id=c.id,
            timestamp=c.timestamp,
            user=c.user,
            action=c.action,
            version=None if c.version is None else str(c.version),
            before=None if c.before is None else json.dumps(c.before, ensure_ascii=False),
            after=None if c.after is None else json.dumps(c.after, ensure_ascii=False),
            comment=c.comment,
        )

    def entity(self) -> change.RegistryChange:
        return change.RegistryChange(
            id=self.id,
            timestamp=self.timestamp,
            user=self.user,
            action=self.action,
            version=None if self.version is None else int(self.version),
            before=None if self.before is None else json.loads(self.before),
            after=None if self.after is None else json.loads(self.after),
            comment=self.comment,
        )


class ChangePage(Wire):
    changes: list[Change] = []
    next_page_token: str | None = None
    """Absent on the last page."""


class StagePolicy(Wire, kw_only=True):
    """What versions need before they may enter a stage."""

    stage: str
    reviewers: Int64 = 0
    """How many others have to approve."""
    requirement: str | None = None
    """A filter that the version's run has to fit."""

    @classmethod
    def of(cls, p: approval.StagePolicy) -> StagePolicy:
        return cls(stage=p.stage, reviewers=p.reviewers, requirement=p.requirement)

    def entity(self) -> approval.StagePolicy:
        return approval.StagePolicy(self.stage, self.reviewers, self.requirement)


class StagePolicies(Wire):
    stage_policies: list[StagePolicy] = []


class StageReview(Wire, kw_only=True):
    """What one reviewer said."""

    user: str
    approved: bool
    comment: str | None = None
    timestamp: Int64


class StageRequest(Wire, kw_only=True):
    """That somebody wants a version to enter a stage."""

    request_id: Int64
    name: str
    version: str
    stage: str
    archive_existing_versions: bool = False
    status: str
    """PENDING, APPROVED or REJECTED."""
    user: str
    comment: str | None = None
    creation_timestamp: Int64
    last_updated_timestamp: Int64
    reviews: list[StageReview] = []

    @classmethod
    def of(cls, r: approval.StageRequest) -> StageRequest:
        values = {**vars(r), "version": str(r.version)}
        return cls(**{**values, "reviews": [StageReview(**vars(one)) for one in r.reviews]})

    def entity(self) -> approval.StageRequest:
        return approval.StageRequest(
            request_id=self.request_id,
            name=self.name,
            version=int(self.version),
            stage=self.stage,
            archive_existing_versions=self.archive_existing_versions,
            status=self.status,
            user=self.user,
            comment=self.comment,
            creation_timestamp=self.creation_timestamp,
            last_updated_timestamp=self.last_updated_timestamp,
            reviews=[
                approval.StageReview(one.user, one.approved, one.comment, one.timestamp)
                for one in self.reviews
            ],
        )


class StageRequestAnswer(Wire):
    stage_request: StageRequest


class StageRequests(Wire):
    stage_requests: list[StageRequest] = []


@rpc(
    "GET",
    "/mlflow/registered-models/history",
    needs=("registered_model", "read"),
    response=ChangePage,
    version="3.0",
    store="registry",
)
class GetRegistryHistory(Rpc, kw_only=True):
    """One page of the changes of a registered model and its versions, oldest first."""

    name: Needed
    version: str | None = None
    """Only those of this version."""
    max_results: Int64 | None = None
    page_token: str | None = None

    def answer(self, store: Any) -> ChangePage:
        page = store.get_registry_history(
            self.name,
            self.version or None,
            _USUAL_CHANGES if self.max_results is None else self.max_results,
            self.page_token,
        )
        return ChangePage(changes=[Change.of(c) for c in page], next_page_token=page.token or None)


@rpc(
    "GET",
    "/mlflow/registered-models/versions-at",
    needs=("registered_model", "read"),
    response=ModelVersionList,
    version="3.0",
    store="registry",
)
class GetVersionsAt(Rpc, kw_only=True):
    """The newest version of each stage, as things were at a time."""

    name: Needed
    time: Int64
    """Milliseconds since the Unix epoch."""
    stages: list[str] = []
    """Only of these; absent for all."""

    def answer(self, store: Any) -> ModelVersionList:
        found = store.get_versions_at(self.name, self.time, self.stages)
        return ModelVersionList(model_versions=[ModelVersion.of(v) for v in found])


@rpc(
    "POST",
    "/mlflow/registered-models/rollback",
    needs=("registered_model", "edit"),
    response=ModelVersionAnswer,
    version="3.0",
    store="registry",
)
class RollBack(Rpc, kw_only=True):
    """Bring the version back that was in a stage before the one that is."""

    name: Needed
    stage: str | None = None
    """Absent for Production."""

    def answer(self, store: Any) -> ModelVersionAnswer:
        found = store.roll_back(self.name, self.stage or STAGE_PRODUCTION)
        return ModelVersionAnswer.of(found)


@rpc(
    "POST",
    "/mlflow/registered-models/stage-policies",
    needs=("registered_model", "approve"),
    idempotent=True,
    version="3.0",
    store="registry",
)
class SetStagePolicy(Rpc, kw_only=True):
    """Let versions of a model enter a stage only so."""

    name: Needed
    stage: Needed
    reviewers: Int64 = 0
    requirement: str | None = None

    def answer(self, store: Any) -> None:
        policy = approval.StagePolicy(self.stage, self.reviewers, self.requirement)
        store.set_stage_policy(self.name, policy)


@rpc(
    "DELETE",
    "/mlflow/registered-models/stage-policies",
    needs=("registered_model", "approve"),
    idempotent=True,
    version="3.0",
    store="registry",
)
class DeleteStagePolicy(Rpc, kw_only=True):
    """Let versions enter a stage freely again."""

    name: Needed
    stage: Needed

    def answer(self, store: Any) -> None:
        store.delete_stage_policy(self.name, self.stage)


@rpc(
    "GET",
    "/mlflow/registered-models/stage-policies",
    needs=("registered_model", "read"),
    response=StagePolicies,
    version="3.0",
    store="registry",
)
class GetStagePolicies(Rpc, kw_only=True):
    """The policies of a registered model."""

    name: Needed

    def answer(self, store: Any) -> StagePolicies:
        found = store.get_stage_policies(self.name)
        return StagePolicies(stage_policies=[StagePolicy.of(p) for p in found])


@rpc(
    "POST",
    "/mlflow/model-versions/stage-requests",
    needs=("registered_model", "edit"),
    response=StageRequestAnswer,
    version="3.0",
    store="registry",
)
class RequestStage(Rpc, kw_only=True):
    """Ask for a version to enter a stage."""

    name: Needed
    version: Needed
    stage: Needed
    archive_existing_versions: bool = False
    comment: str | None = None

    def answer(self, store: Any) -> StageRequestAnswer:
        found = store.request_stage(
            self.name, self.version, self.stage, self.archive_existing_versions, self.comment
        )
        return StageRequestAnswer(stage_request=StageRequest.of(found))


@rpc(
    "GET",
    "/mlflow/model-versions/stage-requests",
    needs=("registered_model", "read"),
    response=StageRequests,
    version="3.0",
    store="registry",
)
class GetStageRequests(Rpc, kw_only=True):
    """The requests for a model's versions, oldest first."""

    name: Needed
    version: str | None = None
    """Only those for this version."""

    def answer(self, store: Any) -> StageRequests:
        found = store.get_stage_requests(self.name, self.version or None)
        return StageRequests(stage_requests=[StageRequest.of(r) for r in found])


@rpc(
    "POST",
    "/mlflow/model-versions/stage-requests/review",
    needs=("registered_model", "approve"),
    response=StageRequestAnswer,
    version="3.0",
    store="registry",
)
class ReviewStageRequest(Rpc, kw_only=True):
    """Approve or reject a request. The last approval that is needed moves the version."""

    request_id: Int64
    approve: bool
    comment: str | None = None

    def answer(self, store: Any) -> StageRequestAnswer:
        found = store.review_stage_request(self.request_id, self.approve, self.comment)
        return StageRequestAnswer(stage_request=StageRequest.of(found))
