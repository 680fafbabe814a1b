"""Who the user is to a tracking server: from the environment, or from `~/.mlflow/credentials`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from mlflow.environment_variables import (
    MLFLOW_TRACKING_AUTH,
    MLFLOW_TRACKING_AWS_SIGV4,
    MLFLOW_TRACKING_CLIENT_CERT_PATH,
    MLFLOW_TRACKING_INSECURE_TLS,
    MLFLOW_TRACKING_PASSWORD,
    MLFLOW_TRACKING_SERVER_CERT_PATH,
    MLFLOW_TRACKING_TOKEN,
    MLFLOW_TRACKING_USERNAME,
)
from mlflow.exceptions import MlflowException, MlflowNotImplementedException

if TYPE_CHECKING:
    from configparser import RawConfigParser

    from mlflow.utils.rest_utils import MlflowHostCreds


class MlflowCreds(NamedTuple):
    """User name and password of HTTP Basic authentication."""

    username: str | None
    password: str | None


def read_mlflow_creds() -> MlflowCreds:
    """User name and password; each from the environment, or else from the file, or None.

    The file has a section `[mlflow]` with `mlflow_tracking_username` and
    `mlflow_tracking_password`.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there is a file that is not of this form.
    """
    username = MLFLOW_TRACKING_USERNAME.get()
    password = MLFLOW_TRACKING_PASSWORD.get()
    if username and password:
        return MlflowCreds(username, password)
    saved = _read_file()
    return MlflowCreds(username or saved.username, password or saved.password)


def _get_credentials_path() -> str:
    return os.path.join(os.path.expanduser("~"), ".mlflow", "credentials")


def _read_file() -> MlflowCreds:
    path = _get_credentials_path()
    if not os.path.exists(path):
        return MlflowCreds(None, None)
    from configparser import Error, RawConfigParser

    parser = RawConfigParser()
    try:
        with open(path, encoding="utf-8") as stream:
            parser.read_file(stream)
    except (OSError, ValueError, Error) as error:
        raise MlflowException.invalid_parameter_value(
            f"{path} cannot be read ({error}); lines such as '[mlflow]' and "
            "'mlflow_tracking_username = name' are needed."
        ) from error
    return MlflowCreds(_saved(parser, "username"), _saved(parser, "password"))


def _saved(parser: RawConfigParser, key: str) -> str | None:
    value = parser.get("mlflow", f"mlflow_tracking_{key}", fallback=None)
    # A percent sign may be written doubled, as the reference demands
    return value.replace("%%", "%") if value else None


def get_default_host_creds(store_uri: str) -> MlflowHostCreds:
    """All that the environment and the file say about reaching the server at `store_uri`."""
    from mlflow.utils.rest_utils import MlflowHostCreds

    creds = read_mlflow_creds()
    return MlflowHostCreds(
        host=store_uri,
        username=creds.username,
        password=creds.password,
        token=MLFLOW_TRACKING_TOKEN.get(),
        aws_sigv4=MLFLOW_TRACKING_AWS_SIGV4.get(),
        auth=MLFLOW_TRACKING_AUTH.get(),
        ignore_tls_verification=MLFLOW_TRACKING_INSECURE_TLS.get(),
        client_cert_path=MLFLOW_TRACKING_CLIENT_CERT_PATH.get(),
        server_cert_path=MLFLOW_TRACKING_SERVER_CERT_PATH.get(),
    )


def login(backend: str = "databricks", interactive: bool = True) -> None:
    """Would store credentials of a hosted tracking server; not there yet.

    Raises:
        MlflowException: NOT_IMPLEMENTED for `databricks`; otherwise the backend is unknown.
    """
    if backend != "databricks":
        raise MlflowException(
            f"Currently only 'databricks' backend is supported, received `backend={backend}`."
        )
    raise MlflowNotImplementedException(
        "login() is not there yet: hosted Databricks tracking is not supported. For a server of "
        "your own set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
    )
