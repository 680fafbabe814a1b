"""YAML from elsewhere can't take the process with it."""

from __future__ import annotations

import pytest

from mlflow.utils import safe_yaml


def nested(levels: int) -> str:
    return "\n".join(" " * i + "a:" for i in range(levels))


@pytest.mark.parametrize(
    "content",
    [
        "[" * 200_000,
        "{a: " * 200_000,
        "- " * 200_000 + "1",
        "? " * 200_000 + "1",
        "[" * 3000,
        "[" * 101 + "]" * 101,
        nested(101),
        nested(3000),
    ],
    ids=lambda c: c[:6],
)
@pytest.mark.parametrize("kind", [str, str.encode])
def test_deep_nesting_is_refused(content, kind):
    with pytest.raises(ValueError, match="deep|expected|found|while"):
        safe_yaml.load(kind(content))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a: [1, {b: 2}]", {"a": [1, {"b": 2}]}),
        (b"a: \xc3\xbc", {"a": "ü"}),
        ("", None),
        ("- x\n" * 5000, ["x"] * 5000),
        ("k: " + "v" * 10_000, {"k": "v" * 10_000}),
    ],
)
def test_what_is_not_deep_is_read(content, expected):
    assert safe_yaml.load(content) == expected


@pytest.mark.parametrize("content", ["a: b: c", "!!python/object/apply:os.system [x]", b"\x80a"])
def test_what_is_no_plain_yaml_is_a_value_error(content):
    with pytest.raises(ValueError):
        safe_yaml.load(content)
