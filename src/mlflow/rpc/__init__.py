"""The wire, each RPC once."""

from __future__ import annotations


def all_rpcs() -> list:
    """Every RPC, in a stable order. Importing their modules declares them."""
    from mlflow.rpc import (  # noqa: F401
        experiments,
        inputs,
        logged_models,
        metrics,
        model_versions,
        registry,
        runs,
        stages,
        transfer,
        webhooks,
    )
    from mlflow.rpc.declare import RPCS

    return list(RPCS)
