"""Images: taken from arrays, Pillow images or files, and made ready for storing."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    import PIL.Image

COMPRESSED_IMAGE_SIZE = 256
"""Longer side, in pixels, of the small copy that the UI shows."""

_PIXEL_TYPES = {"b": "bool", "i": "signed integer", "u": "unsigned integer", "f": "floating"}


def _pillow(needed_by: str) -> Any:
    try:
        import PIL.Image
    except ImportError as error:
        raise ImportError(
            f"{needed_by} requires Pillow to serialize a numpy array as an image. "
            "Please install it via: `pip install Pillow`."
        ) from error
    return PIL.Image


def convert_to_pil_image(image: numpy.ndarray | list[Any]) -> PIL.Image.Image:
    """A Pillow image of the pixels in an array.

    Args:
        image: Shape (height, width), or (height, width, channels) with 1 (grey), 3 (RGB) or 4
            (RGBA) channels. Integers are 0 to 255, floats 0.0 to 1.0, booleans black and white.
            Floats beyond that are stretched to it, with a warning.

    Returns:
        An image of mode L, RGB or RGBA.

    Raises:
        TypeError: The array holds something else than numbers.
        ValueError: Its shape does not fit, or an integer is out of range.
    """
    pillow = _pillow("`mlflow.log_image`")
    import numpy as np

    array = np.asarray(image)
    if array.dtype.kind not in _PIXEL_TYPES:
        raise TypeError(
            f"Invalid array data type: '{array.dtype}'. "
            f"Must be one of {list(_PIXEL_TYPES.values())}"
        )
    if array.ndim not in (2, 3):
        raise ValueError(f"`image` must be a 2D or 3D array but got image shape: {array.shape}")
    if array.size == 0:
        raise ValueError(f"`image` has no pixels: its shape is {array.shape}")
    channels = array.shape[2] if array.ndim == 3 else 1
    if channels not in (1, 3, 4):
        raise ValueError(f"Invalid channel length: {channels}. Must be one of [1, 3, 4]")
    if channels == 1:
        array = array.reshape(array.shape[:2])
    return pillow.fromarray(_to_bytes(array))


def _to_bytes(pixels: numpy.ndarray) -> numpy.ndarray:
    """The same pixels as 8-bit numbers."""
    import numpy as np

    if pixels.dtype.kind == "b":
        return pixels.astype(np.uint8) * 255
    low, high = pixels.min(), pixels.max()
    found = f"Found minimum value {low} and maximum value {high}."
    if pixels.dtype.kind != "f":
        if low < 0 or high > 255:
            raise ValueError(
                f"Integer pixel values out of acceptable range [0, 255]. {found} "
                "Ensure all pixel values are within the specified range."
            )
        return pixels.astype(np.uint8)
    if low < 0 or high > 1:
        warnings.warn(
            f"Float pixel values out of acceptable range [0.0, 1.0]. {found} "
            "Rescaling values to [0.0, 1.0] with min/max scaler.",
            stacklevel=3,
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            pixels = (pixels - low) / (high - low)
    return (np.nan_to_num(pixels, nan=0.0) * 255).astype(np.uint8)


def compress_image_size(
    image: PIL.Image.Image, max_size: int | None = COMPRESSED_IMAGE_SIZE
) -> PIL.Image.Image:
    """A copy whose longer side has `max_size` pixels, in the same proportions.

    Args:
        image: Left as it is. A smaller one is enlarged.
        max_size: Pixels; None for the size that it has.
    """
    if max_size is None:
        return image.copy()
    longer = max(image.size)
    width, height = (max(1, int(side * max_size / longer)) for side in image.size)
    return image.resize((width, height))


class Image:
    """An image to log, such as `mlflow.log_image(mlflow.Image(array), key="sample")`.

    Args:
        image: Array or nested list of pixels (see `convert_to_pil_image`), Pillow image, or path
            of an image file.
    """

    def __init__(self, image: numpy.ndarray | PIL.Image.Image | str | list[Any]):
        pillow = _pillow("`mlflow.Image`")
        if isinstance(image, str):
            self.image = pillow.open(image)
        elif isinstance(image, pillow.Image):
            self.image = image
        elif isinstance(image, list) or _is_array(image):
            self.image = convert_to_pil_image(image)
        else:
            raise TypeError(
                f"Unsupported image object type: {type(image)}. `image` must be one of "
                "numpy.ndarray, PIL.Image.Image, or a filepath to an image."
            )
        self.size = self.image.size

    def to_list(self) -> list:
        """The pixels row by row: numbers, or tuples of channels."""
        flat = getattr(self.image, "get_flattened_data", None)  # new in Pillow 12.1
        return list(flat() if flat else self.image.getdata())

    def to_array(self) -> numpy.ndarray:
        """The pixels as an array of shape (height, width) or (height, width, channels)."""
        import numpy as np

        return np.array(self.image)

    def to_pil(self) -> PIL.Image.Image:
        """The Pillow image itself, not a copy."""
        return self.image

    def save(self, path: str) -> None:
        """Write a file; the ending of its name tells the format."""
        self.image.save(path)

    def resize(self, size: tuple[int, int]) -> Image:
        """A copy of other size; this one stays as it is.

        Args:
            size: (width, height) in pixels.
        """
        return Image(self.image.resize(size))


def _is_array(value: object) -> bool:
    import numpy as np

    return isinstance(value, np.ndarray)
