"""One file of a journal: log calls, appended to memory that the file is mapped to.

What is written there survives the end of the process without a system call, since the pages belong
to the kernel; a loss of power loses what was not yet synced.

    offset 0    magic, 24 bytes
    offset 24   64 bits: everything before this offset is stored, or was refused
    offset 32   64 bits: the complement of that
    offset 40   records, one after the other; zeros where none was written yet

    record      32 bits    CRC-32 of the rest of the record
                 4 bits    kind
                28 bits    bytes of the body
                           body

    TEXT        UTF-8; the first text of a segment has the number 0, the next 1, and so on
    POINTS      number of the run's id; then for each point the number of the key, value, step, time
    OTHER       number of the run's id; then the call as JSON
    TRACE       a trace, as `mlflow.tracing.record` writes it

All numbers are little-endian. A segment can be read without the ones before it. Bytes that are no
record end it: what is behind them cannot be trusted.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
from collections.abc import Sequence
from typing import Any
from zlib import crc32

from mlflow.entities import Metric, Param, RunTag

MAGIC = b"HEADRACE JOURNAL 1\n".ljust(24, b"\0")
FIRST = 40
_STORED = slice(24, 40)
_ALL_BITS = (1 << 64) - 1

TEXT, POINTS, OTHER, TRACE = 1, 2, 3, 4
_KIND_BITS = 28
MOST_BYTES = (1 << _KIND_BITS) - 1
"""Longest body."""
_HEAD = struct.Struct("<II")
_RUN = struct.Struct("<I")
_ENTRY = struct.Struct("<Idqq")
_POINT = struct.Struct("<IIIdqq")

POINT_WORD = POINTS << _KIND_BITS | _RUN.size + _ENTRY.size
POINT_BYTES = 4 + _POINT.size
"""Of the record of a call with one point."""
pack_point = _POINT.pack
"""(POINT_WORD, run, key, value, step, time) to a record, but for its CRC."""
pack_run = _RUN.pack
pack_entry = _ENTRY.pack


def record(kind: int, body: bytes) -> bytes:
    """The bytes of a record."""
    rest = _RUN.pack(kind << _KIND_BITS | len(body)) + body
    return crc32(rest).to_bytes(4, "little") + rest


class Call:
    """One log call, as the journal has it."""

    __slots__ = ("start", "end", "run_id", "metrics", "params", "tags", "ending", "trace")

    def __init__(
        self,
        start: int,
        end: int,
        run_id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
        ending: tuple[int, int] | None = None,
        trace: bytes | None = None,
    ):
        self.start = start
        """Where it begins in the journal."""
        self.end = end
        self.run_id = run_id
        self.metrics = metrics
        self.params = params
        self.tags = tags
        self.ending = ending
        """The status and the time with which the run ended; None if the call did not end it."""
        self.trace = trace
        """A trace that has ended; there is nothing else then, and `run_id` is empty."""

    def as_json(self) -> dict[str, Any]:
        """For people and for JSON."""
        if self.trace is not None:
            return {"trace": self.trace.decode("utf-8", "replace")}
        shown: dict[str, Any] = {"run_id": self.run_id}
        if self.metrics:
            shown["metrics"] = [
                {k: v for k, v in m.to_dictionary().items() if v is not None} for m in self.metrics
            ]
        if self.params:
            shown["params"] = {p.key: p.value for p in self.params}
        if self.tags:
            shown["tags"] = {t.key: t.value for t in self.tags}
        if self.ending:
            shown["status"], shown["end_time"] = self.ending
        return shown


def encode_other(
    metrics: Any = (), params: Any = (), tags: Any = (), ending: tuple[int, int] | None = None
) -> bytes:
    """The JSON of a call; TypeError or ValueError if something in it has none."""
    content: dict[str, Any] = {}
    if metrics:
        content["metrics"] = [
            [m.key, m.value, m.timestamp, m.step, m.model_id, m.dataset_name, m.dataset_digest]
            for m in metrics
        ]
    if params:
        content["params"] = [[p.key, p.value] for p in params]
    if tags:
        content["tags"] = [[t.key, t.value] for t in tags]
    if ending:
        content["ending"] = ending
    return json.dumps(content, separators=(",", ":")).encode()


class Segment:
    """A segment in a file or, where there can be none, in memory."""

    __slots__ = ("memory", "writer", "base", "size", "path", "_file")

    def __init__(
        self,
        memory: Any,
        writer: str,
        base: int,
        path: str | None = None,
        file: int = -1,
    ):
        self.memory = memory
        self.writer = writer
        """What the store knows the journal by."""
        self.base = base
        """Offset of its first byte in the journal."""
        self.size = len(memory)
        self.path = path
        self._file = file

    @classmethod
    def in_memory(cls, writer: str, base: int, size: int) -> Segment:
        return cls(bytearray(MAGIC.ljust(size, b"\0")), writer, base)

    @classmethod
    def create(cls, path: str, writer: str, base: int, size: int) -> Segment:
        """A new file of `size` bytes; OSError if there is no room for it."""
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
        try:
            # Now, because writing to a mapped page that the disk has no room for kills the process
            _allocate(file, size)
            memory = mmap.mmap(file, size)
        except BaseException:
            os.close(file)
            os.unlink(path)
            raise
        memory[: len(MAGIC)] = MAGIC
        return cls(memory, writer, base, path, file)

    @classmethod
    def open(cls, path: str, writer: str, base: int) -> Segment:
        """What another process wrote; OSError if it cannot be read."""
        file = os.open(path, os.O_RDWR | _BINARY)
        try:
            size = os.fstat(file).st_size
            memory: Any = mmap.mmap(file, size) if size > FIRST else bytearray(FIRST)
        except BaseException:
            os.close(file)
            raise
        return cls(memory, writer, base, path, file)

    @property
    def stored(self) -> int:
        """Everything before this offset in the segment is stored, or was refused. 0 if that is not
        known: what is stored is then sent again, and passed over by the store."""
        both = int.from_bytes(self.memory[_STORED], "little")
        offset = both & _ALL_BITS
        return offset if offset ^ both >> 64 == _ALL_BITS else 0

    @stored.setter
    def stored(self, offset: int) -> None:
        self.memory[_STORED] = ((_ALL_BITS ^ offset) << 64 | offset).to_bytes(16, "little")

    def sync(self) -> None:
        """Return once it also survives a loss of power."""
        if self._file >= 0:
            try:
                os.fsync(self._file)  # not msync: Python would keep all other threads waiting
            except OSError:
                if self._file >= 0:  # else it was stored and removed meanwhile
                    raise

    def close(self, *, remove: bool = False) -> None:
        """Let go of the file."""
        if isinstance(self.memory, mmap.mmap):
            self.memory.close()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if remove and self.path:
            _unlink(self.path)


#: Bytes that are read at once: enough for a few batches, and not so much that Python's collector
#: has work with it.
WINDOW = 1 << 18


class Reader:
    """Reads the calls of one segment, in order, from its first."""

    def __init__(self, segment: Segment):
        self.segment = segment
        self.position = FIRST
        self.damaged = 0
        """Bytes at its end that are no record, though not all of them are zero."""
        self._texts: list[str] = []

    def read(self, until: int, most: int) -> list[Call]:
        """The next calls.

        Args:
            until: Offset in the segment where records end, for now.
            most: Bytes after which to stop.
        """
        calls: list[Call] = []
        memory, position = self.segment.memory, self.position
        stop = min(until, position + most)
        while position < stop:
            start = position
            if start + _HEAD.size <= until:
                crc, word = _HEAD.unpack_from(memory, start)
                position = start + _HEAD.size + (word & MOST_BYTES)
                if position <= until:
                    rest = bytes(memory[start + 4 : position])
                    if crc32(rest) == crc:
                        try:
                            call = self._decode(word >> _KIND_BITS, rest, start, position)
                        except Exception:  # a CRC that fits by chance, or was made to fit
                            pass
                        else:
                            if call is not None:
                                calls.append(call)
                            continue
            self.damaged = _length_without_zeros(memory, start, until)
            position = until
        self.position = position
        return calls

    def _decode(self, kind: int, rest: bytes, start: int, end: int) -> Call | None:
        texts = self._texts
        start += self.segment.base
        end += self.segment.base
        if kind == POINTS:
            if len(rest) == _POINT.size:
                _, run, key, value, step, time = _POINT.unpack(rest)
                return Call(start, end, texts[run], (Metric(texts[key], value, time, step),))
            (run,) = _RUN.unpack_from(rest, 4)
            points = [
                Metric(texts[key], value, time, step)
                for key, value, step, time in _ENTRY.iter_unpack(rest[8:])
            ]
            return Call(start, end, texts[run], points)
        if kind == TEXT:
            texts.append(rest[4:].decode("utf-8", "surrogatepass"))
            return None
        if kind == TRACE:
            return Call(start, end, "", trace=rest[4:])
        if kind == OTHER:
            (run,) = _RUN.unpack_from(rest, 4)
            content = json.loads(rest[8:])
            ending = content.get("ending")
            return Call(
                start,
                end,
                texts[run],
                [Metric(*m) for m in content.get("metrics", ())],
                [Param(*p) for p in content.get("params", ())],
                [RunTag(*t) for t in content.get("tags", ())],
                (ending[0], ending[1]) if ending else None,
            )
        raise ValueError(f"no record of kind {kind}")


def _length_without_zeros(memory: Any, start: int, end: int) -> int:
    """Bytes up to the last one that is not zero."""
    while end > start:
        part = max(start, end - (1 << 20))
        used = len(memory[part:end].rstrip(b"\0"))
        if used:
            return part + used - start
        end = part
    return 0


_BINARY = getattr(os, "O_BINARY", 0)


def _write_zeros(file: int, size: int) -> None:
    """Take room on a disk whose system has no call for it."""
    zeros = bytes(min(size, 1 << 20))
    left = size
    while left > 0:
        left -= os.write(file, zeros[:left])


def _allocate(file: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        _write_zeros(file, size)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:  # gone already, or Windows still looks at it
        pass
