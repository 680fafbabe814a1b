"""Approval of stage transitions in a SQL database."""

from __future__ import annotations

from typing import Any

from mlflow.entities import Run, RunData, RunInfo
from mlflow.entities.model_registry import ModelVersion
from mlflow.entities.model_registry.model_version_stages import STAGE_ARCHIVED
from mlflow.entities.model_registry.stage_approval import StagePolicy, StageRequest, StageReview
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.search import RUNS, parse_filter
from mlflow.search.evaluate import matcher, run_values
from mlflow.store.model_registry.base.checks import (
    checked_policy,
    denied,
    no_request,
    policy_stage,
)
from mlflow.store.model_registry.base.stages import Stages
from mlflow.store.model_registry.caller import UNKNOWN, Caller
from mlflow.store.model_registry.sql.core import ModelRow, SqlRegistryCore
from mlflow.store.tracking.sql.core import marks, now_ms

PENDING, APPROVED, REJECTED = "PENDING", "APPROVED", "REJECTED"

_REQUEST = (
    "select r.id, m.name, r.version, r.stage, r.archive_existing, r.status, r.requested_by, "
    "r.comment, r.creation_time, r.last_update_time "
    "from stage_request r join registered_model m on m.id = r.model_id"
)


class SqlApproval(SqlRegistryCore, Stages):
    # -- policies ---------------------------------------------------------------------------

    def set_stage_policy(self, name: str, policy: StagePolicy) -> None:
        policy = checked_policy(policy)

        def write(tx: Any, by: Caller, model: ModelRow) -> None:
            before = self._policy(tx, model.id, policy.stage)
            tx.execute(
                "insert into stage_policy (model_id, stage, reviewers, requirement) "
                "values (?, ?, ?, ?) on conflict (model_id, stage) do update set "
                "reviewers = excluded.reviewers, requirement = excluded.requirement",
                (model.id, policy.stage, policy.reviewers, policy.requirement),
            )
            self._audit(
                tx, by, "set_policy", model.id, before=before and vars(before), after=vars(policy)
            )

        self._change(name, write)

    def delete_stage_policy(self, name: str, stage: str) -> None:
        stage = policy_stage(stage)

        def write(tx: Any, by: Caller, model: ModelRow) -> None:
            before = self._policy(tx, model.id, stage)
            if before is not None:
                tx.execute(
                    "delete from stage_policy where model_id = ? and stage = ?",
                    (model.id, stage),
                )
                self._audit(tx, by, "delete_policy", model.id, before=vars(before))

        self._change(name, write)

    def get_stage_policies(self, name: str) -> list[StagePolicy]:
        with self.db.read() as tx:
            rows = tx.execute(
                "select stage, reviewers, requirement from stage_policy where model_id = ? "
                "order by stage",
                (self._model_row(tx, name).id,),
            ).fetchall()
        return [StagePolicy(*row) for row in rows]

    def _policy(self, tx: Any, model: int, stage: str) -> StagePolicy | None:
        row = tx.execute(
            "select stage, reviewers, requirement from stage_policy "
            "where model_id = ? and stage = ?",
            (model, stage),
        ).fetchone()
        return None if row is None else StagePolicy(*row)

    def _check_policy(self, name: str, version: str | int, stage: str) -> StagePolicy | None:
        """The policy for a stage, which lets a version in without reviewers, or None."""
        with self.db.read() as tx:
            model = self._model_row(tx, name)
            mv = self._load_versions(tx, [self._version_row(tx, name, version)])[0]
            policy = self._policy(tx, model.id, stage)
        if policy is None or mv.current_stage == stage:
            return policy
        if policy.reviewers:
            raise denied(
                f"Version {mv.version} of model '{name}' needs the approval of "
                f"{_people(policy.reviewers)} before it may enter {stage}. Ask for it with "
                f"`mlflow registry request {name} {mv.version} {stage}` or "
                "MlflowClient.request_model_version_stage."
            )
        self._check_requirement(policy, mv)
        return policy

    def _check_requirement(self, policy: StagePolicy | None, mv: ModelVersion) -> None:
        """Refuse a version that does not fit what its model's policy requires."""
        tree = parse_filter(policy.requirement, RUNS) if policy else None
        if tree is None:
            return
        run = self._measured(mv)
        if run is None:
            raise denied(
                f"Version {mv.version} of model '{mv.name}' may not enter {policy.stage}: "
                f"'{policy.requirement}' is required, and it has neither a run nor a logged model "
                "that could show it."
            )
        if not matcher(tree, run_values)(run):
            raise denied(
                f"Version {mv.version} of model '{mv.name}' may not enter {policy.stage}: it does "
                f"not fit what is required, '{policy.requirement}'."
            )

    def _measured(self, mv: ModelVersion) -> Run | None:
        """The run of a version, with the metrics of its logged model in the place of its own."""
        store = self._tracking_store()
        run = store.get_run(mv.run_id) if mv.run_id else None
        if mv.model_id is None:
            return run
        logged = store.get_logged_model(mv.model_id)
        metrics = {m.key: m for m in (run.data._metric_objs if run else ())}
        metrics |= {m.key: m for m in logged.metrics or ()}
        params = [*(run.data.params.items() if run else ()), *logged.params.items()]
        return _run(run, metrics, dict(params), run.data.tags if run else {})

    def _tracking_store(self) -> Any:
        raise NotImplementedError

    # -- requests ---------------------------------------------------------------------------

    def request_stage(
        self,
        name: str,
        version: str | int,
        stage: str,
        archive_existing_versions: bool = False,
        comment: str | None = None,
    ) -> StageRequest:
        stage = policy_stage(stage)
        with self.db.read() as tx:
            model_id = self._model_row(tx, name).id
            mv = self._load_versions(tx, [self._version_row(tx, name, version)])[0]
            policy = self._policy(tx, model_id, stage)
        if policy is None or not policy.reviewers:
            raise MlflowException.invalid_parameter_value(
                f"Model '{name}' has no policy that wants reviewers for {stage}: versions enter it "
                "with a plain transition."
            )
        self._check_requirement(policy, mv)

        def write(tx: Any, by: Caller, model: ModelRow) -> StageRequest:
            row = self._version_row(tx, name, version)
            waiting = tx.execute(
                "select id from stage_request where model_id = ? and version = ? and stage = ? "
                "and status = ?",
                (model.id, row.version, stage, PENDING),
            ).fetchone()
            if waiting or row.stage == stage:
                state = f"waits for {stage} already (request {waiting[0]})" if waiting else ""
                raise MlflowException(
                    f"Version {row.version} of model '{name}' "
                    + (state or f"is in {stage} already")
                    + ".",
                    error_code=CODES["RESOURCE_ALREADY_EXISTS"],
                )
            now = now_ms()
            key = self.db.dialect.insert(
                tx,
                "insert into stage_request (model_id, version, stage, archive_existing, status, "
                "requested_by, comment, creation_time, last_update_time) "
                "values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (model.id, row.version, stage, int(archive_existing_versions), PENDING)
                + (by.user, comment or by.reason, now, now),
            )
            after = {"request": key, "requested_stage": stage}
            self._audit(tx, by, "request", model.id, row.version, after=after, comment=comment)
            return self._requests(tx, "r.id = ?", (key,))[0]

        return self._change(name, write)

    def review_stage_request(
        self, request_id: int, approve: bool, comment: str | None = None
    ) -> StageRequest:
        with self.db.read() as tx:
            request = self._pending(tx, request_id)
            model_id = self._model_row(tx, request.name).id
            policy = self._policy(tx, model_id, request.stage)
            mv = self._versions(tx, [(model_id, request.version)])[0]
        if approve:
            self._check_requirement(policy, mv)

        def write(tx: Any, by: Caller, model: ModelRow) -> StageRequest:
            request = self._pending(tx, request_id)
            if approve and by.user == request.user:
                raise denied(_own_request(request))
            now = now_ms()
            tx.execute(
                "insert into stage_review (request_id, reviewer, approved, comment, time) "
                "values (?, ?, ?, ?, ?) on conflict (request_id, reviewer) do update set "
                "approved = excluded.approved, comment = excluded.comment, time = excluded.time",
                (request_id, by.user, int(approve), comment or by.reason, now),
            )
            verdict = "approve" if approve else "reject"
            after = {"request": request_id, "requested_stage": request.stage}
            version = request.version
            self._audit(tx, by, verdict, model.id, version, after=after, comment=comment)
            status = self._status(tx, model.id, request_id, request.stage)
            tx.execute(
                "update stage_request set status = ?, last_update_time = ? where id = ?",
                (status, now, request_id),
            )
            if status == APPROVED:
                stage = self._version_row(tx, model.name, version).stage
                archive = request.archive_existing_versions
                self._move(
                    tx, by, model, version, stage, request.stage, archive, comment=request.comment
                )
            return self._requests(tx, "r.id = ?", (request_id,))[0]

        return self._change(request.name, write)

    def get_stage_requests(self, name: str, version: str | int | None = None) -> list[StageRequest]:
        with self.db.read() as tx:
            if version is not None:
                row = self._version_row(tx, name, version)
                key = (row.model_id, row.version)
                return self._requests(tx, "r.model_id = ? and r.version = ?", key)
            return self._requests(tx, "r.model_id = ?", (self._model_row(tx, name).id,))

    def _pending(self, tx: Any, request_id: int) -> StageRequest:
        found = self._requests(tx, "r.id = ?", (request_id,))
        if not found:
            raise no_request(request_id)
        if found[0].status != PENDING:
            raise MlflowException.invalid_parameter_value(
                f"Stage request {request_id} is {found[0].status.lower()} already."
            )
        return found[0]

    def _status(self, tx: Any, model: int, request_id: int, stage: str) -> str:
        """What a request is, by its reviews."""
        reviews = tx.execute(
            "select approved from stage_review where request_id = ?", (request_id,)
        ).fetchall()
        if not all(approved for (approved,) in reviews):
            return REJECTED
        policy = self._policy(tx, model, stage)
        return APPROVED if len(reviews) >= (policy.reviewers if policy else 0) else PENDING

    def _requests(self, tx: Any, where: str, params: tuple) -> list[StageRequest]:
        rows = tx.execute(f"{_REQUEST} where {where} order by r.id", params).fetchall()
        reviews: dict[int, list[StageReview]] = {row[0]: [] for row in rows}
        if rows:
            query = (
                "select request_id, reviewer, approved, comment, time from stage_review "
                f"where request_id in ({marks(rows)}) order by time, reviewer"
            )
            for key, user, approved, comment, time in tx.execute(query, list(reviews)).fetchall():
                reviews[key].append(StageReview(user, bool(approved), comment, time))
        return [
            StageRequest(*row[:4], bool(row[4]), *row[5:], reviews=reviews[row[0]]) for row in rows
        ]

    # -- moving -----------------------------------------------------------------------------

    def _move(
        self,
        tx: Any,
        by: Caller,
        model: ModelRow,
        version: int,
        before: str,
        stage: str,
        archive_existing: bool,
        *,
        action: str = "transition",
        comment: str | None = None,
    ) -> None:
        """Move a version to a stage, and those that are there to Archived if asked for."""
        moves = [(version, before, stage, action)]
        if archive_existing:
            others = tx.execute(
                "select version from model_version "
                "where model_id = ? and stage = ? and version <> ? order by version",
                (model.id, stage, version),
            ).fetchall()
            moves = [(other, stage, STAGE_ARCHIVED, "transition") for (other,) in others] + moves
        now = now_ms()
        for number, old, new, what in moves:
            tx.execute(
                "update model_version set stage = ?, last_update_time = ? "
                "where model_id = ? and version = ?",
                (new, now, model.id, number),
            )
            self._audit(
                tx,
                by,
                what,
                model.id,
                number,
                before={"stage": old},
                after={"stage": new},
                comment=comment,
            )
        tx.execute("update registered_model set last_update_time = ? where id = ?", (now, model.id))


def _people(number: int) -> str:
    return "another user" if number == 1 else f"{number} other users"


def _own_request(request: StageRequest) -> str:
    if request.user == UNKNOWN:
        return (
            f"Request {request.request_id} comes from a client that did not say who it is, and so "
            "does this approval: nobody may approve a request of their own. Set "
            "MLFLOW_TRACKING_USERNAME, or the header X-Mlflow-User."
        )
    return (
        f"Request {request.request_id} is {request.user}'s own, and nobody may approve a request "
        "of their own."
    )


def _run(run: Run | None, metrics: dict, params: dict, tags: dict) -> Run:
    from mlflow.entities import LifecycleStage, Param, RunTag

    info = (
        run.info
        if run
        else RunInfo(
            run_id="",
            experiment_id="",
            user_id="",
            status="FINISHED",
            start_time=None,
            end_time=None,
            lifecycle_stage=LifecycleStage.ACTIVE,
        )
    )
    return Run(
        info,
        RunData(
            list(metrics.values()),
            [Param(key, value) for key, value in params.items()],
            [RunTag(key, value) for key, value in tags.items()],
        ),
    )
