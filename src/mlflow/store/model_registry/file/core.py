"""What the topics of the registry in a folder share: folders and files of models and versions, and
changing them one writer at a time."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from mlflow.entities.model_registry import (
    ModelVersion,
    ModelVersionTag,
    RegisteredModel,
    RegisteredModelAlias,
    RegisteredModelTag,
)
from mlflow.entities.model_registry.model_version_stages import STAGE_DELETED_INTERNAL
from mlflow.exceptions import MlflowException
from mlflow.store.model_registry.base.checks import (
    check_model_name,
    no_model,
    no_version,
    version_number,
)
from mlflow.store.model_registry.file.meta import VersionParts, number, version_parts
from mlflow.store.tracking.file import disk
from mlflow.store.tracking.file.core import as_text, checked_text, now_ms
from mlflow.store.tracking.file.meta import META, BrokenMeta, dump, load

T = TypeVar("T")

FOLDER = "models"
_VERSION = re.compile(r"version-([0-9]+)", re.ASCII)


class FileRegistryCore:
    """Base of the topics."""

    _home: Any
    """The tracking store in the same folder."""
    _models: str
    """The folder of all models."""

    def _tracking_store(self) -> Any:
        raise NotImplementedError

    # -- folders ----------------------------------------------------------------------------

    def _folder(self, name: str) -> str:
        """The folder of a model."""
        if not isinstance(name, str) or name in ("", ".", "..") or {"/", "\0", os.sep} & set(name):
            raise no_model(name)
        folder = os.path.join(self._models, name)
        if not (disk.is_folder(folder) and disk.is_file(os.path.join(folder, META))):
            raise no_model(name)
        return folder

    @contextlib.contextmanager
    def _changing_names(self) -> Iterator[None]:
        """Keep others from making, renaming and deleting models. Who needs a model, too, takes it
        afterwards."""
        with _stored("models"):
            disk.make_folders(self._home.root, FOLDER)
            with disk.locked(self._models):
                yield

    @contextlib.contextmanager
    def _changing(self, name: str) -> Iterator[str]:
        """The folder of a model, which nobody else changes meanwhile."""
        folder = self._folder(name)
        with _stored(f"model '{name}'"), contextlib.ExitStack() as stack:
            try:
                stack.enter_context(disk.locked(folder))
            except FileNotFoundError:
                raise no_model(name) from None
            self._folder(name)  # it may have been deleted meanwhile
            yield folder

    @contextlib.contextmanager
    def _changing_version(
        self, name: str, version: str | int
    ) -> Iterator[tuple[str, str, VersionParts]]:
        """The folders of a model and its version, which nobody else changes meanwhile."""
        with contextlib.ExitStack() as stack:
            try:
                folder = stack.enter_context(self._changing(name))
            except MlflowException as e:
                if e.error_code == "RESOURCE_DOES_NOT_EXIST":
                    raise no_version(name, version) from None
                raise
            parts = self._version_parts(folder, name, version)
            yield folder, os.path.join(folder, f"version-{parts.version}"), parts

    def _reading(self, name: str, read: Callable[[], T]) -> T:
        try:
            return read()
        except FileNotFoundError:  # it was deleted meanwhile
            raise no_model(name) from None

    def _reading_version(
        self, name: str, version: str | int, read: Callable[[str, VersionParts], T]
    ) -> T:
        wanted = version_number(version)
        try:
            folder = self._folder(name)
            return read(folder, self._version_parts(folder, name, wanted))
        except FileNotFoundError:
            raise no_version(name, version) from None
        except MlflowException as e:
            if e.error_code == "RESOURCE_DOES_NOT_EXIST":
                raise no_version(name, version) from None
            raise

    def _all_of(self, read: Callable[[str], T]) -> Iterator[T]:
        """What is read of each model that can be read; the others are reported."""
        for entry in disk.folders_in(self._models):
            if not disk.is_file(os.path.join(entry.path, META)):
                continue
            try:
                yield read(entry.path)
            except FileNotFoundError:
                continue
            except BrokenMeta as e:
                self._home._report(f"Model '{entry.name}' is left out: {e.message}")

    # -- files ------------------------------------------------------------------------------

    def _meta(self, folder: str) -> dict[str, Any]:
        path = os.path.join(folder, META)
        content = disk.read(path)
        if content is None:
            raise FileNotFoundError(path)
        return load(content, self._home._shown(path))

    def _touch(self, folder: str, **changes: Any) -> None:
        """Write a model's `meta.yaml` anew; what we do not know in it, stays."""
        meta = {**self._meta(folder), "last_updated_timestamp": now_ms(), **changes}
        meta["aliases"] = {alias: str(version) for alias, version in aliases_in(folder).items()}
        disk.put({os.path.join(folder, META): dump(meta)}, folder)

    def _change_version(self, path: str, **changes: Any) -> None:
        meta = {**self._meta(path), **changes}
        disk.put({os.path.join(path, META): dump(meta)}, path)

    def _load_model(self, folder: str) -> RegisteredModel:
        meta = self._meta(folder)
        shown = self._home._shown(os.path.join(folder, META))
        newest: dict[str, VersionParts] = {}
        for parts in sorted(self._load_parts(folder), key=lambda parts: parts.version):
            newest[parts.current_stage] = parts
        created = number(meta, shown, "creation_timestamp")
        latest = sorted(newest.values(), key=lambda parts: parts.version)
        description = meta.get("description")
        return RegisteredModel(
            name=os.path.basename(folder),
            creation_timestamp=created,
            last_updated_timestamp=meta.get("last_updated_timestamp") or created,
            description=None if description is None else str(description),
            latest_versions=[self._version(folder, parts) for parts in latest],
            tags=[RegisteredModelTag(key, value) for key, value in _tags(folder).items()],
            aliases=[
                RegisteredModelAlias(alias, str(version))
                for alias, version in sorted(aliases_in(folder).items())
            ],
        )

    def _load_parts(self, folder: str) -> list[VersionParts]:
        """The versions of a model, but for the deleted ones."""
        found = []
        for version, path in version_folders(folder):
            with contextlib.suppress(FileNotFoundError):
                parts = version_parts(self._meta(path), self._home._shown(os.path.join(path, META)))
                if parts.current_stage != STAGE_DELETED_INTERNAL:
                    found.append(parts._replace(version=version))
        return found

    def _load_versions(self, folder: str) -> list[ModelVersion]:
        return [self._version(folder, parts) for parts in self._load_parts(folder)]

    def _version_parts(self, folder: str, name: str, version: str | int) -> VersionParts:
        wanted = version_number(version)
        path = os.path.join(folder, f"version-{wanted}")
        if wanted < 0 or not disk.is_file(os.path.join(path, META)):
            raise no_version(name, version)
        parts = version_parts(self._meta(path), self._home._shown(os.path.join(path, META)))
        if parts.current_stage == STAGE_DELETED_INTERNAL:
            raise no_version(name, version)
        return parts._replace(version=wanted)

    def _version(self, folder: str, parts: VersionParts) -> ModelVersion:
        tags = _tags(os.path.join(folder, f"version-{parts.version}"))
        values = parts._asdict()
        del values["storage_location"]
        aliases = [a for a, version in aliases_in(folder).items() if version == parts.version]
        return ModelVersion(
            name=os.path.basename(folder),
            tags=[ModelVersionTag(key, value) for key, value in tags.items()],
            aliases=sorted(aliases),
            **values,
        )

    def _with_logged_models(self, versions: Iterable[ModelVersion]) -> list[ModelVersion]:
        """The versions with params and metrics of the logged models that they come from, if these
        are in the same folder."""
        filled = list(versions)
        for version in filled if self._tracking_store() is self._home else ():
            if version.model_id:
                try:
                    logged = self._home.get_logged_model(version.model_id)
                except MlflowException as e:
                    if e.error_code != "RESOURCE_DOES_NOT_EXIST":
                        raise
                else:
                    version._params, version._metrics = logged.params, logged.metrics or []
        return filled

    def _filled_version(self, folder: str, parts: VersionParts) -> ModelVersion:
        return self._with_logged_models([self._version(folder, parts)])[0]

    def _filled_model(self, folder: str) -> RegisteredModel:
        model = self._load_model(folder)
        self._with_logged_models(model.latest_versions or ())
        return model


def check_name(name: Any, *, new: bool = False) -> None:
    check_model_name(name, new=new)
    if "%" in name:
        raise MlflowException.invalid_parameter_value(
            f"Invalid name: '{name}'. Registered model name cannot contain '%' character"
        )
    disk.key_steps(name)


def version_folders(folder: str) -> list[tuple[int, str]]:
    return [
        (int(match[1]), entry.path)
        for entry in disk.folders_in(folder)
        if (match := _VERSION.fullmatch(entry.name))
    ]


def _tags(folder: str) -> dict[str, str]:
    return {
        key: as_text(content)
        for key, path in sorted(disk.keys_in(os.path.join(folder, "tags")))
        if (content := disk.read(path)) is not None
    }


def put_tags(folder: str, values: dict[str, str]) -> None:
    if values:
        kept = {k: (checked_text(v, f"tag '{k}'") or "").encode() for k, v in values.items()}
        disk.check_places(os.path.join(folder, "tags"), list(kept), "Tag")
        disk.put_keys(folder, "tags", kept)


def remove_tag(folder: str, key: str) -> None:
    tags = os.path.join(folder, "tags")
    path = disk.path_of_key(tags, key)
    if path is not None:
        disk.remove(path, tags)


def aliases_in(folder: str) -> dict[str, int]:
    found = {}
    for alias, path in disk.keys_in(os.path.join(folder, "aliases")):
        text = as_text(disk.read(path) or b"").strip()
        if text.isdecimal():
            found[alias] = int(text)
    return found


@contextlib.contextmanager
def new_folder(folder: str) -> Iterator[None]:
    """A new folder; it is gone again if the block fails."""
    os.mkdir(folder)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    disk.sync_folder(os.path.dirname(folder))


@contextlib.contextmanager
def _stored(what: str) -> Iterator[None]:
    """Turn what the system refuses into an error that says what was to be changed."""
    try:
        yield
    except OSError as e:
        raise disk.not_stored(what, e) from e
