"""Traces in the browser: the table with its histograms, and a trace with its waterfall."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.ui.browser import Page, expect
from tests.ui.seed_traces import BIG, HOSTILE, WATERFALL

LIST = "#/experiments/11/traces"


def grid(page: Page):
    return (
        page.get_by_role("main")
        .get_by_label("Traces", exact=True)
        .and_(page.locator("[role=grid], [role=treegrid]"))
    )


def said(page: Page):
    return page.get_by_role("main").get_by_role("status").first


def tree(page: Page):
    return page.get_by_role("tree", name="Spans")


def trace(page: Page, name: str) -> str:
    return f"{LIST}/{page.site.seed.traces[name]}"


def box(page: Page):
    return page.get_by_role("combobox", name="Search traces")


# -- the table --------------------------------------------------------------------------------


def test_what_a_row_says(page: Page):
    page.open(LIST)
    expect(said(page)).to_have_text("198 traces")
    page.open(f"{LIST}?q=name+%3D+%22support_agent%22&sort=time", cold=False)
    row = grid(page).get_by_role("row").nth(1)
    for text in ("support_agent", "What is the capital of France?", "Here is what I found about"):
        expect(row).to_contain_text(text)
    for text in ("chat-00", "relevance", "score"):
        expect(row).to_contain_text(text)
    cells = row.get_by_role("gridcell").all_inner_texts()
    assert any(re.fullmatch(r"\$0\.\d+", cell) for cell in cells)
    assert any(re.fullmatch(r"[\d.]+m?s", cell) for cell in cells)
    page.open(f"{LIST}?cols=tags,user,session&sort=time", cold=False)
    expect(row).to_contain_text("env: test")
    expect(row).to_contain_text("ann")


def test_filters_good_and_bad(page: Page):
    page.open(LIST)
    box(page).fill('status = "ERROR"')
    box(page).press("Enter")
    expect(said(page)).to_have_text("21 traces match")
    expect(page).to_have_url(re.compile(r"q=status"))
    page.expect_status(400, "ui/traces")
    box(page).fill("status > 5")
    box(page).press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("mark")).to_be_visible()
    expect(said(page)).to_have_text("21 traces match")
    page.reload()
    expect(box(page)).to_have_value("status > 5")
    box(page).fill("contract")  # words, which spans have
    box(page).press("Enter")
    expect(said(page)).to_have_text(re.compile(r"^38 traces match"))


def test_a_part_of_the_time_is_picked_by_dragging(page: Page):
    page.open(LIST)
    volume = page.get_by_role("slider", name=re.compile("^Traces"))
    at = volume.bounding_box()
    y = at["y"] + at["height"] / 2
    page.mouse.move(at["x"] + 2, y)
    page.mouse.down()
    page.mouse.move(at["x"] + at["width"] / 2, y, steps=3)
    page.mouse.up()
    # All of them stay until it is known which.
    expect(said(page)).to_have_text(re.compile(r"^198 traces, (?!198 )\d+ in what is picked$"))
    (picked,) = re.findall(r"(\d+) in what", said(page).inner_text())
    assert 60 < int(picked) < 140
    from_, to = map(int, re.search(r"time=(\d+)\.\.(\d+)", page.hash).groups())
    assert to - from_ > 0
    page.reload()
    expect(said(page)).to_have_text(re.compile(rf"{picked} in what is picked"))
    page.get_by_role("region", name="Traces", exact=True).get_by_role("button").first.click()
    expect(said(page)).to_have_text("198 traces")


def test_latency_is_picked_by_keys(page: Page):
    page.open(LIST)
    slider = page.get_by_role("slider", name=re.compile("^Latency"))
    slider.focus()
    for key in ("ArrowRight", "Shift+ArrowRight", "Enter"):
        slider.press(key)
    page.wait_for(lambda: "latency=" in page.hash)
    expect(said(page)).to_have_text(re.compile("in what is picked"))
    slider.press("Escape")
    expect(said(page)).to_have_text("198 traces")


def test_sessions_are_opened_by_keys(page: Page):
    page.open(LIST)
    page.get_by_role("button", name="By session").click()
    expect(said(page)).to_have_text("198 traces in 31 sessions")
    grid(page).focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    first = grid(page).get_by_role("row").nth(1)
    expect(first).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(tree(page)).to_be_visible()


def test_going_from_one_to_the_next_in_the_order_of_the_list(page: Page):
    page.open(f"{LIST}?sort=time")
    names = grid(page).get_by_role("row").get_by_role("link")
    names.first.click()
    expect(tree(page)).to_be_visible()
    first = page.hash
    page.keyboard.press("]")
    expect(page).to_have_title(re.compile("^rag"))
    assert page.hash != first
    page.keyboard.press("[")
    expect(page).to_have_title(re.compile("^support_agent"))
    assert page.hash == first


def test_chosen_traces_are_tagged_and_deleted(own_page: Page):
    page = own_page
    page.open(f"{LIST}?sort=time&cols=tags")
    grid(page).focus()
    page.keyboard.press("Home")
    page.keyboard.press("x")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("x")
    tools = page.get_by_role("toolbar", name="Chosen traces")
    expect(tools).to_contain_text("2 selected")
    tools.get_by_role("button", name="Tag the chosen traces").click()
    page.get_by_role("textbox", name="Key").fill("seen")
    page.get_by_role("textbox", name="Value").fill("by me")
    page.get_by_role("button", name="Set tag on 2 traces").click()
    expect(grid(page).get_by_text("seen: by me")).to_have_count(2)
    tools.get_by_role("button", name="Delete the chosen traces").click()
    page.get_by_role("button", name="Delete 2 traces").click()
    expect(said(page)).to_have_text("196 traces")


def test_new_traces_come_by_themselves(own_page: Page):
    from mlflow.entities import TraceInfo, TraceLocation, TraceState
    from mlflow.store.tracking.resolve import tracking_store

    page = own_page
    page.open(LIST)
    expect(said(page)).to_have_text("198 traces")
    seed = page.site.seed
    info = TraceInfo(
        trace_id="tr-" + "ab" * 16,
        trace_location=TraceLocation.from_experiment_id("11"),
        request_time=seed.now,
        state=TraceState.OK,
        tags={"mlflow.traceName": "just now"},
    )
    tracking_store(page.site.uri).start_trace(info)
    expect(grid(page).get_by_role("link", name="just now")).to_be_visible()
    expect(said(page)).to_have_text("199 traces")


# -- a trace ----------------------------------------------------------------------------------

_BARS = """(rows) => Object.fromEntries(rows.map((row) => {
  const bar = row.querySelector('[data-bar]').getBoundingClientRect()
  const box = row.querySelector('[data-bar]').parentElement.getBoundingClientRect()
  const name = row.querySelector('[title]').title
  return [name, [(bar.left - box.left) / box.width, bar.width / box.width]]
}))"""


def test_bars_are_where_and_as_wide_as_spans_were(page: Page):
    page.open(trace(page, "waterfall"))
    rows = tree(page).get_by_role("treeitem")
    expect(rows).to_have_count(5)
    bars = rows.evaluate_all(_BARS)
    for name, start, length in WATERFALL:
        left, width = bars[name]
        assert left == pytest.approx(start / 100, abs=0.005), name
        assert width == pytest.approx(length / 100, abs=0.005), name
    levels = rows.evaluate_all("(rows) => rows.map((r) => r.ariaLevel)")
    assert sorted(levels) == ["1", "2", "2", "2", "3"]


def test_what_failed_is_marked_and_says_why(page: Page):
    page.open(trace(page, "waterfall"))
    failed = tree(page).get_by_role("treeitem", name=re.compile("error"))
    expect(failed).to_have_count(1)
    expect(failed).to_have_accessible_name(re.compile(r"^tool\s*, Tool, error,\s*30ms"))
    page.get_by_role("button", name="1 error").click()
    expect(page.get_by_role("article", name="Span tool")).to_contain_text("no such city")
    expect(page.get_by_role("region", name="Exception")).to_contain_text("Traceback")
    page.reload()
    expect(page.get_by_role("article", name="Span tool")).to_be_visible()


def test_folding_zooming_and_the_critical_path_are_in_the_link(page: Page):
    page.open(trace(page, "waterfall"))
    rows = tree(page).get_by_role("treeitem")
    tree(page).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    expect(rows).to_have_count(4)
    page.keyboard.press("+")
    page.get_by_role("button", name="Critical path").click()
    page.reload()
    expect(rows).to_have_count(4)
    expect(page.get_by_role("button", name="Critical path")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert "zoom=" in page.hash
    page.get_by_role("button", name="All", exact=True).click()
    assert "zoom=" not in page.hash


def test_10_000_spans_scroll_and_few_are_drawn(page: Page):
    page.open(trace(page, "big"))
    expect(page.get_by_role("region", name="Waterfall")).to_contain_text(f"{BIG:,} spans")
    rows = tree(page).get_by_role("treeitem")
    assert rows.count() < 80
    tree(page).focus()
    page.keyboard.press("End")
    expect(tree(page).get_by_role("treeitem", name=re.compile(r"^call 98\.99\b"))).to_be_visible()
    assert rows.count() < 80
    find = page.get_by_role("searchbox", name="Find in spans")
    find.fill("call 50.50")
    find.press("Enter")
    expect(page.get_by_role("article", name="Span call 50.50")).to_contain_text("not a number")
    expect(tree(page).get_by_role("treeitem", selected=True)).to_be_in_viewport()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("anthropic", ["You are a weather service.", "I look it up.", "weather", "3 °C, rain"]),
        ("gemini", ["How many dwarfs?", "Seven."]),
    ],
)
def test_chats_are_shown_as_chats_json_or_raw(page: Page, name: str, said: list[str]):
    page.open(trace(page, name))
    chat = page.get_by_role("list", name="Inputs as a chat")
    for text in said:
        expect(page.get_by_role("article")).to_contain_text(text)
    expect(chat).to_be_visible()
    page.get_by_role("button", name="Raw").click()
    expect(chat).to_have_count(0)
    expect(page.get_by_role("region", name="Inputs")).to_contain_text('"role": ')
    page.reload()
    expect(chat).to_have_count(0)


def test_hostile_content_is_text(page: Page):
    """The `page` fixture fails if a script ran, or anything was asked of another place."""
    page.open(trace(page, "hostile"))
    article = page.get_by_role("article")
    expect(article).to_contain_text(HOSTILE)
    for name in ("JSON", "Raw"):
        page.get_by_role("button", name=name).click()
        expect(article).to_contain_text("onerror")
    for name in ("Assessments", "About"):
        page.get_by_role("button", name=re.compile(f"^{name}")).click()
        expect(page.get_by_role("region", name="Details")).to_contain_text("<b>")
    links = (
        page.get_by_role("main").get_by_role("link").evaluate_all("(all) => all.map((a) => a.href)")
    )
    assert all(link.startswith("http://127.0.0.1") for link in links)
    assert page.locator("main img").count() == 0
    assert page.evaluate("() => ({}).polluted") is None


def test_assessments_are_added_changed_and_deleted(own_page: Page):
    page = own_page
    page.open(f"{trace(page, 'waterfall')}?side=assessments")
    page.get_by_role("button", name="Add an assessment").click()
    page.get_by_role("combobox", name="Name").fill("relevance")
    page.get_by_role("button", name="Bad", exact=True).click()
    page.get_by_role("textbox", name="Rationale").fill("It is about Bern.")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("textbox", name="Your name").fill("ann")
    page.get_by_role("button", name="Make the change", exact=True).click()
    feedback = page.get_by_role("region", name="Feedback")
    for text in ("relevance", "false", "It is about Bern.", "by ann"):
        expect(feedback).to_contain_text(text)
    feedback.get_by_role("button", name="Change relevance").click()
    feedback.get_by_role("button", name="Good", exact=True).click()
    feedback.get_by_role("button", name="Change", exact=True).click()
    expect(feedback).to_contain_text("true")
    page.get_by_role("button", name="Add an assessment").click()
    page.get_by_role("radio", name=re.compile("^Expectation")).check()
    page.get_by_role("combobox", name="Name").fill("cities")
    page.get_by_role("textbox", name="Value").fill('["Bern", "Basel"]')
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("region", name="Expectations")).to_contain_text('["Bern","Basel"]')
    page.get_by_role("button", name="Change cities").click()
    page.get_by_role("textbox", name="Value").fill("3")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_role("region", name="Expectations")).to_contain_text("cities 3")
    feedback.get_by_role("button", name="Delete relevance").click()
    expect(feedback).to_have_count(0)
    page.reload()
    expect(page.get_by_role("region", name="Expectations")).to_contain_text("cities")


def test_tags_are_edited_in_place(own_page: Page):
    page = own_page
    page.open(f"{trace(page, 'waterfall')}?side=about")
    tags = page.get_by_role("list", name="Tags")
    tags.get_by_role("button", name="Add a tag").click()
    page.get_by_role("textbox", name="Key").fill("checked")
    page.get_by_role("textbox", name="Value").fill("yes")
    page.get_by_role("button", name="Add tag").click()
    expect(tags).to_contain_text("checked")
    tags.get_by_role("button", name="Remove tag checked").click()
    expect(tags.get_by_text("checked")).to_have_count(0)


# -- in a notebook ----------------------------------------------------------------------------


@pytest.fixture
def notebook(page: Page, tmp_path) -> Iterator[str]:
    """A page of another origin that frames a trace, as the SDK prints it."""
    import http.server
    import threading

    query = f"trace_id={page.site.seed.traces['waterfall']}&experiment_id=11"
    there = f"{page.site.uri}/static-files/lib/notebook-trace-renderer/index.html?{query}"
    body = f'<iframe name="trace" width="900" height="500" src="{there}"></iframe>'.encode()

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_port}"
    page.allow_origin(origin)
    yield origin
    server.shutdown()
    server.server_close()


def test_a_notebook_shows_a_trace_that_nothing_can_be_changed_of(page: Page, notebook: str):
    page.goto(notebook)
    framed = page.frame_locator("iframe")
    rows = framed.get_by_role("treeitem")
    expect(rows).to_have_count(5)
    rows.nth(2).click()
    expect(framed.get_by_role("article")).to_contain_text("model")
    framed.get_by_role("button", name="Assessments").click()
    framed.get_by_role("button", name="About").click()
    for name in ("Add", "Change", "Delete", "Tag"):
        expect(framed.get_by_role("button", name=re.compile(name))).to_have_count(0)
    expect(framed.get_by_role("navigation")).to_have_count(0)
    page.keep_one("notebook")
