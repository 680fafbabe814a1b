"""What changes on the server comes to the page by itself: one stream a window that is seen."""

from __future__ import annotations

import re
import urllib.request

import pytest

from tests.ui.browser import Page, expect

SHOW = """(hidden) => {
  Object.defineProperty(document, 'hidden', {value: hidden, configurable: true})
  document.dispatchEvent(new Event('visibilitychange'))
}"""
COUNT = """
window.heard = 0
window.EventSource = class extends EventSource {
  constructor(url) {
    super(url)
    this.addEventListener('changes', () => (window.heard += 1))
  }
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
    assert "since=" in first and "since=" in second
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


def test_what_changes_while_a_page_opens_is_not_missed(own_page: Page):
    """Between what a table was read from and the first look of its stream."""
    page, client = own_page, own_page.site.client
    experiment = client.create_experiment("live")
    client.create_run(experiment, run_name="here-already")
    held = []
    page.route(re.compile("ui/changes"), lambda route: held.append(route))
    page.open(f"#/experiments/{experiment}")
    grid = page.get_by_role("grid").first
    expect(grid.get_by_text("here-already")).to_be_visible()
    page.wait_for(lambda: held)
    client.create_run(experiment, run_name="made-meanwhile")
    held[0].continue_()
    expect(grid.get_by_text("made-meanwhile")).to_be_visible()


@pytest.mark.parametrize("link", ["run", "compare"])
def test_points_that_come_while_a_page_opens_are_not_missed(own_page: Page, link: str):
    page, client = own_page, own_page.site.client
    run_id = page.site.seed.runs["running"]
    held = []
    page.route(re.compile("ui/changes"), lambda route: held.append(route))
    page.open(page.site.run("running") if link == "run" else f"#/compare-runs?runs={run_id}")
    main = page.get_by_role("main")
    expect(main.get_by_text("train/loss").first).to_be_visible()
    page.wait_for(lambda: held)
    client.log_metric(run_id, "train/loss", 77.125, step=5000)
    held[0].continue_()
    expect(main.get_by_text("77.125").first).to_be_visible()


def test_a_change_while_the_one_before_is_read_is_not_missed(own_page: Page):
    page, client = own_page, own_page.site.client
    experiment = client.create_experiment("live")
    run_id = client.create_run(experiment, run_name="one").info.run_id
    page.context.add_init_script(COUNT)
    page.open(f"#/experiments/{experiment}?view=t")
    grid = page.get_by_role("grid").first
    expect(grid.get_by_text("one", exact=True)).to_be_visible()
    held = []
    page.route("**/ui/runs/rows", lambda route: held.append((route, route.fetch())), times=1)
    client.update_run(run_id, name="two")
    page.wait_for(lambda: held)
    heard = page.evaluate("() => window.heard")
    client.update_run(run_id, name="three")
    page.wait_for(lambda: page.evaluate("() => window.heard") > heard)
    route, answer = held[0]
    route.fulfill(response=answer)
    expect(grid.get_by_text("three", exact=True)).to_be_visible()
