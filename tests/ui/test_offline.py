"""When the server is away, the page says so, keeps what it shows, and goes on by itself."""

from __future__ import annotations

from mlflow import MlflowClient
from tests.ui.browser import Page, expect

LOST = "The server cannot be reached."


def test_the_page_says_that_the_server_is_away_and_recovers_by_itself(own_page: Page):
    page, server = own_page, own_page.site.server
    page.open("#/settings")
    page.open("#/", cold=False)
    main = page.get_by_role("main")
    known = main.get_by_role("link", name="vision/churn", exact=True).first
    expect(known).to_be_visible()
    with page.offline():
        server.stop()
        page.open("#/settings", cold=False)
        status = page.get_by_role("status").filter(has_text=LOST)
        expect(status).to_be_visible()
        page.keep_one("offline")
        page.open("#/", cold=False)
        expect(known).to_be_visible()
        expect(status).to_be_visible()
        MlflowClient(page.site.seed.database).create_experiment("made meanwhile")
        server.start()
        expect(main.get_by_role("link", name="made meanwhile").first).to_be_visible()
    expect(status).to_have_count(0)


def test_a_page_that_is_loaded_only_now_is_there_after_the_break(own_page: Page):
    """Its chunk could not be fetched while the server was away."""
    page, server = own_page, own_page.site.server
    page.open("#/")
    with page.offline():
        server.stop()
        page.open("#/settings", cold=False)
        expect(page.get_by_role("main")).not_to_be_empty()
        server.start()
        page.open("#/", cold=False)
        page.open("#/settings", cold=False)
        expect(page.get_by_role("heading", name="Settings")).to_be_visible()
