"""Times, durations and free values as the protocol's JSON spells them."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any

#: The times that can be said: of the years 1 to 9999, in milliseconds since the Unix epoch.
TIMES = range(-62_135_596_800_000, 253_402_300_800_000)
_DURATION = re.compile(r"(-?)(\d+)(?:\.(\d{1,9}))?s")


def moment(millis: int) -> datetime:
    """The time in UTC, without the fraction of its second; the nearest one that can be said."""
    seconds = min(max(millis, TIMES[0]), TIMES[-1]) // 1000
    return datetime.fromtimestamp(seconds, timezone.utc)


def timestamp_text(millis: int) -> str:
    """`2026-11-22T01:16:40.514Z`; without a fraction if there is none."""
    text = moment(millis).replace(tzinfo=None).isoformat()
    millis %= 1000
    return f"{text}.{millis:03}Z" if millis else f"{text}Z"


def timestamp_millis(text: str) -> int:
    """Milliseconds since the Unix epoch, of an RFC 3339 time.

    Raises:
        ValueError: If it is none, or says no time zone.
    """
    # Python 3.10 reads neither `Z` nor nine digits of a fraction.
    match = re.fullmatch(r"([^.]+?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", text)
    if match is None:
        raise ValueError(f"Time {text!r}; one such as '2026-11-22T01:16:40.514Z' is needed.")
    moment, fraction, zone = match.groups()
    zone = "+00:00" if zone == "Z" else zone
    seconds = int(datetime.fromisoformat(moment + zone).timestamp())
    return seconds * 1000 + int((fraction or "0").ljust(3, "0")[:3])


def duration_text(millis: int) -> str:
    """`0.113s`; without a fraction if there is none."""
    sign, millis = ("-", -millis) if millis < 0 else ("", millis)
    seconds, millis = divmod(millis, 1000)
    return f"{sign}{seconds}.{millis:03}s" if millis else f"{sign}{seconds}s"


def duration_millis(text: str) -> int:
    """Milliseconds of `0.113s`; ValueError if it is no such thing."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"Duration {text!r}; one such as '0.113s' is needed.")
    sign, seconds, fraction = match.groups()
    millis = int(seconds) * 1000 + int((fraction or "0").ljust(3, "0")[:3])
    return -millis if sign else millis


def free_value(value: Any) -> Any:
    """A value as `google.protobuf.Value` holds it: all its numbers are floats."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, dict):
        return {str(key): free_value(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [free_value(part) for part in value]
    raise TypeError(f"A value of type {type(value).__name__} has no JSON form.")
