"""What the topics of the SQL registry share: rows by name and number, the one way to change a
model, and the audit trail."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from mlflow.entities.model_registry import (
    ModelVersion,
    ModelVersionTag,
    RegisteredModel,
    RegisteredModelAlias,
    RegisteredModelTag,
)
from mlflow.store.db.database import Database
from mlflow.store.model_registry.base.checks import no_model, no_version, version_number
from mlflow.store.model_registry.caller import Caller, caller
from mlflow.store.tracking.sql.core import marks, now_ms

T = TypeVar("T")

#: Rows that are asked for by one statement.
_AT_ONCE = 200

#: Entities of the audit trail. The ids are those of rows, so that a trail goes on when a model gets
#: another name; a version's is `model/version`.
MODEL, VERSION = "registered_model", "model_version"


class ModelRow(NamedTuple):
    """The row of a registered model."""

    id: int
    name: str
    description: str | None
    last_version: int
    """The number of the newest version that there ever was."""
    creation_time: int
    last_update_time: int


class VersionRow(NamedTuple):
    """The row of a version, with the name of its model."""

    model_id: int
    name: str
    version: int
    stage: str
    description: str | None
    user_id: str | None
    source: str | None
    storage_location: str | None
    run_uuid: str
    """Empty for none."""
    run_link: str | None
    logged_model: str | None
    status: str
    status_message: str | None
    creation_time: int
    last_update_time: int


MODEL_COLUMNS = ", ".join(f"m.{name}" for name in ModelRow._fields)
VERSION_COLUMNS = ", ".join(
    "m.name" if name == "name" else f"v.{name}" for name in VersionRow._fields
)
VERSIONS = "model_version v join registered_model m on m.id = v.model_id"


class SqlRegistryCore:
    """Base of the topics."""

    db: Database
    _notify: Callable[[Any, str, dict[str, Any]], None]
    """Tells webhooks what happens, in its transaction: `SqlWebhooks` has it."""

    # -- changing ---------------------------------------------------------------------------

    def _change(self, name: str, work: Callable[[Any, Caller, ModelRow], T]) -> T:
        """What `work(tx, by, model)` returns, in a transaction that keeps others from changing the
        model: so its changes follow one another, and so does its audit trail."""
        by = caller()  # here: another thread may carry out the write
        return self.db.write(lambda tx: work(tx, by, self._model_row(tx, name, lock=True)))

    def _audit(
        self,
        tx: Any,
        by: Caller,
        action: str,
        model: int,
        version: int | None = None,
        *,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
        comment: str | None = None,
    ) -> None:
        tx.execute(
            "insert into audit (time, actor, action, entity, entity_id, "
            '"before", "after", comment) values (?, ?, ?, ?, ?, ?, ?, ?)',
            (
                now_ms(),
                by.user,
                action,
                MODEL if version is None else VERSION,
                str(model) if version is None else f"{model}/{version}",
                None if before is None else json.dumps(before, ensure_ascii=False),
                None if after is None else json.dumps(after, ensure_ascii=False),
                comment or by.reason,
            ),
        )

    # -- rows -------------------------------------------------------------------------------

    def _model_row(self, tx: Any, name: str, *, lock: bool = False) -> ModelRow:
        query = f"select {MODEL_COLUMNS} from registered_model m where m.name = ?"
        row = tx.execute(
            query + (self.db.dialect.update_lock if lock else ""), (str(name),)
        ).fetchone()
        if row is None:
            raise no_model(name)
        return ModelRow(*row)

    def _version_row(self, tx: Any, name: str, version: str | int) -> VersionRow:
        row = tx.execute(
            f"select {VERSION_COLUMNS} from {VERSIONS} where m.name = ? and v.version = ?",
            (str(name), version_number(version)),
        ).fetchone()
        if row is None:
            raise no_version(name, version)
        return VersionRow(*row)

    def _versions(self, tx: Any, numbers: Iterable[tuple[int, int]]) -> list[ModelVersion]:
        """The versions with these (model id, number) that are there, in this order."""
        found = {}
        wanted = list(numbers)
        for where, params in _some(wanted, "v."):
            query = f"select {VERSION_COLUMNS} from {VERSIONS} where {where}"
            for row in tx.execute(query, params).fetchall():
                found[row[0], row[2]] = VersionRow(*row)
        return self._load_versions(tx, [found[key] for key in wanted if key in found])

    def _load_versions(self, tx: Any, rows: Sequence[VersionRow]) -> list[ModelVersion]:
        """The versions in these rows, with their tags and aliases."""
        keys = [(row.model_id, row.version) for row in rows]
        tags: dict[tuple[int, int], list[ModelVersionTag]] = {key: [] for key in keys}
        aliases: dict[tuple[int, int], list[str]] = {key: [] for key in keys}
        for where, params in _some(keys):
            query = f"select model_id, version, name, value from model_version_tag where {where}"
            for model, version, name, value in tx.execute(query, params).fetchall():
                tags[model, version].append(ModelVersionTag(name, value))
            query = f"select model_id, version, name from registered_model_alias where {where}"
            for model, version, name in tx.execute(f"{query} order by name", params).fetchall():
                aliases[model, version].append(name)
        return [
            ModelVersion(
                name=row.name,
                version=row.version,  # type: ignore[arg-type]
                creation_timestamp=row.creation_time,
                last_updated_timestamp=row.last_update_time,
                description=row.description,
                user_id=row.user_id,
                current_stage=row.stage,
                source=row.source,
                run_id=row.run_uuid or None,
                status=row.status,
                status_message=row.status_message,
                tags=tags[key],
                run_link=row.run_link,
                aliases=aliases[key],
                model_id=row.logged_model,
            )
            for key, row in zip(keys, rows)
        ]

    def _load_models(self, tx: Any, rows: Sequence[ModelRow]) -> list[RegisteredModel]:
        """The models in these rows, with their tags, aliases and newest versions."""
        tags: dict[int, list[RegisteredModelTag]] = {row.id: [] for row in rows}
        aliases: dict[int, list[RegisteredModelAlias]] = {row.id: [] for row in rows}
        newest: dict[int, list[ModelVersion]] = {row.id: [] for row in rows}
        numbers: list[tuple[int, int]] = []
        ids = list(tags)
        for i in range(0, len(ids), _AT_ONCE):
            part = ids[i : i + _AT_ONCE]
            where = f"where model_id in ({marks(part)})"
            query = f"select model_id, name, value from registered_model_tag {where}"
            for model, name, value in tx.execute(query, part).fetchall():
                tags[model].append(RegisteredModelTag(name, value))
            query = f"select model_id, name, version from registered_model_alias {where}"
            for model, name, version in tx.execute(f"{query} order by name", part).fetchall():
                aliases[model].append(RegisteredModelAlias(name, version))
            numbers += tx.execute(
                f"select model_id, max(version) from model_version {where} "
                "group by model_id, stage order by model_id, max(version)",
                part,
            ).fetchall()
        ids_by_name = {row.name: row.id for row in rows}
        for version in self._versions(tx, numbers):
            newest[ids_by_name[version.name]].append(version)
        return [
            RegisteredModel(
                name=row.name,
                creation_timestamp=row.creation_time,
                last_updated_timestamp=row.last_update_time,
                description=row.description,
                latest_versions=newest[row.id],
                tags=tags[row.id],
                aliases=aliases[row.id],
            )
            for row in rows
        ]

    def _newest(self, tx: Any, model: int, stages: Iterable[str]) -> list[ModelVersion]:
        """The newest version of each of these stages, or of each stage if these are none."""
        where, params = "where model_id = ?", [model, *stages]
        if len(params) > 1:
            where += f" and stage in ({marks(params[1:])})"
        numbers = tx.execute(
            f"select model_id, max(version) from model_version {where} "
            "group by model_id, stage order by max(version)",
            params,
        ).fetchall()
        return self._versions(tx, numbers)


def _some(keys: Sequence[tuple[int, int]], table: str = "") -> Iterable[tuple[str, list[int]]]:
    """Conditions, with their parameters, that hold for the rows of these versions, some at a
    time."""
    for i in range(0, len(keys), _AT_ONCE):
        part = keys[i : i + _AT_ONCE]
        text = " or ".join([f"({table}model_id = ? and {table}version = ?)"] * len(part))
        yield text, [value for key in part for value in key]
