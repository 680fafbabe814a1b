"""What this process logged to one store, in the order of the calls, until it is stored there."""

from __future__ import annotations

import logging
import os
import struct
import threading
import time
import uuid
from collections.abc import Sequence
from typing import Any
from zlib import crc32

from mlflow.entities import Metric, Param, RunTag
from mlflow.environment_variables import _EnvironmentVariable
from mlflow.utils.async_logging import folder
from mlflow.utils.async_logging.segment import (
    FIRST,
    MOST_BYTES,
    OTHER,
    POINT_BYTES,
    POINT_WORD,
    POINTS,
    TEXT,
    TRACE,
    Segment,
    encode_other,
    pack_entry,
    pack_point,
    pack_run,
    record,
)

HEADRACE_JOURNAL_MAX_BYTES = _EnvironmentVariable(
    "HEADRACE_JOURNAL_MAX_BYTES",
    int,
    4 << 30,
    "Most that the journals for one store may take on disk.",
)

_logger = logging.getLogger(__name__)

_SMALLEST, _LARGEST = 1 << 20, 64 << 20
"""Bytes of a segment: it is as large as all that wait together, so that there are never many."""
_MOST_IN_MEMORY = 64 << 20
"""Bytes, where there can be no file."""
_RETRY_SECONDS = 1.0
"""How long there is no room before it is looked for again."""


class NoRoom(Exception):
    """The journal is full, the memory beside it too."""


class Journal:
    """Any thread may add calls, a signal handler too; one thread at a time takes them out.

    Args:
        uri: Of the store; None if no other process could open it, and so there is no use in files.
    """

    def __init__(self, uri: str | None):
        self._uri = uri
        # Where more than one attribute changes, no call stands between the lines: Python runs
        # signal handlers after calls, and one that logs must not find half of a change.
        self._lock = threading.RLock()
        self.held: folder.Held | None = None
        self.segments: tuple[Segment, ...] = ()
        """The last one is being written to."""
        self.end = 0
        """Where the last call ends."""
        self.calls = 0
        """How many were added."""
        self._memory: Any = None  # of the last segment
        self._base = 0
        self._position = 0
        self._size = 0
        self._texts: dict[str, int] = {}  # the numbers of the texts in the last segment
        self._next_text = 0
        self._writer_in_memory = uuid.uuid4().hex
        self._warned = False
        self._no_room_until = 0.0

    # -- adding -----------------------------------------------------------------------------

    def add_point(self, run_id: str, key: str, value: float, step: int, timestamp: int) -> int:
        """Add a call that logs one point; where it ends in the journal.

        Raises:
            NoRoom: It was not added.
            struct.error, AttributeError, TypeError: Something is not of its type, or has more than
                64 bits.
        """
        with self._lock:
            while True:
                memory, texts = self._memory, self._texts
                try:
                    data = pack_point(POINT_WORD, texts[run_id], texts[key], value, step, timestamp)
                except KeyError:
                    self._define((run_id, key), POINT_BYTES)
                    continue
                data = crc32(data).to_bytes(4, "little") + data
                position = self._position
                end = position + POINT_BYTES
                if end <= self._size and memory is self._memory:
                    memory[position:end] = data
                    self._position = end
                    self.calls += 1
                    self.end = end = self._base + end
                    return end
                self._define((run_id, key), POINT_BYTES)

    def add(
        self,
        run_id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
        ending: tuple[int, int] | None = None,
    ) -> int:
        """Add any other call; where it ends in the journal.

        Raises:
            NoRoom: It was not added.
            ValueError, TypeError, AttributeError: It holds what cannot be written down.
        """
        if not (params or tags or ending) and metrics and all(map(_is_plain, metrics)):
            try:
                return self._add_points(run_id, metrics)
            except (struct.error, AttributeError, TypeError):
                pass  # the store will say what is wrong with it
        body = encode_other(metrics, params, tags, ending)
        if len(body) > MOST_BYTES - 4:
            raise ValueError(f"A call of {len(body):,} bytes is too large.")
        with self._lock:
            while True:
                memory, texts = self._memory, self._texts
                if run_id in texts:
                    end = self._append(record(OTHER, pack_run(texts[run_id]) + body), memory)
                    if end:
                        return end
                self._define((run_id,), len(body) + 12)

    def add_trace(self, data: bytes) -> int:
        """Add a trace that has ended; where it ends in the journal.

        Raises:
            NoRoom: It was not added.
            ValueError: It is too large.
        """
        if len(data) > MOST_BYTES:
            raise ValueError(f"A trace of {len(data):,} bytes is too large.")
        written = record(TRACE, data)
        with self._lock:
            while True:
                end = self._append(written, self._memory)
                if end:
                    return end
                self._define((), len(written))

    def _add_points(self, run_id: str, metrics: Sequence[Metric]) -> int:
        keys = dict.fromkeys(m.key for m in metrics)
        with self._lock:
            while True:
                memory, texts = self._memory, self._texts
                try:
                    body = pack_run(texts[run_id]) + b"".join(
                        [pack_entry(texts[m.key], m.value, m.step, m.timestamp) for m in metrics]
                    )
                except KeyError:
                    self._define((run_id, *keys), 12 + 28 * len(metrics))
                    continue
                end = self._append(record(POINTS, body), memory)
                if end:
                    return end
                self._define((run_id, *keys), 12 + 28 * len(metrics))

    def _append(self, data: bytes, memory: Any) -> int:
        """Add a record of a call; 0 if it has no room in this segment, or that is no longer the
        last."""
        size = len(data)
        position = self._position
        end = position + size
        if end <= self._size and memory is self._memory:
            memory[position:end] = data
            self._position = end
            self.calls += 1
            self.end = end = self._base + end
            return end
        return 0

    def _define(self, texts: Sequence[str], size: int) -> None:
        """Let the last segment know these texts, and have room for a record of `size` bytes."""
        encoded = {t: record(TEXT, t.encode("utf-8", "surrogatepass")) for t in texts}
        missing = [t for t in encoded if t not in self._texts]
        needed = size + sum(len(encoded[t]) for t in missing)
        if self._position + needed > self._size:
            self._begin_segment(size + sum(map(len, encoded.values())))
            missing = list(encoded)
        for text in missing:
            data = encoded[text]
            length = len(data)
            position = self._position
            end = position + length
            if end <= self._size and text not in self._texts:
                self._memory[position:end] = data
                self._position = end
                self._texts[text] = self._next_text
                self._next_text += 1

    def _begin_segment(self, needed: int) -> None:
        """Go on in a new segment with room for at least so many bytes; NoRoom if there is none."""
        if time.monotonic() < self._no_room_until:
            raise NoRoom()
        base = self._base + self._position
        waiting = sum(s.size for s in self.segments)
        size = max(_SMALLEST, min(_LARGEST, waiting), needed + FIRST)
        segment = self._make_segment(base, size)
        memory = segment.memory
        if base == self._base + self._position:
            self.segments = (*self.segments, segment)
            self._texts = {}
            self._next_text = 0
            self._memory = memory
            self._base = base
            self._position = FIRST
            self._size = size
        else:  # a signal handler has begun another one
            segment.close(remove=True)

    def _make_segment(self, base: int, size: int) -> Segment:
        if self._uri is not None:
            try:
                if self.held is None:
                    self.held = folder.claim(self._uri)
                above = os.path.dirname(self.held.path)
                limit = HEADRACE_JOURNAL_MAX_BYTES.get()
                if folder.bytes_taken(above) + size <= limit:
                    return self.held.create_segment(base, size)
                why = f"'{above}' has reached HEADRACE_JOURNAL_MAX_BYTES, {limit:,} bytes"
            except (OSError, ValueError) as error:
                why = f"{error}. HEADRACE_JOURNAL_DIR chooses another folder"
            self._warn_once(
                "What is logged in the background is kept in memory only, and lost if this process "
                f"is killed: {why}."
            )
        taken = sum(s.size for s in self.segments if s.path is None)
        if taken and taken + size > _MOST_IN_MEMORY:
            self._no_room_until = time.monotonic() + _RETRY_SECONDS
            raise NoRoom()
        return Segment.in_memory(self._writer_in_memory, base, size)

    def _warn_once(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            _logger.warning(text)

    # -- taking out -------------------------------------------------------------------------

    def written(self, segment: Segment) -> int:
        """Where the records of a segment end, so far."""
        with self._lock:
            if segment is self.segments[-1]:
                return self._position
            return self.segments[self.segments.index(segment) + 1].base - segment.base

    def remove(self, segment: Segment) -> bool:
        """Remove the first segment, unless calls are being added to it."""
        with self._lock:
            if segment is self.segments[-1]:
                return False
            self.segments = self.segments[1:]
            self._no_room_until = 0.0
        segment.close(remove=True)
        return True

    def sync(self) -> None:
        """Return once what was added also survives a loss of power."""
        for segment in self.segments:
            segment.sync()

    def clear(self, end: int) -> bool:
        """Remove everything, if there are no calls behind `end`; a later call begins anew."""
        with self._lock:
            if self.end > end:
                return False
            self._warned = False
            segments, self.segments = self.segments, ()
            self._base += self._position
            self._position = self._size = 0
            self._memory = None
            held, self.held = self.held, None
        for segment in segments:
            segment.close(remove=True)
        if held is not None:
            held.release()
        return True


def _is_plain(metric: Metric) -> bool:
    """Whether nothing is known of it but key, value, time and step."""
    return metric.model_id is metric.dataset_name is metric.dataset_digest is None
