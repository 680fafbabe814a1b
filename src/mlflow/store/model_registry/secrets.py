"""Secrets in the registry's database: encrypted, with a key that is not in it."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from mlflow.environment_variables import MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY
from mlflow.exceptions import MlflowException
from mlflow.utils.optional import require

_logger = logging.getLogger(__name__)


def encrypt(secret: str) -> str:
    """The secret as it is stored.

    Raises:
        MlflowException: INVALID_STATE if the library for it is missing; INVALID_PARAMETER_VALUE if
            the key in the environment is none.
    """
    try:
        told = secret.encode()
    except UnicodeEncodeError:  # what it is must not be repeated in an error
        raise MlflowException.invalid_parameter_value(
            "The webhook's secret has half of a surrogate pair, which is no character; a text of "
            "Unicode characters is needed."
        ) from None
    return _cipher(MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY.get()).encrypt(told).decode()


def decrypt(stored: str) -> str:
    """The secret again.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it was encrypted with another key.
    """
    cipher = _cipher(MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY.get())
    from cryptography.fernet import InvalidToken

    try:
        return cipher.decrypt(stored.encode()).decode()
    except InvalidToken:
        raise MlflowException.invalid_parameter_value(
            "A webhook's secret was encrypted with another key than the one in "
            "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY. Set that key again, or give the webhook a new "
            "secret."
        ) from None


@cache
def _cipher(key: str | None) -> Any:
    fernet = require("cryptography.fernet", "webhooks", "secrets of webhooks")
    if not key:
        _logger.warning(
            "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY is not set: secrets of webhooks are encrypted "
            "with a key of this process, and are lost when it ends. `python -c 'from "
            "cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'` makes one."
        )
        return fernet.Fernet(fernet.Fernet.generate_key())
    try:
        return fernet.Fernet(key)
    except ValueError as error:
        raise MlflowException.invalid_parameter_value(
            f"MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY must be 32 bytes in url-safe base64: {error}"
        ) from error
