"""A process that copies until it is done or killed.

python -m tests.sync.copier SOURCE DESTINATION ARTIFACT_ROOT [foreign]
"""

from __future__ import annotations

import sys

from mlflow.store.tracking.rest.transfer import RestTransfer
from mlflow.sync import Report, sync


def be_foreign() -> None:
    """Treat a server of ours as one of the reference, which gives ids of its own."""
    RestTransfer.can_adopt = property(lambda self: False)


if __name__ == "__main__":
    source, destination, root, *foreign = sys.argv[1:]
    if foreign:
        be_foreign()
    print("ready", flush=True)
    report = sync(source, destination, artifact_root=root, report=Report(complain=print))
    print(f"done {report.problem_count}", flush=True)
