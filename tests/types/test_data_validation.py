"""Inputs checked against the hint before `predict` is called."""

import inspect
import json
import warnings
from typing import Any

import pytest
from tests.optional import optional

pd = optional("pandas")
pydantic = optional("pydantic")

from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.pyfunc.utils import pyfunc  # noqa: E402
from mlflow.pyfunc.utils.data_validation import (  # noqa: E402
    FuncInfo,
    _get_func_info_if_type_hint_supported,
    _model_input_index_in_function_signature,
    wrap_non_list_predict_pydantic,
)
from mlflow.pyfunc.utils.serving_data_parser import is_unified_llm_input  # noqa: E402
from mlflow.types.type_hints import TypeFromExample  # noqa: E402


class Item(pydantic.BaseModel):
    a: int
    b: str = "x"


@pyfunc
def ask(model_input: list[Item], params=None):
    """Documented."""
    return model_input, params


class Model:
    @pyfunc
    def predict(self, model_input: list[Item], params=None):
        return model_input

    @pyfunc
    def with_context(self, context, model_input: list[int]):
        return context, model_input


@pytest.mark.parametrize(
    "given", [[{"a": 1}], [Item(a=1)], pd.DataFrame({"a": [1]})], ids=["dict", "model", "table"]
)
def test_function_gets_the_models_it_asks_for(given):
    assert ask(given) == ([Item(a=1)], None)
    assert ask(model_input=given, params={"p": 1}) == ([Item(a=1)], {"p": 1})
    assert Model().predict(given) == [Item(a=1)]
    assert Model().predict(model_input=given) == [Item(a=1)]


def test_input_after_the_context_is_checked():
    assert Model().with_context("c", [1]) == ("c", [1])
    assert Model().with_context(context="c", model_input=[1]) == ("c", [1])
    with pytest.raises(MlflowException, match="Expected type int, but got str"):
        Model().with_context("c", ["x"])
    with pytest.raises(MlflowException, match="Expected type int, but got str"):
        Model().with_context(context="c", model_input=["x"])


def test_wrong_calls_are_pythons_to_refuse():
    with pytest.raises(TypeError, match="model_input"):
        ask()
    with pytest.raises(TypeError):
        ask([], None, "too many")


def test_function_keeps_its_name_and_is_marked():
    assert (ask.__name__, ask.__doc__) == ("ask", "Documented.")
    assert list(inspect.signature(ask).parameters) == ["model_input", "params"]
    assert ask._is_pyfunc


@pytest.mark.parametrize(
    ("hint", "warning"),
    [
        (None, "Add type hints"),
        (str, r"list\[str\]"),
        (Any, "wrapped in list"),
        (list[int] | None, "Optional"),
        (list[object], "Unsupported type hint `object`"),
        (pd.DataFrame, None),
        (TypeFromExample, None),
    ],
)
def test_hint_that_cannot_be_checked_leaves_the_function_as_it_is(hint, warning):
    def predict(model_input):
        return model_input

    if hint is not None:
        predict.__annotations__["model_input"] = hint
    if warning is None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert pyfunc(predict) is predict
    else:
        with pytest.warns(UserWarning, match=warning):
            assert pyfunc(predict) is predict
    assert predict("anything") == "anything"


@pytest.mark.parametrize("hint", [list, list[int | None], list[dict], list[dict[int, str]]])
def test_hint_that_lacks_something_is_an_error(hint):
    def predict(model_input: hint): ...

    with pytest.raises(MlflowException, match="fix the type hint"):
        pyfunc(predict)


def test_hints_in_quotes_are_looked_up():
    def predict(model_input: "list[int]"): ...

    assert _get_func_info_if_type_hint_supported(predict) == FuncInfo(list[int], "model_input")

    def elsewhere(model_input: "NotHere"): ...  # noqa: F821

    with pytest.warns(UserWarning, match="Add type hints"):
        assert _get_func_info_if_type_hint_supported(elsewhere) is None


def test_other_names_of_parameters_are_warned_of():
    def predict(rows: list[int]): ...

    with pytest.warns(FutureWarning, match="'rows'"):
        assert _get_func_info_if_type_hint_supported(predict).input_param_name == "rows"


def test_function_without_input_is_refused():
    def predict(self): ...

    with pytest.raises(MlflowException, match="takes only 1"):
        pyfunc(predict)


def test_place_of_the_input():
    assert _model_input_index_in_function_signature(lambda model_input: 0) == 0
    assert _model_input_index_in_function_signature(lambda context, model_input: 0) == 1
    assert _model_input_index_in_function_signature(Model.with_context) == 2


def test_method_that_takes_a_model_may_be_given_a_dictionary():
    whole = wrap_non_list_predict_pydantic(lambda self, request: request, Item, "Not an item.")
    assert whole(None, {"a": 1}) == Item(a=1)
    for other in (Item(a=1), [{"a": 1}], "x"):
        assert whole(None, other) is other
    parts = wrap_non_list_predict_pydantic(lambda self, a, b: (a, b), Item, "", unpack=True)
    assert parts(None, {"a": 1}) == (1, "x")
    assert parts(None, 2, "y") == (2, "y")
    with pytest.raises(MlflowException, match="Not an item. Pydantic validation error") as caught:
        whole(None, {"a": "1"})
    assert json.loads(caught.value.serialize_as_json())["error_code"] == "INTERNAL_ERROR"


@pytest.mark.parametrize(
    ("request_body", "unified"),
    [
        ({"messages": []}, True),
        ({"prompt": "x", "temperature": 1}, True),
        ({"input": "x"}, True),
        ({"inputs": [1]}, False),
        ({"dataframe_split": {}}, False),
        ({}, False),
    ],
)
def test_requests_in_openais_forms(request_body, unified):
    assert is_unified_llm_input(request_body) is unified
