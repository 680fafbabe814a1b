"""Two values that everything else here speaks in: where artifacts begin, and the way from there to
one of them.

A text from outside is parsed into them once. After that nobody splits, joins, decodes or compares
strings, so that no two places can read the same text in two ways.
"""

from __future__ import annotations

import ntpath
import os
import re
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

from mlflow.exceptions import MlflowException
from mlflow.utils.uri import append_to_uri_path, get_uri_scheme

Steps = tuple[str, ...]
"""Names from a root down to an artifact; never "", "." or ".."; () is the root itself."""

# One letter before a colon is a drive.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+):")
# Names that a reader at the other end may take for something else, even after decoding them again.
_UNPRINTED = re.compile(r"[\0\r\n]")
_FOREIGN_ROOT = re.compile(r"[/\\]|[A-Za-z]:(?:[/\\]|$)|file:[/\\]", re.IGNORECASE)
_WINDOWS_REFUSES = re.compile(
    r'[<>:"|?*\\]|[ .]$|^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)', re.IGNORECASE
)
_ENCODED = ("", "file", "http", "https")
_OURS = (*_ENCODED, "s3", "mlflow-artifacts", "runs")
#: A name is decoded again at most as often when looking for a hidden "..".
_DECODINGS = 8
#: Nobody has deeper trees, but some would like to see what happens.
_MAX_STEPS = 200


def invalid_path(message: str = "Invalid path") -> MlflowException:
    """The error for a path that does not lead below its root."""
    return MlflowException.invalid_parameter_value(message)


def steps(path: str | os.PathLike[str] | None) -> Steps:
    """The names in a relative artifact path such as "plots/loss.png".

    The text is taken as it is: "%", "#", "?" and spaces are characters of names. Empty names and
    "." are dropped.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if the path is absolute, goes up, has a line break
            or NUL, or would do so for a reader who decodes it once more or takes "\\" for "/".
    """
    text = "" if path is None else str(path)
    if not text:
        return ()
    if _UNPRINTED.search(text):
        raise invalid_path()
    for reading in _readings(text):
        if _FOREIGN_ROOT.match(reading) or ".." in re.split(r"[/\\]", reading):
            raise invalid_path()
    names = tuple(name for name in text.split("/") if name not in ("", "."))
    if len(names) > _MAX_STEPS:
        raise invalid_path(f"Invalid path: it has {len(names)} names; {_MAX_STEPS} is the most.")
    if os.name == "nt" and any(_WINDOWS_REFUSES.search(name) for name in names):
        raise invalid_path()
    return names


def _readings(text: str) -> list[str]:
    """The text, and what it becomes when it is percent-decoded again and again."""
    readings = [text]
    while "%" in text and len(readings) <= _DECODINGS:
        text = unquote(text)
        if text == readings[-1]:
            break
        readings.append(text)
    return readings


@dataclass(frozen=True)
class Location:
    """A place that holds artifacts, or one artifact there."""

    scheme: str
    """Lower case; "" for a path of this machine."""
    authority: str | None
    """Host and port, bucket, or whatever else stands after "//"; None where no "//" is."""
    path: str
    """Decoded; with a leading "/" unless it is a relative path of this machine."""

    @classmethod
    def parse(cls, text: str | os.PathLike[str]) -> Location:
        """From a URI or a path.

        `file:`, `http:` and `https:` URIs are percent-encoded and may have neither query nor
        fragment. All others, and paths of this machine, are taken as they are.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if the text is none of these.
        """
        text = str(text)
        if _UNPRINTED.search(text):
            raise MlflowException.invalid_parameter_value(
                f"Artifact location {text!r} has a line break or a NUL character."
            )
        match = _SCHEME.match(text)
        if match is None:
            return cls("", None, _native(text))
        scheme, path, authority = match[1].lower(), text[match.end() :], None
        if path.startswith("//"):
            authority, slash, path = path[2:].partition("/")
            path = slash + path
        if scheme in _ENCODED:
            path = _decoded(path, text)
        if scheme == "file":
            return cls("", None, _file_path(authority, path, text))
        return cls(scheme, authority, path if path.startswith("/") else f"/{path}")

    @property
    def is_local(self) -> bool:
        """Whether it is a path of this machine."""
        return not self.scheme

    @property
    def steps(self) -> Steps:
        """The names in the path of a remote location.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if it goes up.
        """
        return steps(self.path.lstrip("/"))

    def child(self, below: Steps) -> Location:
        """The location of something below this one."""
        if not below:
            return self
        if self.is_local:
            return replace(self, path=os.path.join(self.path, *below))
        return replace(self, path="/".join([self.path.rstrip("/"), *below]))

    def split(self) -> tuple[Location, str]:
        """The location above, and the last name: "" after a final "/" and at the top."""
        if self.is_local:
            folder, name = os.path.split(self.path)
            return replace(self, path=folder), name
        folder, _, name = self.path.rpartition("/")
        return replace(self, path=folder or "/"), name

    def __str__(self) -> str:
        if self.is_local:
            return self.path
        path = quote(self.path) if self.scheme in ("http", "https") else self.path
        authority = "" if self.authority is None else f"//{self.authority}"
        return f"{self.scheme}:{authority}{path}"


def child_uri(uri: str, below: Steps) -> str:
    """The URI of something below `uri`, in the form that `uri` has."""
    if get_uri_scheme(uri) in _ENCODED:
        return str(Location.parse(uri).child(below))
    return append_to_uri_path(uri, *below)  # which knows the query of a plug-in's URI


def split_uri(uri: str) -> tuple[str, str]:
    """The URI of the folder above, and the last name: "" after a final "/" and at the top."""
    if get_uri_scheme(uri) in _OURS:
        folder, name = Location.parse(uri).split()
        return str(folder), name
    parts = urlsplit(uri)
    path, _, name = parts.path.rpartition("/")
    return parts._replace(path=path or "/").geturl(), name


def _native(path: str) -> str:
    if os.name != "nt" and ntpath.splitdrive(path)[0].endswith(":"):
        raise MlflowException.invalid_parameter_value(
            f"Artifact location '{path}' is on a Windows drive, which this machine does not have."
        )
    return path


def _decoded(path: str, whole: str) -> str:
    if "?" in path or "#" in path:
        raise MlflowException.invalid_parameter_value(
            f"Artifact location '{whole}' has a query or a fragment, which it cannot have; "
            "write %3F and %23 for these characters in names."
        )
    decoded = unquote(path, errors="surrogateescape")
    if _UNPRINTED.search(decoded):
        raise MlflowException.invalid_parameter_value(
            f"Artifact location '{whole}' has a line break or a NUL character."
        )
    return decoded


def _file_path(authority: str | None, path: str, whole: str) -> str:
    if authority and authority.lower() != "localhost":
        if os.name == "nt":
            return rf"\\{authority}" + path.replace("/", "\\")
        raise MlflowException.invalid_parameter_value(
            f"'{whole}' names the machine '{authority}', whose files cannot be reached by a file "
            "URI. "
            "Use file:///path for a path of this machine."
        )
    if re.match(r"/[A-Za-z]:", path):
        path = path[1:]
    return _native(path)


def quoted(below: Steps) -> str:
    """The names as part of a URL."""
    return "/".join(quote(name, safe="", errors="surrogateescape") for name in below)
