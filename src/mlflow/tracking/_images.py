"""Images: single files, and series of them under a key, one or more a step."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from mlflow.exceptions import MlflowException
from mlflow.tracking.multimedia import Image, compress_image_size, convert_to_pil_image
from mlflow.utils.time import get_current_time_millis

if TYPE_CHECKING:
    import PIL.Image

    from mlflow.store.artifact.artifact_repo import ArtifactRepository

_KEY = re.compile(r"[a-zA-Z0-9_\-./ ]+")


def check_arguments(artifact_file: str | None, key: str | None, step: Any, timestamp: Any) -> None:
    """Refuse anything but a file alone, or a key with or without step and time.

    Raises:
        TypeError: Both or neither.
        ValueError: The key has other characters than names may have.
    """
    if artifact_file is not None and any(v is not None for v in (key, step, timestamp)):
        raise TypeError(
            "The `artifact_file` parameter cannot be used in conjunction with `key`, `step`, or "
            "`timestamp` parameters."
        )
    if (artifact_file is None) == (key is None):
        raise TypeError(
            "Invalid arguments: Please specify exactly one of `artifact_file` or `key`."
        )
    if key is not None and not _KEY.fullmatch(key):
        raise ValueError(
            "The `key` parameter may only contain alphanumerics, underscores (_), dashes (-), "
            f"periods (.), spaces ( ), and slashes (/).The provided key `{key}` contains invalid "
            "characters."
        )


def as_pil(image: Any) -> PIL.Image.Image:
    """The image as Pillow's, made from an array, an mlflow.Image or Pillow's own.

    Raises:
        TypeError: It is none of these.
    """
    if isinstance(image, Image):
        return image.to_pil()
    kinds = [cls.__module__.partition(".")[0] for cls in type(image).__mro__]
    if "PIL" in kinds:
        return image
    if "numpy" in kinds:
        return convert_to_pil_image(image)
    raise TypeError(
        f"Unsupported image object type: {type(image)}. `image` must be one of numpy.ndarray, "
        "PIL.Image.Image, and mlflow.Image."
    )


def name_in_series(key: str, step: int | None, timestamp: int | None) -> str:
    """Where an image of a series goes, without ending: the UI reads key, step and time off the
    name.

    Args:
        timestamp: Milliseconds since the Unix epoch; None or 0 for now.
    """
    try:
        step = int(step or 0)
    except (TypeError, ValueError):
        raise MlflowException.invalid_parameter_value(
            f"Invalid value {step!r} for parameter 'step' supplied: an integer is needed."
        ) from None
    timestamp = timestamp or get_current_time_millis()
    series = key.replace("/", "~")
    return f"images/{series}+step+{step}+timestamp+{timestamp}+{uuid.uuid4()}"


def store_in_series(repository: ArtifactRepository, image: PIL.Image.Image, name: str) -> None:
    """Store it whole as PNG, and small as WebP for pages that show many."""
    from mlflow.tracking._files import artifact_at

    with artifact_at(repository, f"{name}.png") as path:
        image.save(path)
    with artifact_at(repository, f"{name}+compressed.webp") as path:
        compress_image_size(image).save(path)
