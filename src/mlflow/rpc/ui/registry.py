"""The web UI's RPCs of the registry."""

from __future__ import annotations

from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.stages import Change
from mlflow.rpc.wire import Wire

_MOST = 500


class LastChanges(Wire):
    changes: dict[str, Change]
    """By the names of models; without those that no change is known of."""


@rpc(
    "POST",
    "/registered-models/last-changes",
    version="ui",
    ajax_only=True,
    compress=True,
    needs=("registered_model", "read"),
    response=LastChanges,
    idempotent=True,
    store="registry",
)
class GetLastChanges(Rpc, kw_only=True):
    """The last change of each of some registered models, of which versions are a part."""

    names: list[str] = []
    """At most 500."""

    def answer(self, store: Any) -> LastChanges:
        if len(self.names) > _MOST:
            raise MlflowException.invalid_parameter_value(
                f"{len(self.names)} names were given; at most {_MOST} are taken at once."
            )
        found = store.last_registry_changes(self.names)
        return LastChanges({name: Change.of(change) for name, change in found.items()})
