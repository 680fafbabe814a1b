"""Versions of registered models in a SQL database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlflow.entities.model_registry import ModelVersion, ModelVersionTag
from mlflow.entities.model_registry.model_version_stages import STAGE_NONE
from mlflow.exceptions import MlflowException
from mlflow.search import MODEL_VERSIONS, full_order, parse_filter, parse_order_by
from mlflow.search.evaluate import prompts_apart
from mlflow.store.db.paging import Term, read_page
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.model_registry import (
    SEARCH_MODEL_VERSION_MAX_RESULTS_DEFAULT,
    SEARCH_MODEL_VERSION_MAX_RESULTS_THRESHOLD,
)
from mlflow.store.model_registry.base.checks import check_model_name, check_page, no_version
from mlflow.store.model_registry.base.model_versions import ModelVersions
from mlflow.store.model_registry.caller import Caller
from mlflow.store.model_registry.sources import link_logged_model, origin_of, with_version
from mlflow.store.model_registry.sql.conditions import VersionConditions
from mlflow.store.model_registry.sql.core import (
    VERSION_COLUMNS,
    VERSIONS,
    ModelRow,
    SqlRegistryCore,
    VersionRow,
)
from mlflow.store.tracking.sql.core import now_ms
from mlflow.utils.mlflow_tags import MLFLOW_MODEL_VERSIONS
from mlflow.utils.validation import _validate_model_version_tag, _validate_tag_name


class SqlModelVersions(SqlRegistryCore, ModelVersions):
    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Sequence[ModelVersionTag] | None = None,
        run_link: str | None = None,
        description: str | None = None,
        local_model_path: str | None = None,
        model_id: str | None = None,
    ) -> ModelVersion:
        check_model_name(name)
        values = {tag.key: tag.value for tag in tags or ()}
        for key, value in values.items():
            _validate_model_version_tag(key, value)
        origin = origin_of(
            source,
            run_id,
            model_id,
            tracking=self._tracking_store,
            download_uri=self.get_model_version_download_uri,
        )

        def write(tx: Any, by: Caller, model: ModelRow) -> ModelVersion:
            now, number = now_ms(), model.last_version + 1
            tx.execute(
                "update registered_model set last_version = ?, last_update_time = ? where id = ?",
                (number, now, model.id),
            )
            tx.execute(
                "insert into model_version (model_id, version, stage, description, source, "
                "storage_location, run_uuid, run_link, logged_model, status, creation_time, "
                "last_update_time) values (?, ?, ?, ?, ?, ?, ?, ?, ?, 'READY', ?, ?)",
                (model.id, number, STAGE_NONE, description, source, origin.location)
                + (origin.run_id or "", run_link, origin.model_id, now, now),
            )
            for key, value in values.items():
                _put_tag(tx, model.id, number, key, value)
            after = {"stage": STAGE_NONE, "source": source, "run_id": origin.run_id}
            after |= {"model_id": origin.model_id, "description": description, "tags": values}
            there = {key: value for key, value in after.items() if value}
            self._audit(tx, by, "create", model.id, number, after=there)
            if origin.model_id and in_one_database:
                _link(self.db.dialect, tx, origin.model_id, name, number)
            event = {"name": name, "version": str(number), "source": source, "tags": values}
            event |= {"run_id": origin.run_id, "description": description}
            self._notify(tx, "model_version.created", event)
            return self._versions(tx, [(model.id, number)])[0]

        in_one_database = getattr(self._tracking_store(), "db", None) is self.db
        version = self._change(name, write)
        if origin.model_id and not in_one_database:
            link_logged_model(self._tracking_store(), origin.model_id, name, version.version)
        return version

    def _tracking_store(self) -> Any:
        raise NotImplementedError

    def update_model_version(
        self, name: str, version: str | int, description: str | None = None
    ) -> ModelVersion:
        def write(tx: Any, by: Caller, model: ModelRow) -> ModelVersion:
            row = self._version_row(tx, name, version)
            tx.execute(
                "update model_version set description = ?, last_update_time = ? "
                "where model_id = ? and version = ?",
                (description, now_ms(), model.id, row.version),
            )
            before, new = {"description": row.description}, {"description": description}
            self._audit(tx, by, "update", model.id, row.version, before=before, after=new)
            return self._versions(tx, [(model.id, row.version)])[0]

        return self._change_version(name, version, write)

    def _change_version(self, name: str, version: str | int, work: Any) -> Any:
        """As `_change`; where there is no model, there is no such version."""
        try:
            return self._change(name, work)
        except MlflowException as e:
            if e.error_code == "RESOURCE_DOES_NOT_EXIST":
                raise no_version(name, version) from None
            raise

    def delete_model_version(self, name: str, version: str | int) -> None:
        def write(tx: Any, by: Caller, model: ModelRow) -> None:
            row = self._version_row(tx, name, version)
            key = (model.id, row.version)
            where = "where model_id = ? and version = ?"
            aliases = tx.execute(f"select name from registered_model_alias {where}", key).fetchall()
            tx.execute(
                "delete from stage_review where request_id in "
                f"(select id from stage_request {where})",
                key,
            )
            for table in (
                "stage_request",
                "registered_model_alias",
                "model_version_tag",
                "model_version",
            ):
                tx.execute(f"delete from {table} {where}", key)
            tx.execute(
                "update registered_model set last_update_time = ? where id = ?",
                (now_ms(), model.id),
            )
            before = {"stage": row.stage, "source": row.source}
            if aliases:
                before["aliases"] = [alias for (alias,) in aliases]
            self._audit(tx, by, "delete", model.id, row.version, before=before)

        self._change_version(name, version, write)

    # -- reading ----------------------------------------------------------------------------

    def get_model_version(self, name: str, version: str | int) -> ModelVersion:
        with self.db.read() as tx:
            return self._load_versions(tx, [self._version_row(tx, name, version)])[0]

    def get_model_version_download_uri(self, name: str, version: str | int) -> str:
        with self.db.read() as tx:
            row = self._version_row(tx, name, version)
        return row.storage_location or row.source or ""

    def search_model_versions(
        self,
        filter_string: str | None = None,
        max_results: int = SEARCH_MODEL_VERSION_MAX_RESULTS_DEFAULT,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[ModelVersion]:
        check_page(max_results, SEARCH_MODEL_VERSION_MAX_RESULTS_THRESHOLD)
        terms = _order(order_by)
        where, params = ["1 = 1"], []
        tree = prompts_apart(parse_filter(filter_string, MODEL_VERSIONS))
        if tree is not None:
            condition = VersionConditions(self.db.dialect).sql(tree)
            where.append(condition.text)
            params += condition.params
        with self.db.read() as tx:
            rows, token = read_page(
                tx, VERSION_COLUMNS, VERSIONS, where, params, terms, page_token, max_results
            )
            return PagedList(self._load_versions(tx, [VersionRow(*row) for row in rows]), token)

    # -- tags -------------------------------------------------------------------------------

    def set_model_version_tag(self, name: str, version: str | int, tag: ModelVersionTag) -> None:
        _validate_model_version_tag(tag.key, tag.value)

        def write(tx: Any, by: Caller, model: ModelRow) -> None:
            number = self._version_row(tx, name, version).version
            before = _tag(tx, model.id, number, tag.key)
            _put_tag(tx, model.id, number, tag.key, tag.value)
            new = {tag.key: tag.value}
            self._audit(tx, by, "set_tag", model.id, number, before=before, after=new)
            event = {"name": name, "version": str(number), "key": tag.key, "value": tag.value}
            self._notify(tx, "model_version_tag.set", event)

        self._change_version(name, version, write)

    def delete_model_version_tag(self, name: str, version: str | int, key: str) -> None:
        _validate_tag_name(key)

        def write(tx: Any, by: Caller, model: ModelRow) -> None:
            number = self._version_row(tx, name, version).version
            before = _tag(tx, model.id, number, key)
            if before is None:
                return
            tx.execute(
                "delete from model_version_tag where model_id = ? and version = ? and name = ?",
                (model.id, number, key),
            )
            self._audit(tx, by, "delete_tag", model.id, number, before=before)
            event = {"name": name, "version": str(number), "key": key}
            self._notify(tx, "model_version_tag.deleted", event)

        self._change_version(name, version, write)


_COLUMN_OF = {
    "name": ("m.name", str),
    "version_number": ("v.version", int),
    "creation_timestamp": ("v.creation_time", int),
    "last_updated_timestamp": ("v.last_update_time", int),
}


def _order(order_by: Sequence[str] | None) -> list[Term]:
    orders = full_order(parse_order_by(order_by, MODEL_VERSIONS), MODEL_VERSIONS)
    return [Term(_COLUMN_OF[o.key][0], o.ascending, _COLUMN_OF[o.key][1]) for o in orders]


def _tag(tx: Any, model: int, version: int, key: str) -> dict[str, Any] | None:
    row = tx.execute(
        "select value from model_version_tag where model_id = ? and version = ? and name = ?",
        (model, version, key),
    ).fetchone()
    return None if row is None else {key: row[0]}


def _put_tag(tx: Any, model: int, version: int, key: str, value: str) -> None:
    tx.execute(
        "insert into model_version_tag (model_id, version, name, value) values (?, ?, ?, ?) "
        "on conflict (model_id, version, name) do update set value = excluded.value",
        (model, version, key, value),
    )


def _link(dialect: Any, tx: Any, model_id: str, name: str, version: int) -> None:
    """Let a logged model know that a version was made of it."""
    (key,) = tx.execute(
        f"select id from logged_model where uuid = ?{dialect.update_lock}", (model_id,)
    ).fetchone()
    row = tx.execute(
        "select value from logged_model_tag where model_id = ? and name = ?",
        (key, MLFLOW_MODEL_VERSIONS),
    ).fetchone()
    tx.execute(
        "insert into logged_model_tag (model_id, name, value) values (?, ?, ?) "
        "on conflict (model_id, name) do update set value = excluded.value",
        (key, MLFLOW_MODEL_VERSIONS, with_version(row and row[0], name, version)),
    )
