"""Values as files: what `log_text`, `log_dict`, `log_figure` and `log_stream` write."""

from __future__ import annotations

import json
import os
import posixpath
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from mlflow.exceptions import MlflowException

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository


@contextmanager
def artifact_at(repository: ArtifactRepository, artifact_file: str) -> Iterator[str]:
    """A path to write to inside the block; what is there afterwards becomes the artifact.

    Args:
        artifact_file: Path of the artifact below the repository's root, with slashes.
    """
    directory, name = posixpath.split(posixpath.normpath(os.fspath(artifact_file)))
    if name in ("", ".", ".."):
        raise MlflowException.invalid_parameter_value(
            f"Invalid artifact file {artifact_file!r}: the path of a file is needed, such as "
            "'plots/loss.png'."
        )
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        yield path
        repository.log_artifact(path, directory or None)


def write_text(path: str, text: str) -> None:
    """Write it as UTF-8, with its line ends as they are."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def write_dict(path: str, dictionary: dict[str, Any]) -> None:
    """Write YAML if the path ends in `.yml` or `.yaml`, else JSON. What JSON does not know is
    written as its `str()`."""
    if path.endswith((".yml", ".yaml")):
        import yaml

        text = yaml.dump(dictionary, indent=2, default_flow_style=False)
    else:
        text = json.dumps(dictionary, indent=2, default=str)
    write_text(path, text)


def write_stream(path: str, stream: IO[bytes]) -> None:
    """Copy what the stream still has, a megabyte at a time."""
    with open(path, "wb") as file:
        shutil.copyfileobj(stream, file, 1 << 20)


def write_figure(path: str, figure: Any, save_kwargs: dict[str, Any] | None) -> None:
    """Save a matplotlib or plotly figure in the format that the path's ending names.

    Args:
        save_kwargs: For matplotlib's `savefig`, plotly's `write_html` or plotly's `write_image`.
    """
    options = save_kwargs or {}
    if _is_a(figure, "matplotlib.figure", "Figure"):
        figure.savefig(path, **options)
    elif _is_a(figure, "plotly.graph_objects", "Figure"):
        ending = os.path.splitext(path)[1]
        if ending == ".html":
            figure.write_html(path, **{"include_plotlyjs": "cdn", "auto_open": False, **options})
        elif ending in (".png", ".jpeg", ".webp", ".svg", ".pdf"):
            figure.write_image(path, **options)
        else:
            raise TypeError(f"Unsupported file extension for plotly figure: '{ending}'")
    else:
        raise TypeError(f"Unsupported figure object type: '{type(figure)}'")


def _is_a(thing: Any, module: str, name: str) -> bool:
    # Nobody holds an instance of a class whose module was never loaded.
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(thing, getattr(loaded, name))
