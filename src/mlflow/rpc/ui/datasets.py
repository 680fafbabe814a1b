"""The web UI's RPC of datasets."""

from __future__ import annotations

from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.wire import Int64, Wire


class DatasetOverview(Wire, kw_only=True):
    """A dataset, and how it was used."""

    dataset_id: str
    """Opaque; the same as long as experiment, name and digest are."""
    experiment_id: str
    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    """JSON."""
    profile: str | None = None
    """JSON."""
    runs: int
    """Active runs that used it."""
    contexts: list[str]
    """What for, such as "training"; sorted."""
    last_used: Int64
    """When the newest of these runs started, in milliseconds since the Unix epoch."""


class DatasetOverviews(Wire):
    datasets: list[DatasetOverview]
    """Last used first."""


@rpc(
    "GET",
    "/datasets",
    version="ui",
    ajax_only=True,
    compress=True,
    needs=("experiment", "read"),
    response=DatasetOverviews,
)
class GetDatasetOverviews(Rpc, kw_only=True):
    """The datasets that active runs of experiments used."""

    experiment_ids: list[str] = []

    def answer(self, store) -> DatasetOverviews:
        return DatasetOverviews(store.overview_of_datasets(self.experiment_ids))
