import sys
import warnings

import pytest
from tests.optional import optional

from mlflow.tracking.multimedia import Image, compress_image_size, convert_to_pil_image

np = optional("numpy")
pillow = optional("PIL.Image")

RGB = np.arange(12).reshape(2, 2, 3)


def pixels(image):
    return image.mode, np.array(image).reshape(-1).tolist()


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (RGB.astype("uint8"), ("RGB", list(range(12)))),
        (RGB, ("RGB", list(range(12)))),
        (RGB[:, :, 0], ("L", [0, 3, 6, 9])),
        (RGB[:, :, :1], ("L", [0, 3, 6, 9])),
        (np.full((1, 1, 4), 7, "int16"), ("RGBA", [7] * 4)),
        (np.array([[0, 1]]), ("L", [0, 1])),
        (np.array([[True, False]]), ("L", [255, 0])),
        (np.array([[0, 0.5], [0.25, 1]]), ("L", [0, 127, 63, 255])),
        (np.array([[0, 0.5]], "float16"), ("L", [0, 127])),
        (np.array([[0.999, 0.002, 0.998]]), ("L", [254, 0, 254])),
        (np.array([[np.nan, 0.5]]), ("L", [0, 127])),
        ([[[1, 2, 3]]], ("RGB", [1, 2, 3])),
    ],
)
def test_pixels_of_an_array(array, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pixels(convert_to_pil_image(array)) == expected


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        ([[0, 100.7], [255, 1.5]], [0, 100, 255, 1]),
        ([[-0.5, 0.5]], [0, 255]),
        ([[0.5, np.inf]], [0, 0]),
        ([[3.0, 3.0]], [0, 0]),
    ],
)
def test_floats_beyond_one_are_stretched_with_a_warning(array, expected):
    with pytest.warns(UserWarning, match="Float pixel values out of acceptable range") as told:
        assert pixels(convert_to_pil_image(np.array(array)))[1] == expected
    assert len(told) == 1


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        (np.zeros(3), ValueError, "`image` must be a 2D or 3D array but got image shape: (3,)"),
        (np.zeros((2, 2, 2)), ValueError, "Invalid channel length: 2. Must be one of [1, 3, 4]"),
        (
            RGB + 250,
            ValueError,
            "Integer pixel values out of acceptable range [0, 255]. Found minimum value 250 and "
            "maximum value 261. Ensure all pixel values are within the specified range.",
        ),
        (
            np.array([["a"]]),
            TypeError,
            "Invalid array data type: '<U1'. Must be one of "
            "['bool', 'signed integer', 'unsigned integer', 'floating']",
        ),
        (np.zeros((0, 3)), ValueError, "`image` has no pixels: its shape is (0, 3)"),
    ],
)
def test_arrays_that_are_no_image(array, error, message):
    with pytest.raises(error) as raised:
        convert_to_pil_image(array)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [
        ((1000, 500), 256, (256, 128)),
        ((500, 1000), 256, (128, 256)),
        ((100, 50), 256, (256, 128)),
        ((1001, 333), 256, (256, 85)),
        ((10, 20), 5, (2, 5)),
        ((10_000, 1), 256, (256, 1)),
        ((1000, 500), None, (1000, 500)),
    ],
)
def test_compressed_image_keeps_its_proportions(size, longest, expected):
    image = pillow.new("RGB", size)
    assert compress_image_size(image, longest).size == expected
    assert image.size == size


@pytest.fixture
def red():
    return pillow.new("RGB", (7, 5), (1, 2, 3))


def test_image_of_a_pillow_image(red):
    image = Image(red)
    assert image.to_pil() is red
    assert image.size == (7, 5)
    assert image.to_list() == [(1, 2, 3)] * 35
    assert image.to_array().shape == (5, 7, 3)


def test_image_of_a_list_and_of_an_array():
    assert Image([[1, 2], [3, 4]]).to_list() == [1, 2, 3, 4]
    assert Image(np.zeros((3, 4, 3), "uint8")).size == (4, 3)


def test_image_is_saved_and_read_again(red, tmp_path):
    path = str(tmp_path / "a.png")
    Image(red).save(path)
    assert Image(path).to_list() == [(1, 2, 3)] * 35


def test_resizing_makes_another_image(red):
    image = Image(red)
    assert image.resize((3, 2)).size == (3, 2)
    assert image.size == (7, 5)


@pytest.mark.parametrize("value", [3, None, b"x", ((1, 2),)])
def test_other_objects_are_no_image(value):
    with pytest.raises(TypeError, match="Unsupported image object type") as error:
        Image(value)
    assert str(type(value)) in str(error.value)


def test_absent_pillow_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match="pip install Pillow"):
        Image([[1]])
