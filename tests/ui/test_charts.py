"""Charts: what is on the canvas, what is asked of the server, and what can be done with them."""

from __future__ import annotations

import csv
import re
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.ui.browser import Page, Site, expect
from tests.ui.seed import POINTS, SPIKE

#: The share of the width at which the spike stands when everything is shown.
_SPIKE_AT = SPIKE / POINTS


def compare(page: Page, *names: str, rest: str = "") -> Page:
    runs = ",".join(page.site.seed.runs[name] for name in names)
    return page.open(f"#/compare-runs?runs={runs}{rest}")


def panel(page: Page, metric: str):
    return page.get_by_role("region", name=metric, exact=True)


def chart(page: Page, metric: str):
    return panel(page, metric).get_by_role("application", name=f"{metric}:")


def shown(page: Page, metric: str):
    """The chart, in view: others are not drawn."""
    panel(page, metric).scroll_into_view_if_needed()
    expect(chart(page, metric)).to_be_visible()
    return chart(page, metric)


def drawn(page: Page, metric: str) -> dict:
    """Where something is drawn on the canvas of curves: its size, and for each column of pixels the
    highest and lowest row with colour, or null."""
    canvas = shown(page, metric).locator("canvas.layer").first
    expect(canvas).to_be_attached()
    return canvas.evaluate(
        """(canvas) => {
          const { width, height } = canvas
          const { data } = canvas.getContext('2d').getImageData(0, 0, width, height)
          const columns = Array.from({ length: width }, (_, x) => {
            let top = null, bottom = null
            for (let y = 0; y < height; y++) {
              if (data[4 * (y * width + x) + 3] < 40) continue
              top ??= y
              bottom = y
            }
            return top === null ? null : [top, bottom]
          })
          return { width, height, columns, ink: columns.filter(Boolean).length }
        }"""
    )


def table(page: Page, metric: str):
    """The table that stands for a chart."""
    panel(page, metric).scroll_into_view_if_needed()
    if not panel(page, metric).get_by_role("table").count():
        panel(page, metric).hover()
        panel(page, metric).get_by_role("button", name=f"More for {metric}").click()
        page.get_by_role("button", name="Show as a table").click()
    return panel(page, metric).get_by_role("table", name=f"Values of {metric}")


def asked(page: Page) -> list[dict[str, list[str]]]:
    """The parameters of the requests for curves."""
    charts = [sent for sent in page.api_calls() if sent.path.endswith("/metrics/charts")]
    return [parse_qs(urlsplit(sent.url).query) for sent in charts]


# Everything is seen


def test_a_spike_in_a_million_points_is_seen_at_full_range(page: Page):
    probe = page.probe()
    compare(page, "million")
    [request] = asked(page)
    assert "start" not in request
    picture = page.wait_for(lambda: (p := drawn(page, "signal"))["ink"] and p)
    # The curve itself lies between -2 and 2 of 1000, at the bottom: only the spike reaches the top.
    high = [
        x
        for x, column in enumerate(picture["columns"])
        if column and column[0] < 0.12 * picture["height"]
    ]
    assert high, "nothing reaches the top of the chart"
    assert high[-1] - high[0] < 0.02 * picture["width"]
    # The plot has a little room at both sides of the range.
    assert sum(high) / len(high) / picture["width"] == pytest.approx(_SPIKE_AT, abs=0.02)
    last = table(page, "signal").get_by_role("row").last
    expect(last.get_by_role("cell").nth(2)).to_have_text("1000")
    expect(last.get_by_role("cell").nth(3)).to_have_text(str(POINTS))
    sent = sum(size for url, size in probe.encoded.items() if "/metrics/charts" in url)
    assert 0 < sent <= 60_000


def test_zoom_asks_for_the_range_and_double_click_resets(page: Page):
    compare(page, "million")
    page.wait_for(lambda: drawn(page, "signal")["ink"])
    box = chart(page, "signal").locator(".u-over").bounding_box()
    page.clear()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.6 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], y, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"zoom=\d+\.\.\d+"))
    page.settle()
    low, high = map(int, re.search(r"zoom=(\d+)\.\.(\d+)", page.hash).groups())
    assert low == pytest.approx(600_000, rel=0.03)
    assert high == pytest.approx(700_000, rel=0.03)
    [request] = asked(page)
    assert int(request["start"][0]) == pytest.approx(low, abs=1)
    assert int(request["end"][0]) == pytest.approx(high, abs=1)
    page.wait_for(lambda: any(c and c[0] < 40 for c in drawn(page, "signal")["columns"]))
    chart(page, "signal").locator(".u-over").dblclick(position={"x": 100, "y": 60})
    expect(page).not_to_have_url(re.compile("zoom="))


def test_a_narrow_zoom_has_the_points_themselves(page: Page):
    probe = page.probe()
    compare(page, "million", rest=f"&zoom={SPIKE - 20}..{SPIKE + 20}")
    page.wait_for(lambda: len(asked(page)) == 2)
    page.settle()
    highest = table(page, "signal").get_by_role("row").last.get_by_role("cell").nth(2)
    expect(highest).to_have_attribute("title", f"Step {SPIKE:,}")
    sent = sum(size for url, size in probe.encoded.items() if "start=" in url)
    assert 0 < sent <= 60_000
    page.get_by_role("button", name="Reset zoom").click()
    expect(page).not_to_have_url(re.compile("zoom="))


def test_points_that_are_all_there_are_not_asked_for_again(page: Page):
    compare(page, "cnn-lr=0.1", "cnn-lr=0.01")
    page.clear()
    page.open(f"{page.hash}&zoom=20..60", cold=False)
    page.wait_for(lambda: drawn(page, "val/f1")["ink"])
    assert asked(page) == []


def test_gaps_stay_open_and_what_is_no_number_is_marked(page: Page):
    compare(page, "gaps", "nan-inf")
    picture = page.wait_for(lambda: (p := drawn(page, "train/loss"))["ink"] and p)
    width = picture["width"]
    # Steps are 0 to 99, 300 to 399 and 1000; those of the other run end at 199.
    assert not any(picture["columns"][int(0.23 * width) : int(0.28 * width)])
    assert any(picture["columns"][int(0.32 * width) : int(0.38 * width)])
    assert not any(picture["columns"][int(0.45 * width) : int(0.95 * width)])
    assert any(picture["columns"][int(0.95 * width) :])
    # An infinity is a mark at the upper edge, at step 100.
    near = [c for c in picture["columns"][int(0.1 * width) : int(0.13 * width)] if c]
    assert min(top for top, _ in near) < 0.08 * picture["height"]


# Settings


def test_settings_are_in_the_link_and_change_the_picture(page: Page):
    compare(page, "cnn-lr=0.1", "cnn-lr=0.01")
    before = page.wait_for(lambda: (p := drawn(page, "train/loss"))["ink"] and p["columns"])
    page.get_by_role("button", name="Log y").click()
    expect(page).to_have_url(re.compile("y=log"))
    logarithmic = page.wait_for(lambda: (c := drawn(page, "train/loss")["columns"]) != before and c)
    slider = page.get_by_role("slider", name=re.compile("Smoothing"))
    slider.focus()
    for _ in range(8):
        slider.press("PageUp")
    expect(page).to_have_url(re.compile(r"smooth=0\.\d"))
    smooth = page.wait_for(lambda: (c := drawn(page, "train/loss")["columns"]) != logarithmic and c)
    page.reload()
    expect(page.get_by_role("button", name="Log y")).to_have_attribute("aria-pressed", "true")
    page.wait_for(lambda: drawn(page, "train/loss")["columns"] == smooth)


def test_x_is_a_step_a_time_or_a_metric(page: Page):
    compare(page, "cnn-lr=0.1", "cnn-lr=0.01")
    page.wait_for(lambda: drawn(page, "train/loss")["ink"])
    for name, query, axis in (
        ("Time since start", "x=relative", "relative_time"),
        ("Time of day", "x=time", "timestamp"),
    ):
        page.clear()
        page.get_by_role("button", name=re.compile("^X ")).click()
        page.get_by_role("button", name=name).click()
        expect(page).to_have_url(re.compile(query))
        page.settle()
        assert {request["axis"][0] for request in asked(page)} == {axis}
        page.wait_for(lambda: drawn(page, "train/loss")["ink"])
    page.clear()
    page.get_by_role("button", name=re.compile("^X ")).click()
    page.get_by_role("button", name="val/accuracy", exact=True).click()
    expect(page).to_have_url(re.compile("x=val%2Faccuracy"))
    page.settle()
    assert all("val/accuracy" in request["metric_keys"] for request in asked(page))
    # Loss falls while accuracy grows: from the upper left to the lower right.
    picture = page.wait_for(lambda: (p := drawn(page, "train/loss"))["ink"] and p)
    columns = [column for column in picture["columns"] if column]
    assert columns[2][0] < columns[-3][0]


def test_panels_that_come_into_view_together_share_a_request(page: Page):
    compare(page, *(f"grid-{i:02}" for i in range(10)))
    page.get_by_role("region", name="Charts").get_by_label(
        "Find charts"
    ).scroll_into_view_if_needed()
    page.clear()
    panel(page, "m/15").scroll_into_view_if_needed()
    page.settle()
    page.wait_for(lambda: drawn(page, "m/15")["ink"])
    assert len(asked(page)) <= 2
    assert not [sent for sent in page.api_calls() if not sent.path.endswith("/metrics/charts")]


# Pointing


def test_metrics_that_no_run_shown_has_take_no_room(page: Page):
    page.open("#/experiments/1?q=baseline")
    shown(page, "val/accuracy")
    expect(page.get_by_text(re.compile(r"^No run shown here has .*val/f1"))).to_be_visible()
    expect(panel(page, "val/f1")).to_have_count(0)
    page.open("#/experiments/1?q=cnn-lr=0.1")
    shown(page, "val/f1")


def test_what_is_pointed_at_is_highlighted_everywhere(page: Page):
    compare(page, "cnn-lr=0.1", "cnn-lr=0.01", "sweep")
    page.wait_for(lambda: drawn(page, "train/loss")["ink"] and drawn(page, "val/accuracy")["ink"])
    chart(page, "val/accuracy").scroll_into_view_if_needed()
    box = chart(page, "val/accuracy").locator(".u-over").bounding_box()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 8)
    # Only the longest run is there, and the tooltip says it in full.
    tip = panel(page, "val/accuracy").get_by_text("sweep")
    expect(tip).to_be_visible()
    for metric in ("val/accuracy", "train/loss"):
        expect(chart(page, metric).locator("canvas.layer").first).to_have_class(re.compile("dim"))
    legend = page.get_by_role("list", name="Runs in the charts")
    expect(legend.get_by_role("listitem").filter(has_text="cnn-lr=0.01")).to_have_class(
        re.compile("dim")
    )
    page.mouse.move(5, 400)
    expect(tip).to_have_count(0)
    expect(chart(page, "train/loss").locator("canvas.layer").first).not_to_have_class(
        re.compile("dim")
    )
    # And the other way: a name in the legend highlights the curves.
    legend.get_by_text("sweep").hover()
    expect(chart(page, "train/loss").locator("canvas.layer").first).to_have_class(re.compile("dim"))


def test_by_keyboard(page: Page):
    compare(page, "cnn-lr=0.1", "cnn-lr=0.01")
    page.wait_for(lambda: drawn(page, "val/f1")["ink"])
    shown(page, "val/f1").focus()
    said = chart(page, "val/f1").get_by_role("status")
    page.keyboard.press("ArrowRight")
    expect(said).to_have_text(re.compile(r"^cnn-lr=0\.1: Step 0, 0\.\d+"))
    page.keyboard.press("ArrowRight")
    expect(said).to_have_text(re.compile("Step 1,"))
    page.keyboard.press("Shift+ArrowRight")
    expect(said).to_have_text(re.compile("Step 11,"))
    page.keyboard.press("ArrowDown")
    expect(said).to_have_text(re.compile(r"^cnn-lr=0\.01: Step 11,"))


def test_full_screen_and_back(page: Page):
    compare(page, "cnn-lr=0.1", "cnn-lr=0.01")
    shown(page, "val/f1").hover()
    panel(page, "val/f1").get_by_role("button", name="Show val/f1 in full screen").click()
    dialog = page.get_by_role("dialog", name="val/f1")
    expect(dialog.get_by_role("application", name="val/f1:")).to_be_visible()
    expect(dialog.get_by_role("list", name="Runs in the charts")).to_contain_text("cnn-lr=0.01")
    page.settle()
    page.keep_one("chart-full-screen")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_csv_has_what_is_drawn(page: Page):
    compare(page, "cnn-lr=0.1", "cnn-lr=0.01")
    shown(page, "val/f1").hover()
    panel(page, "val/f1").get_by_role("button", name="More for val/f1").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    with open(download.value.path(), newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 400
    assert {row["run"] for row in rows} == {"cnn-lr=0.1", "cnn-lr=0.01"}
    run_id = page.site.seed.runs["cnn-lr=0.1"]
    history = page.site.client.get_metric_history(run_id, "val/f1")
    ours = [float(row["val/f1"]) for row in rows if row["run_id"] == run_id]
    assert ours == [metric.value for metric in history]


def test_the_picture_follows_the_theme(page: Page):
    compare(page, "cnn-lr=0.1")
    page.wait_for(lambda: drawn(page, "val/f1")["ink"])

    def grid() -> int:
        """How bright the lines of the grid are: what most opaque pixels below the curves have."""
        canvas = chart(page, "val/f1").locator(".u-wrap > canvas")
        return canvas.evaluate(
            """(canvas) => {
              const { width, height } = canvas
              const { data } = canvas.getContext('2d').getImageData(0, 0, width, height)
              const counts = new Map()
              for (let i = 0; i < data.length; i += 4) {
                if (data[i + 3] > 200) counts.set(data[i], (counts.get(data[i]) ?? 0) + 1)
              }
              return [...counts].sort((a, b) => b[1] - a[1])[0][0]
            }"""
        )

    assert grid() > 200
    page.set_theme("dark")
    page.wait_for(lambda: grid() < 80)


# Live


def test_the_line_of_a_running_run_grows(own_page: Page, own_site: Site):
    page = own_page
    run_id = own_site.seed.runs["running"]
    compare(page, "running")
    expect(shown(page, "train/loss")).to_have_accessible_name(re.compile("1 runs, 120 points"))
    page.evaluate("() => (window.stayed = true)")
    own_site.client.log_metric(run_id, "train/loss", 9.0, int(time.time() * 1000), 700)
    expect(chart(page, "train/loss")).to_have_accessible_name(
        re.compile("121 points, from .* to 9$")
    )
    assert page.evaluate("() => window.stayed") is True


# Panels of several runs


def test_a_sweep_begins_with_parallel_coordinates(page: Page):
    compare(page, *(f"grid-{i:02}" for i in range(25)))
    plot = page.get_by_role("region", name="Parallel coordinates")
    expect(plot).to_be_visible()
    sliders = plot.get_by_role("slider")
    names = [slider.get_attribute("aria-label") for slider in sliders.all()]
    # Epochs are the same everywhere, and each run has a seed of its own.
    assert names == [
        f"Pick a part of {n}"
        for n in ("params.depth", "params.learning_rate", "params.width", "metrics.m/00")
    ]
    expect(plot.locator("path.line")).to_have_count(25)
    # A part of an axis picks runs: the highest of five learning rates.
    sliders.nth(1).focus()
    page.keyboard.press("ArrowDown")  # from the upper end
    page.keyboard.press("Shift+ArrowDown")
    expect(plot.get_by_role("button", name=re.compile(r"^\d+ of 25 picked"))).to_be_visible()
    picked = plot.locator("path.line:not(.out)").count()
    assert 0 < picked < 25
    page.keyboard.press("Escape")
    expect(plot.locator("path.line.out")).to_have_count(0)


def test_panels_are_added_changed_and_removed_in_the_link(page: Page):
    compare(page, *(f"grid-{i:02}" for i in range(25)))
    relations = page.get_by_role("region", name="Relations")
    for kind, name in (
        ("Scatter", "m/00 over depth"),
        ("Bars", "m/00"),
        ("Box plot", "m/00 by width"),
    ):
        relations.get_by_role("button", name="Add a panel").click()
        page.get_by_role("button", name=kind, exact=True).click()
        expect(relations.get_by_role("region", name=name, exact=True)).to_be_visible()
    expect(relations.get_by_role("application", name=re.compile("25 of 25 runs"))).to_be_visible()
    bars = relations.get_by_role("list", name="m/00", exact=True)
    expect(bars.get_by_role("listitem")).to_have_count(25)
    boxes = relations.get_by_role("list", name="m/00 by width")
    expect(boxes.get_by_role("listitem").filter(has_text="(5)").first).to_be_visible()
    page.keep("compare-relations")
    hash = page.hash
    page.reload()
    assert page.hash == hash
    expect(relations.get_by_role("region", name="m/00 by width")).to_be_visible()
    relations.get_by_role("button", name="Remove m/00 by width").click()
    expect(relations.get_by_role("region", name="m/00 by width")).to_have_count(0)


def test_a_point_of_a_scatter_is_its_run(page: Page):
    rest = "&panels=scatter:params.learning_rate,metrics.m/00"
    compare(page, *(f"grid-{i:02}" for i in range(5)), rest=rest)
    plot = page.get_by_role("application", name="m/00 over learning_rate:")
    plot.focus()
    page.keyboard.press("ArrowRight")
    expect(plot.get_by_role("status")).to_have_text(re.compile("^grid-04: 0.00001|^grid-04: 1e-05"))
