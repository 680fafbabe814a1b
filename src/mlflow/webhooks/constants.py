"""Headers of messages."""

from __future__ import annotations

WEBHOOK_SIGNATURE_HEADER = "X-MLflow-Signature"
WEBHOOK_TIMESTAMP_HEADER = "X-MLflow-Timestamp"
"""Seconds since the Unix epoch, at which the message was sent."""
WEBHOOK_DELIVERY_ID_HEADER = "X-MLflow-Delivery-Id"
"""The same whenever the message is sent again."""
WEBHOOK_SIGNATURE_VERSION = "v1"
