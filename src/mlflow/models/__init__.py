"""Models: how they are saved, described, checked and asked.

Names are found when first asked for, so that importing this costs little.
"""

from __future__ import annotations

from typing import Any

_FACE = {
    "FlavorBackend": "flavor_backend",
    "Model": "model",
    "ModelConfig": "model_config",
    "ModelInputExample": "utils",
    "ModelSignature": "signature",
    "Resource": "resources",
    "ResourceType": "resources",
    "add_libraries_to_model": "utils",
    "build_docker": "python_api",
    "convert_input_example_to_serving_input": "utils",
    "get_model_info": "model",
    "infer_signature": "signature",
    "predict": "python_api",
    "set_model": "model",
    "set_retriever_schema": "dependencies_schemas",
    "set_signature": "signature",
    "update_model_requirements": "model",
    "validate_schema": "utils",
    "validate_serving_input": "utils",
    **dict.fromkeys(
        (
            "EvaluationArtifact",
            "EvaluationMetric",
            "EvaluationResult",
            "MetricThreshold",
            "evaluate",
            "list_evaluators",
            "make_metric",
        ),
        "evaluation",
    ),
}
_ELSEWHERE = {"infer_pip_requirements": "mlflow.utils.environment"}
_MODULES = {
    "auth_policy",
    "cli",
    "container",
    "dependencies_schemas",
    "display_utils",
    "docker_utils",
    "evaluation",
    "flavor_backend",
    "flavor_backend_registry",
    "model",
    "model_config",
    "python_api",
    "rag_signatures",
    "resources",
    "signature",
    "utils",
}

__all__ = [
    name
    for name, place in {**_FACE, **_ELSEWHERE}.items()
    if place != "evaluation" and name != "ModelInputExample"
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    place = _ELSEWHERE.get(name) or (f"{__name__}.{_FACE[name]}" if name in _FACE else None)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(place), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_FACE, *_ELSEWHERE, *_MODULES})
