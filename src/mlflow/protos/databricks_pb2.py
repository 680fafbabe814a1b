"""Old public path of the error codes, as integers; the table itself is in `mlflow.error_codes`."""

from __future__ import annotations

from mlflow.error_codes import CODES


class _ErrorCodes:
    """The enum wrapper that clients know: names to numbers and back."""

    def Name(self, number: int) -> str:
        """The name of a code; ValueError if there is none with this number."""
        for name, value in CODES.items():
            if value == number:
                return name
        raise ValueError(f"Enum ErrorCode has no name defined for value {number}")

    def Value(self, name: str) -> int:
        """The number of a code; ValueError if there is none with this name."""
        try:
            return CODES[name]
        except KeyError:
            raise ValueError(f"Enum ErrorCode has no value defined for name {name!r}") from None

    def keys(self) -> list[str]:
        return list(CODES)

    def values(self) -> list[int]:
        return list(CODES.values())

    def items(self) -> list[tuple[str, int]]:
        return list(CODES.items())


ErrorCode = _ErrorCodes()
globals().update(CODES)
