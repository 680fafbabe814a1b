from __future__ import annotations

from mlflow.entities._mlflow_object import _Comparable


class FileInfo(_Comparable):
    """A file or directory among artifacts."""

    path: str
    """Relative to the root of the artifacts, with "/"."""
    is_dir: bool
    file_size: int | None
    """Bytes; None for a directory."""

    def __init__(self, path: str, is_dir: bool, file_size: int | None):
        self._path = path
        self._is_dir = is_dir
        self._file_size = file_size
