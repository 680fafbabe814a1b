"""Models that either implementation can make, and what they are asked.

    python model_recipes.py save FOLDER      makes one folder for each recipe
    python model_recipes.py ask FOLDER       prints what the models in the folders answer, as JSON

Recipes of other libraries stand beside this file in `model_recipes_<library>.py`: each has a
dictionary `RECIPES` of the same form, name to `Recipe`.
"""

from __future__ import annotations

import datetime
import glob
import importlib
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydantic

import mlflow
from mlflow.models import ModelSignature, infer_signature
from mlflow.pyfunc import ChatAgent, ChatModel, PythonModel, ResponsesAgent
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.agent import ChatAgentMessage, ChatAgentResponse
from mlflow.types.llm import ChatChoice, ChatCompletionResponse, ChatMessage
from mlflow.types.responses import ResponsesAgentResponse

if __name__ == "__main__":
    # So that recipes beside this file share its classes.
    sys.modules["model_recipes"] = sys.modules["__main__"]


@dataclass
class Recipe:
    """How to make a model and what to ask it.

    Attributes:
        save: Makes it in a folder that does not exist.
        questions: (data, params) for `predict`.
        stream: Also ask `predict_stream`.
    """

    save: Callable[[str], None]
    questions: Callable[[], list[tuple[Any, Any]]]
    stream: bool = False


def describe(answer: Any) -> Any:
    """An answer as JSON, so that two can be compared."""
    if isinstance(answer, pd.DataFrame):
        return {"table": {str(name): describe(answer[name]) for name in answer.columns}}
    if isinstance(answer, (pd.Series, np.ndarray)):
        kind = type(answer).__name__
        return {kind: describe(answer.tolist()), "dtype": str(answer.dtype)}
    if isinstance(answer, dict):
        return {str(key): describe(value) for key, value in answer.items()}
    if isinstance(answer, (list, tuple)):
        return [describe(item) for item in answer]
    if isinstance(answer, np.generic):
        answer = answer.item()
    if isinstance(answer, pydantic.BaseModel):
        return {type(answer).__name__: describe(answer.model_dump(exclude_none=True))}
    if isinstance(answer, (str, int, float, bool)) or answer is None:
        return answer
    return f"{type(answer).__name__}: {answer}"


FRAME = pd.DataFrame({"a": [1.0, 2.5], "b": ["x", "y"]})
NUMBERS = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})


class Sums(PythonModel):
    """With context and params."""

    def predict(self, context, model_input, params=None):
        return model_input["a"] * (params or {}).get("factor", 1)


class NoContext(PythonModel):
    def __init__(self, offset):
        self.offset = offset

    def predict(self, model_input, params=None):
        return [value + self.offset for value in model_input["a"]]


class WithArtifacts(PythonModel):
    def load_context(self, context):
        self.words = Path(context.artifacts["words"]).read_text().split()
        self.folder = sorted(os.listdir(context.artifacts["folder"]))

    def predict(self, context, model_input):
        limit = context.model_config["limit"] if context.model_config else None
        return {"words": self.words[:limit], "folder": self.folder, "rows": len(model_input)}


class Hinted(PythonModel):
    def predict(self, model_input: list[str]) -> list[str]:
        return [text.upper() for text in model_input]


class HintedContext(PythonModel):
    def predict(self, context, model_input: list[int], params=None) -> list[int]:
        return [number * 2 for number in model_input]


class Message(pydantic.BaseModel):
    role: str
    content: str | None = None
    tags: list[str] = []


class HintedPydantic(PythonModel):
    def predict(self, model_input: list[Message]) -> list[str]:
        return [f"{m.role}:{m.content}:{len(m.tags)}" for m in model_input]


class HintedFrame(PythonModel):
    def predict(self, context, model_input: pd.DataFrame) -> pd.Series:
        return model_input.iloc[:, 0]


class HintedDict(PythonModel):
    def predict(self, model_input: list[dict[str, Any]]) -> list[Any]:
        return [sorted(one.items(), key=str) for one in model_input]


class Streams(PythonModel):
    def predict(self, context, model_input, params=None):
        return list(model_input)

    def predict_stream(self, context, model_input, params=None):
        for key in sorted(model_input):
            yield f"{key}={model_input[key]}"


class Tensors(PythonModel):
    def predict(self, context, model_input):
        return model_input.sum(axis=1)


class NamedTensors(PythonModel):
    def predict(self, context, model_input):
        return {name: array.mean(axis=0) for name, array in model_input.items()}


def double(model_input: list[int]) -> list[int]:
    return [2 * number for number in model_input]


def plain(model_input):
    return model_input["a"] + 1


class Parrot(ChatModel):
    def predict(self, context, messages, params):
        text = f"{messages[-1].content} {params.temperature}"
        choice = ChatChoice(index=0, message=ChatMessage(role="assistant", content=text))
        return ChatCompletionResponse(choices=[choice], model="parrot", id="1", created=1)


class Agent(ChatAgent):
    def predict(self, messages, context=None, custom_inputs=None):
        text = f"{messages[-1].content} {custom_inputs}"
        message = ChatAgentMessage(id="1", role="assistant", content=text)
        return ChatAgentResponse(messages=[message])


class Responds(ResponsesAgent):
    def predict(self, request):
        item = self.create_text_output_item(text=f"{len(request.input)}", id="m")
        return ResponsesAgentResponse(output=[item])

    def predict_stream(self, request):
        yield {"type": "response.output_item.done", "item": self.create_text_output_item("s", "m")}


CODE = """
import mlflow
from mlflow.models import ModelConfig, set_model
from mlflow.pyfunc import PythonModel

config = ModelConfig(development_config={"k": "development"})

class FromCode(PythonModel):
    def load_context(self, context):
        self.loaded = True
    def predict(self, context, model_input, params=None):
        return [f"{self.loaded} {config.get('k')} {v}" for v in model_input["a"]]

set_model(FromCode())
"""
FUNCTION_CODE = """
from typing import List
from mlflow.models import set_model

def predict(model_input: List[str]) -> List[str]:
    return [text[::-1] for text in model_input]

set_model(predict)
"""
AGENT_CODE = """
from mlflow.models import set_model
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentResponse

class Responds(ResponsesAgent):
    def predict(self, request):
        item = self.create_text_output_item(text=f"{request.input[-1].content}!", id="m")
        return ResponsesAgentResponse(output=[item])

set_model(Responds())
"""
CLASS = """
from mlflow.pyfunc import PythonModel

class Counts(PythonModel):
    def __init__(self, start):
        self.start = start
    def predict(self, context, model_input, params=None):
        return self.start + len(model_input)
"""
LOADER = """
class Model:
    def __init__(self, factor):
        self.factor = factor
    def predict(self, data, params=None):
        return data["a"] * self.factor

def _load_pyfunc(path):
    with open(path) as file:
        return Model(float(file.read()))
"""


def _file(name, text):
    path = Path(tempfile.mkdtemp()) / name
    path.write_text(text)
    return str(path)


def _save(model, **options):
    def save(path):
        mlflow.pyfunc.save_model(path, python_model=model, pip_requirements=["numpy"], **options)

    return save


def _save_with_artifacts(path):
    folder = Path(tempfile.mkdtemp()) / "inside"
    folder.mkdir()
    (folder / "one.txt").write_text("1")
    artifacts = {"words": _file("words.txt", "red green blue"), "folder": str(folder)}
    mlflow.pyfunc.save_model(
        path,
        python_model=WithArtifacts(),
        artifacts=artifacts,
        model_config={"limit": 2},
        pip_requirements=["numpy"],
    )


def _save_code(path):
    mlflow.pyfunc.save_model(
        path,
        python_model=_file("from_code.py", CODE),
        model_config={"k": "given"},
        input_example=FRAME,
        pip_requirements=["numpy"],
    )


def _save_function_code(path):
    code = _file("function_code.py", FUNCTION_CODE)
    mlflow.pyfunc.save_model(path, python_model=code, pip_requirements=["numpy"])


def _save_compressed(path):
    os.environ["MLFLOW_LOG_MODEL_COMPRESSION"] = "lzma"
    try:
        mlflow.pyfunc.save_model(path, python_model=NoContext(1), pip_requirements=["numpy"])
    finally:
        del os.environ["MLFLOW_LOG_MODEL_COMPRESSION"]


def _save_class_in_code(path):
    """Pickled by reference: loading it imports the module that is saved with it."""
    code = _file("recipe_class.py", CLASS)
    sys.path.insert(0, os.path.dirname(code))
    module = importlib.import_module("recipe_class")
    mlflow.pyfunc.save_model(
        path, python_model=module.Counts(3), code_paths=[code], pip_requirements=["numpy"]
    )


def _save_agent_code(path):
    code = _file("agent_code.py", AGENT_CODE)
    mlflow.pyfunc.save_model(path, python_model=code, pip_requirements=["numpy"])


def _save_loader(path):
    mlflow.pyfunc.save_model(
        path,
        loader_module="recipe_loader",
        data_path=_file("factor.txt", "3"),
        code_paths=[_file("recipe_loader.py", LOADER)],
        pip_requirements=["numpy"],
        signature=infer_signature(FRAME),
    )


def _tensor(shape, name=None):
    return TensorSpec(np.dtype("float64"), shape, name)


_FACTOR = ParamSchema([ParamSpec("factor", "double", 2.0)])
_A = Schema([ColSpec("double", "a")])
_CHAT = {"messages": [{"role": "user", "content": "hi"}]}

RECIPES = {
    "class": Recipe(
        _save(Sums(), signature=ModelSignature(_A, params=_FACTOR)),
        lambda: [(FRAME, None), (FRAME, {"factor": 3}), ({"a": [1.0]}, None)],
    ),
    "no-context": Recipe(_save(NoContext(10)), lambda: [(FRAME, None), ({"a": [1]}, None)]),
    "input-example": Recipe(
        _save(Sums(), input_example=(FRAME, {"factor": 4.0})),
        lambda: [(FRAME, None), (FRAME, {"factor": 0.5})],
    ),
    "artifacts": Recipe(_save_with_artifacts, lambda: [(FRAME, None)]),
    "type-hints": Recipe(
        _save(Hinted(), input_example=["a"]), lambda: [(["a", "b"], None), ([], None)]
    ),
    "type-hints-context": Recipe(_save(HintedContext()), lambda: [([1, 2], None)]),
    "type-hints-pydantic": Recipe(
        _save(HintedPydantic(), input_example=[{"role": "user", "content": "x"}]),
        lambda: [([{"role": "user", "content": "x", "tags": ["t"]}, {"role": "bot"}], None)],
    ),
    "type-hints-frame": Recipe(
        _save(HintedFrame(), input_example=NUMBERS), lambda: [(NUMBERS, None)]
    ),
    "type-hints-dict": Recipe(
        _save(HintedDict(), input_example=[{"k": 1}]), lambda: [([{"k": 1}, {"z": "y"}], None)]
    ),
    "streams": Recipe(_save(Streams()), lambda: [({"a": 1, "b": 2}, None)], stream=True),
    "tensors": Recipe(
        _save(Tensors(), signature=ModelSignature(Schema([_tensor((-1, 2))]))),
        lambda: [(np.array([[1.0, 2.0], [3.0, 4.0]]), None), (NUMBERS, None)],
    ),
    "named-tensors": Recipe(
        _save(
            NamedTensors(),
            signature=ModelSignature(Schema([_tensor((-1,), "x"), _tensor((-1, 2), "y")])),
        ),
        lambda: [({"x": np.array([1.0, 2.0]), "y": np.ones((2, 2))}, None)],
    ),
    "function": Recipe(
        _save(double, input_example=[1, 2]), lambda: [([1, 2, 3], None), ([5], None)]
    ),
    "function-plain": Recipe(_save(plain, input_example=NUMBERS), lambda: [(NUMBERS, None)]),
    "function-signature": Recipe(
        _save(plain, signature=infer_signature(NUMBERS, params={"k": 1})),
        lambda: [(NUMBERS, None), ({"a": [1.0], "b": [2.0]}, None)],
    ),
    "compressed": Recipe(_save_compressed, lambda: [(FRAME, None)]),
    "class-in-code": Recipe(_save_class_in_code, lambda: [(FRAME, None)]),
    "from-code": Recipe(_save_code, lambda: [(FRAME, None)]),
    "function-from-code": Recipe(_save_function_code, lambda: [(["abc", "de"], None)]),
    "loader-module": Recipe(_save_loader, lambda: [(FRAME, None)]),
    "chat-model": Recipe(
        _save(Parrot()), lambda: [(_CHAT, None), ({**_CHAT, "temperature": 0.5}, None)]
    ),
    "chat-agent": Recipe(
        _save(Agent()), lambda: [(_CHAT, None), ({**_CHAT, "custom_inputs": {"k": 1}}, None)]
    ),
    "responses-agent": Recipe(
        _save(Responds()),
        lambda: [({"input": [{"role": "user", "content": "hi"}]}, None)],
        stream=True,
    ),
    "agent-from-code": Recipe(
        _save_agent_code, lambda: [({"input": [{"role": "user", "content": "hi"}]}, None)]
    ),
    "dates": Recipe(
        _save(
            NoContext(datetime.timedelta(days=1)),
            signature=ModelSignature(Schema([ColSpec("datetime", "a")])),
        ),
        lambda: [(pd.DataFrame({"a": pd.to_datetime(["2024-01-02"])}), None)],
    ),
}


def ask(recipe: Recipe, folder: str) -> Any:
    """What a saved model answers."""
    model = mlflow.pyfunc.load_model(folder)
    answers = [model.predict(data, params=params) for data, params in recipe.questions()]
    if recipe.stream:
        answers += [list(model.predict_stream(data)) for data, _ in recipe.questions()]
    return describe(answers)


def _all_recipes() -> dict[str, Recipe]:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    recipes = dict(RECIPES)
    for path in sorted(glob.glob(os.path.join(here, "model_recipes_*.py"))):
        module = importlib.import_module(os.path.basename(path)[:-3])
        recipes.update(module.RECIPES)
    return recipes


def main(verb: str, root: str, *names: str) -> None:
    warnings.simplefilter("ignore")
    done = {}
    for name, recipe in _all_recipes().items():
        if names and name not in names:
            continue
        folder = os.path.join(root, name)
        try:
            done[name] = recipe.save(folder) if verb == "save" else ask(recipe, folder)
        except Exception as error:
            done[name] = f"failed: {type(error).__name__}: {error}"
    print(json.dumps(done))


if __name__ == "__main__":
    main(*sys.argv[1:])
