"""Database URLs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from mlflow.exceptions import MlflowException


@dataclass(frozen=True)
class DatabaseUrl:
    """A database URL, parsed once:
    `dialect[+driver]://user:password@host:port/database?options`."""

    text: str
    dialect: str
    username: str | None
    password: str | None
    host: str | None
    port: int | None
    database: str
    options: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> DatabaseUrl:
        """The parts of `text`; MlflowException INVALID_PARAMETER_VALUE if it is no database URL."""
        parts = urlsplit(text)
        family = parts.scheme.partition("+")[0]
        dialect = {"postgres": "postgresql", "mariadb": "mysql"}.get(family, family)
        try:
            port = parts.port
        except ValueError:
            raise MlflowException.invalid_parameter_value(
                f"'{_without_password(text)}' has no valid port; a number from 1 to 65535 is "
                "needed."
            ) from None
        if dialect == "sqlite":
            # sqlite:///relative and sqlite:////absolute, as everybody writes them
            database = unquote(parts.path[1:])
        else:
            database = unquote(parts.path.lstrip("/"))
        return cls(
            text,
            dialect,
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password else None,
            parts.hostname,
            port,
            database,
            tuple(parse_qsl(parts.query, keep_blank_values=True)),
        )

    def __repr__(self) -> str:
        return f"DatabaseUrl({self.safe!r})"

    @property
    def safe(self) -> str:
        """The URL without its password, for messages."""
        return _without_password(self.text)


def _without_password(text: str) -> str:
    # up to the last @ before the path, as the URL is parsed
    text = re.sub(r"(://[^:/?#@]*):[^/?#]*@", r"\1:***@", text)
    return re.sub(r"([?&](?:password|passwd|\w*_password)=)[^&]*", r"\1***", text)
