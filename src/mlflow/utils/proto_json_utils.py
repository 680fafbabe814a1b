from __future__ import annotations

import json
from typing import Any


class NumpyEncoder(json.JSONEncoder):
    """JSON for what numpy and pandas hold: scalars, arrays as lists, times as ISO 8601, bytes in
    base64. Not a number stays `NaN`, which only some readers understand."""

    def default(self, o: Any) -> Any:
        plain, converted = self.try_convert(o)
        return plain if converted else super().default(o)

    def try_convert(self, o: Any) -> tuple[Any, bool]:
        """What JSON can hold of `o`, and whether that is so."""
        # numpy's kinds by their methods: who has such an object has loaded the library.
        if isinstance(o, bytes):
            import base64

            return base64.encodebytes(o).decode("ascii"), True
        if hasattr(o, "isoformat"):
            return o.isoformat(), True
        if hasattr(o, "dtype") and type(o).__module__.partition(".")[0] == "numpy":
            if o.dtype.kind == "M":
                return _iso(o), True
            if o.dtype.kind != "c":
                return o.tolist(), True
        return o, False


def _iso(times: Any) -> Any:
    text = times.astype(str).tolist()
    if isinstance(text, str):
        return None if text == "NaT" else text
    return text
