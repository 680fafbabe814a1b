# ruff: noqa: UP006, UP007, UP045 - older spellings are hints, too
"""Type hints: the schemas they stand for, and data checked against them."""

import dataclasses
import datetime
import decimal
import enum
import typing
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import (  # noqa: UP035
    Annotated,
    Any,
    Dict,
    Generic,
    List,
    Literal,
    Optional,
    TypedDict,
    TypeVar,
    Union,
)

import pytest
from tests.optional import optional
from tests.types.recorded import check, recorded

np = optional("numpy")
pd = optional("pandas")
pydantic = optional("pydantic")

from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.types import type_hints  # noqa: E402
from mlflow.types.type_hints import (  # noqa: E402
    InvalidTypeHintException,
    _infer_schema_from_list_type_hint,
    _infer_schema_from_type_hint,
    _validate_data_against_type_hint,
)

# Nothing here may be a string: pydantic looks hints up in this module.


class M(pydantic.BaseModel):
    a: int
    b: str
    c: Optional[float] = None


class N(pydantic.BaseModel):
    m: M
    ms: list[M]
    d: dict[str, M]
    x: Any = None
    u: Union[int, str] = 1
    l: list[Any] = []  # noqa: E741


class Req(pydantic.BaseModel):
    a: int
    b: Optional[str]


class D1(pydantic.BaseModel):
    a: int = 3


class OU(pydantic.BaseModel):
    a: Optional[int] = None
    b: int | None
    c: None = None


class AnyOpt(pydantic.BaseModel):
    a: Any


class Emp(pydantic.BaseModel):
    pass


class Bad(pydantic.BaseModel):
    a: object


class Lit(pydantic.BaseModel):
    a: Literal["x", "y"]


class Tup(pydantic.BaseModel):
    a: tuple[int, str]


class Bare(pydantic.BaseModel):
    a: list


class Alias(pydantic.BaseModel):
    a: int = pydantic.Field(alias="q")


class Arr(pydantic.BaseModel):
    model_config = {"arbitrary_types_allowed": True}
    a: np.ndarray


class DT(pydantic.BaseModel):
    a: datetime.datetime
    b: bytes
    c: bool


class Extra(pydantic.BaseModel):
    model_config = {"extra": "forbid"}
    a: int


class Recursive(pydantic.BaseModel):
    a: int
    children: Optional[list["Recursive"]] = None


@dataclasses.dataclass
class DC:
    a: int


class TD(TypedDict):
    a: int


class E(enum.Enum):
    A = 1


HINTS = {
    "i": int,
    "s": str,
    "b": bool,
    "f": float,
    "by": bytes,
    "dt": datetime.datetime,
    "date": datetime.date,
    "none": type(None),
    "None_": None,
    "any": Any,
    "obj": object,
    "li": list[int],
    "ls": list[str],
    "lb": list[bool],
    "lf": list[float],
    "lby": list[bytes],
    "ldt": list[datetime.datetime],
    "lany": list[Any],
    "lobj": list[object],
    "lbare": list,
    "LBare": List,
    "LI": List[int],
    "llist": list[list],
    "ll": list[list[str]],
    "lll": list[list[list[int]]],
    "ld": list[dict],
    "lds": list[dict[str, str]],
    "ldi": list[dict[int, str]],
    "lda": list[dict[str, Any]],
    "ldl": list[dict[str, list[int]]],
    "ldb": list[Dict[str, int]],
    "ldd": list[dict[str, dict[str, int]]],
    "d": dict,
    "D": Dict,
    "ds": dict[str, str],
    "da": dict[str, Any],
    "di": dict[int, int],
    "dany": dict[Any, Any],
    "d1": Dict[str, list[Any]],
    "opt": Optional[int],
    "lopt": list[Optional[int]],
    "lopts": list[Optional[str]],
    "optl": Optional[list[str]],
    "uni": Union[int, str],
    "luni": list[Union[int, str]],
    "luni2": list[int | str],
    "lun3": list[int | None],
    "uni3": Union[int, str, None],
    "luni3": list[Union[int, str, None]],
    "lunl": list[Union[list[int], str]],
    "lum": list[Union[M, str]],
    "optany": Optional[Any],
    "loptany": list[Optional[Any]],
    "unibad": Union[int, object],
    "lunibad": list[Union[int, object]],
    "m": M,
    "lm": list[M],
    "n": N,
    "ln": list[N],
    "req": list[Req],
    "d1m": list[D1],
    "ou": list[OU],
    "lanyopt": list[AnyOpt],
    "emp": list[Emp],
    "bad": list[Bad],
    "lit": list[Lit],
    "tupm": list[Tup],
    "bare": list[Bare],
    "alias": list[Alias],
    "arr": list[Arr],
    "dtm": list[DT],
    "extra": list[Extra],
    "llm": list[list[M]],
    "ldm": list[dict[str, M]],
    "lom": list[Optional[M]],
    "df": pd.DataFrame,
    "ser": pd.Series,
    "nd": np.ndarray,
    "ldf": list[pd.DataFrame],
    "npi": np.int64,
    "lnp": list[np.int64],
    "lnp32": list[np.float32],
    "sparse": None,
    "tup": tuple,
    "tupi": tuple[int],
    "ltup": list[tuple[int, int]],
    "set_": set,
    "lset": list[set[int]],
    "lit_": Literal["a"],
    "llit": list[Literal["a"]],
    "dc": DC,
    "ldc": list[DC],
    "td": TD,
    "ltd": list[TD],
    "en": E,
    "len_": list[E],
    "dec": list[decimal.Decimal],
    "uid": list[uuid.UUID],
    "seq": Sequence[int],
    "it": Iterable[int],
    "lcall": list[Callable],
    "typ": type,
    "s_": "str",
    "ls_": "list[str]",
    "ann": Annotated[list[int], "x"],
    "lann": list[Annotated[int, "x"]],
    "tv": TypeVar("tv"),
    "mapping": Mapping[str, int],
    "generic": Generic,
    "one": 1,
}

# Expressions of data that came as JSON: a server sets the variable.
SERVED = ("eA==", "2020-01-01", "%%%", "nope")

NAMES = {
    **vars(typing),
    **vars(type_hints),
    **globals(),
    "V": _validate_data_against_type_hint,
    "C": type_hints._convert_data_to_type_hint,
    "m1": {"a": 1, "b": "x"},
    "H": HINTS,
    "T": type_hints,
    "sig": lambda hint: _infer_schema_from_list_type_hint(hint).to_dict(),
    "sig2": lambda hint: _infer_schema_from_type_hint(hint).to_dict(),
}


@recorded("hints")
def test_answer_is_the_recorded_one(expression, answer, monkeypatch):
    if any(part in expression for part in SERVED):
        monkeypatch.setenv("_MLFLOW_IS_IN_SERVING_ENVIRONMENT", "true")
    check(expression, answer, dict(NAMES))


@pytest.mark.parametrize(("data", "kind"), [("eA==", bytes), ("2020-01-01", datetime.datetime)])
def test_texts_stand_for_bytes_and_times_only_where_data_was_json(data, kind, monkeypatch):
    with pytest.raises(MlflowException, match="but got str"):
        _validate_data_against_type_hint([data], list[kind])
    monkeypatch.setenv("_MLFLOW_IS_IN_SERVING_ENVIRONMENT", "true")
    assert type(_validate_data_against_type_hint([data], list[kind])[0]) is kind
    with pytest.raises(MlflowException, match="but got str"):
        _validate_data_against_type_hint(["no time"], list[datetime.datetime])


def test_model_that_is_a_part_of_itself_is_refused():
    with pytest.raises(InvalidTypeHintException, match="`Recursive` is a part of itself"):
        _infer_schema_from_list_type_hint(list[Recursive])


def test_objects_of_a_model_are_taken_as_they_are():
    one = Alias(q=1)
    assert _validate_data_against_type_hint([one], list[Alias]) == [one]


def test_only_the_first_wrong_items_are_named():
    with pytest.raises(MlflowException) as caught:
        _validate_data_against_type_hint([str(i) for i in range(100)], list[int])
    assert "'4'" in caught.value.message
    assert "'5'" not in caught.value.message
    assert caught.value.message.endswith("(truncated)")


def test_hint_that_says_nothing_of_the_data_is_warned_of():
    with pytest.warns(UserWarning, match="AnyType"):
        _infer_schema_from_list_type_hint(list[Any])
    with pytest.warns(UserWarning, match="only the first is used"):
        table = pd.DataFrame({"a": [1], "b": [2]})
        assert type_hints._convert_data_to_type_hint(table, list[int]) == [1]


def test_sparse_matrices_say_nothing_of_their_columns():
    sparse = optional("scipy.sparse")
    assert sparse.csr_matrix in type_hints.type_hints_no_signature_inference()
    assert not type_hints._signature_cannot_be_inferred_from_type_hint(list[int])
