"""What the reference answered to expressions about types: `tests/data/model-types-golden.json`.

By topic it has pairs of an expression and how its value is shown, or the class and code of the
error. What the reference answers with an error of Python's own is left out: ours are clearer.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

_RECORDED = json.loads(
    (Path(__file__).parents[1] / "data" / "model-types-golden.json").read_text(encoding="utf-8")
)


def recorded(topic: str) -> Any:
    """Decorator: the test runs for each pair of the topic."""
    pairs = _RECORDED[topic]
    return pytest.mark.parametrize(
        ("expression", "answer"), pairs, ids=[pair[0][:120] for pair in pairs]
    )


def check(expression: str, answer: Any, names: dict[str, Any]) -> None:
    """Fail unless the expression gives the recorded answer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if isinstance(answer, str):
            assert show(eval(expression, names)) == answer  # noqa: S307
            return
        with pytest.raises(Exception) as caught:
            eval(expression, names)  # noqa: S307
    assert type(caught.value).__name__ == answer["raises"]
    assert getattr(caught.value, "error_code", None) == answer.get("code")


def show(value: Any) -> str:
    """The value's `repr`, with types of arrays and tables."""
    kind, library = type(value).__name__, type(value).__module__.split(".")[0]
    if (library, kind) == ("pandas", "DataFrame"):
        # pandas 3 has a type for strings; before, they were objects.
        types = {str(k): "object" if str(v) == "str" else str(v) for k, v in value.dtypes.items()}
        return f"DF[{types} {show(value.to_dict('list'))} idx={list(value.index)}]"
    if (library, kind) == ("pandas", "Series"):
        return f"Series[{value.dtype} {show(list(value))} name={value.name}]"
    if (library, kind) == ("numpy", "ndarray"):
        return f"nd[{value.dtype} {value.shape} {value.tolist()!r}]"
    if type(value) is dict:
        return "{" + ", ".join(f"{show(k)}: {show(v)}" for k, v in value.items()) + "}"
    if type(value) in (list, tuple):
        left, right = "[]" if type(value) is list else "()"
        return left + ", ".join(map(show, value)) + right
    return repr(value)
