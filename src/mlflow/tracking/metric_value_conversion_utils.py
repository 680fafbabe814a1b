from __future__ import annotations

import math
from numbers import Real
from typing import Any

from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.utils.validation import _validate_metric


def convert_metric_value_to_float_if_possible(x: Any) -> Any:
    """The number in a Python number, numpy scalar, one-element array or tensor, or a text such as
    "0.5", as a float; anything else as it is.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE for an array or tensor that does not hold just one
            number.
    """
    if hasattr(x, "item"):
        # Copies one number from the device; float() of some tensors warns or refuses.
        try:
            return float(x.item())
        except (TypeError, ValueError, RuntimeError) as error:
            raise MlflowException.invalid_parameter_value(
                f"Failed to convert metric value to float: {error}"
            ) from error
    try:
        return float(x)
    except (TypeError, ValueError):
        return x
    except OverflowError:
        raise MlflowException.invalid_parameter_value(
            "Failed to convert metric value to float: the integer is too large"
        ) from None


def plain_metric(metric: Metric) -> Metric:
    """The metric with a float and ints, whatever kinds of numbers it was made of; fractions of a
    step or of a millisecond are cut off.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if something is no number.
    """
    value, timestamp, step = metric.value, metric.timestamp, metric.step
    if type(value) is float and type(step) is int and type(timestamp) is int:
        return metric
    value = convert_metric_value_to_float_if_possible(value)
    timestamp, step = _whole(timestamp), _whole(step or 0)
    _validate_metric(metric.key, value, timestamp, step)
    return Metric(
        metric.key,
        value,
        timestamp,
        step,
        metric.model_id,
        metric.dataset_name,
        metric.dataset_digest,
        metric.run_id,
    )


def _whole(number: Any) -> Any:
    if hasattr(number, "item"):
        number = number.item()
    return int(number) if isinstance(number, Real) and math.isfinite(number) else number
