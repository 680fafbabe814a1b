"""Stages and history in a SQL database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from mlflow.entities.model_registry import ModelVersion
from mlflow.entities.model_registry.model_version_stages import STAGE_PRODUCTION
from mlflow.entities.model_registry.registry_change import RegistryChange
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.db.paging import decode_token, encode_token
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.model_registry import SEARCH_MODEL_VERSION_MAX_RESULTS_THRESHOLD
from mlflow.store.model_registry.base.checks import (
    canonical_stage,
    canonical_stages,
    check_archive,
    check_page,
    no_model,
    no_version,
    nothing_to_roll_back,
    policy_stage,
    version_number,
)
from mlflow.store.model_registry.base.stages import HISTORY_PAGE
from mlflow.store.model_registry.caller import Caller
from mlflow.store.model_registry.sql.approval import SqlApproval
from mlflow.store.model_registry.sql.core import MODEL, VERSION, ModelRow
from mlflow.store.tracking.sql.core import marks

_NAMES_AT_ONCE = 500


class StageChange(NamedTuple):
    """That a version came into a stage, or went away."""

    version: int
    action: str
    stage: str | None
    """None for a deleted version."""


class SqlStages(SqlApproval):
    def transition_model_version_stage(
        self, name: str, version: str | int, stage: str, archive_existing_versions: bool
    ) -> ModelVersion:
        stage = canonical_stage(stage)
        check_archive(stage, archive_existing_versions)
        checked = self._check_policy(name, version, stage)

        def write(tx: Any, by: Caller, model: ModelRow) -> ModelVersion:
            row = self._version_row(tx, name, version)
            if self._policy(tx, model.id, stage) != checked:
                raise MlflowException(
                    f"The policy of model '{name}' for {stage} has changed at this moment. Try "
                    "again.",
                    error_code=CODES["ABORTED"],
                )
            self._move(tx, by, model, row.version, row.stage, stage, archive_existing_versions)
            return self._versions(tx, [(model.id, row.version)])[0]

        return self._change(name, write)

    def roll_back(self, name: str, stage: str = STAGE_PRODUCTION) -> ModelVersion:
        stage = policy_stage(stage)

        def write(tx: Any, by: Caller, model: ModelRow) -> ModelVersion:
            now = dict(
                tx.execute(
                    "select version, stage from model_version where model_id = ?", (model.id,)
                ).fetchall()
            )
            current = {version for version, its in now.items() if its == stage}
            before = _stack(_stage_changes(tx, model.id), stage)
            while current.intersection(before):
                before.pop()
            before = [version for version in before if version in now]
            if not before:
                raise nothing_to_roll_back(name, stage)
            back = before[-1]
            self._move(tx, by, model, back, now[back], stage, True, action="rollback")
            return self._versions(tx, [(model.id, back)])[0]

        return self._change(name, write)

    # -- history ----------------------------------------------------------------------------

    def get_registry_history(
        self,
        name: str,
        version: str | int | None = None,
        max_results: int = HISTORY_PAGE,
        page_token: str | None = None,
    ) -> PagedList[RegistryChange]:
        check_page(max_results, SEARCH_MODEL_VERSION_MAX_RESULTS_THRESHOLD)
        last = 0
        if page_token:
            (last,) = decode_token(page_token, 1)
            if type(last) is not int:
                raise MlflowException.invalid_parameter_value(
                    f"Invalid page token '{page_token[:100]}': it is not one of a history."
                )
        with self.db.read() as tx:
            model = self._model_of_history(tx, name)
            if version is None:
                rows = _changes(tx, MODEL, str(model), str(model), last, max_results)
                # "0" is the character behind "/"
                rows += _changes(tx, VERSION, f"{model}/", f"{model}0", last, max_results)
                rows.sort()
            else:
                number = version_number(version)
                key = f"{model}/{number}"
                rows = _changes(tx, VERSION, key, key, last, max_results)
                if not rows and not last:
                    raise no_version(name, version)
        page = [_change(row) for row in rows[:max_results]]
        token = encode_token([page[-1].id]) if len(rows) > max_results else None
        return PagedList(page, token)

    def last_registry_changes(self, names: Sequence[str]) -> dict[str, RegistryChange]:
        found: dict[str, RegistryChange] = {}
        with self.db.read() as tx:
            for i in range(0, len(names), _NAMES_AT_ONCE):
                part = names[i : i + _NAMES_AT_ONCE]
                query = f"select id, name from registered_model where name in ({marks(part)})"
                for model, name in tx.execute(query, list(part)).fetchall():
                    if (row := _last_change(tx, model)) is not None:
                        found[name] = _change(row)
        return found

    def _model_of_history(self, tx: Any, name: str) -> int:
        """The id of the model, or of the last one that had the name and was deleted."""
        row = tx.execute("select id from registered_model where name = ?", (name,)).fetchone()
        if row is not None:
            return row[0]
        row = tx.execute(
            "select entity_id from audit where entity = ? and action = 'delete' "
            'and "before" = ? order by id desc limit 1',
            (MODEL, json.dumps({"name": name}, ensure_ascii=False)),
        ).fetchone()
        if row is None:
            raise no_model(name)
        return int(row[0])

    def get_versions_at(
        self, name: str, time: int, stages: Sequence[str] | None = None
    ) -> list[ModelVersion]:
        wanted = canonical_stages(stages)
        with self.db.read() as tx:
            model = self._model_row(tx, name)
            then: dict[int, str | None] = {}
            for change in _stage_changes(tx, model.id, time):
                then[change.version] = change.stage
            newest: dict[str, int] = {}
            for version, stage in sorted(then.items()):
                if stage is not None and (not wanted or stage in wanted):
                    newest[stage] = version
            numbers = sorted(newest.values())
            found = self._versions(tx, [(model.id, number) for number in numbers])
        missing = set(numbers) - {mv.version for mv in found}
        if missing:
            raise MlflowException(
                f"Version {min(missing)} of model '{name}' was in the stage "
                f"{then[min(missing)]} then, and has been deleted since.",
                error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
            )
        return found


_COLUMNS = 'id, time, actor, action, entity, entity_id, "before", "after", comment'
_STAGE_ACTIONS = "('create', 'import', 'transition', 'rollback', 'delete')"


def _stage_changes(tx: Any, model: int, until: int | None = None) -> Iterator[StageChange]:
    """What happened to the stages of a model's versions, in order."""
    query = (
        'select entity_id, action, "after" from audit '
        "where entity = ? and entity_id > ? and entity_id < ? "
        f"and action in {_STAGE_ACTIONS} and time <= ? order by id"
    )
    bounds = (VERSION, f"{model}/", f"{model}0", (1 << 62) if until is None else until)
    for key, action, after in tx.execute(query, bounds).fetchall():
        stage = json.loads(after)["stage"] if after else None
        yield StageChange(int(key.partition("/")[2]), action, stage)


def _stack(changes: Iterable[StageChange], stage: str) -> list[int]:
    """The versions that were in a stage, in the order in which they came, as one would take them
    back: what was rolled back is not among them."""
    stack: list[int] = []
    for change in changes:
        if change.action == "rollback" and change.stage == stage and change.version in stack:
            del stack[stack.index(change.version) :]
        elif change.stage == stage or change.action == "delete":
            stack = [version for version in stack if version != change.version]
        if change.stage == stage:
            stack.append(change.version)
    return stack


def _last_change(tx: Any, model: int) -> tuple | None:
    """The newest row of a model and its versions."""
    ids = [
        tx.execute(
            "select max(id) from audit where entity = ? and entity_id >= ? and entity_id <= ?",
            bounds,
        ).fetchone()[0]
        for bounds in ((MODEL, str(model), str(model)), (VERSION, f"{model}/", f"{model}0"))
    ]
    last = max((key for key in ids if key is not None), default=None)
    if last is None:
        return None
    query = f"select {_COLUMNS} from audit where id = ?"
    return tx.execute(query, (last,)).fetchone()


def _changes(
    tx: Any, entity: str, first: str, last: str, after: int, max_results: int
) -> list[tuple]:
    """One row more than a page has of the changes of some ids, in order."""
    return tx.execute(
        f"select {_COLUMNS} "
        "from audit where entity = ? and entity_id >= ? and entity_id <= ? and id > ? "
        "order by id limit ?",
        (entity, first, last, after, max_results + 1),
    ).fetchall()


def _change(row: tuple) -> RegistryChange:
    key, time, user, action, entity, entity_id, before, after, comment = row
    return RegistryChange(
        id=key,
        timestamp=time,
        user=user,
        action=action,
        version=int(entity_id.partition("/")[2]) if entity == VERSION else None,
        before=None if before is None else json.loads(before),
        after=None if after is None else json.loads(after),
        comment=comment,
    )
