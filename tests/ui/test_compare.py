"""Runs side by side."""

from __future__ import annotations

import re

import pytest

from tests.ui.browser import Page, Site, expect
from tests.ui.test_charts import compare, drawn


def sheet(page: Page):
    return page.get_by_role("table", name="Comparison")


def section(page: Page, name: str):
    return sheet(page).get_by_role("rowgroup", name=name, exact=True)


def row(page: Page, key: str):
    return (
        sheet(page)
        .get_by_role("row")
        .filter(has=page.get_by_role("rowheader", name=key, exact=True))
    )


def columns(page: Page) -> list[str]:
    heads = sheet(page).get_by_role("columnheader").get_by_role("link")
    return heads.all_inner_texts()


def test_only_what_differs_until_asked_for_all(page: Page):
    compare(page, "grid-00", "grid-01", "grid-05")
    assert columns(page) == ["grid-00", "grid-01", "grid-05"]
    expect(row(page, "learning_rate")).to_be_visible()
    expect(row(page, "epochs")).to_have_count(0)  # 50 in all of them
    expect(section(page, "Parameters").get_by_role("button")).to_contain_text("3 of 5 differ")
    page.keyboard.press("d")
    expect(page).to_have_url(re.compile("diff=0"))
    expect(row(page, "epochs")).to_be_visible()
    marked = sheet(page).get_by_role("rowheader", name=re.compile("^depth.*differs$"))
    expect(marked).to_be_visible()
    page.reload()
    expect(row(page, "epochs")).to_be_visible()
    page.get_by_role("checkbox", name=re.compile("Differing only")).check()
    expect(row(page, "epochs")).to_have_count(0)


def test_nested_settings_are_compared_by_leaf(page: Page):
    compare(page, "cnn-lr=0.1", "cnn-lr=0.01", "mlp-lr=0.1")
    leaf = row(page, "config.model.type")
    expect(leaf.get_by_role("cell")).to_have_text(["CNN", "CNN", "MLP"])
    # The one that most do not have is marked, and not by colour alone: the row is there.
    expect(leaf.get_by_role("cell").nth(2)).to_have_class(re.compile("odd"))
    expect(leaf.get_by_role("cell").nth(0)).not_to_have_class(re.compile("odd"))
    expect(row(page, "config")).to_have_count(0)


def test_the_best_is_marked_and_changes_are_from_the_baseline(page: Page):
    compare(page, "cnn-lr=0.01/fold-0", "cnn-lr=0.01/fold-1", "mlp-lr=0.1/fold-0")
    accuracy = row(page, "val/accuracy")
    best = accuracy.get_by_role("cell").filter(has=page.get_by_role("img", name="best"))
    expect(best).to_have_count(1)
    expect(accuracy.get_by_role("cell").nth(1).get_by_role("img", name="best")).to_be_visible()
    expect(accuracy).not_to_contain_text("%")
    page.get_by_role("button", name="More for cnn-lr=0.01/fold-1").click()
    page.get_by_role("button", name="Use as baseline").click()
    expect(page).to_have_url(re.compile(f"base={page.site.seed.runs['cnn-lr=0.01/fold-1']}"))
    expect(accuracy.get_by_role("cell").nth(0)).to_contain_text("−")
    values = [
        page.site.client.get_run(page.site.seed.runs[name]).data.metrics["val/accuracy"]
        for name in ("mlp-lr=0.1/fold-0", "cnn-lr=0.01/fold-1")
    ]
    change = 100 * (values[0] - values[1]) / values[1]
    text = f"{abs(change):.1f}%" if abs(change) < 10 else f"{round(abs(change))}%"
    expect(accuracy.get_by_role("cell").nth(2)).to_contain_text(text)


def test_the_better_way_is_what_the_experiment_says(own_page: Page, own_site: Site):
    compare(own_page, "grid-00", "grid-04")
    expect(row(own_page, "m/00").get_by_role("cell").nth(1)).to_contain_text("1.1")
    expect(row(own_page, "m/00").get_by_role("cell").nth(1).get_by_role("img")).to_be_visible()
    experiment = own_site.seed.experiments["vision/grid"]
    tag = "mlflow.experiment.primaryMetric."
    own_site.client.set_experiment_tag(experiment, f"{tag}name", "m/00")
    own_site.client.set_experiment_tag(experiment, f"{tag}greaterIsBetter", "False")
    own_page.reload()
    expect(row(own_page, "m/00").get_by_role("cell").nth(0).get_by_role("img")).to_be_visible()


def test_tags_and_datasets(page: Page):
    compare(page, "baseline", "million")
    expect(section(page, "Datasets")).to_contain_text("churn-train")
    expect(row(page, "kind").get_by_role("cell")).to_have_text(["–", "endless"])
    names = section(page, "Tags").get_by_role("rowheader").all_inner_texts()
    assert not [name for name in names if name.startswith("mlflow.")]


def test_runs_are_added_and_removed_in_place(page: Page):
    compare(page, "grid-00", "grid-01", "grid-02")
    page.evaluate("() => (window.stayed = true)")
    page.get_by_role("button", name="More for grid-01").click()
    page.get_by_role("button", name="Remove from the comparison").click()
    expect(sheet(page).get_by_role("columnheader").get_by_role("link")).to_have_text(
        ["grid-00", "grid-02"]
    )
    assert page.site.seed.runs["grid-01"] not in page.hash
    page.get_by_role("button", name=re.compile("^Add a run")).click()
    page.get_by_role("searchbox", name="Find a run").fill("grid-77")
    page.get_by_role("button", name=re.compile("grid-77")).click()
    expect(sheet(page).get_by_role("columnheader").get_by_role("link")).to_have_text(
        ["grid-00", "grid-02", "grid-77"]
    )
    assert page.site.seed.runs["grid-77"] in page.hash
    page.page.go_back()
    expect(sheet(page).get_by_role("columnheader").get_by_role("link")).to_have_text(
        ["grid-00", "grid-02"]
    )
    assert page.evaluate("() => window.stayed") is True


def test_ten_runs_and_twenty_metrics_take_three_requests(page: Page):
    compare(page, *(f"grid-{i:02}" for i in range(10)))
    expect(row(page, "m/19")).to_be_visible()
    assert len(columns(page)) == 10
    page.settle()
    assert len(page.api_calls()) <= 3, page.api_calls()
    page.keep("compare-10")


def test_a_hundred_runs(page: Page):
    compare(page, *(f"grid-{i:02}" for i in range(100)))
    assert len(columns(page)) == 100
    first = row(page, "m/05").get_by_role("rowheader")
    left = first.bounding_box()["x"]
    sheet(page).get_by_role("columnheader").nth(100).scroll_into_view_if_needed()
    # Sideways only the first column stays; downwards the head does.
    assert first.bounding_box()["x"] == left
    page.keep_one("compare-100")
    head = sheet(page).get_by_role("columnheader").nth(100)
    top = page.get_by_role("main").bounding_box()["y"]
    row(page, "seed").scroll_into_view_if_needed()
    page.get_by_role("main").locator(".compare").evaluate("(e) => (e.scrollTop = 300)")
    page.settle()
    assert head.bounding_box()["y"] == pytest.approx(top, abs=2)
    assert len(page.api_calls()) <= 3, page.api_calls()


def test_two_runs_are_compared_with_the_first(page: Page):
    compare(page, "baseline", "prod-3")
    expect(page.get_by_text("Changes are from baseline")).to_be_visible()
    page.keep("compare-2")


def test_a_link_to_a_metric_opens_at_its_chart(page: Page):
    runs = f'["{page.site.seed.runs["cnn-lr=0.1"]}","{page.site.seed.runs["cnn-lr=0.01"]}"]'
    page.open(f'#/metric/val%2Ff1?runs={runs}&experiments=["1"]')
    first = page.get_by_role("region", name="Charts").get_by_role("region").first
    expect(first).to_have_accessible_name("val/f1")
    expect(first).to_be_in_viewport()
    assert page.wait_for(lambda: drawn(page, "val/f1")["ink"])


def test_runs_that_are_not_there_are_named_and_left_out(page: Page):
    gone = "0" * 32
    page.open(
        f"#/compare-runs?runs={page.site.seed.runs['grid-00']},{gone},{page.site.seed.runs['grid-01']}"
    )
    expect(page.get_by_text(gone)).to_be_visible()
    page.get_by_role("button", name="Leave out").click()
    expect(page.get_by_text(gone)).to_have_count(0)
    assert gone not in page.hash
    assert columns(page) == ["grid-00", "grid-01"]


def test_no_runs(page: Page):
    page.open("#/compare-runs")
    expect(page.get_by_role("heading", name="No runs to compare")).to_be_visible()
    assert not [sent for sent in page.api_calls() if "runs" in sent.path]


def test_hostile_names_and_values_are_texts(page: Page):
    compare(page, '<b>markup</b> & "quotes"', "long-name", "odd")
    expect(sheet(page).get_by_role("link", name='<b>markup</b> & "quotes"')).to_be_visible()
    expect(row(page, "odd: param").get_by_role("cell").nth(2)).to_have_text(
        "<img src=x onerror=alert(1)>"
    )
    page.keep("compare-hostile")


def test_files_side_by_side(page: Page):
    compare(page, "every-kind", "same-kinds")
    assert not [sent for sent in page.api_calls() if "artifacts" in sent.path]
    files = page.get_by_role("region", name="Files")
    files.get_by_role("button", name="Files").click()
    files.get_by_role("button", name="tables").click()
    files.get_by_role("button", name="rows.csv").click()
    for name in ("every-kind", "same-kinds"):
        expect(files.get_by_role("region", name=name).get_by_role("grid")).to_be_visible()
    page.reload()
    expect(files.get_by_role("region", name="same-kinds").get_by_role("grid")).to_be_visible()
    files.get_by_role("button", name="big.csv").click()
    expect(files.get_by_role("region", name="same-kinds")).to_contain_text("Not there")


def test_images_of_a_series_by_step(page: Page):
    compare(page, "every-kind", "same-kinds", rest="&dir=images")
    files = page.get_by_role("region", name="Files")
    files.get_by_role("button", name=re.compile("loss landscape")).click()
    step = files.get_by_role("slider", name=re.compile("Step"))
    expect(step).to_have_attribute("aria-valuetext", "Step 90")
    step.focus()
    page.keyboard.press("Home")
    expect(page).to_have_url(re.compile("step=0"))
    for name in ("every-kind", "same-kinds"):
        image = files.get_by_role("region", name=name).get_by_role("img", name=re.compile("step.0"))
        expect(image).to_be_visible()
        page.wait_for(lambda image=image: image.evaluate("(i) => i.naturalWidth > 0"))
    page.keep("compare-images")


def test_pointing_at_a_column_highlights_its_curves(page: Page):
    compare(page, "cnn-lr=0.1", "cnn-lr=0.01", rest="&panels=none")
    page.wait_for(lambda: drawn(page, "val/f1")["ink"])
    row(page, "val/f1").get_by_role("cell").nth(1).hover()
    legend = page.get_by_role("list", name="Runs in the charts")
    dimmed = legend.get_by_role("listitem").filter(has_text="cnn-lr=0.1").first
    expect(dimmed).to_have_class(re.compile("dim"))


def test_it_follows_its_runs(own_page: Page, own_site: Site):
    compare(own_page, "running", "running-fresh")
    own_site.client.log_param(own_site.seed.runs["running-fresh"], "brand_new", "yes")
    own_site.client.set_terminated(own_site.seed.runs["running-fresh"], "FAILED")
    expect(row(own_page, "brand_new").get_by_role("cell").nth(1)).to_have_text("yes")
