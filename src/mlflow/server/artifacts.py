"""Artifacts over HTTP: the store that clients send to and fetch from, and the files of single runs.

Everything that a client wrote is served as an attachment that no browser renders, sniffs or
scripts.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mlflow.entities.file_info import FileInfo
from mlflow.entities.multipart_upload import MultipartUploadPart
from mlflow.environment_variables import MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException, MlflowNotImplementedException
from mlflow.rpc.wire import json_object
from mlflow.server.artifact_bodies import SAFE, exact_steps, receive, send
from mlflow.server.artifact_places import Place, Places
from mlflow.server.config import ServerConfig
from mlflow.server.json_body import check_headers, read_body
from mlflow.store.artifact.artifact_repo import (
    ArtifactRepository,
    MultipartDownloadMixin,
    MultipartUploadMixin,
    PresignedUploadMixin,
)
from mlflow.store.artifact.location import invalid_path, steps
from mlflow.store.tracking.abstract_store import AbstractStore

MAX_UPLOAD_OF_PAGE = 10 << 20
"""Bytes that `upload-artifact` takes; larger files go through `mlflow-artifacts`."""
MAX_JSON = 4 << 20
MAX_URL_SECONDS = 604_800
_DEFAULT_URL_SECONDS = 900

_PREFIXES = ("/api/2.0", "/ajax-api/2.0")
Handler = Callable[[Request], Awaitable[Response]]


def routes(config: ServerConfig, store: AbstractStore | None) -> list[BaseRoute]:
    """Every route to artifacts.

    Args:
        config: Where artifacts are kept, and whether they are served.
        store: Knows the runs; None on a server of artifacts only.
    """
    places = Places(config)
    proxy, runs, models = _Proxy(places), _Runs(places, store), _Models(places, store)
    of_proxy = [
        ("mlflow-artifacts/artifacts", "GET", proxy.list),
        ("mlflow-artifacts/artifacts/{path:path}", "GET", proxy.download),
        ("mlflow-artifacts/artifacts/{path:path}", "PUT", proxy.upload),
        ("mlflow-artifacts/artifacts/{path:path}", "DELETE", proxy.delete),
        ("mlflow-artifacts/mpu/create/{path:path}", "POST", proxy.create_parts),
        ("mlflow-artifacts/mpu/complete/{path:path}", "POST", proxy.complete_parts),
        ("mlflow-artifacts/mpu/abort/{path:path}", "POST", proxy.abort_parts),
        ("mlflow-artifacts/presigned/{path:path}", "GET", proxy.presigned),
    ]
    of_runs = [
        ("mlflow/artifacts/list", "GET", runs.list),
        ("mlflow/artifacts/presigned-upload-url", "POST", runs.presigned_upload),
        ("mlflow/artifacts/presigned-download-url", "POST", runs.presigned_download),
        ("mlflow/logged-models/{model_id}/artifacts/directories", "GET", models.list),
    ]
    made = [
        _route(
            f"{prefix}/{path}", method, handler, _no_proxy if not config.serve_artifacts else None
        )
        for prefix in _PREFIXES
        for path, method, handler in of_proxy
    ]
    no_runs = no_tracking if config.artifacts_only or store is None else None
    made += [
        _route(f"{prefix}/{path}", method, handler, no_runs)
        for prefix in _PREFIXES
        for path, method, handler in of_runs
    ]
    made.append(_route("/get-artifact", "GET", runs.download, no_runs))
    files = "/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files"
    made.append(_route(files, "GET", models.download, no_runs))
    made.append(_route("/ajax-api/2.0/mlflow/upload-artifact", "POST", runs.upload, no_runs))
    return made


def _route(path: str, method: str, handler: Handler, refusal: Callable[[str], str] | None) -> Route:
    """A route, or one that says why it is closed."""

    async def closed(request: Request) -> Response:
        assert refusal is not None
        raise MlflowException(refusal(path), error_code=CODES["TEMPORARILY_UNAVAILABLE"])

    return Route(path, guarded(handler) if refusal is None else closed, methods=[method])


def guarded(handler: Handler) -> Handler:
    """The handler of requests that name artifacts, behind what all of them need."""

    async def handle(request: Request) -> Response:
        _refuse_other_than_utf8(request)
        try:
            return await handler(request)
        except ClientDisconnect:
            return Response(status_code=499)  # nobody is there to read it

    return handle


def _no_proxy(path: str) -> str:
    return (
        f"Endpoint: {_shown(path)} disabled due to the mlflow server running with "
        "`--no-serve-artifacts`. "
        "To enable artifacts server functionality, run `mlflow server` with `--serve-artifacts`"
    )


def no_tracking(path: str) -> str:
    """Why a path is closed on a server of artifacts only."""
    return (
        f"Endpoint: {_shown(path)} disabled due to the mlflow server running in "
        "`--artifacts-only` mode. "
        "To enable tracking server functionality, run `mlflow server` without `--artifacts-only`"
    )


def _shown(path: str) -> str:
    return path.replace("{path:path}", "<path:artifact_path>")


def listing_of_runs(
    places: Places, store: AbstractStore
) -> Callable[[str, str | None], dict[str, Any]]:
    """A function that lists the files of a run, below a path."""
    return _Runs(places, store).listing


class _Proxy:
    """The store that `mlflow-artifacts:` URIs mean."""

    def __init__(self, places: Places):
        self._places = places

    async def list(self, request: Request) -> Response:
        infos = await run_in_threadpool(self._list, request.query_params.get("path"))
        return _json({"files": infos} if infos else {})

    def _list(self, path: str | None) -> list[dict[str, Any]]:
        found = self._place.list(steps(path))
        return [_listed(info, info.path.rpartition("/")[2]) for info in found]

    async def download(self, request: Request) -> Response:
        return await send(request, self._place, request.path_params["path"])

    async def upload(self, request: Request) -> Response:
        path = request.path_params["path"]
        if not path or path.endswith("/"):
            raise MlflowException.invalid_parameter_value(
                "Artifact path must include a filename (cannot end with '/')."
            )
        await receive(request.stream(), self._place, path)
        return Response()

    async def delete(self, request: Request) -> Response:
        below = exact_steps(request.path_params["path"])
        if not below:
            raise HTTPException(404)
        await run_in_threadpool(self._place.delete, below)
        return _json({})

    async def create_parts(self, request: Request) -> Response:
        folder, body = await self._parts_request(request)
        upload = await run_in_threadpool(
            self._with_parts.create_multipart_upload,
            body["path"],
            _whole(body.get("num_parts")) or 0,
            folder,
        )
        credentials = [
            {"url": one.url, "part_number": one.part_number, **_unless_empty(headers=one.headers)}
            for one in upload.credentials
        ]
        return _json({"upload_id": upload.upload_id, **_unless_empty(credentials=credentials)})

    async def complete_parts(self, request: Request) -> Response:
        folder, body = await self._parts_request(request, "parts")
        parts = [_sent_part(one) for one in body["parts"]]
        await run_in_threadpool(
            self._with_parts.complete_multipart_upload,
            body["path"],
            _needed(body, "upload_id"),
            parts,
            folder,
        )
        return _json({})

    async def abort_parts(self, request: Request) -> Response:
        folder, body = await self._parts_request(request)
        await run_in_threadpool(
            self._with_parts.abort_multipart_upload,
            body["path"],
            _needed(body, "upload_id"),
            folder,
        )
        return _json({})

    async def presigned(self, request: Request) -> Response:
        below = steps(request.path_params["path"])
        if not below:
            raise HTTPException(404)
        repository = _able(
            self._place.repository, MultipartDownloadMixin, "Multipart download is not supported"
        )
        signed = await run_in_threadpool(
            repository.get_download_presigned_url,
            "/".join(below),
            MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS.get(),
        )
        return _json(signed.to_dict())

    async def _parts_request(
        self, request: Request, *needed: str
    ) -> tuple[str | None, dict[str, Any]]:
        """The folder that a file goes to, and the body that names it."""
        below = steps(request.path_params["path"])
        if not below:
            raise HTTPException(404)
        body = await _json_object(request)
        for name in ("path", *needed):
            _needed(body, name)
        return "/".join(below), body

    @property
    def _with_parts(self) -> Any:
        return _able(
            self._place.repository, MultipartUploadMixin, "Multipart upload is not supported"
        )

    @property
    def _place(self) -> Place:
        return self._places.proxied()


class _Runs:
    """The artifacts of single runs, wherever they are kept."""

    def __init__(self, places: Places, store: AbstractStore | None):
        self._places = places
        self._store = store

    async def list(self, request: Request) -> Response:
        query = request.query_params
        run_id = query.get("run_id") or query.get("run_uuid")
        if not run_id:
            raise _missing("run_id")
        return _json(await run_in_threadpool(self.listing, run_id, query.get("path")))

    def listing(self, run_id: str, path: str | None) -> dict[str, Any]:
        below = steps(path)
        root = self._root_uri(run_id)
        files = [_listed(info, info.path) for info in self._places.of_uri(root).list(below)]
        return {"root_uri": root, **_unless_empty(files=files)}

    async def download(self, request: Request) -> Response:
        query = request.query_params
        path = query.get("path")
        if path is None:
            raise MlflowException("Request must specify path.", error_code=CODES["BAD_REQUEST"])
        steps(path)
        run_id = query.get("run_id") or query.get("run_uuid")
        return await send(request, await run_in_threadpool(self._place, run_id), path)

    async def upload(self, request: Request) -> Response:
        query = request.query_params
        run_id, path = query.get("run_uuid"), query.get("path")
        if not run_id:
            raise MlflowException.invalid_parameter_value("Request must specify run_uuid.")
        if not path:
            raise MlflowException.invalid_parameter_value("Request must specify path.")
        chunks = request.stream()
        first = await anext(chunks, b"")
        if not first:
            raise MlflowException.invalid_parameter_value("Request must specify data.")
        if path.endswith("/"):
            raise invalid_path()
        exact_steps(path)
        place = await run_in_threadpool(self._place, run_id)
        await receive(chunks, place, path, first, MAX_UPLOAD_OF_PAGE)
        return Response(media_type="application/json")

    async def presigned_upload(self, request: Request) -> Response:
        body = await _json_object(request)
        path = _needed(body, "path")
        run_id, model_id = body.get("run_id"), body.get("model_id")
        if bool(run_id) == bool(model_id):
            raise MlflowException.invalid_parameter_value(
                "Exactly one of run_id and model_id must be provided."
            )
        below = "/".join(steps(path))
        seconds = _whole(body.get("expiration"))
        seconds = _DEFAULT_URL_SECONDS if seconds is None else seconds
        signed = await run_in_threadpool(self._presign_upload, run_id, model_id, below, seconds)
        return _json(
            {"presigned_url": signed.presigned_url, **_unless_empty(headers=signed.headers)}
        )

    def _presign_upload(
        self, run_id: str | None, model_id: str | None, path: str, seconds: int
    ) -> Any:
        if model_id:
            place = self._places.of_uri(_root_of_model(self._store, str(model_id)))
        else:
            place = self._place(run_id)
        if place.is_proxied:
            raise MlflowException.invalid_parameter_value(
                "Presigned upload is not supported for proxied artifact storage (artifact URI "
                "scheme: "
                "mlflow-artifacts). This endpoint requires a direct cloud storage artifact URI."
            )
        repository = _able(
            place.repository, PresignedUploadMixin, "Presigned upload is not supported"
        )
        _check_seconds(seconds)
        return repository.create_presigned_upload_url(path, seconds)

    async def presigned_download(self, request: Request) -> Response:
        body = await _json_object(request)
        run_id, path = _needed(body, "run_id"), _needed(body, "path")
        seconds = _whole(body.get("expiration"))
        if seconds is None:
            seconds = MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS.get()
        _check_seconds(seconds)
        below = "/".join(steps(path))
        signed = await run_in_threadpool(self._presign_download, run_id, below, seconds)
        return _json(
            {
                "presigned_url": signed.url,
                **_unless_empty(headers=signed.headers, file_size=signed.file_size),
            }
        )

    def _presign_download(self, run_id: str, path: str, seconds: int) -> Any:
        place = self._place(run_id)
        if place.is_proxied:
            raise MlflowException.invalid_parameter_value(
                "Presigned download is not supported for runs with proxied artifact storage "
                "(artifact URI scheme: "
                "mlflow-artifacts). This endpoint requires a run with a direct cloud storage "
                "artifact URI."
            )
        repository = _able(
            place.repository, MultipartDownloadMixin, "Presigned download is not supported"
        )
        return repository.get_download_presigned_url(path, seconds)

    def _place(self, run_id: str | None) -> Place:
        return self._places.of_uri(self._root_uri(run_id))

    def _root_uri(self, run_id: str | None) -> str:
        assert self._store is not None  # the routes are closed without it
        if not run_id:
            raise MlflowException(
                "Run with id=None not found", error_code=CODES["RESOURCE_DOES_NOT_EXIST"]
            )
        return self._store.get_run(run_id).info.artifact_uri


class _Models:
    """The artifacts of single logged models, wherever they are kept."""

    def __init__(self, places: Places, store: AbstractStore | None):
        self._places = places
        self._store = store

    async def list(self, request: Request) -> Response:
        path = request.query_params.get("artifact_directory_path")
        return _json(await run_in_threadpool(self._list, request.path_params["model_id"], path))

    def _list(self, model_id: str, path: str | None) -> dict[str, Any]:
        below = steps(path)
        root = _root_of_model(self._store, model_id)
        files = [_listed(info, info.path) for info in self._places.of_uri(root).list(below)]
        return {"root_uri": root, **_unless_empty(files=files)}

    async def download(self, request: Request) -> Response:
        path = request.query_params.get("artifact_file_path")
        if not path:
            raise MlflowException(
                'Request must include the "artifact_file_path" query parameter.',
                error_code=CODES["BAD_REQUEST"],
            )
        steps(path)
        place = await run_in_threadpool(self._place, request.path_params["model_id"])
        return await send(request, place, path)

    def _place(self, model_id: str) -> Place:
        return self._places.of_uri(_root_of_model(self._store, model_id))


def _root_of_model(store: AbstractStore | None, model_id: str) -> str:
    assert store is not None  # the routes are closed without it
    return store.get_logged_model(model_id).artifact_location


def _able(repository: ArtifactRepository | None, ability: type, refusal: str) -> Any:
    """The repository, if it has an ability."""
    if not isinstance(repository, ability):
        raise MlflowNotImplementedException(f"{refusal} for the current artifact repository")
    return repository


def _listed(info: FileInfo, path: str) -> dict[str, Any]:
    """A file as JSON; like every empty number, the size of an empty file is left out."""
    return {"path": path, "is_dir": info.is_dir, **_unless_empty(file_size=info.file_size)}


def _unless_empty(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


def _json(body: Any) -> Response:
    return Response(msgspec.json.encode(body), headers=SAFE, media_type="application/json")


async def _json_object(request: Request) -> dict[str, Any]:
    """The JSON object in a body; {} if it is not JSON."""
    check_headers(request.scope["headers"], MAX_JSON)
    return json_object(await read_body(request.receive, MAX_JSON))


def _needed(body: dict[str, Any], name: str) -> Any:
    value = body.get(name)
    if not value:
        raise _missing(name)
    kind = list if name == "parts" else str
    if not isinstance(value, kind):
        raise MlflowException.invalid_parameter_value(
            f"Invalid value {value!r} for parameter '{name}' supplied: a {kind.__name__} is needed."
        )
    return value


def _missing(name: str) -> MlflowException:
    return MlflowException.invalid_parameter_value(
        f"Missing value for required parameter '{name}'. "
        "See the API docs for more information about request parameters."
    )


def _sent_part(one: Any) -> MultipartUploadPart:
    number = _whole(one.get("part_number")) if isinstance(one, dict) else None
    if number is None:
        raise MlflowException.invalid_parameter_value(
            f"Invalid value {one!r} in parameter 'parts' supplied: an object with part_number and "
            "etag is needed."
        )
    return MultipartUploadPart(number, one.get("etag"), one.get("url"))


def _whole(value: Any) -> int | None:
    """A 64-bit integer as clients write it: 5, 5.0 or "5"; anything else counts as not given."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        return None
    return int(value)


def _check_seconds(seconds: int) -> None:
    if not 1 <= seconds <= MAX_URL_SECONDS:
        raise MlflowException.invalid_parameter_value(
            f"expiration must be between 1 and {MAX_URL_SECONDS} seconds (got {seconds})."
        )


def _refuse_other_than_utf8(request: Request) -> None:
    """Where a URL is not UTF-8 there comes a replacement character: two paths would become one."""
    for raw in (request.scope.get("raw_path") or b"", request.scope.get("query_string") or b""):
        if b"%" in raw or not raw.isascii():
            try:
                unquote_to_bytes(raw).decode()
            except UnicodeDecodeError:
                raise invalid_path() from None
