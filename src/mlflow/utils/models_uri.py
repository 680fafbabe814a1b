"""`models:` URIs, parsed in one place."""

from __future__ import annotations

import datetime
import re
from typing import NamedTuple
from urllib.parse import parse_qsl

from mlflow.entities.model_registry.model_version_stages import get_canonical_stage
from mlflow.exceptions import MlflowException

_FORMS = (
    "Models URIs must be of the form 'models:/name/suffix' or 'models:/name@alias' where suffix is "
    "a version, stage, or the string 'latest' and where alias is a registered model alias. Only "
    "one of suffix or alias can be defined at a time."
)
_URI = re.compile(r"models:(?P<host>//[^/]*)?/+(?P<rest>.+)", re.IGNORECASE | re.DOTALL)
_LATEST = "latest"
_VERSION = re.compile(r"[0-9]+", re.ASCII)


class ModelsUri(NamedTuple):
    """What a `models:` URI names: a logged model; or one of a registered model's versions, by its
    number, as that of an alias, as the newest in a stage, or as the newest of all."""

    name: str
    """The registered model's; empty for a logged model."""
    model_id: str | None = None
    version: str | None = None
    alias: str | None = None
    stage: str | None = None
    """As it was written."""
    at: int | None = None
    """With `stage`: the version that was there then, in milliseconds since the Unix epoch."""
    path: str = ""
    """Below the model's folder."""

    @property
    def root(self) -> str:
        """The URI of the model itself."""
        if self.model_id is not None:
            return f"models:/{self.model_id}"
        if self.alias is not None:
            return f"models:/{self.name}@{self.alias}"
        at = "" if self.at is None else f"?at={self.at}"
        return f"models:/{self.name}/{self.version or self.stage or _LATEST}{at}"


def parse_models_uri(uri: str) -> ModelsUri:
    """What a `models:` URI names.

    `models:/m-…`, `models:/name/1`, `models:/name@alias`, `models:/name/Production`,
    `models:/name/latest`, each with a path behind it; and `models:/name/Production?at=…` for the
    version that was in the stage at a time: ISO 8601, in local time where it names no zone, or
    milliseconds since the Unix epoch.

    Raises:
        MlflowException: If it is none of these.
    """
    match = _URI.fullmatch(str(uri))
    if match is None or (match["host"] or "//") != "//":
        raise _improper(uri)
    first, *others = match["rest"].split("/")
    name, separator, alias = first.partition("@")
    if separator:
        if not (name and alias):
            raise _improper(uri)
        return ModelsUri(name, alias=alias, path="/".join(others))
    if not others or _is_model_id(first):
        if not first:
            raise _improper(uri)
        return ModelsUri("", model_id=first, path="/".join(others))
    suffix, path = others[0], "/".join(others[1:])
    if not (first and suffix):
        raise _improper(uri)
    stage, question, query = suffix.partition("?")
    if question:
        canonical = get_canonical_stage(stage)
        return ModelsUri(first, stage=canonical, at=_time(query, uri), path=path)
    if _VERSION.fullmatch(suffix):
        return ModelsUri(first, version=suffix, path=path)
    if suffix.lower() == _LATEST:
        return ModelsUri(first, path=path)
    get_canonical_stage(suffix)
    return ModelsUri(first, stage=suffix, path=path)


def logged_model_in(source: str | None) -> str | None:
    """The logged model that a version's source names; None if it names none."""
    scheme, _, model_id = (source or "").partition(":/")
    return model_id if scheme == "models" and _is_model_id(model_id) else None


def moment(text: str | int | float | datetime.datetime) -> int:
    """A time in milliseconds since the Unix epoch.

    Args:
        text: ISO 8601, in local time where it names no zone; or such a number; or a datetime.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is none of these.
    """
    try:
        if isinstance(text, str) and not text.lstrip("-").isdecimal():
            # Python before 3.11 does not know the letter for UTC.
            text = datetime.datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text))
        if isinstance(text, datetime.datetime):
            return int(text.timestamp() * 1000)
        return int(text)
    except (TypeError, ValueError, OverflowError, OSError):
        raise MlflowException.invalid_parameter_value(
            f"{text!r} is no time; it is written as 2026-05-03T12:00, with +02:00 or Z behind it "
            "for a time zone, or in milliseconds since 1970."
        ) from None


def _is_model_id(text: str) -> bool:
    return re.fullmatch(r"m-[0-9a-f]{32}", text) is not None


def _time(query: str, uri: str) -> int:
    # A plus sign is one, and no blank: it stands before a time zone.
    pairs = parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)
    if len(pairs) != 1 or pairs[0][0] != "at":
        raise MlflowException.invalid_parameter_value(
            f"'{uri}' has the query '{query}'; at=<time> is the only one there is."
        )
    return moment(pairs[0][1])


def _improper(uri: str) -> MlflowException:
    return MlflowException(f"Not a proper models:/ URI: {uri}. {_FORMS}")
