"""No page has a fault that axe calls serious, in light or dark."""

from __future__ import annotations

from functools import cache

import pytest

from tests.optional import missing
from tests.ui.browser import THEMES, Page
from tests.ui.conftest import ROOT
from tests.ui.pages import PAGES

_RUN = """() => axe.run(document, {resultTypes: ['violations'], iframes: false}).then((found) =>
  found.violations.filter((each) => ['serious', 'critical'].includes(each.impact))
    .flatMap((each) => each.nodes.map((node) =>
      `${each.id}: ${node.target.join(' ')}: ${node.failureSummary.replace(/\\s+/g, ' ')}`)))"""


@cache
def axe() -> str:
    """The source of axe-core."""
    file = ROOT / "ui/node_modules/axe-core/axe.min.js"
    if not file.is_file():
        missing("axe-core", "`npm --prefix ui ci` installs it")
    return file.read_text()


def faults(page: Page) -> list[str]:
    """What axe finds on the page as it is."""
    page.evaluate(axe())  # by the debugger, which the page's policy does not concern
    return page.evaluate(_RUN)


@pytest.mark.parametrize("name", PAGES)
def test_no_serious_fault(page: Page, name: str):
    page.open(PAGES[name].hash(page.site))
    found = []
    for theme in THEMES:
        page.set_theme(theme)
        page.settle()
        found += [f"{theme}: {fault}" for fault in faults(page)]
    assert not found, "\n".join(found)


def test_axe_finds_a_fault(page: Page):
    page.open("#/settings")
    page.evaluate(
        """() => {
          const pale = document.createElement('p')
          pale.textContent = 'cannot be read'
          pale.style.color = '#eee'
          pale.style.background = '#fff'
          document.querySelector('main').append(pale, document.createElement('button'))
        }"""
    )
    found = {fault.partition(":")[0] for fault in faults(page)}
    assert {"color-contrast", "button-name"} <= found
