"""Models and requests whose answers were recorded from the reference.

The same code runs under both systems: `python -m tests.serving.cases OUT` records with whichever
`mlflow` the interpreter has (the stack traces that the reference sends along are left out).
"""

from __future__ import annotations

import base64
import io
import json
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

JSON = "application/json"

#: Says what reached the model.
_ECHO = """
    import numpy as np
    import pandas as pd
    from mlflow.models import set_model
    from mlflow.pyfunc import PythonModel


    def plain(x):
        if isinstance(x, pd.DataFrame):
            return {
                "frame": {str(k): plain(list(x[k])) for k in x.columns},
                "types": {str(k): kind(t) for k, t in x.dtypes.items()},
            }
        if isinstance(x, np.ndarray):
            return {"array": plain(x.tolist()), "type": kind(x.dtype), "shape": list(x.shape)}
        if isinstance(x, dict):
            return {str(k): plain(v) for k, v in x.items()}
        if isinstance(x, (list, tuple)):
            return [plain(v) for v in x]
        if hasattr(x, "model_dump"):
            return x.model_dump()
        if isinstance(x, (str, bool, int)) or x is None:
            return x
        return type(x).__name__ + ":" + str(x)


    def kind(t):
        # text is "object" or "str", and times have another unit, by the version of pandas
        name = str(t)
        return "object" if name == "str" else name.split("[")[0]


    class Echo(PythonModel):
        def predict(self, context, model_input, params=None):
            return {"input": plain(model_input), "params": plain(params)}


    set_model(Echo())
"""

_OUTPUTS = """
    import datetime
    from decimal import Decimal
    import numpy as np
    import pandas as pd
    from mlflow.exceptions import MlflowException
    from mlflow.models import set_model
    from mlflow.pyfunc import PythonModel

    T = datetime.datetime(2026, 1, 2, 3, 4, 5, 678)
    MAKE = {
        "frame": lambda: pd.DataFrame({"a": [1, 2], "b": [1.5, None], "c": ["x", None]}),
        "frame index": lambda: pd.DataFrame({"a": [1, 2]}, index=["p", "q"]),
        "frame times": lambda: pd.DataFrame({"t": pd.to_datetime([T, None]), "d": [T, None]}),
        "frame bytes": lambda: pd.DataFrame({"b": [b"abc", b"\\xff"]}),
        "frame lists": lambda: pd.DataFrame({"a": [[1, 2], [3]], "d": [{"k": 1}, {}]}),
        "frame arrays": lambda: pd.DataFrame({"a": [np.array([1, 2]), np.array([3])]}),
        "frame bools": lambda: pd.DataFrame({"a": [True, False], "n": [None, True]}),
        "frame integers": lambda: pd.DataFrame({"n": pd.array([1, None], "Int64")}),
        "frame category": lambda: pd.DataFrame({"a": pd.Categorical(["x", "y"])}),
        "frame numbers as names": lambda: pd.DataFrame([[1, 2]]),
        "frame empty": lambda: pd.DataFrame({"a": []}),
        "series": lambda: pd.Series([1, 2], name="s"),
        "series nan": lambda: pd.Series([1.0, float("nan")]),
        "series text": lambda: pd.Series(["x", "y"]),
        "series times": lambda: pd.Series(pd.to_datetime([T])),
        "array": lambda: np.array([[1, 2], [3, 4]]),
        "array float": lambda: np.array([0.1, 1 / 3, 1e300, 1e-300, 5.0]),
        "array float32": lambda: np.array([0.1, 2.0], dtype=np.float32),
        "array nan": lambda: np.array([1.0, float("nan"), float("inf"), -float("inf")]),
        "array text": lambda: np.array(["x", "yy"]),
        "array object": lambda: np.array([1, "x", None], dtype=object),
        "array bytes": lambda: np.array([b"ab"], dtype=object),
        "array bytes fixed": lambda: np.array([b"ab"]),
        "array times": lambda: np.array(["2026-01-02T03:04:05"], dtype="datetime64[s]"),
        "array bool": lambda: np.array([True, False]),
        "array 0": lambda: np.array(5),
        "array empty": lambda: np.array([]),
        "array big": lambda: np.array([2**63 - 1, -(2**63)]),
        "scalar": lambda: np.float64(1.5),
        "scalar 32": lambda: np.float32(0.1),
        "scalar int": lambda: np.int64(3),
        "float": lambda: 1.25,
        "nan": lambda: float("nan"),
        "int": lambda: 2**70,
        "text": lambda: "h\\u00e9llo \\u2028",
        "none": lambda: None,
        "bool": lambda: True,
        "bytes": lambda: b"abc",
        "time": lambda: T,
        "date": lambda: T.date(),
        "decimal": lambda: Decimal("1.5"),
        "list": lambda: [1, "x", None, 2.5, True],
        "list arrays": lambda: [np.array([1, 2]), np.float32(0.5)],
        "list times": lambda: [T, b"x"],
        "list nan": lambda: [float("nan"), np.nan, None],
        "tuple": lambda: (1, 2),
        "set": lambda: {1},
        "dict": lambda: {"a": 1, "b": [1, 2], "c": {"d": np.int64(5)}},
        "dict arrays": lambda: {"a": np.array([1.5]), "b": [np.array([1])]},
        "dict of number names": lambda: {1: "x"},
        "dict predictions": lambda: {"predictions": [1, 2]},
        "dict frame": lambda: {"a": pd.DataFrame({"x": [1]})},
        "list dicts": lambda: [{"a": 1}, {"a": np.float64(2)}],
        "object": lambda: object(),
        "value error": lambda: 1 / 0,
        "mlflow error": lambda: (_ for _ in ()).throw(MlflowException("own words", 1000)),
        "mlflow error internal": lambda: (_ for _ in ()).throw(MlflowException("inside")),
        "mlflow error absent": lambda: (_ for _ in ()).throw(MlflowException("absent", 1001)),
    }


    class Outputs(PythonModel):
        def predict(self, context, model_input, params=None):
            return MAKE[model_input["what"].iloc[0]]()


    set_model(Outputs())
"""

_STREAM = """
    from mlflow.models import set_model
    from mlflow.pyfunc import PythonModel


    class Stream(PythonModel):
        def predict(self, context, model_input, params=None):
            return ["whole"]

        def predict_stream(self, context, model_input, params=None):
            yield "one"
            yield {"two": 2, "in": str(type(model_input).__name__), "params": params}
            yield [3, "h\\u00e9"]
            yield 4.5


    set_model(Stream())
"""

_STREAM_BREAKS = """
    from mlflow.models import set_model
    from mlflow.pyfunc import PythonModel


    class Breaks(PythonModel):
        def predict(self, context, model_input, params=None):
            return ["whole"]

        def predict_stream(self, context, model_input, params=None):
            yield "one"
            raise ValueError("broke")


    set_model(Breaks())
"""

_CHAT = """
    from mlflow.models import set_model
    from mlflow.pyfunc import ChatModel
    from mlflow.types.llm import (
        ChatChoice, ChatChoiceDelta, ChatChunkChoice, ChatCompletionChunk, ChatCompletionResponse,
        ChatMessage,
    )


    class Chat(ChatModel):
        def predict(self, context, messages, params):
            said = " ".join(str(m.content) for m in messages)
            said += f" t={params.temperature} max={params.max_tokens} {params.custom_inputs}"
            return ChatCompletionResponse(
                choices=[ChatChoice(index=0, message=ChatMessage("assistant", said))],
                created=1, id="x", model="m",
            )

        def predict_stream(self, context, messages, params):
            for i in range(2):
                yield ChatCompletionChunk(
                    choices=[ChatChunkChoice(index=i, delta=ChatChoiceDelta("assistant", f"c{i}"))],
                    created=1, id="x", model="m",
                )


    set_model(Chat())
"""

_CHAT_AGENT = """
    from mlflow.models import set_model
    from mlflow.pyfunc import ChatAgent
    from mlflow.types.agent import ChatAgentChunk, ChatAgentMessage, ChatAgentResponse


    class Agent(ChatAgent):
        def predict(self, messages, context=None, custom_inputs=None):
            said = f"{messages[-1].content} {context and context.model_dump()} {custom_inputs}"
            return ChatAgentResponse(
                messages=[ChatAgentMessage(role="assistant", content=said, id="1")]
            )

        def predict_stream(self, messages, context=None, custom_inputs=None):
            for i in range(2):
                yield ChatAgentChunk(
                    delta=ChatAgentMessage(role="assistant", content=f"c{i}", id=str(i))
                )


    set_model(Agent())
"""

_RESPONSES = """
    from mlflow.models import set_model
    from mlflow.pyfunc import ResponsesAgent
    from mlflow.types.responses import ResponsesAgentResponse, ResponsesAgentStreamEvent


    def item(self, text):
        return {
            "type": "message", "id": "1", "status": "completed", "role": "assistant",
            "content": [{"type": "output_text", "text": text}],
        }


    class Agent(ResponsesAgent):
        def predict(self, request):
            return ResponsesAgentResponse(
                output=[item(self, str(request.input[-1].content) + str(request.custom_inputs))]
            )

        def predict_stream(self, request):
            for i in range(2):
                yield ResponsesAgentStreamEvent(
                    type="response.output_item.done", item=item(self, f"c{i}")
                )


    set_model(Agent())
"""

_HINTS = """
    import pydantic
    from mlflow.models import set_model
    from mlflow.pyfunc import PythonModel


    class Message(pydantic.BaseModel):
        role: str
        n: int = 3


    class Hints(PythonModel):
        def predict(self, model_input: list[Message]) -> list[str]:
            return [f"{type(m).__name__} {m.role} {m.n}" for m in model_input]


    set_model(Hints())
"""


def models(folder: Path) -> dict[str, Callable[[], Path]]:
    """By name, a function that saves the model and gives its folder."""
    import mlflow.pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
    from mlflow.types.schema import Array, Map, Object, Property

    def coded(name: str, code: str, signature: ModelSignature | None = None) -> Callable[[], Path]:
        def save() -> Path:
            source = folder / f"{name}.py"
            source.write_text(textwrap.dedent(code), encoding="utf-8")
            more = {"signature": signature} if signature else {}
            mlflow.pyfunc.save_model(
                folder / name, python_model=str(source), pip_requirements=["numpy"], **more
            )
            return folder / name

        return save

    def columns(*specs: ColSpec, params: ParamSchema | None = None) -> ModelSignature:
        return ModelSignature(inputs=Schema(list(specs)), params=params)

    def tensors(*specs: TensorSpec) -> ModelSignature:
        return ModelSignature(inputs=Schema(list(specs)))

    import numpy as np

    every = columns(
        *(ColSpec(t, t.name, required=False) for t in DataType if not t.name.startswith("spark"))
    )
    nested = columns(
        ColSpec(Array(DataType.long), "list", required=False),
        ColSpec(Object([Property("x", DataType.double), Property("y", DataType.string, False)]),
                "thing", required=False),
        ColSpec(Map(DataType.long), "map", required=False),
        ColSpec(Array(Object([Property("n", DataType.long)])), "things", required=False),
    )  # fmt: skip
    params = ParamSchema(
        [
            ParamSpec("temperature", DataType.float, 0.5),
            ParamSpec("stop", DataType.string, ["a"], shape=(-1,)),
            ParamSpec("n", DataType.integer, 3),
        ]
    )
    ab = (ColSpec("double", "a"), ColSpec("long", "b"), ColSpec("string", "s", required=False))
    return {
        "columns": coded("columns", _ECHO, columns(*ab)),
        "every": coded("every", _ECHO, every),
        "nested": coded("nested", _ECHO, nested),
        "unnamed": coded("unnamed", _ECHO, columns(ColSpec("double"), ColSpec("long"))),
        "text": coded("text", _ECHO, columns(ColSpec("string"))),
        "bare": coded("bare", _ECHO),
        "tensor": coded("tensor", _ECHO, tensors(TensorSpec(np.dtype("float64"), (-1, 2)))),
        "tensors": coded(
            "tensors",
            _ECHO,
            tensors(
                TensorSpec(np.dtype("float32"), (-1, 2), "x"),
                TensorSpec(np.dtype("int64"), (-1,), "y"),
            ),
        ),
        "params": coded("params", _ECHO, columns(*ab, params=params)),
        "outputs": coded("outputs", _OUTPUTS, columns(ColSpec("string", "what"))),
        "completions": coded(
            "completions", _ECHO, columns(ColSpec("string", "prompt"), params=params)
        ),
        "stream": coded("stream", _STREAM, columns(ColSpec("string", "q"))),
        "breaks": coded("breaks", _STREAM_BREAKS),
        "chat": coded("chat", _CHAT),
        "chat_agent": coded("chat_agent", _CHAT_AGENT),
        "responses": coded("responses", _RESPONSES),
        "hints": coded("hints", _HINTS),
    }


def requests() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each request, with the model it goes to. A body is `json`, `text`, or `base64`."""
    for model, bodies in _json_bodies().items():
        for body in bodies:
            yield model, {"type": JSON, "json": body}
    for model, texts in _TEXTS.items():
        for text in texts:
            yield model, {"type": JSON, "text": text}
    for model, content_type, text in _TYPED:
        yield model, {"type": content_type, "text": text}
    for what in _OUTPUT_NAMES:
        yield "outputs", {"type": JSON, "json": {"dataframe_records": [{"what": what}]}}


def parquet() -> bytes:
    """A table as a file, for the type that the reference also takes."""
    import pandas as pd

    file = io.BytesIO()
    pd.DataFrame({"a": [1.5, 2.0], "b": [1, 2], "s": ["x", None]}).to_parquet(file)
    return file.getvalue()


_OUTPUT_NAMES = [
    line.split('"')[1] for line in _OUTPUTS.splitlines() if line.lstrip().startswith('"')
]


def _json_bodies() -> dict[str, list[Any]]:
    split = {"columns": ["a", "b", "s"], "data": [[1.5, 2, "x"], [3, 4, None]]}
    row = {"a": 1.5, "b": 2, "s": "x"}
    big = 2**53 + 1
    return {
        "columns": [
            {"dataframe_split": split},
            {"dataframe_split": {**split, "index": [5, 6]}},
            {"dataframe_split": {"columns": ["b", "a"], "data": [[1, 2]]}},
            {"dataframe_split": {"columns": ["a", "b"], "data": []}},
            {"dataframe_split": {"data": [[1, 2, "x"]]}},
            {"dataframe_split": {"columns": ["a", "b"]}},
            {"dataframe_split": {"columns": ["a", "b"], "data": [[1]]}},
            {"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}},
            {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]], "other": 1}},
            {"dataframe_split": [[1, 2]]},
            {"dataframe_split": "text"},
            {"dataframe_split": None},
            {"dataframe_split": {}},
            {"dataframe_records": [row, {**row, "b": 7}]},
            {"dataframe_records": [row, {"a": 2, "b": 3}]},
            {"dataframe_records": [{"a": 1}, {"b": 2}]},
            {"dataframe_records": []},
            {"dataframe_records": {}},
            {"dataframe_records": row},
            {"dataframe_records": {"a": [1, 2], "b": [3, 4]}},
            {"dataframe_records": "text"},
            {"dataframe_records": 5},
            {"dataframe_records": [1, 2]},
            {"dataframe_records": [[1, 2, "x"]]},
            {"dataframe_records": [{**row, "extra": 1}]},
            {"dataframe_records": [{"a": 1}]},
            {"dataframe_records": [{"a": "x", "b": 1}]},
            {"dataframe_records": [{"a": "1", "b": 1}]},
            {"dataframe_records": [{"a": 1, "b": "1"}]},
            {"dataframe_records": [{"a": 1, "b": 1.0}]},
            {"dataframe_records": [{"a": 1, "b": 1.5}]},
            {"dataframe_records": [{"a": 1, "b": True}]},
            {"dataframe_records": [{"a": True, "b": 1}]},
            {"dataframe_records": [{"a": None, "b": 1}]},
            {"dataframe_records": [{"a": 1, "b": None}]},
            {"dataframe_records": [{"a": 1, "b": 2, "s": 5}]},
            {"dataframe_records": [{"a": big, "b": big}]},
            {"dataframe_records": [{"a": 1, "b": 2**63}]},
            {"dataframe_records": [{"a": 1, "b": 2**70}]},
            {"dataframe_records": [{"a": [1], "b": 1}]},
            {"dataframe_records": [{"a": {"x": 1}, "b": 1}]},
            {"instances": [row]},
            {"instances": [[1.5, 2, "x"]]},
            {"instances": row},
            {"inputs": {"a": [1.5], "b": [2]}},
            {"inputs": {"a": 1.5, "b": 2}},
            {"inputs": [row]},
            {"inputs": [[1.5, 2, "x"]]},
            {"inputs": {"a": [1.5, 2], "b": [2]}},
            {"inputs": 5},
            {"inputs": []},
            {"inputs": {}},
            {"inputs": None},
            {"dataframe_split": split, "inputs": 5},
            {"dataframe_records": [row], "params": {"x": 1}},
            {"dataframe_records": [row], "params": {}},
            {"dataframe_records": [row], "params": None},
            {"dataframe_records": [row], "other": {}},
            {"columns": ["a", "b"], "data": [[1, 2]]},
            {"data": 1},
            {"messages": [{"role": "user", "content": "x"}]},
            {},
            [],
            [row],
            5,
            "x",
            None,
            True,
        ],
        "every": [
            {"dataframe_records": [{"boolean": True}]},
            {"dataframe_records": [{"boolean": 1}]},
            {"dataframe_records": [{"boolean": "true"}]},
            {"dataframe_records": [{"boolean": None}, {"boolean": True}]},
            {"dataframe_records": [{"integer": 5}]},
            {"dataframe_records": [{"integer": 2**31}]},
            {"dataframe_records": [{"integer": 5.0}]},
            {"dataframe_records": [{"integer": 5.5}]},
            {"dataframe_records": [{"integer": None}, {"integer": 5}]},
            {"dataframe_records": [{"long": 2**62 + 1}]},
            {"dataframe_records": [{"long": -(2**63)}]},
            {"dataframe_records": [{"long": None}, {"long": big}]},
            {"dataframe_records": [{"float": 0.1}]},
            {"dataframe_records": [{"float": 1}]},
            {"dataframe_records": [{"float": 1e300}]},
            {"dataframe_records": [{"double": 0.1}]},
            {"dataframe_records": [{"double": 1e308}]},
            {"dataframe_records": [{"string": "x"}, {"string": None}]},
            {"dataframe_records": [{"string": 5}]},
            {"dataframe_records": [{"string": ["x"]}]},
            {"dataframe_records": [{"binary": base64.b64encode(b"\x00\xff").decode()}]},
            {"dataframe_records": [{"binary": "not base64!"}]},
            {"dataframe_records": [{"binary": 5}]},
            {"dataframe_records": [{"binary": None}]},
            {"dataframe_records": [{"datetime": "2026-01-02T03:04:05"}]},
            {"dataframe_records": [{"datetime": "2026-01-02 03:04:05.123456"}]},
            {"dataframe_records": [{"datetime": "2026-01-02"}]},
            {"dataframe_records": [{"datetime": "2026-01-02T03:04:05Z"}]},
            {"dataframe_records": [{"datetime": "2026-01-02T03:04:05+02:00"}]},
            {"dataframe_records": [{"datetime": "no time"}]},
            {"dataframe_records": [{"datetime": 1767323045000}]},
            {"dataframe_records": [{"datetime": None}]},
            {"dataframe_split": {"columns": ["long", "string"], "data": [[1, "x"], [2, None]]}},
            {"inputs": {"long": [1, 2]}},
            {"instances": [{"double": 1.5}]},
        ],
        "nested": [
            {"dataframe_records": [{"list": [1, 2]}]},
            {"dataframe_records": [{"list": []}]},
            {"dataframe_records": [{"list": [1, "x"]}]},
            {"dataframe_records": [{"list": 5}]},
            {"dataframe_records": [{"thing": {"x": 1.5}}]},
            {"dataframe_records": [{"thing": {"x": 1.5, "y": "t"}}]},
            {"dataframe_records": [{"thing": {"y": "t"}}]},
            {"dataframe_records": [{"thing": {"x": 1.5, "z": 1}}]},
            {"dataframe_records": [{"thing": 5}]},
            {"dataframe_records": [{"map": {"p": 1, "q": 2}}]},
            {"dataframe_records": [{"map": {"p": "x"}}]},
            {"dataframe_records": [{"things": [{"n": 1}, {"n": 2}]}]},
            {"inputs": [{"list": [1, 2]}]},
            {"inputs": {"list": [1, 2]}},
            {"inputs": {"list": [[1, 2]]}},
            {"dataframe_split": {"columns": ["list"], "data": [[[1, 2]]]}},
        ],
        "unnamed": [
            {"dataframe_split": {"data": [[1, 2]]}},
            {"dataframe_split": {"columns": ["p", "q"], "data": [[1, 2]]}},
            {"dataframe_records": [{"p": 1, "q": 2}]},
            {"inputs": [[1, 2]]},
            {"instances": [[1, 2]]},
            {"dataframe_split": {"data": [[1]]}},
        ],
        "text": [
            {"inputs": "one"},
            {"inputs": ["one", "two"]},
            {"instances": ["one"]},
            {"inputs": 5},
            {"inputs": {"q": "one"}},
            {"dataframe_split": {"data": [["one"]]}},
        ],
        "bare": [
            {"dataframe_split": split},
            {"dataframe_records": [row]},
            {"dataframe_records": [{"a": "2026-01-02T03:04:05", "b": big}]},
            {"dataframe_records": [{"a": None}, {"a": 5}]},
            {"dataframe_records": [{"b": 2**70}]},
            {"dataframe_records": [{"a": [1, {"x": 2}]}]},
            {"instances": [1, 2, 3]},
            {"instances": [[1, 2], [3, 4]]},
            {"instances": [[1, 2], [3]]},
            {"instances": [{"a": 1, "b": [1, 2]}, {"a": 2, "b": [3, 4]}]},
            {"instances": [{"a": 1}, {"b": 2}]},
            {"instances": ["x", "y"]},
            {"instances": [1.5, "x"]},
            {"instances": "x"},
            {"instances": []},
            {"instances": [{"b64": "AAE="}]},
            {"inputs": [1, 2]},
            {"inputs": [[1.5, 2]]},
            {"inputs": {"a": [1, 2], "b": [3, 4]}},
            {"inputs": {"a": [1, 2], "b": [3]}},
            {"inputs": {"a": 5}},
            {"inputs": "text"},
            {"inputs": ["a", "b"]},
            {"inputs": 5},
            {"inputs": 1.5},
            {"inputs": True},
            {"inputs": {"a": {"x": [1]}}},
            {"inputs": [{"a": 1}, {"a": 2}]},
            {"inputs": None},
            {"inputs": []},
            {"inputs": [None]},
            {"inputs": [2**63]},
            {"inputs": [1, 2], "params": {"x": 1}},
            {"messages": [{"role": "user", "content": "x"}]},
            {"prompt": "x"},
            {"input": "x"},
            {"signature_name": "serving_default", "instances": [1]},
        ],
        "tensor": [
            {"inputs": [[1, 2], [3, 4]]},
            {"inputs": [[1.5, 2]]},
            {"inputs": [[1, 2, 3]]},
            {"inputs": [1, 2]},
            {"inputs": [["a", "b"]]},
            {"inputs": [["1", "2"]]},
            {"inputs": [[None, 1]]},
            {"inputs": [[1, 2], [3]]},
            {"inputs": []},
            {"inputs": {"x": [[1, 2]]}},
            {"inputs": 5},
            {"instances": [[1, 2]]},
            {"instances": [[True, False]]},
            {"instances": [{"x": [1, 2]}]},
            {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}},
            {"dataframe_records": [{"a": 1.5, "b": 2}]},
            {"dataframe_records": [{"a": 1}]},
            {"inputs": [[2**60, 1e400]]},
        ],
        "tensors": [
            {"inputs": {"x": [[1, 2]], "y": [5]}},
            {"inputs": {"x": [[0.1, 2]], "y": [5]}},
            {"inputs": {"x": [[1, 2]], "y": [5.5]}},
            {"inputs": {"x": [[1, 2]]}},
            {"inputs": {"x": [[1, 2]], "y": [5], "z": [1]}},
            {"inputs": {"x": [[1, 2, 3]], "y": [5]}},
            {"inputs": [[1, 2]]},
            {"instances": [{"x": [1, 2], "y": 5}, {"x": [3, 4], "y": 6}]},
            {"instances": [{"x": [1, 2]}, {"y": 6}]},
            {"instances": [[1, 2]]},
            {"dataframe_records": [{"x": [1, 2], "y": 5}]},
        ],
        "params": [
            {"dataframe_records": [row]},
            {"dataframe_records": [row], "params": {"temperature": 0.25}},
            {"dataframe_records": [row], "params": {"temperature": 1}},
            {"dataframe_records": [row], "params": {"temperature": "x"}},
            {"dataframe_records": [row], "params": {"n": 5, "stop": ["b", "c"]}},
            {"dataframe_records": [row], "params": {"n": 5.5}},
            {"dataframe_records": [row], "params": {"n": "5"}},
            {"dataframe_records": [row], "params": {"stop": "b"}},
            {"dataframe_records": [row], "params": {"unknown": 1}},
            {"dataframe_records": [row], "params": [1]},
            {"dataframe_records": [row], "params": "x"},
            {"dataframe_records": [row], "params": None},
            {"inputs": [row], "params": {"n": 4}},
            {"instances": [row], "params": {"n": 4}},
        ],
        "stream": [
            {"inputs": ["x"]},
            {"inputs": ["x"], "stream": True},
            {"inputs": ["x"], "stream": False},
            {"inputs": ["x"], "stream": "true"},
            {"inputs": ["x"], "stream": None},
            {"dataframe_records": [{"q": "x"}], "stream": True},
            {"dataframe_records": [{"z": "x"}], "stream": True},
        ],
        "breaks": [{"inputs": ["x"], "stream": True}, {"inputs": ["x"]}],
        "chat": [
            {"messages": [{"role": "user", "content": "hello"}]},
            {"messages": [{"role": "user", "content": "hello"}], "temperature": 0.1},
            {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 7, "n": 2},
            {"messages": [{"role": "user", "content": "hello"}], "stream": True},
            {"messages": [{"role": "user", "content": "hello"}], "stream": False},
            {"messages": [{"role": "user", "content": "h"}], "custom_inputs": {"k": "v"}},
            {"messages": [{"role": "user", "content": "h"}], "unknown": 1},
            {"messages": [{"role": "user", "content": "h"}], "params": {"temperature": 0.3}},
            {"messages": [{"role": "user", "content": "h"}], "temperature": "hot"},
            {"messages": [{"role": "user"}]},
            {"messages": []},
            {"messages": "hello"},
            {"messages": [{"role": "user", "content": 5}]},
            {"inputs": {"messages": [{"role": "user", "content": "hello"}]}},
            {"dataframe_records": [{"messages": [{"role": "user", "content": "hello"}]}]},
            {"prompt": "x"},
            {},
        ],
        "chat_agent": [
            {"messages": [{"role": "user", "content": "hello"}]},
            {"messages": [{"role": "user", "content": "hello"}], "stream": True},
            {"messages": [{"role": "user", "content": "h"}], "context": {"user_id": "u"}},
            {"messages": [{"role": "user", "content": "h"}], "custom_inputs": {"k": [1]}},
            {"messages": [{"role": "user"}]},
            {"messages": 5},
            {"inputs": {"messages": [{"role": "user", "content": "hello"}]}},
        ],
        "responses": [
            {"input": [{"role": "user", "content": "hello"}]},
            {"input": [{"role": "user", "content": "hello"}], "stream": True},
            {"input": [{"role": "user", "content": "hello"}], "custom_inputs": {"a": 1}},
            {"input": "hello"},
            {"input": [{"role": "user"}]},
            {"inputs": {"input": [{"role": "user", "content": "hello"}]}},
        ],
        "hints": [
            {"inputs": [{"role": "user"}]},
            {"inputs": [{"role": "user", "n": 5}]},
            {"inputs": [{"role": "user", "n": "x"}]},
            {"inputs": [{"n": 5}]},
            {"inputs": [{"role": "u", "z": 1}]},
            {"inputs": {"role": "u"}},
            {"dataframe_records": [{"role": "u", "n": 1}]},
            {"messages": [{"role": "user"}]},
            {"input": [{"role": "user"}]},
            {"inputs": [{"role": "user"}], "params": {"x": 1}},
            {"inputs": [{"role": "user"}], "dataframe_split": {}},
            {},
        ],
        "completions": [
            {"prompt": "x"},
            {"prompt": "x", "temperature": 0.25},
            {"prompt": "x", "params": {"temperature": 0.25}},
            {"prompt": "x", "temperature": "hot"},
            {"prompt": "x", "other": 1},
            {"prompt": ["x", "y"]},
            {"prompt": 5},
            {"inputs": {"prompt": "x"}, "params": {"temperature": 0.25}},
            {"inputs": "x", "prompt": "y"},
            {"input": "x", "temperature": 0.25},
            {"messages": [{"role": "user", "content": "x"}], "temperature": 0.25},
        ],
        "outputs": [],
    }


_TEXTS = {
    "columns": [
        "",
        " ",
        "not json",
        "{",
        '{"dataframe_records": [{"a": NaN, "b": 1}]}',
        '{"dataframe_records": [{"a": Infinity, "b": 1}]}',
        '{"dataframe_records": [{"a": 1e400, "b": 1}]}',
        '{"dataframe_records": [{"a": 1, "b": 1}], "dataframe_records": [{"a": 2, "b": 2}]}',
        "[" * 100_000,
        '{"inputs": ' + "[" * 900 + "1" + "]" * 900 + "}",
        '{"a": "\ud800"}'.encode("utf-8", "backslashreplace").decode(),
        '\ufeff{"dataframe_records": [{"a": 1, "b": 1}]}',
        '{"dataframe_records": [{"a": 1, "b": 1}]} x',
        "{'dataframe_records': []}",
    ],
    "tensor": [
        '{"inputs": [[NaN, Infinity]]}',
    ],
}

_CSV = "a,b,s\n1.5,2,x\n3,4,\n"
_ROW = '{"dataframe_records": [{"a": 1.5, "b": 2}]}'
_TYPED = [
    ("columns", "text/csv", _CSV),
    ("columns", "text/csv; charset=utf-8", _CSV),
    ("columns", "text/csv; charset=UTF-8", _CSV),
    ("columns", "text/csv; charset=latin-1", _CSV),
    ("columns", "text/csv; header=present", _CSV),
    ("columns", "text/csv;charset=utf-8;header=present", _CSV),
    ("columns", "TEXT/CSV", _CSV),
    ("columns", "text/csv", "a,b\nx,1\n"),
    ("columns", "text/csv", "a,b\n1,1.5\n"),
    ("columns", "text/csv", "a\n1\n"),
    ("columns", "text/csv", "a,b\n"),
    ("columns", "text/csv", ""),
    ("columns", "text/csv", "a,b\n1,2,3\n1\n"),
    ("columns", "text/csv", 'a,b\n"1,2\n'),
    ("columns", "text/csv", "a;b\n1;2\n"),
    ("columns", "text/csv", "a,b\n,1\n"),
    ("columns", "text/csv", "a,b,s\n1,2,5\n"),
    ("columns", "text/csv", "b,a\n1,2\n"),
    ("columns", "application/json; charset=utf-8", _ROW),
    ("columns", "application/json; charset=UTF-8", _ROW),
    ("columns", "application/json; charset=latin-1", _ROW),
    ("columns", "application/json; format=pandas-split", _ROW),
    ("columns", "application/json; format=pandas-records", _ROW),
    ("columns", "application/json-numpy-split", _ROW),
    ("columns", "APPLICATION/JSON", _ROW),
    ("columns", "", _ROW),
    ("columns", "text/plain", _ROW),
    ("columns", "application/xml", "<a/>"),
    ("columns", "application/octet-stream", "x"),
    ("columns", "application/x-www-form-urlencoded", "a=1"),
    ("columns", "application/vnd.apache.parquet", "not parquet"),
    ("bare", "text/csv", _CSV),
    ("bare", "text/csv", "a,b\n2026-01-02,007\n"),
    ("every", "text/csv", "long,string,boolean\n1,x,True\n2,,False\n"),
    ("every", "text/csv", "datetime,integer\n2026-01-02T03:04:05,1\n"),
    ("every", "text/csv", "string\n007\n"),
    ("every", "text/csv", "binary\nAP8=\n"),
    ("tensor", "text/csv", "a,b\n1,2\n"),
    ("params", "text/csv", _CSV),
    ("chat", "text/csv", "messages\nx\n"),
]


def body_of(request: dict[str, Any]) -> bytes:
    if "json" in request:
        return json.dumps(request["json"]).encode()
    return request["text"].encode()


def record(out: Path) -> None:
    """Ask each model and write the answers down."""
    from starlette.testclient import TestClient

    import mlflow.pyfunc
    import mlflow.pyfunc.scoring_server as scoring_server

    recorded: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        clients = {}
        for name, save in models(Path(folder)).items():
            app = scoring_server.init(mlflow.pyfunc.load_model(str(save())))
            clients[name] = TestClient(app, raise_server_exceptions=False)
        for model, request in requests():
            headers = {"content-type": request["type"]} if request["type"] else {}
            answer = clients[model].post("/invocations", content=body_of(request), headers=headers)
            recorded.append({"model": model, **request, "answer": facts(answer)})
        for path in ("/ping", "/health", "/version", "/", "/invocations", "/metrics"):
            answer = clients["columns"].get(path)
            recorded.append({"model": "columns", "get": path, "answer": facts(answer)})
    lines = ",\n".join(json.dumps(each, sort_keys=True) for each in recorded)
    out.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def facts(answer: Any) -> dict[str, Any]:
    """What is compared of an answer."""
    found: dict[str, Any] = {
        "status": answer.status_code,
        "type": answer.headers.get("content-type"),
    }
    try:
        body = answer.json()
    except ValueError:
        found["text"] = answer.text
        return found
    if isinstance(body, dict):
        body.pop("stack_trace", None)
    found["json"] = body
    return found


if __name__ == "__main__":
    record(Path(sys.argv[1]))
