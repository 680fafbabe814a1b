"""Journals of processes that died: what they logged and could not send."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlflow.utils.async_logging import folder, root
from mlflow.utils.async_logging.segment import WINDOW, Call, Reader, Segment
from mlflow.utils.async_logging.shipment import (
    NotNow,
    Refused,
    Shipment,
    read_refused,
    told,
)

if TYPE_CHECKING:
    from mlflow.store.tracking.abstract_store import AbstractStore

_logger = logging.getLogger(__name__)


class Orphan:
    """Sends the journal of a dead process, and removes it.

    Args:
        held: The journal; it is let go of once everything is sent.
        on_stored: Called with calls that are stored, or were refused.
    """

    def __init__(
        self,
        held: folder.Held,
        store: AbstractStore,
        on_stored: Callable[[list[Call]], None],
        on_refused: Callable[[list[Call]], None] = lambda calls: None,
    ):
        self.held = held
        self._on_stored = on_stored
        self._on_refused = on_refused
        self._refused: Refused | None = None
        self._shipment = Shipment(store, on_stored, self._note_refused)
        self._segments: Iterator[Segment] = held.open_segments()
        self._reader: Reader | None = None

    def send(self) -> None:
        """Return once everything is stored, or was refused. Raises NotNow when the rest must be
        sent later, by another call."""
        while True:
            self._shipment.send()
            reader = self._reader
            if reader is not None:
                reader.segment.stored = max(reader.segment.stored, reader.position)
                if reader.position >= reader.segment.size:
                    self._finish(reader)
                    self._reader = reader = None
            if reader is None:
                segment = next(self._segments, None)
                if segment is None:
                    self.held.release()
                    return
                self._reader = reader = Reader(segment)
            segment = reader.segment
            stored = segment.base + segment.stored
            calls = [c for c in reader.read(segment.size, WINDOW) if c.end > stored]
            self._shipment.load(segment.writer, calls)

    def _finish(self, reader: Reader) -> None:
        segment = reader.segment
        if reader.damaged:
            kept = self.held.keep_damaged(segment)
            _logger.warning(
                "%s bytes at the end of a journal cannot be read, and what they held is lost; "
                "the file is kept as '%s'.",
                f"{reader.damaged:,}",
                kept,
            )
        segment.close(remove=not reader.damaged)

    def _note_refused(self, calls: list[Call], error: Exception) -> None:
        if self._refused is None:
            self._refused = Refused(self.held.rejected, self.held.uri, again=True)
        self._refused.note(calls, error)
        self._on_refused(calls)
        self._on_stored([])


@dataclass
class Destination:
    """What `ship_journals` found for one store."""

    uri: str
    """Without credentials; empty if no journal says it."""
    folder: str
    calls: int = 0
    """Stored now."""
    refused: int = 0
    """Refused now, and written to one of `rejected`."""
    trouble: str | None = None
    """Why the rest could not be sent."""
    live: list[dict[str, Any]] = field(default_factory=list)
    """Owners of journals that send for themselves: their host, pid, and when they started."""
    rejected: list[str] = field(default_factory=list)
    """Files of refused calls, also from earlier times."""
    damaged: list[str] = field(default_factory=list)
    """Segments with bytes that cannot be read."""


def ship_journals(
    open_store: Callable[[str], AbstractStore],
    on_progress: Callable[[int], None] = lambda calls: None,
    *,
    dry_run: bool = False,
) -> list[Destination]:
    """Send what processes of this user that are dead have left in their journals.

    Args:
        open_store: From the URI of a store, without credentials, to the store.
        on_progress: Called with the number of further calls that are stored or were refused.
        dry_run: Count calls, and send none.

    Returns:
        One entry for each store for which there are files.
    """
    try:
        top = root()
        names = sorted(os.listdir(top))
    except OSError:
        return []
    paths = [os.path.join(top, name) for name in names]
    found = [_ship(p, open_store, on_progress, dry_run) for p in paths if os.path.isdir(p)]
    return [d for d in found if d.uri or d.rejected or d.damaged]


def _count(held: folder.Held) -> int:
    """How many calls wait in a journal."""
    count = 0
    for segment in held.open_segments():
        reader, stored = Reader(segment), segment.base + segment.stored
        while reader.position < segment.size:
            count += sum(c.end > stored for c in reader.read(segment.size, WINDOW))
        segment.close()
    return count


def _ship(
    path: str,
    open_store: Callable[[str], AbstractStore],
    on_progress: Callable[[int], None],
    dry_run: bool,
) -> Destination:
    found = Destination("", path)

    def stored(calls: list[Call]) -> None:
        found.calls += len(calls)
        on_progress(len(calls))

    def refused(calls: list[Call]) -> None:
        found.refused += len(calls)
        on_progress(len(calls))

    tried = set()
    for held in folder.orphans(path):
        tried.add(held.name)
        found.uri = found.uri or held.uri
        try:
            if dry_run:
                found.calls += _count(held)
                continue
            if not held.uri:
                raise ValueError(f"'{held.path}' does not say which store it is for")
            Orphan(held, open_store(held.uri), stored, refused).send()
        except Exception as error:
            cause = error.__cause__ or error if isinstance(error, NotNow) else error
            found.trouble = told(cause)
        finally:
            held.let_go()
    for name in sorted(os.listdir(path)) if os.path.isdir(path) else ():
        inside = os.path.join(path, name)
        if name.startswith("rejected-"):
            found.rejected.append(inside)
            for line in read_refused(inside)[:1]:
                found.uri = found.uri or str(line.get("store") or "")
        elif name.startswith("damaged-"):
            found.damaged.append(inside)
        elif not name.startswith(".") and name not in tried:
            found.live.append(folder.owner_of(inside))
            found.uri = found.uri or str(found.live[-1].get("destination") or "")
    return found
