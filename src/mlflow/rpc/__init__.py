"""The wire, each RPC once."""

from __future__ import annotations


def all_rpcs() -> list:
    """Every RPC, in a stable order. Importing their modules declares them."""
    from mlflow.rpc import (  # noqa: F401
        assessments,
        experiments,
        inputs,
        logged_models,
        metrics,
        model_versions,
        registry,
        runs,
        stages,
        trace_metrics,
        traces,
        traces_v2,
        transfer,
        webhooks,
    )
    from mlflow.rpc.declare import RPCS
    from mlflow.rpc.ui import datasets  # noqa: F401
    from mlflow.rpc.ui import experiments as experiments_of_ui  # noqa: F401
    from mlflow.rpc.ui import registry as registry_of_ui  # noqa: F401
    from mlflow.rpc.ui import runs as runs_of_ui  # noqa: F401
    from mlflow.rpc.ui import traces as traces_of_ui  # noqa: F401

    return list(RPCS)
