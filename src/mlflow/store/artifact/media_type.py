"""What kind of content a file has, by its name."""

from __future__ import annotations

import re
from functools import lru_cache

#: Read as plain text by people and browsers, whatever else they are.
_TEXT = frozenset(
    [
        "txt",
        "log",
        "err",
        "cfg",
        "conf",
        "cnf",
        "cf",
        "ini",
        "properties",
        "prop",
        "hocon",
        "toml",
        "yaml",
        "yml",
        "xml",
        "json",
        "js",
        "py",
        "py3",
        "csv",
        "tsv",
        "md",
        "rst",
        "MLmodel",
        "ipynb",
    ]
)

#: What browsers show and play, where the system has no longer list of its own.
_MEDIA = {
    ".apng": "image/apng",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".mkv": "video/x-matroska",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".ogv": "video/ogg",
    ".opus": "audio/ogg",
    ".weba": "audio/webm",
    ".webm": "video/webm",
    ".webp": "image/webp",
}

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_QUOTED = re.compile(r'["\\]')


def media_type(name: str) -> str:
    """The media type to send and serve a file as: text/plain for all common kinds of text."""
    if name.rpartition(".")[2] in _TEXT:
        return "text/plain"
    return guessed(name)[0] or "application/octet-stream"


@lru_cache(1024)
def guessed(name: str) -> tuple[str | None, str | None]:
    """Registered media type and encoding of such a name; None where unknown."""
    import mimetypes

    if "." not in name:
        return None, None
    found, encoding = mimetypes.guess_type(name)
    if found is None and encoding is None:
        found = _MEDIA.get(name[name.rindex(".") :].lower())
    return found, encoding


def attachment(name: str, kind: str = "attachment") -> str:
    """Value of a Content-Disposition header that makes a browser save the file under this name; as
    "inline", that only names the file for who saves it."""
    from unicodedata import normalize
    from urllib.parse import quote

    name = "".join(char for char in name if char.isprintable())
    plain = normalize("NFKD", name).encode("ascii", "ignore").decode() or "download"
    token = plain if _TOKEN.fullmatch(plain) else '"' + _QUOTED.sub(r"\\\g<0>", plain) + '"'
    if plain == name:
        return f"{kind}; filename={token}"
    return f"{kind}; filename={token}; filename*=UTF-8''{quote(name, safe='', errors='replace')}"
