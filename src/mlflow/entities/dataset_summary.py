from __future__ import annotations


class _DatasetSummary:
    """One row of the list of an experiment's datasets."""

    def __init__(self, experiment_id: str, name: str, digest: str, context: str | None):
        self.experiment_id = experiment_id
        self.name = name
        self.digest = digest
        self.context = context

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(self) == vars(other)

    def to_dict(self) -> dict[str, str | None]:
        """The parts by name."""
        return dict(vars(self))
