"""Which of several processes does what only one shall do: a file beside the experiments says so."""

from __future__ import annotations

import json
import os
from urllib.parse import quote

from mlflow.store.tracking.file import disk
from mlflow.store.tracking.file.core import FileCore, now_ms


class FileLeases(FileCore):
    def take_lease(self, name: str, holder: str, seconds: float) -> bool:
        """See `sql/leases.py`."""
        path = os.path.join(self.root, f".{quote(name, safe='')}.lease")
        now = now_ms()
        with disk.locked(self.root):
            try:
                known, expires = json.loads(disk.read(path) or b'["", 0]')
            except ValueError:  # cut short, or somebody else's
                known, expires = "", 0
            if known != holder and expires > now:
                return False
            content = json.dumps([holder, now + int(seconds * 1000)]).encode()
            disk.put({path: content}, self.root)
            return True
