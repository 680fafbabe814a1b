"""Versions of registered models in folders."""

from __future__ import annotations

import os
from collections.abc import Sequence

from mlflow.entities.model_registry import ModelVersion, ModelVersionTag
from mlflow.entities.model_registry.model_version_stages import (
    STAGE_ARCHIVED,
    STAGE_DELETED_INTERNAL,
    STAGE_NONE,
)
from mlflow.search import MODEL_VERSIONS, parse_filter, parse_order_by
from mlflow.search.evaluate import matcher, model_version_values, prompts_apart
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.model_registry import (
    SEARCH_MODEL_VERSION_MAX_RESULTS_DEFAULT,
    SEARCH_MODEL_VERSION_MAX_RESULTS_THRESHOLD,
)
from mlflow.store.model_registry.base.checks import (
    canonical_stage,
    check_archive,
    check_model_name,
    check_page,
)
from mlflow.store.model_registry.base.model_versions import ModelVersions
from mlflow.store.model_registry.base.stages import Stages
from mlflow.store.model_registry.file.core import (
    FileRegistryCore,
    aliases_in,
    new_folder,
    put_tags,
    remove_tag,
    version_folders,
)
from mlflow.store.model_registry.file.meta import UNUSED, VersionParts
from mlflow.store.model_registry.sources import link_logged_model, origin_of
from mlflow.store.tracking.file import disk
from mlflow.store.tracking.file.core import checked_text, now_ms
from mlflow.store.tracking.file.meta import META, dump
from mlflow.store.tracking.paging import page
from mlflow.utils.validation import _validate_model_version_tag, _validate_tag_name


class FileModelVersions(FileRegistryCore, ModelVersions, Stages):
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
        for text, what in (
            (source, "source"),
            (run_link, "run link"),
            (description, "description"),
        ):
            checked_text(text, what)
        origin = origin_of(
            source,
            run_id,
            model_id,
            tracking=self._tracking_store,
            download_uri=self.get_model_version_download_uri,
        )
        with self._changing(name) as folder:
            now = now_ms()
            version = max((number for number, _ in version_folders(folder)), default=0) + 1
            parts = VersionParts(
                version=version,
                current_stage=STAGE_NONE,
                creation_timestamp=now,
                last_updated_timestamp=now,
                description=description,
                user_id=None,
                source=source,
                storage_location=origin.location,
                run_id=origin.run_id,
                run_link=run_link,
                model_id=origin.model_id,
                status="READY",
                status_message=None,
            )
            path = os.path.join(folder, f"version-{version}")
            with new_folder(path):
                put_tags(path, values)
                meta = {**parts._asdict(), "name": name, **UNUSED}
                disk.put({os.path.join(path, META): dump(meta)}, path)
            disk.sync_folder(folder)
            self._touch(folder)
            made = self._filled_version(folder, parts)
        if origin.model_id:
            link_logged_model(self._tracking_store(), origin.model_id, name, version)
        return made

    def update_model_version(
        self, name: str, version: str | int, description: str | None
    ) -> ModelVersion:
        checked_text(description, "description")
        with self._changing_version(name, version) as (folder, path, _):
            self._change_version(path, description=description, last_updated_timestamp=now_ms())
            return self._filled_version(folder, self._version_parts(folder, name, version))

    def delete_model_version(self, name: str, version: str | int) -> None:
        with self._changing_version(name, version) as (folder, path, parts):
            now = now_ms()
            # The folder stays: its number is not given again.
            self._change_version(
                path,
                current_stage=STAGE_DELETED_INTERNAL,
                last_updated_timestamp=now,
                description=None,
                user_id=None,
                source="REDACTED-SOURCE-PATH",
                run_id="REDACTED-RUN-ID",
                run_link="REDACTED-RUN-LINK",
            )
            for alias, number_ in aliases_in(folder).items():
                if number_ == parts.version:
                    aliases = os.path.join(folder, "aliases")
                    disk.remove(os.path.join(aliases, alias), aliases)
            self._touch(folder)

    def get_model_version(self, name: str, version: str | int) -> ModelVersion:
        return self._reading_version(name, version, self._filled_version)

    def copy_model_version(self, src_mv: ModelVersion, dst_name: str) -> ModelVersion:
        copy = super().copy_model_version(src_mv, dst_name)
        if not src_mv.model_id:
            return copy
        with self._changing_version(dst_name, copy.version) as (folder, path, _):
            self._change_version(path, model_id=src_mv.model_id)
            return self._filled_version(folder, self._version_parts(folder, dst_name, copy.version))

    def get_model_version_download_uri(self, name: str, version: str | int) -> str:
        def uri(folder: str, parts: VersionParts) -> str:
            return parts.storage_location or parts.source or ""

        return self._reading_version(name, version, uri)

    def search_model_versions(
        self,
        filter_string: str | None = None,
        max_results: int | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[ModelVersion]:
        if max_results is None:
            max_results = SEARCH_MODEL_VERSION_MAX_RESULTS_DEFAULT
        check_page(max_results, SEARCH_MODEL_VERSION_MAX_RESULTS_THRESHOLD)
        orders = parse_order_by(order_by, MODEL_VERSIONS)
        tree = prompts_apart(parse_filter(filter_string, MODEL_VERSIONS))
        fits = matcher(tree, model_version_values)
        found = [
            version
            for versions in self._all_of(self._load_versions)
            for version in versions
            if fits(version)
        ]
        grammar, values = MODEL_VERSIONS, model_version_values
        there, token = page(found, orders, grammar, values, max_results, page_token)
        return PagedList(self._with_logged_models(there), token)

    def set_model_version_tag(self, name: str, version: str | int, tag: ModelVersionTag) -> None:
        _validate_model_version_tag(tag.key, tag.value)
        with self._changing_version(name, version) as (_, path, _parts):
            put_tags(path, {tag.key: tag.value})

    def delete_model_version_tag(self, name: str, version: str | int, key: str) -> None:
        _validate_tag_name(key)
        with self._changing_version(name, version) as (_, path, _parts):
            remove_tag(path, key)

    def transition_model_version_stage(
        self, name: str, version: str | int, stage: str, archive_existing_versions: bool
    ) -> ModelVersion:
        stage = canonical_stage(stage)
        check_archive(stage, archive_existing_versions)
        with self._changing(name) as folder:
            parts = self._version_parts(folder, name, version)
            now = now_ms()
            for other in self._load_parts(folder) if archive_existing_versions else ():
                if other.current_stage == stage and other.version != parts.version:
                    self._change_version(
                        os.path.join(folder, f"version-{other.version}"),
                        current_stage=STAGE_ARCHIVED,
                        last_updated_timestamp=now,
                    )
            path = os.path.join(folder, f"version-{parts.version}")
            self._change_version(path, current_stage=stage, last_updated_timestamp=now)
            self._touch(folder)
            return self._filled_version(folder, self._version_parts(folder, name, version))
