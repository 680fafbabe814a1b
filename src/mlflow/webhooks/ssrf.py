"""Which URLs may be asked is settled in `mlflow.rpc.egress`, for all who ask URLs of others."""

from __future__ import annotations

from mlflow.rpc.egress import EgressRefused as SSRFProtectionError

__all__ = ["SSRFProtectionError"]
