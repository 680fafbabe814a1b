"""A page in a real browser that remembers everything that goes wrong, and what it costs."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.conftest import Server
from tests.optional import missing, optional
from tests.ui.seed import Seed

if TYPE_CHECKING:
    from mlflow import MlflowClient

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-domain-reliability",
    "--no-pings",
    "--no-proxy-server",
    # Whatever a page asks for, no name is looked up and nobody else is called.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
)
WIDTHS = (1440, 800)
THEMES = ("light", "dark")

_HEIGHTS = {1440: 900, 800: 900}
_PATIENCE = 30.0
"""Seconds for a page to come to rest; it says nothing of how long that takes on an idle machine."""
# The last two: what the browser itself is made of, such as its viewer of PDF files.
_OWN_SCHEMES = ("blob", "data", "about", "devtools", "chrome", "chrome-extension")
_WATCH = """
addEventListener('securitypolicyviolation', (e) =>
  console.error(`CSP violation: ${e.effectiveDirective} blocked ${e.blockedURI} ` +
    `at ${e.sourceFile}:${e.lineNumber} ${e.sample}`), true)
"""
_REST = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(
  () => requestIdleCallback(done, {timeout: 300}))))"""
_FRAME = "() => new Promise((done) => setTimeout(done, 20))"
_CSP = re.compile(r"content security policy|\bCSP\b", re.IGNORECASE)


#: For what counts milliseconds: a test must not depend on how busy the machine is.
timed = pytest.mark.skipif(
    os.environ.get("HEADRACE_BUDGETS") != "1",
    reason="by command: HEADRACE_BUDGETS=1, on a machine with nothing else to do",
)


def chromium(whole: bool = False) -> str | None:
    """The browser's program, or None: also where HEADRACE_CHROMIUM is `none`.

    Args:
        whole: With all that a user's has, such as a viewer of PDF files.
    """
    given = os.environ.get("HEADRACE_CHROMIUM")
    if given == "none":
        return None
    # It has no windows, which the others make and never show: a third less CPU.
    shell = () if whole else ("chromium-headless-shell",)
    names = ("chromium", "chromium-browser", "google-chrome")
    found = (shutil.which(name) for name in shell + names)
    return given or next(filter(None, found), None)


@contextlib.contextmanager
def launched(flags: Iterable[str] = FLAGS, whole: bool = False) -> Iterator[Any]:
    """A browser of Playwright's; skips, or fails in CI, where there is none.

    One at a time in a process, and no longer than a module's tests: while it is there, asyncio
    takes this thread for one whose event loop is running.

    Args:
        whole: As for `chromium`.
    """
    sync_api = optional("playwright.sync_api")
    program = chromium(whole)
    if program is None:
        missing("Chromium", "none is on PATH, and HEADRACE_CHROMIUM names none")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(flags))
        yield browser
        browser.close()


def _short(error: Any) -> str:
    """An error with the first lines of its stack."""
    return "\n".join((error.stack or str(error)).splitlines()[:6])


def expect(what: Any) -> Any:
    """Playwright's `expect`, which waits; it also takes a `Page` of ours."""
    ask = optional("playwright.sync_api").expect
    ask.set_options(timeout=1000 * _PATIENCE)
    return ask(what.page if isinstance(what, Page) else what)


@dataclass
class Site:
    """A server with a seeded store."""

    server: Server
    seed: Seed

    @property
    def uri(self) -> str:
        return self.server.uri

    @property
    def client(self) -> MlflowClient:
        """For changes behind the page's back."""
        from mlflow import MlflowClient

        return MlflowClient(self.uri)

    def run(self, name: str) -> str:
        """The hash of the page of a run, by the name that the seed gave it."""
        run_id = self.seed.runs[name]
        experiment = self.client.get_run(run_id).info.experiment_id
        return f"#/experiments/{experiment}/runs/{run_id}"


@dataclass
class _Expected:
    """What a test announced."""

    statuses: dict[tuple[int, str], int] = field(default_factory=dict)
    """How often each (status, part of the URL) was answered."""
    allowed: set[tuple[int, str]] = field(default_factory=set)
    console: list[re.Pattern] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)
    offline: bool = False


class Sent(NamedTuple):
    """A request that the page made."""

    method: str
    url: str
    kind: str
    """`document`, `script`, `stylesheet`, `fetch`, `eventsource`, …"""

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def is_api(self) -> bool:
        return self.kind in ("fetch", "xhr")


class Page:
    """Playwright's page (every attribute that is not here is its), on a server of ours.

    Args:
        width: Of the window, in CSS pixels.
        theme: `light` or `dark`: what the system prefers.
        bypass_csp: Let the test put scripts into the page, which the policy forbids.
    """

    def __init__(
        self,
        browser: Any,
        site: Site,
        *,
        width: int = 1440,
        theme: str = "light",
        bypass_csp: bool = False,
        base: str = "",
        **options: Any,
    ):
        self.site = site
        self.width, self.theme = width, theme
        self.base = f"{site.uri}{base}/"
        self.sent: list[Sent] = []
        """Every request since `open` or the last `clear()`."""
        self._problems: Counter[str] = Counter()
        self._expected = _Expected()
        self._in_flight: set[Any] = set()
        self.context = browser.new_context(
            viewport={"width": width, "height": _HEIGHTS.get(width, 900)},
            color_scheme=theme,
            reduced_motion="reduce",
            locale="en-US",
            timezone_id="Europe/Zurich",
            bypass_csp=bypass_csp,
            **options,
        )
        self.context.add_init_script(_WATCH)
        self._watch()
        self.page = self.context.new_page()

    def __getattr__(self, name: str) -> Any:
        if name == "page" or name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.page, name)

    def close(self) -> None:
        self.context.close()

    # What goes wrong

    def _watch(self) -> None:
        on = self.context.on
        on("weberror", lambda e: self._on_error(_short(e.error)))
        on("console", lambda message: self._on_console(message))
        on("request", lambda request: self._on_request(request))
        on("response", lambda response: self._on_response(response))
        on("requestfinished", lambda request: self._in_flight.discard(request))
        on("requestfailed", lambda request: self._on_failed(request))
        on("dialog", lambda dialog: self._on_dialog(dialog))

    def _note(self, problem: str) -> None:
        self._problems[problem] += 1

    def _on_error(self, text: str) -> None:
        if not any(pattern.search(text) for pattern in self._expected.console):
            self._note(f"error in the page: {text}")

    def _on_console(self, message: Any) -> None:
        text = message.text
        if message.type != "error" and not (message.type == "warning" and _CSP.search(text)):
            return
        if text.startswith("Failed to load resource"):
            return  # what it was is known by the response, or by the request that failed
        if any(pattern.search(text) for pattern in self._expected.console):
            return
        where = message.location
        self._note(f"console {message.type}: {text} ({where.get('url')}:{where.get('lineNumber')})")

    def _on_request(self, request: Any) -> None:
        self.sent.append(Sent(request.method, request.url, request.resource_type))
        if request.resource_type != "eventsource":
            self._in_flight.add(request)
        url = urlsplit(request.url)
        origin = f"{url.scheme}://{url.netloc}"
        if url.scheme in _OWN_SCHEMES or origin in (self.site.uri, *self._expected.origins):
            return
        self._note(f"request to another origin: {request.method} {request.url}")

    def _on_response(self, response: Any) -> None:
        if response.status < 400:
            return
        for status, part in self._expected.allowed:
            if response.status == status and part in response.url:
                return
        for status, part in self._expected.statuses:
            if response.status == status and part in response.url:
                self._expected.statuses[status, part] += 1
                return
        self._note(f"answered {response.status}: {response.request.method} {response.url}")

    def _on_failed(self, request: Any) -> None:
        self._in_flight.discard(request)
        why = request.failure or ""
        if why == "csp":  # a policy stopped it before it left; if it was ours, the console says so
            problem = f"request to another origin: {request.method} {request.url}"
            self._problems[problem] -= 1
            self._problems += Counter()  # those that are left
            stopped = Sent(request.method, request.url, request.resource_type)
            if stopped in self.sent:
                self.sent.remove(stopped)
            return
        # What is left when a page is left, or a request that is no longer wanted.
        if "ERR_ABORTED" in why or self._expected.offline:
            return
        if urlsplit(request.url).scheme in _OWN_SCHEMES or not request.url.startswith(self.base):
            return  # noted as a request to another origin
        self._note(f"request failed: {request.method} {request.url}: {why}")

    def _on_dialog(self, dialog: Any) -> None:
        self._note(f"{dialog.type} dialog: {dialog.message}")
        dialog.dismiss()

    def problems(self) -> list[str]:
        """All that went wrong and was not announced, and what was announced and did not come."""
        found = [text if n == 1 else f"{text} ({n} times)" for text, n in self._problems.items()]
        for (status, part), times in self._expected.statuses.items():
            if not times:
                found.append(f"no answer {status} came from a URL with '{part}'")
        with contextlib.suppress(Exception):  # the page may be closed, or be elsewhere
            if (pwned := self.page.evaluate("() => window.pwned")) is not None:
                found.append(f"a hostile script ran: {pwned}")
        return found

    def expect_status(self, status: int, part: str = "") -> None:
        """Announce an answer from a URL that has `part` in it; the test fails if none comes."""
        self._expected.statuses.setdefault((status, part), 0)

    def allow_status(self, status: int, part: str = "") -> None:
        """Let such answers pass, whether one comes or not."""
        self._expected.allowed.add((status, part))

    def allow_console(self, pattern: str) -> None:
        """Let pass complaints and errors with this regular expression in them, such as what the
        browser says of a script that the sandbox stopped."""
        self._expected.console.append(re.compile(pattern))

    def allow_origin(self, origin: str) -> None:
        """Let requests to this origin pass, such as `http://127.0.0.1:8123`."""
        self._expected.origins.append(origin)

    @contextlib.contextmanager
    def offline(self) -> Iterator[None]:
        """Inside the block, requests may fail, since the test has stopped the server."""
        self._expected.offline = True
        self.allow_console(r"ERR_CONNECTION_REFUSED|Failed to fetch|net::ERR")
        try:
            yield
        finally:
            self._expected.offline = False

    def report(self, test: str) -> str:
        """What a failed test should show: where it was, what went wrong, a picture."""
        lines = [f"at {self.page.url} ({self.width} px, {self.theme})", *self.problems()]
        with contextlib.suppress(Exception):
            name = re.sub(r"[^\w.=-]+", "_", test)
            lines.append(f"picture: {self._save(f'failed-{name}')}")
        return "\n".join(lines)

    # Going about

    def open(self, path: str = "#/", *, cold: bool = True) -> Page:
        """Go to a hash such as `#/experiments/1` or a path, and wait until the page is at rest.

        Args:
            cold: As from a link in a mail; False to change only the hash of the page that is open.
        """
        if cold:
            self.page.goto("about:blank")
        self.sent.clear()
        self.page.goto(self.base + path)
        return self.settle()

    def reload(self) -> Page:
        self.page.reload()
        return self.settle()

    def settle(self) -> Page:
        """Wait until nothing is asked of the server and the page has drawn what came."""
        deadline, quiet = time.monotonic() + _PATIENCE, 0
        while quiet < 2:
            self.page.evaluate(_REST)
            quiet = 0 if self._in_flight else quiet + 1
            if time.monotonic() > deadline:
                waiting = [request.url for request in self._in_flight]
                raise AssertionError(f"{self.page.url} does not come to rest: {waiting}")
        return self

    def wait_for(self, condition: Callable[[], Any], patience: float = _PATIENCE) -> Any:
        """What `condition` gives, as soon as it is true; the page goes on in the meantime. For
        what playwright's `expect` does not know."""
        deadline = time.monotonic() + patience
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {patience} s: {condition}\n{self.problems()}")
            self.page.evaluate(_FRAME)
        return value

    @property
    def hash(self) -> str:
        """From the `#` on, as the page has it: Playwright hears of changes a little later."""
        return self.page.evaluate("() => location.hash") or "#"

    def clear(self) -> None:
        """Forget the requests that were made."""
        self.sent.clear()

    def api_calls(self) -> list[Sent]:
        """The requests to the API since `open` or `clear()`."""
        return [sent for sent in self.sent if sent.is_api]

    def set_theme(self, theme: str) -> None:
        """As if the system's preference changed."""
        self.theme = theme
        self.page.emulate_media(color_scheme=theme)

    def set_width(self, width: int) -> None:
        self.width = width
        self.page.set_viewport_size({"width": width, "height": _HEIGHTS.get(width, 900)})

    # Pictures

    def keep(self, name: str) -> None:
        """Keep pictures of the page in both themes and widths, where HEADRACE_SCREENSHOTS names a
        folder: `name-light-1440.png`, …"""
        if not os.environ.get("HEADRACE_SCREENSHOTS"):
            return
        theme, width = self.theme, self.width
        for self.width in WIDTHS:
            self.set_width(self.width)
            for each in THEMES:
                self.set_theme(each)
                self.settle()
                self._save(f"{name}-{each}-{self.width}")
        self.set_theme(theme)
        self.set_width(width)

    def keep_one(self, name: str) -> None:
        """Keep one picture of the page as it is."""
        if os.environ.get("HEADRACE_SCREENSHOTS"):
            self._save(f"{name}-{self.theme}-{self.width}")

    def _save(self, name: str) -> Path | None:
        if not (folder := os.environ.get("HEADRACE_SCREENSHOTS")):
            return None
        path = Path(folder, f"{name}.png")
        self.page.screenshot(path=path, animations="disabled")
        return path

    # What it costs

    def probe(self) -> Probe:
        """Measures of this page from now on."""
        return Probe(self)


class Cost(NamedTuple):
    """CPU of the page's main thread, in milliseconds."""

    task: float
    """All of it."""
    script: float
    style: float
    layout: float

    @property
    def work(self) -> float:
        """Script, style and layout."""
        return self.script + self.style + self.layout


class Probe:
    """Measures by the browser's own instruments."""

    def __init__(self, page: Page):
        self.page = page
        self.cdp = page.context.new_cdp_session(page.page)
        self.encoded: dict[str, int] = {}
        """Bytes that came over the wire, by URL, since the probe was made or `forget()`."""
        self._urls: dict[str, str] = {}
        # CPU, not time that passes: other processes share the machine.
        self.cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
        self.cdp.on("Network.requestWillBeSent", self._on_sent)
        self.cdp.on("Network.loadingFinished", self._on_finished)
        self.cdp.send("Network.enable")
        self._before = self._metrics()

    def _on_sent(self, event: dict) -> None:
        self._urls[event["requestId"]] = event["request"]["url"]

    def _on_finished(self, event: dict) -> None:
        url = self._urls.get(event["requestId"], "")
        self.encoded[url] = self.encoded.get(url, 0) + int(event["encodedDataLength"])

    def _metrics(self) -> dict[str, float]:
        said = self.cdp.send("Performance.getMetrics")["metrics"]
        return {metric["name"]: metric["value"] for metric in said}

    def forget(self) -> None:
        """Measure from here."""
        self.encoded.clear()
        self._before = self._metrics()

    def cost(self) -> Cost:
        """CPU since the probe was made or `forget()`."""
        now = self._metrics()
        names = ("TaskDuration", "ScriptDuration", "RecalcStyleDuration", "LayoutDuration")
        return Cost(*(1000 * (now[name] - self._before.get(name, 0)) for name in names))

    def heap(self) -> int:
        """Bytes of live objects, after collecting the others."""
        for _ in range(2):
            self.cdp.send("HeapProfiler.collectGarbage")
        return int(self.cdp.send("Runtime.getHeapUsage")["usedSize"])

    def nodes(self) -> int:
        """Elements, and texts that are not blank, in the document. What a framework leaves to mark
        places, comments and empty texts, is not counted."""
        return self.page.evaluate(
            """() => {
              let count = 0
              const walk = document.createTreeWalker(document, 5)  // elements and texts
              while (walk.nextNode()) {
                if (walk.currentNode.nodeType === 1 || walk.currentNode.data.trim()) count += 1
              }
              return count
            }"""
        )

    def no_cache(self) -> None:
        """Ask the server for everything again, as a first visit does."""
        self.cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})
