"""Fixtures of the web UI's tests: a browser, servers with the seeded store, and a page that fails
the test for whatever the browser complains about.

    from tests.ui.browser import expect

    def test_columns(page):
        page.open("#/experiments/1")
        expect(page.get_by_role("grid", name="Runs")).to_be_visible()
        page.keep("runs")       # a screenshot, where HEADRACE_SCREENSHOTS names a folder

`page` is on a server that all tests of a worker share, so it must change nothing there; `own_page`
is on one of its own. What is where is in the docstring of `tests/ui/seed.py`, ids are in
`page.site.seed`.

The browser is the one that `HEADRACE_CHROMIUM` names, or the Chromium or Chrome on PATH.
`HEADRACE_SEED` names a folder made by `python -m tests.ui.seed`, to save making one each time.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import mlflow.server
from tests.conftest import Server
from tests.optional import missing
from tests.ui.browser import Page, Site, launched
from tests.ui.seed import Seed, serve_arguments

ROOT = Path(__file__).parents[2]
STATIC = Path(mlflow.server.__path__[0], "static")
"""Where the build of the UI is, in the package that the servers run."""


@pytest.fixture(scope="session")
def built() -> Path:
    """The folder of the built UI."""
    if not (STATIC / "index.html").is_file():
        missing("the built web UI", "`npm --prefix ui ci && npm --prefix ui run build` builds it")
    return STATIC


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The seeded store, to be copied; one for all workers."""
    if given := os.environ.get("HEADRACE_SEED"):
        return Path(given)
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = shared / "seeded"
    with open(shared / "seeding", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "seed.json").exists():
            # In a process of its own, which leaves no connection open and no setting behind.
            command = [sys.executable, "-m", "tests.ui.seed", str(folder)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.fail(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    return folder


def copy_of(seeded: Path, folder: Path) -> Path:
    """A copy of a seeded store that may be changed: artifacts are replaced, never written to, so
    their files are shared."""
    shutil.copytree(seeded / "mlartifacts", folder / "mlartifacts", copy_function=_link)
    for name in ("mlflow.db", "seed.json"):
        shutil.copy(seeded / name, folder / name)
    return folder


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy(source, target)


def _site(seeded: Path, folder: Path, *arguments: str) -> Site:
    copy_of(seeded, folder)
    server = Server(folder, *serve_arguments(folder), *arguments).start()
    return Site(server, Seed.load(folder))


@pytest.fixture(scope="session")
def site(built: Path, seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with the seeded store, for tests that change nothing."""
    site = _site(seeded, tmp_path_factory.mktemp("site"))
    yield site
    site.server.stop()


@pytest.fixture
def make_site(built: Path, seeded: Path, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """A function that starts servers with copies of the seeded store; it takes options of `mlflow
    server`."""
    made: list[Site] = []

    def make(*arguments: str) -> Site:
        folder = tmp_path / f"site{len(made)}"
        folder.mkdir()
        made.append(_site(seeded, folder, *arguments))
        return made[-1]

    yield make
    for site in made:
        site.server.stop()


@pytest.fixture
def own_site(make_site: Callable[..., Site]) -> Site:
    """A server with a seeded store that this test may change."""
    return make_site()


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """The browser; one for each module."""
    with launched() as browser:
        yield browser


@pytest.fixture
def make_page(browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """A function that opens pages, each in a context of its own (`tests.ui.browser.Page`)."""
    made: list[Page] = []
    request.node.stash[_PAGES] = made

    def make(site: Site, **options) -> Page:
        made.append(Page(browser, site, **options))
        return made[-1]

    yield make
    for page in made:
        page.close()


@pytest.fixture
def page(make_page: Callable[..., Page], site: Site) -> Page:
    """A page of the shared server, which the test must not change."""
    return make_page(site)


@pytest.fixture
def own_page(make_page: Callable[..., Page], own_site: Site) -> Page:
    """A page of a server that this test may change."""
    return make_page(own_site)


_PAGES = pytest.StashKey[list]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item):
    """A test passes only if its pages had nothing to complain about. One that fails says what they
    complained about, and keeps a picture."""
    try:
        result = yield
    except BaseException:
        for page in item.stash.get(_PAGES, []):
            item.add_report_section("call", "browser", page.report(item.name))
        raise
    problems = [problem for page in item.stash.get(_PAGES, []) for problem in page.problems()]
    if problems:
        pytest.fail("The browser complained:\n  " + "\n  ".join(problems), pytrace=False)
    return result
