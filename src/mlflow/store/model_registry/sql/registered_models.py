"""Registered models in a SQL database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlflow.entities.model_registry import ModelVersion, RegisteredModel, RegisteredModelTag
from mlflow.search import REGISTERED_MODELS, full_order, parse_filter, parse_order_by
from mlflow.search.evaluate import prompts_apart
from mlflow.store.db.paging import Term, read_page
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.model_registry import (
    SEARCH_REGISTERED_MODEL_MAX_RESULTS_DEFAULT,
    SEARCH_REGISTERED_MODEL_MAX_RESULTS_THRESHOLD,
)
from mlflow.store.model_registry.base.checks import (
    canonical_stages,
    check_model_name,
    check_page,
    model_taken,
    no_alias,
    version_number,
)
from mlflow.store.model_registry.base.registered_models import RegisteredModels
from mlflow.store.model_registry.caller import Caller, caller
from mlflow.store.model_registry.sql.conditions import ModelConditions
from mlflow.store.model_registry.sql.core import MODEL_COLUMNS, ModelRow, SqlRegistryCore
from mlflow.store.tracking.sql.core import now_ms
from mlflow.utils.validation import (
    _validate_model_alias_name,
    _validate_model_alias_name_reserved,
    _validate_registered_model_tag,
    _validate_tag_name,
)


class SqlRegisteredModels(SqlRegistryCore, RegisteredModels):
    def create_registered_model(
        self,
        name: str,
        tags: Sequence[RegisteredModelTag] | None = None,
        description: str | None = None,
        deployment_job_id: str | None = None,
    ) -> RegisteredModel:
        check_model_name(name)
        values = {tag.key: tag.value for tag in tags or ()}
        for key, value in values.items():
            _validate_registered_model_tag(key, value)
        by = caller()

        def write(tx: Any) -> RegisteredModel:
            if tx.execute("select 1 from registered_model where name = ?", (name,)).fetchone():
                raise model_taken(name)
            now = now_ms()
            model = self.db.dialect.insert(
                tx,
                "insert into registered_model (name, description, last_version, creation_time, "
                "last_update_time) values (?, ?, 0, ?, ?)",
                (name, description, now, now),
            )
            for key, value in values.items():
                _put_tag(tx, model, key, value)
            after = {"name": name, "description": description, "tags": values}
            self._audit(tx, by, "create", model, after=_there(after))
            event = {"name": name, "description": description, "tags": values}
            self._notify(tx, "registered_model.created", event)
            return self._load_models(tx, [self._model_row(tx, name)])[0]

        try:
            return self.db.write(write)
        except Exception as e:
            if self.db.dialect.is_duplicate(e.__cause__ or e):  # another process was quicker
                raise model_taken(name) from None
            raise

    def update_registered_model(
        self, name: str, description: str | None, deployment_job_id: str | None = None
    ) -> RegisteredModel:
        def write(tx: Any, by: Caller, model: ModelRow) -> RegisteredModel:
            tx.execute(
                "update registered_model set description = ?, last_update_time = ? where id = ?",
                (description, now_ms(), model.id),
            )
            before = {"description": model.description}
            self._audit(
                tx, by, "update", model.id, before=before, after={"description": description}
            )
            return self._load_models(tx, [self._model_row(tx, name)])[0]

        return self._change(name, write)

    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        check_model_name(new_name, new=True)

        def write(tx: Any, by: Caller, model: ModelRow) -> RegisteredModel:
            taken = tx.execute(
                "select 1 from registered_model where name = ? and id <> ?", (new_name, model.id)
            ).fetchone()
            if taken:
                raise model_taken(new_name)
            now = now_ms()
            tx.execute(
                "update registered_model set name = ?, last_update_time = ? where id = ?",
                (new_name, now, model.id),
            )
            tx.execute(
                "update model_version set last_update_time = ? where model_id = ?",
                (now, model.id),
            )
            before = {"name": model.name}
            self._audit(tx, by, "rename", model.id, before=before, after={"name": new_name})
            return self._load_models(tx, [self._model_row(tx, new_name)])[0]

        try:
            return self._change(name, write)
        except Exception as e:
            if self.db.dialect.is_duplicate(e.__cause__ or e):
                raise model_taken(new_name) from None
            raise

    def delete_registered_model(self, name: str) -> None:
        def write(tx: Any, by: Caller, model: ModelRow) -> None:
            tx.execute(
                "delete from stage_review where request_id in "
                "(select id from stage_request where model_id = ?)",
                (model.id,),
            )
            for table in (
                "stage_request",
                "stage_policy",
                "model_version_tag",
                "model_version",
                "registered_model_alias",
                "registered_model_tag",
            ):
                tx.execute(f"delete from {table} where model_id = ?", (model.id,))
            tx.execute("delete from registered_model where id = ?", (model.id,))
            self._audit(tx, by, "delete", model.id, before={"name": name})

        self._change(name, write)

    # -- reading ----------------------------------------------------------------------------

    def get_registered_model(self, name: str) -> RegisteredModel:
        with self.db.read() as tx:
            return self._load_models(tx, [self._model_row(tx, name)])[0]

    def get_latest_versions(
        self, name: str, stages: Sequence[str] | None = None
    ) -> list[ModelVersion]:
        with self.db.read() as tx:
            model = self._model_row(tx, name)
            return self._newest(tx, model.id, canonical_stages(stages))

    def search_registered_models(
        self,
        filter_string: str | None = None,
        max_results: int = SEARCH_REGISTERED_MODEL_MAX_RESULTS_DEFAULT,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[RegisteredModel]:
        check_page(max_results, SEARCH_REGISTERED_MODEL_MAX_RESULTS_THRESHOLD)
        terms = _order(order_by)
        where, params = ["1 = 1"], []
        tree = prompts_apart(parse_filter(filter_string, REGISTERED_MODELS))
        if tree is not None:
            condition = ModelConditions(self.db.dialect).sql(tree)
            where.append(condition.text)
            params += condition.params
        tables = "registered_model m"
        with self.db.read() as tx:
            rows, token = read_page(
                tx, MODEL_COLUMNS, tables, where, params, terms, page_token, max_results
            )
            models = self._load_models(tx, [ModelRow(*row) for row in rows])
        for model in models:  # a search has them in this order, as the reference does
            model.latest_versions.sort(key=lambda mv: mv.current_stage)
        return PagedList(models, token)

    # -- tags and aliases -------------------------------------------------------------------

    def set_registered_model_tag(self, name: str, tag: RegisteredModelTag) -> None:
        _validate_registered_model_tag(tag.key, tag.value)

        def write(tx: Any, by: Caller, model: ModelRow) -> None:
            before = _tag(tx, model.id, tag.key)
            _put_tag(tx, model.id, tag.key, tag.value)
            self._audit(tx, by, "set_tag", model.id, before=before, after={tag.key: tag.value})

        self._change(name, write)

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        _validate_tag_name(key)

        def write(tx: Any, by: Caller, model: ModelRow) -> None:
            before = _tag(tx, model.id, key)
            if before is None:
                return
            tx.execute(
                "delete from registered_model_tag where model_id = ? and name = ?",
                (model.id, key),
            )
            self._audit(tx, by, "delete_tag", model.id, before=before)

        self._change(name, write)

    def set_registered_model_alias(self, name: str, alias: str, version: str | int) -> None:
        _validate_model_alias_name(alias)
        _validate_model_alias_name_reserved(alias)
        number = version_number(version)

        def write(tx: Any, by: Caller, model: ModelRow) -> None:
            self._version_row(tx, name, version)
            before = _alias(tx, model.id, alias)
            tx.execute(
                "insert into registered_model_alias (model_id, name, version) values (?, ?, ?) "
                "on conflict (model_id, name) do update set version = excluded.version",
                (model.id, alias, number),
            )
            self._audit(tx, by, "set_alias", model.id, number, before=before, after={alias: number})
            event = {"name": name, "alias": alias, "version": str(number)}
            self._notify(tx, "model_version_alias.created", event)

        self._change(name, write)

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        _validate_model_alias_name(alias)

        def write(tx: Any, by: Caller, model: ModelRow) -> None:
            before = _alias(tx, model.id, alias)
            if before is None:
                return
            tx.execute(
                "delete from registered_model_alias where model_id = ? and name = ?",
                (model.id, alias),
            )
            self._audit(tx, by, "delete_alias", model.id, before[alias], before=before)
            event = {"name": name, "alias": alias}
            self._notify(tx, "model_version_alias.deleted", event)

        self._change(name, write)

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        _validate_model_alias_name(alias)
        with self.db.read() as tx:
            model = self._model_row(tx, name)
            found = _alias(tx, model.id, alias)
            if found is None:
                raise no_alias(alias)
            return self._versions(tx, [(model.id, found[alias])])[0]


def _order(order_by: Sequence[str] | None) -> list[Term]:
    orders = full_order(parse_order_by(order_by, REGISTERED_MODELS), REGISTERED_MODELS)
    columns = {"name": ("m.name", str), "last_updated_timestamp": ("m.last_update_time", int)}
    return [Term(columns[o.key][0], o.ascending, columns[o.key][1]) for o in orders]


def _tag(tx: Any, model: int, key: str) -> dict[str, Any] | None:
    row = tx.execute(
        "select value from registered_model_tag where model_id = ? and name = ?", (model, key)
    ).fetchone()
    return None if row is None else {key: row[0]}


def _put_tag(tx: Any, model: int, key: str, value: str) -> None:
    tx.execute(
        "insert into registered_model_tag (model_id, name, value) values (?, ?, ?) "
        "on conflict (model_id, name) do update set value = excluded.value",
        (model, key, value),
    )


def _alias(tx: Any, model: int, alias: str) -> dict[str, int] | None:
    row = tx.execute(
        "select version from registered_model_alias where model_id = ? and name = ?",
        (model, alias),
    ).fetchone()
    return None if row is None else {alias: row[0]}


def _there(values: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty."""
    return {name: value for name, value in values.items() if value}
