"""What a served model answers, as Python has it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from mlflow.exceptions import MlflowException
from mlflow.utils.optional import require

if TYPE_CHECKING:
    import numpy
    import pandas


class PredictionsResponse(dict):
    """The object that is the answer: `predictions`, and what is beside them."""

    def get_predictions(
        self, predictions_format: str = "dataframe", dtype: Any = None
    ) -> pandas.DataFrame | numpy.ndarray:
        """The predictions alone.

        Args:
            predictions_format: "dataframe" or "ndarray".
            dtype: Of the array.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE for another format.
        """
        if predictions_format == "dataframe":
            pd = require("pandas", "models", "predictions as a DataFrame")
            return pd.DataFrame(data=self["predictions"])
        if predictions_format == "ndarray":
            import numpy as np

            return np.array(self["predictions"], dtype)
        raise MlflowException.invalid_parameter_value(
            f"Unrecognized predictions format: '{predictions_format}'; it is 'dataframe' or "
            "'ndarray'."
        )

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """The answer as JSON; with a path, written there instead of returned."""
        if path is None:
            return json.dumps(self)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self, file)
        return None

    @classmethod
    def from_json(cls, json_str: str) -> PredictionsResponse:
        """Read an answer.

        Raises:
            MlflowException: If it is no JSON object with `predictions`.
        """
        try:
            answer = json.loads(json_str)
        except ValueError:
            raise MlflowException("Predictions response contents are not valid JSON") from None
        if not isinstance(answer, dict) or "predictions" not in answer:
            raise MlflowException(
                "Invalid response. Predictions response contents must be a dictionary containing a "
                f"'predictions' field. Instead, received: {answer}"
            )
        return cls(answer)
