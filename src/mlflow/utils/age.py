"""Lengths of time as people write them."""

from __future__ import annotations

import re

from mlflow.exceptions import MlflowException

_AGE = re.compile(r"(?:(?P<d>[.\d]+)d)?(?:(?P<h>[.\d]+)h)?(?:(?P<m>[.\d]+)m)?(?:(?P<s>[.\d]+)s)?")
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def parse_age(text: str) -> int:
    """Milliseconds in a length of time such as "1d2h3m4s".

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is not one.
    """
    found = _AGE.fullmatch(text.strip())
    try:
        parts = {unit: float(n) for unit, n in found.groupdict().items() if n} if found else {}
    except ValueError:  # such as 1.2.3
        parts = {}
    if not parts:
        raise MlflowException.invalid_parameter_value(
            f"Could not parse any time information from '{text}'. Examples of valid strings: "
            "'8h', '2d8h5m20s', '2m4s'"
        )
    return int(sum(n * _SECONDS[unit] for unit, n in parts.items()) * 1000)
