"""What changes on the server comes to the page by itself: one stream a window that is seen."""

from __future__ import annotations

import re
import urllib.request

from tests.ui.browser import Page, expect

SHOW = """(hidden) => {
  Object.defineProperty(document, 'hidden', {value: hidden, configurable: true})
  document.dispatchEvent(new Event('visibilitychange'))
}"""


def streams(page: Page) -> list[str]:
    """The URLs of the streams that the page asked for."""
    return [sent.url for sent in page.sent if sent.kind == "eventsource"]


def open_streams(page: Page) -> int:
    """How many streams the server has open."""
    with urllib.request.urlopen(f"{page.site.uri}/metrics") as answer:
        text = answer.read().decode()
    (found,) = re.findall(r"^headrace_requests_in_progress (\S+)$", text, re.M)
    return int(float(found)) - 1  # this request


def test_runs_appear_and_only_windows_that_are_seen_listen(own_page: Page):
    page, client = own_page, own_page.site.client
    experiment = client.create_experiment("live")
    client.create_run(experiment, run_name="here-already")
    page.open(f"#/experiments/{experiment}")
    grid = page.get_by_role("grid").first
    expect(grid.get_by_text("here-already")).to_be_visible()
    client.create_run(experiment, run_name="made-now")
    expect(grid.get_by_text("made-now")).to_be_visible()
    assert len(streams(page)) == 1 and open_streams(page) == 1

    page.evaluate(SHOW, True)
    page.wait_for(lambda: open_streams(page) == 0)
    client.create_run(experiment, run_name="made-unseen")
    page.evaluate(SHOW, False)
    expect(grid.get_by_text("made-unseen")).to_be_visible()
    first, second = streams(page)
    assert "since=" not in first and "since=" in second
    page.wait_for(lambda: open_streams(page) == 1)


def test_all_is_read_again_when_the_server_cannot_say_what_changed(own_page: Page):
    """As after an experiment was deleted and restored."""
    page, client = own_page, own_page.site.client
    experiment = client.create_experiment("live")
    run_id = client.create_run(experiment, run_name="one").info.run_id
    client.set_terminated(run_id)
    page.open(f"#/experiments/{experiment}")
    expect(page.get_by_role("grid").first.get_by_text("one")).to_be_visible()
    page.wait_for(lambda: streams(page))
    page.clear()
    client.delete_experiment(experiment)
    client.restore_experiment(experiment)
    page.wait_for(lambda: any("ui/runs/find" in sent.url for sent in page.sent))
    page.wait_for(lambda: len(streams(page)) == 1)
    expect(page.get_by_role("grid").first.get_by_text("one")).to_be_visible()
