"""This Headrace as a wheel, so that an environment that is made for a model has the same.

A model's requirements name `mlflow==3.17.2`. What answers for that here is Headrace, so in an
environment made by it, it takes that place, and it takes it as it is running now: an editable
checkout, a release, a patched copy. Its files are packed as they are; nothing is built, and no
index has to know it. Another state of a checkout is another wheel, and so another environment.
What it needs itself (`headrace[models]`, for the reference brings pandas along, too) comes from the
index like all the rest.

`HEADRACE_MODEL_ENV_MLFLOW` chooses otherwise: `mlflow` leaves the requirement as it is and gets
the reference, anything else is what to install instead, such as `headrace==0.2.0` or a wheel.
"""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from mlflow.environment_variables import _EnvironmentVariable
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.version import HEADRACE_VERSION

HEADRACE_MODEL_ENV_MLFLOW = _EnvironmentVariable(
    "HEADRACE_MODEL_ENV_MLFLOW",
    str,
    "headrace",
    "What fulfils `mlflow` in environments made for models: headrace, mlflow, or a requirement.",
)

#: Requirements of these names are fulfilled by Headrace.
FULFILLED = {"headrace", "mlflow", "mlflow-skinny", "mlflow-tracing"}

_EXTRAS = "models"
_NAME = f"headrace-{HEADRACE_VERSION}-py3-none-any.whl"
_INFO = f"headrace-{HEADRACE_VERSION}.dist-info"
#: Files in a wheel bear a time; a fixed one makes equal contents equal files.
_TIME = (2020, 1, 1, 0, 0, 0)


def requirement(folder: str | os.PathLike[str], extras: str = _EXTRAS) -> str | None:
    """What to install in place of `mlflow`; None if the requirement is to stay as it is.

    Args:
        folder: Where the wheel is kept if one has to be packed.
        extras: What to install with it; what models need by default, "" for nothing.
    """
    chosen = HEADRACE_MODEL_ENV_MLFLOW.get()
    if chosen == "mlflow":
        return None
    if chosen != "headrace":
        return chosen
    return f"headrace{f'[{extras}]' if extras else ''} @ {pack(folder).as_uri()}"


def is_replaced() -> bool:
    """Whether environments get the reference, so that nothing of ours is in them."""
    return HEADRACE_MODEL_ENV_MLFLOW.get().startswith("mlflow")


def pack(folder: str | os.PathLike[str]) -> Path:
    """The wheel, in a folder below this one whose name tells its content.

    Raises:
        MlflowException: INVALID_STATE if this Headrace was not installed by a packager, so that
            nothing says what it needs.
    """
    try:
        installed = distribution("headrace")
    except PackageNotFoundError:
        raise MlflowException(
            "Headrace runs from files that were not installed, so it cannot be installed into "
            "another environment. Install it, or name what to install by "
            "HEADRACE_MODEL_ENV_MLFLOW.",
            error_code=CODES["INVALID_STATE"],
        ) from None
    contents = dict(sorted(_contents(installed)))
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    wheel = Path(folder).absolute() / digest.hexdigest()[:16] / _NAME
    if not wheel.exists():
        wheel.parent.mkdir(parents=True, exist_ok=True)
        unfinished = wheel.with_name(f"{_NAME}.{os.getpid()}")
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in contents.items():
                file.writestr(zipfile.ZipInfo(name, _TIME), content, zipfile.ZIP_DEFLATED)
        os.replace(unfinished, wheel)
    return wheel


def _contents(installed: Distribution) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file of the wheel."""
    package = Path(__file__).resolve().parents[1]
    records = []
    for name, content in (*_package(package), *_facts(installed)):
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        records.append(f"{name},sha256={digest},{len(content)}\n")
        yield name, content
    yield f"{_INFO}/RECORD", ("".join(sorted(records)) + f"{_INFO}/RECORD,,\n").encode()


def _package(package: Path) -> Iterator[tuple[str, bytes]]:
    for path in package.rglob("*"):
        within = path.relative_to(package)
        if within.parts[:2] == ("server", "static"):
            continue  # the built UI, of which a model makes no use
        if path.is_file() and "__pycache__" not in within.parts and path.suffix != ".pyc":
            yield f"mlflow/{within.as_posix()}", path.read_bytes()


def _facts(installed: Distribution) -> Iterator[tuple[str, bytes]]:
    for name in ("METADATA", "entry_points.txt"):
        text = installed.read_text(name)
        if text is not None:
            yield f"{_INFO}/{name}", text.encode()
    wheel = "Wheel-Version: 1.0\nGenerator: headrace\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    yield f"{_INFO}/WHEEL", wheel.encode()
