"""Input examples and signatures that autologging takes from training data."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

INPUT_EXAMPLE_SAMPLE_ROWS = 5
ENSURE_AUTOLOGGING_ENABLED_TEXT = (
    "please ensure that autologging is enabled before constructing the dataset."
)


class InputExampleInfo:
    """An input example, or why there is none.

    Kept on data sets when they are made, for the training that uses them later.
    """

    def __init__(self, input_example: Any = None, error_msg: str | None = None):
        self.input_example = input_example
        self.error_msg = error_msg


def resolve_input_example_and_signature(
    get_input_example: Callable[[], Any],
    infer_model_signature: Callable[[Any], Any],
    log_input_example: bool,
    log_model_signature: bool,
    logger: logging.Logger,
) -> tuple[Any, Any]:
    """What to log with a model; what cannot be had is left out with a warning.

    Args:
        get_input_example: Called if either is wanted.
        infer_model_signature: The signature, from an input example.

    Returns:
        The example, or None; the signature, or False if none is to be made from the example.
    """
    example = signature = None
    failure = None
    if log_input_example or log_model_signature:
        try:
            example = get_input_example()
        except Exception as error:
            failure = f"could not sample data to infer model signature: {error}"
            if log_input_example:
                logger.warning("Failed to gather input example: %s", error)
    if example is None and failure is None:
        return None, None
    if not log_model_signature:
        signature = False
    elif failure is None:
        signature = False
        try:
            signature = infer_model_signature(example)
        except Exception as error:
            failure = str(error)
    if failure is not None and log_model_signature:
        logger.warning("Failed to infer model signature: %s", failure)
    return (example if log_input_example else None), signature
