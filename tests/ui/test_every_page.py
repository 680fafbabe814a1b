"""What is true of every page: its link opens it cold, back and forward and reload lead to where one
was, MLflow's spellings of the link are taken, nothing sticks out, and all of it works by keyboard.

`HEADRACE_SCREENSHOTS=folder` keeps a picture of each in both themes and widths."""

from __future__ import annotations

import re

import pytest

from tests.ui.browser import Page, expect
from tests.ui.pages import PAGES, SPELLINGS, filled
from tests.ui.test_budgets import check_first_load

every_page = pytest.mark.parametrize("name", PAGES)


def check_landed(page: Page, name: str) -> None:
    """The page `name` is shown, and not another one or a part of it."""
    check_shown(page, name)
    assert page.hash == PAGES[name].hash(page.site)


def check_shown(page: Page, name: str) -> None:
    place = PAGES[name]
    expect(page).to_have_title(re.compile(f"^{place.title}"))
    main = page.get_by_role("main")
    for text in place.shows:
        expect(main.get_by_text(text).filter(visible=True).first).to_be_visible()
    expect(main.get_by_text("This page is not built yet")).to_have_count(0)


_OVERFLOW = """() => [document.documentElement, document.querySelector('main')]
  .filter((e) => e.scrollWidth > e.clientWidth + 1)
  .map((e) => `${e.localName}: ${e.scrollWidth} px in ${e.clientWidth} px`)"""


@every_page
def test_a_link_opens_it_cold_and_fits_and_outlives_a_reload(page: Page, name: str):
    page.open(PAGES[name].hash(page.site))
    check_landed(page, name)
    check_first_load(page, name)
    page.keep(name)
    page.set_width(800)
    page.settle()
    assert page.evaluate(_OVERFLOW) == [], "sticks out at 800 px"
    page.set_width(720)  # 1440 at a zoom of 200 %
    page.reload()
    check_landed(page, name)
    assert page.evaluate(_OVERFLOW) == [], "sticks out at 720 px"


def test_back_and_forward_go_through_all_pages(page: Page):
    names = list(PAGES)
    page.open(PAGES[names[0]].hash(page.site))
    for name in names[1:]:
        page.open(PAGES[name].hash(page.site), cold=False)
        check_landed(page, name)
    for name in reversed(names[:-1]):
        page.page.go_back()
        check_landed(page, name)
    for name in names[1:]:
        page.page.go_forward()
        check_landed(page, name)


@pytest.mark.parametrize("given", SPELLINGS)
def test_mlflows_links_are_taken(page: Page, given: str):
    link, name = SPELLINGS[given]
    page.open(filled(given, page.site))
    expect(page).to_have_url(page.base + filled(link, page.site))
    depth = page.evaluate("() => history.length")
    check_shown(page, name)
    # Rewritten in place: back does not lead to the old spelling, and from there here again.
    page.page.go_back()
    expect(page).to_have_url("about:blank")
    assert page.evaluate("() => history.length") == depth


#: Links to what is not there.
NOTHING = {
    "an experiment": ("#/experiments/99999", "99999"),
    "a run": ("#/experiments/1/runs/" + "0" * 32, "0" * 32),
    "a run to compare": ("#/compare-runs?runs={run:baseline}," + "0" * 32, "baseline"),
    "a file": ("#/experiments/4/runs/{run:every-kind}/artifacts/no/such.txt", "such.txt"),
    "a logged model": ("#/experiments/1/models/m-" + "0" * 32, "m-000"),
    "a trace": ("#/experiments/11/traces/tr-" + "0" * 32, "tr-000"),
    "a model": ("#/models/nobody", "nobody"),
    "a version": ("#/models/churn/versions/99", "99"),
}


@pytest.mark.parametrize("what", NOTHING)
def test_what_is_not_there_is_said(page: Page, what: str):
    """In words on the page that name it, with a way on; the shell stays."""
    link, named = NOTHING[what]
    page.allow_status(404)
    page.allow_status(400)
    page.open(filled(link, page.site))
    main = page.get_by_role("main")
    expect(main.get_by_text(re.compile(rf"{named}")).filter(visible=True).first).to_be_visible()
    expect(page.get_by_role("link", name="Models", exact=True).first).to_be_visible()
    page.keep_one("nothing-" + what.replace(" ", "-"))


_WATCH_FOCUS = """() => {
  const LEAVES = `a[href], button, input:not([type=hidden]), select, textarea, summary, iframe,
    [contenteditable=true], [role=button], [role=link], [role=checkbox], [role=switch], [role=tab],
    [role=menuitem], [role=option], [role=slider], [role=treeitem], [tabindex='0']`
  const GROUPS = `[role=grid], [role=treegrid], [role=tree], [role=tablist], [role=menu],
    [role=menubar], [role=listbox], [role=radiogroup], [role=toolbar]`
  const LOOKS = ['outline-style', 'outline-width', 'outline-color', 'box-shadow', 'border-color',
    'background-color', 'opacity', 'clip-path', 'top']
  const look = (e) => [[e], [e, '::after'], [e.parentElement]].flatMap(([each, part]) => {
    const style = getComputedStyle(each, part)
    return LOOKS.map((name) => style.getPropertyValue(name))
  }).join()
  const seen = (e) => e.checkVisibility({visibilityProperty: true}) && !e.disabled &&
    !e.closest('[inert], [aria-hidden=true]') && e.getBoundingClientRect().width > 0
  const name = (e) => {
    const text = e.getAttribute('aria-label') || e.textContent || e.title || e.id
    return `<${e.localName} ${e.getAttribute('role') ?? ''}> ${text.trim().slice(0, 40)}`
  }
  document.activeElement?.blur()
  const all = [...document.querySelectorAll(LEAVES)].filter(seen)
  const looks = new Map(all.map((e) => [e, look(e)]))
  const stops = new Set(), plain = []
  let again = false
  addEventListener('focusin', ({target}) => {
    if (stops.has(target)) again = true
    else if (looks.get(target) === look(target)) plain.push(name(target))
    stops.add(target)
  })
  window.tour = () => {
    const group = (e) => e.type === 'radio' && e.name ? `radio ${e.name}` : e.closest(GROUPS)
    const entered = new Set([...stops].map(group).filter(Boolean))
    const missed = all.filter((e) => e.isConnected && seen(e) && !stops.has(e) &&
      !entered.has(group(e))).map(name)
    const done = again || (stops.size > 0 && document.activeElement === document.body)
    return {done, stops: stops.size, missed, plain}
  }
}"""


@every_page
def test_everything_is_reached_by_tab_and_shows_it(page: Page, name: str):
    """Inside of a grid, a tree or a menu, arrows go on: one stop is enough there."""
    page.open(PAGES[name].hash(page.site))
    page.evaluate(_WATCH_FOCUS)
    for _ in range(40):
        for _ in range(10):
            page.keyboard.down("Tab")
        tour = page.evaluate("() => tour()")
        if tour["done"]:
            break
    assert tour["done"], "Tab does not come to an end"
    assert tour["stops"]
    assert tour["missed"] == [], "not reached by Tab"
    assert tour["plain"] == [], "focus cannot be seen"
