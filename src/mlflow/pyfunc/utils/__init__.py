"""What functions that are models can be decorated with."""

from __future__ import annotations

from mlflow.pyfunc.utils.data_validation import pyfunc

__all__ = ["pyfunc"]
