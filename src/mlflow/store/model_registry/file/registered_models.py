"""Registered models in folders."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from mlflow.entities.model_registry import ModelVersion, RegisteredModel, RegisteredModelTag
from mlflow.search import REGISTERED_MODELS, parse_filter, parse_order_by
from mlflow.search.evaluate import matcher, prompts_apart, registered_model_values
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.model_registry import (
    SEARCH_REGISTERED_MODEL_MAX_RESULTS_DEFAULT,
    SEARCH_REGISTERED_MODEL_MAX_RESULTS_THRESHOLD,
)
from mlflow.store.model_registry.base.checks import (
    canonical_stages,
    check_page,
    model_taken,
    no_alias,
)
from mlflow.store.model_registry.base.registered_models import RegisteredModels
from mlflow.store.model_registry.file.core import (
    FileRegistryCore,
    aliases_in,
    check_name,
    new_folder,
    put_tags,
    remove_tag,
    version_folders,
)
from mlflow.store.model_registry.file.meta import UNUSED
from mlflow.store.tracking.file import disk
from mlflow.store.tracking.file.core import checked_text, now_ms
from mlflow.store.tracking.file.meta import META, dump
from mlflow.store.tracking.paging import page
from mlflow.utils.validation import (
    _validate_model_alias_name,
    _validate_model_alias_name_reserved,
    _validate_registered_model_tag,
    _validate_tag_name,
)


class FileRegisteredModels(FileRegistryCore, RegisteredModels):
    def create_registered_model(
        self,
        name: str,
        tags: Sequence[RegisteredModelTag] | None = None,
        description: str | None = None,
        deployment_job_id: str | None = None,
    ) -> RegisteredModel:
        check_name(name)
        values = {tag.key: tag.value for tag in tags or ()}
        for key, value in values.items():
            _validate_registered_model_tag(key, value)
        checked_text(description, "description")
        with self._changing_names():
            folder = os.path.join(self._models, name)
            if os.path.lexists(folder):
                raise model_taken(name)
            now = now_ms()
            with new_folder(folder):
                put_tags(folder, values)
                self._write_model(folder, name, now, now, description)
            return self.get_registered_model(name)

    def _write_model(
        self, folder: str, name: str, created: int, updated: int, description: str | None
    ) -> None:
        meta = {
            "aliases": {alias: str(version) for alias, version in aliases_in(folder).items()},
            "creation_timestamp": created,
            "deployment_job_id": None,
            "description": description,
            "last_updated_timestamp": updated,
            "name": name,
            **UNUSED,
        }
        disk.put({os.path.join(folder, META): dump(meta)}, folder)

    def update_registered_model(
        self, name: str, description: str | None, deployment_job_id: str | None = None
    ) -> RegisteredModel:
        checked_text(description, "description")
        with self._changing(name) as folder:
            self._touch(folder, description=description)
            return self._filled_model(folder)

    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        check_name(new_name, new=True)
        with self._changing_names(), self._changing(name) as folder:
            if new_name == name:
                return self._filled_model(folder)
            moved = os.path.join(self._models, new_name)
            if os.path.lexists(moved):
                raise model_taken(new_name)
            # What the files say of the name is for others: the folder's name is the model's.
            os.rename(folder, moved)
            disk.sync_folder(self._models)
            now = now_ms()
            for _, path in version_folders(moved):
                self._change_version(path, name=new_name, last_updated_timestamp=now)
            self._touch(moved, name=new_name)
            return self._filled_model(moved)

    def delete_registered_model(self, name: str) -> None:
        with self._changing_names(), self._changing(name) as folder:
            # Without meta.yaml there is no model, whatever remains of it.
            os.unlink(os.path.join(folder, META))
            shutil.rmtree(folder)
            disk.sync_folder(self._models)

    def search_registered_models(
        self,
        filter_string: str | None = None,
        max_results: int | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[RegisteredModel]:
        if max_results is None:
            max_results = SEARCH_REGISTERED_MODEL_MAX_RESULTS_DEFAULT
        check_page(max_results, SEARCH_REGISTERED_MODEL_MAX_RESULTS_THRESHOLD)
        orders = parse_order_by(order_by, REGISTERED_MODELS)
        tree = prompts_apart(parse_filter(filter_string, REGISTERED_MODELS))
        fits = matcher(tree, registered_model_values)
        found = [model for model in self._all_of(self._load_model) if fits(model)]
        grammar, values = REGISTERED_MODELS, registered_model_values
        there, token = page(found, orders, grammar, values, max_results, page_token)
        for model in there:
            self._with_logged_models(model.latest_versions or ())
        return PagedList(there, token)

    def get_registered_model(self, name: str) -> RegisteredModel:
        return self._reading(name, lambda: self._filled_model(self._folder(name)))

    def get_latest_versions(
        self, name: str, stages: Sequence[str] | None = None
    ) -> list[ModelVersion]:
        wanted = canonical_stages(stages)
        newest = self.get_registered_model(name).latest_versions or []
        return [mv for mv in newest if not wanted or mv.current_stage in wanted]

    # -- tags and aliases -------------------------------------------------------------------

    def set_registered_model_tag(self, name: str, tag: RegisteredModelTag) -> None:
        _validate_registered_model_tag(tag.key, tag.value)
        with self._changing(name) as folder:
            put_tags(folder, {tag.key: tag.value})

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        _validate_tag_name(key)
        with self._changing(name) as folder:
            remove_tag(folder, key)

    def set_registered_model_alias(self, name: str, alias: str, version: str | int) -> None:
        _validate_model_alias_name(alias)
        _validate_model_alias_name_reserved(alias)
        with self._changing(name) as folder:
            parts = self._version_parts(folder, name, version)
            disk.key_steps(alias)
            disk.put_keys(folder, "aliases", {alias: str(parts.version).encode()})

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        _validate_model_alias_name(alias)
        with self._changing(name) as folder:
            path = disk.path_of_key(os.path.join(folder, "aliases"), alias)
            if path is not None:
                disk.remove(path, os.path.join(folder, "aliases"))

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        _validate_model_alias_name(alias)
        version = aliases_in(self._folder(name)).get(alias)
        if version is None:
            raise no_alias(alias)
        return self.get_model_version(name, version)
