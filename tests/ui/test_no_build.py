"""An install without node has no UI: a plain page says so, and everything else works."""

from __future__ import annotations

import shutil

from tests.conftest import Server
from tests.ui.browser import Page, Site, expect
from tests.ui.conftest import ROOT
from tests.ui.seed import Seed


def test_a_plain_page_says_so_and_the_api_is_alive(make_page, tmp_path, monkeypatch):
    without = tmp_path / "without"
    leave = shutil.ignore_patterns("static", "__pycache__")
    shutil.copytree(ROOT / "src/mlflow", without / "mlflow", ignore=leave)
    monkeypatch.setenv("PYTHONPATH", str(without))
    folder = tmp_path / "store"
    folder.mkdir()
    server = Server(folder).start()
    try:
        page: Page = make_page(Site(server, Seed(str(folder), 0)))
        page.open("")
        expect(page.get_by_role("heading", name="The API works")).to_be_visible()
        assert "npm" in page.locator("body").inner_text()
        page.keep_one("no-build")
        made = page.evaluate(
            """() => fetch('ajax-api/2.0/mlflow/experiments/create', {
              method: 'POST', body: JSON.stringify({name: 'from a page'}),
              headers: {'Content-Type': 'application/json'},
            }).then((answer) => answer.json())"""
        )
        assert page.site.client.get_experiment(made["experiment_id"]).name == "from a page"
        page.get_by_role("link", name="the API").click()
        page.wait_for_url("**/openapi.json")
    finally:
        server.stop()
    assert "not built" in server.log.read_text()
