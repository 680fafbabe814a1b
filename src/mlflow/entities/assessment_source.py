from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from mlflow.entities._mlflow_object import _MlflowObject
from mlflow.exceptions import MlflowException


class AssessmentSourceType:
    """What kind of somebody or something assessed a trace."""

    SOURCE_TYPE_UNSPECIFIED = "SOURCE_TYPE_UNSPECIFIED"
    LLM_JUDGE = "LLM_JUDGE"
    AI_JUDGE = "AI_JUDGE"  # the old name of LLM_JUDGE
    HUMAN = "HUMAN"
    CODE = "CODE"

    _TYPES = (SOURCE_TYPE_UNSPECIFIED, LLM_JUDGE, HUMAN, CODE)
    _PROTO = {0: SOURCE_TYPE_UNSPECIFIED, 1: HUMAN, 2: LLM_JUDGE, 3: CODE}

    def __init__(self, source_type: str):
        self._source_type = AssessmentSourceType._standardize(source_type)

    def __str__(self) -> str:
        return self._source_type

    @staticmethod
    def _standardize(source_type: str) -> str:
        name = str(source_type).upper()
        if name == AssessmentSourceType.AI_JUDGE:
            return AssessmentSourceType.LLM_JUDGE
        if name not in AssessmentSourceType._TYPES:
            raise MlflowException.invalid_parameter_value(
                f"Invalid assessment source type: {name}. "
                f"Valid source types: {list(AssessmentSourceType._TYPES)}"
            )
        return name

    @classmethod
    def from_proto(cls, proto_source_type: int) -> str:
        """The type with this number on the wire; KeyError if there is none."""
        return cls._PROTO[proto_source_type]


@dataclass
class AssessmentSource(_MlflowObject, fields=True):
    """Who or what assessed a trace."""

    source_type: str
    """One of `AssessmentSourceType`, in any case."""
    source_id: str | None = "default"
    """A user, a model, a program."""

    def __post_init__(self) -> None:
        self.source_type = AssessmentSourceType._standardize(self.source_type)

    def to_dictionary(self) -> dict[str, Any]:
        """Its parts by name."""
        return asdict(self)

    @classmethod
    def from_dictionary(cls, source_dict: dict[str, Any]) -> AssessmentSource:
        """The source with these parts."""
        return cls(**source_dict)
