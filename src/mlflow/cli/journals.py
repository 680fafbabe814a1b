"""`mlflow sync` without arguments: send what dead processes logged in the background."""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import TYPE_CHECKING

import click

from mlflow.exceptions import MlflowException
from mlflow.utils.async_logging.orphan import Destination, ship_journals
from mlflow.utils.async_logging.shipment import read_refused
from mlflow.utils.progress import Progress

if TYPE_CHECKING:
    from mlflow.store.tracking.abstract_store import AbstractStore

#: Reasons that are shown of one file.
_REASONS = 5


def send_journals(*, dry_run: bool = False) -> None:
    """Send what the journals of this user hold, and say what became of it.

    Args:
        dry_run: Send nothing.
    """
    with Progress("Sending log calls", unit="calls") as progress:
        try:
            found = ship_journals(_open, progress.update, dry_run=dry_run)
        except KeyboardInterrupt:
            click.echo("\nInterrupted. The same command goes on from there.", err=True)
            sys.exit(130)
    for destination in found:
        _tell(destination, dry_run)
    if not found:
        click.echo("Nothing waits to be sent.")
    left = sum(d.trouble is not None for d in found)
    if left:
        raise click.ClickException(f"Journals for {left} of the above could not be sent.")


def _open(uri: str) -> AbstractStore:
    """The store at a URI that lost its credentials; those of the tracking URI are taken if it is
    the same store."""
    from mlflow.store.tracking.resolve import tracking_store
    from mlflow.tracking._tracking_service.utils import get_tracking_uri
    from mlflow.utils.async_logging.folder import without_credentials

    scheme, _, path = uri.partition(":///")
    if scheme.partition("+")[0] == "sqlite" and not os.path.exists(path.partition("?")[0]):
        raise MlflowException("There is no such database.")
    current = get_tracking_uri()
    return tracking_store(current if without_credentials(current) == uri else uri)


def _tell(found: Destination, dry_run: bool) -> None:
    click.echo(f"{found.uri or found.folder}")
    done = "to be sent" if dry_run else "sent"
    if found.calls or not (found.trouble or found.live or found.rejected or found.damaged):
        click.echo(f"  {_calls(found.calls)} {done}")
    if found.trouble is not None:
        click.echo(f"  not sent: {found.trouble}")
        click.echo(f"  kept in {found.folder}")
    for owner in found.live:
        who = f"process {owner.get('pid')} on {owner.get('host')}"
        click.echo(f"  {who} sends for itself, since {owner.get('started')}")
    for path in found.rejected:
        lines = read_refused(path)
        click.echo(f"  {_calls(len(lines))} refused: {path}")
        reasons = Counter((str(r.get("run_id")), str(r.get("reason"))) for r in lines)
        for (run_id, reason), times in reasons.most_common(_REASONS):
            click.echo(f"    {times} of run {run_id}: {reason}")
        if len(reasons) > _REASONS:
            click.echo(f"    and {len(reasons) - _REASONS} other reasons")
    for path in found.damaged:
        click.echo(f"  damaged, read as far as that went: {path}")


def _calls(count: int) -> str:
    return "1 log call" if count == 1 else f"{count:,} log calls"
