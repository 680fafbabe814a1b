"""Images as files and in series."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from tests.optional import optional

import mlflow
from mlflow.exceptions import MlflowException

np = optional("numpy")
pil = optional("PIL.Image")

BLACK = np.zeros((20, 30, 3), np.uint8)
NAME = re.compile(
    r"(?P<key>[^+]*)\+step\+(?P<step>-?\d+)\+timestamp\+(?P<time>\d+)"
    r"\+[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?P<small>\+compressed)?\.(png|webp)"
)


@pytest.fixture
def root() -> Path:
    return Path(mlflow.start_run().info.artifact_uri)


def size(path: Path) -> tuple[int, int]:
    with pil.open(path) as image:
        return image.size


def series(root: Path) -> list[tuple[str, str, str]]:
    """Key, step and time of each image; there are two files of it."""
    names = sorted(p.name for p in (root / "images").iterdir())
    assert len(names) % 2 == 0
    return sorted({NAME.fullmatch(name).group("key", "step", "time") for name in names})


@pytest.mark.parametrize("image", [BLACK, pil.fromarray(BLACK), mlflow.Image(BLACK)])
def test_single_file(root, image):
    mlflow.log_image(image, "i/x.png")
    assert size(root / "i" / "x.png") == (30, 20)
    assert "mlflow.loggedImages" not in mlflow.last_active_run().data.tags


def test_series_has_whole_and_small_images(root):
    mlflow.log_image(BLACK, key="dogs/big ones", step=3, timestamp=17, synchronous=True)
    assert series(root) == [("dogs~big ones", "3", "17")]
    sizes = {p.suffix: size(p) for p in (root / "images").iterdir()}
    assert sizes == {".png": (30, 20), ".webp": (256, 170)}
    assert mlflow.last_active_run().data.tags["mlflow.loggedImages"] == "True"


def test_series_begins_at_step_zero_now(root):
    mlflow.log_image(BLACK, key="k", synchronous=True)
    ((key, step, time),) = series(root)
    assert (key, step) == ("k", "0")
    assert int(time) > 1_700_000_000_000


def test_series_is_stored_in_the_background(root):
    image = BLACK.copy()
    for step in range(20):
        mlflow.log_image(image, key="k", step=step, timestamp=1)
        image += 1  # what is logged is what it was
    mlflow.flush_artifact_async_logging()
    assert len(series(root)) == 20
    (first,) = (root / "images").glob("k+step+0+*.png")
    with pil.open(first) as image:
        assert image.getpixel((0, 0)) == (0, 0, 0)


def test_run_waits_for_its_images(root):
    mlflow.log_image(BLACK, key="k")
    mlflow.end_run()
    assert len(series(root)) == 1


def test_error_in_the_background_is_told(root, monkeypatch, caplog):
    monkeypatch.setattr("mlflow.tracking._images.store_in_series", None)
    monkeypatch.setattr(logging.getLogger("mlflow"), "propagate", True)
    mlflow.log_image(BLACK, key="k")
    mlflow.flush_artifact_async_logging()
    assert "Failed to log an artifact" in caplog.text


@pytest.mark.parametrize(
    "arguments",
    [{}, {"artifact_file": "x.png", "key": "k"}, {"artifact_file": "x.png", "step": 1}],
)
def test_file_or_key(root, arguments):
    with pytest.raises(TypeError, match="artifact_file"):
        mlflow.log_image(BLACK, **arguments)


@pytest.mark.parametrize("key", ["", "a+b", "a~b", "a\\b", "a:b"])
def test_key_that_would_not_be_read_back_is_refused(root, key):
    with pytest.raises(ValueError, match="The `key` parameter may only contain"):
        mlflow.log_image(BLACK, key=key)


def test_other_things_are_refused(root):
    with pytest.raises(TypeError, match="Unsupported image object type"):
        mlflow.log_image("x", "x.png")
    with pytest.raises(MlflowException, match="'step'"):
        mlflow.log_image(BLACK, key="k", step="x")
