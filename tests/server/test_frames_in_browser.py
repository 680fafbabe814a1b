"""What documents that somebody has stored can do in a real browser: nothing that their reader did
not ask for, and nothing outside of their frame."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Iterator
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from tests.optional import optional
from tests.server import hostile
from tests.server.test_artifact_routes import serving, upload
from tests.ui.browser import launched

# Not those of `tests.ui.browser`: it keeps its browser from all names and ports but the server's.
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--no-proxy-server"),
)
CLICKED = ("submit", "link", "blank", "self", "ping", "download")
FRAME = """([url, sandbox]) => {
  window.messages ??= []
  onmessage = (e) => messages.push(e.data)
  localStorage.setItem('secret', 'mine')
  document.cookie = 'secret=mine'
  const frame = document.createElement('iframe')
  frame.width = frame.height = 400
  if (sandbox !== null) frame.setAttribute('sandbox', sandbox)
  const done = new Promise((y) => { frame.onload = y })
  frame.src = url
  document.body.append(frame)
  return done.then(() => null)
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with launched(FLAGS, whole=True) as browser:
        yield browser


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator:
    """A server, a run, and a canary."""
    with serving(tmp_path_factory.mktemp("served")) as server, hostile.canary() as canary:
        yield SimpleNamespace(
            server=server,
            run_id=server.new_run(),
            canary=canary,
            url=f"http://127.0.0.1:{canary.port}",
            origin=f"http://127.0.0.1:{server.port}",
        )


@pytest.fixture
def page(browser, served) -> Iterator:
    """The page of the UI, where the frames are."""
    context = browser.new_context()
    page = context.new_page()
    page.dialogs, page.downloads = [], []
    page.on("dialog", lambda d: (page.dialogs.append(d.message), d.dismiss()))
    page.on("download", lambda d: page.downloads.append(d.url))
    page.goto(f"{served.origin}/")
    served.canary.heard.clear()
    yield page
    context.close()


def view(served, name: str, content: str | bytes, scripts: bool = False) -> str:
    """The path of a document in a frame."""
    data = content if isinstance(content, bytes) else content.encode()
    assert upload(served.server, served.run_id, name, data).status == 200
    query = f"run_id={served.run_id}&path={quote(name)}&scripts={str(scripts).lower()}"
    return f"/ajax-api/ui/artifacts/view?{query}"


def rest(page) -> None:
    """Let what was begun go on for as long as an answer of this machine may take."""
    page.evaluate("async () => { for (let i = 0; i < 3; i++) await fetch('/health') }")
    page.wait_for_timeout(400)


def messages(page) -> list:
    """What frames have told the page, once one of them did. The page's policy forbids Playwright's
    own way of waiting."""
    for _ in range(400):
        if told := page.evaluate("messages"):
            return told
        page.wait_for_timeout(50)
    pytest.fail("no frame said anything")


def assert_nothing_happened(page, served, but: tuple[str, ...] = ()) -> None:
    """No byte was sent, and the page is as it was.

    Chromium may open a connection when a frame wants to go somewhere, before the page's policy
    forbids it; nothing is sent on it.
    """
    assert [x for x in served.canary.heard if x not in ("connected", *but)] == []
    assert page.url == f"{served.origin}/"
    assert page.dialogs == [] and page.downloads == []
    assert len(page.context.pages) == 1
    for frame in page.frames[1:]:
        assert str(served.canary.port) not in frame.url


# -- without scripts -------------------------------------------------------------------------------


@pytest.mark.parametrize("sandbox", [None, ""])
def test_no_script_runs(page, served, sandbox):
    for name, document in hostile.scripted().items():
        page.evaluate(FRAME, [view(served, name, document), sandbox])
    rest(page)
    assert page.evaluate("messages") == []
    assert_nothing_happened(page, served)


@pytest.mark.parametrize("name", ["script.html", "event.html", "module.html", "script.svg"])
def test_these_scripts_run_when_they_are_asked_for(page, served, name):
    """So that the test above sees what it should."""
    url = view(served, name, hostile.scripted()[name], scripts=True)
    page.evaluate(FRAME, [url, "allow-scripts"])
    assert set(messages(page)) == {hostile.MARK}


@pytest.mark.parametrize("scripts", [False, True])
def test_markup_loads_and_sends_nothing(page, served, scripts):
    for name, document in hostile.markup(served.url).items():
        if name.partition(".")[0] not in CLICKED:
            page.evaluate(FRAME, [view(served, name, document, scripts), None])
    rest(page)
    assert_nothing_happened(page, served)


@pytest.mark.parametrize("scripts", [False, True])
@pytest.mark.parametrize("name", CLICKED)
def test_clicks_lead_nowhere(page, served, name, scripts):
    document = hostile.markup(served.url)[f"{name}.html"]
    page.evaluate(FRAME, [view(served, f"{name}.html", document, scripts), None])
    page.frame_locator("iframe").locator("#go").click()
    rest(page)
    assert_nothing_happened(page, served)


# -- with scripts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("sandbox", [None, "allow-scripts"])
def test_script_gets_at_nothing(page, served, sandbox):
    """All but WebRTC, which no header keeps from sending packets."""
    attempts = {k: v for k, v in hostile.ATTEMPTS.items() if k != "webrtc"}
    document = hostile.program(served.url, served.origin, attempts)
    page.evaluate(FRAME, [view(served, "program.html", document, True), sandbox])
    (told,) = messages(page)
    assert told == {"ran": hostile.MARK, "origin": "null", "got": {}}
    rest(page)
    assert_nothing_happened(page, served)
    path = "/api/2.0/mlflow/experiments/get-by-name?experiment_name=stolen"
    assert served.server.ask("GET", path).status == 404


def test_these_attempts_succeed_in_a_page_of_ours(page, served):
    """So that the test above tries what it should."""
    names = (
        *("cookie", "localStorage", "parent", "fetch-api", "fetch-write", "indexedDB"),
        *("caches", "parent-location", "fetch-no-cors"),
    )
    attempts = {name: hostile.ATTEMPTS[name] for name in names}
    got = page.evaluate(
        """async ([tries, c, o]) => {
          localStorage.setItem('secret', 'mine')
          const got = []
          const works = tries.map(([name, code]) => [name, eval(`() => Promise.resolve(${code})`)])
          for (const [name, work] of works) {
            try { await work(); got.push(name) } catch {}
          }
          return got
        }""",
        [[[k, v.replace("stolen", "made")] for k, v in attempts.items()], "", served.origin],
    )
    assert sorted(got) == sorted(names)


@pytest.mark.parametrize(
    "where", ["location = c + '/nav'", "location.replace('data:text/html,x')", "open(c, '_self')"]
)
def test_frame_cannot_be_led_away(page, served, where):
    document = f"<script>const c = {served.url!r}; {where}</script>"
    page.evaluate(FRAME, [view(served, "nav.html", document, True), "allow-scripts"])
    rest(page)
    assert_nothing_happened(page, served)


def test_frame_that_is_led_to_our_page_stays_nobody(page, served):
    """With the attribute that all frames but those of PDF files must have."""
    document = "<script>location = '/'</script>"
    page.evaluate(FRAME, [view(served, "home.html", document, True), "allow-scripts"])
    frame = page.frames[1]
    frame.wait_for_url(f"{served.origin}/")
    assert frame.evaluate("self.origin") == "null"


@pytest.mark.parametrize("scripts", [False, True])
@pytest.mark.parametrize("name", ["x.html", "x.svg"])
def test_in_a_window_of_its_own_it_is_a_download(page, served, name, scripts):
    url = served.origin + view(served, name, "<script>document.title = 'ran'</script>", scripts)
    stored = f"{served.origin}/get-artifact?run_id={served.run_id}&path={name}"
    for one in (url, stored):
        with page.expect_download() as download:
            page.evaluate("(url) => { location = url }", one)
        assert download.value.suggested_filename == name
    assert page.url == f"{served.origin}/"


def test_other_sites_cannot_frame_it(page, served):
    url = served.origin + view(served, "x.html", "<p>secret</p>")
    other = f"http://localhost:{served.server.port}/"  # another origin, the same server
    page.goto(other)
    page.evaluate(FRAME, [url, None])
    rest(page)
    assert page.frames[1].url.startswith("chrome-error:")


# -- what must work --------------------------------------------------------------------------------


def test_styled_document_is_shown(page, served):
    pixel = "data:image/png;base64," + base64.b64encode(png(3, 2)).decode()
    document = (
        "<style>p{color:rgb(1, 2, 3)}</style><p style='font-size:30px'>grüß dich</p>"
        f"<img src='{pixel}'>"
    )
    page.evaluate(FRAME, [view(served, "nice.html", document), ""])
    frame = page.frame_locator("iframe")
    text = frame.locator("p")
    assert text.inner_text() == "grüß dich"
    assert text.evaluate("(p) => [getComputedStyle(p).color, getComputedStyle(p).fontSize]") == [
        "rgb(1, 2, 3)",
        "30px",
    ]
    assert frame.locator("img").evaluate("(i) => [i.naturalWidth, i.naturalHeight]") == [3, 2]


def test_plot_of_plotly_runs_and_can_be_used(page, served):
    plotly = optional("plotly.graph_objects")
    figure = plotly.Figure(plotly.Scatter(x=[1, 2, 3], y=[4, 1, 2]), {"hovermode": "x"})
    document = figure.to_html(include_plotlyjs=True)
    assert len(document) > 1 << 20
    page.evaluate(FRAME, [view(served, "plot.html", document, True), "allow-scripts"])
    frame = page.frame_locator("iframe")
    frame.locator(".scatterlayer .trace").wait_for(timeout=30_000, state="attached")
    assert frame.locator(".xtick").count() > 2
    frame.locator(".nsewdrag").first.hover()
    frame.locator(".hoverlayer .hovertext").first.wait_for(state="attached")
    assert_nothing_happened(page, served)


def test_svg_of_matplotlib_is_shown(page, served):
    optional("matplotlib").use("agg")
    import io

    from matplotlib.figure import Figure

    figure, out = Figure(), io.BytesIO()
    figure.subplots().plot([1, 2])
    figure.savefig(out, format="svg")
    page.evaluate(FRAME, [view(served, "plot.svg", out.getvalue()), ""])
    path = page.frame_locator("iframe").locator("#line2d_1, path").first
    assert path.evaluate("(p) => getComputedStyle(p).fill") is not None
    url = f"/get-artifact?run_id={served.run_id}&path=plot.svg"
    width = page.evaluate(
        "(url) => new Promise((y) => { const i = new Image(); i.onload = () => y(i.naturalWidth);"
        " i.onerror = () => y(0); i.src = url })",
        url,
    )
    assert width > 100


@pytest.mark.parametrize(
    "actions",
    [
        "",
        "/OpenAction<</S/URI/URI({}/uri)>>",
        "/OpenAction<</S/JavaScript/JS(app.alert\\('x'\\);app.launchURL\\('{}/launch', true\\);"
        "this.submitForm\\('{}/submit'\\);this.getURL\\('{}/get'\\))>>",
        "/OpenAction<</S/SubmitForm/F<</FS/URL/F({}/form)>>>>/AcroForm<</Fields[]>>",
        "/OpenAction<</S/Launch/F({}/run)>>",
        "/OpenAction<</S/GoToR/F<</FS/URL/F({}/there)>>/D[0 /Fit]>>",
    ],
)
def test_pdf_file_is_shown_and_does_nothing_else(page, served, actions):
    content = hostile.pdf(actions.replace("{}", served.url).encode())
    page.evaluate(FRAME, [view(served, "x.pdf", content), None])
    # the viewer is an extension, in a frame inside the frame
    for _ in range(600):
        if any(frame.url.startswith("chrome-extension:") for frame in page.frames):
            break
        page.wait_for_timeout(50)
    else:
        pytest.fail("no viewer")
    page.wait_for_timeout(1000)
    # app.alert is a window of the viewer's own, and the reader's to close
    page.dialogs.clear()
    assert_nothing_happened(page, served)


# -- images and sounds on our pages ----------------------------------------------------------------


def png(width: int, height: int) -> bytes:
    """A grey picture."""
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    rows = b"".join(b"\0" + b"\x80" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def wav(seconds: float) -> bytes:
    """A tone."""
    rate = 8000
    count = int(rate * seconds)
    data = b"".join(struct.pack("<h", int(9000 * math.sin(i / 9))) for i in range(count))
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(data),
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        rate,
        rate * 2,
        2,
        16,
        b"data",
        len(data),
    )
    return head + data


def picture(form: str) -> bytes:
    if form == "png":
        return png(7, 5)
    if form == "svg":
        say = "<script>fetch('/x')</script>"
        return f"<svg xmlns='http://www.w3.org/2000/svg' width='7' height='5'>{say}</svg>".encode()
    import io

    out = io.BytesIO()
    optional("PIL.Image").new("RGB", (7, 5)).save(out, form)
    return out.getvalue()


@pytest.mark.parametrize("form", ["png", "svg", "gif", "jpeg", "webp", "bmp"])
def test_pictures_are_shown_on_our_pages(page, served, form):
    upload(served.server, served.run_id, f"p.{form}", picture(form))
    size = page.evaluate(
        """(url) => new Promise((y) => { const i = new Image()
          i.onload = () => y([i.naturalWidth, i.naturalHeight]); i.onerror = () => y(null)
          i.src = url })""",
        f"/get-artifact?run_id={served.run_id}&path=p.{form}",
    )
    assert size == [7, 5]


def test_sounds_are_played_from_any_place(page, served):
    upload(served.server, served.run_id, "a.wav", wav(100))
    found = page.evaluate(
        """(url) => new Promise((y) => { const a = new Audio(url)
          a.onerror = () => y(null)
          a.onloadedmetadata = () => { a.currentTime = 90 }
          a.onseeked = () => y([Math.round(a.duration), Math.round(a.currentTime)]) })""",
        f"/get-artifact?run_id={served.run_id}&path=a.wav",
    )
    assert found == [100, 90]
